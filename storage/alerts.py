"""Alerts: causes that a person must acknowledge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage.db.models import Alert, Person
from storage.db.upsert import insert_if_absent


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

    def unacknowledged(self) -> Sequence[Alert]:
        """Open alerts that nobody has acknowledged."""
        return self.session.scalars(
            select(Alert).where(Alert.acknowledged_at.is_(None), Alert.closed_at.is_(None)).order_by(Alert.id)
        ).all()

    def of_night(self, night: date) -> Sequence[tuple[Alert, str | None]]:
        """The open alerts of a night, the latest first, each with the name of the person who acknowledged it."""
        rows = self.session.execute(
            select(Alert, Person.name)
            .join(Person, Person.id == Alert.acknowledged_by, isouter=True)
            .where(Alert.night == night, Alert.closed_at.is_(None))
            .order_by(Alert.id.desc())
        )
        return [(alert, name) for alert, name in rows]

    def open_emergency(self, enterprise_id: int | None, sender: str, since: datetime) -> Alert | None:
        """The latest open emergency since `since` of an enterprise, or of `sender` if `enterprise_id` is None."""
        emergencies = self.session.scalars(
            select(Alert)
            .where(Alert.cause == "emergency", Alert.enterprise_id == enterprise_id, Alert.opened_at >= since)
            .where(Alert.closed_at.is_(None))
            .order_by(Alert.id.desc())
        )
        return next((each for each in emergencies if enterprise_id or each.params.get("sender") == sender), None)

    def acknowledge(self, alert_id: int, person_id: int, now: datetime) -> bool:
        """Stop the escalation in a person's name; False when it was acknowledged before."""
        acknowledged = self.session.execute(
            update(Alert)
            .where(Alert.id == alert_id, Alert.acknowledged_at.is_(None))
            .values(acknowledged_at=now, acknowledged_by=person_id)
            .returning(Alert.id)
        ).first()
        self.session.expire_all()
        return acknowledged is not None
