"""Sessions of browsers and credentials of those who sign in without WeCom. Instants are of the wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Binding, Credential, Employment, Enterprise, Person, WebSession
from storage.db.upsert import insert_if_absent
from storage.register_terms import DEREGISTERED

SESSION_IDLE_TIMEOUT, SESSION_MAX_AGE = timedelta(hours=12), timedelta(days=30)
"""A session expires after this time without requests, and in any case after the maximum age."""


class SignInStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def begin(
        self,
        token_sha256: str,
        person_id: int,
        sign_in_method: str,
        now: datetime,
        *,
        user_agent: str,
        oauth_state_sha256: str | None = None,
    ) -> bool:
        """Add a session; False when its OAuth state has been used before. Expired sessions are deleted."""
        self.session.execute(delete(WebSession).where(WebSession.last_seen_at < now - SESSION_MAX_AGE))
        values = {
            "token_sha256": token_sha256,
            "person_id": person_id,
            "sign_in_method": sign_in_method,
            "oauth_state_sha256": oauth_state_sha256,
            "user_agent": user_agent,
            "created_at": now,
            "last_seen_at": now,
        }
        return insert_if_absent(self.session, WebSession, values) is not None

    def authenticate(self, token_sha256: str, now: datetime) -> tuple[WebSession, Person, list[int]] | None:
        """The valid session with its person and the ids of the person's enterprises; None if there is none.

        A session is valid only while the person is active and still has the account or password it was opened with.
        """
        bounds = {"idle_since": now - SESSION_IDLE_TIMEOUT, "begun_since": now - SESSION_MAX_AGE}
        rows = self.session.execute(_authenticate(), {"token_sha256": token_sha256, **bounds}).all()
        return (rows[0][0], rows[0][1], [row[2] for row in rows if row[2] is not None]) if rows else None

    def touch(self, token_sha256: str, now: datetime) -> None:
        self.session.execute(update(WebSession).where(WebSession.token_sha256 == token_sha256).values(last_seen_at=now))

    def end(self, token_sha256: str, now: datetime) -> None:
        self._end(WebSession.token_sha256 == token_sha256, now)

    def end_all(self, person_id: int, now: datetime) -> None:
        """End every session of a person."""
        self._end(WebSession.person_id == person_id, now)

    def _end(self, condition: Any, now: datetime) -> None:
        self.session.execute(update(WebSession).where(condition, WebSession.ended_at.is_(None)).values(ended_at=now))

    def open_sessions(self, person_id: int, now: datetime) -> Sequence[WebSession]:
        """The valid sessions of a person, the last used first."""
        valid = select(WebSession).where(
            WebSession.person_id == person_id,
            WebSession.ended_at.is_(None),
            WebSession.last_seen_at > now - SESSION_IDLE_TIMEOUT,
            WebSession.created_at > now - SESSION_MAX_AGE,
        )
        return self.session.scalars(valid.order_by(WebSession.last_seen_at.desc())).all()

    def credential_by_login(self, login: str) -> Credential | None:
        return self.session.scalar(select(Credential).where(Credential.login == normalize_login(login)))

    def credential_of(self, person_id: int) -> Credential | None:
        return self.session.get(Credential, person_id)

    def credentials(self) -> Sequence[tuple[Credential, Person]]:
        """Every credential with its person, by login."""
        rows = select(Credential, Person).join(Person, Person.id == Credential.person_id).order_by(Credential.login)
        return [(credential, person) for credential, person in self.session.execute(rows)]

    def save_credential(self, credential: Credential) -> None:
        self.session.add(credential)
        self.session.flush()

    def delete_credential(self, person_id: int) -> None:
        self.session.execute(delete(Credential).where(Credential.person_id == person_id))


def normalize_login(login: str) -> str:
    return login.strip().casefold()


@cache
def _authenticate() -> Any:
    """Built once: every request runs it, and building costs more than running."""
    return (
        select(WebSession, Person, Enterprise.id)
        .join(Person, Person.id == WebSession.person_id)
        .join(Employment, Employment.person_id == Person.id, isouter=True)
        .join(Enterprise, and_(Enterprise.id == Employment.enterprise_id, _in_register()), isouter=True)
        .where(
            WebSession.token_sha256 == bindparam("token_sha256"),
            WebSession.ended_at.is_(None),
            Person.active,
            WebSession.last_seen_at > bindparam("idle_since"),
            WebSession.created_at > bindparam("begun_since"),
            _still_known(),
        )
    )


def _in_register() -> Any:
    return Enterprise.status != DEREGISTERED


def _still_known() -> Any:
    bound = exists().where(Binding.person_id == WebSession.person_id, Binding.realm == "wecom", Binding.until.is_(None))
    has_password = exists().where(Credential.person_id == WebSession.person_id)
    return or_(
        and_(WebSession.sign_in_method == "wecom", bound), and_(WebSession.sign_in_method == "password", has_password)
    )
