"""The outage ledger: when we, or the platform, were not there for those who send films.

Each part that has to be there gives a sign of life again and again (a *beat*); a gap between two is an
outage, written down by whoever gives the next one. Instants are those of the service's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.models import Fact, Outage
from storage.facts import FactStore, insert_if_absent

RECEIVING, WORKING, PLATFORM = "receiving", "working", "platform"


class OutageStore:
    """Beats, and the gaps between them."""

    def __init__(self, session: Session) -> None:
        self.session, self._records = session, FactStore(session)

    def add(self, kind: str, started_at: datetime, ended_at: datetime, now: datetime) -> None:
        """Put an outage on record, once."""
        values = {"kind": kind, "started_at": started_at, "ended_at": ended_at, "recorded_at": now}
        insert_if_absent(self.session, Outage, values)

    def all(self) -> Sequence[Outage]:
        """Everything on record, oldest first."""
        return self.session.scalars(select(Outage).order_by(Outage.started_at)).all()

    def within(self, since: datetime, until: datetime) -> Sequence[Outage]:
        """Everything on record that touches a stretch of time, oldest first."""
        touching = select(Outage).where(Outage.started_at < until, Outage.ended_at > since)
        return self.session.scalars(touching.order_by(Outage.started_at)).all()

    def last_heartbeat(self, kind: str) -> datetime | None:
        """When a part last gave a sign of life; None if it never did or was laid down on purpose."""
        fact = self._records.read_fact(_beat(kind))
        return datetime.fromisoformat(fact["at"]) if fact else None

    def record_heartbeat(self, kind: str, now: datetime, expires_at: datetime | None = None) -> None:
        """A part is there; that it says nothing until then (at all) means nothing."""
        until = expires_at.isoformat() if expires_at else None
        self._records.store_fact(_beat(kind), {"at": now.isoformat(), "silent_until": until})

    def is_down(self, kind: str, now: datetime) -> bool:
        """Whether a part that was there has fallen silent."""
        silent_until = (self._records.read_fact(_beat(kind)) or {}).get("silent_until")
        return silent_until is not None and now > datetime.fromisoformat(silent_until)

    def clear_heartbeat(self, kind: str) -> None:
        """A part ends on purpose, and what follows is no outage: a rehearsal is put aside."""
        fact = self.session.get(Fact, _beat(kind))
        if fact is not None:
            self.session.delete(fact)

    def record_platform_failure(self, now: datetime, min_duration: timedelta) -> None:
        """The platform did not do what it was asked for.

        Two failures further apart than `lasting` are two troubles, for nobody knows what was in between; one
        that lasted so long is put on record.
        """
        trouble = self._trouble()
        if trouble is None or not timedelta(0) <= now - trouble[1] <= min_duration:
            self._settle(trouble, now, min_duration)
            trouble = (now, now)
        since, _ = trouble
        told = {"since": since.isoformat(), "until": now.isoformat(), "lasts": now - since >= min_duration}
        self._records.store_fact(PLATFORM, told)

    def platform_down_since(self) -> datetime | None:
        """Since when the platform has been in a trouble that lasts; None when it is not."""
        fact = self._records.read_fact(PLATFORM)
        return datetime.fromisoformat(fact["since"]) if fact and fact.get("lasts") else None

    def record_platform_success(self, now: datetime, min_duration: timedelta) -> None:
        """The platform did what it was asked for: a trouble that lasted is put on record."""
        trouble = self._trouble()
        if trouble is not None:
            self._settle(trouble, now, min_duration)
            self.session.delete(self.session.get_one(Fact, PLATFORM))

    def _settle(self, trouble: tuple[datetime, datetime] | None, now: datetime, lasting: timedelta) -> None:
        if trouble is not None and trouble[1] - trouble[0] >= lasting:
            self.add(PLATFORM, *trouble, now)

    def _trouble(self) -> tuple[datetime, datetime] | None:
        fact = self._records.read_fact(PLATFORM)
        return (datetime.fromisoformat(fact["since"]), datetime.fromisoformat(fact["until"])) if fact else None


def _beat(what: str) -> str:
    return f"beat/{what}"
