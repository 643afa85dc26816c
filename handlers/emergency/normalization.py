"""A text as the emergency recognizer compares it: clauses in half width, without spaces or doubled characters. Pure."""

from __future__ import annotations

import re
import unicodedata

_TRADITIONAL = str.maketrans(
    "險災煙燒傷暈觸電氣壓罐區閥門廠樓車間漏洩報來邊這裡倒燃滅斷嚴重們個員幫號閃發現",
    "险灾烟烧伤晕触电气压罐区阀门厂楼车间漏泄报来边这里倒燃灭断严重们个员帮号闪发现",
)
_STICKERS = re.compile(r"\[(?![^\]]*(?:险|火|漏))[^\[\]]{1,4}\]")
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufe0f\ufeff·•*_~^`'\"“”‘’/\\|<>（）()\[\]「」-]+")
_REPEATED = re.compile(r"([^\d\W])\1+")
_SIGNS = {"🔥": "着火", "🆘": "sos", "著火": "着火", "溢漏": "泄漏"}
# Recognition looks at so many characters; a report of an emergency is short.
_MAX_LENGTH = 300


def split_clauses(text: str) -> list[str]:
    """The clauses of a text, each followed by "?" if it ends with a question mark."""
    text = unicodedata.normalize("NFKC", text).lower().translate(_TRADITIONAL)
    text = _INVISIBLE.sub("", _STICKERS.sub("", re.sub(r"[\r\n]+", "。", text)))
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    pieces = re.findall(r"[^,，.。!！;；…?？]+[?？]?", text[:_MAX_LENGTH])
    if len(pieces) > 1 and all(len(piece) == 1 for piece in pieces):
        pieces = ["".join(pieces)]
    return [_REPEATED.sub(r"\1", piece.replace("、", "").replace("？", "?")) for piece in pieces]
