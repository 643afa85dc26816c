"""Settings: an invalid one stops the start and is named; secrets are never shown."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from bot.config import CHANNEL_SETTINGS, SECRET_SETTINGS, Config, SettingsError, load_config
from bot.devtools.simulator import Cloud
from bot.server import serving_bot
from bot.texts import say
from tests.bot.processes import program

NO_DOTENV = Path("/nowhere/.env")
SECRET = "secret-of-the-test"
LONG_SECRET = "-".join([SECRET] * 3)
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
APP = {
    "WECOM_CORP_ID": "ww1",
    "WECOM_AGENT_ID": "1000002",
    "WECOM_APP_SECRET": SECRET,
    "WECOM_CALLBACK_TOKEN": SECRET,
    "WECOM_ENCODING_AES_KEY": KEY,
}


def refusal(environment: dict[str, str], dotenv: Path = NO_DOTENV) -> str:
    with pytest.raises(SettingsError) as found:
        load_config(environment, dotenv)
    shown = "".join(traceback.format_exception(found.value)) + repr(found.value)
    assert SECRET not in shown
    return str(found.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://host/db"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "patrol.db"),
        ("OBJECT_STORE_URL", "ftp://host"),
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "²"),
        ("PUBLIC_URL", "patrol.example.org"),
        ("PUBLIC_URL", "https://"),
        ("TIMEZONE", "Mars/Olympus"),
        ("TIMEZONE", "../etc/passwd"),
        ("WECOM_API_URL", "http://host:99999"),
        ("WECOM_API_URL", "qyapi.weixin.qq.com"),
        ("WECOM_AGENT_ID", "abc"),
    ],
)
def test_a_wrong_value_is_reported_with_what_is_expected(name: str, value: str) -> None:
    line = refusal({name: value})
    expected = say(str(Config.model_fields[name].description))
    assert (name in line, value in line, expected in line, "\n" in line) == (True, True, True, False)


@pytest.mark.parametrize(
    "environment",
    [
        {"WECOM_ENCODING_AES_KEY": SECRET},
        {"WECOM_ENCODING_AES_KEY": SECRET.ljust(43, "!")},
        {"WECOM_ENCODING_AES_KEY": "密" * 43},
        {"ALERT_FALLBACK_URLS": SECRET},
        {"DATABASE_URL": f"postgresql://patrol:{SECRET}@host/db"},
        {"DATABASE_URL": f"postgresql+psycopg://patrol:{SECRET}@host:port/db"},
        {"DATABASE_URL": f"mysql://host/db?password={SECRET}"},
        {"WECOM_API_URL": f"ftp://me:{SECRET}@host"},
        {"SECRET_KEY": SECRET},
    ],
    ids=range(9),
)
def test_an_invalid_secret_is_not_shown(environment: dict[str, str]) -> None:
    line = refusal(environment)
    assert next(iter(environment)) in line


def test_a_valid_secret_is_not_shown() -> None:
    config = load_config(
        {
            **APP,
            "DATABASE_URL": f"postgresql+psycopg://p:{SECRET}@h/d",
            "SECRET_KEY": LONG_SECRET,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "ALERT_FALLBACK_URLS": f"json://u:{SECRET}@h",
        },
        NO_DOTENV,
    )
    assert SECRET not in repr(config) + str(config)
    assert KEY not in repr(config) + str(config)


@pytest.mark.parametrize(
    ("channel", "name"), [(channel, name) for channel, names in CHANNEL_SETTINGS.items() for name in names]
)
def test_a_partly_configured_channel_stops_the_start(channel: str, name: str) -> None:
    whole = {key: KEY if key.endswith("AES_KEY") else "1" for key in CHANNEL_SETTINGS[channel]}
    line = refusal({key: value for key, value in whole.items() if key != name})
    assert (name in line, say(f"channel.{channel}") in line) == (True, True)


def test_a_channel_without_settings_is_off() -> None:
    assert (load_config({}, NO_DOTENV).wecom_app_configured, load_config(APP, NO_DOTENV).wecom_app_configured) == (
        False,
        True,
    )


@pytest.mark.parametrize("name", SECRET_SETTINGS)
def test_every_secret_can_be_read_from_a_file(name: str, tmp_path: Path) -> None:
    shapes = {"DATABASE_URL": "sqlite:///x.db", "ALERT_FALLBACK_URLS": "json://h", "SECRET_KEY": LONG_SECRET}
    value = KEY if name.endswith("AES_KEY") else shapes.get(name, SECRET)
    (tmp_path / "secret").write_text(value + "\n")
    channel = next((names for names in CHANNEL_SETTINGS.values() if name in names), ())
    rest = {key: KEY if key.endswith("AES_KEY") else "1" for key in channel if key != name}
    found = getattr(load_config({**rest, f"{name}_FILE": str(tmp_path / "secret")}, NO_DOTENV), name)
    found = found[0] if isinstance(found, tuple) else found
    assert (found if isinstance(found, str) else found.get_secret_value()) == value


def test_an_unreadable_secret_file_stops_the_start(tmp_path: Path) -> None:
    line = refusal({"SECRET_KEY_FILE": str(tmp_path / "gone")})
    assert ("SECRET_KEY_FILE" in line, str(tmp_path / "gone") in line) == (True, True)


def test_the_environment_has_precedence_over_the_dotenv_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=81\nHOST=0.0.0.0\nSECRET_KEY=written-in-the-dotenv-file-of-this-test\n")
    key = "read from the file that SECRET_KEY_FILE names"
    (tmp_path / "key").write_text(key)
    config = load_config({"PORT": "82", "SECRET_KEY_FILE": str(tmp_path / "key")}, dotenv)
    assert (config.PORT, config.HOST, config.SECRET_KEY.get_secret_value()) == (82, "0.0.0.0", key)


def test_an_empty_value_means_the_default() -> None:
    assert load_config({"PORT": "", "TIMEZONE": " "}, NO_DOTENV) == load_config({}, NO_DOTENV)


def test_fallback_urls_can_contain_commas() -> None:
    config = load_config({"ALERT_FALLBACK_URLS": "mailtos://u:p@h?to=a@x,b@y, json://h/p\n sms://z"}, NO_DOTENV)
    assert [url.get_secret_value() for url in config.ALERT_FALLBACK_URLS] == [
        "mailtos://u:p@h?to=a@x,b@y",
        "json://h/p",
        "sms://z",
    ]


def test_serving_needs_a_secret_key(tmp_path: Path) -> None:
    config = load_config({"DATABASE_URL": f"sqlite:///{tmp_path}/p.db"}, NO_DOTENV)
    with pytest.raises(SettingsError, match="SECRET_KEY"), serving_bot(config, migrate=True):
        pass
    assert not (tmp_path / "p.db").exists()


@pytest.mark.parametrize(("length", "accepted"), [(0, True), (1, False), (31, False), (32, True)])
def test_a_secret_key_has_at_least_32_characters(length: int, accepted: bool) -> None:
    settings = {"SECRET_KEY": "k" * length}
    if accepted:
        assert load_config(settings, NO_DOTENV).SECRET_KEY.get_secret_value() == "k" * length
    else:
        line = refusal(settings)
        assert ("SECRET_KEY" in line, "32" in line, "openssl rand -hex 32" in line) == (True, True, True)


@pytest.mark.slow
def test_the_program_ends_with_one_line_and_no_traceback(tmp_path: Path) -> None:
    with Cloud() as cloud, program(cloud, tmp_path) as made:
        for settings in ({"PORT": "x"}, {"SECRET_KEY": ""}, {"SECRET_KEY": "short"}):
            ended = made.run("serve", **settings)
            assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
            assert next(iter(settings)) in ended.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_secret_file_without_read_permission_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / "key").chmod(0)
    assert "SECRET_KEY_FILE" in refusal({"SECRET_KEY_FILE": str(tmp_path / "key")})
