"""A small county, a simulated WeCom cloud and a clock set by hand: a whole night of the real bot in milliseconds."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.app import Bot, build_bot
from bot.config import Config, load_config
from bot.devtools.simulator import Cloud, serve, serve_aibot, serve_official_account
from bot.devtools.simulator.core.aibot import Aibot
from bot.devtools.simulator.core.records import Card
from bot.devtools.simulator.films import make_film
from bot.engine import InlineEngine
from bot.reports.night import night_json
from schedules.context import Context
from schedules.patrol_night import night_instant, night_of
from storage.db.database import Database
from storage.db.models import Base, DutyShift, Employment, Enterprise, GroupChat, InboxRow, KeyPart, Person, Rule
from storage.store import Store
from tests.places import current_place

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = date(2026, 11, 24)


def at(text: str, night: date = NIGHT) -> datetime:
    """An instant of a night by its wall time in the county: "01:37" is the morning, "-23:50" the evening before."""
    hours, minutes, *seconds = text.lstrip("-").split(":")
    day = night - timedelta(days=1) if text.startswith("-") else night
    clock = (int(hours), int(minutes), int(seconds[0]) if seconds else 0)
    return datetime(day.year, day.month, day.day, *clock, tzinfo=SHANGHAI)


@cache
def film_bytes(seconds: float, tag: str) -> bytes:
    """A real film; the same tag makes the same bytes."""
    return make_film(seconds=seconds, tag=tag)


@dataclass
class HandClock:
    """A clock that stands still until it is set."""

    instant: datetime
    speed: float = 1.0
    is_rehearsal: bool = False

    def now(self) -> datetime:
        return self.instant


@dataclass
class Story:
    """One night. The test must read every message that a phone or a group receives, or it fails."""

    bot: Bot
    cloud: Cloud
    clock: HandClock
    engine: InlineEngine
    films: int = 0
    expected: dict[str, int] = field(default_factory=dict)
    every: timedelta = timedelta(days=1)
    failed_jobs: list[str] = field(default_factory=list)

    def time(self, text: str, night: date = NIGHT) -> None:
        """Advance the clock to an instant, with a stop wherever something may fall due, and every `every`."""
        target = at(text, night)
        while self.clock.instant < target:
            self.clock.instant = min(target, self._next_stop())
            self.settle()
        self.settle()

    def _next_stop(self) -> datetime:
        now = self.clock.instant
        stops = [due for due in self._timetable() if due > now]
        stops += [max(due, now + timedelta(seconds=1)) for due, _ in self.engine.waiting if due]
        return min([*stops, now + self.every])

    def _timetable(self) -> list[datetime]:
        with self.bot.uow.read() as store:
            book, now = self.bot.uow.rules(store), self.clock.instant
            climbed = [each.escalated_at or now for each in store.alerts.unacknowledged(now)]
            climbed += [
                each.acknowledgement_ends_at for each in store.alerts.acknowledged() if each.acknowledgement_ends_at
            ]
            steps = (timedelta(seconds=1), book.for_night(night_of(now, book)).escalate_after)
            stops = [instant + step for instant in climbed for step in steps]
            for night in (night_of(now, book), night_of(now, book) + timedelta(days=1)):
                hours = book.for_night(night)
                times = (*hours.waves, hours.duty_alert_time, hours.daily_report_time, hours.push_time, hours.closes)
                stops += [
                    night_instant(night, each, book) + timedelta(seconds=wait) for each in times for wait in (0, 60)
                ]
                stops += [night_instant(night, each, book) for each in (hours.late_until, hours.roster_check_time)]
        return stops

    def asleep(self, text: str, night: date = NIGHT) -> None:
        """Advance the clock while the service is down; messages sent meanwhile arrive when it is up again."""
        self.clock.instant = at(text, night)

    def settle(self, seconds: int = 0) -> None:
        """Run everything that is due now, or in some seconds."""
        self.clock.instant += timedelta(seconds=seconds)
        self.bot.pollers.poll_until_idle()
        self.bot.uow.dispatch_inbox(1000)
        self.failed_jobs += self.bot.worker.run_tick()
        self.engine.run_due(self.clock.instant)

    def film(self, who: str, seconds: float = 12, settle: bool = True, **how: Any) -> Any:
        """A person sends a film now."""
        self.films += 1
        film = film_bytes(seconds, how.pop("tag", f"film {self.films}"))
        sent = self.phone(who).sends_film(film, **self._at(how))
        self._check_answer(who, sent)
        if settle:
            self.settle()
        return sent

    def says(self, who: str, text: str, settle: bool = True, **how: Any) -> Any:
        """A person sends a text now."""
        sent = self.phone(who).says(text, **self._at(how))
        self._check_answer(who, sent)
        if settle:
            self.settle()
        return sent

    def _check_answer(self, who: str, sent: Any) -> None:
        """The callback is answered 200; where the platform loses its notification there is none."""
        lost = who in self.cloud.kf.customers and not self.cloud.kf.notifies
        assert sent.statuses[-1:] == ([] if lost else [200])

    def phone(self, who: str) -> Any:
        """The phone of a member, or of a person who only has WeChat."""
        return self.wechat().get(who) or self.cloud.phone(who)

    def _at(self, how: dict[str, Any]) -> dict[str, Any]:
        at_ = how.pop("at", None)
        return {**how, "at": int((at_ or self.clock.instant).timestamp())}

    def taps(self, who: str, label: str) -> Card:
        """A person presses the button with that label on the latest card that has one."""
        cards = [card for card in self.cloud.phone(who).cards if label in card.buttons.values()]
        if cards and cards[-1].from_aibot:
            return self.taps_of_bot(who, label, cards[-1])
        assert cards, f"{who} sees no button {label}"
        key = next(key for key, text in cards[-1].buttons.items() if text == label)
        assert self.cloud.phone(who).presses(cards[-1], key).status == 200
        self.settle()
        return cards[-1]

    def taps_of_bot(self, who: str, label: str, card: Card) -> Card:
        """`taps` for a card of the smart bot."""
        key = next(key for key, text in card.buttons.items() if text == label)
        self.to_bot(lambda bot: bot.presses(who, card, key))
        return card

    def to_bot(self, act: Callable[[Aibot], Any], messages: int = 1, settle: bool = True) -> Any:
        """Let a user act towards the smart bot; returns once so many messages of it are stored."""
        before = self.kept()
        said = act(self.cloud.aibot)
        deadline = time.monotonic() + 20
        while self.kept() < before + messages:
            assert time.monotonic() < deadline, "the smart bot's message was not stored"
            time.sleep(0.01)
        if settle:
            self.settle()
        return said

    def kept(self) -> int:
        """The number of messages in the inbox."""
        with self.bot.uow.read() as store:
            return store.session.query(InboxRow).count()

    @contextmanager
    def office(self) -> Iterator[Store]:
        """A transaction in which the office changes data."""
        with self.bot.uow.transaction() as store:
            yield store

    def hears(self, who: str) -> list[str]:
        """The messages a phone has received since the last call: texts, and cards by their titles."""
        if who in self.wechat():
            return self.hears_in_wechat(who)
        heard = self.cloud.phone(who).received
        fresh = heard[self.expected.get(who, 0) :]
        self.expected[who] = len(heard)
        return [each.text or (each.card.title if each.card else each.msgtype) for each in fresh]

    def wechat(self) -> dict[str, Any]:
        """The phones of people who only have WeChat, by the account of their channel."""
        cloud = self.cloud
        customers = {who: cloud.customer_phone(who) for who in cloud.kf.customers}
        return customers | {who: cloud.follower_phone(who) for who in cloud.official_account.followers}

    def hears_in_wechat(self, who: str) -> list[str]:
        """`hears` for a person who only has WeChat."""
        texts = self.wechat()[who].texts
        fresh = texts[self.expected.get(who, 0) :]
        self.expected[who] = len(texts)
        return list(fresh)

    def group_hears(self, key: str) -> list[Any]:
        """The messages a work group has received since the last call."""
        chats = self.cloud.aibot.chats
        heard = chats[key].received if key in chats else self.cloud.group(key).received
        fresh = heard[self.expected.get(key, 0) :]
        self.expected[key] = len(heard)
        return list(fresh)

    def groups(self) -> list[str]:
        """Every group, by its robot key or its chat id."""
        return [*self.cloud.robots, *self.cloud.aibot.chats]

    def view(self, night: date = NIGHT) -> dict[str, Any]:
        """The night as `night --json` shows it."""
        with self.bot.uow.read() as store:
            return night_json(Context(store, self.bot.uow.rules(store), self.clock.now()), night)

    def state(self, code: str, night: date = NIGHT) -> str:
        """The state of an enterprise."""
        return next(each["state"] for each in self.view(night)["enterprises"] if each["code"] == code)

    def part(self, code: str, number: str, night: date = NIGHT) -> dict[str, Any]:
        """A part of an enterprise with its state and submissions."""
        whole = next(each for each in self.view(night)["enterprises"] if each["code"] == code)
        return next(part for part in whole["parts"] if part["number"] == number)

    def notices(self, kind: str, night: date = NIGHT) -> list[dict[str, Any]]:
        """The notices of one kind."""
        return [notice for notice in self.view(night)["notices"] if notice["kind"] == kind]

    def nothing_unexpected(self) -> None:
        """Fail on a message that was not read, a call that the platform refused, or a failed job."""
        unexpected = {who: self.hears(who) for who in self.cloud.members}
        unexpected |= {who: self.hears_in_wechat(who) for who in self.wechat()}
        unexpected |= {key: [each.text or each.msgtype for each in self.group_hears(key)] for key in self.groups()}
        assert {who: said for who, said in unexpected.items() if said} == {}
        assert self.cloud.violations == []
        assert self.failed_jobs == []


def config_for(cloud: Cloud, folder: Path, **settings: str) -> Config:
    """Settings that point at the simulated cloud and an empty folder."""
    return load_config(
        {
            **{name: str(value) for name, value in cloud.settings.items()},
            **current_place().settings(folder),
            "SECRET_KEY": "a secret key used by the tests only",
            "PUBLIC_URL": "https://patrol.example.org",
            **settings,
        },
        folder / "no.env",
    )


@contextmanager
def story(
    folder: Path,
    start: str = "-23:50",
    night: date = NIGHT,
    settings: dict[str, str] | Callable[[Cloud], dict[str, str]] | None = None,
    smart_bot: bool = False,
    every_door: bool = False,
    **county: Any,
) -> Iterator[Story]:
    """A story in a small county; at its end every message must have been read.

    `settings` are further ones, or a function that returns them for the cloud.
    """
    clock = HandClock(at(start, night))
    with Cloud(lambda: clock.instant.timestamp()) as cloud:
        serve(cloud)
        further = settings(cloud) if callable(settings) else settings or {}
        if every_door:
            serve_official_account(cloud)
            further = {**cloud.kf.settings(), **cloud.official_account.settings(), **further}
        if smart_bot or every_door:
            serve_aibot(cloud)
            further = {**cloud.aibot.settings, **further}
        config = config_for(cloud, folder, **further)
        database = Database(current_place().migrated(folder))
        engine = InlineEngine()
        bot = build_bot(config, database, clock, engine)
        engine.start(bot.worker.run_job)
        connect(bot, cloud)
        with bot.uow.transaction() as store:
            store.facts.store_fact("service_started", {"at": clock.instant.isoformat()})
            County(store, cloud, night).settle(**county)
        played = Story(bot, cloud, clock, engine)
        try:
            with holding(bot):
                yield played
            played.nothing_unexpected()
        finally:
            bot.close()
            database.close()


def connect(bot: Bot, cloud: Cloud) -> None:
    """Deliver every platform's callbacks to the bot without a network."""
    client = bot.receivers.test_client()
    doors = {
        "wecom_app": cloud.callback_sender,
        "wecom_kf": cloud.kf.callback_sender,
        "official_account": cloud.official_account.callback_sender,
    }
    for name, courier in doors.items():
        courier.transport = lambda query, body, name=name: (
            client.post(f"/callbacks/{name}?{query}", data=body, content_type="text/xml").status_code
        )
    bot.pollers.create_cursors()


