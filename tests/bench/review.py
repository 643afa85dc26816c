"""How soon the next film plays after a verdict, in a real browser, and what one film costs on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright
from sqlalchemy import insert, select, update

from bot.devtools.simulator.films import make_film
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import Enterprise, InboxRow, KeyPart, Person, Submission
from storage.objects import open_object_store
from storage.store import Store
from tests.bench.rig import Row, Service, middle, service
from tests.bench.web import film_row, now, sign_in
from tests.browser.chromium import launched
from tests.harness import SHANGHAI

_WATCHED_MS = 3000
# Presses the verdict; the milliseconds until the first frame of another film is on the screen, and those of the request
# that stores the verdict.
_JUDGE = """() => new Promise((resolve) => {
  const old = document.getElementById("film"), began = performance.now();
  const look = () => {
    const film = document.getElementById("film");
    if (film === old) return requestAnimationFrame(look);
    film.requestVideoFrameCallback(() => {
      const asked = performance.getEntriesByType("resource").filter((each) => each.startTime >= began);
      resolve([performance.now() - began, asked.find((each) => each.initiatorType === "fetch").duration]);
    });
  };
  document.querySelector(".verdict-button--fit").click();
  look();
})"""
# A machine that other work keeps busy may take longer than the film was watched.
_IS_PREFETCHED = """() => {
  const asked = document.querySelector("#film-view").dataset.page + "/next";
  return performance.getEntriesByType("resource").some((each) => each.name.endsWith(asked) && each.responseEnd > 0
    && performance.now() - each.responseEnd > 300);
}"""
_FIRST_FRAME = """() => new Promise((resolve) => {
  const film = document.getElementById("film");
  if (film.currentTime > 0) resolve(); else film.requestVideoFrameCallback(() => resolve());
})"""


@dataclass
class _Wire:
    """What a browser asked for, by the numbers of its network layer."""

    requests: int = 0
    kilobytes: float = 0.0

    def count(self, _event: dict[str, Any]) -> None:
        self.requests += 1

    def add(self, event: dict[str, Any]) -> None:
        self.kilobytes += event["encodedDataLength"] / 1000


def reviewing(quick: bool) -> Iterator[Row]:
    """Three seconds of each film watched, one verdict after the other."""
    films = 10 if quick else 40
    with service("SQLite", ("serve",), films, 1) as found, sync_playwright() as playwright:
        night = _fill(found)
        with launched(playwright) as browser:
            context = browser.new_context(
                base_url=f"http://127.0.0.1:{found.port}", viewport={"width": 390, "height": 844}
            )
            _sign_in(found, context)
            page = context.new_page()
            page.goto(f"/review?night={night}")
            page.get_by_role("button", name="开始审看").click()
            page.wait_for_url("**/films/**")
            wire = _watch(context, page)
            judged = [_judged(page) for _ in range(films - 4)]
            taken, stored = [total for total, _ in judged], [request for _, request in judged]
            requests, kilobytes = wire.requests / len(taken), wire.kilobytes / len(taken)
            loaded = [_loaded(page) for _ in range(3)]
    p95 = sorted(taken)[int(len(taken) * 0.95)]
    yield Row(
        f"from a verdict to the first frame of the next film, {len(taken)} films of {len(_film()) / 1000:.0f} kB: p95",
        f"**{p95:.0f} ms** (median {middle(taken):.0f})",
        "≤ 300 ms",
    )
    yield Row("… of which the request that stores the verdict", f"median {middle(stored):.0f} ms", "")
    yield Row("… where the page is loaded for each film", f"{middle(loaded):.0f} ms", "")
    yield Row("… requests per film", f"{requests:.1f}", "")
    yield Row("… bytes per film", f"{kilobytes:.0f} kB", "")


@cache
def _film() -> bytes:
    """As phones film: the first frame of a film with few frames a second would come late by itself."""
    return make_film(seconds=12, size=(640, 360), fps=25)


def _fill(found: Service) -> date:
    """A film of every part in the night before, all of which must be reviewed, and a leader."""
    objects, night = open_object_store(found.environment["OBJECT_STORE_URL"]), night_of(now(), RuleBook(SHANGHAI))
    night -= timedelta(days=1)
    film = _film()
    with found.database.transaction() as session:
        session.execute(update(Enterprise).values(risk="红"))
        session.execute(insert(InboxRow).values(id=1, channel="x", message_key="x", raw="", received_at=now()))
        for number, part in enumerate(session.execute(select(KeyPart.enterprise_id, KeyPart.id))):
            row = film_row(night, number, *part)
            row["object_key"] = f"{night}/{number}.mp4"
            with objects.spool() as spool:
                spool.write(film)
                objects.save(spool, row["object_key"])
            session.execute(insert(Submission), [row])
        leader = Person(name="局长", roles=["值班领导"])
        session.add(leader)
        session.flush()
        Store(session).register.bind(leader.id, "wecom", "boss", None)
    found.cloud.add_member("boss")
    return night


def _sign_in(found: Service, context: BrowserContext) -> None:
    for cookie in sign_in(found).cookies:
        context.add_cookies(
            [{"name": cookie.name, "value": cookie.value or "", "url": f"http://127.0.0.1:{found.port}"}]
        )


def _watch(context: BrowserContext, page: Page) -> _Wire:
    wire, session = _Wire(), context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", wire.count)
    session.on("Network.loadingFinished", wire.add)
    return wire


def _judged(page: Page) -> tuple[float, float]:
    page.wait_for_timeout(_WATCHED_MS)
    while not page.evaluate(_IS_PREFETCHED):
        page.wait_for_timeout(100)
    total, request = page.evaluate(_JUDGE)
    return float(total), float(request)


def _loaded(page: Page) -> float:
    """The same film once more by a page load: what every verdict cost without prefetching."""
    began = now()
    page.reload(wait_until="commit")
    page.wait_for_selector("#film")
    page.evaluate(_FIRST_FRAME)
    return (now() - began).total_seconds() * 1000
