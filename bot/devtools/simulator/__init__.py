"""A simulated WeCom cloud with phones to watch: for the demo, for rehearsals and for tests.

It imports no code of the bot, so that the same mistake cannot be on both sides and cancel out.
"""

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.faults import Fault, Faults
from bot.devtools.simulator.core.kf_phone import KfPhone, KfSentMessage
from bot.devtools.simulator.core.phone import Phone, SentMessage
from bot.devtools.simulator.core.records import (
    App,
    Card,
    Delivery,
    Group,
    GroupMessage,
    Member,
    PhoneMessage,
    Robot,
    Violation,
)
from bot.devtools.simulator.standalone import run
from bot.devtools.simulator.web_app import serve, serve_aibot, serve_official_account

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
    "serve",
    "serve_aibot",
    "serve_official_account",
]
