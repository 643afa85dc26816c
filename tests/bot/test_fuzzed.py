"""The fuzzer's own target, for a moment and without its engine; and what the target must be able to reach."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz.callbacks import attempt, doors


@pytest.mark.parametrize("door", doors().values(), ids=doors())
@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300))
@example(data=b"")
@example(data=b"\0\4")
@example(data=b"\0\4\3\0\0\0\2zhangsan\0\2x\0")
def test_no_bytes_are_our_fault(door: Any, data: bytes) -> None:
    attempt(door, data)


def test_the_target_reaches_beyond_every_check() -> None:
    door = doors()["wecom_app"]
    fields = {16: "zhangsan", 2: "1795000000", 3: "text", 4: "77", 7: "你好"}
    message = b"\0".join(bytes([name]) + words.encode() for name, words in fields.items())
    assert attempt(door, b"\0\4" + message) == "taken"
    assert attempt(door, b"\1\4" + message) == "verified"
    reasons = {attempt(door, bytes([0, mode]) + b"<xml>&x;" * 20) for mode in range(5)}
    assert {"envelope", "content", "padding"} <= reasons


@pytest.mark.parametrize("door", doors().values(), ids=doors())
def test_a_bell_without_an_instant_can_be_read(door: Any) -> None:
    """Found by the fuzzer: it was acknowledged, and then failed for ever."""
    assert attempt(door, b"\0\4" + bytes([5, 6])) == "taken"
