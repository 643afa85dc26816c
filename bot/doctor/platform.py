"""Checks against the platform: credentials of each channel, robot keys, difference of the clocks."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from bot.channels.errors import ChannelError
from bot.channels.interface import Diagnosable
from bot.channels.registry import Channels
from bot.channels.wecom_aibot.frames import WECOM_AIBOT
from bot.channels.wecom_aibot.websocket import AibotWebSocket, ConnectionTimings
from bot.channels.wecom_api.client import WeComClient
from bot.channels.wecom_msgaudit import finance_sdk
from bot.channels.wecom_msgaudit.private_keys import PrivateKeys
from bot.channels.wecom_robot import WeComRobotChannel
from bot.clock import wall_now
from bot.config import Config
from bot.doctor.check_result import CheckResult, absent, failed, passed, warning
from bot.unit_of_work import UnitOfWork

_MAX_CLOCK_DIFFERENCE_S = 30
_LIBRARY_SOURCE = "https://developer.work.weixin.qq.com/document/path/91774"
_LEASE_HOLDER, _LEASE_DURATION = "doctor", timedelta(seconds=30)
# Error codes of the WeCom API, grouped by what the operator must correct.
_WRONG_CORP, _WRONG_SECRET, _WRONG_ADDRESS = {40013}, {40001, 40056, 40091, 41004}, {60020}


def check_platform(
    config: Config, uow: UnitOfWork, channels: Channels, wall_clock: Callable[[], datetime] = wall_now
) -> Iterator[CheckResult]:
    """Queries the platform without changing or sending anything there."""
    if not channels.receivers:
        yield failed("doctor.no_receiver")
    if config.wecom_app_configured:
        yield _app(config, uow)
    if config.is_configured("wecom_aibot"):
        yield _aibot(config, uow)
    for name, receiver in channels.receivers.items():
        if isinstance(receiver, Diagnosable):
            yield _receiver(name, receiver, config)
    if config.is_configured("official_account") and not config.OFFICIAL_ACCOUNT_TEMPLATE_ID:
        yield warning("doctor.official_account_no_template")
    yield _host_clock(config, wall_clock())
    with uow.read() as store:
        groups = store.register.groups()
    robot = WeComRobotChannel(config.WECOM_API_URL)
    for group in groups:
        if group.chat_id and not group.robot_key and config.is_configured("wecom_aibot"):
            yield passed("doctor.group_by_aibot", name=group.name)
        else:
            yield _robot(robot, group.name, group.robot_key)
    if not config.ALERT_FALLBACK_URLS:
        yield failed("doctor.no_sms_mail")
    yield _chat_archive(config)


def _app(config: Config, uow: UnitOfWork) -> CheckResult:
    secret = config.WECOM_APP_SECRET.get_secret_value()
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, uow.clock, uow.transaction)
    try:
        client.get("getcallbackip")
    except ChannelError as error:
        return credentials_failure(error)
    return passed("doctor.app", url=f"{config.public_url}/callbacks/wecom_app")


def _receiver(name: str, receiver: Diagnosable, config: Config) -> CheckResult:
    if fault := receiver.diagnose():
        return failed(f"doctor.{name}_refused", error=fault)
    return passed(f"doctor.{name}", url=f"{config.public_url}/callbacks/{name}")


def credentials_failure(error: ChannelError) -> CheckResult:
    if error.code in _WRONG_CORP:
        return failed("doctor.wrong_corp_id", error=error.detail)
    if error.code in _WRONG_SECRET:
        return failed("doctor.wrong_secret", error=error.detail)
    if error.code in _WRONG_ADDRESS:
        match = re.search(r"from ip: ?([0-9a-fA-F.:]+)", error.detail)
        return failed("doctor.ip_not_trusted", address=match.group(1) if match else "—")
    return failed("doctor.app_refused", error=error.detail)


def _aibot(config: Config, uow: UnitOfWork) -> CheckResult:
    """The platform allows one connection per bot, so we subscribe only while no worker holds the lease."""
    with uow.transaction() as store:
        acquired = store.leases.acquire(WECOM_AIBOT, _LEASE_HOLDER, wall_now(), _LEASE_DURATION)
    if not acquired:
        return passed("doctor.aibot_in_use")
    secret = config.WECOM_AIBOT_SECRET.get_secret_value()
    try:
        AibotWebSocket(
            config.WECOM_AIBOT_URL, config.WECOM_AIBOT_ID, secret, lambda _frame: None, ConnectionTimings()
        ).close()
    except ChannelError as error:
        return failed("doctor.aibot_refused", error=error.detail)
    finally:
        with uow.transaction() as store:
            store.leases.release(WECOM_AIBOT, _LEASE_HOLDER)
    return passed("doctor.aibot")


def _robot(robot: WeComRobotChannel, name: str, key: str | None) -> CheckResult:
    if not key:
        return failed("doctor.robot_without_key", name=name)
    fault = robot.diagnose(key)
    return failed("doctor.robot_refused", name=name, error=fault) if fault else passed("doctor.robot", name=name)


def _host_clock(config: Config, now: datetime) -> CheckResult:
    """Films are judged by the platform's send time; our clock decides when reminders are due, so both must agree."""
    try:
        stated = WeComRobotChannel(config.WECOM_API_URL).platform_time()
    except ChannelError as error:
        return failed("doctor.platform_unreachable", url=config.WECOM_API_URL, error=error.detail)
    if stated is None:
        return warning("doctor.no_platform_time")
    difference_s = abs((email.utils.parsedate_to_datetime(stated) - now).total_seconds())
    return (passed if difference_s <= _MAX_CLOCK_DIFFERENCE_S else failed)("doctor.clock", seconds=round(difference_s))


def _chat_archive(config: Config) -> CheckResult:
    if not config.is_configured("wecom_msgaudit"):
        return absent("doctor.archive_off", source=_LIBRARY_SOURCE)
    folder, library = config.WECOM_MSGAUDIT_KEYS_DIR, config.WECOM_MSGAUDIT_LIBRARY
    try:
        finance_sdk.load_library(library)
    except ChannelError as error:
        return failed("doctor.archive_library_unusable", path=library, error=error.detail, source=_LIBRARY_SOURCE)
    versions = [str(version) for version in PrivateKeys(Path(folder)).versions()]
    if not versions:
        return failed("doctor.archive_keys_missing", folder=folder)
    return passed("doctor.archive", versions=versions)
