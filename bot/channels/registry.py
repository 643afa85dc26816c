"""The table of channels, and the ones that the settings switch on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.channels import (
    heartbeat,
    official_account,
    sms_mail,
    wecom_aibot,
    wecom_app,
    wecom_kf,
    wecom_msgaudit,
    wecom_robot,
)
from bot.channels.interface import Channel, ChannelContext, ChannelParts, PollSource, Receiver
from bot.channels.wecom_api.login import WeComLogin
from storage.notices import EXTERNAL_MONITOR, SMS_MAIL
from storage.personal_channels import PersonalChannel

# Each builder returns None if its settings are missing. Where several channels reach a person, the first is preferred.
CHANNELS: dict[str, Callable[[ChannelContext], ChannelParts | None]] = {
    "wecom_app": wecom_app.build,
    "wecom_aibot": wecom_aibot.build,
    "wecom_robot": wecom_robot.build,
    "wecom_kf": wecom_kf.build,
    "official_account": official_account.build,
    "wecom_msgaudit": wecom_msgaudit.build,
    SMS_MAIL: sms_mail.build,
    EXTERNAL_MONITOR: heartbeat.build,
}


@dataclass(frozen=True)
class Channels:
    """The parts of all channels that are switched on, by channel name; `logins` by sign-in provider."""

    senders: dict[str, Channel] = field(default_factory=dict)
    receivers: dict[str, Receiver] = field(default_factory=dict)
    sources: dict[str, PollSource] = field(default_factory=dict)
    api_urls: set[str] = field(default_factory=set)
    logins: dict[str, WeComLogin] = field(default_factory=dict)

    @property
    def personal_channels(self) -> tuple[PersonalChannel, ...]:
        """The channels that reach single people, the preferred one first."""
        return tuple(sender.personal_channel for sender in self.senders.values() if sender.personal_channel is not None)


def build_channels(context: ChannelContext) -> Channels:
    """All channels that the settings switch on."""
    channels = Channels()
    for name, build in CHANNELS.items():
        if (parts := build(context)) is None:
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
