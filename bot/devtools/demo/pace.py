"""How fast the night of the demo may run: never so fast that messages wait for the service."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from bot.clock import monotonic
from bot.devtools.rehearsal.stage import Stage
from bot.texts import say
from storage.db.models import Notice
from storage.store import Store

FULL_SPEED, MIN_SPEED = 450.0, 10.0
_CHECK_INTERVAL_S = 0.25
# How long, in real time, the oldest message may wait: with less the night speeds up, with more it slows down, and with
# a minute of it the night is given up.
_SHORT_WAIT_S, _MAX_WAIT_S, _TOO_SLOW_S = 0.75, 1.5, 60.0


class Pace:
    """Call `keep` again and again; it changes the speed of the rehearsal's clock.

    The service waits for planned deliveries in real time. So the night gets faster again only when none is planned.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage, self._next_check_s = stage, 0.0
        # The rehearsal's clock and the monotonic one, from before the oldest waiting message on.
        self._samples: deque[tuple[datetime, float]] = deque()
        self.slowest = self._speed = FULL_SPEED
        stage.set_speed(FULL_SPEED)

    def keep(self) -> None:
        """Raises OSError when the machine is too slow even for the slowest night."""
        now_s = monotonic()
        if now_s < self._next_check_s:
            return
        self._next_check_s = now_s + _CHECK_INTERVAL_S
        with self._stage.read() as store:
            waited_s, is_planned = self._longest_wait_s(store), _is_delivery_planned(store, self._stage.clock.now())
        if waited_s > _TOO_SLOW_S and self._speed == MIN_SPEED:
            raise OSError(say("demo.too_slow", seconds=round(waited_s)))
        if waited_s > _MAX_WAIT_S:
            self._change(max(self._speed / 2, MIN_SPEED))
        elif waited_s < _SHORT_WAIT_S and not is_planned:
            self._change(min(self._speed * 2, FULL_SPEED))

    def messages_wait(self) -> bool:
        """Whether any message is not handled yet."""
        with self._stage.read() as store:
            return store.inbox.backlog()[0] > 0

    def _longest_wait_s(self, store: Store) -> float:
        _, oldest = store.inbox.backlog()
        self._samples.append((self._stage.clock.now(), monotonic()))
        while len(self._samples) > 1 and (oldest is None or self._samples[1][0] <= oldest):
            self._samples.popleft()
        return monotonic() - self._samples[0][1] if oldest else 0.0

    def _change(self, speed: float) -> None:
        if speed != self._speed:
            self._stage.set_speed(speed)
            self._speed, self.slowest = speed, min(self.slowest, speed)


def _is_delivery_planned(store: Store, now: datetime) -> bool:
    return store.session.query(Notice.id).filter(Notice.state == "due", Notice.due_at > now).first() is not None
