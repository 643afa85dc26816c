"""Small talk and corrections are recognized, and nothing else is taken for them."""

from __future__ import annotations

import pytest

from handlers.corrections import parse_correction
from handlers.small_talk import recognize_small_talk


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("你好", "greeting"),
        ("您好！", "greeting"),
        ("在吗？", "greeting"),
        ("晚上好", "greeting"),
        ("谢谢", "thanks"),
        ("谢谢你啊", "thanks"),
        ("好的，谢谢", "thanks"),
        ("辛苦了🙏", "thanks"),
        ("收到", "confirmation"),
        ("收到收到", "confirmation"),
        ("好的好的", "confirmation"),
        ("嗯嗯", "confirmation"),
        ("OK", "confirmation"),
        ("知道了", "confirmation"),
        ("好的马上重拍", "soon"),
        ("收到，马上发", "soon"),
        ("马上", "soon"),
        ("我这就去补拍", "soon"),
        ("稍等", None),
        ("一切正常", "all_well"),
        ("今晚一切正常。", "all_well"),
        ("无异常", "all_well"),
        ("罐区正常", "all_well"),
        ("2", None),
        ("罐区", None),
        ("好像漏了", None),
        ("好的罐区", None),
        ("不好了", None),
        ("收到请回复罐区", None),
        ("正常吗", None),
        ("", None),
        ("。", None),
    ],
)
def test_small_talk(text: str, kind: str | None) -> None:
    assert recognize_small_talk(text) == (f"small_talk.{kind}" if kind else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("错了，刚才那段是装卸台", ("装卸台", None, None)),
        ("不对，是2号", ("2号", None, None)),
        ("刚才拍的是罐区", ("罐区", None, None)),
        ("上一段应该是罐区", ("罐区", None, None)),
        ("发错了，刚才那个是中控室。", ("中控室", None, None)),
        ("0172 是 2 号", ("2号", 172, None)),
        ("0172是装卸台", ("装卸台", 172, None)),
        ("1124-0172 改成 3", ("3", 172, "1124")),
        ("回执0172应该是罐区的", ("罐区", 172, None)),
    ],
)
def test_corrections(text: str, expected: tuple[str, int | None, str | None]) -> None:
    found = parse_correction(text)
    assert found is not None
    assert (found.part_text, found.number, found.day) == expected


@pytest.mark.parametrize(
    "text", ["罐区", "2", "0172", "错了", "这是罐区吗", "电话是13800000001", "罐区是好的", "今天是11月24日"]
)
def test_what_is_no_correction(text: str) -> None:
    found = parse_correction(text)
    assert found is None or found.part_text == "罐区吗"
