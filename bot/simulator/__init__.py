"""A pretend WeCom cloud with phones one can watch: for the demo, for rehearsals and for tests.

It imports nothing of the bot, so that a mistake of the bot cannot cancel itself out.
"""

from bot.simulator.cloud import Cloud
from bot.simulator.faults import Fault, Faults
from bot.simulator.group import Group
from bot.simulator.kf_phone import KfPhone, KfSent
from bot.simulator.phone import Phone, Sent
from bot.simulator.records import App, Card, Complaint, Delivery, GroupHeard, Heard, Member, Robot
from bot.simulator.running import run

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
