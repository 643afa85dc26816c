"""The chat archive (会话内容存档): every film posted in a group that has an archived member. It can only be read."""

from __future__ import annotations

from pathlib import Path

from bot.channels.interface import ChannelContext, ChannelParts
from bot.channels.wecom_api.callback_fields import WECOM_MSGAUDIT
from bot.channels.wecom_msgaudit.finance_sdk import FinanceSdk
from bot.channels.wecom_msgaudit.inbound import WeComMsgAuditReceiver
from bot.channels.wecom_msgaudit.private_keys import PrivateKeys


def build(context: ChannelContext) -> ChannelParts | None:
    """None unless its settings are complete. The library is not loaded before the first call."""
    config = context.config
    if not config.is_configured(WECOM_MSGAUDIT):
        return None
    secret = config.WECOM_MSGAUDIT_SECRET.get_secret_value()
    sdk = FinanceSdk(config.WECOM_MSGAUDIT_LIBRARY, config.WECOM_CORP_ID, secret)
    receiver = WeComMsgAuditReceiver(sdk, PrivateKeys(Path(config.WECOM_MSGAUDIT_KEYS_DIR)))
    return ChannelParts(receiver=receiver, source=receiver)
