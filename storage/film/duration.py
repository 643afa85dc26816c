"""For how long a film shows pictures, whatever its index declares. Runs only in the sandbox."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

MAX_PICTURE_S = 0.5  # in the dark phones film at 5 pictures a second at least
SLIDE_SHOW_S = 0.4  # with more than this for each picture on average, the times are not those of a film
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
