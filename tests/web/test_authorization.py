"""The authorization and the size limits that apply to every page."""

from __future__ import annotations

import io

import pytest
from flask import Blueprint, request

from bot.web.dashboard.authorization import requires_permission
from handlers.permissions import Viewer
from tests.web.parts import Dashboard

LARGEST = 400_000


def new_pages() -> Blueprint:
    """Pages added to the dashboard by this test."""
    pages = Blueprint("new_pages", __name__)

    @pages.get("/new/unmarked")
    def unmarked() -> str:
        return "without permission"

    @pages.post("/new/upload")
    @requires_permission("register.edit", max_body_bytes=LARGEST)
    def upload(viewer: Viewer) -> str:
        return f"{viewer.name}: {len(request.files['file'].read())}"

    @pages.post("/new/form")
    @requires_permission("register.edit")
    def form(viewer: Viewer) -> str:
        return request.form["words"][:10]

    return pages


@pytest.fixture
def extended(dashboard: Dashboard) -> Dashboard:
    """A dashboard with the new pages."""
    dashboard.story.bot.web.register_blueprint(new_pages())
    return dashboard


def test_a_page_without_permission_is_refused_to_everybody(extended: Dashboard) -> None:
    assert extended.browser().get("/new/unmarked").status_code == 302
    assert extended.signed_in("admin").get("/new/unmarked").status_code == 403


def test_a_page_can_raise_the_limit_of_its_body(extended: Dashboard) -> None:
    browser = extended.signed_in("staff")

    def upload(number: int) -> int:
        return browser.act("/new/upload", {"file": (io.BytesIO(bytes(number)), "a.bin")}).status_code

    assert upload(300_000) == 200
    assert upload(450_000) == 413
    assert browser.act("/new/form", {"words": "x" * 300_000}).status_code == 413


def test_roles_without_the_permission_are_refused(extended: Dashboard) -> None:
    for role in ("patroller", "head", "leader", "auditor"):
        assert extended.signed_in(role).act("/new/form", {"words": "x"}).status_code == 403


def test_callbacks_over_256_kb_are_refused(extended: Dashboard) -> None:
    assert extended.browser().post("/callbacks/wecom_app", data=bytes(300_000)).status_code == 413
