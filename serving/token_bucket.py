"""How many requests a key may make."""

from collections.abc import Callable
from math import ceil

BURST_SECONDS = 2.0
"""What a key did not use is kept for so long."""


class TokenBuckets:
    """A bucket a key: each request takes a token, and tokens come back with time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, key: str, per_second: float) -> int:
        """Take a token; 0 if there was one, else whole seconds until there will be.

        Args:
            key: id of the key.
            per_second: tokens that come back in a second; 0 for no limit.
        """
        if not per_second:
            return 0
        most, now = max(1.0, per_second * BURST_SECONDS), self._clock()
        tokens, then = self._buckets.get(key, (most, now))
        tokens = min(most, tokens + (now - then) * per_second)
        granted = tokens >= 1
        self._buckets[key] = (tokens - granted, now)
        return 0 if granted else max(1, ceil((1 - tokens) / per_second))
