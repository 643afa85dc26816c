"""The doctor on the platform: is the app what the settings say, do the robots post, do the clocks agree?"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterator
from datetime import timedelta

from bot.channels import Examined, Switchboard, WeComClient, WeComRobotChannel, wecom_aibot
from bot.channels.errors import ChannelError
from bot.channels.wecom_aibot.websocket import Pace, Wire
from bot.clock import wall_now
from bot.config import Config
from bot.doctor.check_result import Finding, advice, bad, good
from bot.unit_of_work import Memory

_CLOCK_OFF_S = 30
_DOCTOR, _VISIT = "doctor", timedelta(seconds=30)
# What an operator must do, by the platform's code (protocol sheet, 14).
_WRONG_CORP, _WRONG_SECRET, _WRONG_ADDRESS = {40013}, {40001, 40056, 40091, 41004}, {60020}


def examine(config: Config, memory: Memory, switchboard: Switchboard) -> Iterator[Finding]:
    """Asks the platform; changes and says nothing there."""
    if not switchboard.doors:
        yield bad("doctor.app_off")
    if config.app_is_on:
        yield _app(config, memory)
    if config.is_on("wecom_aibot"):
        yield _aibot(config, memory)
    for name, door in switchboard.doors.items():
        if isinstance(door, Examined):
            yield _door(name, door, config)
    if config.is_on("official_account") and not config.OFFICIAL_ACCOUNT_TEMPLATE_ID:
        yield advice("doctor.account_without_template")
    yield _host_clock(config)
    with memory.reading() as store:
        groups = store.register.groups()
    robot = WeComRobotChannel(config.WECOM_API_URL)
    for group in groups:
        if group.chat_id and not group.robot_key and config.is_on("wecom_aibot"):
            yield good("doctor.group_by_aibot", name=group.name)
        else:
            yield _robot(robot, group.name, group.robot_key)
    if not config.ALERT_FALLBACK_URLS:
        yield advice("doctor.no_fallback")


def _app(config: Config, memory: Memory) -> Finding:
    secret = config.WECOM_APP_SECRET.get_secret_value()
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, memory.clock, memory.transaction)
    try:
        client.get("getcallbackip")
    except ChannelError as error:
        return _refused(error)
    return good("doctor.app", url=f"{config.public_url}/callbacks/wecom_app")


def _door(name: str, door: Examined, config: Config) -> Finding:
    """A door that can tell what is wrong with its settings."""
    if fault := door.fault():
        return bad(f"doctor.{name}_refused", why=fault)
    return good(f"doctor.{name}", url=f"{config.public_url}/callbacks/{name}")


def _refused(error: ChannelError) -> Finding:
    if error.code in _WRONG_CORP:
        return bad("doctor.wrong_corp", why=error.detail)
    if error.code in _WRONG_SECRET:
        return bad("doctor.wrong_secret", why=error.detail)
    if error.code in _WRONG_ADDRESS:
        told = re.search(r"from ip: ?([0-9a-fA-F.:]+)", error.detail)
        return bad("doctor.wrong_address", address=told.group(1) if told else "—")
    return bad("doctor.app_refused", why=error.detail)


def _aibot(config: Config, memory: Memory) -> Finding:
    """A log-in of ours would end the one in service: it is tried only when no worker holds the connection."""
    with memory.transaction() as store:
        free = store.leases.take(wecom_aibot.NAME, _DOCTOR, wall_now(), _VISIT)
    if not free:
        return good("doctor.aibot_held")
    secret = config.WECOM_AIBOT_SECRET.get_secret_value()
    try:
        Wire(config.WECOM_AIBOT_URL, config.WECOM_AIBOT_ID, secret, lambda _frame: None, Pace()).close()
    except ChannelError as error:
        return bad("doctor.aibot_refused", why=error.detail)
    finally:
        with memory.transaction() as store:
            store.leases.release(wecom_aibot.NAME, _DOCTOR)
    return good("doctor.aibot")


def _robot(robot: WeComRobotChannel, name: str, key: str | None) -> Finding:
    if not key:
        return bad("doctor.robot_without_key", name=name)
    fault = robot.fault(key)
    return bad("doctor.robot_refused", name=name, why=fault) if fault else good("doctor.robot", name=name)


def _host_clock(config: Config) -> Finding:
    """Judgement follows the platform's clock; ours must not be far from it (mission 4.5, case 34)."""
    try:
        stated = WeComRobotChannel(config.WECOM_API_URL).platform_time()
    except ChannelError as error:
        return bad("doctor.no_network", url=config.WECOM_API_URL, why=error.detail)
    apart = abs((email.utils.parsedate_to_datetime(stated) - wall_now()).total_seconds()) if stated else 0
    return (good if apart <= _CLOCK_OFF_S else bad)("doctor.clock", seconds=round(apart))
