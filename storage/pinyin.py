"""Pinyin of Chinese names."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=16_384)
def pinyin_initials(text: str) -> tuple[str, ...]:
    """For each character the letters with which its readings begin, in lower case; what is not Chinese stays.

    长风A厂 -> ("cz", "f", "a", "c…").
    """
    # The dictionaries take 0.7 s and 57 MB: loaded only where letters are typed.
    from pypinyin import Style, pinyin

    initials: list[str] = []
    for readings in pinyin(text.lower(), style=Style.FIRST_LETTER, heteronym=True):
        # What is not Chinese comes in one piece.
        initials.extend(readings[0] if len(readings) == 1 else ["".join(readings)])
    return tuple(initials)
