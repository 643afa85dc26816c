"""No request leads to an internal error, for any role and any content."""

from __future__ import annotations

import base64
import io
import random
import secrets
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytest

from bot.signed_links import SignedLinks
from handlers.permissions import ROLES
from handlers.upload_links import create_upload_link
from storage.db.models import Upload
from tests.fuzz.pages import HOSTILE, Attempt, HostileRequests
from tests.harness import row
from tests.web.parts import Browser, Dashboard
from tests.web.url_map import Route, routes

ANONYMOUS = "anonymous"
# The expected answers of ours to trouble that is not ours: an unavailable platform, a busy renderer.
BUSY = 503


def small_night(dashboard: Dashboard) -> None:
    """A film, an emergency and an open question, so that plausible values find something."""
    dashboard.story.time("00:15")
    dashboard.story.says("p1", "1")
    dashboard.story.film("p1")
    dashboard.story.says("p2", "险情 泵漏")
    for who in ("p1", "p2", "leader"):
        dashboard.story.hears(who)


def upload_link(dashboard: Dashboard) -> str:
    """The path of a patroller's upload page."""
    with dashboard.story.office() as store:
        person = store.register.account_owner("wecom", "p1", dashboard.story.clock.now())
        assert person is not None
        upload = create_upload_link(person, dashboard.story.bot.uow.context(store))
    links = SignedLinks("", dashboard.story.bot.config.SECRET_KEY.get_secret_value())
    return links.upload_url(upload.link_id)


def send(browser: Browser, attempt: Attempt, number: int) -> int:
    """The status of the answer. Each request comes from another address, so that no rate limit hides a page."""
    peer = {"REMOTE_ADDR": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
    with browser.open(attempt.path, method=attempt.method, environ_overrides=peer, **attempt.how) as answer:
        return answer.status_code


def attempts(dashboard: Dashboard, dice: random.Random) -> Iterator[tuple[str, Browser, Route, str, str]]:
    """Role, browser, route, value and CSRF token, for ever: each round has every route × every role."""
    browsers = {role: dashboard.signed_in(role) for role in ROLES} | {ANONYMOUS: dashboard.browser()}
    tokens = {role: browser.csrf("/login" if role == ANONYMOUS else "/account") for role, browser in browsers.items()}
    every_route = list(routes(dashboard.story.bot.web))
    values = cycle(HOSTILE)
    while True:
        dice.shuffle(every_route)
        for route in every_route:
            for role, browser in browsers.items():
                leaves = route.rule.startswith("/account/leave")  # would end the test
                yield role, browser, route, next(values), "" if leaves else tokens[role]


def failures(dashboard: Dashboard, count: int, seed: int) -> tuple[list[tuple[str, Attempt, int]], Counter[int]]:
    """The requests that got a status of 5xx, and the count of each status."""
    small_night(dashboard)
    dice = random.Random(seed)
    requests, failed, statuses = HostileRequests(dice), [], Counter[int]()
    for number, (role, browser, route, value, token) in enumerate(islice(attempts(dashboard, dice), count)):
        attempt = requests.to(route, value, token)
        status = send(browser, attempt, number)
        statuses[status] += 1
        if status >= 500 and status != BUSY:
            failed.append((role, attempt, status))
    return failed, statuses


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/films?night=0001-01-01", 404),
        ("/review?night=9999-12-31", 404),
        ("/films/9999-12-31/1124-0001", 404),
        ("/history?to=0001-01-01", 404),
        ("/trail?before=1e20", 200),
        (f"/trail?before={2**63}", 200),
        (f"/trail?before={2**63 - 1}", 200),
        ("/search?q=%00", 400),
        ("/trail?q=%00", 400),
        ("/trail?%00=1", 400),
        ("/enterprises/%00", 400),
        ("/login?next=http://[", 302),
        (f"/search?q={'x' * 9000}", 414),
    ],
)
def test_values_out_of_bounds_are_refused(dashboard: Dashboard, path: str, status: int) -> None:
    assert dashboard.signed_in("admin").get(path).status_code == status


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/office/invitations", {"name": "新\0人", "role": "巡检员"}, 400),
        ("/office/invitations", {"na\0me": "新人"}, 400),
        ("/office/invitations", {"name": "新" * 10_001}, 413),
        (f"/office/notices/{2**63}", {}, 404),
        ("/import", {"file": "a\0.xlsx"}, 400),
        ("/import", {"file": "a" * 300}, 400),
    ],
)
def test_forms_out_of_bounds_are_refused(dashboard: Dashboard, path: str, form: dict[str, Any], status: int) -> None:
    if path == "/import":
        form = {"file": (io.BytesIO(b"x"), form["file"])}
    assert dashboard.signed_in("admin").act(path, form).status_code == status


def test_requests_without_a_sign_in_are_guarded_too(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    assert browser.act("/login", {"login": "a\0", "password": "x"}, page="/login").status_code == 400
    assert browser.get("/login", headers={"User-Agent": "x" * 9000}).status_code == 431
    assert browser.get("/login", headers={"Accept": "\0"}).status_code == 400
    assert browser.post("/login", json={"login": "a"}).status_code == 415
    browser.set_cookie("upload", "\0", domain="patrol.example.org")
    assert browser.get("/login").status_code == 400


def test_the_name_of_an_uploaded_film_is_guarded(dashboard: Dashboard) -> None:
    link = upload_link(dashboard)
    browser = dashboard.browser()
    browser.get(link)
    names = {"a.mp4": 201, "a\0.mp4": 400, "a" * 300: 400}
    with dashboard.story.office() as store:
        part = base64.b64encode(str(row(store, Upload).enterprise_id).encode()).decode()
    for name, status in names.items():
        metadata = f"part {part},filename {base64.b64encode(name.encode()).decode()}"
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000", "Upload-Metadata": metadata}
        assert browser.post(link, headers=headers).status_code == status, name


@pytest.mark.slow
def test_every_route_withstands_hostile_values_of_every_role(dashboard: Dashboard) -> None:
    failed, _ = failures(dashboard, 500, seed=1)
    assert failed[:3] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_thousand_hostile_requests_get_no_server_error(dashboard: Dashboard) -> None:
    failed, statuses = failures(dashboard, 20_000, seed := secrets.randbelow(2**31))
    assert (seed, failed[:3]) == (seed, [])
    assert statuses.total() == 20_000
