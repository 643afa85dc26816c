"""Strangers and bad networks against the web part: slow readers, large bodies, uploads that never end."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import requests

from bot.bootstrap import build_object_store
from bot.config import load_config
from bot.signed_links import SignedLinks
from storage.db.models import ContentItem
from storage.store import Store
from tests.faults.lab import Lab

# More than the server and the kernel take without the client reading.
_FILM = os.urandom(1 << 20) * 24
_READERS, _BODIES, _BODY_BYTES = 30, 8, 20 * 1024 * 1024
_TUS = {"Tus-Resumable": "1.0.0"}
_PIECE = 64 * 1024


@dataclass
class Hostile:
    """Attacks one web process of the lab at a time, each for a few seconds."""

    lab: Lab
    source: random.Random
    film: str = ""

    def prepare(self) -> None:
        """Store a safety film that opens for any client with its link."""
        objects = build_object_store(load_config(self.lab.program.environment()))
        with objects.spool() as spool:
            spool.write(_FILM)
            objects.save(spool, "content/film.mp4")
        with self.lab.database.transaction() as session:
            item = ContentItem(title="防火", kind="视频", object_key="content/film.mp4", added_at=self.lab.now())
            session.add(item)
            session.flush()
            self.film = urlsplit(self._links().content_url(item.link_id)).path

    def slow_readers(self) -> None:
        """Thirty phones on a bad network open a film and read a few bytes a second."""
        with contextlib.ExitStack() as stack:
            readers = [self._connect(stack) for _ in range(_READERS)]
            for each in filter(None, readers):
                with contextlib.suppress(OSError):
                    each.sendall(f"GET {self.film} HTTP/1.1\r\nHost: x\r\nRange: bytes=1-\r\n\r\n".encode())
            until = time.monotonic() + self.source.uniform(3, 6)
            while time.monotonic() < until:
                for each in filter(None, readers):
                    with contextlib.suppress(OSError):
                        each.recv(16)

    def large_bodies(self) -> None:
        """Eight strangers send 20 MB each to pages that want nothing from them."""
        paths = ("/login", "/callbacks/wecom_app", "/upload/nothing", "/no-such-page", "/import")
        self._together(lambda: self._post(self.source.choice(paths), bytes(_BODY_BYTES)), _BODIES)

    def endless_uploads(self) -> None:
        """A person with a valid link begins again and again, and leaves pieces behind."""
        path = self._upload_path()
        with contextlib.suppress(requests.RequestException), requests.Session() as browser:
            browser.get(self._url() + path, timeout=10)
            for _ in range(20):
                headers = {**_TUS, "Upload-Length": str(400 * 1024 * 1024)}
                begun = browser.post(self._url() + path, headers=headers, timeout=10)
                where = begun.headers.get("Location", "")
                for size in (_PIECE, 1):
                    headers = {**_TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
                    browser.patch(self._url() + urlsplit(where).path, bytes(size), headers=headers, timeout=10)

    def _upload_path(self) -> str:
        now = self.lab.now()
        with self.lab.database.transaction() as session:
            store = Store(session)
            row = self.source.choice(store.register.expected_parts())
            person = store.register.employees([row.id])[row.id][0]
            upload = store.uploads.get_or_create(
                once_key=uuid.uuid4().hex,
                realm="wecom",
                sender=store.register.accounts([person.id], "wecom")[person.id],
                person_id=person.id,
                enterprise_id=row.id,
                part_id=store.register.parts_of(row.id)[0].id,
                night=now.date(),
                created_at=now,
                expires_at=now + timedelta(hours=1),
            )
            return urlsplit(self._links().upload_url(upload.link_id)).path

    def _links(self) -> SignedLinks:
        return SignedLinks("", self.lab.program.environment()["SECRET_KEY"])

    def _url(self) -> str:
        return self.source.choice([each for each in self.lab.machines if each.answers]).url

    def _post(self, path: str, body: bytes) -> None:
        with contextlib.suppress(requests.RequestException):
            requests.post(self._url() + path, body, timeout=10)

    def _connect(self, stack: contextlib.ExitStack) -> socket.socket | None:
        address = urlsplit(self._url())
        with contextlib.suppress(OSError):
            connection = socket.create_connection((address.hostname, address.port), timeout=0.2)
            return stack.enter_context(connection)
        return None

    @staticmethod
    def _together(act: Callable[[], None], number: int) -> None:
        threads = [threading.Thread(target=act) for _ in range(number)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
