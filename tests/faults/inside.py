"""The same audit of a bot within the test's own process, for faults that need no kill."""

from __future__ import annotations

from bot.media.integrity import verify_films
from bot.reports.night import night_json
from schedules.context import Context
from storage.db.models import InboxRow, Notice, Submission
from tests.bot.parts import Edge
from tests.faults.audit import Evidence, Findings, Said, audit
from tests.harness import NIGHT


def audited(here: Edge, said: list[Said]) -> Findings:
    """What the audit finds of a bot that has come to rest."""
    rows = here.rows(InboxRow), here.rows(Submission), here.rows(Notice)
    with here.bot.uow.read() as store:
        book = here.bot.uow.rules(store)
        days = {each.night for each in rows[1]} | {NIGHT}
        nights = {day: night_json(Context(store, book, here.clock.now()), day) for day in days}
        verified = verify_films(store.submissions.stored(None), here.bot.objects).to_json()
    told = Evidence(*rows, nights, verified, here.client.get("/metrics").text, here.clock.now())
    return audit(said, here.cloud, told)


def come_to_rest(here: Edge, seconds: int = 1200) -> None:
    """Let time pass until nothing is left to do, in steps in which retries fall due."""
    for _ in range(seconds // 30):
        here.settle(30)
        here.bot.worker.run_tick()
        here.bot.worker.requeue_lost_work()
        open_ = {each.state for each in here.inbox()} | {each.state for each in here.notices()}
        if not open_ & {"waiting", "due", "sending"}:
            return
