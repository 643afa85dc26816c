"""Every constraint of the database refuses a row that violates it; the list is compared with the models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, UniqueConstraint, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from storage.db.database import Database
from storage.db.models import (
    AccessToken,
    Alert,
    AlertEntry,
    AuditEntry,
    Base,
    Binding,
    CaseHazard,
    ClosedNight,
    ContentItem,
    ContentPush,
    Counter,
    Credential,
    Decision,
    DeliveryAttempt,
    DocumentHazard,
    DutyShift,
    Employment,
    EnforcementCase,
    EnforcementDocument,
    Enterprise,
    Fact,
    FilmView,
    GroupChat,
    Hazard,
    HazardAttempt,
    HazardExtension,
    HazardMove,
    InboxRow,
    Inspection,
    Invitation,
    IssuedReport,
    IssuedReportFile,
    KeyPart,
    Lease,
    MajorHazardSource,
    MajorHazardSourcePart,
    NightEnterpriseChoice,
    Notice,
    Objection,
    Outage,
    Person,
    PollCursor,
    ReceivedText,
    ReminderGrace,
    ReviewClaim,
    RpcCall,
    SecondReview,
    Submission,
    Upload,
    UploadChunk,
    Verdict,
    WebSession,
)
from storage.db.upsert import insert_if_absent
from tests.places import Place

NOW, DAY = datetime(2026, 11, 24, 1, tzinfo=UTC), date(2026, 11, 24)
FILM: dict[str, Any] = {
    "night": DAY,
    "number": 1,
    "channel": "wecom_app",
    "message_key": "a",
    "inbox_id": 1,
    "realm": "wecom",
    "sender": "p1",
    "canonical_sender": "p1",
    "kind": "film",
    "sent_at": NOW,
    "received_at": NOW,
    "attribution": "attributed",
    "marks": [],
}
NOTICE: dict[str, Any] = {
    "once_key": "a",
    "kind": "receipt",
    "night": DAY,
    "recipient_name": "甲",
    "channel": "wecom_app",
    "address": "p1",
    "route": "wecom_app/p1",
    "form": "text",
    "text_key": "receipt.filed",
    "params": {},
    "due_at": NOW,
}
ITEM: dict[str, Any] = {"title": "静电", "kind": "链接", "tags": [], "added_at": NOW}
WORD: dict[str, Any] = {
    "channel": "wecom_app",
    "message_key": "a",
    "inbox_id": 1,
    "realm": "wecom",
    "sender": "p1",
    "sent_at": NOW,
    "text": "1",
}
OBJECTION: dict[str, Any] = {"enterprise_id": 1, "night": DAY, "raised_by": 1, "raised_at": NOW, "text": "网络不好"}
OUTAGE: dict[str, Any] = {
    "kind": "receiving",
    "started_at": NOW,
    "ended_at": NOW + timedelta(hours=1),
    "recorded_at": NOW,
}
ENTRY: dict[str, Any] = {
    "position": 1,
    "at": NOW,
    "actor": "王大",
    "action": "film_attached",
    "detail": {},
    "seal": "0",
}
REPORT: dict[str, Any] = {"night": DAY, "number": 0, "issued_at": NOW, "content": {}, "changes": []}
FILE: dict[str, Any] = {"night": DAY, "number": 0, "format": "xlsx", "sha256": "0", "object_key": "a"}
PASSWORD: dict[str, Any] = {"person_id": 1, "login": "a", "password_hash": "x"}
INVITATION: dict[str, Any] = {
    "name": "张三",
    "roles": ["巡检员"],
    "by_administrator": False,
    "created_at": NOW,
    "expires_at": NOW,
}
SESSION: dict[str, Any] = {
    "token_sha256": "a",
    "person_id": 1,
    "sign_in_method": "wecom",
    "oauth_state_sha256": "a",
    "user_agent": "",
    "created_at": NOW,
    "last_seen_at": NOW,
}

VERDICT: dict[str, Any] = {
    "night": DAY,
    "submission_id": 1,
    "part_id": 1,
    "verdict": "fit",
    "person_id": 1,
    "reviewer_name": "张三",
    "via": "page",
    "given_at": NOW,
}
LOOK: dict[str, Any] = {
    "submission_id": 1,
    "person_id": 1,
    "viewer_name": "张三",
    "by_supervisor": True,
    "kind": "film",
    "opened_at": NOW,
}
CLAIM: dict[str, Any] = {"submission_id": 1, "person_id": 1, "claimed_at": NOW, "expires_at": NOW}
SECOND: dict[str, Any] = {"submission_id": 1, "night": DAY, "first_verdict_id": 1, "selected_at": NOW}
UPLOAD: dict[str, Any] = {
    "once_key": "a",
    "realm": "wecom",
    "sender": "p1",
    "person_id": 1,
    "enterprise_id": 1,
    "night": DAY,
    "created_at": NOW,
    "expires_at": NOW,
    "state": "ended",
    "generation": 0,
    "received_bytes": 0,
}
PIECE: dict[str, Any] = {"upload_id": 1, "generation": 1, "start": 0, "size": 1, "object_key": "a"}

MOVE: dict[str, Any] = {
    "hazard_number": "YH-2026-0001",
    "seq": 1,
    "to_state": "incomplete",
    "at": NOW,
    "by_name": "张三",
}
HAZARD: dict[str, Any] = {
    "number": "YH-2026-0001",
    "year": 2026,
    "ordinal": 1,
    "once_key": "a",
    "version": 1,
    "last_move": 1,
    "state": "incomplete",
    "enterprise_id": 1,
    "part_id": 1,
    "level": "general",
    "source": "night_patrol",
    "kind": "process",
    "treatment": "deadline",
    "matter": "法兰渗漏",
    "responsible": "李四",
    "responsible_id": 2,
    "measure": "更换垫片",
    "deadline": DAY,
    "first_deadline": DAY,
    "found_at": NOW,
    "found_on": DAY,
    "found_by": "张三",
    "registered_at": NOW,
    "registered_by": "张三",
}
ANOTHER_HAZARD: dict[str, Any] = {**HAZARD, "number": "YH-2026-0002", "ordinal": 2, "once_key": "b"}
ACCEPTED_HAZARD: dict[str, Any] = {**ANOTHER_HAZARD, "state": "accepted", "closed_at": NOW, "fixed_by_id": 2}
ATTEMPT: dict[str, Any] = {
    "hazard_number": "YH-2026-0001",
    "ordinal": 1,
    "submitted_at": NOW,
    "by_id": 1,
    "by_name": "张三",
    "submission_id": 1,
}
ANOTHER_ATTEMPT: dict[str, Any] = {**ATTEMPT, "ordinal": 2, "submission_id": 2}
JUDGED: dict[str, Any] = {**ANOTHER_ATTEMPT, "verdict": "accepted", "verdict_at": NOW, "verdict_by_id": 2}
EXTENSION: dict[str, Any] = {
    "hazard_number": "YH-2026-0001",
    "asked_at": NOW,
    "asked_on": DAY,
    "asked_by_id": 1,
    "asked_by": "张三",
    "reason": "备件未到",
    "interim": "每夜测漏",
    "old_deadline": DAY,
    "new_deadline": DAY + timedelta(days=7),
    "state": "asked",
}
DECIDED: dict[str, Any] = {**EXTENSION, "state": "granted", "decided_at": NOW, "decided_by_id": 2}
SOURCE: dict[str, Any] = {"enterprise_id": 1, "number": "1", "name": "甲醇罐区"}
ANOTHER_SOURCE = {**SOURCE, "number": "2"}
VISIT: dict[str, Any] = {
    "number": "JC-2026-0001",
    "year": 2026,
    "ordinal": 1,
    "version": 1,
    "kind": "annual",
    "held_on": DAY,
    "enterprise_id": 1,
    "inspectors": [],
    "registered_at": NOW,
    "registered_by": "张三",
}
ANOTHER_VISIT: dict[str, Any] = {**VISIT, "number": "JC-2026-0002", "ordinal": 2}
CASE: dict[str, Any] = {
    "number": "立1",
    "version": 1,
    "filed_on": DAY,
    "enterprise_id": 1,
    "cause": "未检测",
    "registered_at": NOW,
    "registered_by": "张三",
}
ANOTHER_CASE: dict[str, Any] = {**CASE, "number": "立2"}
DOCUMENT: dict[str, Any] = {
    "kind": "site_record",
    "number": "检1",
    "issued_on": DAY,
    "enterprise_id": 1,
    "registered_at": NOW,
    "registered_by": "张三",
}
ANOTHER_DOCUMENT: dict[str, Any] = {**DOCUMENT, "number": "检2"}


def a_county() -> list[Base]:
    """One row of every table that the rows below refer to."""
    return [
        GroupChat(id=1, name="一群"),
        Enterprise(id=1, code="E001", name="甲", short_name="甲"),
        Enterprise(id=2, code="E009", name="己", short_name="己"),
        KeyPart(id=1, enterprise_id=1, number="1", name="罐区"),
        MajorHazardSource(id=1, **SOURCE),
        MajorHazardSourcePart(source_id=1, part_id=1),
        Person(id=1, name="张三", roles=[]),
        Employment(person_id=1, enterprise_id=1),
        DutyShift(id=1, day=DAY, post="leader", person_id=1),
        InboxRow(id=1, channel="wecom_app", message_key="a", raw="<xml/>", received_at=NOW),
        Submission(id=1, **FILM),
        ReceivedText(id=1, **WORD),
        NightEnterpriseChoice(person_id=1, night=DAY, enterprise_id=1),
        ReminderGrace(night=DAY, enterprise_id=1, until=NOW),
        Notice(id=1, **NOTICE),
        Alert(id=1, once_key="a", cause="missing", night=DAY, opened_at=NOW, params={}),
        ContentItem(id=1, link_id="a", **ITEM),
        AlertEntry(id=1, once_key="a", alert_id=1, kind="note", at=NOW, name="张三", text=""),
        ContentItem(id=2, **ITEM),
        ContentPush(id=1, item_id=1, group_id=1, day=DAY, notice_id=1),
        Decision(key="a", decided_at=NOW, outcome="done"),
        Counter(name="a", value=1),
        Fact(name="a", value={}),
        AccessToken(name="a"),
        ClosedNight(night=DAY, closed_at=NOW, expected={}),
        Invitation(code="12345678", person_id=1, **INVITATION),
        Outage(id=1, **OUTAGE),
        AuditEntry(**ENTRY),
        IssuedReport(**REPORT),
        IssuedReportFile(**FILE),
        PollCursor(name="wecom_kf"),
        Person(id=2, name="李四", roles=[]),
        Credential(**PASSWORD),
        WebSession(**SESSION),
        FilmView(id=1, **LOOK),
        ReviewClaim(**CLAIM),
        Verdict(id=1, **VERDICT),
        SecondReview(**SECOND),
        Lease(name="a"),
        Upload(id=1, **{**UPLOAD, "link_id": "a", "state": "open"}),
        UploadChunk(id=1, **PIECE),
        HazardMove(**MOVE),
        Hazard(**HAZARD),
        HazardAttempt(**ATTEMPT),
        HazardExtension(id=1, **EXTENSION),
        Inspection(**VISIT),
        EnforcementCase(id=1, **CASE),
        EnforcementDocument(id=1, **DOCUMENT),
        CaseHazard(case_id=1, hazard_number="YH-2026-0001"),
        DocumentHazard(document_id=1, hazard_number="YH-2026-0001"),
    ]


# What the constraint is called (or the column that is unique), and a row that it refuses.
REFUSED: dict[str, Base] = {
    "group_chat.name": GroupChat(name="一群"),
    "enterprise.code": Enterprise(code="E001", name="乙", short_name="乙"),
    "enterprise_status": Enterprise(code="E002", name="乙", short_name="乙", status="歇业"),
    "major_hazard_source_number_once": MajorHazardSource(**SOURCE),
    "major_hazard_source_level": MajorHazardSource(**{**ANOTHER_SOURCE, "level": "五级"}),
    "key_part_number_once": KeyPart(enterprise_id=1, number="1", name="泵房"),
    "duty_shift_once": DutyShift(day=DAY, post="leader", person_id=1),
    "inbox_message_once": InboxRow(channel="wecom_app", message_key="a", raw="<xml/>", received_at=NOW),
    "inbox_state": InboxRow(channel="wecom_app", message_key="b", raw="", received_at=NOW, state="forgotten"),
    "submission_message_once": Submission(**{**FILM, "number": 2}),
    "submission_receipt_number": Submission(**{**FILM, "message_key": "b"}),
    "submission_state": Submission(**{**FILM, "number": 2, "message_key": "b", "state": "lost"}),
    "submission_attribution": Submission(**{**FILM, "number": 2, "message_key": "b", "attribution": "somewhere"}),
    "received_text_once": ReceivedText(**WORD),
    "alert.once_key": Alert(once_key="a", cause="emergency", night=DAY, opened_at=NOW, params={}),
    "alert_entry.once_key": AlertEntry(once_key="a", alert_id=1, kind="note", at=NOW, name="张三", text=""),
    "notice.once_key": Notice(**NOTICE),
    "notice_state_known": Notice(**{**NOTICE, "once_key": "b", "state": "perhaps"}),
    "content_item.link_id": ContentItem(**{**ITEM, "link_id": "a"}),
    "content_kind": ContentItem(**{**ITEM, "kind": "图片"}),
    "issued_report_number": IssuedReport(**{**REPORT, "number": -1}),
    "issued_report_file_format": IssuedReportFile(**{**FILE, "format": "docx"}),
    "objection_answered": Objection(**{**OBJECTION, "answer": "更正"}),
    "rpc_call_state": RpcCall(lease_name="aibot", request={}, state="forgotten", requested_at=NOW),
    "outage_once": Outage(**OUTAGE),
    "outage_kind": Outage(**{**OUTAGE, "kind": "lunch"}),
    "outage_duration": Outage(**{**OUTAGE, "kind": "platform", "ended_at": OUTAGE["started_at"]}),
    "poll_cursor_handled_not_ahead": PollCursor(
        name="b", cursor="", notification_count=0, handled_count=1, has_more=False, failures=0
    ),
    "film_view_kind": FilmView(**{**LOOK, "kind": "glance"}),
    "film_view_not_negative": FilmView(**{**LOOK, "watched_s": -1.0}),
    "verdict_known": Verdict(**{**VERDICT, "submission_id": 1, "verdict": "good", "superseded_at": NOW}),
    "verdict_via": Verdict(**{**VERDICT, "via": "telephone", "superseded_at": NOW}),
    "content_push_once": ContentPush(item_id=1, group_id=1, day=date(2027, 1, 1), notice_id=1),
    "credential.login": Credential(**{**PASSWORD, "person_id": 2}),
    "web_session.oauth_state_sha256": WebSession(**{**SESSION, "token_sha256": "b"}),
    "upload.once_key": Upload(**UPLOAD),
    "upload.link_id": Upload(**{**UPLOAD, "once_key": "b", "link_id": "a"}),
    "upload_state_known": Upload(**{**UPLOAD, "once_key": "b", "state": "perhaps"}),
    "upload_received_within_size": Upload(**{**UPLOAD, "once_key": "b", "size": 1, "received_bytes": 2}),
    "upload_chunk_once": UploadChunk(**PIECE),
    "hazard_number_once": Hazard(**{**HAZARD, "number": "YH-2026-0002", "once_key": "b"}),
    "hazard.once_key": Hazard(**{**ANOTHER_HAZARD, "once_key": "a"}),
    "hazard_state": Hazard(**{**ANOTHER_HAZARD, "state": "overdue"}),
    "hazard_level": Hazard(**{**ANOTHER_HAZARD, "level": "1"}),
    "hazard_source": Hazard(**{**ANOTHER_HAZARD, "source": "1"}),
    "hazard_kind": Hazard(**{**ANOTHER_HAZARD, "kind": "1"}),
    "hazard_treatment": Hazard(**{**ANOTHER_HAZARD, "treatment": "later"}),
    "hazard_classification": Hazard(**{**ANOTHER_HAZARD, "classification": "1"}),
    "hazard_stage": Hazard(**{**ANOTHER_HAZARD, "stage": "1"}),
    "hazard_complete": Hazard(**{**ANOTHER_HAZARD, "state": "rectifying", "measure": None}),
    "hazard_deadline_after_finding": Hazard(**{**ANOTHER_HAZARD, "found_on": DAY + timedelta(days=1)}),
    "hazard_first_deadline": Hazard(**{**ANOTHER_HAZARD, "first_deadline": DAY + timedelta(days=1)}),
    "hazard_found_before_registered": Hazard(**{**ANOTHER_HAZARD, "found_at": NOW + timedelta(hours=1)}),
    "hazard_cost": Hazard(**{**ANOTHER_HAZARD, "cost_yuan": -1}),
    "hazard_repeats_another": Hazard(**{**ANOTHER_HAZARD, "repeat_of": "YH-2026-0002"}),
    "hazard_closed_at": Hazard(**{**ANOTHER_HAZARD, "state": "void"}),
    "hazard_accepted_by_another": Hazard(**{**ACCEPTED_HAZARD, "accepted_by_id": 2}),
    "hazard_move_seq_once": HazardMove(**{**MOVE, "to_state": "rectifying"}),
    "hazard_move_allowed": HazardMove(**{**MOVE, "hazard_number": "YH-2026-0002", "to_state": "accepted"}),
    "hazard_move_reason": HazardMove(
        **{**MOVE, "seq": 2, "previous_seq": 1, "from_state": "incomplete", "to_state": "void"}
    ),
    "hazard_move_sequence": HazardMove(
        **{**MOVE, "seq": 3, "previous_seq": 1, "from_state": "incomplete", "to_state": "rectifying"}
    ),
    "hazard_attempt_film_once": HazardAttempt(**{**ATTEMPT, "ordinal": 2}),
    "hazard_attempt_verdict": HazardAttempt(**{**JUDGED, "verdict": "fine"}),
    "hazard_attempt_judged": HazardAttempt(**{**ANOTHER_ATTEMPT, "verdict": "accepted"}),
    "hazard_attempt_judged_by_another": HazardAttempt(**{**JUDGED, "verdict_by_id": 1}),
    "hazard_attempt_reason": HazardAttempt(**{**JUDGED, "verdict": "returned"}),
    "hazard_extension_state": HazardExtension(**{**DECIDED, "state": "expired"}),
    "hazard_extension_later": HazardExtension(**{**DECIDED, "new_deadline": DAY}),
    "hazard_extension_in_time": HazardExtension(**{**DECIDED, "asked_on": DAY + timedelta(days=1)}),
    "hazard_extension_decided": HazardExtension(**{**DECIDED, "decided_at": None}),
    "hazard_extension_decided_by_another": HazardExtension(**{**DECIDED, "decided_by_id": 1}),
    "hazard_extension_reason": HazardExtension(**{**DECIDED, "state": "refused"}),
    "inspection_number_once": Inspection(**{**VISIT, "number": "JC-2026-0002"}),
    "inspection_kind": Inspection(**{**ANOTHER_VISIT, "kind": "weekly"}),
    "inspection_voided": Inspection(**{**ANOTHER_VISIT, "voided_at": NOW, "voided_by": "张三"}),
    "enforcement_case_fine": EnforcementCase(**{**ANOTHER_CASE, "fine_yuan": 0, "fined_on": DAY}),
    "enforcement_case_fined_on": EnforcementCase(**{**ANOTHER_CASE, "fine_yuan": 20000}),
    "enforcement_case_dates": EnforcementCase(**{**ANOTHER_CASE, "closed_on": DAY - timedelta(days=1)}),
    "enforcement_case_voided": EnforcementCase(**{**ANOTHER_CASE, "void_reason": "错"}),
    "enforcement_document_kind": EnforcementDocument(**{**ANOTHER_DOCUMENT, "kind": "letter"}),
    "enforcement_document_file": EnforcementDocument(**{**ANOTHER_DOCUMENT, "sha256": "0"}),
    "enforcement_document_voided": EnforcementDocument(**{**ANOTHER_DOCUMENT, "voided_at": NOW}),
    "web_session_method": WebSession(
        **{**SESSION, "token_sha256": "b", "oauth_state_sha256": "b", "sign_in_method": "charm"}
    ),
}
KEYS: list[Base] = [
    Employment(person_id=1, enterprise_id=1),
    NightEnterpriseChoice(person_id=1, night=DAY, enterprise_id=1),
    ReminderGrace(night=DAY, enterprise_id=1, until=NOW),
    Decision(key="a", decided_at=NOW, outcome="done"),
    Counter(name="a", value=2),
    AuditEntry(**ENTRY),
    IssuedReport(**REPORT),
    IssuedReportFile(**FILE),
    Fact(name="a", value={}),
    AccessToken(name="a"),
    ClosedNight(night=DAY, closed_at=NOW, expected={}),
    Invitation(code="12345678", person_id=1, **INVITATION),
    PollCursor(name="wecom_kf", cursor="", notification_count=0, handled_count=0, has_more=False, failures=0),
    Credential(**{**PASSWORD, "login": "b"}),
    WebSession(**{**SESSION, "oauth_state_sha256": "b"}),
    ReviewClaim(**CLAIM),
    SecondReview(**SECOND),
    Lease(name="a"),
    HazardMove(**MOVE),
    Hazard(**{**ANOTHER_HAZARD, "number": "YH-2026-0001"}),
    HazardAttempt(**{**ATTEMPT, "submission_id": 2}),
    Inspection(**{**ANOTHER_VISIT, "number": "JC-2026-0001"}),
    CaseHazard(case_id=1, hazard_number="YH-2026-0001"),
    MajorHazardSourcePart(source_id=1, part_id=1),
    DocumentHazard(document_id=1, hazard_number="YH-2026-0001"),
]
ORPHANS: list[Base] = [
    # The state of a hazard without that move.
    Hazard(**ANOTHER_HAZARD),
    HazardMove(**{**MOVE, "hazard_number": "YH-2026-0002", "by_id": 9}),
    HazardMove(**{**MOVE, "seq": 2, "previous_seq": 1, "from_state": "rectifying", "to_state": "awaiting_acceptance"}),
    *(HazardAttempt(**{**ANOTHER_ATTEMPT, column: 9}) for column in ("by_id", "submission_id")),
    HazardAttempt(**{**JUDGED, "submission_id": 1, "hazard_number": "YH-2026-0009"}),
    HazardAttempt(**{**JUDGED, "verdict_by_id": 9}),
    HazardExtension(**{**DECIDED, "hazard_number": "YH-2026-0009"}),
    *(HazardExtension(**{**DECIDED, column: 9}) for column in ("asked_by_id", "decided_by_id")),
    Inspection(**{**ANOTHER_VISIT, "enterprise_id": 9}),
    *(
        EnforcementCase(**{**ANOTHER_CASE, **wrong})
        for wrong in ({"inspection_number": "JC-2026-0009"}, {"registered_by_id": 9}, {"enterprise_id": 9})
    ),
    *(
        EnforcementDocument(**{**ANOTHER_DOCUMENT, **wrong})
        for wrong in (
            {"inspection_number": "JC-2026-0009"},
            {"case_id": 9},
            {"case_id": 1, "enterprise_id": 2},
            {"inspection_number": "JC-2026-0001", "enterprise_id": 2},
        )
    ),
    *(
        CaseHazard(**{"case_id": 1, "hazard_number": "YH-2026-0001", **wrong})
        for wrong in ({"case_id": 9}, {"hazard_number": "YH-2026-0009"})
    ),
    *(
        DocumentHazard(**{"document_id": 1, "hazard_number": "YH-2026-0001", **wrong})
        for wrong in ({"document_id": 9}, {"hazard_number": "YH-2026-0009"})
    ),
    IssuedReportFile(**{**FILE, "number": 1}),
    *(Objection(**{**OBJECTION, column: 9}) for column in ("enterprise_id", "raised_by", "answered_by")),
    Enterprise(code="E002", name="乙", short_name="乙", group_id=9),
    KeyPart(enterprise_id=9, number="1", name="罐区"),
    *(
        MajorHazardSource(**{**ANOTHER_SOURCE, column: 9})
        for column in ("enterprise_id", "head_id", "technical_id", "operation_id")
    ),
    *(MajorHazardSourcePart(**{"source_id": 1, "part_id": 1, column: 9}) for column in ("source_id", "part_id")),
    Employment(person_id=9, enterprise_id=1),
    Employment(person_id=1, enterprise_id=9),
    Binding(person_id=9, realm="wecom", account="a", canonical_account="a"),
    DutyShift(day=DAY, post="leader", person_id=9),
    Invitation(code="1", person_id=9, **INVITATION),
    Invitation(code="1", enterprise_id=9, **INVITATION),
    DeliveryAttempt(notice_id=9, started_at=NOW),
    Credential(**{**PASSWORD, "person_id": 9, "login": "b"}),
    WebSession(**{**SESSION, "person_id": 9, "token_sha256": "b", "oauth_state_sha256": "b"}),
    *(
        Submission(**{**FILM, "number": 2, "message_key": "b", column: 9})
        for column in ("inbox_id", "person_id", "enterprise_id", "part_id")
    ),
    *(Notice(**{**NOTICE, "once_key": "b", column: 9}) for column in ("person_id", "group_id", "alert_id")),
    *(
        ContentPush(**{"item_id": 2, "group_id": 1, "notice_id": 1, "day": DAY, column: 9})
        for column in ("item_id", "group_id", "notice_id")
    ),
    *(FilmView(**{**LOOK, column: 9}) for column in ("submission_id", "person_id")),
    *(Verdict(**{**VERDICT, "superseded_at": NOW, column: 9}) for column in ("submission_id", "part_id", "person_id")),
    *(
        SecondReview(**{**SECOND, "submission_id": 2, column: 9})
        for column in ("first_verdict_id", "second_verdict_id")
    ),
    UploadChunk(**{**PIECE, "upload_id": 9}),
    *(Upload(**{**UPLOAD, "once_key": "b", column: 9}) for column in ("person_id", "enterprise_id", "part_id")),
]


@pytest.fixture(scope="module")
def migrated(module_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database made by the migrations, as the ones in use are, with one row in every table."""
    database = Database(module_place.migrated(tmp_path_factory.mktemp("db")))
    with database.transaction() as session:
        for row in a_county():
            session.add(row)
            session.flush()
        if not database.is_sqlite:  # a server's numbering does not notice numbers that were given
            for table in Base.metadata.tables.values():
                if "id" in table.c:
                    session.execute(text(f"alter sequence {table.name}_id_seq restart with 1000"))
    yield database
    database.close()


