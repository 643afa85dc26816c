"""One patrol night as the outside sees it: `night --json` of the contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from bot.texts import recipient_label
from schedules.context import Context
from schedules.judgement import EnterpriseJudgement
from schedules.night_judgement import judge_night
from schedules.patrol_night import submission_window
from schedules.rules import RuleBook
from storage.db.models import Notice, Outage, Submission
from storage.store import Store


def night_json(ctx: Context, night: date) -> dict[str, Any]:
    """Everything about a night as plain JSON values; instants carry the county's offset."""
    return _View(ctx.store, ctx.rules).of(night, ctx.now)


class _View:
    def __init__(self, store: Store, book: RuleBook) -> None:
        self._store, self._book = store, book
        self._verdicts: dict[int, str] = {}

    def of(self, night: date, now: datetime) -> dict[str, Any]:
        whole, span = judge_night(Context(self._store, self._book, now), night), submission_window(night, self._book)
        films = self._store.submissions.of_night(night)
        self._verdicts = {each.submission_id: each.verdict for each in self._store.review.verdicts_at(night, now)}
        by_part: dict[int, list[Submission]] = defaultdict(list)
        for film in films:
            if film.attribution == "attributed" and film.part_id is not None:
                by_part[film.part_id].append(film)
        return {
            "night": night.isoformat(),
            "window": [self._instant(span.opens), self._instant(span.closes)],
            "outages": [self._outage(each) for each in self._store.outages.within(span.opens, span.closes)],
            "counts": whole.counts,
            "enterprises": [self._enterprise(each, by_part) for each in whole.enterprises],
            "unattributed": self._elsewhere(films, "unattributed"),
            "quarantined": self._elsewhere(films, "quarantined"),
            "notices": [self._notice(notice) for notice in self._store.notices.of_night(night)],
        }

    def _outage(self, outage: Outage) -> dict[str, Any]:
        return {
            "what": outage.kind,
            "began_at": self._instant(outage.started_at),
            "ended_at": self._instant(outage.ended_at),
        }

    def _enterprise(self, each: EnterpriseJudgement, by_part: dict[int, list[Submission]]) -> dict[str, Any]:
        parts = [
            {
                "number": part.number,
                "name": part.name,
                "state": each.part_states[part.id],
                "submissions": [self._submission(film) for film in by_part[part.id]],
            }
            for part in each.enterprise.parts
        ]
        return {"code": each.enterprise.code, "name": each.enterprise.name, "state": each.state, "parts": parts}

    def _elsewhere(self, films: Sequence[Submission], place: str) -> list[dict[str, Any]]:
        return [
            {**self._submission(film), "channel": film.channel, "candidates": self._candidates(film)}
            for film in films
            if film.attribution == place
        ]

    def _candidates(self, film: Submission) -> list[str]:
        """Codes of the enterprises it may belong to, as far as is known."""
        if film.enterprise_id is not None:
            enterprise = self._store.register.enterprise(film.enterprise_id)
            return [enterprise.code] if enterprise else []
        if film.person_id is None:
            return []
        return [enterprise.code for enterprise in self._store.register.enterprises_of(film.person_id)]

    def _submission(self, film: Submission) -> dict[str, Any]:
        return {
            "receipt": film.receipt,
            "sender": film.sender,
            "kind": film.kind,
            "chat": film.chat_id,
            "sent_at": self._instant(film.sent_at),
            "received_at": self._instant(film.received_at),
            "state": film.state,
            "sha256": film.sha256,
            "bytes": film.bytes,
            "duration_s": film.duration_s,
            "object_key": film.object_key,
            "marks": film.marks,
            "verdict": self._verdicts.get(film.id),
        }

    def _notice(self, notice: Notice) -> dict[str, Any]:
        return {
            "kind": notice.kind,
            "to": recipient_label(notice.recipient_name),
            "channel": notice.channel,
            "due_at": self._instant(notice.due_at),
            "sent_at": self._instant(notice.sent_at) if notice.sent_at else None,
            "state": notice.state,
            "detail": notice.detail,
            "tried": [
                {name: each.get(name) for name in ("channel", "why", "at")} for each in notice.tried_routes or ()
            ],
        }

    def _instant(self, instant: datetime) -> str:
        return instant.astimezone(self._book.zone).isoformat()
