"""Caching by browsers: nothing is kept that another person at the same browser could read."""

from __future__ import annotations

import pytest

from tests.web.parts import Dashboard
from tests.web.test_films import FILM, bytes_of, film_of, media_of

PAGES = (
    "/",
    "/account",
    "/films",
    "/register",
    "/office",
    "/history",
    "/trail",
    "/import",
    "/import/template",
    "/export",
    "/tonight/E001",
)


@pytest.mark.parametrize("path", PAGES)
def test_pages_and_workbooks_are_not_stored(dashboard: Dashboard, path: str) -> None:
    """They hold names and telephone numbers."""
    answer = dashboard.signed_in("admin").get(path)
    assert (answer.status_code, answer.headers["Cache-Control"], "ETag" in answer.headers) == (200, "no-store", False)


def test_a_stored_image_is_shown_to_the_same_session_only(dashboard: Dashboard) -> None:
    film_of(dashboard)
    answer = dashboard.signed_in("leader").image(f"{FILM}/thumb.jpg")
    assert answer.headers["Cache-Control"].startswith("private")
    assert "Cookie" in answer.headers["Vary"]


def test_an_etag_opens_nothing_to_another_person(dashboard: Dashboard) -> None:
    """A patroller at the leader's browser asks with the ETag that the browser has kept."""
    film_of(dashboard)
    leader, patroller = dashboard.signed_in("leader"), dashboard.signed_in_as("p2")
    address = media_of(leader)
    etag = bytes_of(leader, address).headers.get("ETag", "")
    assert patroller.get(address, headers={"If-None-Match": etag}).status_code in (403, 404)
    assert patroller.get(f"{FILM}/thumb.jpg", headers={"If-None-Match": etag}).status_code in (403, 404)


@pytest.mark.parametrize("path", ["/account/leave", "/account/leave-everywhere"])
def test_signing_out_empties_the_cache(dashboard: Dashboard, path: str) -> None:
    assert dashboard.signed_in("leader").act(path).headers["Clear-Site-Data"] == '"cache"'
