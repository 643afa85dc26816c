"""The enterprise of a code, a name, a piece of a name or pinyin initials, and its part, as a person types them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from handlers.part_names import find_enterprise, find_part, normalize_text
from storage.db.models import Enterprise, KeyPart
from storage.errors import OperationRefused
from storage.pinyin import pinyin_initials
from storage.store import Store

# A single character or letter says too little.
_MIN_LENGTH = 2
# How many of the enterprises that match are named.
_MAX_NAMED = 8


def resolve_enterprise(text: str, store: Store) -> Enterprise:
    """The one enterprise that a text names. Raises OperationRefused, which says which ones match if several do."""
    matching = matching_enterprises(text, store)
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise OperationRefused("enterprise_name.unknown", text=text.strip())
    names: list[dict[str, Any]] = [
        {"say": "enterprise_name.entry", "name": each.short_name, "code": each.code} for each in matching
    ]
    if len(names) > _MAX_NAMED:
        names[_MAX_NAMED:] = [{"say": "list.more", "count": len(names) - _MAX_NAMED}]
    raise OperationRefused("enterprise_name.ambiguous", text=text.strip(), names=names)


def resolve_part(enterprise: Enterprise, text: str, store: Store) -> KeyPart:
    """The part in use that a text names by number or name. Raises OperationRefused."""
    parts = store.register.parts_of(enterprise.id)
    part = find_part(text, parts)
    if part is None:
        labels = [part.label for part in parts]
        raise OperationRefused("attach.no_such_part", enterprise=enterprise.short_name, text=text, parts=labels)
    return part


def matching_enterprises(text: str, store: Store) -> Sequence[Enterprise]:
    """The enterprises that a text may mean, by code; those that it names in full take precedence.

    A deregistered enterprise is found by its code only.
    """
    by_code = store.register.enterprise_by_code(text.strip())
    if by_code is not None:
        return [by_code]
    words, enterprises = normalize_text(text), store.register.supervised_enterprises()
    if named := [each for each in enterprises if words in map(normalize_text, _names(each))]:
        return named
    if contained := find_enterprise(text, enterprises):
        return [contained]
    for matches in (_abbreviates, _has_initials, _begins_initials):
        if len(words) >= _MIN_LENGTH and (found := _those(words, enterprises, matches)):
            return found
    return []


def _those(
    words: str, enterprises: Sequence[Enterprise], matches: Callable[[str, Enterprise], bool]
) -> list[Enterprise]:
    return [each for each in enterprises if matches(words, each)]


def _names(enterprise: Enterprise) -> tuple[str, str, str]:
    return enterprise.code, enterprise.short_name, enterprise.name


def _abbreviates(words: str, enterprise: Enterprise) -> bool:
    return any(words in normalize_text(name) for name in (enterprise.short_name, enterprise.name))


def _has_initials(words: str, enterprise: Enterprise) -> bool:
    return any(len(words) == len(initials) and _begin(words, initials) for initials in _initials(words, enterprise))


def _begins_initials(words: str, enterprise: Enterprise) -> bool:
    return any(len(words) < len(initials) and _begin(words, initials) for initials in _initials(words, enterprise))


def _begin(words: str, initials: Sequence[str]) -> bool:
    return all(letter in letters for letter, letters in zip(words, initials, strict=False))


def _initials(words: str, enterprise: Enterprise) -> list[tuple[str, ...]]:
    """The pinyin initials of the names; nothing for words that cannot be initials."""
    if not (words.isascii() and words.isalnum() and not words.isdigit()):
        return []
    return [pinyin_initials(normalize_text(name)) for name in (enterprise.short_name, enterprise.name)]
