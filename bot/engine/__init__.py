"""The durable engine: it runs `take_in` and `deliver` on whatever worker is free, and again after a crash.

Our rows are the truth that people see. Jobs of one partition run one at a time, and every job may be repeated.
"""

from bot.engine.dbos_engine import DbosEngine, migrate_engine_tables
from bot.engine.inline_engine import InlineEngine
from bot.engine.jobs import DELIVER, QUEUES, TAKE_IN, Engine, Job, JobRunner, retry_job

__all__ = [
    "DELIVER",
    "QUEUES",
    "TAKE_IN",
    "DbosEngine",
    "Engine",
    "InlineEngine",
    "Job",
    "JobRunner",
    "migrate_engine_tables",
    "retry_job",
]