@contextmanager
def holding(bot: Bot) -> Iterator[None]:
    """Keep the smart bot connected during the block, where there is one."""
    if bot.aibot_connection is None:
        yield
        return
    bot.aibot_connection.start()
    deadline = time.monotonic() + 20
    while not bot.aibot_connection.is_connected:
        assert time.monotonic() < deadline, "the smart bot did not connect"
        time.sleep(0.01)
    try:
        yield
    finally:
        bot.aibot_connection.stop()


class County:
    """A small fictional county with the same people in every story."""

    def __init__(self, store: Store, cloud: Cloud, night: date = NIGHT) -> None:
        self.store, self.cloud, self.night = store, cloud, night

    def settle(
        self,
        enterprises: int = 4,
        parts: int = 2,
        roster: bool = True,
        rules: dict[str, str] | None = None,
        in_group: bool = True,
    ) -> None:
        """Enterprises E001 and so on, each with a patroller pN and a head hN; a leader, a backup, staff, one group."""
        group = self.add(GroupChat(name="夜巡工作群", robot_key="KEY")) if in_group else None
        for number in range(1, enterprises + 1):
            self._enterprise(number, parts, group)
        leader = self.person("李局", ["值班领导"], "leader")
        staff = self.person("王科", ["工作人员"], "staff")
        backup = self.person("赵局", ["值班领导"], "backup")
        if roster:
            for post, person in (("leader", leader), ("backup", backup), ("staff", staff)):
                for days in range(-2, 3):
                    day = self.night + timedelta(days=days)
                    self.add(DutyShift(day=day, post=post, person_id=person.id))
        for name, value in {"集体缺报阈值": "100%", **(rules or {})}.items():
            self.add(Rule(name=name, value=value))
        if group:
            self.cloud.add_robot("KEY", group.name, tuple(self.cloud.members))

    def add(self, row: Any) -> Any:
        """Put a row into the database."""
        self.store.session.add(row)
        self.store.session.flush()
        return row

    def _enterprise(self, number: int, parts: int, group: GroupChat | None) -> None:
        short = f"{'甲乙丙丁戊己庚辛'[number - 1]}化工" if number <= 8 else f"第{number}精细化工"
        enterprise = Enterprise(code=f"E{number:03d}", name=f"{short}有限公司", short_name=short, risk="红")
        enterprise.group_id = group.id if group else None
        self.add(enterprise)
        for part, name in zip(range(1, parts + 1), ("罐区", "装卸台", "泵房", "控制室"), strict=False):
            self.add(KeyPart(enterprise_id=enterprise.id, number=str(part), name=name))
        for role, account in (("巡检员", f"p{number}"), ("负责人", f"h{number}")):
            self.person(f"{short}{role}", [role], account, enterprise.code)

    def person(self, name: str, roles: list[str], account: str | None, *codes: str) -> Person:
        """A person of these enterprises (without any: of the office), with a phone if there is an account."""
        person: Person = self.add(Person(name=name, roles=roles, mobile=mobile_of(name)))
        for code in codes:
            found = self.store.session.scalars(select(Enterprise).where(Enterprise.code == code)).one()
            self.add(Employment(person_id=person.id, enterprise_id=found.id))
        if account is not None:
            self.store.register.bind(person.id, "wecom", account, None)
            self.cloud.add_member(account, name, person.mobile or "")
        return person


def mobile_of(name: str) -> str:
    """The fictional number of a person, always the same."""
    return f"138{zlib.crc32(name.encode()) % 10**8:08d}"


def row(store: Store, model: type[Base], **wanted: Any) -> Any:
    """The one row of a table with these values."""
    return store.session.scalars(select(model).filter_by(**wanted)).one()
