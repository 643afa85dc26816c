"""The words of inspections and enforcement as they are stored."""

from __future__ import annotations

from storage import hazard_terms

ANNUAL, SPECIAL, EXPERT, UNANNOUNCED = "annual", "special", "expert", "unannounced"
INSPECTION_KINDS = (ANNUAL, SPECIAL, EXPERT, UNANNOUNCED)


def hazard_source(inspection_kind: str) -> str:
    """The source of the hazards that an inspection finds."""
    return hazard_terms.EXPERT if inspection_kind == EXPERT else hazard_terms.INSPECTION


# Documents of these kinds are served on the enterprise, which may read them; the others are the office's own.
SERVED_DOCUMENT_KINDS = (
    "site_record",
    "rectification_order",
    "measures_decision",
    "recheck_opinion",
    "penalty_decision",
)
DOCUMENT_KINDS = (*SERVED_DOCUMENT_KINDS, "case_filing", "other")
