"""Takes events: to disk first, then into their customers' next lists."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from recommender.errors import StoreUnavailable
from recommender.events.journal import EventJournal, StoredEvent, ToNote

from .breaker import CircuitBreaker
from .customer_notes import Note, encode_note
from .errors import InvalidRequest
from .event_schemas import Event, EventOutcome, EventsAnswer
from .request_parsing import parse_object

logger = logging.getLogger(__name__)

_LEFT_TO_OTHERS_SECONDS = 2.0
"""So long the worker that took an event is trusted to note it, before any other does."""

_NOTHING_KEPT = "'customer_id' is of a customer who opted out or was erased: nothing is kept"

_AT_ONCE = 1_000

_AHEAD_SECONDS = 24 * 3600
"""A clock may be wrong by so much; what lies further ahead has not happened."""


class NoteState(Protocol):
    """Where notes on customers are kept; see `LiveState`."""

    def note(self, customer_id: str, notes: Sequence[bytes]) -> None:
        """Add notes on a customer."""
        ...

    def take_back(self, customer_id: str, notes: Sequence[bytes]) -> None:
        """Remove notes that were just added."""
        ...


class EventService:
    """What the service does with events, without a word of HTTP.

    Attributes:
        journal_path: file of the events, which is made with the first.
    """

    def __init__(
        self,
        journal: Path,
        state: NoteState,
        breaker: CircuitBreaker,
        now: Callable[[], float],
        hides: Callable[[str], bool] = lambda customer_id: False,
    ) -> None:
        """Opens nothing yet: reads must go on where the disk does not.

        Args:
            journal: file of the events.
            state: where notes on customers go.
            breaker: open while nobody should wait for that place.
            now: seconds since 1970 UTC.
            hides: whether nothing may be kept of a customer, who opted out or was erased.
        """
        self.journal_path, self._state, self._breaker = journal, state, breaker
        self._now, self._hides = now, hides
        self._opened: EventJournal | None = None

    def take(self, sent: Sequence[Any], *, from_page: bool = False) -> EventsAnswer:
        """Keep events, and let them have their effect.

        Args:
            sent: each as JSON has it.
            from_page: whether they come with a key that everybody can read: purchases are rejected then.

        Raises:
            StoreUnavailable: nothing of it is on disk; it may be sent again.
        """
        events: dict[int, StoredEvent] = {}
        outcomes: dict[int, EventOutcome] = {}
        for place, given in enumerate(sent):
            try:
                events[place] = self._checked(given, from_page).stored(received_at=self._now())
            except InvalidRequest as refused:
                outcomes[place] = EventOutcome(event_id=_id_of(given), status="rejected", why=str(refused))
        new = dict(zip(events, self._journal.add(list(events.values())), strict=True))
        for place in self._too_late(events):
            event_id = events.pop(place).event_id
            outcomes[place] = EventOutcome(event_id=event_id, status="rejected", why=_NOTHING_KEPT)
        for place, event in events.items():
            outcomes[place] = EventOutcome(
                event_id=event.event_id, status="accepted" if new[place] else "duplicate"
            )
        # What is not noted now, `catch_up` notes once there is somebody to ask.
        if not self._breaker.is_open:
            self._note(
                _to_note(event) for place, event in events.items() if new[place] and event.changes_lists
            )
        return EventsAnswer(events=tuple(outcomes[place] for place in range(len(sent))))

    def catch_up(self) -> None:
        """Note what was taken and could not be noted, because Redis did not answer or a worker ended."""
        if not self._kept:
            return
        try:
            waiting = self._journal.to_note(_AT_ONCE, received_until=self._now() - _LEFT_TO_OTHERS_SECONDS)
        except StoreUnavailable:
            return
        self._note(waiting)

    def lag(self) -> float | None:
        """Seconds since the oldest event was sent that has yet to change lists; None where nobody can say."""
        if self._opened is None and not self.journal_path.exists():
            return 0.0
        try:
            oldest = self._journal.oldest_to_note()
        except StoreUnavailable:
            return None
        return 0.0 if oldest is None else max(0.0, self._now() - oldest)

    def _checked(self, given: Any, from_page: bool) -> Event:
        event = parse_object(Event, given)
        if event.customer_id is None and event.session_id is None:
            raise InvalidRequest("'customer_id' or 'session_id' is required: say who it was")
        if event.customer_id is not None and self._hides(event.customer_id):
            raise InvalidRequest(_NOTHING_KEPT)
        if event.at.timestamp() > self._now() + _AHEAD_SECONDS:
            raise InvalidRequest(f"'at' is {event.at.isoformat()}, which is yet to come: check the clock")
        if from_page and event.type == "purchase":
            raise InvalidRequest("a key for pages cannot report purchases: send them from the shop's server")
        return event

    def _too_late(self, events: Mapping[int, StoredEvent]) -> list[int]:
        """Places of events whose customers opted out or were erased while they were written: taken back."""
        found = {
            place: event.event_id
            for place, event in events.items()
            if event.customer_id is not None and self._hides(event.customer_id)
        }
        if found:
            self._journal.remove(list(found.values()))
        return list(found)

    def _note(self, events: Iterable[ToNote]) -> None:
        by_customer: dict[str, list[ToNote]] = {}
        for event in events:
            by_customer.setdefault(event.customer_id, []).append(event)
        done: list[str] = []
        try:
            for customer_id, theirs in by_customer.items():
                if not self._hides(customer_id):
                    lines = [_line(event) for event in theirs]
                    self._state.note(customer_id, lines)
                    # Who opted out or was erased meanwhile has no notes.
                    if self._hides(customer_id):
                        self._state.take_back(customer_id, lines)
                done += [event.event_id for event in theirs]
        except StoreUnavailable as error:
            logger.warning("events are kept, and change lists later: %s", error)
        if done:
            self._journal.noted(done)

    def of_customer(self, customer_id: str, most: int, *, after: str = "") -> list[StoredEvent]:
        """See `EventJournal.of_customer`."""
        return self._journal.of_customer(customer_id, most, after=after) if self._kept else []

    def erase(self, customer_id: str) -> int:
        """See `EventJournal.erase`."""
        return self._journal.erase(customer_id) if self._kept else 0

    @property
    def _kept(self) -> bool:
        return self._opened is not None or self.journal_path.exists()

    @property
    def _journal(self) -> EventJournal:
        if self._opened is None:
            self._opened = EventJournal(self.journal_path)
        return self._opened


def _to_note(event: StoredEvent) -> ToNote:
    assert event.customer_id is not None
    return ToNote(event.event_id, event.type, event.customer_id, event.item_id, event.at)


def _line(event: ToNote) -> bytes:
    assert event.type in ("purchase", "dismiss")
    return encode_note(Note(kind=event.type, item_id=event.item_id, at=int(event.at)))


def _id_of(given: Any) -> str | None:
    id_ = given.get("event_id") if isinstance(given, Mapping) else None
    return id_[:256] if isinstance(id_, str) else None
