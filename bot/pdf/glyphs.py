"""Which characters a TrueType font can draw, from its table `cmap` (OpenType 1.9, format 4)."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

_UNICODE_BMP = (3, 1)
"""Platform and encoding of the subtable with the characters up to U+FFFF."""


@cache
def covered_characters(font: Path) -> frozenset[str]:
    """The characters up to U+FFFF that the font has a glyph for."""
    data = font.read_bytes()
    start = _subtable(data)
    (twice_count,) = struct.unpack_from(">H", data, start + 6)

    def segments(offset: int) -> tuple[int, ...]:
        return struct.unpack_from(f">{twice_count // 2}H", data, start + offset)

    ends, starts = segments(14), segments(16 + twice_count)
    deltas, ranges = segments(16 + 2 * twice_count), segments(16 + 3 * twice_count)
    covered = set()
    for number, (first, last) in enumerate(zip(starts, ends, strict=True)):
        place = start + 16 + 3 * twice_count + 2 * number + ranges[number]
        for code in range(first, last + 1):
            glyph = code if ranges[number] == 0 else struct.unpack_from(">H", data, place + 2 * (code - first))[0]
            if glyph and (glyph + deltas[number]) & 0xFFFF:
                covered.add(chr(code))
    return frozenset(covered)


def _subtable(data: bytes) -> int:
    (table_count,) = struct.unpack_from(">H", data, 4)
    records = (struct.unpack_from(">4sIII", data, 12 + 16 * number) for number in range(table_count))
    cmap = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    found = (struct.unpack_from(">HHI", data, cmap + 4 + 8 * number) for number in range(count))
    start: int = next(cmap + offset for platform, encoding, offset in found if (platform, encoding) == _UNICODE_BMP)
    return start
