"""The channels: every way in and out, by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.channels.base import Channel, Door, Source
from bot.channels.fallback import FallbackChannel
from bot.channels.guard import Guard
from bot.channels.wecom_app import WeComAppChannel, WeComAppDoor, accepted_corps
from bot.channels.wecom_client import WeComClient
from bot.channels.wecom_crypto import Envelope
from bot.channels.wecom_kf import WeComKfChannel, WeComKfDoor
from bot.channels.wecom_login import WeComLogin
from bot.channels.wecom_robot import WeComRobotChannel

CHANNELS: dict[str, type] = {
    "wecom_app": WeComAppChannel,
    "wecom_robot": WeComRobotChannel,
    "wecom_kf": WeComKfChannel,
    "fallback": FallbackChannel,
}
DOORS: dict[str, type] = {"wecom_app": WeComAppDoor, "wecom_kf": WeComKfDoor}


@dataclass(frozen=True)
class Switchboard:
    """The channels, doors, sources and sign-in pages that are switched on, and the addresses they call."""

    channels: dict[str, Channel] = field(default_factory=dict)
    doors: dict[str, Door] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    platforms: set[str] = field(default_factory=set)
    logins: dict[str, WeComLogin] = field(default_factory=dict)


__all__ = [
    "CHANNELS", "DOORS", "Channel", "Door", "Envelope", "FallbackChannel", "Guard", "Source", "Switchboard",
    "WeComAppChannel", "WeComAppDoor", "WeComClient", "WeComKfChannel", "WeComKfDoor", "WeComLogin",
    "WeComRobotChannel", "accepted_corps",
]  # fmt: skip
