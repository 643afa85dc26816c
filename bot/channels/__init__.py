"""The channels: every way in and out, by name. A further one is a line in each of these tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.channels import heartbeat, official_account, sms_mail, wecom_aibot, wecom_app, wecom_kf, wecom_robot
from bot.channels.interface import (
    CallbackReceiver,
    Channel,
    ChannelContext,
    ChannelParts,
    Diagnosable,
    PollSource,
    Receiver,
    RedactingReceiver,
)
from bot.channels.official_account import OfficialAccountChannel, OfficialAccountReceiver
from bot.channels.sms_mail import SmsMailChannel
from bot.channels.ssrf_guard import SsrfGuard
from bot.channels.wecom_aibot import WeComAibotChannel, WeComAibotReceiver
from bot.channels.wecom_api.client import WeComClient
from bot.channels.wecom_api.crypto import CallbackCrypto
from bot.channels.wecom_api.login import WeComLogin
from bot.channels.wecom_app import WeComAppChannel, WeComAppReceiver, accepted_corp_ids
from bot.channels.wecom_kf import WeComKfChannel, WeComKfReceiver
from bot.channels.wecom_msgaudit import inbound
from bot.channels.wecom_msgaudit.inbound import WeComMsgAuditReceiver
from bot.channels.wecom_robot import WeComRobotChannel
from storage.personal_channels import PersonalChannel

# How each is made of the settings; None when they leave it off. The order is that of preference,
# where a person can be reached by several.
CHANNELS: dict[str, Callable[[ChannelContext], ChannelParts | None]] = {
    "wecom_app": wecom_app.build,
    "wecom_aibot": wecom_aibot.build,
    "wecom_robot": wecom_robot.build,
    "wecom_kf": wecom_kf.build,
    "official_account": official_account.build,
    "wecom_msgaudit": inbound.build,
    "fallback": sms_mail.build,
    "heartbeat": heartbeat.build,
}


@dataclass(frozen=True)
class Channels:
    """The channels, doors, sources and sign-in pages that are switched on, and the addresses they call."""

    senders: dict[str, Channel] = field(default_factory=dict)
    receivers: dict[str, Receiver] = field(default_factory=dict)
    sources: dict[str, PollSource] = field(default_factory=dict)
    api_urls: set[str] = field(default_factory=set)
    logins: dict[str, WeComLogin] = field(default_factory=dict)

    @property
    def personal_channels(self) -> tuple[PersonalChannel, ...]:
        """The channels to single people, the preferred one first."""
        return tuple(
            channel.personal_channel for channel in self.senders.values() if channel.personal_channel is not None
        )


def build_channels(context: ChannelContext) -> Channels:
    """Everything the settings have switched on."""
    channels = Channels()
    for name, builder in CHANNELS.items():
        if (parts := builder(context)) is None:
            continue
        if parts.channel is not None:
            channels.senders[name] = parts.channel
        if parts.receiver is not None:
            channels.receivers[name] = parts.receiver
        if parts.source is not None:
            channels.sources[name] = parts.source
        if parts.login is not None:
            channels.logins["wecom"] = parts.login
        if parts.api_url is not None:
            channels.api_urls.add(parts.api_url)
    return channels


__all__ = [
    "CHANNELS",
    "CallbackCrypto",
    "CallbackReceiver",
    "Channel",
    "ChannelContext",
    "ChannelParts",
    "Channels",
    "Diagnosable",
    "OfficialAccountChannel",
    "OfficialAccountReceiver",
    "PollSource",
    "Receiver",
    "RedactingReceiver",
    "SmsMailChannel",
    "SsrfGuard",
    "WeComAibotChannel",
    "WeComAibotReceiver",
    "WeComAppChannel",
    "WeComAppReceiver",
    "WeComClient",
    "WeComKfChannel",
    "WeComKfReceiver",
    "WeComLogin",
    "WeComMsgAuditReceiver",
    "WeComRobotChannel",
    "accepted_corp_ids",
    "build_channels",
]  # fmt: skip
