"""Customer service with real processes: two workers, kill -9, and invitation links."""

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
def kf_program(tmp_path: Path) -> Iterator[Program]:
    """A cloud with customer service, and a program that is not running yet."""
    with Cloud() as cloud:
        serve(cloud)
        cloud.kf.callback_sender.retries = 0
        with program(cloud, tmp_path) as made:
            cloud.kf.configure(callback_url=f"{made.url}/callbacks/wecom_kf")
            cloud.add_customer(ZHAO, "赵师傅")
            assert made.run("migrate").returncode == 0
            yield made


def register_patroller(kf_program: Program) -> KfPhone:
    """Register one enterprise and one patroller; the phone of the patroller."""
    database = Database(kf_program.database_url)
    with database.transaction() as session:
        store = Store(session)
        County(store, kf_program.cloud).settle(enterprises=1, parts=1)
        zhao = County(store, kf_program.cloud).person("赵师傅", ["巡检员"], None, "E001")
        store.register.bind(zhao.id, "wecom_kf", ZHAO, None)
    database.close()
    return kf_program.cloud.customer_phone(ZHAO)


def films(kf_program: Program) -> list[Submission]:
    database = Database(kf_program.database_url)
    try:
        with database.read() as session:
            return list(session.query(Submission).order_by(Submission.id))
    finally:
        database.close()


@pytest.mark.slow
def test_kill_9_loses_and_doubles_nothing(kf_program: Program) -> None:
    zhao, kf = register_patroller(kf_program), kf_program.cloud.kf.settings()
    workers = {name: kf_program.start("worker", EXECUTOR_ID=name, **kf) for name in ("one", "two")}
    web = kf_program.start("web", **kf)
    kf_program.ready()
    for number in range(9):
        zhao.sends_film(make_film(seconds=10, size=(64, 48), fps=1, tag=f"kf {number}"))
        if number % 3 == 1:
            name = ("one", "two")[number % 2]
            kf_program.kill(workers[name])
            workers[name] = kf_program.start("worker", EXECUTOR_ID=name, **kf)
        if number == 4:
            kf_program.kill(web)
            web = kf_program.start("web", **kf)
    until(lambda: [each.state for each in films(kf_program)] == ["filed"] * 9, 90)
    assert Counter(each.sha256 for each in films(kf_program)).most_common(1)[0][1] == 1
    until(lambda: zhao.texts, 30)
    assert max(Counter(zhao.texts).values()) == 1
    assert [each for each in kf_program.cloud.violations if each.errcode == 45009] == []


@pytest.mark.slow
def test_an_invitation_link_binds_the_person_who_opens_it(kf_program: Program) -> None:
    zhao, kf = register_patroller(kf_program), kf_program.cloud.kf.settings()
    result = kf_program.run("invite", "钱师傅", "--role", "巡检员", "--enterprise", "E001", "--json", **kf)
    made = json.loads(result.stdout)
    link = urlsplit(made["kf_url"])
    assert (link.scheme, parse_qs(link.query)["scene_param"]) == ("https", [made["code"]])
    kf_program.start("serve", **kf)
    kf_program.ready()
    zhao.enters(scene_param=made["code"])
    until(lambda: any("钱师傅" in text for text in zhao.texts), 40)


@pytest.mark.slow
def test_an_unreachable_platform_does_not_invalidate_the_code(kf_program: Program) -> None:
    register_patroller(kf_program)
    kf_program.cloud.faults.inject("kf/add_contact_way", http_status=502)
    result = kf_program.run(
        "invite", "钱师傅", "--role", "巡检员", "--enterprise", "E001", "--json", **kf_program.cloud.kf.settings()
    )
    made = json.loads(result.stdout)
    assert (result.returncode, len(made["code"]), "kf_url" in made, "502" in result.stderr) == (0, 8, False, True)
