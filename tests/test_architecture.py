"""The shape of the project, as tests: settings, sentences, sizes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bot.config import Config
from bot.texts import all_texts, placeholders
from handlers.permissions import ACTIONS
from tests.text_uses import python_uses, template_uses

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path for package in ("bot", "handlers", "schedules", "storage") for path in (ROOT / package).rglob("*.py")
)
FILES = (".txt", ".jpg", ".mp4", ".html", ".css", ".js", ".svg", ".xlsx", ".typ")
TEMPLATES = sorted((ROOT / "bot" / "web" / "templates").glob("*.html"))
# Where tables are listed: their names say what they are for, and a column is no sentence.
TABLES = {"models", "migrations"}
# Keys that are put together at run time: the section and what completes it.
COMPOSED = {
    "amendment.",
    "mark.",
    "unfit.",
    "outage.",
    "board.",
    "mark_label.",
    "alert.",
    "report.",
    "import.",
    "channel.",
    "question.",
    "settings.expect_",
    "os_error.",
    "network_error.",
    "command.",
    "option.",
    "daily_summary.",
    "figure.",
    "reports_page.",
    "weekly.",
    "monthly.",
    "sign_off.",
    "yearly_sheet.",
    "realm.",
    "role.",
    "error_page.",
    "verdict.",
    "review.",
    "timetable.",
    "duty_post.",
    "film_state.",
    "tonight.",
    "upload.",
    "alert_page.",
    "alert_entry.",
    "emergency.card_",
    "emergency.yes_",
    "emergency.no_",
    "films.",
    "audit_action.",
    "audit_value.",
    "hazard_chat.",
    "hazard_reminder.",
    "hazard_line.",
    "hazard_state.",
    "hazard_act.",
    "hazard_count.",
    "hazard_extension.",
    "hazard_week.",
    "hazard_table.",
    "hazard_statistics.",
    "hazard_page.found_",
    "hazard_page.accepted_",
    "hazard_level.",
    "hazard_source.",
    "hazard_kind.",
    "hazard_treatment.",
    "hazard_classification.",
    "hazard_stage.",
    "hazard_plan.",
    "guarantor.",
    "hazard_field.",
    "inspection_kind.",
    "document_kind.",
    "inspection_field.",
    "document_field.",
    "case_field.",
    "history.step_",
    "history.response_",
    "notice_kind.",
    "notice_state.",
    "notice_outcome.",
    "enterprise_month.",
    "attempt_outcome.",
    "delivery_cause.",
    "doctor.official_account",
    "doctor.wecom_kf",
    "template.",
    "rule_help.",
    "roster_page.short_",
}

# Texts with placeholders that are chosen, or whose parameters are gathered, at run time: the stories read these.
GIVEN_AT_RUN_TIME = {
    "list.more",
    "hazards.own_rectification",
    "hazard_exchange.missing",
    "hazard_exchange.too_long",
    "alert.about_emergency",
    "enterprise_month.summary",
    "help.commands",
    "hazard_chat.accept",
    "hazard_chat.accept_card",
    "hazard_chat.accept_card_title",
    "hazard_chat.accepted",
    "hazard_chat.ask_after",
    "hazard_chat.ask_extension",
    "hazard_chat.ask_measure",
    "hazard_chat.ask_objection",
    "hazard_chat.ask_refusal_reason",
    "hazard_chat.ask_return_reason",
    "hazard_chat.card_pressed",
    "hazard_chat.decide",
    "hazard_chat.decide_card",
    "hazard_chat.decide_card_title",
    "hazard_chat.disputed",
    "hazard_chat.found",
    "hazard_chat.found_card",
    "hazard_chat.found_card_title",
    "hazard_chat.granted",
    "hazard_chat.matter",
    "hazard_chat.void",
    "hazard_chat.incomplete",
    "hazard_chat.kept",
    "hazard_chat.lacks",
    "hazard_chat.lacks_but_deadline",
    "hazard_chat.material_added",
    "hazard_chat.nobody_reachable",
    "hazard_chat.picture",
    "hazard_chat.rectify",
    "hazard_chat.rectify_card",
    "hazard_chat.rectify_card_title",
    "hazard_chat.refused",
    "hazard_chat.returned",
    "hazard_chat.returned_card",
    "hazard_chat.returned_card_title",
    "hazard_chat.stored",
    "hazard_chat.submitted",
    "hazard_line.due_later",
    "hazard_line.due_today",
    "hazard_line.incomplete",
    "hazard_line.interim",
    "hazard_line.overdue",
    "hazard_reminder.interim",
    "hazard_reminder.office",
    "hazard_reminder.person",
    "hazard_table.sentence",
    "misses.before_night",
    "misses.head",
    "urge.request",
    "alert.already_acknowledged",
    "alert.card_resolved",
    "alert.card_working",
    "alert.emergency",
    "amendment.change",
    "amendment.notice",
    "amendment.first_of",
    "audit_log.reports_contradicted",
    "report.amended",
    "alert.emergency_card",
    "alert_page.emergency_report",
    "alert.emergency_card_title",
    "alert.missing",
    "alert.missing_card",
    "alert.missing_card_title",
    "alert.progress",
    "alert.progress_card",
    "alert.stand_down",
    "alert.suspected_outage",
    "alert.suspected_outage_card",
    "audit_log.broken",
    "audit_log.not_continued",
    "binding.added",
    "binding.added_card",
    "binding.undone",
    "binding.undone_office",
    "board.quarantined",
    "board.unattributed",
    "content.dead_link",
    "content.film",
    "content.link",
    "daily_summary.missing",
    "daily_summary.partial",
    "daily_summary.unjudged",
    "doctor.callback_foreign_corp",
    "doctor.callback_key_mismatch",
    "doctor.callback_plain_body",
    "doctor.callback_stale",
    "doctor.callback_token_mismatch",
    "doctor.official_account",
    "doctor.official_account_refused",
    "doctor.wecom_kf",
    "doctor.wecom_kf_refused",
    "emergency.ask",
    "emergency.ask_card",
    "emergency.forwarded",
    "emergency.forwarded_no_leader",
    "emergency.media",
    "emergency.please_listen",
    "emergency.please_listen_card",
    "emergency.resolved",
    "emergency.said_over",
    "emergency.sent_film",
    "emergency.sent_photo",
    "emergency.sent_voice",
    "emergency.taken",
    "emergency.update",
    "enrolment.kf_link",
    "maintenance.absent",
    "maintenance.altered",
    "maintenance.restored",
    "monthly.compared",
    "monthly.sentence",
    "monthly.title",
    "office.account_left",
    "office.restart_suspected",
    "office.unfollowed",
    "office_alert.audit_log_broken",
    "office_alert.channel_failed",
    "office_alert.integrity_failed",
    "office_alert.messages_unreadable",
    "office_alert.poll_failed",
    "office_tasks.expires",
    "office_tasks.strangers",
    "office_tasks.without_part",
    "unplaced.attached",
    "unplaced.dismissed",
    "outage.deadline_extended",
    "outage.platform",
    "outage.platform_ongoing",
    "outage.platform_summary",
    "outage.processing",
    "outage.processing_summary",
    "outage.receiving",
    "outage.receiving_summary",
    "outage.reminders_late",
    "photo.stored",
    "question.card_answered",
    "question.enterprise",
    "question.enterprise_card",
    "question.enterprise_card_title",
    "question.part",
    "question.part_card",
    "question.part_card_title",
    "readiness.leader_unreachable",
    "readiness.no_leader_on_roster",
    "receipt.early",
    "receipt.filed",
    "receipt.late",
    "receipt.supplied_afterwards",
    "register.ambiguous_part",
    "register.at_cell",
    "register.at_empty_cell",
    "register.no_such_part",
    "report.daily",
    "report.emergency",
    "report.emergency_resolved",
    "report.emergency_taken",
    "review.accepted_after_all",
    "review.as_text",
    "review.card",
    "review.card_judged",
    "review.card_title",
    "review.describe_problem",
    "review.films_not_reviewed",
    "review.second_review_differs",
    "review.unclear",
    "review.wrong_part",
    "self_audit.summary",
    "status.enterprise",
    "status.part_noted",
    "status.waiting_films",
    "stranger.film",
    "stranger.no_enterprise",
    "stranger.unfit",
    "unfit.empty",
    "unfit.lost",
    "unfit.no_picture",
    "unfit.not_a_film",
    "unfit.too_short",
    "unfit.truncated",
    "unfit.unreadable",
    "upload.filed",
    "upload.invitation",
    "upload.link",
    "upload.progress",
    "upload.too_large",
    "wave.direct",
    "wave.missing",
    "weekly.compared",
    "weekly.sentence",
    "weekly.title",
    "workbook.daily_counts",
    "workbook.daily_window",
    "workbook.daily_window_extended",
    "yearly.enforcement",
    "yearly.sentence",
}


def test_every_setting_stands_in_the_example_and_the_reverse() -> None:
    written = re.findall(r"^([A-Z0-9_]+)=", (ROOT / "config.example.env").read_text("utf-8"), re.M)
    assert sorted(written) == sorted(Config.model_fields)


def _strings(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_sentence_is_used_and_every_one_used_exists() -> None:
    speakers = [path for path in SOURCES if not TABLES & set(path.parts)]
    said = {string for path in speakers for string in _strings(path)}
    said |= {key for page in TEMPLATES for key in re.findall(r"'([a-z_]+\.[a-z_0-9]+)'", page.read_text("utf-8"))}
    sections = {key.split(".")[0] for key in all_texts()}
    keys = {string for string in said if re.fullmatch(r"[a-z_]+\.[a-z_0-9]+", string)}
    used = {key for key in keys if key.split(".")[0] in sections and not key.endswith(FILES)}
    unused = {key for key in all_texts() if key not in said and not key.startswith(tuple(COMPOSED))}
    unused -= {key for key in all_texts() if key.removesuffix("_title") in said}
    assert unused == set()
    missing = {key for key in used if key not in all_texts() and not key.endswith("_")}
    assert missing - {"bot.devtools.simulator", "bot.web", "office_tasks.list_tasks"} - set(ACTIONS) == set()


def test_every_text_is_given_exactly_its_placeholders() -> None:
    uses = [use for path in SOURCES for use in python_uses(path)] + [
        use for path in TEMPLATES for use in template_uses(path)
    ]
    static = [use for use in uses if use.is_complete and use.key not in GIVEN_AT_RUN_TIME]
    wrong = {use.place: (use.key, use.given) for use in static if use.given != placeholders(use.key)}
    assert wrong == {}
    # tests/web/test_audit_sentences.py proves those of the audit log.
    keys = {key for key in all_texts() if placeholders(key) and not key.startswith("audit_action.")}
    unproven = keys - {use.key for use in static}
    assert unproven == GIVEN_AT_RUN_TIME


# One subject each, a little over the limit; no further one may join them.
LONG_MODULES = {"notices.py", "submissions.py"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    if "migrations" in path.parts:
        return  # a schema is one long list
    assert text.count("\n") <= (300 if path.name in LONG_MODULES else 250)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 30, f"{node.name} has {length} lines"
