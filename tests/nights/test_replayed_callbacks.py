"""A genuine callback that is replayed later counts once, for its own night."""

from __future__ import annotations

from datetime import timedelta

from storage.db.models import InboxRow, Submission
from tests.harness import NIGHT, Story

NEXT = NIGHT + timedelta(days=1)


def drain(night: Story) -> None:
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def test_a_film_that_is_replayed_a_day_later_is_heard_no_second_time(night: Story) -> None:
    night.time("00:30")
    night.says("p1", "1")
    sent = night.film("p1")
    [receipt] = [text for text in night.hears("p1") if "收到" in text]
    night.time("00:40", NEXT)
    drain(night)
    assert sent.repeat().status == 200
    night.settle()
    assert night.hears("p1") == []
    assert receipt.startswith("✅ 收到 1124-0001")
    with night.office() as store:
        assert (store.session.query(Submission).count(), store.session.query(InboxRow).count()) == (1, 2)
        [film] = store.session.query(Submission)
        assert film.night == NIGHT


def test_a_callback_that_was_held_back_is_judged_by_when_it_was_sent(night: Story) -> None:
    """An enterprise gains no night by holding back a genuine callback, and loses none through a slow platform."""
    held: list[tuple[str, bytes]] = []
    deliver, night.cloud.callback_sender.transport = (
        night.cloud.callback_sender.transport,
        lambda query, body: held.append((query, body)) or 200,
    )
    night.time("00:30")
    night.says("p1", "1", settle=False)
    night.film("p1", settle=False)
    night.cloud.callback_sender.transport = deliver
    night.time("00:20", NEXT)
    drain(night)
    assert night.part("E001", "1")["state"] == "missing"
    for query, body in held:
        assert deliver(query, body) == 200
    night.settle()
    assert (night.part("E001", "1")["state"], night.part("E001", "1", NEXT)["state"]) == ("on_time", "unjudged")
    [film] = night.part("E001", "1")["submissions"]
    assert film["sent_at"].startswith("2026-11-24T00:30")
    assert film["received_at"].startswith("2026-11-25T00:20")
    drain(night)
