"""Publishing: write under a new id, check, switch one pointer, keep the previous one."""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import msgspec

from recommender.errors import SnapshotError, SnapshotMissing, SnapshotUnreadable, StoreUnavailable
from recommender.snapshot.encoding import StoredManifest, decode_manifest
from recommender.snapshot.pages import is_page
from recommender.snapshot.reader_check import (
    MANIFEST_KEY,
    check_readable,
    is_read_first,
    is_same_snapshot,
)
from recommender.snapshot.store import Capacity, Entry, PublicationSize, SnapshotStore

from .gate import Gate, Ruling, SnapshotRefused
from .progress import Progress, Silent

CUSTOMER_PAGES = "customer-page"
"""Kind of the entries that hold customers' lists."""

SAMPLE = 1_000
"""Entries that are read back and compared byte for byte, besides those that a service reads first."""


class Publication(Protocol):
    """What can be published."""

    @property
    def snapshot_id(self) -> str:
        """Id to publish under; other entries have another id."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the same order each time."""
        ...


@runtime_checkable
class CutsPages(Protocol):
    """A publication whose pages can be cut by other counts than its own."""

    def cut_into(self, pages: Mapping[str, int]) -> Publication:
        """The same publication in so many pages of each kind; raises SnapshotError where that cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class CustomerBudget:
    """What a customer with a list costs in the store, in bytes of memory, everything counted.

    Attributes:
        whole: all that is kept of one.
        list: of that, the list.
    """

    whole: float
    list: float


@dataclass(frozen=True, slots=True)
class PublicationPlan:
    """What a publication is about to do.

    Attributes:
        snapshot: id.
        size: how much it is.
        capacity: what it will take in the store beyond what is there of it already.
        budget: what a customer will cost of that; None where no customer has a list in a page.
        there: entries that an interrupted publication of it has left in the store.
    """

    snapshot: str
    size: PublicationSize
    capacity: Capacity
    budget: CustomerBudget | None = None
    there: int = 0


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What came of a publication.

    Attributes:
        snapshot: id, active now.
        previous: id to roll back to, None for a first publication.
        entries: entries of the snapshot.
        size: bytes of their keys and values.
        already_active: it was active before.
        repaired: entries of the live snapshot that were put right; None where nothing was wrong with it.
        needed: memory that was expected to be taken, in bytes.
        compared: entries that were read back and compared.
        dropped: ids of older snapshots that were dropped.
        ruling: what the gate said; None where there was none.
        seconds: how long it took.
    """

    snapshot: str
    previous: str | None
    entries: int
    size: int
    already_active: bool = False
    repaired: int | None = None
    needed: int = 0
    compared: int = 0
    dropped: tuple[str, ...] = ()
    ruling: Ruling | None = None
    seconds: float = 0.0


def publish(
    source: Publication,
    store: SnapshotStore,
    *,
    gate: Gate | None = None,
    progress: Progress | None = None,
    announce: Callable[[PublicationPlan], None] = lambda _: None,
    keep: Collection[str] = (),
    seed: int = 0,
) -> PublishReport:
    """Make `source` the snapshot that readers see.

    Interrupted at any moment, even by a kill, the snapshot of before stays live and whole; publishing
    again goes on where it stopped. Publishing what is live looks whether it is there as it should be, and
    repairs it where it is not.

    Args:
        source: what to publish.
        store: where to.
        gate: refuses what is worse than the live snapshot; without it, everything readable goes live. What
            is live already stays so, whatever the report's ruling says.
        progress: hears of each step.
        announce: hears what it will take, before anything is written; not for what is live already.
        keep: ids of snapshots not to drop, beside the live one and the previous.
        seed: chooses the entries that are read back.

    Raises:
        SnapshotRefused: the gate is against it; nothing was written.
        StoreUnavailable: the store does not answer, has no room, or another publisher is at work.
        SnapshotUnreadable: no service could read it, or the store did not keep what was written; the
            snapshot of before stays live.
        SnapshotError: it is live in other pages than it can be cut into; nothing was written.
    """
    started = time.perf_counter()
    progress = progress or Silent()
    with progress.step("Check"):
        looked_at = _look_through(source, seed)
    ours = decode_manifest(looked_at.manifest)
    with store.publishing():
        if _active_id(store) == source.snapshot_id:
            ruling = gate.rule_on_live(ours) if gate else None
            if (live := _live_cut(source, ours, store)) is not source:
                source, looked_at = live, _look_through(live, seed)
            report = _kept_live(source, store, looked_at, progress)
        else:
            ruling = _passed(ours, store, gate) if gate else None
            looked_at = _noting(ruling, ours, looked_at)
            report = _made_live(source, store, looked_at, progress, announce, keep)
    return replace(report, ruling=ruling, seconds=time.perf_counter() - started)


