"""The outage ledger: when we, or the platform, were not available to those who send films.

Each component records heartbeats; a gap between two is an outage, recorded with the next heartbeat. Instants are those
of the service's clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.models import Fact, Outage, ReminderGrace
from storage.db.upsert import insert_if_absent
from storage.facts import FactStore

RECEIVING, PROCESSING, PLATFORM = "receiving", "processing", "platform"
# The fact that holds the present failure of the platform.
PLATFORM_FACT = "platform_failing"
_Trouble = tuple[datetime, datetime]


class OutageStore:
    """Heartbeats, and the gaps between them."""

    def __init__(self, session: Session) -> None:
        self.session, self._facts = session, FactStore(session)

    def add(self, kind: str, started_at: datetime, ended_at: datetime, now: datetime) -> None:
        """Record an outage, once."""
        values = {"kind": kind, "started_at": started_at, "ended_at": ended_at, "recorded_at": now}
        insert_if_absent(self.session, Outage, values)

    def all(self) -> Sequence[Outage]:
        """Every outage, oldest first."""
        return self.session.scalars(select(Outage).order_by(Outage.started_at)).all()

    def within(self, since: datetime, until: datetime) -> Sequence[Outage]:
        """Every outage that overlaps a period, oldest first."""
        overlapping = select(Outage).where(Outage.started_at < until, Outage.ended_at > since)
        return self.session.scalars(overlapping.order_by(Outage.started_at)).all()

    def add_reminder_graces(self, night: date, graces: Mapping[int, datetime]) -> None:
        """Record by enterprise id until when the films of a night are not late because we reminded late."""
        rows = (ReminderGrace(night=night, enterprise_id=key, until=until) for key, until in graces.items())
        self.session.add_all(rows)
        self.session.flush()

    def reminder_graces(self, first: date, last: date) -> dict[date, dict[int, datetime]]:
        """Night -> enterprise id -> the instant recorded by `add_reminder_graces`; empty for other nights."""
        found: dict[date, dict[int, datetime]] = defaultdict(dict)
        query = select(ReminderGrace).where(ReminderGrace.night >= first, ReminderGrace.night <= last)
        for grace in self.session.scalars(query):
            found[grace.night][grace.enterprise_id] = grace.until
        return found

    def last_heartbeat(self, kind: str) -> datetime | None:
        """The last heartbeat of a component; None if there never was one or it was cleared."""
        fact = self._facts.read_fact(_heartbeat_fact(kind))
        return datetime.fromisoformat(fact["at"]) if fact else None

    def record_heartbeat(self, kind: str, now: datetime, expires_at: datetime | None = None) -> None:
        """Record a heartbeat; without another until `expires_at` the component is down (None: never)."""
        until = expires_at.isoformat() if expires_at else None
        self._facts.store_fact(_heartbeat_fact(kind), {"at": now.isoformat(), "alive_until": until})

    def is_down(self, kind: str, now: datetime) -> bool:
        """Whether the heartbeats of a component have stopped."""
        alive_until = (self._facts.read_fact(_heartbeat_fact(kind)) or {}).get("alive_until")
        return alive_until is not None and now > datetime.fromisoformat(alive_until)

    def clear_heartbeat(self, kind: str) -> None:
        """Forget a component's heartbeat, so that what follows is no outage: a rehearsal is interrupted."""
        fact = self.session.get(Fact, _heartbeat_fact(kind))
        if fact is not None:
            self.session.delete(fact)

    def record_platform_failure(self, now: datetime, min_duration: timedelta) -> None:
        """Record a call to the platform that failed.

        Failures further apart than `min_duration` belong to two separate troubles; a trouble that lasted at least so
        long becomes an outage.
        """
        trouble = self._trouble()
        if trouble is None or not timedelta(0) <= now - trouble[1] <= min_duration:
            self._record_trouble(trouble, now, min_duration)
            trouble = (now, now)
        since, _ = trouble
        fact = {"since": since.isoformat(), "until": now.isoformat(), "lasting": now - since >= min_duration}
        self._facts.store_fact(PLATFORM_FACT, fact)

    def platform_down_since(self) -> datetime | None:
        """The beginning of the platform's present outage, None when there is none."""
        fact = self._facts.read_fact(PLATFORM_FACT)
        return datetime.fromisoformat(fact["since"]) if fact and fact.get("lasting") else None

    def record_platform_success(self, now: datetime, min_duration: timedelta) -> None:
        """Record a call that succeeded: a trouble that lasted long enough becomes an outage."""
        trouble = self._trouble()
        if trouble is not None:
            self._record_trouble(trouble, now, min_duration)
            self.session.delete(self.session.get_one(Fact, PLATFORM_FACT))

    def _record_trouble(
        self, trouble: tuple[datetime, datetime] | None, now: datetime, min_duration: timedelta
    ) -> None:
        if trouble is not None and trouble[1] - trouble[0] >= min_duration:
            self.add(PLATFORM, *trouble, now)

    def _trouble(self) -> _Trouble | None:
        fact = self._facts.read_fact(PLATFORM_FACT)
        return (datetime.fromisoformat(fact["since"]), datetime.fromisoformat(fact["until"])) if fact else None


def _heartbeat_fact(kind: str) -> str:
    return f"heartbeat/{kind}"
