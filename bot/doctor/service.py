"""The doctor on the service that runs: does anybody work, does the outside reach it, do callbacks open?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from bot.channels.errors import ChannelError
from bot.channels.registry import Channels
from bot.channels.wecom_api.crypto import verification_query
from bot.channels.wecom_api.http import is_reachable, new_session, send_request
from bot.config import Config
from bot.doctor.check_result import CheckResult, failed, passed, warning
from bot.monitoring.liveness import SCHEDULER_STALLED_AFTER_S, read_liveness
from bot.unit_of_work import UnitOfWork

_NEAR = ("127.0.0.1", "localhost", "::1")
# How a callback fails that was sealed with another token, another key, or for another corp.
_REFUSED = {
    "signature": "doctor.callback_token_mismatch",
    "padding": "doctor.callback_key_mismatch",
    "foreign_corp": "doctor.callback_foreign_corp",
}


def check_service(config: Config, uow: UnitOfWork, channels: Channels) -> Iterator[CheckResult]:
    """As seen from here; a service that has not been started yet is no fault."""
    with uow.read() as store:
        found = read_liveness(store, uow.clock)
    if not found.live_workers:
        yield warning("doctor.no_worker")
    elif found.tick_lag_s is None or found.tick_lag_s > SCHEDULER_STALLED_AFTER_S:
        yield failed("doctor.timetable_stalled", seconds=round(found.tick_lag_s or 0))
    else:
        yield passed("doctor.workers_running", workers=found.live_workers)
    if found.live_workers > 1 and "EXECUTOR_ID" not in config.model_fields_set:
        yield warning("doctor.executor_id_not_set", workers=found.live_workers, name=config.EXECUTOR_ID)
    yield from _public(config, running=bool(found.live_workers))
    yield from _refused_callbacks(config)
    yield from _watcher(config)


def _public(config: Config, *, running: bool) -> Iterator[CheckResult]:
    """The address that phones and the platform use must lead here, and callbacks sealed by us must open."""
    host = urlsplit(config.public_url).hostname or ""
    if not config.PUBLIC_URL:
        yield warning("doctor.no_public_url")
    elif not config.PUBLIC_URL.startswith("https://"):
        yield (warning if host in _NEAR else failed)("doctor.public_url_not_https", url=config.PUBLIC_URL)
    fault = _why_not_ours(config.public_url)
    if fault is not None:
        yield (failed if running else warning)("doctor.public_url_not_this_service", url=config.public_url, error=fault)
    elif config.wecom_app_configured:
        yield _own_callback(config)


def _why_not_ours(url: str) -> str | None:
    try:
        with send_request(new_session(), "GET", f"{url}/health/live") as answer:
            live = answer.json() if answer.status_code == 200 else None
    except ChannelError as error:
        return error.detail
    except ValueError:
        return "no JSON"
    return None if live == {"status": "ok"} else f"HTTP {answer.status_code}"


def _own_callback(config: Config) -> CheckResult:
    """What the platform does when the address is saved in its console, done by us."""
    url = f"{config.public_url}/callbacks/wecom_app"
    token, key = config.WECOM_CALLBACK_TOKEN.get_secret_value(), config.WECOM_ENCODING_AES_KEY.get_secret_value()
    words = "night patrol doctor"
    try:
        with send_request(
            new_session(), "GET", url, params=verification_query(token, key, config.WECOM_CORP_ID, words)
        ) as answer:
            opened = answer.status_code == 200 and answer.text == words
            why = f"HTTP {answer.status_code}"
    except ChannelError as error:
        opened, why = False, error.detail
    return passed("doctor.callback_ok", url=url) if opened else failed("doctor.callback_refused", url=url, error=why)


def _refused_callbacks(config: Config) -> Iterator[CheckResult]:
    """Callbacks that came and could not be opened while none ever could: token or key differ from the console's."""
    counted = _counted(f"http://{config.HOST}:{config.PORT}/metrics")
    if any(counted.get(outcome) for outcome in ("stored", "duplicate")):
        return
    for reason, key in _REFUSED.items():
        if counted.get(reason):
            yield failed(key, count=round(counted[reason]))


def _counted(url: str) -> dict[str, float]:
    """How often each outcome was counted by the web on this machine; nothing where there is none."""
    with suppress(ChannelError), send_request(new_session(), "GET", url) as answer:
        lines = re.findall(r'^patrol_callbacks_total\{.*outcome="(\w+)".*\} ([\d.e+]+)$', answer.text, re.M)
        return {outcome: float(number) for outcome, number in lines}
    return {}


def _watcher(config: Config) -> Iterator[CheckResult]:
    if not config.HEARTBEAT_URL:
        yield warning("doctor.no_heartbeat_url")
    elif not is_reachable(config.HEARTBEAT_URL):
        yield failed("doctor.heartbeat_url_unreachable", host=urlsplit(config.HEARTBEAT_URL).hostname or "")
