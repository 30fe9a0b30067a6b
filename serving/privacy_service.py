"""What customers may ask about themselves: to be left alone, to see what is kept, to be forgotten."""

import base64
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from recommender.errors import SnapshotUnreadable, StoreUnavailable
from recommender.events.exposures import erase_exposures
from recommender.events.private_customers import Standing
from recommender.ranking.due_list import USUAL
from recommender.snapshot.bundle_rows import decode_own
from recommender.snapshot.due_rows import decode_due
from recommender.snapshot.redis_customers import CustomerRow, RedisCustomers
from recommender.snapshot.store import SnapshotStore

from .customer_notes import Note, all_notes, encode_note
from .errors import ErasureIncomplete
from .event_service import EventService
from .live_snapshot import decoded_list, read_items
from .live_state import LiveState
from .privacy_schemas import (
    MOST_EVENTS_TOLD,
    ConsentAnswer,
    CustomerData,
    ErasureReceipt,
    Removed,
    StoredNote,
    StoredPlace,
    StoredRow,
)
from .private_customers import PrivateCustomers
from .shop_bundles import ShopBundles, load_bundles

Eraser = Callable[[str], int]
"""Removes a customer from one store; how much there was. Raises `StoreUnavailable` where it cannot."""

REMAINING = (
    "Backups, and the files that Redis writes, until they are written anew.",
    "The shop's own orders: the next training leaves the customer out of them.",
    "Order stores: the next `cartlift update` with this state folder removes the customer from its own.",
    "Snapshot folders made before: do not keep or publish them; their rows are not shown.",
    "Files exported from here before.",
    "Sessions that were never sent with the customer's id.",
)


def erasers_beside(journal: Path) -> dict[str, Eraser]:
    """What else holds customers in the file of the events, by the name that a receipt gives it."""
    return {"exposures": partial(erase_exposures, journal)}


