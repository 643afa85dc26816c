"""The other channels: a film through the smart bot compared with the app, and pieces of the upload page."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bot.devtools.simulator.films import make_big_film, make_film
from bot.signed_links import SignedLinks
from storage.store import Store
from tests.bench.load import load
from tests.bench.rig import Row, Service, folder, middle, service, spread, wait_until

_MEGABYTES, _PIECE, _WANTED = 100, 64 * 1024, 500
_TUS = {"Tus-Resumable": "1.0.0"}


def a_smart_bot_film(quick: bool) -> Iterator[Row]:
    """100 MB, encrypted: fetched, decrypted and filed, alternating with the same film through the app."""
    with service(smart_bot=True) as found, folder() as place:
        wait_until(lambda: found.cloud.aibot.is_connected, 30)
        film = place / "film.mp4"
        make_big_film(film, _MEGABYTES)
        account = found.accounts[0]
        _filed(found, lambda: found.cloud.phone(account).sends_film(make_film()))
        _filed(found, lambda: found.cloud.aibot.sends_film(account, make_film()))
        idle, plain, smart, peaks = found.rss_mb(), [], [], []
        for _ in range(1 if quick else 3):
            plain.append(_filed(found, lambda: found.cloud.phone(account).sends_film(film)))
            with _watched(found) as seen:
                # What the pretend cloud takes to encrypt it is none of the door's time.
                told = found.cloud.aibot.media.add(film, "film.mp4")
                body = {"msgtype": "video", "video": told}
                smart.append(_filed(found, lambda: found.cloud.aibot.sends_raw(account, "", body)))  # noqa: B023
            peaks.append(max(seen))
    ratio = spread([one / other for one, other in zip(plain, smart, strict=True)])
    rates = f"{_MEGABYTES / middle(smart):.0f} MB/s against {_MEGABYTES / middle(plain):.0f} MB/s"
    yield Row("100 MB through the smart bot: of the speed of the plain door", f"**{ratio}**, {rates}", "≥ 0.6")
    yield Row("… memory above idle", f"**{max(peaks) - idle:.0f} MB** (idle {idle:.0f} MB)", "≤ 100 MB")


def _filed(found: Service, send: Callable[[], object]) -> float:
    """Seconds from the sending until one more film is filed."""
    before = found.count("submission", "state = 'filed'")
    began = time.perf_counter()
    send()
    wait_until(lambda: found.count("submission", "state = 'filed'") > before, 120)
    return time.perf_counter() - began


@contextmanager
def _watched(found: Service) -> Iterator[list[float]]:
    """Sample the memory of the program until the end of the block."""
    seen, over = [found.rss_mb()], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            seen.append(found.rss_mb())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def pieces(quick: bool) -> Iterator[Row]:
    """Pieces at 500 a second from 16 phones, each kept or asked to wait, while callbacks come in at 100 a second."""
    with service() as found:
        load(found.port, found.events(200), rate=100)
        alone = load(found.port, found.events(500), rate=100)
        over, told = threading.Event(), Counter[int]()
        phones = [threading.Thread(target=send_pieces, args=(found, number, over, told)) for number in range(16)]
        for phone in phones:
            phone.start()
        began = time.perf_counter()
        seen = load(found.port, found.events(500 if quick else 1500), rate=100)
        over.set()
        took = time.perf_counter() - began
        for phone in phones:
            phone.join()
    rate, kept = sum(told.values()) / took, told[204] / took
    words = f"{rate:.0f}/s answered, {kept:.0f}/s kept ({kept * _PIECE / 1e6:.0f} MB/s), the others asked to wait"
    yield Row("pieces of the upload page, 64 kB each", words, f"{_WANTED}/s answered")
    yield Row(
        "… callbacks meanwhile, at 100/s",
        f"p50 {seen.p50:.1f}, **p99 {seen.p99:.1f} ms** (alone {alone.p99:.1f} ms), {seen.refused} refused",
        "p99 ≤ 100 ms, 0",
    )
    assert set(told) <= {204, 503}, told


def send_pieces(found: Service, number: int, over: threading.Event, told: Counter[int]) -> None:
    """One phone with a large film: piece after piece at its share of the rate, the same again where it is to wait."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", found.port, timeout=30)) as connection:
        _send_pieces(connection, _link(found, number), over, told)


def _send_pieces(connection: http.client.HTTPConnection, path: str, over: threading.Event, told: Counter[int]) -> None:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
    connection.request("POST", path, headers={**_TUS, "Cookie": cookie, "Upload-Length": str(400 * 1024 * 1024)})
    answer = connection.getresponse()
    answer.read()
    where, start, due = answer.getheader("Location") or "", 0, time.perf_counter()
    while not over.is_set():
        due += 16 / _WANTED
        over.wait(max(0.0, due - time.perf_counter()))
        headers = {**_TUS, "Cookie": cookie, "Upload-Offset": str(start)}
        connection.request(
            "PATCH", where, body=bytes(_PIECE), headers={**headers, "Content-Type": "application/offset+octet-stream"}
        )
        answer = connection.getresponse()
        answer.read()
        told[answer.status] += 1
        start += _PIECE if answer.status == 204 else 0


def _link(found: Service, number: int) -> str:
    now = datetime.now(UTC)
    with found.database.transaction() as session:
        store = Store(session)
        plant = store.register.enterprise_by_code(f"E{number:06d}")
        assert plant is not None
        made = store.uploads.get_or_create(
            once_key=uuid.uuid4().hex,
            realm="wecom",
            sender=found.accounts[number],
            person_id=number + 1,
            enterprise_id=plant.id,
            part_id=store.register.parts_of(plant.id)[0].id,
            night=now.date(),
            created_at=now,
            expires_at=now + timedelta(hours=1),
        )
        return urlsplit(SignedLinks("http://bench", found.environment["SECRET_KEY"]).upload_url(made.link_id)).path
