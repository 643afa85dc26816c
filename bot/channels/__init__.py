"""The channels: every way in and out, by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.channels.base import Channel, Door
from bot.channels.fallback import FallbackChannel
from bot.channels.guard import Guard
from bot.channels.wecom_app import WeComAppChannel, WeComAppDoor, accepted_corps
from bot.channels.wecom_client import WeComClient
from bot.channels.wecom_crypto import Envelope
from bot.channels.wecom_robot import WeComRobotChannel

CHANNELS: dict[str, type] = {
    "wecom_app": WeComAppChannel,
    "wecom_robot": WeComRobotChannel,
    "fallback": FallbackChannel,
}
DOORS: dict[str, type] = {"wecom_app": WeComAppDoor}


@dataclass(frozen=True)
class Switchboard:
    """The channels and doors that the settings have switched on, and the addresses they call."""

    channels: dict[str, Channel] = field(default_factory=dict)
    doors: dict[str, Door] = field(default_factory=dict)
    platforms: set[str] = field(default_factory=set)


__all__ = [
    "CHANNELS", "DOORS", "Channel", "Door", "Envelope", "FallbackChannel", "Guard", "Switchboard",
    "WeComAppChannel", "WeComAppDoor", "WeComClient", "WeComRobotChannel", "accepted_corps",
]  # fmt: skip