class PrivacyService:
    """Consent, export and erasure, without a word of HTTP."""

    def __init__(
        self,
        private: PrivateCustomers,
        rows: RedisCustomers,
        state: LiveState,
        events: EventService,
        snapshots: SnapshotStore,
        now: Callable[[], float],
        more: Mapping[str, Eraser] | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            private: who is hidden.
            rows: of customers, in snapshots.
            state: has the notes.
            events: has the events.
            snapshots: has the item tables.
            now: seconds since 1970 UTC.
            more: further stores that hold customers, by the name that a receipt gives them.
        """
        self._private, self._rows, self._state, self._events = private, rows, state, events
        self._snapshots, self._now, self._more = snapshots, now, dict(more or {})

    def consent(self, customer_id: str, *, personalisation: bool) -> ConsentAnswer:
        """Keep what a customer agrees to.

        An erased customer who agrees again begins a new history; what was before stays left out.

        Raises:
            StoreUnavailable: it is not on disk.
        """
        before = self._private.of(customer_id)
        standing = _after(before, Standing("opted_out", self._now()), personalisation=personalisation)
        if standing != before:
            self._private.set(customer_id, standing)
        hidden = standing is not None and standing.kind == "opted_out"
        note = Note(kind="opted_out", item_id="", at=int(self._now()))
        try:
            # Taking the note away takes the other ones as well: they are not there beside it.
            if hidden or (before is not None and before.kind == "opted_out"):
                self._state.replace_notes(customer_id, encode_note(note) if hidden else b"")
            shared = True
        except StoreUnavailable:
            shared = False
        return self._consent_of(customer_id, standing, shared=shared)

    def data(self, customer_id: str, cursor: str | None) -> CustomerData:
        """All that is kept of a customer, or the part of it that follows a cursor.

        Raises:
            StoreUnavailable: a store does not answer: half of it would be mistaken for all.
        """
        events = self._events.of_customer(customer_id, MOST_EVENTS_TOLD + 1, after=cursor or "")
        first, told = cursor is None, tuple(events[:MOST_EVENTS_TOLD])
        return CustomerData(
            customer_id=customer_id,
            consent=self._consent_of(customer_id, self._private.of(customer_id), shared=True),
            lists=tuple(self._lists(customer_id)) if first else (),
            notes=tuple(self._notes(customer_id)) if first else (),
            events=told,
            next_cursor=told[-1].event_id if len(events) > len(told) else None,
        )

    def erase(self, customer_id: str) -> ErasureReceipt:
        """Remove a customer from every store, and keep in mind that nothing of them may come back.

        Raises:
            StoreUnavailable: not even the latter is on disk.
            ErasureIncomplete: a store did not answer; asking again goes on.
        """
        before = self._private.of(customer_id)
        if before is None or before.kind != "erased":
            self._private.set(customer_id, Standing("erased", self._now()))
        removed: list[Removed] = []
        lacking: list[str] = []
        stores: dict[str, Callable[[], Mapping[str, int]]] = {
            "events": lambda: {"events": self._events.erase(customer_id)},
            "redis": lambda: {
                f"redis:{snapshot}": count for snapshot, count in self._rows.erase(customer_id).items()
            },
            # After the events, of which notes are made.
            "redis:notes": lambda: {"redis:notes": self._state.replace_notes(customer_id, b"")},
        }
        for name, eraser in self._more.items():
            stores[name] = lambda name=name, eraser=eraser: {name: eraser(customer_id)}  # type: ignore[misc]
        for name, erase in stores.items():
            try:
                removed += [Removed(store, count) for store, count in erase().items()]
            except (StoreUnavailable, SnapshotUnreadable):
                lacking.append(name)
        if lacking:
            raise ErasureIncomplete(lacking, {each.store: each.count for each in removed})
        writing = [f"Snapshot {id_}, which is being written: ask again." for id_ in self._rows.unfinished()]
        return ErasureReceipt(
            receipt_id=secrets.token_hex(12),
            at=_time(self._now()),
            removed=tuple(removed),
            remaining=(*REMAINING, *writing),
        )

    def _consent_of(self, customer_id: str, standing: Standing | None, *, shared: bool) -> ConsentAnswer:
        return ConsentAnswer(
            customer_id=customer_id,
            personalisation=standing is None or not standing.hidden,
            standing=None if standing is None else standing.kind,
            since=None if standing is None else _time(standing.since),
            shared=shared,
        )

    def _notes(self, customer_id: str) -> Iterator[StoredNote]:
        for note in all_notes(self._state.notes(customer_id)):
            yield StoredNote(note.kind, note.item_id, note.at)

    def _lists(self, customer_id: str) -> Iterator[StoredRow]:
        ids: dict[str, list[str]] = {}
        for found in self._rows.rows(customer_id):
            snapshot = found.manifest.snapshot
            if snapshot not in ids:
                ids[snapshot] = [item.item_id for item in read_items(self._snapshots, found.manifest)]
            yield self._told(found, ids[snapshot])

    def _told(self, found: CustomerRow, ids: Sequence[str]) -> StoredRow:
        snapshot = found.manifest.snapshot
        if found.kind == "reasons":
            return StoredRow(
                snapshot=snapshot, kind=found.kind, raw=base64.b64encode(found.row).decode("ascii")
            )
        if found.kind == "bundles":
            bundles = load_bundles(self._snapshots, found.manifest)
            return StoredRow(
                snapshot=snapshot, kind=found.kind, places=tuple(_bundle_places(found, bundles, ids))
            )
        if found.kind == "due":
            return StoredRow(snapshot=snapshot, kind=found.kind, places=tuple(_due_places(found, ids)))
        ranked = decoded_list(found.row, found.manifest, once=found.kind != "orders")
        places = zip(
            ranked.items.tolist(),
            ranked.scores.tolist(),
            ranked.sources.tolist(),
            ranked.bought.tolist(),
            strict=True,
        )
        return StoredRow(
            snapshot=snapshot,
            kind=found.kind,
            places=tuple(
                StoredPlace(ids[item], score, found.manifest.sources[source], bought)
                for item, score, source, bought in places
            ),
        )


def _due_places(found: CustomerRow, ids: Sequence[str]) -> Iterator[StoredPlace]:
    ranked = decode_due(found.row, found.manifest.n_items).within(USUAL)
    for item, chance in zip(ranked.items.tolist(), ranked.scores.tolist(), strict=True):
        yield StoredPlace(ids[item], chance, "buy_again", bought_before=True)


def _bundle_places(found: CustomerRow, bundles: ShopBundles, ids: Sequence[str]) -> Iterator[StoredPlace]:
    for bundle, parts in decode_own(found.row, len(bundles.table)).tolist():
        for place, item in enumerate(bundles.parts(bundle)):
            chance = float(bundles.table.chance[bundle])
            yield StoredPlace(ids[item], chance, "co_purchase", bought_before=bool(parts >> place & 1))


def _after(before: Standing | None, opted_out: Standing, *, personalisation: bool) -> Standing | None:
    """What holds once a customer has agreed or not; an erasure is never forgotten."""
    match before:
        case Standing(kind="erased") if personalisation:
            return Standing("returned", opted_out.since)
        case Standing(kind="returned") if not personalisation:
            return Standing("erased", opted_out.since)
        case Standing(kind="erased" | "returned"):
            return before
        case Standing() if not personalisation:
            return before
        case _:
            return None if personalisation else opted_out


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
