"""The composition root: from settings to a bot. Tests build the same bot with other parts."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from bot.bootstrap import build_object_store, build_ssrf_guard, build_uow_and_channels
from bot.channels.registry import Channels
from bot.channels.wecom_aibot.outbound import WeComAibotChannel
from bot.clock import Clock
from bot.config import Config
from bot.delivery.attachments import Attachments
from bot.delivery.deliver import Delivery, SendCheck
from bot.engine import DbosEngine, Engine
from bot.intake.aibot_connection import AibotConnection
from bot.intake.inbox_writer import InboxWriter
from bot.intake.poller import SourcePollers
from bot.intake.take_in import Intake
from bot.intake.uploads import UploadReceiver, Uploads
from bot.media.film_images import FilmImages
from bot.media.integrity_sampling import IntegritySampler
from bot.media.thumbnails import ThumbnailGenerator
from bot.signed_links import SignedLinks
from bot.unit_of_work import UnitOfWork
from bot.web import FilmAccess, SiteSettings, create_app
from bot.worker import BackgroundService, Worker
from handlers import attribution, rectification, status
from schedules import reminders
from schedules.alerts import escalation
from schedules.completeness_check import MONITOR_FACT
from schedules.reports import daily
from storage.db.database import Database
from storage.objects import ObjectStore
from storage.uploads import CHANNEL

# What must hold at the moment of sending, by the name a notice carries.
SEND_CHECKS: dict[str, SendCheck] = {
    "question": attribution.check_question,
    "word": status.check_unpaired_text,
    "wave": reminders.check_reminder,
    "alert": escalation.check_alert,
    "report": daily.check_daily_report,
    "verdict": rectification.check_verdict,
}


@dataclass(frozen=True)
class Bot:
    """Everything one process needs, put together."""

    config: Config
    uow: UnitOfWork
    objects: ObjectStore
    channels: Channels
    pollers: SourcePollers
    worker: Worker
    web: Flask
    aibot_connection: AibotConnection | None
    uploads: Uploads


def build_bot(config: Config, database: Database, clock: Clock, engine: Engine | None = None) -> Bot:
    """A bot of these parts; without an engine it gets the durable one."""
    engine = engine or DbosEngine(database, config.EXECUTOR_ID)
    memory, switchboard = build_uow_and_channels(config, database, clock, engine)
    objects = build_object_store(config)
    links = SignedLinks(config.public_url, config.SECRET_KEY.get_secret_value())
    pictures = FilmImages(objects)
    attachments = Attachments(memory, objects, pictures, links, build_ssrf_guard(config))
    uploads, hearing = Uploads(memory, objects), InboxWriter(memory)
    switchboard.receivers[CHANNEL] = UploadReceiver(memory, objects)
    intake, delivery = Intake(memory, switchboard, objects), Delivery(memory, switchboard, SEND_CHECKS, attachments)
    sampler, pulling = IntegritySampler(memory, objects), SourcePollers(memory, switchboard)
    holder = _holder(config, memory, hearing, switchboard)
    beside: list[BackgroundService] = [pulling, *([holder] if holder else [])]
    chores = [uploads.remove_unneeded_pieces, ThumbnailGenerator(memory, pictures).run_once]
    worker = Worker(memory, hearing, intake, delivery, sampler, config.EXECUTOR_ID, beside, chores)
    site = SiteSettings(config.public_url, config.SECRET_KEY.get_secret_value())
    web = create_app(memory, hearing, switchboard, FilmAccess(objects, pictures, links), uploads, site)
    return Bot(config, memory, objects, switchboard, pulling, worker, web, holder, uploads)


def _holder(config: Config, memory: UnitOfWork, hearing: InboxWriter, switchboard: Channels) -> AibotConnection | None:
    """What keeps the smart bot's connection, where it is configured."""
    channel = next((each for each in switchboard.senders.values() if isinstance(each, WeComAibotChannel)), None)
    if channel is None:
        return None
    login = (config.WECOM_AIBOT_URL, config.WECOM_AIBOT_ID, config.WECOM_AIBOT_SECRET.get_secret_value())
    return AibotConnection(memory, hearing, channel.rpc, login, config.EXECUTOR_ID)


def record_heartbeat_setting(bot: Bot) -> None:
    """Note for the jobs whether somebody outside wants to hear that a night went well; not of a rehearsal."""
    watched = bool(bot.config.HEARTBEAT_URL) and not bot.uow.clock.is_rehearsal
    with bot.uow.transaction() as store:
        store.facts.store_fact(MONITOR_FACT, {"on": watched})
