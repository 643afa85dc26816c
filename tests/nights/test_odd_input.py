"""Valid but unusual input: it is answered, and does not block later messages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import start_clock
from handlers.enrolment import invite
from schedules.notify import was_in_service
from storage.db.models import ContentItem, GroupChat
from tests.harness import at, story


def test_a_film_message_without_its_media_is_answered_and_recorded_as_failed(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.time("00:10")
        night.cloud.phone("p1").sends_raw({"MsgType": "video"})
        night.settle()
        assert "请把视频再发一次" in night.hears("p1")[0]
        assert [film["state"] for film in night.part("E001", "1")["submissions"]] == ["failed"]


def test_a_group_without_a_robot_uses_up_nothing_of_the_library(tmp_path: Path) -> None:
    with story(tmp_path, start="09:00", enterprises=1) as night:
        with night.bot.uow.transaction() as store:
            store.session.query(GroupChat).update({"robot_key": None})
            store.session.add(
                ContentItem(title="五看", kind="链接", url="http://127.0.0.1:9/", tags=[], added_at=night.clock.now())
            )
        night.time("09:10")
        with night.bot.uow.read() as store:
            assert store.content.item_ids_by_group() == {}


@pytest.mark.parametrize("receipt", ["1124-²", "1124-99999999999999999999", "1124", "x", "1124-0001-1"])
def test_a_receipt_number_that_is_none_names_no_film(tmp_path: Path, receipt: str) -> None:
    with story(tmp_path, enterprises=1) as night, night.bot.uow.read() as store:
        assert store.submissions.by_receipt(receipt, at("00:00").date()) is None


def test_a_rehearsal_owes_what_falls_due_from_its_start_and_its_codes_live_by_its_clock(tmp_path: Path) -> None:
    start = at("01:37") + timedelta(days=400)
    with story(tmp_path, enterprises=1) as night, night.bot.uow.transaction() as store:
        code = invite("新人", ["巡检员"], "E001", store, night.clock.now()).code
        start_clock(store, start, 60)
        assert was_in_service(store, start)
        assert not was_in_service(store, start - timedelta(seconds=1))
        invitation = store.invitations.by_code(code)
        assert invitation is not None
        assert invitation.expires_at == start + timedelta(days=7)


def test_a_nul_character_in_a_text_of_the_smart_bot_stops_no_later_answer(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, smart_bot=True) as night:
        night.time("00:10")
        night.film("p1")
        night.to_bot(lambda bot: bot.says("p1", "罐\0区"))
        night.settle(6)
        assert any("1 罐区" in text for text in night.hears("p1"))
