"""The channels: every way in and out, by name. A further one is a line in each of these tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.channels import heartbeat, official_account, sms_mail, wecom_aibot, wecom_app, wecom_kf, wecom_robot
from bot.channels.heartbeat import HeartbeatChannel
from bot.channels.interface import Channel, Discreet, Door, Entrance, Examined, Means, Opened, Source
from bot.channels.official_account import OfficialAccountChannel, OfficialAccountDoor
from bot.channels.sms_mail import FallbackChannel
from bot.channels.ssrf_guard import Guard
from bot.channels.wecom_aibot import WeComAibotChannel, WeComAibotDoor
from bot.channels.wecom_api.client import WeComClient
from bot.channels.wecom_api.crypto import Envelope
from bot.channels.wecom_api.login import WeComLogin
from bot.channels.wecom_app import WeComAppChannel, WeComAppDoor, accepted_corps
from bot.channels.wecom_kf import WeComKfChannel, WeComKfDoor
from bot.channels.wecom_msgaudit import inbound
from bot.channels.wecom_msgaudit.inbound import WeComMsgAuditDoor
from bot.channels.wecom_robot import WeComRobotChannel
from storage.personal_channels import Line

# The order is that of preference, where a person can be reached by several.
CHANNELS: dict[str, type] = {
    "wecom_app": WeComAppChannel,
    "wecom_aibot": WeComAibotChannel,
    "wecom_robot": WeComRobotChannel,
    "wecom_kf": WeComKfChannel,
    "official_account": OfficialAccountChannel,
    "fallback": FallbackChannel,
    "heartbeat": HeartbeatChannel,
}
DOORS: dict[str, type] = {
    "wecom_app": WeComAppDoor, "wecom_aibot": WeComAibotDoor, "wecom_kf": WeComKfDoor,
    "official_account": OfficialAccountDoor, "wecom_msgaudit": WeComMsgAuditDoor,
}  # fmt: skip
# How each is made of the settings; None when they leave it off.
BUILDERS: dict[str, Callable[[Means], Opened | None]] = {
    "wecom_app": wecom_app.opened,
    "wecom_aibot": wecom_aibot.opened,
    "wecom_robot": wecom_robot.opened,
    "wecom_kf": wecom_kf.opened,
    "official_account": official_account.opened,
    "wecom_msgaudit": inbound.opened,
    "fallback": sms_mail.opened,
    "heartbeat": heartbeat.opened,
}


@dataclass(frozen=True)
class Switchboard:
    """The channels, doors, sources and sign-in pages that are switched on, and the addresses they call."""

    channels: dict[str, Channel] = field(default_factory=dict)
    doors: dict[str, Entrance] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    platforms: set[str] = field(default_factory=set)
    logins: dict[str, WeComLogin] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The channels to single people, the preferred one first."""
        return tuple(channel.line for channel in self.channels.values() if channel.line is not None)


def switched_on(means: Means) -> Switchboard:
    """Everything the settings have switched on."""
    board = Switchboard()
    for name, builder in BUILDERS.items():
        if (opened := builder(means)) is None:
            continue
        if opened.channel is not None:
            board.channels[name] = opened.channel
        if opened.door is not None:
            board.doors[name] = opened.door
        if opened.source is not None:
            board.sources[name] = opened.source
        if opened.login is not None:
            board.logins["wecom"] = opened.login
        if opened.platform is not None:
            board.platforms.add(opened.platform)
    return board


__all__ = [
    "BUILDERS", "CHANNELS", "DOORS", "Channel", "Discreet", "Door", "Entrance", "Envelope", "Examined",
    "FallbackChannel", "Guard", "Means", "OfficialAccountChannel", "OfficialAccountDoor", "Opened", "Source",
    "Switchboard", "WeComAibotChannel", "WeComAibotDoor", "WeComAppChannel", "WeComAppDoor", "WeComClient",
    "WeComKfChannel", "WeComKfDoor", "WeComLogin", "WeComMsgAuditDoor", "WeComRobotChannel", "accepted_corps",
    "switched_on",
]  # fmt: skip
