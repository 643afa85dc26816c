"""The composition root: from settings to a bot. Tests build the same bot with other parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from flask import Flask

from bot.background import BackgroundLoop
from bot.bootstrap import build_disk_reserve, build_object_store, build_ssrf_guard, build_uow_and_channels
from bot.channels.registry import Channels
from bot.channels.wecom_aibot.outbound import WeComAibotChannel
from bot.clock import Clock
from bot.config import Config
from bot.delivery.attachments import Attachments
from bot.delivery.deliver import Delivery
from bot.delivery.send_checks import SEND_CHECKS
from bot.engine import DbosEngine, Engine
from bot.intake.aibot_connection import AibotConnection
from bot.intake.inbox_writer import CALLBACK_TIMEOUT_S, InboxWriter
from bot.intake.poller import SourcePollers
from bot.intake.take_in import Intake
from bot.intake.uploads import UploadReceiver, Uploads
from bot.media.film_images import FilmImages
from bot.media.image_queue import ImageQueue
from bot.media.integrity import IntegritySampler
from bot.media.thumbnails import ThumbnailGenerator
from bot.monitoring.liveness import STARTUP_GRACE_S
from bot.monitoring.outage_recorder import Heartbeat
from bot.signed_links import SignedLinks
from bot.unit_of_work import UnitOfWork
from bot.web import FilmAccess, SiteSettings, create_app, create_receivers
from bot.worker import BackgroundService, Worker
from schedules.completeness_check import MONITOR_FACT
from storage.db.database import Database
from storage.objects import ObjectStore
from storage.uploads import CHANNEL

_SAMPLING_INTERVAL, _HOUSEKEEPING_INTERVAL = timedelta(seconds=5), timedelta(minutes=1)


@dataclass(frozen=True)
class Timeouts:
    """Real seconds; tests shorten them."""

    callback_s: float = CALLBACK_TIMEOUT_S
    readiness_s: float = 3.0
    startup_grace_s: float = STARTUP_GRACE_S


@dataclass(frozen=True)
class Bot:
    """The parts of one process."""

    config: Config
    uow: UnitOfWork
    objects: ObjectStore
    channels: Channels
    inbox_writer: InboxWriter
    pollers: SourcePollers
    worker: Worker
    heartbeat: Heartbeat
    aibot_connection: AibotConnection | None
    uploads: Uploads
    film_access: FilmAccess
    site: SiteSettings

    @cached_property
    def receivers(self) -> Flask:
        return create_receivers(self.inbox_writer, self.channels, self.uow.clock)

    @cached_property
    def web(self) -> Flask:
        """Everything that is served; built when first asked for, because a worker serves nothing."""
        return create_app(self.receivers, self.uow, self.channels, self.film_access, self.uploads, self.site)

    def close(self) -> None:
        """End the threads that began with the first message and the first image."""
        self.inbox_writer.close()
        self.film_access.image_queue.close()


def build_bot(
    config: Config,
    database: Database,
    clock: Clock,
    engine: Engine | None = None,
    timeouts: Timeouts | None = None,
    objects: ObjectStore | None = None,
) -> Bot:
    """A bot of these parts; those left out are the ones that a serving process has."""
    engine, timeouts = engine or DbosEngine(database, config.EXECUTOR_ID), timeouts or Timeouts()
    uow, channels = build_uow_and_channels(config, database, clock, engine)
    objects = objects or build_object_store(config)
    secret_key, reserve = config.SECRET_KEY.get_secret_value(), build_disk_reserve(config, objects)
    links = SignedLinks(config.public_url, secret_key)
    images = FilmImages(objects, reserve)
    attachments = Attachments(uow, objects, images, links, build_ssrf_guard(config))
    uploads, inbox_writer = Uploads(uow, objects, reserve), InboxWriter(uow, timeouts.callback_s)
    channels.receivers[CHANNEL] = UploadReceiver(uow, objects)
    intake, delivery = Intake(uow, channels, objects), Delivery(uow, channels, SEND_CHECKS, attachments)
    pollers, heartbeat = SourcePollers(uow, channels), Heartbeat(clock)
    aibot = _aibot_connection(config, uow, inbox_writer, channels)
    connections: list[BackgroundService] = [pollers, *([aibot] if aibot else [])]
    services = [*connections, *_housekeeping(uow, objects, images, uploads)]
    worker = Worker(uow, inbox_writer, intake, delivery, heartbeat, config.EXECUTOR_ID, services)
    site = SiteSettings(config.public_url, secret_key, timeouts.readiness_s, timeouts.startup_grace_s)
    film_access = FilmAccess(objects, images, ImageQueue(images), links, reserve)
    return Bot(
        config, uow, objects, channels, inbox_writer, pollers, worker, heartbeat, aibot, uploads, film_access, site
    )


def _housekeeping(
    uow: UnitOfWork, objects: ObjectStore, images: FilmImages, uploads: Uploads
) -> list[BackgroundService]:
    return [
        BackgroundLoop("integrity sampling", _SAMPLING_INTERVAL, IntegritySampler(uow, objects).run_once),
        BackgroundLoop("upload clean-up", _HOUSEKEEPING_INTERVAL, uploads.remove_unneeded_pieces),
        BackgroundLoop("thumbnails", _HOUSEKEEPING_INTERVAL, ThumbnailGenerator(uow, images).run_once),
    ]


def _aibot_connection(
    config: Config, uow: UnitOfWork, inbox_writer: InboxWriter, channels: Channels
) -> AibotConnection | None:
    channel = next((each for each in channels.senders.values() if isinstance(each, WeComAibotChannel)), None)
    if channel is None:
        return None
    credentials = (config.WECOM_AIBOT_URL, config.WECOM_AIBOT_ID, config.WECOM_AIBOT_SECRET.get_secret_value())
    return AibotConnection(uow, inbox_writer, channel.rpc, credentials, config.EXECUTOR_ID)


def record_heartbeat_setting(bot: Bot) -> None:
    """Record for the jobs whether an outside monitor expects a heartbeat after each night; not in a rehearsal."""
    enabled = bool(bot.config.HEARTBEAT_URL) and not bot.uow.clock.is_rehearsal
    with bot.uow.transaction() as store:
        store.facts.store_fact(MONITOR_FACT, {"enabled": enabled})
