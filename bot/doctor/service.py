"""Checks of the running service: workers, public URL, callbacks, external monitor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from bot.channels.errors import ChannelError
from bot.channels.registry import Channels
from bot.channels.wecom_api.crypto import verification_query
from bot.channels.wecom_api.http import is_reachable, new_session, send_request
from bot.config import Config
from bot.doctor.check_result import CheckResult, failed, passed, warning
from bot.monitoring.liveness import SCHEDULER_STALLED_AFTER_S, read_liveness
from bot.unit_of_work import UnitOfWork

_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
# Outcomes of callbacks that were signed or encrypted with another token, key or corp id.
_REFUSED = {
    "signature": "doctor.callback_token_mismatch",
    "padding": "doctor.callback_key_mismatch",
    "foreign_corp": "doctor.callback_foreign_corp",
    "stale": "doctor.callback_stale",
    "plain_body": "doctor.callback_plain_body",
}


def check_service(config: Config, uow: UnitOfWork, channels: Channels) -> Iterator[CheckResult]:
    """A service that is not running is only a warning."""
    with uow.read() as store:
        liveness = read_liveness(store, uow.clock)
    if not liveness.live_workers:
        yield warning("doctor.no_worker")
    elif liveness.tick_lag_s is None or liveness.tick_lag_s > SCHEDULER_STALLED_AFTER_S:
        yield failed("doctor.timetable_stalled", seconds=round(liveness.tick_lag_s or 0))
    else:
        yield passed("doctor.workers_running", workers=liveness.live_workers)
    if liveness.live_workers > 1 and "EXECUTOR_ID" not in config.model_fields_set:
        yield warning("doctor.executor_id_not_set", workers=liveness.live_workers, name=config.EXECUTOR_ID)
    yield from _public(config, uow.clock.now(), running=bool(liveness.live_workers))
    yield from _refused_callbacks(config)
    yield from _external_monitor(config)


def _public(config: Config, now: datetime, *, running: bool) -> Iterator[CheckResult]:
    """PUBLIC_URL must lead to this service, and a callback made with our settings must be accepted."""
    host = urlsplit(config.public_url).hostname or ""
    if not config.PUBLIC_URL:
        yield warning("doctor.no_public_url")
    elif not config.PUBLIC_URL.startswith("https://"):
        yield (warning if host in _LOCAL_HOSTS else failed)("doctor.public_url_not_https", url=config.PUBLIC_URL)
    fault = _public_url_fault(config.public_url)
    if fault is not None:
        yield (failed if running else warning)("doctor.public_url_not_this_service", url=config.public_url, error=fault)
    elif config.wecom_app_configured:
        yield _own_callback(config, now)


def _public_url_fault(url: str) -> str | None:
    try:
        with send_request(new_session(), "GET", f"{url}/health/live") as response:
            live = response.json() if response.status_code == 200 else None
    except ChannelError as error:
        return error.detail
    except ValueError:
        return "no JSON"
    return None if live == {"status": "ok"} else f"HTTP {response.status_code}"


def _own_callback(config: Config, now: datetime) -> CheckResult:
    """The verification request that the platform sends when the URL is saved in its console."""
    url = f"{config.public_url}/callbacks/wecom_app"
    token, key = config.WECOM_CALLBACK_TOKEN.get_secret_value(), config.WECOM_ENCODING_AES_KEY.get_secret_value()
    echo = "night patrol doctor"
    try:
        params = verification_query(token, key, config.WECOM_CORP_ID, echo, now)
        with send_request(new_session(), "GET", url, params=params) as response:
            accepted = response.status_code == 200 and response.text == echo
            why = f"HTTP {response.status_code}"
    except ChannelError as error:
        accepted, why = False, error.detail
    return passed("doctor.callback_ok", url=url) if accepted else failed("doctor.callback_refused", url=url, error=why)


def _refused_callbacks(config: Config) -> Iterator[CheckResult]:
    """Only refused callbacks, none accepted: token or key differ from those in the console."""
    counts = _callback_counts(f"http://{config.HOST}:{config.PORT}/metrics")
    if any(counts.get(outcome) for outcome in ("stored", "duplicate")):
        return
    for reason, key in _REFUSED.items():
        if counts.get(reason):
            yield failed(key, count=round(counts[reason]))


def _callback_counts(url: str) -> dict[str, float]:
    """Outcome -> count, of the web process on this machine; empty if there is none."""
    with suppress(ChannelError), send_request(new_session(), "GET", url) as response:
        lines = re.findall(r'^patrol_callbacks_total\{.*outcome="(\w+)".*\} ([\d.e+]+)$', response.text, re.M)
        return {outcome: float(number) for outcome, number in lines}
    return {}


def _external_monitor(config: Config) -> Iterator[CheckResult]:
    if not config.HEARTBEAT_URL:
        yield warning("doctor.no_heartbeat_url")
    elif not is_reachable(config.HEARTBEAT_URL):
        yield failed("doctor.heartbeat_url_unreachable", host=urlsplit(config.HEARTBEAT_URL).hostname or "")
