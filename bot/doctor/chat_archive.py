"""Checks of the library and the keys of the chat archive."""

from __future__ import annotations

from pathlib import Path

from bot.channels.errors import ChannelError
from bot.channels.wecom_msgaudit import finance_sdk
from bot.channels.wecom_msgaudit.private_keys import PrivateKeys
from bot.config import Config
from bot.doctor.check_result import CheckResult, failed, passed

_LIBRARY_SOURCE = "https://developer.work.weixin.qq.com/document/path/91774"


def check_chat_archive(config: Config) -> CheckResult:
    if not config.is_configured("wecom_msgaudit"):
        return passed("doctor.archive_off", source=_LIBRARY_SOURCE)
    folder, library = config.WECOM_MSGAUDIT_KEYS_DIR, config.WECOM_MSGAUDIT_LIBRARY
    try:
        finance_sdk.load_library(library)
    except ChannelError as error:
        return failed("doctor.archive_library_unusable", path=library, error=error.detail, source=_LIBRARY_SOURCE)
    versions = [str(version) for version in PrivateKeys(Path(folder)).versions()]
    if not versions:
        return failed("doctor.archive_keys_missing", folder=folder)
    return passed("doctor.archive", versions=versions)
