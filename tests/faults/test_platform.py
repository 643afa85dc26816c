"""Faults of the platform: every acknowledged message is filed, every notice in state sent was delivered once."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from tests.bot.parts import Edge
from tests.faults.audit import Findings, Said, said
from tests.faults.crowd import film
from tests.faults.inside import audited, come_to_rest
from tests.harness import NIGHT, at
from tests.places import Embedded, Place

FETCHES, SENDS, TOKENS, GROUPS = "media/get", "message/send", "gettoken", "webhook/send"
TROUBLE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "no answer": [(FETCHES, {"drop": True}), (SENDS, {"drop": True}), (TOKENS, {"drop": True})],
    "lost answers": [
        (SENDS, {"lose_response": True}),
        (GROUPS, {"lose_response": True}),
        (TOKENS, {"lose_response": True}),
    ],
    "5xx": [(FETCHES, {"http_status": 502}), (SENDS, {"http_status": 500}), (GROUPS, {"http_status": 503})],
    "40014": [(FETCHES, {"errcode": 40014}), (SENDS, {"errcode": 40014})],
    "42001": [(FETCHES, {"errcode": 42001}), (SENDS, {"errcode": 42001})],
    "45009": [(FETCHES, {"errcode": 45009}), (SENDS, {"errcode": 45009}), (GROUPS, {"errcode": 45009})],
    "45033": [(FETCHES, {"errcode": 45033}), (SENDS, {"errcode": 45033})],
    "system busy": [(FETCHES, {"errcode": -1}), (SENDS, {"errcode": -1}), (TOKENS, {"errcode": -1})],
    "cut bodies": [(FETCHES, {"truncate_after": 300}), (FETCHES, {"truncate_after": 0})],
    "wrong bytes": [(FETCHES, {"corrupt_bytes": True})],
}


def send(edge: Edge) -> list[Said]:
    """Two films with a word each, a photo, and a question for help."""
    sent = []
    for number in (1, 2):
        phone = edge.cloud.phone(f"p{number}")
        sent += [said(phone.says("1")), film(phone, f"film {number}"), said(phone.sends_photo())]
    return [*sent, said(edge.cloud.phone("h1").says("帮助"))]


def summary(found: Findings) -> tuple[list[str], int, int, int, int]:
    """The problems, and the numbers of messages acknowledged, films sent, films filed and films still waiting."""
    return found.problems, found.acknowledged, found.films, found.filed, found.waiting


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_of_the_platform_loses_nothing(county: Edge, trouble: str) -> None:
    for endpoint, fault in TROUBLE[trouble]:
        county.cloud.faults.inject(endpoint, times=3, **fault)
    sent = send(county)
    county.clock.instant = at("01:37")  # a wave for the group, too
    come_to_rest(county)
    found = audited(county, sent)
    assert summary(found) == ([], 7, 2, 2, 0)
    assert found.states["failed"] == 0
    assert found.states["unknown"] == (trouble == "lost answers")  # the group's, which cannot be repeated
    assert any(each.state == "sent" for each in county.notices() if each.kind == "receipt")


def test_a_token_that_dies_early_is_renewed(county: Edge) -> None:
    sent = send(county)
    come_to_rest(county, 60)
    county.cloud.revoke_token()
    sent.append(said(county.cloud.phone("h2").says("帮助")))
    come_to_rest(county)
    assert summary(audited(county, sent)) == ([], 8, 2, 2, 0)


def test_a_callback_that_is_repeated_at_once_and_a_day_later_is_heard_once(county: Edge) -> None:
    sent = send(county)
    for each in sent:
        each.sent.repeat().repeat()
    come_to_rest(county)
    heard = len(county.cloud.deliveries)
    county.clock.instant += timedelta(days=1, hours=1)
    for each in sent:
        assert each.sent.repeat().statuses == [200] * 4
    here_before = len(county.inbox())
    county.settle(1)
    assert summary(audited(county, sent)) == ([], 7, 2, 2, 0)
    assert (len(county.inbox()), len(county.cloud.deliveries)) == (here_before, heard)
    assert here_before == 7


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::8])
def test_out_of_order_the_same_films_come_to_the_same_parts(county: Edge, order: tuple[int, ...]) -> None:
    phone, start = county.cloud.phone("p1"), at("01:00").timestamp()
    acts = [
        lambda: said(phone.says("1", at=start + 1)),
        lambda: film(phone, "of part 1", at=start + 2),
        lambda: said(phone.says("2", at=start + 3)),
        lambda: film(phone, "of part 2", at=start + 4),
    ]
    county.clock.instant = at("01:01")
    sent = []
    for each in order:
        sent.append(acts[each]())
        county.settle(1)
    come_to_rest(county, 600)
    found = audited(county, sent)
    assert found.problems == []
    with county.bot.uow.read() as store:
        filed = store.submissions.of_night(NIGHT)
        parts = {each.sha256: store.register.part(each.part_id).number for each in filed}
    films = {act: each.sha256 for act, each in zip(order, sent, strict=True) if each.sha256}
    assert parts == {films[1]: "1", films[3]: "2"}


def test_all_of_it_together_in_both_places(place: Place, county: Edge) -> None:
    assert county.database.is_sqlite == isinstance(place, Embedded)
    sent = send(county)
    for endpoint, fault in itertools.chain.from_iterable(TROUBLE.values()):
        county.cloud.faults.inject(endpoint, **fault)
    come_to_rest(county, 3600)
    assert summary(audited(county, sent)) == ([], 7, 2, 2, 0)
