"""The smart bot (智能机器人): single chats and groups, in and out, over one WebSocket (protocol sheet 7)."""

from __future__ import annotations

from bot.channels.interface import Means, Opened
from bot.channels.wecom_aibot.inbound import WeComAibotDoor
from bot.channels.wecom_aibot.outbound import WeComAibotChannel
from bot.channels.wecom_aibot.rpc import NAME, Exchange


def opened(means: Means) -> Opened | None:
    """The smart bot, when it is configured."""
    config = means.config
    if not config.is_on("wecom_aibot"):
        return None
    channel = WeComAibotChannel(Exchange(means.transaction, means.reading), means.reading)
    return Opened(channel, WeComAibotDoor(means.guard.media), platform=config.WECOM_AIBOT_URL)


__all__ = ["NAME", "Exchange", "WeComAibotChannel", "WeComAibotDoor", "opened"]
