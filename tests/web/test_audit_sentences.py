"""Every action of the audit log is shown as a Chinese sentence, from its recorded details."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.texts import all_texts, placeholders
from bot.web.dashboard.audit_sentences import audit_sentence
from storage import audit_log
from storage.db.models import AuditEntry
from tests.test_architecture import SOURCES

AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
DETAILS = {
    "receipt": "1124-0001",
    "enterprise": "E001",
    "part": "1",
    "verdict": "problem",
    "before": None,
    "reason": "法兰滴漏",
    "night": "2026-11-24",
    "number": 1,
    "channel": "wecom_app",
    "realm": "wecom",
    "cause": "emergency",
    "sign_in_method": "password",
    "second_factor": True,
    "roles": ["值班领导", "管理员"],
    "hazard_fields": ["measure", "deadline"],
    "inspection_fields": ["plan"],
    "case_fields": ["closed_on", "fine_yuan"],
}


def _recorded() -> Iterator[tuple[str, set[str] | None]]:
    """The action of every call of `record`, and the details given with it; None where they are given as a mapping."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "record"
                and ast.unparse(node.func.value).endswith("audit_log")
            ):
                action = node.args[2]
                name = action.value if isinstance(action, ast.Constant) else getattr(audit_log, ast.unparse(action))
                given = {keyword.arg for keyword in node.keywords}
                yield str(name), None if None in given else {each for each in given if each}


RECORDED = list(_recorded())


def test_every_action_has_a_sentence_and_every_sentence_an_action() -> None:
    sentences = {key.removeprefix("audit_action.") for key in all_texts() if key.startswith("audit_action.")}
    assert sentences == {action for action, _ in RECORDED}


@pytest.mark.parametrize(("action", "given"), RECORDED)
def test_a_sentence_uses_only_what_is_recorded(action: str, given: set[str] | None) -> None:
    named = placeholders(f"audit_action.{action}")
    if given is not None:
        assert named <= given - {"subject"} | ({"subject", "subject_name"} if "subject" in given else set())


@pytest.mark.parametrize("action", sorted({action for action, _ in RECORDED}))
def test_a_sentence_has_no_word_of_the_program(action: str) -> None:
    entry = AuditEntry(position=1, at=AT, actor="王大", action=action, subject="回执/2026-11-24/1124-0001", seal="0")
    entry.detail = {name: DETAILS.get(name, "甲") for name in placeholders(f"audit_action.{action}")}
    sentence = audit_sentence(entry)
    raw = ["{", "_", "None", "True", "[", action, "problem", "emergency", "password", "wecom"]
    assert [word for word in raw if word in sentence] == []


def test_an_action_of_another_version_stands_as_it_was_recorded() -> None:
    entry = AuditEntry(position=1, at=AT, actor="王大", action="something_else", detail={}, seal="0")
    assert audit_sentence(entry) == "something_else"
