"""What stands before every page, whoever writes it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Blueprint, request

from bot.unit_of_work import UnitOfWork
from bot.web import dashboard
from bot.web.dashboard.authorization import requires_permission
from handlers.permissions import Viewer
from tests.web.parts import Room, room

LARGEST = 400_000


def a_new_page(_memory: UnitOfWork) -> Blueprint:
    """As somebody might add one tomorrow."""
    pages = Blueprint("tomorrow", __name__)

    @pages.get("/tomorrow/forgotten")
    def forgotten() -> str:
        return "nobody said who may see this"

    @pages.post("/tomorrow/upload")
    @requires_permission("register.edit", max_body_bytes=LARGEST)
    def upload(viewer: Viewer) -> str:
        return f"{viewer.name}: {len(request.files['file'].read())}"

    @pages.post("/tomorrow/form")
    @requires_permission("register.edit")
    def form(viewer: Viewer) -> str:
        return request.form["words"][:10]

    return pages


@pytest.fixture
def tomorrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(dashboard, "PAGES", (*dashboard.PAGES, a_new_page))
    with room(tmp_path) as made:
        yield made


def test_a_page_that_does_not_say_what_it_is_for_opens_to_nobody(tomorrow: Room) -> None:
    assert tomorrow.browser().get("/tomorrow/forgotten").status_code == 302
    assert tomorrow.signed_in("admin").get("/tomorrow/forgotten").status_code == 403


def test_a_page_may_take_more_than_a_form_and_only_as_much_as_it_says(tomorrow: Room) -> None:
    browser = tomorrow.signed_in("staff")

    def upload(number: int) -> int:
        return browser.act("/tomorrow/upload", {"file": (io.BytesIO(bytes(number)), "a.bin")}).status_code

    assert upload(300_000) == 200
    assert upload(450_000) == 413
    assert browser.act("/tomorrow/form", {"words": "x" * 300_000}).status_code == 413


def test_what_a_role_may_not_do_is_refused_before_anything_is_read(tomorrow: Room) -> None:
    for role in ("patroller", "head", "leader", "auditor"):
        assert tomorrow.signed_in(role).act("/tomorrow/form", {"words": "x"}).status_code == 403


def test_callbacks_take_no_more_than_the_contract_says(tomorrow: Room) -> None:
    assert tomorrow.browser().post("/callbacks/wecom_app", data=bytes(300_000)).status_code == 413
