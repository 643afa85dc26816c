"""What a newcomer sets wrong, each found and said with what to do about it."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator
from datetime import timedelta

from bot.channels import WeComClient, WeComRobotChannel, wecom_aibot
from bot.channels.errors import ChannelError
from bot.channels.wecom_aibot.wire import Pace, Wire
from bot.clock import wall_now
from bot.config import Config, SettingsError, load
from bot.engine import InlineEngine
from bot.memory import Memory
from bot.opening import connected, joined_clock, object_store, open_database
from bot.texts import say
from storage.errors import DatabaseAway, SchemaMismatch
from storage.objects import ObjectError
from storage.register import LEADER

Finding = tuple[bool, str]
_CLOCK_OFF_S = 30
_DOCTOR, _VISIT = "doctor", timedelta(seconds=30)


def examine() -> Iterator[Finding]:
    """Whether each thing is well, and a line about it."""
    try:
        config = load()
    except SettingsError as error:
        yield False, str(error)
        return
    yield True, say("doctor.settings")
    yield bool(config.SECRET_KEY.get_secret_value()), _secret_key(config)
    yield _objects(config)
    try:
        database = open_database(config, migrate=False)
    except SchemaMismatch as error:
        yield False, say("doctor.schema", found=error.found or say("schema.none"))
        return
    except DatabaseAway as error:
        yield False, say("trouble.database", why=str(error))
        return
    try:
        memory, _ = connected(config, database, joined_clock(database), InlineEngine())
        yield True, say("doctor.database", rehearsal=[{"say": "doctor.rehearsal"}] if memory.clock.rehearsal else [])
        yield from _register(memory)
        yield from _platform(config, memory)
    finally:
        database.close()


def _secret_key(config: Config) -> str:
    return (
        say("doctor.secret_key") if config.SECRET_KEY.get_secret_value() else say("settings.needed", name="SECRET_KEY")
    )


def _objects(config: Config) -> Finding:
    try:
        store = object_store(config)
        store.check()
        free = store.free_bytes()
    except (ObjectError, ValueError) as error:
        return False, say("trouble.objects", why=str(error))
    return True, say("doctor.objects", free="—" if free is None else f"{free / 1e9:.1f} GB")


def _register(memory: Memory) -> Iterator[Finding]:
    with memory.reading() as store:
        enterprises = {row.id for row in store.register.expected_parts()}
        leaders, office = store.register.with_role(LEADER), store.register.office()
        realms = {line.realm for line in store.lines}
        reachable = store.register.reachable([person.id for person in [*leaders, *office]], realms)
    yield bool(enterprises), say("doctor.register", number=len(enterprises))
    yield bool(reachable), say("doctor.people", leaders=len(leaders), office=len(office), reachable=len(reachable))


def _platform(config: Config, memory: Memory) -> Iterator[Finding]:
    if not config.app_is_on:
        yield False, say("doctor.app_off")
    else:
        yield _app(config, memory)
    if config.is_on("wecom_aibot"):
        yield _aibot(config, memory)
    yield _host_clock(config)
    with memory.reading() as store:
        groups = store.register.groups()
    robot = WeComRobotChannel(config.WECOM_API_URL)
    for group in groups:
        if group.chat_id and not group.robot_key and config.is_on("wecom_aibot"):
            yield True, say("doctor.group_by_aibot", name=group.name)
        else:
            yield _robot(robot, group.name, group.robot_key)


def _app(config: Config, memory: Memory) -> Finding:
    secret = config.WECOM_APP_SECRET.get_secret_value()
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, memory.clock, memory.transaction)
    try:
        client.get("getcallbackip")
    except ChannelError as error:
        return False, say("doctor.app_refused", why=error.detail)
    return True, say("doctor.app", url=f"{config.public_url}/callbacks/wecom_app")


def _aibot(config: Config, memory: Memory) -> Finding:
    """A log-in of ours would end the one in service: it is tried only when no worker holds the connection."""
    with memory.transaction() as store:
        free = store.leases.take(wecom_aibot.NAME, _DOCTOR, wall_now(), _VISIT)
    if not free:
        return True, say("doctor.aibot_held")
    secret = config.WECOM_AIBOT_SECRET.get_secret_value()
    try:
        Wire(config.WECOM_AIBOT_URL, config.WECOM_AIBOT_ID, secret, lambda _frame: None, Pace()).close()
    except ChannelError as error:
        return False, say("doctor.aibot_refused", why=error.detail)
    finally:
        with memory.transaction() as store:
            store.leases.release(wecom_aibot.NAME, _DOCTOR)
    return True, say("doctor.aibot")


def _robot(robot: WeComRobotChannel, name: str, key: str | None) -> Finding:
    if not key:
        return False, say("doctor.robot_without_key", name=name)
    fault = robot.fault(key)
    return fault is None, say("doctor.robot_refused", name=name, why=fault) if fault else say("doctor.robot", name=name)


def _host_clock(config: Config) -> Finding:
    """Judgement follows the platform's clock; ours must not be far from it (mission 4.5, case 34)."""
    try:
        stated = WeComRobotChannel(config.WECOM_API_URL).platform_time()
    except ChannelError as error:
        return False, say("doctor.no_network", url=config.WECOM_API_URL, why=error.detail)
    apart = abs((email.utils.parsedate_to_datetime(stated) - wall_now()).total_seconds()) if stated else 0
    return apart <= _CLOCK_OFF_S, say("doctor.clock", seconds=round(apart))
