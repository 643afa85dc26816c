"""The durable engine behind a few calls: enqueue in a transaction, enqueue later, start, stop, orphans, reap.

Our rows are the truth that people see; the engine only sees to it that `take_in` and `deliver` are
carried out, one at a time per lane, on whatever worker is free, and again after a crash. Every job
may be repeated. The traps of DBOS (building blocks, 1g) end in `durable.py`.
"""

from bot.engine.dbos_engine import DbosEngine, migrate_engine_tables
from bot.engine.inline_engine import InlineEngine
from bot.engine.jobs import DELIVER, TAKE_IN, Engine, Job, JobRunner, retry_job

__all__ = [
    "DELIVER",
    "TAKE_IN",
    "DbosEngine",
    "Engine",
    "InlineEngine",
    "Job",
    "JobRunner",
    "migrate_engine_tables",
    "retry_job",
]
