"""Settings: from the environment or `.env`, read once, strictly. The environment wins.

A wrong value stops the start with the name of the setting, what was found and what is expected.
`NAME_FILE` may name a file that holds the value of a secret; secrets are never printed.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationError

from bot.texts import say


class SettingsError(Exception):
    """A setting that cannot be used; the message is one line for the person who set it."""


def _zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError from error


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    # Looking at the port checks it.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError
    return value.rstrip("/")


def _database(value: str) -> str:
    """In memory would mean: gone with the process, and another one for every connection."""
    embedded = value.startswith("sqlite:///") and value.removeprefix("sqlite:///") not in ("", ":memory:")
    if not embedded and not (value.startswith("postgresql+psycopg://") and urlsplit(value).port != 0):
        raise ValueError
    return value


def _objects(value: str) -> str:
    if not value.startswith(("file:", "s3://")):
        raise ValueError
    return value


def _aes_key(value: str) -> SecretStr:
    try:
        if value and len(base64.b64decode(value + "=")) != 32:
            raise ValueError
    except binascii.Error as error:
        raise ValueError from error
    if value and len(value) != 43:
        raise ValueError
    return SecretStr(value)


def _fallbacks(value: str) -> tuple[SecretStr, ...]:
    """Several addresses; a comma inside one, as between receivers, belongs to it."""
    urls = [url.strip() for url in re.split(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)", value.strip()) if url.strip()]
    if not all(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://\S", url) for url in urls):
        raise ValueError
    return tuple(SecretStr(url) for url in urls)


def _names(value: str) -> tuple[str, ...]:
    return tuple(piece.strip() for piece in value.replace("\n", ",").split(",") if piece.strip())


def _port(value: str) -> int:
    if not value.isdigit() or not 0 <= int(value) <= 65535:
        raise ValueError
    return int(value)


def _agent(value: str) -> int | None:
    if value and not value.isdigit():
        raise ValueError
    return int(value) if value else None


Secret = Annotated[SecretStr, BeforeValidator(SecretStr)]
AesKey = Annotated[SecretStr, BeforeValidator(_aes_key)]
WebAddress = Annotated[str, BeforeValidator(_web_address)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class Config(BaseModel):
    """Every setting by its name; `description` of a field names the sentence that says what is expected."""

    model_config = {"frozen": True, "arbitrary_types_allowed": True, "hide_input_in_errors": True}

    DATABASE_URL: Annotated[str, BeforeValidator(_database)] = Field(
        "sqlite:///var/patrol.db", description="settings.expect_database", repr=False
    )
    OBJECT_STORE_URL: Annotated[str, BeforeValidator(_objects)] = Field(
        "file:var/objects", description="settings.expect_objects"
    )
    S3_ENDPOINT_URL: str = ""
    S3_REGION: str = ""
    AWS_ACCESS_KEY_ID: str = ""
    AWS_SECRET_ACCESS_KEY: Secret = SecretStr("")
    HOST: str = "127.0.0.1"
    PORT: Annotated[int, BeforeValidator(_port)] = Field(8000, description="settings.expect_port")
    PUBLIC_URL: Annotated[str, BeforeValidator(lambda value: _web_address(value) if value else "")] = Field(
        "", description="settings.expect_address"
    )
    SECRET_KEY: Secret = SecretStr("")
    TIMEZONE: Annotated[ZoneInfo, BeforeValidator(_zone)] = Field(
        ZoneInfo("Asia/Shanghai"), description="settings.expect_zone"
    )
    WECOM_API_URL: WebAddress = Field("https://qyapi.weixin.qq.com", description="settings.expect_address")
    WECOM_CORP_ID: str = ""
    WECOM_AGENT_ID: Annotated[int | None, BeforeValidator(_agent)] = Field(None, description="settings.expect_number")
    WECOM_APP_SECRET: Secret = SecretStr("")
    WECOM_CALLBACK_TOKEN: Secret = SecretStr("")
    WECOM_ENCODING_AES_KEY: AesKey = Field(SecretStr(""), description="settings.expect_aes_key")
    WECOM_ACCEPTED_CORP_IDS: Names = ()
    EXECUTOR_ID: str = Field(default_factory=socket.gethostname)
    ALERT_FALLBACK_URLS: Annotated[tuple[SecretStr, ...], BeforeValidator(_fallbacks)] = Field(
        (), description="settings.expect_fallbacks"
    )

    @property
    def app_is_on(self) -> bool:
        """Whether the self-built app is configured."""
        return bool(self.WECOM_CORP_ID)

    @property
    def public_url(self) -> str:
        """The address people's phones reach, failing a setting the local one."""
        return self.PUBLIC_URL or f"http://{self.HOST}:{self.PORT}"


