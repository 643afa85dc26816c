"""Whether a text reports an emergency: surely, perhaps, or not. Pure, and usable before any database access.

A false alarm costs trust, a missed one may cost lives: what is in doubt is UNSURE, and its sender is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from handlers.emergency import words
from handlers.emergency.normalization import split_clauses


class Certainty(IntEnum):
    """How certain it is that a message reports an emergency."""

    NONE = 0
    UNSURE = 1
    SURE = 2


@dataclass(frozen=True)
class Vocabulary:
    """Additions by the office and the register: words of danger, harmless phrases, names of the sender's parts."""

    danger: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


BUILT_IN = Vocabulary()
_MARK, _KEYWORD = "※", "险情"


def recognize_emergency(text: str, vocabulary: Vocabulary = BUILT_IN) -> Certainty:
    """How certain it is that `text`, as it was sent, reports an emergency that is going on now."""
    clauses = _clauses(text, vocabulary)
    certainty = _assess(clauses, vocabulary)
    if certainty is not Certainty.NONE:
        return certainty
    # As it may be meant: with spaces for full stops, and with the words that sound the same.
    readings = (_clauses(text, vocabulary, at_spaces=True), [_correct_homophones(clause) for clause in clauses])
    return min(max(_assess(reading, vocabulary) for reading in readings), Certainty.UNSURE)


def _clauses(text: str, vocabulary: Vocabulary, *, at_spaces: bool = False) -> list[str]:
    return [_apply_vocabulary(clause, vocabulary) for clause in split_clauses(text, at_spaces=at_spaces)]


def _apply_vocabulary(clause: str, vocabulary: Vocabulary) -> str:
    for phrases, replacement in ((vocabulary.harmless, _MARK), (vocabulary.danger, _KEYWORD)):
        for phrase in map(_normalize_phrase, phrases):
            clause = clause.replace(phrase, replacement) if phrase else clause
    return clause


def _normalize_phrase(phrase: str) -> str:
    return "".join(split_clauses(phrase)).rstrip("?")


def _correct_homophones(clause: str) -> str:
    for pattern, word in words.HOMOPHONES:
        clause = pattern.sub(word, clause)
    return clause


_KINDS = (words.STRONG, words.CONTEXTUAL, words.WEAK, words.LEAKS, words.HINT)
_DANGER = f"(?:{'|'.join(each.pattern for each in _KINDS)})"
_STATED = re.compile(f"(?:{words.STRONG.pattern})[了啦]")
# Removed from a clause: harmless phrases, and words of danger that are denied, settled or part of a warning.
_HARMLESS = (
    words.HARMLESS,
    re.compile(f"{_DANGER}{words.STATED_AS_NONE}"),
    re.compile(f"{_DANGER}{words.RESOLVED}"),
    re.compile(f"{words.NEGATION}(?:{_DANGER}{words.FILLER})+"),
    re.compile(f"{words.ADVICE}(?:{_DANGER}{words.FILLER})+"),
)


@dataclass(frozen=True)
class _Setting:
    """How the clauses of a message affect each other."""

    has_context: bool
    is_urgent: bool
    about_filming: bool


def _assess(clauses: Sequence[str], vocabulary: Vocabulary) -> Certainty:
    whole = "。".join(clauses)
    if not whole or (words.DRILL.search(whole) and not words.NOT_A_DRILL.search(whole)):
        return Certainty.NONE
    setting = _Setting(
        has_context=_has_context(whole, vocabulary),
        is_urgent=bool(words.URGENT.search(whole)),
        about_filming=bool(words.FILMING.search(whole)),
    )
    certainty = max(_assess_clause(clause, setting) for clause in clauses)
    is_past = words.PAST.search(whole) and not words.NOW.search(whole)
    if words.NEWS.search(whole) or words.LESSON.search(whole) or is_past:
        is_stated = setting.is_urgent or (words.LESSON.search(whole) and _STATED.search(whole))
        return Certainty.UNSURE if certainty is Certainty.SURE and is_stated else Certainty.NONE
    return min(certainty, Certainty.UNSURE) if words.GRUMBLE.search(whole) else certainty


def _has_context(whole: str, vocabulary: Vocabulary) -> bool:
    if words.PLACE.search(whole) or words.SUBSTANCE.search(whole):
        return True
    return any(name in whole for name in map(_normalize_phrase, vocabulary.places) if name)


def _assess_clause(clause: str, setting: _Setting) -> Certainty:
    bare = clause
    for harmless in _HARMLESS:
        bare = harmless.sub(_MARK, bare)
    certainty = _first_impression(bare, setting)
    if certainty is Certainty.NONE or words.QUESTION.search(clause) or words.INSTRUCTION.search(clause):
        return Certainty.NONE
    is_hedged = words.HEDGE.search(clause) or clause.endswith("?")
    is_perplexed = words.PERPLEXED.search(clause) and not setting.has_context
    if is_perplexed or (is_hedged and not setting.is_urgent):
        return Certainty.UNSURE
    return certainty


def _first_impression(clause: str, setting: _Setting) -> Certainty:
    """By the words alone, without the clauses around them."""
    if words.STRONG.search(clause):
        return Certainty.SURE
    if words.CONTEXTUAL.search(clause):
        is_sure = (setting.has_context or setting.is_urgent) and not setting.about_filming
        return Certainty.SURE if is_sure else Certainty.UNSURE
    if words.WEAK.search(clause):
        return Certainty.SURE if setting.is_urgent and setting.has_context else Certainty.UNSURE
    hinted = words.LEAKS.search(clause) and not setting.about_filming
    hinted = hinted or (words.HINT.search(clause) and setting.has_context)
    return Certainty.UNSURE if hinted else Certainty.NONE
