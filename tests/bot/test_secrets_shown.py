"""No secret setting appears in representations, tracebacks, command output, pages or logs."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.channels.errors import ChannelError
from bot.channels.heartbeat import HeartbeatUrlChannel
from bot.channels.ssrf_guard import SsrfGuard
from bot.config import SECRET_SETTINGS, Config, SettingsError, load_config
from storage.outbound import OutboundMessage, TextPayload
from tests.bot.parts import Edge
from tests.bot.processes import ROOT
from tests.bot.test_secrets_in_logs import secrets_of

NAMED = {name: f"SECRET-OF-{name}" for name in SECRET_SETTINGS if name not in ("DATABASE_URL", "SECRET_KEY")}
AES = {name: f"{name:x<43}"[:43].replace("_", "x") for name in SECRET_SETTINGS if name.endswith("AES_KEY")}
MARKED = {
    **NAMED,
    **AES,
    "SECRET_KEY": "SECRET-OF-SECRET_KEY, which is long enough",
    "DATABASE_URL": "postgresql+psycopg://patrol:SECRET-OF-DATABASE@127.0.0.1:9/none",
    "ALERT_FALLBACK_URLS": "mailtos://patrol:SECRET-OF-MAIL@example.invalid",
    "HEARTBEAT_URL": "http://127.0.0.1:9/SECRET-OF-HEARTBEAT",
    "WECOM_CORP_ID": "ww1",
    "WECOM_AGENT_ID": "1",
    "WECOM_AIBOT_ID": "bot",
    "WECOM_KF_OPEN_KFID": "kf",
    "WECOM_MSGAUDIT_KEYS_DIR": "keys",
    "WECOM_MSGAUDIT_LIBRARY": "none.so",
    "OFFICIAL_ACCOUNT_APP_ID": "wx",
}


def shown(words: str) -> list[str]:
    """The secrets that stand in some words."""
    return sorted({*re.findall(r"SECRET-OF-[A-Z_]+", words), *(key for key in AES.values() if key in words)})


def test_settings_never_show_a_secret(tmp_path: Path) -> None:
    config = load_config(MARKED, tmp_path / "no.env")
    assert shown(f"{config!r} {config}") == []
    for name in Config.model_fields:
        told = failed({**MARKED, name: "::SECRET-OF-WRONG::"}, tmp_path)
        # What was found is shown, unless the setting itself is a secret.
        assert shown(told) in ([], ["SECRET-OF-WRONG"]), name
        assert "WRONG" not in told or name not in SECRET_SETTINGS or name == "DATABASE_URL"


def failed(settings: dict[str, str], folder: Path) -> str:
    """All that a traceback shows of settings that cannot be read."""
    try:
        load_config(settings, folder / "no.env")
    except SettingsError as error:
        return "".join(traceback.format_exception(error))
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("command", [["doctor"], ["night"], ["migrate"], ["serve"], ["report", "weekly"]])
def test_failing_commands_show_no_secret(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "bot", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **MARKED},
    )
    assert done.returncode == 1
    assert shown(done.stdout + done.stderr) == []
    assert "Traceback" not in done.stderr


def test_health_and_metrics_show_no_secret(edge: Edge) -> None:
    edge.cloud.phone("zhangsan").says("你好")
    edge.settle()
    edge.bot.channels.receivers["wecom_app"]._client.token()  # type: ignore[attr-defined]
    pages = "".join(edge.client.get(page).text for page in ("/metrics", "/health/ready", "/health/live", "/nowhere"))
    assert "patrol_token_remaining_seconds" in pages
    assert [secret for secret in secrets_of(edge) if secret in pages] == []


def test_failing_requests_show_no_url(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    # Put together here, for a traceback shows the lines of the test as well.
    near, far = (f"http://{host}/{'-'.join(('SECRET', 'OF', 'PATH'))}" for host in ("127.0.0.1:9", "nowhere.invalid"))
    message = OutboundMessage(payload=TextPayload(text="…"), sequence=0, first_sent_at=datetime.now(UTC))
    for act in (
        lambda: HeartbeatUrlChannel(near).send("", message, lambda _source: b""),
        lambda: SsrfGuard([near]).get_media(near),
        lambda: SsrfGuard([]).get_page(far),
    ):
        with pytest.raises(ChannelError) as found:
            act()
        assert shown("".join(traceback.format_exception(found.value, chain=True)) + found.value.detail) == []
    assert shown(caplog.text) == []
