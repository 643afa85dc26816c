"""The served program and customer service: two workers, kill -9 between bell and fetching, and the office's link."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.devtools.simulator import Cloud, KfPhone, serve
from bot.devtools.simulator.films import make_film
from storage.db.database import Database
from storage.db.models import Submission
from storage.store import Store
from tests.bot.parts import until
from tests.bot.processes import Program, program
from tests.harness import County
from tests.places import embedded_only

ZHAO = "wmZhao"
pytestmark = [embedded_only, pytest.mark.usefixtures("place")]


@pytest.fixture
def sky(tmp_path: Path) -> Iterator[Program]:
    """A small county with customer service, and a program that is not running yet."""
    with Cloud() as cloud:
        serve(cloud)
        cloud.kf.callback_sender.retries = 0
        with program(cloud, tmp_path) as made:
            cloud.kf.configure(callback_url=f"{made.url}/callbacks/wecom_kf")
            cloud.add_customer(ZHAO, "赵师傅")
            assert made.run("migrate").returncode == 0
            yield made


def furnish(sky: Program) -> KfPhone:
    """The WeChat of a patroller of the one enterprise there is."""
    database = Database(sky.database_url)
    with database.transaction() as session:
        store = Store(session)
        County(store, sky.cloud).settle(enterprises=1, parts=1)
        zhao = County(store, sky.cloud).person("赵师傅", ["巡检员"], None, "E001")
        store.register.bind(zhao.id, "wecom_kf", ZHAO, None)
    database.close()
    return sky.cloud.customer_phone(ZHAO)


def films(sky: Program) -> list[Submission]:
    database = Database(sky.database_url)
    try:
        with database.read() as session:
            return list(session.query(Submission).order_by(Submission.id))
    finally:
        database.close()


def test_kill_9_loses_and_doubles_nothing(sky: Program) -> None:
    zhao, kf = furnish(sky), sky.cloud.kf.settings()
    workers = {name: sky.start("worker", EXECUTOR_ID=name, **kf) for name in ("one", "two")}
    web = sky.start("web", **kf)
    sky.ready()
    for number in range(9):
        zhao.sends_film(make_film(seconds=10, size=(64, 48), fps=1, tag=f"kf {number}"))
        if number % 3 == 1:
            name = ("one", "two")[number % 2]
            sky.kill(workers[name])
            workers[name] = sky.start("worker", EXECUTOR_ID=name, **kf)
        if number == 4:
            sky.kill(web)
            web = sky.start("web", **kf)
    until(lambda: [each.state for each in films(sky)] == ["filed"] * 9, 90)
    assert Counter(each.sha256 for each in films(sky)).most_common(1)[0][1] == 1
    until(lambda: zhao.texts, 30)
    assert max(Counter(zhao.texts).values()) == 1
    assert [each for each in sky.cloud.violations if each.errcode == 45009] == []


def test_an_invitation_link_binds_the_person_who_opens_it(sky: Program) -> None:
    zhao, kf = furnish(sky), sky.cloud.kf.settings()
    said = sky.run("invite", "钱师傅", "--role", "巡检员", "--enterprise", "E001", "--json", **kf)
    made = json.loads(said.stdout)
    link = urlsplit(made["kf_url"])
    assert (link.scheme, parse_qs(link.query)["scene_param"]) == ("https", [made["code"]])
    sky.start("serve", **kf)
    sky.ready()
    zhao.enters(scene_param=made["code"])
    until(lambda: any("钱师傅" in text for text in zhao.texts), 40)


def test_an_unreachable_platform_does_not_invalidate_the_code(sky: Program) -> None:
    furnish(sky)
    sky.cloud.faults.inject("kf/add_contact_way", http_status=502)
    said = sky.run("invite", "钱师傅", "--role", "巡检员", "--enterprise", "E001", "--json", **sky.cloud.kf.settings())
    made = json.loads(said.stdout)
    assert (said.returncode, len(made["code"]), "kf_url" in made, "502" in said.stderr) == (0, 8, False, True)
