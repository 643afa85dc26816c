"""Settings from the environment or `.env`; the environment has precedence.

An invalid value stops the start with the name of the setting, its value and what is expected. `NAME_FILE` can name a
file that contains the value of a secret. Secrets are never printed.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError

from bot.config_types import (
    AesKey,
    AgentId,
    DatabaseUrl,
    FallbackUrls,
    HostPatterns,
    HttpUrl,
    LogFormat,
    Megabytes,
    NameList,
    ObjectStoreUrl,
    OptionalHttpUrl,
    Port,
    Secret,
    SecretKey,
    TimeZone,
    WebSocketUrl,
)
from bot.texts import say

# WECOM_CORPID and WECOM_CORP_ID are 0.96 alike, HOSTNAME and HOST 0.67.
_SIMILARITY = 0.85


class SettingsError(Exception):
    """The message is one line for the operator."""


class Config(BaseModel):
    """`description` of a field is the text key of what is expected."""

    model_config = {"frozen": True, "arbitrary_types_allowed": True, "hide_input_in_errors": True}

    DATABASE_URL: DatabaseUrl = Field("sqlite:///var/patrol.db", description="settings.expect_database", repr=False)
    OBJECT_STORE_URL: ObjectStoreUrl = Field("file:var/objects", description="settings.expect_object_store")
    S3_ENDPOINT_URL: str = ""
    S3_REGION: str = ""
    AWS_ACCESS_KEY_ID: str = ""
    AWS_SECRET_ACCESS_KEY: Secret = SecretStr("")
    LOG_FORMAT: LogFormat = Field("text", description="settings.expect_log_format")
    DISK_RESERVE_MB: Megabytes = Field("1024", description="settings.expect_megabytes", validate_default=True)
    HOST: str = "127.0.0.1"
    PORT: Port = Field(8000, description="settings.expect_port")
    PUBLIC_URL: OptionalHttpUrl = Field("", description="settings.expect_url")
    SECRET_KEY: SecretKey = Field(SecretStr(""), description="settings.expect_secret_key")
    TIMEZONE: TimeZone = Field(ZoneInfo("Asia/Shanghai"), description="settings.expect_timezone")
    WECOM_API_URL: HttpUrl = Field("https://qyapi.weixin.qq.com", description="settings.expect_url")
    WECOM_CORP_ID: str = ""
    WECOM_AGENT_ID: AgentId = Field(None, description="settings.expect_number")
    WECOM_APP_SECRET: Secret = SecretStr("")
    WECOM_CALLBACK_TOKEN: Secret = SecretStr("")
    WECOM_ENCODING_AES_KEY: AesKey = Field(SecretStr(""), description="settings.expect_aes_key")
    WECOM_ACCEPTED_CORP_IDS: NameList = ()
    WECOM_OAUTH_URL: HttpUrl = Field(
        "https://open.weixin.qq.com/connect/oauth2/authorize", description="settings.expect_url"
    )
    WECOM_QR_LOGIN_URL: HttpUrl = Field(
        "https://login.work.weixin.qq.com/wwlogin/sso/login", description="settings.expect_url"
    )
    WECOM_AIBOT_ID: str = ""
    WECOM_AIBOT_SECRET: Secret = SecretStr("")
    WECOM_AIBOT_URL: WebSocketUrl = Field(
        "wss://openws.work.weixin.qq.com", description="settings.expect_websocket_url"
    )
    WECOM_KF_SECRET: Secret = SecretStr("")
    WECOM_KF_TOKEN: Secret = SecretStr("")
    WECOM_KF_ENCODING_AES_KEY: AesKey = Field(SecretStr(""), description="settings.expect_aes_key")
    WECOM_KF_OPEN_KFID: str = ""
    OFFICIAL_ACCOUNT_API_URL: HttpUrl = Field("https://api.weixin.qq.com", description="settings.expect_url")
    OFFICIAL_ACCOUNT_APP_ID: str = ""
    OFFICIAL_ACCOUNT_APP_SECRET: Secret = SecretStr("")
    OFFICIAL_ACCOUNT_TOKEN: Secret = SecretStr("")
    OFFICIAL_ACCOUNT_ENCODING_AES_KEY: AesKey = Field(SecretStr(""), description="settings.expect_aes_key")
    OFFICIAL_ACCOUNT_PREVIOUS_AES_KEY: AesKey = Field(SecretStr(""), description="settings.expect_aes_key")
    OFFICIAL_ACCOUNT_TEMPLATE_ID: str = ""
    WECOM_MSGAUDIT_SECRET: Secret = SecretStr("")
    WECOM_MSGAUDIT_KEYS_DIR: str = ""
    WECOM_MSGAUDIT_LIBRARY: str = ""
    MEDIA_HOSTS: HostPatterns = Field((), description="settings.expect_hosts")
    # Hidden: anyone who knows the URL can report that the service is well.
    HEARTBEAT_URL: OptionalHttpUrl = Field("", description="settings.expect_url", repr=False)
    EXECUTOR_ID: str = Field(default_factory=socket.gethostname)
    ALERT_FALLBACK_URLS: FallbackUrls = Field((), description="settings.expect_fallback_urls")

    @property
    def wecom_app_configured(self) -> bool:
        return self.is_configured("wecom_app")

    def is_configured(self, channel: str) -> bool:
        """Whether all settings of the channel are set; a partly configured channel stops the start."""
        return all(_is_set(self, name) for name in CHANNEL_SETTINGS[channel])

    @property
    def public_url(self) -> str:
        """The URL under which phones reach the service; the local one if PUBLIC_URL is not set."""
        return self.PUBLIC_URL or f"http://{self.HOST}:{self.PORT}"


# A channel is on when all of these are set and off when none is.
CHANNEL_SETTINGS: dict[str, tuple[str, ...]] = {
    "wecom_app": (
        "WECOM_CORP_ID",
        "WECOM_AGENT_ID",
        "WECOM_APP_SECRET",
        "WECOM_CALLBACK_TOKEN",
        "WECOM_ENCODING_AES_KEY",
    ),
    "wecom_aibot": ("WECOM_AIBOT_ID", "WECOM_AIBOT_SECRET"),
    "wecom_kf": (
        "WECOM_CORP_ID",
        "WECOM_KF_SECRET",
        "WECOM_KF_TOKEN",
        "WECOM_KF_ENCODING_AES_KEY",
        "WECOM_KF_OPEN_KFID",
    ),
    "official_account": ("OFFICIAL_ACCOUNT_APP_ID", "OFFICIAL_ACCOUNT_APP_SECRET", "OFFICIAL_ACCOUNT_TOKEN"),
    "wecom_msgaudit": ("WECOM_CORP_ID", "WECOM_MSGAUDIT_SECRET", "WECOM_MSGAUDIT_KEYS_DIR", "WECOM_MSGAUDIT_LIBRARY"),
}
# Used by several channels; alone it turns none on.
SHARED_SETTINGS = ("WECOM_CORP_ID",)
# A database URL may contain a password.
SECRET_SETTINGS = (
    "DATABASE_URL",
    *(name for name, field in Config.model_fields.items() if "SecretStr" in repr(field.annotation)),
)


def load_config(environment: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Config:
    """The settings of this process. Raises SettingsError."""
    from_environment = dict(os.environ if environment is None else environment)
    from_dotenv = {name: value or "" for name, value in dotenv_values(dotenv).items()} if dotenv.is_file() else {}
    _check_names(from_dotenv)
    values = {**_read_secret_files(from_dotenv), **_read_secret_files(from_environment)}
    values = {name: value.strip() for name, value in values.items() if value.strip()}
    try:
        config = Config(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        # Not chained: the traceback of the library's error may show the value.
        raise SettingsError(_describe(error, values)) from None
    _check_channels(config)
    return config


def _check_names(from_dotenv: Mapping[str, str]) -> None:
    """Refuse a name in `.env` that is nearly that of a setting; other programs may keep others there."""
    names = [*Config.model_fields, *(f"{name}_FILE" for name in SECRET_SETTINGS)]
    for name in from_dotenv:
        similar = difflib.get_close_matches(name.upper(), names, n=1, cutoff=_SIMILARITY)
        if name not in names and similar and similar[0] not in from_dotenv:
            raise SettingsError(say("settings.unknown_name", name=name, similar=similar[0]))


def _check_channels(config: Config) -> None:
    """Refuse partly configured channels. Shared settings alone count as a partly configured app."""
    started = [channel for channel, names in CHANNEL_SETTINGS.items() if any(_is_set(config, name) for name in names)]
    with_own_settings = [
        channel
        for channel in started
        if any(_is_set(config, name) for name in CHANNEL_SETTINGS[channel] if name not in SHARED_SETTINGS)
    ]
    for channel in with_own_settings or started[:1]:
        missing = [name for name in CHANNEL_SETTINGS[channel] if not _is_set(config, name)]
        if missing:
            raise SettingsError(say("settings.partly_configured", missing=missing, channel=say(f"channel.{channel}")))


def _read_secret_files(values: Mapping[str, str]) -> dict[str, str]:
    """The known settings, with the content of NAME_FILE as NAME."""
    settings = {name: value for name, value in values.items() if name in Config.model_fields}
    for name in SECRET_SETTINGS:
        path = values.get(f"{name}_FILE", "").strip()
        if path:
            try:
                settings[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(say("settings.unreadable_file", name=f"{name}_FILE", path=path)) from error
    return settings


def _is_set(config: Config, name: str) -> bool:
    value: Any = getattr(config, name)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _describe(error: ValidationError, values: Mapping[str, str]) -> str:
    name = str(error.errors()[0]["loc"][0])
    field = Config.model_fields[name]
    expected = field.description or "settings.expect_text"
    is_secret = "SecretStr" in repr(field.annotation)
    shown = say("settings.hidden") if is_secret else _without_password(values.get(name, ""))
    return say("settings.invalid", name=name, value=shown, expected=say(expected))


def _without_password(address: str) -> str:
    return re.sub(r"(password=)[^&]*", r"\1…", re.sub(r"//.*@", "//…@", address))
