"""Every constraint of the database, by a row that it refuses; the list is held against the models."""

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
    Alert,
    Answer,
    Attempt,
    AuditEntry,
    Base,
    Binding,
    ClosedNight,
    ContentItem,
    Counter,
    Credential,
    Decision,
    DutyShift,
    Employment,
    Enterprise,
    Errand,
    GroupChat,
    Inbox,
    Invitation,
    KeyPart,
    Lease,
    Look,
    Meta,
    NightChoice,
    Notice,
    Objection,
    Outage,
    Person,
    Push,
    ReviewClaim,
    SecondLook,
    Source,
    Submission,
    Token,
    Upload,
    UploadPiece,
    Urge,
    Verdict,
    WebSession,
    Word,
)
from storage.facts import insert_once
from tests.places import Place

NOW, DAY = datetime(2026, 11, 24, 1, tzinfo=UTC), date(2026, 11, 24)
FILM: dict[str, Any] = {
    "night": DAY, "number": 1, "channel": "wecom_app", "message_key": "a", "inbox_id": 1, "realm": "wecom",
    "sender": "p1", "sender_key": "p1", "kind": "film", "sent_at": NOW, "received_at": NOW, "place": "attributed",
    "marks": [],
}  # fmt: skip
NOTICE: dict[str, Any] = {
    "once_key": "a", "kind": "receipt", "night": DAY, "to_name": "甲", "channel": "wecom_app", "address": "p1",
    "route": "wecom_app/p1", "form": "text", "text_key": "receipt.filed", "params": {}, "due_at": NOW,
}  # fmt: skip
ITEM: dict[str, Any] = {"title": "静电", "kind": "链接", "tags": [], "added_at": NOW}
WORD: dict[str, Any] = {
    "channel": "wecom_app", "message_key": "a", "inbox_id": 1, "realm": "wecom", "sender": "p1", "sent_at": NOW,
    "text": "1",
}  # fmt: skip
OBJECTION: dict[str, Any] = {
    "enterprise_id": 1, "night": DAY, "raised_by": 1, "raised_at": NOW, "text": "网络不好",
}  # fmt: skip
OUTAGE: dict[str, Any] = {
    "what": "receiving", "began_at": NOW, "ended_at": NOW + timedelta(hours=1), "noticed_at": NOW,
}  # fmt: skip
PASSWORD: dict[str, Any] = {"person_id": 1, "login": "a", "password_hash": "x", "made_at": NOW, "wrong": 0}
SESSION: dict[str, Any] = {
    "token_sha256": "a", "person_id": 1, "means": "wecom", "state_sha256": "a", "browser": "", "made_at": NOW,
    "seen_at": NOW,
}  # fmt: skip

VERDICT: dict[str, Any] = {
    "night": DAY, "submission_id": 1, "part_id": 1, "word": "fit", "person_id": 1, "by": "张三", "via": "page",
    "given_at": NOW,
}  # fmt: skip
LOOK: dict[str, Any] = {
    "submission_id": 1, "person_id": 1, "viewer": "张三", "by_county": True, "what": "film", "opened_at": NOW,
}  # fmt: skip
CLAIM: dict[str, Any] = {"submission_id": 1, "person_id": 1, "claimed_at": NOW, "lapses_at": NOW}
SECOND: dict[str, Any] = {"submission_id": 1, "night": DAY, "first_id": 1, "drawn_at": NOW}
URGE: dict[str, Any] = {"verdict_id": 1, "submission_id": 1, "enterprise_id": 1, "opened_at": NOW}
ANSWER: dict[str, Any] = {"urge_id": 1, "at": NOW, "by": "张三", "submission_id": 1}
UPLOAD: dict[str, Any] = {
    "once_key": "a", "realm": "wecom", "sender": "p1", "person_id": 1, "enterprise_id": 1, "night": DAY,
    "made_at": NOW, "expires_at": NOW, "state": "open", "generation": 0, "received": 0,
}  # fmt: skip
PIECE: dict[str, Any] = {"upload_id": 1, "generation": 1, "start": 0, "size": 1, "object_key": "a"}


