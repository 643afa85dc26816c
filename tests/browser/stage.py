"""A county of 75 enterprises in the middle of its night, served to a real browser.

The bot, the simulator and the web server run in this process; only the clock is set by hand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.app import build_bot
from bot.devtools.sample_register import write_sample_register
from bot.devtools.simulator import Cloud, serve
from bot.engine import InlineEngine
from bot.web.http_server import start_web_server
from bot.workbooks.register.apply import apply_register
from bot.workbooks.register.parse import parse_register
from storage.db.database import Database
from storage.db.models import DutyShift, GroupChat, Person
from storage.register_terms import DUTY_LEADER
from storage.store import Store
from tests.bot.processes import free_port
from tests.harness import NIGHT, HandClock, Story, at, config_for, film_bytes
from tests.places import current_place

# Accounts in the sample register.
LEADER_ACCOUNT, STAFF_ACCOUNT, ADMIN_ACCOUNT, HEAD_ACCOUNT = "office01", "office05", "office10", "head001"


@dataclass
class Stage:
    """The story of the county, and its URL."""

    story: Story
    url: str

    def film(self, who: str, part: str = "") -> None:
        """A person sends a film of a part. Each film has other bytes."""
        story = self.story
        story.films += 1
        if part:
            story.says(who, part, settle=False)
        film = film_bytes(12, "browser") + bytes(8) + story.films.to_bytes(8, "big")
        assert story.cloud.phone(who).sends_film(film, at=int(story.clock.instant.timestamp())).statuses[-1] == 200
        story.settle()


@contextmanager
def county(folder: Path) -> Iterator[Stage]:
    """The county with its register imported, at ten minutes to midnight."""
    clock, port = HandClock(at("-23:50")), free_port()
    url = f"http://127.0.0.1:{port}"
    with Cloud(lambda: clock.instant.timestamp()) as cloud:
        serve(cloud)
        config = config_for(cloud, folder, PUBLIC_URL=url, PORT=str(port))
        database = Database(current_place().migrated(folder))
        engine = InlineEngine()
        bot = build_bot(config, database, clock, engine)
        engine.start(bot.worker.run_job)
        client = bot.receivers.test_client()
        cloud.callback_sender.transport = lambda query, body: (
            client.post(f"/callbacks/wecom_app?{query}", data=body, content_type="text/xml").status_code
        )
        close = start_web_server(bot.web, config)
        write_sample_register(folder / "register.xlsx", NIGHT - timedelta(days=3))
        with bot.uow.transaction() as store:
            store.facts.store_fact("service_started", {"at": clock.instant.isoformat()})
            assert apply_register(
                parse_register(folder / "register.xlsx"), store, bot.objects, clock.instant, dry_run=False
            ).applied
            _connect(store, cloud)
        try:
            yield Stage(Story(bot, cloud, clock, engine), url)
        finally:
            close()
            bot.close()
            database.close()


def _connect(store: Store, cloud: Cloud) -> None:
    """Add a member for each person, a robot for each group, and the tests' leader to tonight's shift."""
    people = list(store.session.query(Person))
    accounts = store.register.accounts([person.id for person in people], "wecom")
    for person in people:
        if person.id in accounts:
            cloud.add_member(accounts[person.id], person.name, person.mobile or "")
    for group in store.session.query(GroupChat):
        cloud.add_robot(group.robot_key or "", group.name)
    leader = next(person for person in people if accounts.get(person.id) == LEADER_ACCOUNT)
    assert DUTY_LEADER in leader.roles
    for shift in store.session.query(DutyShift).filter_by(day=NIGHT - timedelta(days=1), post="leader"):
        shift.person_id = leader.id


@contextmanager
def played_night(folder: Path, until: str = "03:20", crews: int = 20) -> Iterator[Stage]:
    """The same after `crews` enterprises have filmed, some of them in part, and after one outage."""
    dice = random.Random(24)
    with county(folder) as stage:
        stage.story.time("00:05")
        for number in dice.sample(range(1, 76), crews):
            if number - 1 not in (18, 37, 56, 74):
                for part in range(1, dice.choice((3, 5, 5, 5, 5))):
                    stage.film(f"patrol{number:03d}", str(part))
            stage.story.clock.instant += timedelta(minutes=dice.uniform(50, 170) / crews)
        stage.story.settle()
        with stage.story.office() as store:
            store.outages.add("receiving", at("01:10"), at("01:26"), at("01:26"))
        stage.story.time(until)
        yield stage
