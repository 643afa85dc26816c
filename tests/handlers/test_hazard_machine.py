"""The states of hazards under any sequence of acts by anybody: no jump, nothing lost, and the counts always sum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from handlers.hazards.editing import edit_hazard
from handlers.hazards.extensions import ask_extension, grant_extension, refuse_extension
from handlers.hazards.moving import accept_hazard, return_hazard, submit_hazard, void_hazard
from storage.errors import OperationRefused
from storage.hazard_terms import ALLOWED_MOVES
from storage.hazards import HazardFilter
from tests.handlers.hazard_parts import COMPLETE, PEOPLE, Ledger, a_ledger
from tests.places import Place

# Some may do more than others, and so come more often.
WHO = st.sampled_from(["王科", "李局", "甲负责人", "王科", "甲负责人", *PEOPLE])
LISTS = ("part_id", "matter", "responsible", "measure", "deadline")


class Hazards(RuleBasedStateMachine):
    """A few hazards that anybody may do anything with; `added`: how many the database holds from all runs."""

    added = 0

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger, self.states, self.moves = ledger, dict[str, str](), dict[str, int]()

    def pick(self, draw: int) -> str:
        return list(self.states)[draw % len(self.states)]

    @initialize()
    def one_hazard(self) -> None:
        self.new("王科", [])

    @rule(who=WHO, missing=st.lists(st.sampled_from(LISTS), max_size=2))
    def new(self, who: str, missing: list[str]) -> None:
        fields = {"deadline": self.ledger.now.date(), **dict.fromkeys(missing)}
        try:
            number = self.ledger.add(by=who, **fields)
        except OperationRefused:
            return
        assert number not in self.states
        type(self).added += 1
        self.states[number] = "incomplete" if missing else "rectifying"
        self.moves[number] = 1

    @precondition(lambda self: self.states)
    @rule(draw=st.integers(0, 9), who=WHO, name=st.sampled_from(LISTS), empty=st.booleans())
    def edit(self, draw: int, who: str, name: str, empty: bool) -> None:
        value = self.ledger.now.date() if name == "deadline" else COMPLETE[name]
        self.act(self.pick(draw), edit_hazard, {name: None if empty else value}, by=who)

    @precondition(lambda self: self.states)
    @rule(draw=st.integers(0, 9), who=WHO, part_id=st.sampled_from([1, 1, 1, 2]))
    def submit(self, draw: int, who: str, part_id: int) -> None:
        self.ledger.later(minutes=1)
        self.act(self.pick(draw), submit_hazard, self.ledger.film(part_id=part_id), by=who)

    @precondition(lambda self: self.states)
    @rule(draw=st.integers(0, 9), who=WHO)
    def accept(self, draw: int, who: str) -> None:
        number = self.pick(draw)
        self.act(number, accept_hazard, by=who)
        with self.ledger.reading() as ctx:
            hazard = ctx.store.hazards.get(number)
            assert hazard is not None
            assert hazard.accepted_by_id is None or hazard.accepted_by_id not in (
                hazard.fixed_by_id,
                hazard.responsible_id,
            )

    @precondition(lambda self: self.states)
    @rule(draw=st.integers(0, 9), who=WHO, act=st.sampled_from([return_hazard, void_hazard, refuse_extension]))
    def refuse(self, draw: int, who: str, act: Any) -> None:
        self.act(self.pick(draw), act, "不符合要求", by=who)

    @precondition(lambda self: self.states)
    @rule(draw=st.integers(0, 9), who=WHO)
    def ask(self, draw: int, who: str) -> None:
        until = self.ledger.now.date().replace(year=self.ledger.now.year + 1)
        self.act(self.pick(draw), ask_extension, until, "备件未到", "每夜测漏", by=who)

    @precondition(lambda self: self.states)
    @rule(draw=st.integers(0, 9), who=WHO)
    def grant(self, draw: int, who: str) -> None:
        self.act(self.pick(draw), grant_extension, by=who)

    @rule()
    def a_day_passes(self) -> None:
        self.ledger.later(days=1)

    def act(self, number: str, act: Any, *arguments: Any, by: str) -> None:
        """Do it; afterwards the hazard has moved as is allowed, or nothing of it has changed."""
        before = self.row(number)
        try:
            self.ledger.does(act, number, *arguments, by=by)
        except OperationRefused:
            assert self.row(number) == before
            return
        state = self.row(number)["state"]
        if state != self.states[number]:
            assert state in ALLOWED_MOVES[self.states[number]]
            self.states[number], self.moves[number] = state, self.moves[number] + 1

    def row(self, number: str) -> dict[str, Any]:
        with self.ledger.reading() as ctx:
            hazard = ctx.store.hazards.get(number)
            assert hazard is not None
            return {column.key: getattr(hazard, column.key) for column in hazard.__table__.columns}

    @invariant()
    def nothing_is_lost_and_the_counts_sum(self) -> None:
        with self.ledger.reading() as ctx:
            counts = ctx.store.hazards.counts(HazardFilter(), ctx.today)
            assert counts["total"] == self.added == sum(counts[state] for state in ALLOWED_MOVES if state)
            histories = ctx.store.hazards.histories(self.states)
            for number, state in self.states.items():
                hazard = ctx.store.hazards.get(number)
                assert hazard is not None
                moves = histories[number].moves
                assert (hazard.state, moves[-1].to_state, len(moves)) == (state, state, self.moves[number])
                assert [move.from_state for move in moves[1:]] == [move.to_state for move in moves[:-1]]
                assert (
                    hazard.deadline is None
                    or hazard.first_deadline in (None, hazard.deadline)
                    or any(each.state == "granted" for each in histories[number].extensions)
                )


@pytest.mark.parametrize("examples", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_no_sequence_of_acts_breaks_the_ledger(place: Place, tmp_path: Path, examples: int) -> None:
    with a_ledger(place, tmp_path) as ledger:
        machine: Any = type("OneLedger", (Hazards,), {})
        run_state_machine_as_test(
            lambda: machine(ledger), settings=settings(max_examples=examples, stateful_step_count=20, deadline=None)
        )
