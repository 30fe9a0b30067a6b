"""Where published lists live, as a protocol that every store keeps (tests/contracts/test_store.py)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

Entry = tuple[str, bytes]
"""Key inside the snapshot (`encoding.entry_key`) and its value."""

READER_GRACE = 30.0
"""Seconds for which a snapshot that stopped being active is kept at least: readers notice within one."""


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """One snapshot that a store holds.

    Attributes:
        snapshot: its id.
        state: `active`, `previous`, `complete` (whole, but not one of the two) or `unfinished`.
        entries: entries written; 0 where the store lost count.
        size: bytes of keys and values written.
    """

    snapshot: str
    state: str
    entries: int
    size: int


@dataclass(frozen=True, slots=True)
class PublicationSize:
    """How much a publication is.

    Attributes:
        entries: how many.
        size: bytes of their keys and values.
    """

    entries: int
    size: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """Whether a publication fits into a store.

    Attributes:
        needed: bytes of memory that it will take, overheads included.
        free: bytes that the store may still take; None where it knows no limit.
    """

    needed: int
    free: int | None

    @property
    def fits(self) -> bool:
        """Whether there is room."""
        return self.free is None or self.needed <= self.free


class SnapshotStore(Protocol):
    """Where published lists live. Readers see one snapshot, whole, or none.

    Every method may raise `StoreUnavailable`.
    """

    def write(
        self, snapshot: str, entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Write all entries under this id, without showing them to readers.

        Called again with the same id and the same entries after an interruption, it goes on where
        it stopped. Other entries than before replace what was written, which takes an iterable that
        can be gone through twice. `progress` hears how many entries are written so far.

        Raises:
            SnapshotError: the entries differ from what is there, and cannot replace it.
        """
        ...

    def repair(
        self, snapshot: str, entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
    ) -> int:
        """Set every entry that is missing or has another value, and return how many those were.

        Good for a snapshot that readers see: each entry goes from what it is to what it should be in one
        step, none of them is ever deleted, and which snapshot is active stays as it is. What the store notes
        about the snapshot is written anew; last, what it noted before and is not among `entries` is dropped.
        Cut short, it can be called again. `progress` hears how many entries were looked at so far.
        """
        ...

    def activate(self, snapshot: str) -> None:
        """Make a whole snapshot the one that readers see; the one before becomes `previous`.

        Raises:
            SnapshotMissing: it was never written to the end.
        """
        ...

    def active_id(self) -> str:
        """Id of the snapshot that readers see.

        Raises:
            SnapshotMissing: nothing has been published yet.
        """
        ...

    def read(self, snapshot: str, keys: Sequence[str], beside: Sequence[str] = ()) -> list[bytes | None]:
        """Values of entries of one snapshot, in the order asked; None where there is no such entry.

        Args:
            snapshot: its id.
            keys: inside the snapshot.
            beside: names of values that belong to no snapshot and change between publications (`RedisKeys`);
                they come after the others.
        """
        ...

    def roll_back(self) -> str:
        """Make the previous snapshot active again, and return its id.

        Raises:
            SnapshotMissing: there is no previous snapshot.
        """
        ...

    def snapshots(self) -> list[StoredSnapshot]:
        """All snapshots that the store holds, whole or not: active, previous, then by id."""
        ...

    def prune(self, *, keep: Collection[str] = (), grace: float = READER_GRACE) -> list[str]:
        """Drop every snapshot that is neither active nor previous; return their ids.

        One that was active until less than `grace` seconds ago is left to a later call, since readers
        may not have noticed the switch yet; so is one in `keep`.
        """
        ...

    def publishing(self) -> AbstractContextManager[None]:
        """Keep other publishers out until the block ends; `write` and `prune` do so by themselves.

        Raises:
            StoreUnavailable: another publisher is at work.
        """
        ...

    def verify(self, snapshot: str, sample: Mapping[str, bytes]) -> None:
        """Check that every entry written is there, and that those in `sample` are byte for byte.

        Raises:
            SnapshotMissing: it was never written to the end.
            SnapshotUnreadable: it is not what was written; `write` will then write it from the start,
                unless readers see it: then it stays as it is until `repair` mends it.
        """
        ...

    def capacity(self, entries: int, size: int) -> Capacity:
        """What so many entries, whose keys and values have `size` bytes, will take here."""
        ...
