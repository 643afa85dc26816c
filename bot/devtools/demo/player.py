"""Plays the scenario of the demo on the simulated phones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from bot.clock import monotonic, sleep
from bot.devtools.demo.crews import People
from bot.devtools.demo.pace import Pace
from bot.devtools.demo.scenario import ENDS_AT, Action, night_instant
from bot.devtools.rehearsal.stage import Stage

_PHOTO = b"\xff\xd8\xff\xe0" + b"\0" * 2000 + b"\xff\xd9"
_SENDERS = 6
_ALERT_TIMEOUT_S, _POLL_S = 30.0, 0.05


class Player:
    """Performs actions by the clock of the rehearsal, at a pace that the service keeps up with."""

    def __init__(self, stage: Stage, people: People) -> None:
        self._stage, self._people, self.pace = stage, people, Pace(stage)

    def play(self, scenario: Sequence[Action], on_progress: Callable[[datetime], None]) -> None:
        """Perform the actions, and wait until the end of the morning. Raises OSError on a machine too slow for it."""
        with ThreadPoolExecutor(_SENDERS) as executor:
            futures = []
            for action in scenario:
                self._wait_until(action.at, on_progress)
                futures.append(executor.submit(self._perform, action))
            self._wait_until(night_instant(ENDS_AT), on_progress)
        for future in futures:
            future.result()
        while self.pace.messages_wait():
            self.pace.keep()
            sleep(_POLL_S)
        self._stage.set_speed(1)  # what is printed from now on shall stay true

    def _wait_until(self, instant: datetime, on_progress: Callable[[datetime], None]) -> None:
        while (now := self._stage.clock.now()) < instant:
            on_progress(now)
            self.pace.keep()
            sleep(min(_POLL_S, max((instant - now).total_seconds() / self._stage.clock.speed, 0.001)))

    def _perform(self, action: Action) -> None:
        who = {"leader": self._people.leader, "backup": self._people.backup}.get(action.actor, action.actor)
        phone, at = self._stage.cloud.phone(who), int(action.at.timestamp())
        if action.kind == "say":
            phone.says(action.text, at)
        elif action.kind == "film":
            phone.sends_film(action.film, at=at)
        elif action.kind == "photo":
            phone.sends_photo(_PHOTO, at=at)
        else:
            self._acknowledge(who)

    def _acknowledge(self, who: str) -> None:
        """Press the button of the newest alert, as soon as there is one."""
        phone, deadline = self._stage.cloud.phone(who), monotonic() + _ALERT_TIMEOUT_S
        while monotonic() < deadline:
            alerts = [card for card in phone.cards if "ack" in card.buttons]
            if alerts:
                phone.presses(alerts[-1], "ack")
                return
            sleep(_POLL_S)