@pytest.fixture
def session(migrated: Database) -> Iterator[Session]:
    """A session whose changes are undone."""
    with Session(migrated.engine) as opened:
        yield opened
        opened.rollback()


UNIQUE, FOREIGN_KEY, CHECK = "unique", "foreign key", "check"
# What each database calls it: SQLite in words, PostgreSQL by SQLSTATE.
KINDS = {
    "UNIQUE": UNIQUE,
    "FOREIGN KEY": FOREIGN_KEY,
    "CHECK": CHECK,
    "23505": UNIQUE,
    "23503": FOREIGN_KEY,
    "23514": CHECK,
}


def refuse(session: Session, row: Base) -> tuple[str, str]:
    """The kind of constraint by which the database refuses a row, and what it says of it."""
    columns = {each.name: getattr(row, each.key) for each in row.__table__.columns}
    given = {name: value for name, value in columns.items() if value is not None}
    with pytest.raises(IntegrityError) as refused:
        session.execute(row.__table__.insert().values(**given))
    error = refused.value.orig
    said = f"{getattr(error, 'sqlstate', '')} {error}"
    return next(kind for word, kind in KINDS.items() if word in said), said


@pytest.mark.parametrize("name", REFUSED)
def test_a_row_that_breaks_a_constraint_is_refused(session: Session, name: str) -> None:
    row = REFUSED[name]
    kind, said = refuse(session, row)
    unique = {each.name: [column.name for column in each.columns] for each in _named(UniqueConstraint)}
    if name in unique or "." in name:
        assert (kind, all(column in said for column in unique.get(name, [name.partition(".")[2]]))) == (UNIQUE, True)
    else:
        assert (kind, name in said) == (CHECK, True)


