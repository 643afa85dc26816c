"""The durable engine: it runs `take_in`, `fetch` and `deliver` on any free worker, and again after a crash.

Our rows are the truth that people see. Jobs of one partition run one at a time, and every job may be repeated.
"""

from bot.engine.dbos_engine import DbosEngine, migrate_engine_tables
from bot.engine.inline_engine import InlineEngine
from bot.engine.jobs import DELIVER, FETCH, QUEUES, TAKE_IN, Engine, Job, JobRunner, delivery_job, message_job, retry

__all__ = [
    "DELIVER",
    "FETCH",
    "QUEUES",
    "TAKE_IN",
    "DbosEngine",
    "Engine",
    "InlineEngine",
    "Job",
    "JobRunner",
    "delivery_job",
    "message_job",
    "migrate_engine_tables",
    "retry",
]
