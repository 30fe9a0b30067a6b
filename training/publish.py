"""Publishing: write under a new id, check, switch one pointer, keep the previous one."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from recommender.errors import SnapshotMissing, StoreUnavailable
from recommender.snapshot.store import Capacity, Entry, PublicationSize, SnapshotStore

from .progress import Progress, Silent

SAMPLE = 1_000
"""Entries that are read back and compared byte for byte."""


class Publication(Protocol):
    """What can be published."""

    @property
    def snapshot_id(self) -> str:
        """Id to publish under; other entries have another id."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the same order each time."""
        ...


@dataclass(frozen=True, slots=True)
class PublicationPlan:
    """What a publication is about to do.

    Attributes:
        snapshot: id.
        size: how much it is.
        capacity: what it will take in the store beyond what is there of it already.
    """

    snapshot: str
    size: PublicationSize
    capacity: Capacity


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What came of a publication.

    Attributes:
        snapshot: id, active now.
        previous: id to roll back to, None for a first publication.
        entries: entries of the snapshot.
        size: bytes of their keys and values.
        already_active: it was active before, and nothing was done.
        needed: memory that was expected to be taken, in bytes.
        compared: entries that were read back and compared.
        dropped: ids of older snapshots that were dropped.
        seconds: how long it took.
    """

    snapshot: str
    previous: str | None
    entries: int
    size: int
    already_active: bool = False
    needed: int = 0
    compared: int = 0
    dropped: tuple[str, ...] = ()
    seconds: float = 0.0


def publish(
    source: Publication,
    store: SnapshotStore,
    *,
    progress: Progress | None = None,
    announce: Callable[[PublicationPlan], None] = lambda _: None,
    seed: int = 0,
) -> PublishReport:
    """Make `source` the snapshot that readers see.

    Interrupted at any moment, even by a kill, the snapshot of before stays live and whole; publishing
    again goes on where it stopped.

    Args:
        source: what to publish.
        store: where to.
        progress: hears of each step.
        announce: hears what it will take, before anything is written.
        seed: chooses the entries that are read back.

    Raises:
        StoreUnavailable: the store does not answer, has no room, or another publisher is at work.
        SnapshotUnreadable: the store did not keep what was written; the snapshot of before stays live.
    """
    started = time.perf_counter()
    progress = progress or Silent()
    with store.publishing():
        if _active_id(store) == source.snapshot_id:
            return replace(_report(source.snapshot_id, store), already_active=True)
        # First, so that what an earlier publication left behind does not count against this one.
        store.prune(keep=[source.snapshot_id])
        plan = _plan(source, store, progress)
        announce(plan)
        _require_room(plan)
        compared = _write_and_verify(source, store, plan.size, progress, seed)
        store.activate(source.snapshot_id)
        report = _report(source.snapshot_id, store)
        dropped = _prune(store, progress)
    seconds = time.perf_counter() - started
    return replace(report, needed=plan.capacity.needed, compared=compared, dropped=dropped, seconds=seconds)


def _active_id(store: SnapshotStore) -> str | None:
    try:
        return store.active_id()
    except SnapshotMissing:
        return None


def _plan(source: Publication, store: SnapshotStore, progress: Progress) -> PublicationPlan:
    with progress.step("Measure"):
        size = _measured(source)
    there = [stored for stored in store.snapshots() if stored.snapshot == source.snapshot_id]
    capacity = store.capacity(
        max(size.entries - sum(stored.entries for stored in there), 0),
        max(size.size - sum(stored.size for stored in there), 0),
    )
    return PublicationPlan(source.snapshot_id, size, capacity)


def _measured(source: Publication) -> PublicationSize:
    lengths = [len(key.encode()) + len(value) for key, value in source.entries()]
    return PublicationSize(len(lengths), sum(lengths))


def _require_room(plan: PublicationPlan) -> None:
    if not plan.capacity.fits:
        raise StoreUnavailable(
            f"snapshot {plan.snapshot} needs {readable(plan.capacity.needed)} of memory, and Redis has only "
            f"{readable(plan.capacity.free or 0)} left: raise its maxmemory, publish to another Redis, or "
            "train with shorter lists"
        )


def _write_and_verify(
    source: Publication, store: SnapshotStore, size: PublicationSize, progress: Progress, seed: int
) -> int:
    entries = _Sampled(source, _sample_positions(size.entries, seed))
    with progress.step("Write", size.entries) as advance:
        store.write(source.snapshot_id, entries, progress=advance)
    with progress.step("Verify"):
        store.verify(source.snapshot_id, entries.sample)
    return len(entries.sample)


def _sample_positions(n_entries: int, seed: int) -> frozenset[int]:
    return frozenset(random.Random(seed).sample(range(n_entries), min(SAMPLE, n_entries)))


@dataclass(frozen=True, slots=True)
class _Sampled:
    """Entries of a publication; some are remembered as they pass by, to be compared later."""

    source: Publication
    positions: frozenset[int]
    sample: dict[str, bytes] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Entry]:
        for position, (key, value) in enumerate(self.source.entries()):
            if position in self.positions:
                self.sample[key] = value
            yield key, value


def _prune(store: SnapshotStore, progress: Progress) -> tuple[str, ...]:
    # The snapshot is live by now: what cannot be dropped this time is dropped by the next publication.
    with progress.step("Drop old snapshots"), suppress(StoreUnavailable):
        return tuple(store.prune())
    return ()


def _report(snapshot: str, store: SnapshotStore) -> PublishReport:
    stored = store.snapshots()
    (live,) = (s for s in stored if s.snapshot == snapshot)
    previous = next((s.snapshot for s in stored if s.state == "previous"), None)
    return PublishReport(snapshot, previous, live.entries, live.size)


def readable(size: int) -> str:
    """Bytes as people say them: `745 bytes`, `12.3 kB`, `1,204.0 MB`."""
    if size < 1_000:
        return f"{size} bytes"
    return f"{size / 1e3:,.1f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"
