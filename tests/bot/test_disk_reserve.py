"""A disk with only the reserve left: deferrable work is refused, acknowledged work and the chat continue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.intake.uploads import MAX_PIECE_BYTES
from tests.bot.test_upload_page import asked
from tests.harness import Story, film_bytes
from tests.places import Place, embedded_only
from tests.web.parts import Dashboard, open_dashboard

pytestmark = embedded_only
FILM = "/films/2026-11-24/1124-0001"


@pytest.fixture
def dashboard(place: Place, tmp_path: Path) -> Iterator[Dashboard]:
    with open_dashboard(tmp_path, enterprises=2) as made:
        made.story.time("00:21")
        yield made


@pytest.fixture
def night(dashboard: Dashboard) -> Story:
    return dashboard.story


def fill(night: Story) -> None:
    """From now on everything that is free is reserved."""
    night.bot.film_access.reserve.size = 10**18


def film_over_chat(night: Story) -> None:
    night.says("p2", "1")
    night.film("p2")
    assert night.hears("p2")[-1].startswith("✅ 收到")


def test_an_upload_neither_begins_nor_continues(night: Story) -> None:
    phone = asked(night)
    where = phone.begin(MAX_PIECE_BYTES * 2).headers["Location"]
    assert phone.put(where, 0, bytes(MAX_PIECE_BYTES)).status_code == 204
    fill(night)
    assert phone.put(where, MAX_PIECE_BYTES, bytes(MAX_PIECE_BYTES)).status_code == 507
    assert phone.head(where).headers["Upload-Offset"] == str(MAX_PIECE_BYTES)
    assert phone.begin(1000).status_code == 507
    assert '"no_room"' in phone.open().text  # what the page then says


def test_an_upload_is_refused_for_which_there_is_no_room_beside_the_reserve(night: Story) -> None:
    phone = asked(night)
    night.bot.film_access.reserve.size = (night.bot.film_access.reserve.free_bytes() or 0) - 100 * 1024**2
    assert (phone.begin(400 * 1024**2).status_code, phone.begin(1024**2).status_code) == (507, 201)


def test_what_was_acknowledged_is_filed_and_the_chat_goes_on(night: Story) -> None:
    phone = asked(night)
    phone.send(film_bytes(12, "acknowledged"))
    fill(night)
    night.settle(1)
    assert night.hears("p1")[0].startswith("✅ 收到 1124-0001")
    film_over_chat(night)
    assert [night.part("E001", "2")["state"], night.part("E002", "1")["state"]] == ["on_time", "on_time"]


def test_images_copies_and_workbooks_are_refused_with_a_page(dashboard: Dashboard) -> None:
    film_over_chat(dashboard.story)
    admin = dashboard.signed_in("admin")
    fill(dashboard.story)
    refused = [
        admin.get(f"{FILM}/thumb.jpg"),
        admin.act(f"{FILM}/copy", page=FILM),
        admin.get("/export"),
        admin.act("/import", page="/import"),
    ]
    assert [(each.status_code, "存储空间不足" in each.text) for each in refused] == [(507, True)] * 4
    assert admin.get(FILM).status_code == 200


def test_monitors_see_the_reserve(night: Story) -> None:
    client = night.bot.web.test_client()
    assert "patrol_disk_reserve_bytes 1.073741824e+09" in client.get("/metrics").text
    assert "disk" not in client.get("/health/ready").json["warnings"]
    fill(night)
    assert "less than the reserve" in client.get("/health/ready").json["warnings"]["disk"]
