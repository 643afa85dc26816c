"""Urgent work is not delayed by films that the platform delivers slowly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.lanes import emergency_s, press_s, put_on_duty, question_s, send_slow_films, smart_bot_film_s
from tests.bench.rig import Service, service, wait_until

# More than are fetched side by side; at this rate each takes five minutes.
_FILMS, _FILM_MB, _BYTES_PER_S = 80, 0.6, 2048


@pytest.mark.slow
def test_slow_films_delay_nothing_that_cannot_wait(tmp_path: Path) -> None:
    with service(smart_bot=True, relayed=True) as found:
        wait_until(lambda: found.cloud.aibot.is_connected, 30)
        put_on_duty(found)
        send_slow_films(found, tmp_path, _FILMS, _FILM_MB, _BYTES_PER_S)
        assert max(emergency_s(found, number) for number in range(4)) <= 3
        assert max(question_s(found, number) for number in range(4)) <= 5
        assert max(press_s(found) for _ in range(3)) <= 3
        assert max(smart_bot_film_s(found, number) for number in range(2)) <= 10
        _expect_all_films(found)


def _expect_all_films(found: Service) -> None:
    """Nothing is lost once the network is well again."""
    assert found.wire is not None
    found.wire.bytes_per_s = 0
    wait_until(lambda: found.count("submission", "state = 'filed'") == _FILMS + 2, 120)
    assert found.count("submission", "state <> 'filed'") == 0