def published_manifest(store: SnapshotStore, snapshot: str) -> StoredManifest | None:
    """The manifest of a snapshot in a store; None where it is not there, or damaged."""
    (raw,) = store.read(snapshot, [MANIFEST_KEY])
    # What is damaged must not keep anybody from publishing what is not.
    with suppress(SnapshotUnreadable):
        return None if raw is None else decode_manifest(raw)
    return None


def _active_id(store: SnapshotStore) -> str | None:
    try:
        return store.active_id()
    except SnapshotMissing:
        return None


@dataclass(frozen=True, slots=True)
class _LookedAt:
    """What is known of a publication after going through it once.

    Attributes:
        size: how much it is.
        pages: of that, the pages of each kind.
        sample: entries to be compared with what the store kept; all that a service reads first is in it.
    """

    size: PublicationSize
    pages: Mapping[str, PublicationSize]
    sample: Mapping[str, bytes]

    @property
    def manifest(self) -> bytes:
        """The entry that says what all others are."""
        return self.sample[MANIFEST_KEY]

    def with_manifest(self, manifest: bytes) -> "_LookedAt":
        """The same publication, with another manifest."""
        size = PublicationSize(self.size.entries, self.size.size - len(self.manifest) + len(manifest))
        return replace(self, size=size, sample={**self.sample, MANIFEST_KEY: manifest})


def _look_through(source: Publication, seed: int) -> _LookedAt:
    """Measure a publication, and see whether a service could read it."""
    try:
        looked_at = _sampled(source, random.Random(seed))
        check_readable(source.snapshot_id, looked_at.sample)
    # ValueError: the encoding has no bytes for such a list.
    except (SnapshotUnreadable, ValueError) as error:
        raise SnapshotUnreadable(
            f"no service could read snapshot {source.snapshot_id} ({error}): nothing was published, and what "
            "was live stays live; train again with this version of cartlift"
        ) from error
    return looked_at


def _sampled(source: Publication, chance: random.Random) -> _LookedAt:
    entries: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    first: dict[str, bytes] = {}
    drawn: list[Entry] = []
    for number, (key, value) in enumerate(source.entries(), start=1):
        kind = key.partition(":")[0]
        entries[kind] += 1
        sizes[kind] += len(key.encode()) + len(value)
        if is_read_first(key):
            first[key] = value
        else:
            _draw(drawn, (key, value), number - len(first), chance)
    pages = {
        kind: PublicationSize(entries[kind], size) for kind, size in sizes.items() if is_page(f"{kind}:")
    }
    whole = PublicationSize(entries.total(), sizes.total())
    return _LookedAt(whole, pages, first | dict(drawn))


def _draw(drawn: list[Entry], entry: Entry, number: int, chance: random.Random) -> None:
    """Keep `SAMPLE` of the first `number` entries, each as likely as any other (Vitter's algorithm R)."""
    if number <= SAMPLE:
        drawn.append(entry)
    elif (place := chance.randrange(number)) < SAMPLE:
        drawn[place] = entry


def _passed(ours: StoredManifest, store: SnapshotStore, gate: Gate) -> Ruling:
    live = _active_id(store)
    ruling = gate.rule_on(ours, published_manifest(store, live) if live else None)
    if ruling.reasons and not gate.force:
        raise SnapshotRefused(ours.snapshot, live, ruling)
    return ruling


def _noting(ruling: Ruling | None, ours: StoredManifest, looked_at: _LookedAt) -> _LookedAt:
    """With a manifest that says why the snapshot should not have been published, if it should not."""
    if ruling is None or not ruling.reasons:
        return looked_at
    forced = msgspec.structs.replace(ours, forced=tuple(reason.said for reason in ruling.reasons))
    return looked_at.with_manifest(msgspec.json.encode(forced))


def _live_cut(source: Publication, ours: StoredManifest, store: SnapshotStore) -> Publication:
    """The publication in the pages that are live, since services look for rows by the counts that they read.

    Counts are no part of the id: another version cuts the same snapshot into others.
    """
    live = published_manifest(store, source.snapshot_id)
    if live is None or live.snapshot != ours.snapshot or live.pages == ours.pages:
        return source
    if not isinstance(source, CutsPages):
        raise SnapshotError(
            f"snapshot {ours.snapshot} is live in other pages than it would be published in: "
            "train again for a new id"
        )
    return source.cut_into(live.pages)


