"""The same audit of a bot within the test's own process, for faults that need no kill."""

from __future__ import annotations

from bot.media.integrity import verify_night
from bot.reports.night import night_json
from schedules.context import Context
from storage.db.models import InboxRow, Notice, Submission
from tests.bot.parts import Edge
from tests.faults.audit import Evidence, Findings, Said, audit
from tests.harness import NIGHT


def audited(edge: Edge, said: list[Said]) -> Findings:
    """Audit a bot that has no more work to do."""
    rows = edge.rows(InboxRow), edge.rows(Submission), edge.rows(Notice)
    with edge.bot.uow.read() as store:
        book = edge.bot.uow.rules(store)
        days = {each.night for each in rows[1]} | {NIGHT}
        nights = {day: night_json(Context(store, book, edge.clock.now()), day) for day in days}
        verified = verify_night(None, store, edge.bot.objects).to_json()
    told = Evidence(*rows, nights, verified, edge.client.get("/metrics").text, edge.clock.now())
    return audit(said, edge.cloud, told)


def come_to_rest(edge: Edge, seconds: int = 1200) -> None:
    """Let time pass until nothing is left to do, in steps in which retries fall due."""
    for _ in range(seconds // 30):
        edge.settle(30)
        edge.bot.worker.run_tick()
        edge.bot.worker.requeue_lost_work()
        open_ = {each.state for each in edge.inbox()} | {each.state for each in edge.notices()}
        if not open_ & {"waiting", "fetching", "due", "sending"}:
            return
