"""What notices carry besides words: the report's workbook, a safety film, a link that is looked at first."""

from __future__ import annotations

from datetime import date, datetime
from io import BytesIO
from typing import Any

from bot.channels import Channel, SsrfGuard
from bot.channels.errors import ChannelError, Permanent, Transient
from bot.channels.interface import FileLoader, OutboundMessage
from bot.media.film_images import FilmImages, FilmImagesBusy
from bot.reports.daily import write_daily
from bot.signed_links import SignedLinks
from bot.texts import say
from bot.unit_of_work import UnitOfWork
from schedules.notify import notify_office
from schedules.reports.daily import daily_report
from storage.content import LINK
from storage.db.models import ContentItem, Notice
from storage.film import PictureError
from storage.objects import ObjectStore
from storage.store import Store

_GONE = ("HTTP 404", "HTTP 410")


class Attachments:
    """Completes bodies with addresses and files, and finds dead links before anybody is sent one."""

    def __init__(
        self,
        uow: UnitOfWork,
        objects: ObjectStore,
        film_images: FilmImages,
        signed_links: SignedLinks,
        guard: SsrfGuard,
    ) -> None:
        self._memory, self._clock, self._objects, self._links = uow, uow.clock, objects, signed_links
        self._pictures, self._guard = film_images, guard
        self._prefix = say("rehearsal.prefix") if uow.clock.is_rehearsal else ""

    def check_link(self, notice_id: int) -> None:
        """Look at a link before it is pushed; a dead one is taken out and another item gets its turn."""
        with self._memory.read() as store:
            notice = store.notices.get(notice_id)
            item = self._item(notice, store) if notice is not None and notice.state == "due" else None
            today = self._clock.now().astimezone(self._memory.rules(store).zone).date()
        if notice is None or item is None or item.url is None or item.object_key or item.checked_on == today:
            return
        fault = self._look_at(item.url)
        with self._memory.transaction() as store:
            found = store.content.get(item.id)
            assert found is not None
            found.checked_on, found.detail = today, fault
            if fault is not None:
                self._take_out(notice, found, fault, today, store)

    def _look_at(self, url: str) -> str | None:
        """Why a link cannot be sent, None for a living one. What merely dislikes robots (403) counts as living."""
        try:
            with self._guard.get_page(url) as response:
                found = f"HTTP {response.status_code}"
        except ChannelError as error:
            return error.detail
        return found if found in _GONE else None

    def _take_out(self, notice: Notice, item: ContentItem, fault: str, today: date, store: Store) -> None:
        now = self._clock.now()
        # Gone for good is one thing, out of reach today another: that is looked at again tomorrow.
        item.dead_since = today if fault in _GONE else None
        for other in store.notices.unsent_pushes(item.id):
            store.notices.record_outcome(other.id, "cancelled", now, f"dead link: {fault}")
            store.content.delete_push(other.id)
        notify_office(
            store,
            notice.night,
            now,
            "content.dead_link",
            f"dead/{item.id}/{today}",
            title=item.title,
            url=item.url,
            why=fault,
        )

    def _item(self, notice: Notice | None, store: Store) -> ContentItem | None:
        return store.content.get(notice.params["item"]) if notice is not None and notice.form == "content" else None

    def complete_body(self, notice: Notice, body: OutboundMessage, channel: Channel, store: Store) -> OutboundMessage:
        """The body with what its form still lacks."""
        if notice.form == "report_file":
            name = self._prefix + say("report.file_name", night=f"{notice.night:%Y-%m-%d}")
            issued_at = notice.params["issued_at"]
            return {
                "form": "file",
                "name": name,
                "night": notice.night.isoformat(),
                "issued_at": issued_at,
                "numbered": True,
            }
        if notice.form == "content":
            return self._content(notice, body, channel, store)
        if notice.form == "picture":
            return self._picture(notice, body, store)
        return self._with_page(notice, body)

    def _with_page(self, notice: Notice, body: OutboundMessage) -> OutboundMessage:
        """A card opens the page it is about, a text names it."""
        url = self._address(notice.params)
        if url is None:
            return body
        return {**body, "url": url} if "choices" in body else {**body, "text": f"{body['text']}\n{url}"}

    def _address(self, params: dict[str, Any]) -> str | None:
        if "page" in params:
            return self._links.film_url(*params["page"])
        return self._links.upload_url(params["upload"]) if "upload" in params else None

    def _picture(self, notice: Notice, body: OutboundMessage, store: Store) -> OutboundMessage:
        """Where the channel carries no pictures, the words stand in for it."""
        film = store.submissions.get(notice.params["film"])
        if film is None or film.object_key is None:
            return body
        at_s = notice.params["at_s"]
        at_s = (film.duration_s or 0) / 3 if at_s is None else at_s
        return {**body, "name": f"{film.receipt}.jpg", "film_key": film.object_key, "at_s": at_s}

    def _content(self, notice: Notice, body: OutboundMessage, channel: Channel, store: Store) -> OutboundMessage:
        """A film goes as a file if the channel carries it, else as a link like any other item."""
        item = store.content.get(notice.params["item"])
        assert item is not None
        title = self._prefix + item.title
        if item.kind != LINK and item.object_key and (item.bytes or 0) <= channel.limits.max_file_bytes:
            return {"form": "file", "name": f"{title}{_ending(item)}", "object_key": item.object_key}
        url = self._links.content_url(item.id) if item.object_key else item.url
        return {"form": "news", "title": title, "text": body["text"], "url": url}

    def file_reader(self, body: OutboundMessage) -> FileLoader | None:
        """How to get the bytes of a body's file, when it has one."""
        if "film_key" in body:
            return lambda: self._still(body["film_key"], body["at_s"])
        if "object_key" in body:
            return lambda: self._read(body["object_key"])
        if "issued_at" in body:
            return lambda: self._daily_workbook(
                date.fromisoformat(body["night"]), datetime.fromisoformat(body["issued_at"])
            )
        return None

    def _still(self, film_key: str, at_s: float) -> bytes:
        try:
            return self._pictures.read_image(self._pictures.ensure_image(film_key, "still", at_s))
        except PictureError as error:
            raise Permanent(f"no picture can be had: {error}") from error
        except FilmImagesBusy as error:
            raise Transient("pictures are being drawn for others") from error

    def _read(self, key: str) -> bytes:
        with self._objects.open(key) as file:
            return file.read()

    def _daily_workbook(self, night: date, issued_at: datetime) -> bytes:
        with self._memory.read() as store:
            book = self._memory.rules(store)
            report = daily_report(store, night, book, issued_at)
        made = BytesIO()
        write_daily(made, report, book)
        return made.getvalue()

    def mark_push_unsent(self, notice: Notice, store: Store) -> None:
        """A push that failed for good is forgotten, so that it counts as not sent."""
        if notice.form == "content":
            store.content.delete_push(notice.id)


def _ending(item: ContentItem) -> str:
    return "." + (item.file_name or "film.mp4").rpartition(".")[2]
