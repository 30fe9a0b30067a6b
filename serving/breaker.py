"""Stops asking a store that does not answer, so that an outage costs no request a timeout."""

from collections.abc import Callable


class CircuitBreaker:
    """Closed while the store answers; open, for a moment, once it has failed so many times in a row.

    One is enough where a failure is two tries already, and where somebody looks beside the requests whether
    the store is back (`RowReader.poll`): those in line behind one that failed are not to fail as well.

    When that moment is over one caller may try: its success closes the breaker, its failure opens it again.

    Attributes:
        openings: how often it was closed and opened.
    """

    def __init__(
        self, clock: Callable[[], float], *, most_failures: int = 1, open_seconds: float = 1.0
    ) -> None:
        self._clock = clock
        self._most_failures = most_failures
        self._open_seconds = open_seconds
        self._failures = 0
        self._next_try = 0.0
        self.openings = 0

    @property
    def is_open(self) -> bool:
        """Whether the store has failed so many times in a row."""
        return self._failures >= self._most_failures

    def allows(self) -> bool:
        """Whether the store may be asked now; True to one caller a moment while the breaker is open."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._next_try:
            return False
        # The probe's own outcome moves this again; until then nobody else tries.
        self._next_try = now + self._open_seconds
        return True

    def succeeded(self) -> None:
        """The store answered."""
        self._failures = 0

    def failed(self) -> None:
        """The store did not answer."""
        self._failures += 1
        self.openings += self._failures == self._most_failures
        self._next_try = self._clock() + self._open_seconds