# A door is on when all of these are set and off when none is.
_APP = ("WECOM_CORP_ID", "WECOM_AGENT_ID", "WECOM_APP_SECRET", "WECOM_CALLBACK_TOKEN", "WECOM_ENCODING_AES_KEY")
# Doors and means of later versions: named so that setting one is not silently without effect.
NOT_YET = (
    "WECOM_AIBOT_ID", "WECOM_AIBOT_SECRET", "WECOM_AIBOT_URL", "WECOM_KF_SECRET", "WECOM_KF_TOKEN",
    "WECOM_KF_ENCODING_AES_KEY", "WECOM_KF_OPEN_KFID", "OFFICIAL_ACCOUNT_API_URL", "OFFICIAL_ACCOUNT_APP_ID",
    "OFFICIAL_ACCOUNT_APP_SECRET", "OFFICIAL_ACCOUNT_TOKEN", "OFFICIAL_ACCOUNT_ENCODING_AES_KEY",
    "WECOM_OAUTH_URL", "WECOM_QR_LOGIN_URL", "MEDIA_HOSTS", "HEARTBEAT_URL",
)  # fmt: skip
# The address of a database may hold a password.
SECRETS = (
    "DATABASE_URL",
    *(name for name, field in Config.model_fields.items() if "SecretStr" in repr(field.annotation)),
)


def load(environment: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Config:
    """The settings of this process. Raises SettingsError."""
    given = dict(os.environ if environment is None else environment)
    written = {name: value or "" for name, value in dotenv_values(dotenv).items()} if dotenv.is_file() else {}
    values = {**_resolved(written), **_resolved(given)}
    known = {name: value.strip() for name, value in values.items() if name in Config.model_fields and value.strip()}
    try:
        config = Config(**known)  # type: ignore[arg-type]
    except ValidationError as error:
        # Not chained: a traceback of the library's error may show what was found.
        raise SettingsError(_first_line(error, known)) from None
    missing = [name for name in _APP if not _is_set(config, name)]
    if missing and len(missing) < len(_APP):
        raise SettingsError(say("settings.half_configured", missing=missing, door=say("channel.wecom_app")))
    return config


def _resolved(values: Mapping[str, str]) -> dict[str, str]:
    """NAME_FILE read in place of NAME."""
    found = {name: value for name, value in values.items() if name in Config.model_fields}
    for name in SECRETS:
        path = values.get(f"{name}_FILE", "").strip()
        if path:
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(say("settings.unreadable_file", name=f"{name}_FILE", path=path)) from error
    return found


def _is_set(config: Config, name: str) -> bool:
    value: Any = getattr(config, name)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _first_line(error: ValidationError, values: Mapping[str, str]) -> str:
    name = str(error.errors()[0]["loc"][0])
    field = Config.model_fields[name]
    expected = field.description or "settings.expect_text"
    secret = "SecretStr" in repr(field.annotation)
    found = say("settings.hidden") if secret else _without_password(values.get(name, ""))
    return say("settings.wrong", name=name, found=found, expected=say(expected))


def _without_password(address: str) -> str:
    return re.sub(r"(password=)[^&]*", r"\1…", re.sub(r"//.*@", "//…@", address))
