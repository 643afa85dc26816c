"""Which part or enterprise a few words name, as people write them at two in the morning."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.part_names import find_enterprise, find_part, parse_part_number, strip_enterprise_name


@dataclass
class Part:
    """A key part."""

    number: str
    name: str


@dataclass
class Firm:
    """An enterprise."""

    code: str
    name: str
    short_name: str


PARTS = [
    Part("1", "罐区"),
    Part("2", "装卸台"),
    Part("3", "一号泵房"),
    Part("4", "二号泵房"),
    Part("10", "控制室"),
    Part("A1", "北罐区"),
    Part("12", "丙类仓库"),
]
FIRMS = [Firm("E001", "甲化工有限公司", "甲化工"), Firm("E0011", "乙新材料股份公司", "乙新材料")]


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("1", "1"),
        ("１", "1"),
        (" 2 ", "2"),
        ("2号", "2"),
        ("2.", "2"),
        ("第二个部位", "2"),
        ("二", "2"),
        ("两", "2"),
        ("No.3", "3"),
        ("#4", "4"),
        ("部位4", "4"),
        ("十", "10"),
        ("十二", "12"),
        ("10号部位", "10"),
        ("a1", "A1"),
        ("02", "2"),
        ("罐区", "1"),
        ("装卸台", "2"),
        ("装卸", "2"),
        ("控制室。", "10"),
        ("这是控制室", "10"),
        ("北罐区", "A1"),
        ("1号 泵房", "3"),
        ("2号泵房", "4"),
        ("3号泵房", None),
        ("2号东侧", "2"),
        ("二号泵房", "4"),
        ("泵房", None),
        ("好的", None),
        ("", None),
        ("99", None),
        ("仓库", "12"),
        ("1、罐", "1"),
        ("2 装卸台", "2"),
        ("10 控制室", "10"),
    ],
)
def test_texts_and_the_part_numbers_they_name(words: str, number: str | None) -> None:
    found = find_part(words, PARTS)
    assert (found.number if found else None) == number


@given(st.integers(0, 99))
def test_chinese_and_full_width_numbers_are_parsed(number: int) -> None:
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    spoken = (
        digits[number] if number < 10 else (digits[tens] if tens > 1 else "") + "十" + (digits[ones] if ones else "")
    )
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in str(number))
    assert parse_part_number(spoken) == parse_part_number(wide) == parse_part_number(f"{number}号") == str(number)


@given(st.text(max_size=30))
def test_any_text_names_at_most_one_part(words: str) -> None:
    assert find_part(words, PARTS) in [None, *PARTS]


@given(st.sampled_from(PARTS))
def test_a_part_is_found_by_its_own_number_and_by_its_own_name(part: Part) -> None:
    assert find_part(part.number, PARTS) is part
    assert find_part(part.name, PARTS) is part
    assert find_part(f"{part.number} {part.name}", PARTS) is part, "as the bot itself writes it"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("甲化工", "E001"),
        ("甲化工有限公司 1", "E001"),
        ("e001", "E001"),
        ("E0011", "E0011"),
        ("乙新材料2号", "E0011"),
        ("化工", None),
        ("1", None),
        ("甲化工和乙新材料", None),
    ],
)
def test_texts_and_the_enterprises_they_name(words: str, code: str | None) -> None:
    found = find_enterprise(words, FIRMS)
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("words", "rest"), [("甲化工 2", "2"), ("甲化工有限公司，罐区", "罐区"), ("E001-3", "3"), ("罐区", "罐区")]
)
def test_the_text_without_the_enterprise_names_the_part(words: str, rest: str) -> None:
    assert strip_enterprise_name(words, FIRMS[0]) == rest
