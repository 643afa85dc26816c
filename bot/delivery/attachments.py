"""The parts of payloads besides text: links to our pages, files, content items whose link is checked first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, assert_never

from bot.channels.errors import ChannelError, Permanent, Transient
from bot.channels.interface import Channel
from bot.channels.ssrf_guard import SsrfGuard
from bot.delivery.harmless import harmless_file_name, harmless_text
from bot.media.film_images import FilmImages, FilmImagesBusy
from bot.reports.issued_files import IssuedFiles
from bot.signed_links import SignedLinks
from bot.texts import say
from bot.unit_of_work import UnitOfWork
from schedules.notify import notify_office
from storage.content import LINK
from storage.db.models import ContentItem, Notice
from storage.delivery_causes import DeliveryCause
from storage.film import PictureError
from storage.notices import NoticeForm
from storage.objects import ObjectStore
from storage.outbound import (
    CardPayload,
    DailyWorkbook,
    FilePayload,
    FileSource,
    LinkPayload,
    MessageForm,
    Payload,
    StillFrame,
    StoredObject,
)
from storage.store import Store

_GONE = ("HTTP 404", "HTTP 410")


class Attachments:
    """Completes payloads with URLs and files, and checks links before they are pushed."""

    def __init__(
        self,
        uow: UnitOfWork,
        objects: ObjectStore,
        film_images: FilmImages,
        signed_links: SignedLinks,
        guard: SsrfGuard,
    ) -> None:
        self._uow, self._clock, self._objects, self._signed_links = uow, uow.clock, objects, signed_links
        self._film_images, self._guard = film_images, guard
        self._issued_files = IssuedFiles(uow, objects)
        self._prefix = say("rehearsal.prefix") if uow.clock.is_rehearsal else ""

    def check_link(self, notice_id: int) -> None:
        """Check the link of a due push, once a day; if it is dead, the pushes of the item are cancelled."""
        with self._uow.read() as store:
            notice = store.notices.get(notice_id)
            item = self._item(notice, store) if notice is not None and notice.state == "due" else None
            today = self._clock.now().astimezone(self._uow.rules(store).zone).date()
        if notice is None or item is None or item.url is None or item.object_key or item.checked_on == today:
            return
        fault = self._link_fault(item.url)
        with self._uow.transaction() as store:
            stored = store.content.get(item.id)
            assert stored is not None
            stored.checked_on, stored.detail = today, fault
            if fault is not None:
                self._cancel_pushes(notice, stored, fault, today, store)

    def _link_fault(self, url: str) -> str | None:
        """Why a link cannot be sent, None if it can. A 403 counts as alive: many sites refuse programs."""
        try:
            with self._guard.get_page(url) as response:
                status = f"HTTP {response.status_code}"
        except ChannelError as error:
            return error.detail
        return status if status in _GONE else None

    def _cancel_pushes(self, notice: Notice, item: ContentItem, fault: str, today: date, store: Store) -> None:
        """The groups get another item. A link that is only unreachable today is checked again tomorrow."""
        now = self._clock.now()
        item.dead_since = today if fault in _GONE else None
        for push in store.notices.unsent_pushes(item.id):
            store.notices.record_outcome(
                push.id, "cancelled", now, f"dead link: {fault}", cause=DeliveryCause.DEAD_LINK
            )
            store.content.delete_push(push.id)
        once_key, about = f"dead-link/{item.id}/{today}", {"title": item.title, "url": item.url, "error": fault}
        notify_office(self._uow.context(store), notice.night, "content.dead_link", once_key, **about)

    def _item(self, notice: Notice, store: Store) -> ContentItem | None:
        return store.content.get(notice.params["item"]) if notice.form == NoticeForm.CONTENT else None

    def complete_payload(self, notice: Notice, payload: Payload, channel: Channel, store: Store) -> Payload:
        """The rendered payload with the file or the URL that its notice asks for."""
        if notice.form == NoticeForm.REPORT_FILE:
            name = self._prefix + say("report.file_name", night=f"{notice.night:%Y-%m-%d}")
            source = DailyWorkbook(night=notice.night)
            return FilePayload(form=MessageForm.FILE, text=payload.text, name=name, source=source)
        if notice.form == NoticeForm.CONTENT:
            return self._content(notice, payload, channel, store)
        if notice.form == NoticeForm.PICTURE:
            return self._picture(notice, payload, store)
        return self._with_url(notice, payload)

    def _with_url(self, notice: Notice, payload: Payload) -> Payload:
        """A card opens the page; in a text its URL is the last line."""
        url = self._url(notice.params)
        if url is None:
            return payload
        if isinstance(payload, CardPayload):
            return replace(payload, url=url)
        return replace(payload, text=f"{payload.text}\n{url}")

    def _url(self, params: dict[str, Any]) -> str | None:
        if "page" in params:
            return self._signed_links.film_url(*params["page"])
        if "report" in params:
            return self._signed_links.daily_report_url(params["report"])
        return self._signed_links.upload_url(params["upload"]) if "upload" in params else None

    def _picture(self, notice: Notice, payload: Payload, store: Store) -> Payload:
        """A frame of the film, the photo or the voice message; the text alone if it is not stored."""
        film = store.submissions.get(notice.params["film"])
        if film is None or film.object_key is None:
            return payload
        if film.kind in ("photo", "voice"):
            name = film.receipt + "." + film.object_key.rpartition(".")[2]
            stored, text = StoredObject(object_key=film.object_key), payload.text
            if film.kind == "photo":
                return FilePayload(form=MessageForm.IMAGE, text=text, name=name, source=stored)
            return FilePayload(form=MessageForm.FILE, text=text, name=name, source=stored)
        at_s = notice.params["at_s"]
        source = StillFrame(film_key=film.object_key, at_s=(film.duration_s or 0) / 3 if at_s is None else at_s)
        return FilePayload(form=MessageForm.IMAGE, text=payload.text, name=f"{film.receipt}.jpg", source=source)

    def _content(self, notice: Notice, payload: Payload, channel: Channel, store: Store) -> FilePayload | LinkPayload:
        """A film is sent as a file if the channel can carry it, otherwise as a link like other items."""
        item = store.content.get(notice.params["item"])
        assert item is not None
        title = self._prefix + harmless_text(item.title, markdown=channel.limits.markdown)
        if item.kind != LINK and item.object_key and (item.bytes or 0) <= channel.limits.max_file_bytes:
            source = StoredObject(object_key=item.object_key)
            name = self._prefix + harmless_file_name(f"{item.title}{_suffix(item)}")
            return FilePayload(form=MessageForm.FILE, text=payload.text, name=name, source=source)
        url = self._signed_links.content_url(item.link_id) if item.object_key else item.url or ""
        return LinkPayload(text=payload.text, title=title, url=url)

    def load_file(self, source: FileSource) -> bytes:
        """Read or generate a file. Raises Permanent, Transient, ObjectError."""
        match source:
            case StoredObject():
                with self._objects.open(source.object_key) as file:
                    return file.read()
            case StillFrame():
                return self._still(source)
            case DailyWorkbook():
                return self._daily_workbook(source)
            case _:
                assert_never(source)

    def _still(self, still: StillFrame) -> bytes:
        try:
            return self._film_images.read_image(self._film_images.ensure_image(still.film_key, "still", still.at_s))
        except PictureError as error:
            raise Permanent(f"no frame can be extracted: {error}") from error
        except FilmImagesBusy as error:
            raise Transient("all frame extractors are busy") from error

    def _daily_workbook(self, workbook: DailyWorkbook) -> bytes:
        content = self._issued_files.load(workbook.night, "xlsx")
        if content is None:
            raise Permanent(f"no report of {workbook.night} was issued")
        return content

    def mark_push_unsent(self, notice: Notice, store: Store) -> None:
        """A push that failed permanently does not count: the group may get the item another time."""
        if notice.form == NoticeForm.CONTENT:
            store.content.delete_push(notice.id)


def _suffix(item: ContentItem) -> str:
    return "." + (item.file_name or "film.mp4").rpartition(".")[2]
