"""Outbound messages and their JSON: a stored message is resent unchanged."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.outbound import (
    CardPayload,
    CardUpdatePayload,
    Choice,
    DailyWorkbook,
    Dropdown,
    FilePayload,
    LinkPayload,
    MessageForm,
    NoticeForm,
    OutboundMessage,
    Payload,
    StillFrame,
    StoredObject,
    TextPayload,
    WelcomePayload,
    decode,
    encode,
)

SENT_AT = datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC)
PAYLOADS: tuple[Payload, ...] = (
    TextPayload(text="未报", mention_users=("p1",), mention_mobiles=("13800000001",)),
    CardPayload(text="…", title="甲", task_id="alert-1-2", choices=(Choice("ack", "知道了"),)),
    CardPayload(
        text="…", title="甲", task_id="q-1", choices=(Choice("a", "b"),), dropdown=Dropdown(label="l", submit="s")
    ),
    CardUpdatePayload(text="已记", response_code="c"),
    WelcomePayload(text="您好", response_code="c"),
    LinkPayload(text="…", title="甲", url="https://a.example/"),
    FilePayload(form=MessageForm.FILE, text="…", name="a.mp4", source=StoredObject(object_key="k")),
    FilePayload(form=MessageForm.IMAGE, text="…", name="a.jpg", source=StillFrame(film_key="k", at_s=1 / 3)),
    FilePayload(form=MessageForm.FILE, text="…", name="a.xlsx", source=DailyWorkbook(night=date(2026, 11, 24))),
)
messages = st.builds(
    OutboundMessage,
    payload=st.sampled_from(PAYLOADS),
    sequence=st.integers(0, 10_000),
    first_sent_at=st.timedeltas(timedelta(0), timedelta(days=30_000)).map(lambda age: SENT_AT + age),
    unique=st.booleans(),
    reply_to_inbox_id=st.none() | st.integers(1, 2**62),
    by_template=st.booleans(),
    outcome_unknown=st.booleans(),
)


def test_every_form_has_a_payload() -> None:
    assert {payload.form for payload in PAYLOADS} == set(MessageForm)


@given(messages)
def test_a_message_is_decoded_as_it_was_encoded(message: OutboundMessage) -> None:
    stored = json.loads(json.dumps(encode(message)))
    assert decode(stored) == message
    assert decode(stored).identity == message.identity


@given(messages, messages)
def test_only_the_same_message_has_the_same_identity(one: OutboundMessage, other: OutboundMessage) -> None:
    assert replace(one, outcome_unknown=not one.outcome_unknown).identity == one.identity
    is_same = replace(one, outcome_unknown=False) == replace(other, outcome_unknown=False)
    assert (one.identity == other.identity) == is_same


@pytest.mark.parametrize("body", [{}, {"form": "text", "text": "…"}, {"payload": {"form": "poem"}, "sequence": 1}])
def test_a_body_that_is_not_a_message_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="OutboundMessage"):
        decode(body)


def test_the_dedupe_windows_of_90_equal_answers_differ() -> None:
    answers = [OutboundMessage(payload=PAYLOADS[0], sequence=number, first_sent_at=SENT_AT) for number in range(90)]
    assert len({answer.dedupe_window for answer in answers}) == 90
    assert all(timedelta(seconds=90) <= answer.dedupe_window < timedelta(seconds=180) for answer in answers)
    assert {replace(answer, unique=True).dedupe_window for answer in answers} == {timedelta(minutes=30)}


def test_a_file_is_never_resent() -> None:
    files = [payload for payload in PAYLOADS if isinstance(payload, FilePayload)]
    sent = [OutboundMessage(payload=file, sequence=0, first_sent_at=SENT_AT, unique=True) for file in files]
    assert {message.dedupe_window for message in sent} == {timedelta(0)}


def test_welcomes_and_templates_use_no_reply_quota() -> None:
    def uses(payload: Payload, by_template: bool) -> bool:
        message = OutboundMessage(payload=payload, sequence=0, first_sent_at=SENT_AT, by_template=by_template)
        return message.uses_reply_quota

    text, welcome = TextPayload(text="…"), WelcomePayload(text="…", response_code="c")
    assert (uses(text, False), uses(text, True), uses(welcome, False)) == (True, False, False)


def test_every_notice_form_is_a_card_or_pinned_or_neither() -> None:
    assert {form for form in NoticeForm if form.is_card} == {"alert", "buttons", "selection", "review", "binding"}
    assert {form for form in NoticeForm if form.is_pinned} == {"card_update", "welcome"}
