"""The entries of a shop's snapshots in Redis: written in chunks, dropped by name."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from recommender.errors import SnapshotUnreadable
from recommender.snapshot.redis_layout import (
    UNFINISHED,
    RedisKeys,
    SnapshotRecord,
    Written,
    decode_key_list,
    encode_key_list,
)
from recommender.snapshot.redis_lock import PublisherLock
from recommender.snapshot.redis_servers import ENTRIES_PER_COMMAND, RedisServers, in_chunks
from recommender.snapshot.store import Entry

_RECORD = "redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])"
_RECORD_AND_KEY_LIST = _RECORD + " redis.call('SET', KEYS[3], ARGV[5])"
_FORGET = "redis.call('HDEL', KEYS[2], ARGV[3])"


@dataclass(slots=True)
class Renamed:
    """What stood on the lists of names that a repair wrote anew.

    Attributes:
        names: keys that stood on a list and are not of its chunk now; they may be of another one.
        lengths: chunk → how many names are of it, where others stand behind them still.
    """

    names: set[str] = field(default_factory=set)
    lengths: dict[int, int] = field(default_factory=dict)


class RedisEntries:
    """Writes and drops entries for whoever holds the publisher's lock.

    redis-py's exceptions pass through.
    """

    def __init__(self, servers: RedisServers, keys: RedisKeys, lock: PublisherLock) -> None:
        self._servers = servers
        self._keys = keys
        self._lock = lock

    def write_chunk(self, snapshot: str, chunk: Sequence[Entry], before: Written) -> None:
        """Write one more chunk after those counted in `before`."""
        # First the names, then the entries: whatever a kill leaves behind can be dropped by name.
        self._name_chunk(snapshot, [key for key, _ in chunk], before.chunks, before.record(UNFINISHED))
        self._set(snapshot, chunk)

    def repair_chunk(
        self,
        snapshot: str,
        chunk: Sequence[Entry],
        before: Written,
        noted: SnapshotRecord,
        renamed: Renamed,
    ) -> int:
        """Set what differs in the chunk after those counted in `before`; return how many entries did.

        `noted` is what the registry says of the snapshot: it is kept for as long as it covers more chunks.
        What stood on the list of names and is not of the chunk goes to `renamed`, and stays on the list.
        """
        record = noted if noted.chunks > before.chunks else before.record(UNFINISHED)
        names = [key for key, _ in chunk]
        others = sorted({*self._noted_names(snapshot, before.chunks)}.difference(names))
        if others:
            renamed.names.update(others)
            renamed.lengths[before.chunks] = len(names)
        # With the others, so that after a kill they are known still.
        self._name_chunk(snapshot, [*names, *others], before.chunks, record)
        wrong = self.different(snapshot, chunk)
        self._set(snapshot, wrong)
        return len(wrong)

    def different(self, snapshot: str, entries: Iterable[Entry]) -> list[Entry]:
        """Those of the entries that Redis does not have, or has with another value."""
        return [
            entry
            for part in in_chunks(entries, ENTRIES_PER_COMMAND)
            for entry, found in zip(part, self._values(snapshot, part), strict=True)
            if found != entry[1]
        ]

    def record(self, snapshot: str, record: SnapshotRecord) -> None:
        """Note how far a snapshot is."""
        self._lock.renew(_RECORD, [self._keys.registry], [snapshot, record.encode()])

    def count(self, snapshot: str, record: SnapshotRecord) -> int:
        """Entries of a snapshot that are there, each looked up."""
        return sum(self._count_chunk(snapshot, chunk) for chunk in range(record.chunks))

    def drop(self, snapshot: str, record: SnapshotRecord) -> None:
        """Drop a condemned snapshot; cut short, it can be called again."""
        for chunk in range(record.chunks + 1):  # the one after the last may be there in part
            self.drop_chunk(snapshot, chunk)
        self._lock.renew(_FORGET, [self._keys.registry], [snapshot])

    def drop_chunk(self, snapshot: str, chunk: int) -> None:
        """Drop the entries of one chunk, then their names."""
        self._lock.renew()
        self._servers.drop(self._key_list(snapshot, chunk))
        self._servers.drop([self._keys.key_list(snapshot, chunk)])

    def drop_surplus(self, snapshot: str, written: Written, noted: SnapshotRecord, renamed: Renamed) -> None:
        """Drop what stood on lists of names before a repair and is of none of its chunks, then its names.

        Raises:
            SnapshotUnreadable: a list of names got lost since it was written; nothing was dropped.
        """
        surplus_lists = range(written.chunks, noted.chunks)
        surplus = renamed.names.union(*(self._noted_names(snapshot, chunk) for chunk in surplus_lists))
        if surplus:
            named = 0
            for chunk in range(written.chunks):
                self._lock.renew()
                names = self._names(snapshot, chunk)
                names = names[: renamed.lengths.get(chunk, len(names))]
                surplus.difference_update(names)
                named += len(names)
            # A list that is gone by now would take entries for surplus that readers ask for.
            if named != written.entries:
                raise SnapshotUnreadable(
                    f"Redis lost names of snapshot {snapshot} while it was repaired: publish it again"
                )
            for part in in_chunks(sorted(surplus), ENTRIES_PER_COMMAND):
                self._lock.renew()
                self._servers.drop(self._keys.entries(snapshot, part))
        record = noted if surplus_lists else written.record(UNFINISHED)
        for chunk, length in renamed.lengths.items():
            self._name_chunk(snapshot, self._noted_names(snapshot, chunk)[:length], chunk, record)
        self._servers.drop([self._keys.key_list(snapshot, chunk) for chunk in surplus_lists])

    def _name_chunk(self, snapshot: str, names: Sequence[str], number: int, record: SnapshotRecord) -> None:
        self._lock.renew(
            _RECORD_AND_KEY_LIST,
            [self._keys.registry, self._keys.key_list(snapshot, number)],
            [snapshot, record.encode(), encode_key_list(names)],
        )

    def _set(self, snapshot: str, entries: Sequence[Entry]) -> None:
        prefix = self._keys.entry(snapshot, "")
        self._servers.write({prefix + key: value for key, value in entries})

    def _values(self, snapshot: str, entries: Sequence[Entry]) -> list[bytes | None]:
        keys = self._keys.entries(snapshot, [key for key, _ in entries])
        return self._servers.read(keys)

    def _count_chunk(self, snapshot: str, chunk: int) -> int:
        self._lock.renew()
        return self._servers.count(self._key_list(snapshot, chunk))

    def _key_list(self, snapshot: str, chunk: int) -> list[str]:
        return self._keys.entries(snapshot, self._names(snapshot, chunk))

    def _names(self, snapshot: str, chunk: int) -> list[str]:
        (stored,) = self._servers.read([self._keys.key_list(snapshot, chunk)])
        return decode_key_list(stored) if stored else []

    def _noted_names(self, snapshot: str, chunk: int) -> list[str]:
        """Names of a chunk, none where the list is damaged: a repair writes it anew."""
        with suppress(SnapshotUnreadable):
            return self._names(snapshot, chunk)
        return []