def _kept_live(
    source: Publication, store: SnapshotStore, looked_at: _LookedAt, progress: Progress
) -> PublishReport:
    live = looked_at.with_manifest(_live_manifest(source.snapshot_id, store, ours=looked_at.manifest))
    repaired = None
    if not _is_whole(source.snapshot_id, store, live, progress):
        with progress.step("Repair", live.size.entries) as advance:
            repaired = store.repair(source.snapshot_id, _Entries(source, live.manifest), progress=advance)
        with progress.step("Verify"):
            store.verify(source.snapshot_id, live.sample)
    report = _report(source.snapshot_id, store, live)
    return replace(report, already_active=True, repaired=repaired)


def _live_manifest(snapshot: str, store: SnapshotStore, ours: bytes) -> bytes:
    """The manifest that is live, or ours where that one is damaged.

    Trained again from the same orders, a snapshot has the same id and another time of training; what
    readers see under an id does not change for that, nor is forgotten that it was forced.
    """
    (live,) = store.read(snapshot, [MANIFEST_KEY])
    return live if live is not None and is_same_snapshot(live, ours) else ours


@dataclass(frozen=True, slots=True)
class _Entries:
    """Entries of a publication with this manifest, to be gone through as often as needed."""

    source: Publication
    manifest: bytes

    def __iter__(self) -> Iterator[Entry]:
        for key, value in self.source.entries():
            yield key, self.manifest if key == MANIFEST_KEY else value


def _is_whole(snapshot: str, store: SnapshotStore, looked_at: _LookedAt, progress: Progress) -> bool:
    try:
        with progress.step("Verify"):
            store.verify(snapshot, looked_at.sample)
    except (SnapshotMissing, SnapshotUnreadable):
        return False
    # Entries could be missing from the books as well.
    return any(s.snapshot == snapshot and s.entries == looked_at.size.entries for s in store.snapshots())


def _made_live(
    source: Publication,
    store: SnapshotStore,
    looked_at: _LookedAt,
    progress: Progress,
    announce: Callable[[PublicationPlan], None],
    keep: Collection[str],
) -> PublishReport:
    # First, so that what an earlier publication left behind does not count against this one.
    store.prune(keep=[source.snapshot_id, *keep])
    plan = _plan(source, store, looked_at)
    announce(plan)
    _require_room(plan)
    with progress.step("Write", plan.size.entries) as advance:
        store.write(source.snapshot_id, _Entries(source, looked_at.manifest), progress=advance)
    with progress.step("Verify"):
        store.verify(source.snapshot_id, looked_at.sample)
    store.activate(source.snapshot_id)
    report = _report(source.snapshot_id, store, looked_at)
    return replace(report, needed=plan.capacity.needed, dropped=_prune(store, progress, keep))


def _plan(source: Publication, store: SnapshotStore, looked_at: _LookedAt) -> PublicationPlan:
    size = looked_at.size
    stored = [stored for stored in store.snapshots() if stored.snapshot == source.snapshot_id]
    there = PublicationSize(sum(s.entries for s in stored), sum(s.size for s in stored))
    capacity = store.capacity(max(size.entries - there.entries, 0), max(size.size - there.size, 0))
    return PublicationPlan(source.snapshot_id, size, capacity, _budget(store, looked_at), there.entries)


def _budget(store: SnapshotStore, looked_at: _LookedAt) -> CustomerBudget | None:
    needed = {
        kind: store.capacity(pages.entries, pages.size).needed for kind, pages in looked_at.pages.items()
    }
    customers = decode_manifest(looked_at.manifest).n_customers
    if not customers or CUSTOMER_PAGES not in needed:
        return None
    return CustomerBudget(sum(needed.values()) / customers, needed[CUSTOMER_PAGES] / customers)


def _require_room(plan: PublicationPlan) -> None:
    if not plan.capacity.fits:
        raise StoreUnavailable(
            f"snapshot {plan.snapshot} needs {readable(plan.capacity.needed)} of memory, and Redis has only "
            f"{readable(plan.capacity.free or 0)} left: raise its maxmemory, publish to another Redis, or "
            "train with shorter lists"
        )


def _prune(store: SnapshotStore, progress: Progress, keep: Collection[str]) -> tuple[str, ...]:
    # The snapshot is live by now: what cannot be dropped this time is dropped by the next publication.
    with progress.step("Drop old snapshots"), suppress(StoreUnavailable):
        return tuple(store.prune(keep=keep))
    return ()


def _report(snapshot: str, store: SnapshotStore, looked_at: _LookedAt) -> PublishReport:
    previous = next((s.snapshot for s in store.snapshots() if s.state == "previous"), None)
    size = looked_at.size
    return PublishReport(snapshot, previous, size.entries, size.size, compared=len(looked_at.sample))


def readable(size: int) -> str:
    """Bytes as people say them: `745 bytes`, `12.3 kB`, `1,204.0 MB`."""
    if size < 1_000:
        return f"{size} bytes"
    return f"{size / 1e3:,.1f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"
