"""The channel by which a person is reached: which are open, reserved or preferred."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.channel_choice import route_options
from storage.personal_channels import PersonalChannel, ReplyWindow

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
WINDOW = ReplyWindow(timedelta(hours=48), 5)
APP, KF = PersonalChannel("wecom_app", "wecom"), PersonalChannel("wecom_kf", "wecom_kf", WINDOW)
ACCOUNT = PersonalChannel("official_account", "official_account", WINDOW, template_allowed=True)
KINDS = ("receipt", "alert", "question", "reminder", "system")


@dataclass(frozen=True)
class Standing:
    """How things stand with an account."""

    account: str = "a"
    last_received_at: datetime | None = None
    reply_until: datetime | None = None
    reply_quota: int = 0
    replies_used: int = 0
    left_at: datetime | None = None
    undeliverable_at: datetime | None = None


def spoke(hours_ago: float, spent: int = 0, allowance: int = 5) -> Standing:
    at = NOW - timedelta(hours=hours_ago)
    return Standing(last_received_at=at, reply_until=at + WINDOW.duration, reply_quota=allowance, replies_used=spent)


def names(kind: str, *standings: tuple[PersonalChannel, Standing], tried: tuple[str, ...] = ()) -> list[str]:
    return [way.key.replace("/a", "", 1) for way in route_options(kind, standings, NOW, tried)]


def test_a_channel_without_reply_window_is_open_to_every_bound_account() -> None:
    assert names("reminder", (APP, Standing())) == ["wecom_app"]


def test_an_account_that_left_is_no_route() -> None:
    assert names("receipt", (APP, Standing(left_at=NOW)), (KF, spoke(1))) == ["wecom_kf"]


def test_after_48_hours_only_important_kinds_go_and_only_by_template() -> None:
    assert names("receipt", (KF, spoke(48)), (ACCOUNT, spoke(48))) == []
    assert names("reminder", (KF, spoke(48)), (ACCOUNT, spoke(48))) == ["official_account/outside-reply-window"]
    assert names("reminder", (ACCOUNT, spoke(47))) == ["official_account", "official_account/outside-reply-window"]


@pytest.mark.parametrize(("kind", "most"), [*zip(KINDS, (5, 4, 3, 2, 2), strict=True)])
def test_a_quota_of_five_is_reserved_by_importance(kind: str, most: int) -> None:
    assert [bool(names(kind, (KF, spoke(1, spent)))) for spent in range(6)] == [spent < most for spent in range(6)]


def test_a_smaller_quota_reserves_less() -> None:
    minute = Standing(last_received_at=NOW, reply_until=NOW + timedelta(minutes=1), reply_quota=3)
    assert names("system", (ACCOUNT, minute))[0] == "official_account"


def test_recent_contact_comes_first_and_a_recent_refusal_last() -> None:
    heard = Standing(last_received_at=NOW - timedelta(days=1))
    assert names("reminder", (APP, Standing()), (KF, spoke(1))) == ["wecom_kf", "wecom_app"]
    assert names("reminder", (APP, heard), (KF, spoke(1))) == ["wecom_app", "wecom_kf"]
    refused = Standing(last_received_at=NOW, undeliverable_at=NOW - timedelta(hours=1))
    assert names("reminder", (APP, refused), (KF, spoke(1))) == ["wecom_kf", "wecom_app"]
    cured = Standing(last_received_at=NOW, undeliverable_at=NOW - timedelta(days=2))
    assert names("reminder", (APP, cured), (KF, spoke(1))) == ["wecom_app", "wecom_kf"]


def test_a_tried_route_is_not_offered_again() -> None:
    heard = Standing(last_received_at=NOW - timedelta(days=1))
    assert names("reminder", (APP, heard), (ACCOUNT, spoke(1)), tried=("official_account/a",)) == [
        "wecom_app",
        "official_account/outside-reply-window",
    ]


@given(st.sampled_from(KINDS), st.integers(0, 7), st.integers(0, 5), st.floats(0, 60, allow_nan=False), st.booleans())
def test_a_route_open_to_a_kind_is_open_to_every_more_important_kind(
    kind: str, spent: int, allowance: int, hours: float, by_template: bool
) -> None:
    line = ACCOUNT if by_template else KF
    stands = spoke(hours, spent, allowance)
    open_to = [
        any(not way.outside_reply_window for way in route_options(each, [(line, stands)], NOW)) for each in KINDS
    ]
    assert open_to == sorted(open_to, reverse=True)
    if spent >= allowance or hours >= 48:
        assert open_to[KINDS.index(kind)] is False
