"""The outage ledger: when we, or the platform, were not there for those who send films.

Each part that has to be there gives a sign of life again and again (a *beat*); a gap between two is an
outage, written down by whoever gives the next one. Instants are those of the service's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.models import Meta, Outage
from storage.facts import Records, insert_once

RECEIVING, WORKING, PLATFORM = "receiving", "working", "platform"


class OutageStore:
    """Beats, and the gaps between them."""

    def __init__(self, session: Session) -> None:
        self.session, self._records = session, Records(session)

    def add(self, what: str, began_at: datetime, ended_at: datetime, now: datetime) -> None:
        """Put an outage on record, once."""
        values = {"what": what, "began_at": began_at, "ended_at": ended_at, "noticed_at": now}
        insert_once(self.session, Outage, values)

    def all(self) -> Sequence[Outage]:
        """Everything on record, oldest first."""
        return self.session.scalars(select(Outage).order_by(Outage.began_at)).all()

    def within(self, since: datetime, until: datetime) -> Sequence[Outage]:
        """Everything on record that touches a stretch of time, oldest first."""
        touching = select(Outage).where(Outage.began_at < until, Outage.ended_at > since)
        return self.session.scalars(touching.order_by(Outage.began_at)).all()

    def last_beat(self, what: str) -> datetime | None:
        """When a part last gave a sign of life; None if it never did or was laid down on purpose."""
        fact = self._records.fact(_beat(what))
        return datetime.fromisoformat(fact["at"]) if fact else None

    def beat(self, what: str, now: datetime, silent_until: datetime | None = None) -> None:
        """A part is there; that it says nothing until then (at all) means nothing."""
        until = silent_until.isoformat() if silent_until else None
        self._records.set_fact(_beat(what), {"at": now.isoformat(), "silent_until": until})

    def is_away(self, what: str, now: datetime) -> bool:
        """Whether a part that was there has fallen silent."""
        silent_until = (self._records.fact(_beat(what)) or {}).get("silent_until")
        return silent_until is not None and now > datetime.fromisoformat(silent_until)

    def lay_down(self, what: str) -> None:
        """A part ends on purpose, and what follows is no outage: a rehearsal is put aside."""
        fact = self.session.get(Meta, _beat(what))
        if fact is not None:
            self.session.delete(fact)

    def platform_failed(self, now: datetime, lasting: timedelta) -> None:
        """The platform did not do what it was asked for.

        Two failures further apart than `lasting` are two troubles, for nobody knows what was in between; one
        that lasted so long is put on record.
        """
        trouble = self._trouble()
        if trouble is None or not timedelta(0) <= now - trouble[1] <= lasting:
            self._settle(trouble, now, lasting)
            trouble = (now, now)
        since, _ = trouble
        told = {"since": since.isoformat(), "until": now.isoformat(), "lasts": now - since >= lasting}
        self._records.set_fact(PLATFORM, told)

    def platform_away_since(self) -> datetime | None:
        """Since when the platform has been in a trouble that lasts; None when it is not."""
        fact = self._records.fact(PLATFORM)
        return datetime.fromisoformat(fact["since"]) if fact and fact.get("lasts") else None

    def platform_answered(self, now: datetime, lasting: timedelta) -> None:
        """The platform did what it was asked for: a trouble that lasted is put on record."""
        trouble = self._trouble()
        if trouble is not None:
            self._settle(trouble, now, lasting)
            self.session.delete(self.session.get_one(Meta, PLATFORM))

    def _settle(self, trouble: tuple[datetime, datetime] | None, now: datetime, lasting: timedelta) -> None:
        if trouble is not None and trouble[1] - trouble[0] >= lasting:
            self.add(PLATFORM, *trouble, now)

    def _trouble(self) -> tuple[datetime, datetime] | None:
        fact = self._records.fact(PLATFORM)
        return (datetime.fromisoformat(fact["since"]), datetime.fromisoformat(fact["until"])) if fact else None


def _beat(what: str) -> str:
    return f"beat/{what}"
