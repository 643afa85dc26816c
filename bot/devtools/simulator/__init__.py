"""A pretend WeCom cloud with phones one can watch: for the demo, for rehearsals and for tests.

It imports nothing of the bot, so that a mistake of the bot cannot cancel itself out.
"""

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.faults import Fault, Faults
from bot.devtools.simulator.core.group import Group
from bot.devtools.simulator.core.kf_phone import KfPhone, KfSent
from bot.devtools.simulator.core.phone import Phone, Sent
from bot.devtools.simulator.core.records import App, Card, Complaint, Delivery, GroupHeard, Heard, Member, Robot
from bot.devtools.simulator.standalone import run

__all__ = [
    "App",
    "Card",
    "Cloud",
    "Complaint",
    "Delivery",
    "Fault",
    "Faults",
    "Group",
    "GroupHeard",
    "Heard",
    "KfPhone",
    "KfSent",
    "Member",
    "Phone",
    "Robot",
    "Sent",
    "run",
]
