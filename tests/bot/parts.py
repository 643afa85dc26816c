"""Shared by the tests of this folder: a real bot, a simulated cloud, and a clock that the test sets."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from werkzeug.test import Client

from bot.app import Bot, Timeouts, build_bot
from bot.config import Config
from bot.devtools.simulator import Cloud
from bot.engine import InlineEngine
from schedules.reports.daily import daily_report
from schedules.reports.issued import issue_report
from storage.db.database import Database
from storage.db.models import GroupChat, InboxRow, Notice
from storage.notices import NoticeDraft
from storage.objects import ObjectStore
from storage.personal_channels import PersonalChannel
from tests.harness import NIGHT, HandClock, at, config_for
from tests.places import current_place

APP = PersonalChannel("wecom_app", "wecom")
# No worker is started in most tests: the web process waits for one as long as they take.
WITHOUT_WORKER = Timeouts(startup_grace_s=3600)


@dataclass
class Edge:
    """One bot on one database, with its cloud, clock, engine and a web client."""

    bot: Bot
    cloud: Cloud
    clock: HandClock
    engine: InlineEngine
    database: Database

    @cached_property
    def client(self) -> Client:
        """A client of the pages."""
        return self.bot.web.test_client()

    def settle(self, seconds: float = 0) -> None:
        """Advance the clock and run everything that is due."""
        self.clock.instant += timedelta(seconds=seconds)
        self.bot.uow.dispatch_inbox(1000)
        self.engine.run_due(self.clock.instant)

    def rows(self, model: Any) -> list[Any]:
        with self.bot.uow.read() as store:
            return list(store.session.query(model).order_by(model.id))

    def inbox(self) -> list[InboxRow]:
        return self.rows(InboxRow)

    def notices(self) -> list[Notice]:
        return self.rows(Notice)

    def say(self, to: str = "zhangsan", words: str = "…", channel: str = "wecom_app", **how: Any) -> int:
        """Decide to say something; the id of the notice."""
        values = {
            "kind": "system",
            "text_key": "stranger.text",
            "once_key": secrets.token_hex(4),
            "night": NIGHT,
            "due_at": self.clock.instant,
            "params": {},
            **how,
        }
        with self.bot.uow.transaction() as store:
            add = {
                "wecom_app": lambda saying: store.notices.add_for_account(APP, to, None, saying),
                "wecom_robot": lambda saying: store.notices.add_for_group(group_of(store, to), saying),
                "sms_mail": lambda saying: store.notices.add_for_sms_mail(saying),
            }[channel]
            notice = add(NoticeDraft(**values))
            assert notice is not None
            return notice.id

    def issue_report(self) -> None:
        """Issue the daily report of the night, so that it can be sent."""
        with self.bot.uow.transaction() as store:
            ctx = self.bot.uow.context(store)
            issue_report(daily_report(ctx, NIGHT), (), ctx)

    def notice(self, notice_id: int) -> Notice:
        return next(each for each in self.notices() if each.id == notice_id)

    def counted(self) -> Counter[str]:
        """The callbacks of all channels by outcome, as Prometheus reads them."""
        counted: Counter[str] = Counter()
        for line in self.client.get("/metrics").text.splitlines():
            if found := re.match(r'patrol_callbacks_total\{.*outcome="(\w+)".*\} (\S+)', line):
                counted[found[1]] += int(float(found[2]))
        return counted


def group_of(store: Any, key: str) -> Any:
    found = store.session.query(GroupChat).filter_by(robot_key=key).one_or_none()
    if found is None:
        found = GroupChat(name=f"第{store.session.query(GroupChat).count()}群", robot_key=key)
        store.session.add(found)
        store.session.flush()
    return found


@contextmanager
def run_edge(
    folder: Path,
    cloud: Cloud,
    clock: HandClock,
    config: Config | None = None,
    *,
    timeouts: Timeouts = WITHOUT_WORKER,
    engine: InlineEngine | None = None,
    objects: ObjectStore | None = None,
) -> Iterator[Edge]:
    """A bot on the database in that folder, until the end of the block."""
    config, engine = config or config_for(cloud, folder), engine or InlineEngine()
    database = Database(current_place().migrated(folder))
    bot = build_bot(config, database, clock, engine, timeouts, objects)
    engine.start(bot.worker.run_job)
    client = bot.receivers.test_client()
    cloud.callback_sender.transport = lambda query, body: (
        client.post(f"/callbacks/wecom_app?{query}", data=body, content_type="text/xml").status_code
    )
    try:
        yield Edge(bot, cloud, clock, engine, database)
    finally:
        bot.close()
        database.close()


def fresh_clock() -> HandClock:
    return HandClock(at("00:30"))


def until(true: Callable[[], Any], patience_s: float = 20.0, every_s: float = 0.02) -> Any:
    """Wait for a condition; what it gave."""
    deadline = time.monotonic() + patience_s
    while not (found := true()):
        if time.monotonic() > deadline:
            raise TimeoutError("this never came true")
        time.sleep(every_s)
    return found


def sealed(cloud: Cloud, plain: bytes) -> tuple[str, bytes]:
    """Any bytes, encrypted as they are (a multiple of 16) and signed properly: query and body."""
    app = cloud.app
    key = base64.b64decode(app.encoding_aes_key + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return signed(cloud, base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode())


def signed(cloud: Cloud, ciphertext: str) -> tuple[str, bytes]:
    """Any ciphertext with a proper signature: query and body."""
    timestamp, nonce = f"{at('00:30').timestamp():.0f}", secrets.token_hex(4)
    pieces = sorted([cloud.app.token, timestamp, nonce, ciphertext])
    signature = hashlib.sha1("".join(pieces).encode()).hexdigest()
    query = urlencode({"msg_signature": signature, "timestamp": timestamp, "nonce": nonce})
    return query, f"<xml><Encrypt>{ciphertext}</Encrypt></xml>".encode()


def packed(cloud: Cloud, xml: bytes, length: int | None = None, pad: int | None = None) -> bytes:
    """The plain bytes of a message, with a length field or padding of one's choice."""
    size = len(xml) if length is None else length
    plain = bytes(16) + struct.pack(">I", size) + xml + cloud.app.corp_id.encode()
    count = 32 - len(plain) % 32
    return plain + bytes([count if pad is None else pad]) * count
