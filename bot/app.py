"""The composition root: from settings to a bot. Tests build the same bot with other parts."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from bot.attachments import Attachments
from bot.channels import (
    Envelope,
    FallbackChannel,
    Guard,
    Switchboard,
    WeComAppChannel,
    WeComAppDoor,
    WeComClient,
    WeComKfChannel,
    WeComKfDoor,
    WeComLogin,
    WeComRobotChannel,
    accepted_corps,
)  # fmt: skip
from bot.clock import Clock
from bot.config import Config
from bot.delivery import Check, Delivery
from bot.engine import DurableEngine, Engine
from bot.hearing import Hearing
from bot.intake import Intake
from bot.links import Links
from bot.memory import Memory
from bot.opening import object_store
from bot.pulling import Pulling
from bot.sampling import Sampler
from bot.web import Site, create_app
from bot.worker import Worker
from handlers import attribution, status
from schedules import escalation, reminders, reports
from storage.database import Database
from storage.objects import ObjectStore

# What must hold at the moment of sending, by the name a notice carries.
CHECKS: dict[str, Check] = {
    "question": attribution.still_open,
    "word": status.still_without_film,
    "wave": reminders.still_missing,
    "alert": escalation.still_unanswered,
    "report": reports.summary,
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


def build(config: Config, database: Database, clock: Clock, engine: Engine | None = None) -> Bot:
    """A bot of these parts; without an engine it gets the durable one."""
    engine = engine or DurableEngine(database, config.EXECUTOR_ID)
    memory = Memory(database, engine, clock, config.TIMEZONE)
    objects = object_store(config)
    switchboard = _switchboard(config, memory)
    links = Links(config.public_url, config.SECRET_KEY.get_secret_value())
    attachments = Attachments(memory, objects, links, guard(config))
    hearing = Hearing(memory)
    intake, delivery = Intake(memory, switchboard, objects), Delivery(memory, switchboard, CHECKS, attachments)
    sampler, pulling = Sampler(memory, objects), Pulling(memory, switchboard)
    worker = Worker(memory, hearing, intake, delivery, sampler, pulling, config.EXECUTOR_ID)
    site = Site(config.public_url, config.SECRET_KEY.get_secret_value())
    web = create_app(memory, hearing, switchboard, objects, links, site)
    return Bot(config, memory, objects, switchboard, pulling, worker, web)


def _open_kf(board: Switchboard, config: Config, memory: Memory) -> None:
    token, key = config.WECOM_KF_TOKEN.get_secret_value(), config.WECOM_KF_ENCODING_AES_KEY.get_secret_value()
    envelope = Envelope(token, key, {config.WECOM_CORP_ID})
    secret = config.WECOM_KF_SECRET.get_secret_value()
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, memory.clock, memory.transaction, "kf")
    door = WeComKfDoor(envelope, client, config.WECOM_KF_OPEN_KFID)
    board.doors["wecom_kf"] = board.sources["wecom_kf"] = door
    board.channels["wecom_kf"] = WeComKfChannel(client, config.WECOM_KF_OPEN_KFID)


def guard(config: Config) -> Guard:
    """The way to addresses that came from outside, for doors and links alike."""
    return Guard((config.WECOM_API_URL, config.WECOM_AIBOT_URL, config.OFFICIAL_ACCOUNT_API_URL), config.MEDIA_HOSTS)


def _switchboard(config: Config, memory: Memory) -> Switchboard:
    board = Switchboard(platforms={config.WECOM_API_URL})
    board.channels["wecom_robot"] = WeComRobotChannel(config.WECOM_API_URL)
    board.channels["fallback"] = FallbackChannel([url.get_secret_value() for url in config.ALERT_FALLBACK_URLS])
    if config.app_is_on and config.WECOM_AGENT_ID is not None:
        secret = config.WECOM_APP_SECRET.get_secret_value()
        client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, memory.clock, memory.transaction)
        accepted = accepted_corps(config.WECOM_CORP_ID, config.WECOM_ACCEPTED_CORP_IDS)
        token, key = config.WECOM_CALLBACK_TOKEN, config.WECOM_ENCODING_AES_KEY
        envelope = Envelope(token.get_secret_value(), key.get_secret_value(), accepted)
        board.doors["wecom_app"] = WeComAppDoor(envelope, client)
        board.channels["wecom_app"] = WeComAppChannel(client, config.WECOM_AGENT_ID)
        board.logins["wecom"] = WeComLogin(
            client, config.WECOM_CORP_ID, config.WECOM_AGENT_ID, config.WECOM_OAUTH_URL, config.WECOM_QR_LOGIN_URL,
            f"{config.public_url}/login/wecom",
        )  # fmt: skip
    if config.is_on("wecom_kf"):
        _open_kf(board, config, memory)
    return board
