"""A store in this process: for notebooks and tests."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from recommender.errors import SnapshotMissing, SnapshotUnreadable
from recommender.snapshot.store import READER_GRACE, Capacity, Entry, StoredSnapshot


class MemoryStore:
    """A `SnapshotStore` in a dictionary; gone with the process.

    Attributes:
        beside: values that belong to no snapshot, by name.
    """

    def __init__(self) -> None:
        self.beside: dict[str, bytes] = {}
        self._entries: dict[str, dict[str, bytes]] = {}
        self._whole: set[str] = set()
        self._active: str | None = None
        self._previous: str | None = None

    def write(
        self, snapshot: str, entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """See `SnapshotStore.write`."""
        written: dict[str, bytes] = {}
        if snapshot not in self._whole:
            self._entries[snapshot] = written
        for count, (key, value) in enumerate(entries, start=1):
            written[key] = value
            progress(count)
        self._entries[snapshot] = written
        self._whole.add(snapshot)

    def repair(
        self, snapshot: str, entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
    ) -> int:
        """See `SnapshotStore.repair`."""
        kept, named, repaired = self._entries.setdefault(snapshot, {}), set(), 0
        for count, (key, value) in enumerate(entries, start=1):
            repaired += kept.get(key) != value
            kept[key] = value
            named.add(key)
            progress(count)
        for key in kept.keys() - named:
            del kept[key]
        self._whole.add(snapshot)
        return repaired

    def activate(self, snapshot: str) -> None:
        """See `SnapshotStore.activate`."""
        if snapshot not in self._whole:
            raise SnapshotMissing(f"cannot activate {snapshot}: it was never written to the end")
        if snapshot != self._active:
            self._active, self._previous = snapshot, self._active

    def active_id(self) -> str:
        """See `SnapshotStore.active_id`."""
        if self._active is None:
            raise SnapshotMissing("nothing has been published yet: run `cartlift publish DIR`")
        return self._active

    def read(self, snapshot: str, keys: Sequence[str], beside: Sequence[str] = ()) -> list[bytes | None]:
        """See `SnapshotStore.read`."""
        entries = self._entries.get(snapshot, {})
        return [*(entries.get(key) for key in keys), *(self.beside.get(name) for name in beside)]

    def roll_back(self) -> str:
        """See `SnapshotStore.roll_back`."""
        if self._previous is None:
            raise SnapshotMissing("there is no previous snapshot to roll back to")
        self._active, self._previous = self._previous, self._active
        return self._active

    def snapshots(self) -> list[StoredSnapshot]:
        """See `SnapshotStore.snapshots`."""
        order = sorted(self._entries, key=lambda id_: (id_ != self._active, id_ != self._previous, id_))
        return [self._stored(snapshot) for snapshot in order]

    def prune(self, *, keep: Collection[str] = (), grace: float = READER_GRACE) -> list[str]:
        """See `SnapshotStore.prune`; readers in the same process see a switch at once and need no grace."""
        kept = {self._active, self._previous, *keep}
        dropped = [id_ for id_ in self._entries if id_ not in kept]
        for snapshot in dropped:
            del self._entries[snapshot]
            self._whole.discard(snapshot)
        return dropped

    def publishing(self) -> AbstractContextManager[None]:
        """See `SnapshotStore.publishing`; nobody else has this store."""
        return nullcontext()

    def verify(self, snapshot: str, sample: Mapping[str, bytes]) -> None:
        """See `SnapshotStore.verify`."""
        if snapshot not in self._whole:
            raise SnapshotMissing(f"cannot verify {snapshot}: it was never written to the end")
        wrong = [key for key, value in sample.items() if self._entries[snapshot].get(key) != value]
        if wrong:
            if snapshot != self._active:
                self._whole.discard(snapshot)
            raise SnapshotUnreadable(
                f"{len(wrong)} entries of {snapshot} are not what was written: publish it again"
            )

    def capacity(self, entries: int, size: int) -> Capacity:
        """See `SnapshotStore.capacity`."""
        return Capacity(needed=size, free=None)

    def _stored(self, snapshot: str) -> StoredSnapshot:
        entries = self._entries[snapshot]
        state = {self._active: "active", self._previous: "previous"}.get(snapshot) or (
            "complete" if snapshot in self._whole else "unfinished"
        )
        size = sum(len(key.encode()) + len(value) for key, value in entries.items())
        return StoredSnapshot(snapshot, state, len(entries), size)
