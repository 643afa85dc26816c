"""For how long a film shows pictures, independent of its index. Runs only in the sandbox."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

# A recorder at the gate may film with one picture a second: no honest film may be called too short.
MAX_PICTURE_S = 2.0
# With more than this for each picture on average, the times are not those of a film.
SLIDE_SHOW_S = 1.5
USUAL_RATE = 25


class PictureTimes:
    """The times of all pictures, in seconds. Forged times must not make a film longer."""

    def __init__(self) -> None:
        self._begins = array("d")
        self._last_end = -math.inf

    def add(self, begin: float, length: float) -> None:
        self._begins.append(begin)
        self._last_end = max(self._last_end, begin + length)

    def length_s(self) -> float | None:
        """The seconds with pictures; None without pictures."""
        if not self._begins:
            return None
        instants = [*sorted(self._begins), self._last_end]
        shown = sum(min(end - begin, MAX_PICTURE_S) for begin, end in pairwise(instants))
        pictures = len(self._begins)
        return round(pictures / USUAL_RATE if shown > SLIDE_SHOW_S * pictures else shown, 2)
