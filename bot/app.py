"""The composition root: from settings to a bot. Tests build the same bot with other parts."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from bot.bootstrap import connected, guard, object_store
from bot.channels import Switchboard, WeComAibotChannel
from bot.clock import Clock
from bot.config import Config
from bot.delivery.attachments import Attachments
from bot.delivery.deliver import Check, Delivery
from bot.engine import DurableEngine, Engine
from bot.intake.aibot_connection import Holder
from bot.intake.inbox_writer import Hearing
from bot.intake.poller import Pulling
from bot.intake.take_in import Intake
from bot.intake.uploads import UploadDoor, Uploads
from bot.media.film_images import Pictures
from bot.media.integrity_sampling import Sampler
from bot.media.thumbnails import Drawing
from bot.signed_links import Links
from bot.unit_of_work import Memory
from bot.web import Gallery, Site, create_app
from bot.worker import Background, Worker
from handlers import attribution, rectification, status
from schedules import reminders
from schedules.alerts import escalation
from schedules.completeness_check import WATCHER
from schedules.reports import daily
from storage.db.database import Database
from storage.objects import ObjectStore
from storage.uploads import CHANNEL

# What must hold at the moment of sending, by the name a notice carries.
CHECKS: dict[str, Check] = {
    "question": attribution.still_open,
    "word": status.still_without_film,
    "wave": reminders.still_missing,
    "alert": escalation.still_unanswered,
    "report": daily.summary,
    "verdict": rectification.still_stands,
}


@dataclass(frozen=True)
class Bot:
    """Everything one process needs, put together."""

    config: Config
    memory: Memory
    objects: ObjectStore
    switchboard: Switchboard
    pulling: Pulling
    worker: Worker
    web: Flask
    holder: Holder | None
    uploads: Uploads


def build(config: Config, database: Database, clock: Clock, engine: Engine | None = None) -> Bot:
    """A bot of these parts; without an engine it gets the durable one."""
    engine = engine or DurableEngine(database, config.EXECUTOR_ID)
    memory, switchboard = connected(config, database, clock, engine)
    objects = object_store(config)
    links = Links(config.public_url, config.SECRET_KEY.get_secret_value())
    pictures = Pictures(objects)
    attachments = Attachments(memory, objects, pictures, links, guard(config))
    uploads, hearing = Uploads(memory, objects), Hearing(memory)
    switchboard.doors[CHANNEL] = UploadDoor(memory, objects)
    intake, delivery = Intake(memory, switchboard, objects), Delivery(memory, switchboard, CHECKS, attachments)
    sampler, pulling = Sampler(memory, objects), Pulling(memory, switchboard)
    holder = _holder(config, memory, hearing, switchboard)
    beside: list[Background] = [pulling, *([holder] if holder else [])]
    chores = [uploads.clear, Drawing(memory, pictures).once]
    worker = Worker(memory, hearing, intake, delivery, sampler, config.EXECUTOR_ID, beside, chores)
    site = Site(config.public_url, config.SECRET_KEY.get_secret_value())
    web = create_app(memory, hearing, switchboard, Gallery(objects, pictures, links), uploads, site)
    return Bot(config, memory, objects, switchboard, pulling, worker, web, holder, uploads)


def _holder(config: Config, memory: Memory, hearing: Hearing, switchboard: Switchboard) -> Holder | None:
    """What keeps the smart bot's connection, where it is configured."""
    channel = switchboard.channels.get("wecom_aibot")
    if not isinstance(channel, WeComAibotChannel):
        return None
    login = (config.WECOM_AIBOT_URL, config.WECOM_AIBOT_ID, config.WECOM_AIBOT_SECRET.get_secret_value())
    return Holder(memory, hearing, channel.exchange, login, config.EXECUTOR_ID)


def announce(bot: Bot) -> None:
    """Note for the jobs whether somebody outside wants to hear that a night went well; not of a rehearsal."""
    watched = bool(bot.config.HEARTBEAT_URL) and not bot.memory.clock.rehearsal
    with bot.memory.transaction() as store:
        store.records.set_fact(WATCHER, {"on": watched})