@pytest.mark.parametrize("row", KEYS, ids=lambda row: row.__tablename__)
def test_a_duplicate_primary_key_is_refused(session: Session, row: Base) -> None:
    assert refuse(session, row)[0] == UNIQUE


@pytest.mark.parametrize("row", ORPHANS, ids=lambda row: row.__tablename__)
def test_a_row_that_refers_to_nothing_is_refused(session: Session, row: Base) -> None:
    assert refuse(session, row)[0] == FOREIGN_KEY


def _named(kind: type[Any]) -> list[Any]:
    constraints = [each for table in Base.metadata.tables.values() for each in table.constraints]
    return [each for each in constraints if isinstance(each, kind) and each.name]


def test_a_person_has_one_open_upload_for_an_enterprise(session: Session) -> None:
    assert refuse(session, Upload(**{**UPLOAD, "once_key": "b", "state": "receiving"}))[0] == "unique"


def test_a_film_has_one_current_verdict(session: Session) -> None:
    assert refuse(session, Verdict(**{**VERDICT, "verdict": "problem"}))[0] == "unique"


def test_a_hazard_has_one_undecided_extension(session: Session) -> None:
    assert refuse(session, HazardExtension(**EXTENSION))[0] == "unique"


@pytest.mark.parametrize("row", [EnforcementCase(**CASE), EnforcementDocument(**DOCUMENT)])
def test_a_number_in_force_is_used_once(session: Session, row: Base) -> None:
    assert refuse(session, row)[0] == "unique"


def test_every_constraint_of_the_models_has_a_test() -> None:
    named = {each.name for kind in (UniqueConstraint, CheckConstraint) for each in _named(kind)}
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.unique
    }
    assert named | columns == set(REFUSED)


def test_a_naive_instant_is_refused(session: Session) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises((StatementError, DBAPIError), match="naive"):
        session.execute(Decision.__table__.insert().values(key="b", decided_at=naive, outcome="done"))


def test_an_instant_is_loaded_aware_and_unchanged(session: Session) -> None:
    [found] = session.query(Decision).all()
    assert (found.decided_at, found.decided_at.tzinfo) == (NOW, UTC)


def test_insert_if_absent_returns_the_key_only_for_a_new_row(session: Session) -> None:
    values = {"key": "c", "decided_at": NOW, "outcome": "done"}
    assert insert_if_absent(session, Decision, values) == "c"
    assert insert_if_absent(session, Decision, values) is None
