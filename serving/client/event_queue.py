"""Events on their way to the service: queued at once, sent by a thread, again until they arrived."""

import logging
import os
import threading
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from .answers import EventOutcome
from .connection import ServiceError

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 200
"""Events in one request; the service takes 500."""

MOST_PAUSE = 30.0
"""Seconds between two attempts at most."""


def _now() -> str:
    return datetime.now(UTC).isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that a customer did; `customer_id` or `session_id` is needed.

    Attributes:
        type: what.
        item_id: with which item.
        customer_id: who.
        session_id: in which session, of whoever is not known.
        quantity: pieces.
        price: of one piece.
        value: of a rating.
        recommendation_id: of the list in which the item was shown.
        event_id: the same each time that the event is sent: it counts once.
        at: when, RFC 3339 with a zone.
    """

    type: Literal["view", "cart", "purchase", "click", "dismiss", "rating"]
    item_id: str
    customer_id: str | None = None
    session_id: str | None = None
    quantity: float | None = None
    price: float | None = None
    value: float | None = None
    recommendation_id: str | None = None
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    at: str = field(default_factory=_now)

    def to_json(self) -> dict[str, Any]:
        """As the service takes it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class EventQueue:
    """Sends events beside the requests that they come of.

    What is queued is in memory: it is lost with the process. What must not be lost is sent with
    `Client.send_events`, which returns when it is on the service's disk.
    """

    def __init__(self, send: Callable[[Sequence[Event]], tuple[EventOutcome, ...]], *, most: int) -> None:
        """Starts nothing yet.

        Args:
            send: sends some; raises `ServiceError`.
            most: events that may wait; what comes then is dropped.
        """
        self._send, self._most = send, most
        self._thread: threading.Thread | None = None
        self.dropped = 0
        """Events that were not taken, or that the service refused as they are."""
        self._start_over()

    def put(self, event: Event) -> bool:
        """Queue an event; False where it is dropped, because too many wait or the queue is closed."""
        if self._process != os.getpid():  # the thread is the parent's, and so are its events
            self._start_over()
        with self._changed:
            if self._closed or len(self._waiting) >= self._most:
                self.dropped += 1
                return False
            self._waiting.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cartlift-events", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return True

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is on its way; False where that took longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout)

    def close(self, timeout: float) -> bool:
        """Take no more, and wait until nothing is on its way; False where something was left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        arrived = self.flush(timeout)
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        return arrived

    def _start_over(self) -> None:
        self._process = os.getpid()
        self._waiting: deque[Event] = deque()
        self._changed = threading.Condition()
        self._thread = None
        self._closed = self._ended = False

    def _run(self) -> None:
        failures = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed or self._ended)
                if self._ended or not self._waiting:
                    return
                batch = [self._waiting[place] for place in range(min(len(self._waiting), MOST_AT_ONCE))]
            try:
                self._judge(self._send(batch))
                failures = 0
            except ServiceError as error:
                if error.passes:
                    failures += 1
                    self._pause(error.retry_after or min(MOST_PAUSE, 0.1 * 2.0 ** min(failures, 10)))
                    continue
                logger.error("%d events are dropped: %s", len(batch), error)
                self.dropped += len(batch)
            with self._changed:
                for _ in batch:
                    self._waiting.popleft()
                self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended, seconds)

    @staticmethod
    def _judge(outcomes: tuple[EventOutcome, ...]) -> None:
        for outcome in outcomes:
            if outcome.status == "rejected":
                logger.error("event %s is rejected: %s", outcome.event_id, outcome.why)
