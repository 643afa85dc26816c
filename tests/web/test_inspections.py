"""Inspections, documents and cases on pages: registered by the office, read by those who may."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from bot.media.integrity import verify_night
from bot.web.dashboard.document_files import MAX_FILE_BYTES
from storage.audit_log import DOCUMENT_FILE_ADDED
from tests.web.parts import Browser, Dashboard
from tests.web.test_hazards import FOUR_LISTS, NEW, deadline, hear_all

NUMBER = "JC-2026-0001"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF"
DOCX = b"PK\x03\x04....word/document.xml...."
COURSE = {"cause": "未按规定检测", "fine_yuan": "", "fined_on": "", "closed_on": ""}


def today(dashboard: Dashboard, days: int = 0) -> str:
    return (dashboard.story.clock.instant + timedelta(days=days)).date().isoformat()


def visit(dashboard: Dashboard, **more: str) -> Browser:
    """The browser of the staff after an inspection was registered by it."""
    staff = dashboard.signed_in("staff")
    form = {"enterprise": "甲化工", "kind": "special", "held_on": today(dashboard, -1), "inspectors": "王科、外聘专家"}
    answer = staff.act("/inspections/new", {**form, "plan": "夏季专项", "remarks": "内部意见", **more})
    assert answer.headers["Location"].endswith(f"/inspections/{NUMBER}")
    return staff


def issue(staff: Browser, dashboard: Dashboard, content: bytes = PDF, name: str = "指令书.pdf", **more: Any) -> Any:
    form = {"kind": "rectification_order", "number": "责改1号", "issued_on": today(dashboard), "inspection": NUMBER}
    return staff.act("/documents/new", {**form, "file": (BytesIO(content), name), **more})


def test_hazards_document_and_case_hang_on_an_inspection(dashboard: Dashboard) -> None:
    staff = visit(dashboard)
    form = staff.get(f"/hazards/new?inspection={NUMBER}").text
    assert all(words in form for words in (f'value="{NUMBER}"', 'value="甲化工"', "王科、外聘专家"))
    more = {**FOUR_LISTS, "treatment": "deadline", "deadline": deadline(dashboard.story), "inspection": NUMBER}
    answer = staff.act("/hazards/new", {**NEW, **more})
    assert answer.headers["Location"].endswith(f"/inspections/{NUMBER}")
    hazard = staff.get("/hazards/YH-2026-0001").text
    assert all(
        words in hazard for words in (f"/inspections/{NUMBER}", "执法检查", f"{today(dashboard, -1)} 00:00 王科")
    )
    answer = issue(staff, dashboard, hazards="YH-2026-0001")
    assert answer.headers["Location"].endswith(f"/inspections/{NUMBER}")
    staff.act("/cases/new", {**COURSE, "number": "立1号", "filed_on": today(dashboard), "inspection": NUMBER,
                             "hazards": "YH-2026-0001", "documents": "1"})  # fmt: skip
    page = staff.get(f"/inspections/{NUMBER}").text
    assert all(
        words in page for words in ("隐患 1", "整改中 1", "法兰渗漏", "责改1号", "指令书.pdf", "立1号", "内部意见")
    )
    hazard = staff.get("/hazards/YH-2026-0001").text
    assert ("责改1号" in hazard, "立1号" in hazard) == (True, True)
    assert "立1号" in staff.get("/documents/1").text
    assert "责改1号" in staff.get("/cases/1").text
    assert NUMBER in staff.get("/inspections?text=夏季").text
    assert "法兰渗漏" in staff.get(f"/hazards?inspection={NUMBER}&state=rectifying").text
    hear_all(dashboard.story)


def test_a_fine_is_entered_once_it_is_decided_and_the_case_closed(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    form = {**COURSE, "enterprise": "甲化工", "number": "立1号", "filed_on": today(dashboard)}
    staff.act("/cases/new", form)
    refused = staff.act("/cases/1/edit", {**COURSE, "fine_yuan": "三万", "version": "1"})
    assert (refused.status_code, "应为以元计的整数" in refused.text) == (422, True)
    refused = staff.act("/cases/1/edit", {**COURSE, "fine_yuan": "30000", "version": "1"})
    assert (refused.status_code, "须一起填写" in refused.text, 'value="30000"' in refused.text) == (422, True, True)
    course = {"fine_yuan": "30,000", "fined_on": today(dashboard), "closed_on": today(dashboard), "version": "1"}
    assert staff.act("/cases/1/edit", {**COURSE, **course}).status_code == 302
    assert f"罚款 30,000 元（{today(dashboard)}）" in staff.get("/cases").text
    late = staff.act("/cases/1/edit", {**COURSE, "version": "1"})
    assert (late.status_code, "刚才已被他人修改" in late.text) == (422, True)
    twice = staff.act("/cases/new", form)
    assert (twice.status_code, "案件 立1号 已经登记过" in twice.text) == (422, True)
    staff.act("/cases/1/void", {"reason": "并案"})
    assert "已作废" in staff.get("/cases/1").text


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PDF, "指令书.pdf", "application/pdf"),
        (b"\xff\xd8\xff\xe0jpeg", "../扫描.JPEG", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\npng", "a\x7f<b>.html", "image/png"),
        (DOCX, "草稿.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ],
)
def test_a_file_comes_back_as_it_was_and_only_as_an_attachment(
    dashboard: Dashboard, content: bytes, name: str, kind: str
) -> None:
    staff = visit(dashboard)
    assert issue(staff, dashboard, content, name).status_code == 302
    answer = staff.get("/documents/1/file", buffered=True)
    assert (answer.data, answer.content_type) == (content, kind)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert hashlib.sha256(content).hexdigest() in staff.get("/documents/1").text


@pytest.mark.parametrize("content", [b"<html><script>", b"PK\x03\x04 another archive", b""])
def test_another_kind_of_file_is_refused(dashboard: Dashboard, content: bytes) -> None:
    staff = visit(dashboard)
    refused = issue(staff, dashboard, content)
    assert (refused.status_code, "请选择 PDF" in refused.text) == (422, True)
    assert staff.get("/documents/1").status_code == 404


def test_a_file_that_is_too_large_is_refused(dashboard: Dashboard) -> None:
    staff = visit(dashboard)
    headers = {"Referer": "https://patrol.example.org/", "X-CSRFToken": staff.csrf()}
    kind = "multipart/form-data; boundary=x"
    answer = staff.post("/documents/new", data=bytes(MAX_FILE_BYTES + 1), content_type=kind, headers=headers)
    assert (answer.status_code, "上传的内容过大" in answer.text) == (413, True)


def test_a_scan_is_added_later_and_never_replaced(dashboard: Dashboard) -> None:
    staff = visit(dashboard)
    issue(staff, dashboard, b"", "")
    assert "还没有文件" in staff.get("/documents/1").text
    assert staff.get("/documents/1/file", buffered=True).status_code == 404
    assert staff.act("/documents/1/file", {}).status_code == 422
    assert staff.act("/documents/1/file", {"file": (BytesIO(PDF), "a.pdf")}).status_code == 302
    again = staff.act("/documents/1/file", {"file": (BytesIO(DOCX), "b.docx")})
    assert (again.status_code, "不能替换" in again.text) == (422, True)
    assert staff.get("/documents/1/file", buffered=True).data == PDF
    staff.act("/documents/1/void", {"reason": "传错"})
    assert "传错" in staff.get("/documents/1").text
    assert issue(staff, dashboard).status_code == 302


def test_a_file_that_was_lost_or_swapped_is_found(dashboard: Dashboard) -> None:
    staff, bot = visit(dashboard), dashboard.story.bot
    issue(staff, dashboard)
    issue(staff, dashboard, DOCX, number="责改2号")

    def verified() -> list[Any]:
        with bot.uow.read() as store:
            result = verify_night(None, store, bot.objects)
        damaged = [[each["receipt"] for each in found] for found in (result.altered, result.absent)]
        return [result.checked, result.ok, *damaged]

    assert verified() == [2, 2, [], []]
    with bot.uow.read() as store:
        swapped, lost = [each.object_key or "" for each in store.enforcement.documents_with_file()]
    bot.objects.remove(swapped)
    with bot.objects.spool() as spool:
        spool.write(PDF + b"another page")
        bot.objects.save(spool, swapped)
    bot.objects.remove(lost)
    assert verified() == [2, 0, ["责改1号"], ["责改2号"]]


def test_a_file_whose_document_is_gone_is_read_again_too(dashboard: Dashboard) -> None:
    staff, bot = visit(dashboard), dashboard.story.bot
    issue(staff, dashboard)
    with dashboard.story.office() as store:
        gone = {"object_key": "documents/gone.pdf", "sha256": "0" * 64}
        store.audit_log.record(
            dashboard.story.clock.instant, "王科", DOCUMENT_FILE_ADDED, subject="文书/责改9号", **gone
        )
    with bot.uow.read() as store:
        result = verify_night(None, store, bot.objects)
    assert (result.checked, result.ok, [each["receipt"] for each in result.absent]) == (2, 1, ["责改9号"])


def test_an_enterprise_reads_its_own_without_what_is_internal(dashboard: Dashboard) -> None:
    staff = visit(dashboard)
    issue(staff, dashboard, remarks="内部意见")
    issue(staff, dashboard, kind="case_filing", number="立案1号")
    staff.act("/cases/new", {**COURSE, "number": "立1号", "filed_on": today(dashboard), "inspection": NUMBER})
    head, other = dashboard.signed_in("head"), dashboard.signed_in_as("h2")
    page = head.get(f"/inspections/{NUMBER}").text
    assert all(words in page for words in ("夏季专项", "王科", "责改1号"))
    for path in (f"/inspections/{NUMBER}", "/documents", "/documents/1"):
        assert [words for words in ("内部意见", "立1号", "立案1号") if words in head.get(path).text] == [], path
    assert head.get("/documents/1/file", buffered=True).data == PDF
    assert NUMBER in head.get("/inspections").text
    for path in (f"/inspections/{NUMBER}", "/documents/1", "/documents/1/file"):
        assert other.get(path, buffered=True).status_code == 404
    assert [NUMBER in other.get("/inspections").text, "责改1号" in other.get("/documents").text] == [False, False]
    assert [head.get(path).status_code for path in ("/documents/2", "/documents/2/file", "/cases")] == [404, 404, 403]


def test_an_inspection_is_changed_on_record_and_void_only_while_nothing_hangs_on_it(dashboard: Dashboard) -> None:
    staff = visit(dashboard)
    form = {"kind": "unannounced", "held_on": today(dashboard, -1), "inspectors": "王科", "version": "1"}
    staff.act(f"/inspections/{NUMBER}/edit", form)
    assert "暗访检查" in staff.get(f"/inspections/{NUMBER}").text
    late = staff.act(f"/inspections/{NUMBER}/edit", form)
    assert (late.status_code, "刚才已被他人修改" in late.text) == (422, True)
    trail = staff.get("/trail").text
    assert "修改了检查 JC-2026-0001：" in trail
    issue(staff, dashboard)
    used = staff.act(f"/inspections/{NUMBER}/void", {"reason": "重复"})
    assert (used.status_code, "还有隐患、文书或立案" in used.text) == (422, True)
    staff.act("/documents/1/void", {"reason": "重复"})
    staff.act(f"/inspections/{NUMBER}/void", {"reason": "重复"})
    assert "已作废" in staff.get(f"/inspections/{NUMBER}").text
    assert dashboard.signed_in("head").get(f"/inspections/{NUMBER}").status_code == 404


def test_what_is_wrong_in_a_form_is_said_and_what_was_filled_in_stays(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    refused = staff.act("/inspections/new", {"enterprise": "丙", "plan": "夏季专项"})
    assert (refused.status_code, "没有找到" in refused.text, "夏季专项" in refused.text) == (422, True, True)
    refused = staff.act("/documents/new", {"kind": "other", "number": "5号"})
    assert (refused.status_code, "请填写企业" in refused.text, 'value="5号"' in refused.text) == (422, True, True)
    assert staff.get("/documents/new?inspection=JC-2026-0009").status_code == 404
    assert staff.get("/cases/new?hazard=YH-2026-0009").status_code == 404


def test_long_lists_are_shown_page_by_page(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    for number in range(51):
        staff.act(
            "/cases/new", {**COURSE, "enterprise": "甲化工", "number": f"立{number:02d}", "filed_on": today(dashboard)}
        )
    first = staff.get("/cases").text
    assert ("立50" in first, "立01" in first, "立00" in first) == (True, True, False)
    assert "立00" in staff.get("/cases?before=2").text
    assert "没有符合条件的案件" in staff.get("/cases?year=2025").text


@pytest.mark.parametrize("path", ["/inspections", "/documents", "/cases"])
def test_the_menu_shows_where_one_is(dashboard: Dashboard, path: str) -> None:
    assert '<a href="/inspections" aria-current="page">' in dashboard.signed_in("staff").get(path).text
