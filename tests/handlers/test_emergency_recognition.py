"""Which sentences report an emergency. The sentences stand in emergency_sentences.toml."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts import all_texts
from handlers.emergency.recognition import Certainty, Vocabulary, recognize_emergency

SENTENCES = tomllib.loads(Path(__file__).with_name("emergency_sentences.toml").read_text("utf-8"))
SURE, UNSURE, NONE = Certainty.SURE, Certainty.UNSURE, Certainty.NONE
sure_sentences = st.sampled_from(SENTENCES["sure"])
calm_sentences = st.sampled_from(SENTENCES["none"])


@pytest.mark.parametrize(
    ("sentence", "certainty"),
    [(sentence, Certainty[name.upper()]) for name, sentences in SENTENCES.items() for sentence in sentences],
)
def test_each_sentence_is_understood(sentence: str, certainty: Certainty) -> None:
    assert recognize_emergency(sentence) is certainty


def test_there_are_sentences_of_every_kind_and_none_stands_twice() -> None:
    assert {name: len(sentences) >= 75 for name, sentences in SENTENCES.items()} == dict.fromkeys(SENTENCES, True)
    every = [sentence for sentences in SENTENCES.values() for sentence in sentences]
    assert len(every) == len(set(every))


@given(sure_sentences, st.sampled_from([" ", "\u3000", "\n", "！", "\u200b"]))
def test_what_is_put_around_a_report_does_not_silence_it(sentence: str, around: str) -> None:
    assert recognize_emergency(f"{around}{sentence}{around}") is SURE


@given(st.sampled_from([each for each in SENTENCES["sure"] if each.isalpha()]), st.sampled_from(" \u3000·-*"))
def test_what_is_put_between_the_characters_does_not_silence_a_report(sentence: str, between: str) -> None:
    assert recognize_emergency(between.join(sentence)) is SURE


@given(st.sampled_from([each for each in SENTENCES["sure"] if each.startswith(("着火", "救命", "快来人", "有人"))]))
def test_calm_words_before_a_report_do_not_silence_it(sentence: str) -> None:
    assert recognize_emergency(f"领导，我在罐区巡检。{sentence}") is SURE


@given(st.text(max_size=80) | st.text("着火泄漏没有不是冒烟爆炸119？！。的了罐区", max_size=40))
def test_any_text_is_answered(text: str) -> None:
    assert recognize_emergency(text) in Certainty


def test_a_long_text_is_answered_quickly() -> None:
    for text in ("没有" * 5000, "着火没有泄漏" * 5000, "冒" * 20000, "人" * 20000, "泄漏的情况，" * 3000):
        began = time.perf_counter()
        recognize_emergency(text)
        assert time.perf_counter() - began < 0.5


def test_the_office_adds_words_of_danger_and_harmless_phrases() -> None:
    assert recognize_emergency("打呛了") is NONE
    assert recognize_emergency("罐车打呛了", Vocabulary(danger=("打呛",))) is SURE
    assert recognize_emergency("没有打呛", Vocabulary(danger=("打呛",))) is NONE
    assert recognize_emergency("东方红着火锅店") is SURE
    assert recognize_emergency("东方红着火锅店", Vocabulary(harmless=("红着火锅店",))) is NONE


def test_the_name_of_a_part_is_a_place() -> None:
    assert recognize_emergency("南工段泄漏") is UNSURE
    assert recognize_emergency("南工段泄漏", Vocabulary(places=("南工段",))) is SURE


def test_what_the_bot_itself_says_reports_no_emergency_when_it_is_sent_back() -> None:
    on_pages = ("rule_help.",)
    said = {
        key: text.replace("{count}", "1")
        for key, text in all_texts().items()
        if not key.startswith(("alert", "emergency", *on_pages))
    }
    assert [key for key, text in said.items() if recognize_emergency(text) is SURE] == []


def test_the_number_of_emergencies_is_none_itself() -> None:
    assert recognize_emergency("📊 11-24 夜巡日报：应报8家，按时2\n🚨 险情1起（甲化工）；未报：乙厂。") is not SURE
    assert recognize_emergency("险情1起火了") is SURE


def test_a_daily_report_that_is_passed_on_reports_no_new_emergency() -> None:
    texts = all_texts()
    for reported in ("着火了！快来人", "罐区漏酸", "险情", "氨气泄漏"):
        for outcome in (texts["report.emergency_open"], "李局 02:30 解除，处置结果：火已扑灭"):
            line = texts["report.emergency"].format(
                enterprise="甲化工", sender_name="张三", time="02:10", text=reported, taken="无人接警", outcome=outcome
            )
            assert recognize_emergency(line) is not SURE, line
