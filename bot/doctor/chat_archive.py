"""The doctor on the chat archive: is its library there, and which keys?"""

from __future__ import annotations

from pathlib import Path

from bot.channels.errors import ChannelError
from bot.channels.wecom_msgaudit import finance_sdk
from bot.channels.wecom_msgaudit.inbound import Keys
from bot.config import Config
from bot.doctor.check_result import Finding, bad, good

_LIBRARY_SOURCE = "https://developer.work.weixin.qq.com/document/path/91774"


def examine(config: Config) -> Finding:
    """The library is Tencent's: whoever wants the archive fetches it there."""
    if not config.is_on("wecom_msgaudit"):
        return good("doctor.archive_off", source=_LIBRARY_SOURCE)
    folder, library = config.WECOM_MSGAUDIT_KEYS_DIR, config.WECOM_MSGAUDIT_LIBRARY
    try:
        finance_sdk.load(library)
    except ChannelError as error:
        return bad("doctor.archive_library", path=library, why=error.detail, source=_LIBRARY_SOURCE)
    versions = [str(version) for version in Keys(Path(folder)).versions()]
    if not versions:
        return bad("doctor.archive_keys", folder=folder)
    return good("doctor.archive", versions=versions)
