"""A county, a pretend WeCom cloud and a hand-turned clock: the real bot, played through in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.app import Bot, build, migrate_all
from bot.config import Config, load
from bot.engine import InlineEngine
from bot.night_view import night_view
from bot.simulator import Cloud
from bot.simulator.films import make_film
from storage.database import Database
from storage.models import DutyShift, Employment, Enterprise, GroupChat, KeyPart, Person, Rule
from storage.store import Store

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = date(2026, 11, 24)


def at(text: str, night: date = NIGHT) -> datetime:
    """An instant of a night by its wall time in the county: "01:37" is the morning, "-23:50" the evening before."""
    hours, minutes, *seconds = text.lstrip("-").split(":")
    day = night - timedelta(days=1) if text.startswith("-") else night
    clock = (int(hours), int(minutes), int(seconds[0]) if seconds else 0)
    return datetime(day.year, day.month, day.day, *clock, tzinfo=SHANGHAI)


@dataclass
class HandClock:
    """A clock that stands still until it is turned."""

    instant: datetime
    speed: float = 1.0
    rehearsal: bool = False

    def now(self) -> datetime:
        return self.instant


@dataclass
class Story:
    """One night being played. What anybody hears must be expected by the story, or it fails."""

    bot: Bot
    cloud: Cloud
    clock: HandClock
    engine: InlineEngine
    films: int = 0
    expected: dict[str, int] = field(default_factory=dict)

    def time(self, text: str, night: date = NIGHT) -> None:
        """Turn the clock to an instant and let everything that is due by then happen."""
        target = at(text, night)
        while self.clock.instant < target:
            self.clock.instant = min(target, self.clock.instant + timedelta(minutes=1))
            self.settle()
        self.settle()

    def settle(self, seconds: int = 0) -> None:
        """Let the bot do what it has to do now (or within some seconds)."""
        self.clock.instant += timedelta(seconds=seconds)
        self.bot.worker.once()
        self.engine.drain(self.clock.instant)

    def film(self, who: str, seconds: float = 12, settle: bool = True, **how: Any) -> Any:
        """A person films and sends it now."""
        self.films += 1
        sent = self.cloud.phone(who).sends_film(make_film(seconds=seconds, tag=f"film {self.films}"), **self._at(how))
        assert sent.statuses[-1] == 200
        if settle:
            self.settle()
        return sent

    def says(self, who: str, text: str, settle: bool = True, **how: Any) -> Any:
        """A person writes something now."""
        sent = self.cloud.phone(who).says(text, **self._at(how))
        assert sent.statuses[-1] == 200
        if settle:
            self.settle()
        return sent

    def _at(self, how: dict[str, Any]) -> dict[str, Any]:
        at_ = how.pop("at", None)
        return {**how, "at": int((at_ or self.clock.instant).timestamp())}

    def hears(self, who: str) -> list[str]:
        """What a phone has heard since the story last asked: texts, and cards by their titles."""
        heard = self.cloud.phone(who).heard
        fresh = heard[self.expected.get(who, 0) :]
        self.expected[who] = len(heard)
        return [each.text or (each.card.title if each.card else each.msgtype) for each in fresh]

    def group_hears(self, key: str) -> list[Any]:
        """What a work group has heard since the story last asked."""
        heard = self.cloud.group(key).heard
        fresh = heard[self.expected.get(key, 0) :]
        self.expected[key] = len(heard)
        return list(fresh)

    def view(self, night: date = NIGHT) -> dict[str, Any]:
        """The night as `night --json` shows it."""
        with self.bot.memory.reading() as store:
            return night_view(store, night, self.bot.memory.book(store), self.clock.now())

    def state(self, code: str, night: date = NIGHT) -> str:
        """The state of an enterprise."""
        return next(each["state"] for each in self.view(night)["enterprises"] if each["code"] == code)

    def nothing_unexpected(self) -> None:
        """Anything said that the story did not ask about fails it, and so does what the platform swallowed."""
        unasked = {who: self.hears(who) for who in self.cloud.members}
        unasked |= {key: [each.text or each.msgtype for each in self.group_hears(key)] for key in self.cloud.robots}
        assert {who: said for who, said in unasked.items() if said} == {}
        assert self.cloud.complaints == []


def config_for(cloud: Cloud, folder: Path) -> Config:
    """Settings that point at the pretend cloud and an empty folder."""
    return load(
        {
            **{name: str(value) for name, value in cloud.settings.items()},
            "DATABASE_URL": f"sqlite:///{folder}/patrol.db",
            "OBJECT_STORE_URL": f"file:{folder}/objects",
            "SECRET_KEY": "a secret of the tests",
            "PUBLIC_URL": "https://patrol.example.org",
        },
        folder / "no.env",
    )


@contextmanager
def story(folder: Path, start: str = "-23:50", **county: Any) -> Iterator[Story]:
    """A story with a small county in it; at its end nothing may have been said that it did not ask about."""
    clock = HandClock(at(start))
    with Cloud(lambda: clock.instant.timestamp()) as cloud:
        cloud.serve()
        config = config_for(cloud, folder)
        database = Database(config.DATABASE_URL)
        migrate_all(database)
        engine = InlineEngine()
        bot = build(config, database, clock, engine)
        engine.start(bot.worker.run)
        client = bot.web.test_client()
        cloud.courier.deliver = lambda query, body: (
            client.post(f"/callbacks/wecom_app?{query}", data=body, content_type="text/xml").status_code
        )
        with bot.memory.transaction() as store:
            store.records.set_fact("born", {"at": clock.instant.isoformat()})
            County(store, cloud).settle(**county)
        played = Story(bot, cloud, clock, engine)
        yield played
        played.nothing_unexpected()
        database.close()


class County:
    """A small fictional county: the fixed cast of the stories."""

    def __init__(self, store: Store, cloud: Cloud) -> None:
        self.store, self.cloud = store, cloud

    def settle(
        self, enterprises: int = 4, parts: int = 2, roster: bool = True, rules: dict[str, str] | None = None
    ) -> None:
        """E001 … with so many parts, a patroller pN and a head hN each; a leader, a backup, staff; one group."""
        group = GroupChat(name="夜巡工作群", robot_key="KEY")
        self.store.session.add(group)
        self.store.session.flush()
        for number in range(1, enterprises + 1):
            self._enterprise(number, parts, group)
        people = {
            role: self._person(name, [role], account)
            for name, role, account in (("李局", "值班领导", "leader"), ("王科", "工作人员", "staff"))
        }
        backup = self._person("赵局", ["值班领导"], "backup")
        if roster:
            for post, person in (("leader", people["值班领导"]), ("backup", backup), ("staff", people["工作人员"])):
                for days in range(-2, 3):
                    self.store.session.add(DutyShift(day=NIGHT + timedelta(days=days), post=post, person_id=person.id))
        for name, value in {"集体缺报阈值": "100%", **(rules or {})}.items():
            self.store.session.add(Rule(name=name, value=value))
        self.cloud.add_robot("KEY", "夜巡工作群", tuple(self.cloud.members))

    def _enterprise(self, number: int, parts: int, group: GroupChat) -> None:
        short = f"{'甲乙丙丁戊己庚辛'[number - 1]}化工"
        enterprise = Enterprise(
            code=f"E{number:03d}",
            name=f"{short}有限公司",
            short_name=short,
            risk="红",
            group_id=group.id,
            status="生产",
        )
        self.store.session.add(enterprise)
        self.store.session.flush()
        for part, name in zip(range(1, parts + 1), ("罐区", "装卸台", "泵房", "控制室"), strict=False):
            self.store.session.add(KeyPart(enterprise_id=enterprise.id, number=str(part), name=name))
        for role, account in (("巡检员", f"p{number}"), ("负责人", f"h{number}")):
            person = self._person(f"{short}{role}", [role], account)
            self.store.session.add(Employment(person_id=person.id, enterprise_id=enterprise.id))

    def _person(self, name: str, roles: list[str], account: str) -> Person:
        person = Person(name=name, roles=roles, mobile=f"138{abs(hash(account)) % 10**8:08d}")
        self.store.session.add(person)
        self.store.session.flush()
        self.store.register.bind(person.id, "wecom", account, None)
        self.cloud.add_member(account, name, person.mobile or "")
        return person
