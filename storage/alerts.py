"""Alerts: causes that a person must acknowledge and resolve, and the record of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Alert, AlertEntry, Person
from storage.db.upsert import insert_if_absent

EMERGENCY = "emergency"
# Kinds of entries: what reporters send, then what those do who hold the alert.
REPORT, UPDATE, SAID_OVER = "report", "update", "said_over"
ACKNOWLEDGED, NOTE, STILL_WORKING, RESOLVED = "acknowledged", "note", "still_working", "resolved"


class AlertStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def open(self, once_key: str, cause: str, night: date, now: datetime, **values: Any) -> Alert | None:
        """Open an alert; None when one with this `once_key` exists."""
        row = {
            "once_key": once_key,
            "cause": cause,
            "night": night,
            "opened_at": now,
            "rung": -1,
            "params": {},
            **values,
        }
        alert_id = insert_if_absent(self.session, Alert, row)
        return None if alert_id is None else self.session.get_one(Alert, alert_id)

    def get(self, alert_id: int) -> Alert | None:
        """The alert, reloaded from the database."""
        return self.session.get(Alert, alert_id, populate_existing=True)

    def unacknowledged(self, now: datetime) -> Sequence[Alert]:
        """Open alerts without a holder at that instant, except those whose sender is still being asked."""
        ended = or_(Alert.acknowledged_at.is_(None), Alert.acknowledgement_ends_at <= now)
        asked = or_(Alert.held_until.is_(None), Alert.held_until <= now)
        return self.session.scalars(
            select(Alert).where(Alert.closed_at.is_(None), ended, asked).order_by(Alert.id)
        ).all()

    def acknowledged(self) -> Sequence[Alert]:
        """Open alerts that a person has acknowledged."""
        held = select(Alert).where(Alert.closed_at.is_(None), Alert.acknowledged_at.is_not(None))
        return self.session.scalars(held.order_by(Alert.id)).all()

    def shown(self, night: date) -> Sequence[tuple[Alert, str | None]]:
        """The alerts of a night and every emergency that are open, the latest first, each with its holder's name."""
        rows = self.session.execute(
            select(Alert, Person.name)
            .join(Person, Person.id == Alert.acknowledged_by, isouter=True)
            .where(or_(Alert.night == night, Alert.cause == EMERGENCY))
            .where(Alert.closed_at.is_(None), Alert.rung >= 0)
            .order_by(Alert.id.desc())
        )
        return [(alert, name) for alert, name in rows]

    def of_night(self, night: date) -> Sequence[Alert]:
        """The alerts of a night that were sent to at least one rung, open and closed, in order."""
        return self.session.scalars(select(Alert).where(Alert.night == night, Alert.rung >= 0).order_by(Alert.id)).all()

    def open_emergency(self, enterprise_id: int | None, realm: str, sender: str) -> Alert | None:
        """The latest open emergency of an enterprise, or of an account if `enterprise_id` is None."""
        if enterprise_id is None:
            return self.reported_by(realm, sender)
        wanted = select(Alert).where(Alert.cause == EMERGENCY, Alert.enterprise_id == enterprise_id)
        return self.session.scalars(wanted.where(Alert.closed_at.is_(None)).order_by(Alert.id.desc()).limit(1)).first()

    def reported_by(self, realm: str, sender: str) -> Alert | None:
        """The latest open emergency that an account has reported."""
        reported = select(Alert).join(AlertEntry, AlertEntry.alert_id == Alert.id)
        reported = reported.where(AlertEntry.kind == REPORT, AlertEntry.realm == realm, AlertEntry.sender == sender)
        return self.session.scalars(
            reported.where(Alert.closed_at.is_(None)).order_by(Alert.id.desc()).limit(1)
        ).first()

    def acknowledge(self, alert_id: int, person_id: int, now: datetime, ends_at: datetime | None) -> bool:
        """Give an open, unheld alert to a person until `ends_at` (None: no end); False if it is closed or held."""
        free = or_(Alert.acknowledged_at.is_(None), Alert.acknowledgement_ends_at <= now)
        acknowledged = self.session.execute(
            update(Alert)
            .where(Alert.id == alert_id, Alert.closed_at.is_(None), free)
            .values(acknowledged_at=now, acknowledged_by=person_id, acknowledgement_ends_at=ends_at)
            .returning(Alert.id)
        ).first()
        self.session.expire_all()
        return acknowledged is not None

    def resolve(self, alert_id: int, person_id: int, now: datetime, outcome: str | None) -> bool:
        """Close an open alert in a person's name; False when it was closed before."""
        values = {"resolved_at": now, "resolved_by": person_id, "outcome": outcome}
        resolved = self.session.execute(
            update(Alert)
            .where(Alert.id == alert_id, Alert.closed_at.is_(None))
            .values(**values, closed_at=now, closed_reason="resolved")
            .returning(Alert.id)
        ).first()
        self.session.expire_all()
        return resolved is not None

    def awaiting_outcome(self, person_id: int, since: datetime) -> Alert | None:
        """The alert that a person resolved last since an instant without saying how."""
        wanted = select(Alert).where(Alert.resolved_by == person_id, Alert.resolved_at >= since)
        return self.session.scalars(wanted.where(Alert.outcome.is_(None)).order_by(Alert.id.desc()).limit(1)).first()

    def record(
        self, once_key: str, alert_id: int, kind: str, at: datetime, name: str, text: str, **values: Any
    ) -> bool:
        """Add a line to the record of an alert; False when one with this `once_key` exists."""
        row = {"once_key": once_key, "alert_id": alert_id, "kind": kind, "at": at, "name": name, "text": text, **values}
        return insert_if_absent(self.session, AlertEntry, row) is not None

    def entries(self, alert_id: int) -> Sequence[AlertEntry]:
        """The record of an alert, in order."""
        return self.session.scalars(
            select(AlertEntry).where(AlertEntry.alert_id == alert_id).order_by(AlertEntry.at, AlertEntry.id)
        ).all()

    def entries_with(self, submission_id: int) -> Sequence[AlertEntry]:
        """The lines that are about a film, a photo or a voice message."""
        return self.session.scalars(select(AlertEntry).where(AlertEntry.submission_id == submission_id)).all()

    def reports(self, alert_id: int) -> list[AlertEntry]:
        """The first report of each account that reported an alert: where its replies go."""
        by_account = {
            (each.realm, each.sender): each for each in reversed(self.entries(alert_id)) if each.kind == REPORT
        }
        return list(reversed(by_account.values()))
