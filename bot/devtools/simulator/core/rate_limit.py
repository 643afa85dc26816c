"""Rate limits over a sliding window of the cloud's clock."""

from collections import defaultdict, deque


class RateLimit:
    """Allows `limit` events of a key in any `seconds`; with `blocks_when_exceeded`, a further one blocks it as long."""

    def __init__(self, limit: int, seconds: float, blocks_when_exceeded: bool = False) -> None:
        self.limit = limit
        self.seconds = seconds
        self.blocks_when_exceeded = blocks_when_exceeded
        self._events: dict[str, deque[float]] = defaultdict(deque)
        self._blocked_until: dict[str, float] = {}

    def allow(self, key: str, now: float) -> bool:
        """Count one event; False if it exceeds the limit."""
        if now < self._blocked_until.get(key, now):
            return False
        events = self._events[key]
        while events and events[0] <= now - self.seconds:
            events.popleft()
        if len(events) < self.limit:
            events.append(now)
            return True
        if self.blocks_when_exceeded:
            self._blocked_until[key] = now + self.seconds
        return False
