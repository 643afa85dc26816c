"""The doctor on the platform: is the app what the settings say, do the robots post, do the clocks agree?"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterator
from datetime import timedelta

from bot.channels.errors import ChannelError
from bot.channels.interface import Diagnosable
from bot.channels.registry import Channels
from bot.channels.wecom_aibot.frames import WECOM_AIBOT
from bot.channels.wecom_aibot.websocket import AibotWebSocket, ConnectionTimings
from bot.channels.wecom_api.client import WeComClient
from bot.channels.wecom_robot import WeComRobotChannel
from bot.clock import wall_now
from bot.config import Config
from bot.doctor.check_result import CheckResult, failed, passed, warning
from bot.unit_of_work import UnitOfWork

_CLOCK_OFF_S = 30
_DOCTOR, _VISIT = "doctor", timedelta(seconds=30)
# What an operator must do, by the platform's code (protocol sheet, 14).
_WRONG_CORP, _WRONG_SECRET, _WRONG_ADDRESS = {40013}, {40001, 40056, 40091, 41004}, {60020}


def check_platform(config: Config, uow: UnitOfWork, channels: Channels) -> Iterator[CheckResult]:
    """Asks the platform; changes and says nothing there."""
    if not channels.receivers:
        yield failed("doctor.no_receiver")
    if config.wecom_app_configured:
        yield _app(config, uow)
    if config.is_configured("wecom_aibot"):
        yield _aibot(config, uow)
    for name, door in channels.receivers.items():
        if isinstance(door, Diagnosable):
            yield _door(name, door, config)
    if config.is_configured("official_account") and not config.OFFICIAL_ACCOUNT_TEMPLATE_ID:
        yield warning("doctor.official_account_no_template")
    yield _host_clock(config)
    with uow.read() as store:
        groups = store.register.groups()
    robot = WeComRobotChannel(config.WECOM_API_URL)
    for group in groups:
        if group.chat_id and not group.robot_key and config.is_configured("wecom_aibot"):
            yield passed("doctor.group_by_aibot", name=group.name)
        else:
            yield _robot(robot, group.name, group.robot_key)
    if not config.ALERT_FALLBACK_URLS:
        yield warning("doctor.no_sms_mail")


def _app(config: Config, memory: UnitOfWork) -> CheckResult:
    secret = config.WECOM_APP_SECRET.get_secret_value()
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, memory.clock, memory.transaction)
    try:
        client.get("getcallbackip")
    except ChannelError as error:
        return _refused(error)
    return passed("doctor.app", url=f"{config.public_url}/callbacks/wecom_app")


def _door(name: str, door: Diagnosable, config: Config) -> CheckResult:
    """A door that can tell what is wrong with its settings."""
    if fault := door.diagnose():
        return failed(f"doctor.{name}_refused", error=fault)
    return passed(f"doctor.{name}", url=f"{config.public_url}/callbacks/{name}")


def _refused(error: ChannelError) -> CheckResult:
    if error.code in _WRONG_CORP:
        return failed("doctor.wrong_corp_id", error=error.detail)
    if error.code in _WRONG_SECRET:
        return failed("doctor.wrong_secret", error=error.detail)
    if error.code in _WRONG_ADDRESS:
        told = re.search(r"from ip: ?([0-9a-fA-F.:]+)", error.detail)
        return failed("doctor.ip_not_trusted", address=told.group(1) if told else "—")
    return failed("doctor.app_refused", error=error.detail)


def _aibot(config: Config, memory: UnitOfWork) -> CheckResult:
    """A log-in of ours would end the one in service: it is tried only when no worker holds the connection."""
    with memory.transaction() as store:
        free = store.leases.acquire(WECOM_AIBOT, _DOCTOR, wall_now(), _VISIT)
    if not free:
        return passed("doctor.aibot_in_use")
    secret = config.WECOM_AIBOT_SECRET.get_secret_value()
    try:
        AibotWebSocket(
            config.WECOM_AIBOT_URL, config.WECOM_AIBOT_ID, secret, lambda _frame: None, ConnectionTimings()
        ).close()
    except ChannelError as error:
        return failed("doctor.aibot_refused", error=error.detail)
    finally:
        with memory.transaction() as store:
            store.leases.release(WECOM_AIBOT, _DOCTOR)
    return passed("doctor.aibot")


def _robot(robot: WeComRobotChannel, name: str, key: str | None) -> CheckResult:
    if not key:
        return failed("doctor.robot_without_key", name=name)
    fault = robot.diagnose(key)
    return failed("doctor.robot_refused", name=name, error=fault) if fault else passed("doctor.robot", name=name)


def _host_clock(config: Config) -> CheckResult:
    """Judgement follows the platform's clock; ours must not be far from it (mission 4.5, case 34)."""
    try:
        stated = WeComRobotChannel(config.WECOM_API_URL).platform_time()
    except ChannelError as error:
        return failed("doctor.platform_unreachable", url=config.WECOM_API_URL, error=error.detail)
    apart = abs((email.utils.parsedate_to_datetime(stated) - wall_now()).total_seconds()) if stated else 0
    return (passed if apart <= _CLOCK_OFF_S else failed)("doctor.clock", seconds=round(apart))
