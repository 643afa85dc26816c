"""Messages of a night: films with and without a text, texts, photos, duplicates, out of order."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from bot.devtools.simulator.core.phone import Phone
from bot.devtools.simulator.films import make_film
from tests.faults.audit import Said, digest, said
from tests.faults.lab import Lab

# The real platform tries a few times, and a patroller without a receipt sends again. Here the platform keeps trying.
TRIES, PAUSE_S = 400, 0.25
WORDS = ("帮助", "查询", "1", "2", "罐区", "装卸台", "你好", "险情 装卸台有泄漏")


@cache
def _film() -> bytes:
    return make_film(seconds=10, size=(64, 48), fps=1, tag="of the fault laboratory")


def unique_film(tag: str) -> bytes:
    """A real film that no other has the digest of: an empty box at its end, which players skip."""
    note = tag.encode()
    return _film() + (8 + len(note)).to_bytes(4, "big") + b"free" + note


@dataclass
class Crowd:
    """Many people at once; what each sends is drawn from one seed, when it arrives is up to the machine.

    They take `lasts_s` seconds for it, or as long as it takes.
    """

    lab: Lab
    people: list[str]
    films: float = 0.15
    threads: int = 8
    lasts_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    sent: int = 0

    def send(self, number: int) -> None:
        """So many messages, each until it is acknowledged."""
        draws = [self.lab.random.random() for _ in range(number)]
        with ThreadPoolExecutor(self.threads) as pool:
            pause_s = 2 * self.lasts_s * self.threads / number
            try:
                for each in [pool.submit(self._one, index, draw, pause_s) for index, draw in enumerate(draws)]:
                    each.result()
            except BaseException:
                self.stop.set()
                raise

    def _one(self, index: int, draw: float, pause_s: float) -> None:
        mine = random.Random(draw)
        if self.stop.wait(mine.uniform(0, pause_s)):
            return
        made = self._say(index, mine)
        self.lab.said.append(made)
        for _ in range(TRIES):
            if made.acknowledged or self.stop.wait(PAUSE_S):
                break
            made.sent.repeat()
        if mine.random() < 0.1:  # at once, by two ways
            twice = [threading.Thread(target=made.sent.repeat) for _ in range(2)]
            for each in twice:
                each.start()
            for each in twice:
                each.join()
        self.sent += 1

    def _say(self, index: int, mine: random.Random) -> Said:
        """Sent up to two minutes before it arrives: so the later one is often the earlier."""
        phone = self.lab.cloud.phone(mine.choice(self.people))
        at = (self.lab.now() - timedelta(seconds=mine.uniform(0, 120))).timestamp()
        if mine.random() < self.films:
            return film(phone, f"{index}/{mine.random()}", at)
        if mine.random() < 0.05:
            return said(phone.sends_photo(at=at))
        # Danger is rare: an alert goes to everybody, and a member may only hear so much.
        words = WORDS if mine.random() < 0.05 else WORDS[:-1]
        return said(phone.says(mine.choice(words), at=at))


def film(phone: Phone, tag: str, at: float | None = None) -> Said:
    """A film of its own from a phone."""
    made = unique_film(tag)
    return said(phone.sends_film(made, at=at), digest(made))
