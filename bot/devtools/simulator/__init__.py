"""A pretend WeCom cloud with phones one can watch: for the demo, for rehearsals and for tests.

It imports nothing of the bot, so that a mistake of the bot cannot cancel itself out.
"""

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.faults import Fault, Faults
from bot.devtools.simulator.core.group import Group
from bot.devtools.simulator.core.kf_phone import KfPhone, KfSentMessage
from bot.devtools.simulator.core.phone import Phone, SentMessage
from bot.devtools.simulator.core.records import (
    App,
    Card,
    Delivery,
    GroupMessage,
    Member,
    PhoneMessage,
    Robot,
    Violation,
)
from bot.devtools.simulator.standalone import run

__all__ = [
    "App",
    "Card",
    "Cloud",
    "Delivery",
    "Fault",
    "Faults",
    "Group",
    "GroupMessage",
    "KfPhone",
    "KfSentMessage",
    "Member",
    "Phone",
    "PhoneMessage",
    "Robot",
    "SentMessage",
    "Violation",
    "run",
]
