"""The words of hazards as they are stored. People read the texts, the exchange the codes of its profile."""

from __future__ import annotations

INCOMPLETE, RECTIFYING, AWAITING_ACCEPTANCE = "incomplete", "rectifying", "awaiting_acceptance"
ACCEPTED, VOID = "accepted", "void"
STATES = (INCOMPLETE, RECTIFYING, AWAITING_ACCEPTANCE, ACCEPTED, VOID)
# A closed hazard never changes again.
CLOSED_STATES = (ACCEPTED, VOID)
OPEN_STATES = (INCOMPLETE, RECTIFYING, AWAITING_ACCEPTANCE)
# What is void was no hazard.
VALID_STATES = (*OPEN_STATES, ACCEPTED)
# The first move of a hazard comes from nowhere.
ALLOWED_MOVES: dict[str | None, tuple[str, ...]] = {
    None: (INCOMPLETE, RECTIFYING),
    INCOMPLETE: (RECTIFYING, VOID),
    RECTIFYING: (AWAITING_ACCEPTANCE, VOID),
    AWAITING_ACCEPTANCE: (ACCEPTED, RECTIFYING, VOID),
    ACCEPTED: (),
    VOID: (),
}

GENERAL, MAJOR = "general", "major"
LEVELS = (GENERAL, MAJOR)
NIGHT_PATROL, SELF_CHECK, INSPECTION, EXPERT = "night_patrol", "self_check", "inspection", "expert"
SOURCES = (NIGHT_PATROL, SELF_CHECK, INSPECTION, EXPERT, "report", "other")
KINDS = ("safety", "process", "electrical", "instrument", "fire", "layout", "equipment", "other")
ON_THE_SPOT, BY_DEADLINE = "on_the_spot", "deadline"
TREATMENTS = (ON_THE_SPOT, BY_DEADLINE)
CLASSIFICATIONS = ("behaviour", "condition", "management")
STAGES = (
    "design",
    "product_quality",
    "storage",
    "construction",
    "start_stop",
    "operation",
    "maintenance",
    "repair",
    "change",
    "transport",
)
# The headings that the rectification plan of a major hazard must have.
PLAN_HEADINGS = ("aims", "methods", "funds", "people", "schedule", "safety")

ASKED, GRANTED, REFUSED = "asked", "granted", "refused"
EXTENSION_STATES = (ASKED, GRANTED, REFUSED)
RETURNED = "returned"
VERDICTS = (ACCEPTED, RETURNED)
