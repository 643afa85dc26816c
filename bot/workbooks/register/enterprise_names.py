"""Finds the enterprise that a cell means. Stricter than handlers.enterprise_names: a row must not land by a guess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bot.workbooks.register.cells import name_key
from bot.workbooks.register.result import CellError
from handlers.enterprise_names import matching_enterprises
from storage.db.models import Enterprise
from storage.register_terms import DEREGISTERED
from storage.store import Store

_MAX_CANDIDATES = 5
# A search reads all enterprises; a whole column of unknown names needs no candidates for each.
_MAX_SEARCHES = 50


class EnterpriseNames:
    """The enterprises by code, full name and short name, and by code and name together."""

    def __init__(self, store: Store, enterprises: Iterable[Enterprise]) -> None:
        self._store = store
        self._by_code: dict[str, Enterprise] = {}
        self._by_name: dict[str, list[Enterprise]] = defaultdict(list)
        self._searches = 0
        for enterprise in enterprises:
            self._by_code[enterprise.code] = enterprise
            names = (enterprise.name, enterprise.short_name)
            for key in {name_key(text) for name in names for text in (name, f"{enterprise.code} {name}")}:
                self._by_name[key].append(enterprise)

    def is_known(self, text: str) -> bool:
        """Whether at least one enterprise has this code or name."""
        return text in self._by_code or name_key(text) in self._by_name

    def resolve(self, text: str) -> Enterprise:
        """The enterprise with this code, or the only one with this name. Raises CellError naming the candidates."""
        if text in self._by_code:
            return self._by_code[text]
        named = self._by_name.get(name_key(text), [])
        found = [each for each in named if each.status != DEREGISTERED] or named
        if len(found) == 1:
            return found[0]
        if found:
            raise CellError("register.ambiguous_enterprise", count=len(found), candidates=_shown(found))
        if candidates := self._candidates(text):
            raise CellError("register.enterprise_not_found", candidates=_shown(candidates))
        raise CellError("register.no_such_enterprise")

    def _candidates(self, text: str) -> Sequence[Enterprise]:
        self._searches += 1
        return matching_enterprises(text, self._store) if self._searches <= _MAX_SEARCHES else []


def _shown(enterprises: Sequence[Enterprise]) -> list[str]:
    return [f"{each.code} {each.name}" for each in enterprises[:_MAX_CANDIDATES]]
