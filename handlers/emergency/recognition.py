"""Whether a text tells of an emergency: surely, perhaps, or not. Pure, and usable before any database access.

A false alarm costs trust, a missed one may cost lives: what is in doubt is UNSURE, and its sender is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from handlers.emergency import words
from handlers.emergency.normalization import split_clauses

_MARK = "※"


class Certainty(IntEnum):
    """How certain it is that somebody reports an emergency."""

    NONE = 0
    UNSURE = 1
    SURE = 2


@dataclass(frozen=True)
class Vocabulary:
    """What the office and the register add: words of danger, harmless phrases, and the names of the sender's parts."""

    danger: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


BUILT_IN = Vocabulary()


def recognize_emergency(text: str, vocabulary: Vocabulary = BUILT_IN) -> Certainty:
    """How certain it is that `text`, as it was sent, reports an emergency that is going on now."""
    clauses = split_clauses(text)
    certainty = _assess(clauses, vocabulary)
    if certainty is not Certainty.NONE:
        return certainty
    heard = [_correct_homophones(clause) for clause in clauses]
    if heard == clauses:
        return Certainty.NONE
    return min(_assess(heard, vocabulary), Certainty.UNSURE)


def _correct_homophones(clause: str) -> str:
    for pattern, word in words.HOMOPHONES:
        clause = pattern.sub(word, clause)
    return clause


@dataclass(frozen=True)
class _Patterns:
    """The patterns with the words of a vocabulary."""

    strong: re.Pattern[str]
    place: re.Pattern[str]
    harmless: tuple[re.Pattern[str], ...]


@lru_cache(maxsize=256)
def _patterns(vocabulary: Vocabulary) -> _Patterns:
    strong = _with_words(words.STRONG, vocabulary.danger)
    any_danger = "|".join(each.pattern for each in (strong, words.CONTEXTUAL, words.WEAK, words.LEAKS, words.HINT))
    danger, negation, advice = f"(?:{any_danger})", words.NEGATION, words.ADVICE
    harmless = (
        _with_words(words.HARMLESS, vocabulary.harmless),
        re.compile(f"{danger}{words.STATED_AS_NONE}"),
        re.compile(f"{danger}{words.RESOLVED}"),
        re.compile(f"{negation}(?:{danger}{words.FILLER})+"),
        re.compile(f"{advice}(?:{danger}{words.FILLER})+"),
    )
    return _Patterns(strong, _with_words(words.PLACE, vocabulary.places), harmless)


def _with_words(pattern: re.Pattern[str], added: Sequence[str]) -> re.Pattern[str]:
    """The pattern, or any of the added words in the form in which clauses are compared."""
    plain = ["".join(split_clauses(word)).rstrip("?") for word in added]
    return re.compile("|".join([pattern.pattern, *(re.escape(word) for word in plain if word)]))


@dataclass(frozen=True)
class _Setting:
    """What the clauses of a message tell about each other."""

    has_context: bool
    is_urgent: bool
    about_filming: bool


def _assess(clauses: Sequence[str], vocabulary: Vocabulary) -> Certainty:
    whole = "。".join(clauses)
    if not whole or (words.DRILL.search(whole) and not words.NOT_A_DRILL.search(whole)):
        return Certainty.NONE
    patterns = _patterns(vocabulary)
    setting = _Setting(
        has_context=bool(patterns.place.search(whole) or words.SUBSTANCE.search(whole)),
        is_urgent=bool(words.URGENT.search(whole)),
        about_filming=bool(words.FILMING.search(whole)),
    )
    certainty = max(_assess_clause(clause, setting, patterns) for clause in clauses)
    if words.NEWS.search(whole) or (words.PAST.search(whole) and not words.NOW.search(whole)):
        return Certainty.UNSURE if certainty is Certainty.SURE and setting.is_urgent else Certainty.NONE
    return min(certainty, Certainty.UNSURE) if words.GRUMBLE.search(whole) else certainty


def _assess_clause(clause: str, setting: _Setting, patterns: _Patterns) -> Certainty:
    bare = clause
    for harmless in patterns.harmless:
        bare = harmless.sub(_MARK, bare)
    certainty = _first_impression(bare, setting, patterns)
    if certainty is Certainty.NONE or words.QUESTION.search(clause) or words.INSTRUCTION.search(clause):
        return Certainty.NONE
    is_hedged = words.HEDGE.search(clause) or clause.endswith("?")
    is_perplexed = words.PERPLEXED.search(clause) and not setting.has_context
    if is_perplexed or (is_hedged and not setting.is_urgent):
        return Certainty.UNSURE
    return certainty


def _first_impression(clause: str, setting: _Setting, patterns: _Patterns) -> Certainty:
    """By the words alone, whatever is said around them."""
    if patterns.strong.search(clause):
        return Certainty.SURE
    if words.CONTEXTUAL.search(clause):
        is_sure = (setting.has_context or setting.is_urgent) and not setting.about_filming
        return Certainty.SURE if is_sure else Certainty.UNSURE
    if words.WEAK.search(clause):
        return Certainty.SURE if setting.is_urgent and setting.has_context else Certainty.UNSURE
    hinted = words.LEAKS.search(clause) and not setting.about_filming
    hinted = hinted or (words.HINT.search(clause) and setting.has_context)
    return Certainty.UNSURE if hinted else Certainty.NONE