def a_county() -> list[Base]:
    """One row of every table that the rows below refer to."""
    return [
        GroupChat(id=1, name="一群"), Enterprise(id=1, code="E001", name="甲", short_name="甲"),
        KeyPart(id=1, enterprise_id=1, number="1", name="罐区"), Person(id=1, name="张三", roles=[]),
        Employment(person_id=1, enterprise_id=1), DutyShift(id=1, day=DAY, post="leader", person_id=1),
        Inbox(id=1, channel="wecom_app", message_key="a", raw="<xml/>", received_at=NOW), Submission(id=1, **FILM),
        Word(id=1, **WORD), NightChoice(person_id=1, night=DAY, enterprise_id=1), Notice(id=1, **NOTICE),
        Alert(id=1, once_key="a", cause="missing", night=DAY, opened_at=NOW, params={}),
        ContentItem(id=1, **ITEM), ContentItem(id=2, **ITEM),
        Push(id=1, item_id=1, group_id=1, day=DAY, notice_id=1), Decision(key="a", decided_at=NOW, outcome="done"),
        Counter(name="a", value=1), Meta(name="a", value={}), Token(name="a"),
        ClosedNight(night=DAY, closed_at=NOW, expected={}),
        Invitation(code="12345678", person_id=1, made_at=NOW, expires_at=NOW), Outage(id=1, **OUTAGE),
        AuditEntry(id=1, at=NOW, actor="王大", action="attached", detail={}, place=1),
        Source(name="wecom_kf"),
        Person(id=2, name="李四", roles=[]), Credential(**PASSWORD), WebSession(**SESSION),
        Look(id=1, **LOOK), ReviewClaim(**CLAIM), Verdict(id=1, **VERDICT), SecondLook(**SECOND), Urge(id=1, **URGE),
        Answer(id=1, **ANSWER), Lease(name="a"), Upload(id=1, **UPLOAD), UploadPiece(id=1, **PIECE),
    ]  # fmt: skip


# What the constraint is called (or the column that is unique), and a row that it refuses.
REFUSED: dict[str, Base] = {
    "group_chat.name": GroupChat(name="一群"),
    "enterprise.code": Enterprise(code="E001", name="乙", short_name="乙"),
    "enterprise_status": Enterprise(code="E002", name="乙", short_name="乙", status="歇业"),
    "one_part_per_number": KeyPart(enterprise_id=1, number="1", name="泵房"),
    "once_per_post": DutyShift(day=DAY, post="leader", person_id=1),
    "heard_once": Inbox(channel="wecom_app", message_key="a", raw="<xml/>", received_at=NOW),
    "filed_once": Submission(**{**FILM, "number": 2}),
    "one_receipt_number": Submission(**{**FILM, "message_key": "b"}),
    "submission_state": Submission(**{**FILM, "number": 2, "message_key": "b", "state": "lost"}),
    "submission_place_known": Submission(**{**FILM, "number": 2, "message_key": "b", "place": "somewhere"}),
    "word_once": Word(**WORD),
    "alert.once_key": Alert(once_key="a", cause="danger", night=DAY, opened_at=NOW, params={}),
    "notice.once_key": Notice(**NOTICE),
    "notice_state_known": Notice(**{**NOTICE, "once_key": "b", "state": "perhaps"}),
    "content_kind": ContentItem(**{**ITEM, "kind": "图片"}),
    "sealed_in_order": AuditEntry(at=NOW, actor="王大", action="attached", detail={}, place=1),
    "objection_answered": Objection(**{**OBJECTION, "answer": "更正"}),
    "errand_state": Errand(name="aibot", asked={}, state="forgotten", asked_at=NOW),
    "outage_once": Outage(**OUTAGE),
    "outage_what": Outage(**{**OUTAGE, "what": "lunch"}),
    "outage_lasts": Outage(**{**OUTAGE, "what": "platform", "ended_at": OUTAGE["began_at"]}),
    "source_answers_what_rang": Source(name="b", cursor="", rung=0, answered=1, unfinished=False, failures=0),
    "look_what": Look(**{**LOOK, "what": "glance"}),
    "look_not_negative": Look(**{**LOOK, "watched_s": -1.0}),
    "verdict_word": Verdict(**{**VERDICT, "submission_id": 1, "word": "good", "superseded_at": NOW}),
    "verdict_via": Verdict(**{**VERDICT, "via": "telephone", "superseded_at": NOW}),
    "urge.verdict_id": Urge(**URGE),
    "answer_film_once": Answer(**ANSWER),
    "never_the_same_twice": Push(item_id=1, group_id=1, day=date(2027, 1, 1), notice_id=1),
    "credential.login": Credential(**{**PASSWORD, "person_id": 2}),
    "web_session.state_sha256": WebSession(**{**SESSION, "token_sha256": "b"}),
    "upload.once_key": Upload(**UPLOAD),
    "upload_state_known": Upload(**{**UPLOAD, "once_key": "b", "state": "perhaps"}),
    "upload_not_overfull": Upload(**{**UPLOAD, "once_key": "b", "size": 1, "received": 2}),
    "piece_once": UploadPiece(**PIECE),
    "web_session_means": WebSession(**{**SESSION, "token_sha256": "b", "state_sha256": "b", "means": "charm"}),
}
KEYS: list[Base] = [
    Employment(person_id=1, enterprise_id=1), NightChoice(person_id=1, night=DAY, enterprise_id=1),
    Decision(key="a", decided_at=NOW, outcome="done"), Counter(name="a", value=2), Meta(name="a", value={}),
    Token(name="a"), ClosedNight(night=DAY, closed_at=NOW, expected={}),
    Invitation(code="12345678", person_id=1, made_at=NOW, expires_at=NOW),
    Source(name="wecom_kf", cursor="", rung=0, answered=0, unfinished=False, failures=0),
    Credential(**{**PASSWORD, "login": "b"}), WebSession(**{**SESSION, "state_sha256": "b"}),
    ReviewClaim(**CLAIM), SecondLook(**SECOND), Lease(name="a"),
]  # fmt: skip
ORPHANS: list[Base] = [
    *(Objection(**{**OBJECTION, column: 9}) for column in ("enterprise_id", "raised_by", "answered_by")),
    Enterprise(code="E002", name="乙", short_name="乙", group_id=9), KeyPart(enterprise_id=9, number="1", name="罐区"),
    Employment(person_id=9, enterprise_id=1), Employment(person_id=1, enterprise_id=9),
    Binding(person_id=9, realm="wecom", account="a", account_key="a"), DutyShift(day=DAY, post="leader", person_id=9),
    Invitation(code="1", person_id=9, made_at=NOW, expires_at=NOW), Attempt(notice_id=9, started_at=NOW),
    Credential(**{**PASSWORD, "person_id": 9, "login": "b"}),
    WebSession(**{**SESSION, "person_id": 9, "token_sha256": "b", "state_sha256": "b"}),
    *(
        Submission(**{**FILM, "number": 2, "message_key": "b", column: 9})
        for column in ("inbox_id", "person_id", "enterprise_id", "part_id")
    ),
    *(Notice(**{**NOTICE, "once_key": "b", column: 9}) for column in ("person_id", "group_id", "alert_id")),
    *(
        Push(**{"item_id": 2, "group_id": 1, "notice_id": 1, "day": DAY, column: 9})
        for column in ("item_id", "group_id", "notice_id")
    ),
    *(Look(**{**LOOK, column: 9}) for column in ("submission_id", "person_id")),
    *(
        Verdict(**{**VERDICT, "superseded_at": NOW, column: 9})
        for column in ("submission_id", "part_id", "person_id")
    ),
    *(SecondLook(**{**SECOND, "submission_id": 2, column: 9}) for column in ("first_id", "verdict_id")),
    Urge(**{**URGE, "verdict_id": 9}),
    UploadPiece(**{**PIECE, "upload_id": 9}),
    *(Upload(**{**UPLOAD, "once_key": "b", column: 9}) for column in ("person_id", "enterprise_id", "part_id")),
    *(Answer(**{**ANSWER, "submission_id": None, column: 9}) for column in ("urge_id", "person_id", "submission_id")),
]  # fmt: skip


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
    "UNIQUE": UNIQUE, "FOREIGN KEY": FOREIGN_KEY, "CHECK": CHECK, "23505": UNIQUE, "23503": FOREIGN_KEY, "23514": CHECK,
}  # fmt: skip


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
def test_a_key_stands_once(session: Session, row: Base) -> None:
    assert refuse(session, row)[0] == UNIQUE


