"""Where published lists live, as a protocol that every store keeps (tests/contracts/test_store.py)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

Entry = tuple[str, bytes]
"""Key inside the snapshot (`encoding.entry_key`) and its value."""


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """One snapshot that a store holds.

    Attributes:
        snapshot: its id.
        state: `active`, `previous`, `complete` (whole, but not one of the two) or `unfinished`.
        entries: entries written.
        size: bytes of keys and values written.
    """

    snapshot: str
    state: str
    entries: int
    size: int


class SnapshotStore(Protocol):
    """Where published lists live. Readers see one snapshot, whole, or none.

    Every method may raise `StoreUnavailable`.
    """

    def write(
        self, snapshot: str, entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Write all entries under this id, without showing them to readers.

        Called again with the same id and the same entries after an interruption, it goes on where
        it stopped. `progress` hears how many entries are written so far.
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

    def read(self, snapshot: str, keys: Sequence[str]) -> list[bytes | None]:
        """Values of entries of one snapshot, in the order asked; None where there is no such entry."""
        ...

    def roll_back(self) -> str:
        """Make the previous snapshot active again, and return its id.

        Raises:
            SnapshotMissing: there is no previous snapshot.
        """
        ...

    def snapshots(self) -> list[StoredSnapshot]:
        """All snapshots that the store holds, whole or not, the active one first."""
        ...

    def prune(self) -> list[str]:
        """Drop every snapshot that is neither active nor previous; return their ids."""
        ...
