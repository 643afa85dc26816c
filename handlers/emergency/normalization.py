"""A text as the emergency recognizer compares it: clauses in half width, without doubled characters. Pure."""

from __future__ import annotations

import re
import unicodedata

_TRADITIONAL = str.maketrans(
    "險災煙燒傷暈觸電氣壓罐區閥門廠樓車間漏洩報來邊這裡倒燃滅斷嚴重們個員幫號閃發現嘞哩咧",
    "险灾烟烧伤晕触电气压罐区阀门厂楼车间漏泄报来边这里倒燃灭断严重们个员帮号闪发现了了了",
)
_STICKERS = re.compile(r"\[(?![^\]]*(?:险|火|漏))[^\[\]]{1,4}\]")
# Between two words, where the first is not a denial of the second.
_SENTENCE_SPACE = r"[\r\n]+|(?<=\S\S)(?<![没无未]有)(?<![没无未见])(?<!发现)\s+(?=\S\S)"
# A reply in WeChat begins with what it replies to.
_QUOTED = re.compile(r"^「[^」]*」\s*(?:-\s*){3,}")
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufe0f\ufeff·•*_~^`'\"“”‘’/\\|<>（）()\[\]「」-]+")
_REPEATED = re.compile(r"([^\d\W])\1+")
_SIGNS = {"🔥": "着火", "🆘": "sos", "著火": "着火", "溢漏": "泄漏"}
# Recognition reads this many characters; a report of an emergency is short.
_MAX_LENGTH = 300


def split_clauses(text: str, *, at_spaces: bool = False) -> list[str]:
    """The clauses of a text, each with a "?" at its end if there was one.

    Spaces stand within words as well as between sentences: they are ignored, or taken for full stops.
    """
    text = unicodedata.normalize("NFKC", _QUOTED.sub("", text)).lower().translate(_TRADITIONAL)
    text = re.sub(_SENTENCE_SPACE if at_spaces else r"[\r\n]+", "。", text.strip())
    text = _INVISIBLE.sub("", _STICKERS.sub("", text))
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    pieces = re.findall(r"[^,，.。!！;；…?？]+[?？]?", text[:_MAX_LENGTH])
    if len(pieces) > 1 and all(len(piece) == 1 for piece in pieces):
        pieces = ["".join(pieces)]
    return [_REPEATED.sub(r"\1", piece.replace("、", "").replace("？", "?")) for piece in pieces]
