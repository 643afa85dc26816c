"""The smart bot (智能机器人): single chats and groups, in and out, over one WebSocket."""

from __future__ import annotations

from bot.channels.interface import ChannelContext, ChannelParts
from bot.channels.wecom_aibot.frames import WECOM_AIBOT
from bot.channels.wecom_aibot.inbound import WeComAibotReceiver
from bot.channels.wecom_aibot.outbound import WeComAibotChannel
from bot.channels.wecom_aibot.rpc import AibotRpc


def build(context: ChannelContext) -> ChannelParts | None:
    """None unless its settings are complete."""
    config = context.config
    if not config.is_configured(WECOM_AIBOT):
        return None
    channel = WeComAibotChannel(AibotRpc(context.transaction, context.read), context.read)
    return ChannelParts(channel, WeComAibotReceiver(context.ssrf_guard.get_media), api_url=config.WECOM_AIBOT_URL)