@pytest.mark.parametrize("row", ORPHANS, ids=lambda row: row.__tablename__)
def test_a_row_that_refers_to_nothing_is_refused(session: Session, row: Base) -> None:
    assert refuse(session, row)[0] == FOREIGN_KEY


def _named(kind: type[Any]) -> list[Any]:
    constraints = [each for table in Base.metadata.tables.values() for each in table.constraints]
    return [each for each in constraints if isinstance(each, kind) and each.name]


def test_one_verdict_stands_for_a_film(session: Session) -> None:
    assert refuse(session, Verdict(**{**VERDICT, "word": "problem"}))[0] == "unique"


def test_no_constraint_is_left_out() -> None:
    named = {each.name for kind in (UniqueConstraint, CheckConstraint) for each in _named(kind)}
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.unique
    }
    assert named | columns == set(REFUSED)


def test_an_instant_without_its_zone_is_not_kept(session: Session) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises((StatementError, DBAPIError), match="naive"):
        session.execute(Decision.__table__.insert().values(key="b", decided_at=naive, outcome="done"))


def test_an_instant_comes_back_aware_and_the_same(session: Session) -> None:
    [found] = session.query(Decision).all()
    assert (found.decided_at, found.decided_at.tzinfo) == (NOW, UTC)


def test_inserting_once_gives_the_key_to_one_and_none_to_the_other(session: Session) -> None:
    values = {"key": "c", "decided_at": NOW, "outcome": "done"}
    assert insert_once(session, Decision, values) == "c"
    assert insert_once(session, Decision, values) is None
