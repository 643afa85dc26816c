"""The audit itself: it reports whatever is lost, doubled or miscounted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from storage.db.models import InboxRow, Notice, Submission
from tests.bot.parts import Edge
from tests.faults import inside
from tests.faults.audit import Said, said
from tests.faults.crowd import film
from tests.faults.inside import audited, come_to_rest


@pytest.fixture
def sent(county: Edge) -> list[Said]:
    phone = county.cloud.phone("p1")
    made = [said(phone.says("1")), film(phone, "one"), said(phone.says("帮助"))]
    come_to_rest(county)
    return made


def change(edge: Edge, statement: Any) -> None:
    with edge.bot.uow.transaction() as store:
        store.session.execute(statement)


def test_all_is_well(county: Edge, sent: list[Said]) -> None:
    found = audited(county, sent)
    assert (found.problems, found.acknowledged, found.filed) == ([], 3, 1)


TAMPERINGS: dict[str, Callable[[Edge], Any]] = {
    "message": lambda edge: change(edge, delete(InboxRow).where(InboxRow.id == 3)),
    "is failed": lambda edge: change(edge, update(InboxRow).values(state="failed")),
    "receiving": lambda edge: change(edge, update(Submission).values(state="receiving")),
    "film": lambda edge: change(edge, update(Submission).values(sha256="0" * 64)),
    "objects": lambda edge: next((edge.bot.objects._root / "films").rglob("*.mp4")).unlink(),  # type: ignore[attr-defined]
    "1 notices called sent": lambda edge: edge.cloud.deliveries.pop(),
    "heard 2 times": lambda edge: edge.cloud.deliveries.append(edge.cloud.deliveries[-1]),
    "heard 1 times, told {}": lambda edge: change(edge, update(Notice).values(body=None)),
}


@pytest.mark.parametrize("told", TAMPERINGS)
def test_what_is_lost_or_doubled_is_found(county: Edge, sent: list[Said], told: str) -> None:
    TAMPERINGS[told](county)
    assert told in str(audited(county, sent).problems)


def test_counts_that_do_not_add_up_and_films_that_are_not_shown_are_found(
    county: Edge, sent: list[Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = inside.night_json

    def wrong(*args: Any) -> dict[str, Any]:
        view = real(*args)
        view["counts"]["missing"] += 1
        for enterprise in view["enterprises"]:
            for part in enterprise["parts"]:
                part["submissions"].clear()
        return view

    monkeypatch.setattr(inside, "night_json", wrong)
    problems = audited(county, sent).problems
    assert len([each for each in problems if each.startswith("sums")]) == 2


def test_a_message_that_waits_is_no_loss_but_is_counted(county: Edge, sent: list[Said]) -> None:
    county.cloud.faults.inject("media/get", errcode=-1, times=100)
    sent.append(film(county.cloud.phone("p2"), "two"))
    county.settle(1)
    found = audited(county, sent)
    assert (found.problems, found.waiting, found.filed, found.films) == ([], 1, 1, 2)
