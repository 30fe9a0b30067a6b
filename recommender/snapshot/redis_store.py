"""Published snapshots in Redis. The layout is public: docs/snapshot-format.md, "In Redis"."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

import redis

from recommender.errors import SnapshotError, SnapshotMissing, SnapshotUnreadable
from recommender.snapshot.redis_connection import (
    PUBLISHING,
    SERVING,
    Timeouts,
    connect,
    location,
    refusals_of,
)
from recommender.snapshot.redis_entries import RedisEntries, Renamed
from recommender.snapshot.redis_layout import (
    COMPLETE,
    DROPPING,
    UNFINISHED,
    Pointer,
    RedisKeys,
    SnapshotRecord,
    Written,
    check_snapshot_id,
)
from recommender.snapshot.redis_lock import PublisherLock
from recommender.snapshot.redis_memory import expected_memory
from recommender.snapshot.redis_registry import RedisRegistry
from recommender.snapshot.redis_servers import RedisServers, in_chunks
from recommender.snapshot.store import READER_GRACE, Capacity, Entry, StoredSnapshot

__all__ = ["ENTRIES_PER_CHUNK", "PUBLISHING", "SERVING", "RedisStore", "Timeouts", "connect"]

ENTRIES_PER_CHUNK = 2_000
"""Entries between two notes of how far a publication is, and on one list of keys."""

_USUAL_SNAPSHOT_ID = "20261121T040000Z-01234567"


class RedisStore:
    """A `SnapshotStore` in one shop's part of a Redis."""

    def __init__(
        self,
        client: redis.Redis,
        shop: str,
        *,
        entries_per_chunk: int = ENTRIES_PER_CHUNK,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is asked of Redis yet.

        Args:
            client: see `connect`; of a cluster, any node's.
            shop: prefix of every key: 1 to 64 letters, digits, - and _.
            entries_per_chunk: entries written at once.
            sleep: how to wait for the lock of a publisher that was killed.

        Raises:
            ConfigError: the shop id holds other characters.
        """
        self._client = client
        self._servers = RedisServers(client)
        self._keys = RedisKeys(shop)
        self._entries_per_chunk = entries_per_chunk
        self._lock = PublisherLock(self._servers, self._keys.publisher, sleep=sleep)
        self._registry = RedisRegistry(self._servers, self._keys)
        self._entries = RedisEntries(self._servers, self._keys, self._lock)

    def write(
        self, snapshot: str, entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """See `SnapshotStore.write`."""
        check_snapshot_id(snapshot)
        with self._refusals(f"write snapshot {snapshot}"), self.publishing():
            if not self._go_on(snapshot, self._begun(snapshot), entries, progress):
                self._clear(snapshot, entries)
                self._go_on(snapshot, SnapshotRecord(), entries, progress)

    def repair(
        self, snapshot: str, entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
    ) -> int:
        """See `SnapshotStore.repair`."""
        check_snapshot_id(snapshot)
        with self._refusals(f"repair snapshot {snapshot}"), self.publishing():
            noted = self._registry.look().records.get(snapshot, SnapshotRecord())
            written, repaired, renamed = Written(), 0, Renamed()
            for chunk in in_chunks(entries, self._entries_per_chunk):
                repaired += self._entries.repair_chunk(snapshot, chunk, written, noted, renamed)
                written.add(chunk)
                progress(written.entries)
            self._entries.drop_surplus(snapshot, written, noted, renamed)
            self._entries.record(snapshot, written.record(COMPLETE))
        return repaired

    def activate(self, snapshot: str) -> None:
        """See `SnapshotStore.activate`."""
        with self._refusals(f"activate snapshot {snapshot}"):
            self._registry.activate(snapshot)

    def active_id(self) -> str:
        """See `SnapshotStore.active_id`."""
        with self._refusals("say which snapshot is active"):
            active = self._servers.read_field(self._keys.pointer, "active")
        if active is None:
            raise SnapshotMissing(
                f"nothing has been published yet for shop {self._keys.shop!r} in Redis at "
                f"{location(self._client)}: run `cartlift publish DIR`"
            )
        return active.decode(errors="replace")

    def read(self, snapshot: str, keys: Sequence[str], beside: Sequence[str] = ()) -> list[bytes | None]:
        """See `SnapshotStore.read`; one round trip."""
        if not keys and not beside:
            return []
        with self._refusals("read lists"):
            return self._servers.read([*self._keys.entries(snapshot, keys), *beside])

    def roll_back(self) -> str:
        """See `SnapshotStore.roll_back`."""
        with self._refusals("roll back"):
            # Named before the switch, so that a switch whose answer got lost is not undone by its repetition.
            state = self._registry.look()
            previous = state.pointer.previous
            if previous is None:
                raise SnapshotMissing(
                    "there is no previous snapshot to roll back to: publish a second one first"
                )
            if state.records.get(previous, SnapshotRecord()).state != COMPLETE:
                raise SnapshotMissing(
                    f"the previous snapshot {previous} is not whole in Redis any more, what is live stays: "
                    "to go back, publish the directory of the previous one"
                )
            self._registry.activate(previous)
        return previous

    def snapshots(self) -> list[StoredSnapshot]:
        """See `SnapshotStore.snapshots`."""
        with self._refusals("list its snapshots"):
            state = self._registry.look()
        records = state.records
        # What readers see is there, even if the registry that knew how much it is got lost.
        if state.pointer.active is not None:
            records = {state.pointer.active: SnapshotRecord()} | records
        order = sorted(records, key=lambda id_: (*_rank(id_, state.pointer), id_))
        return [_stored(id_, records[id_], state.pointer) for id_ in order]

    def prune(self, *, keep: Collection[str] = (), grace: float = READER_GRACE) -> list[str]:
        """See `SnapshotStore.prune`."""
        with self._refusals("drop old snapshots"), self.publishing():
            condemned = self._registry.condemn(lambda state: state.dispensable(keep, grace))
            for snapshot, record in condemned.items():
                self._entries.drop(snapshot, record)
        return list(condemned)

    def publishing(self) -> AbstractContextManager[None]:
        """See `SnapshotStore.publishing`."""
        return self._lock.held()

    def verify(self, snapshot: str, sample: Mapping[str, bytes]) -> None:
        """See `SnapshotStore.verify`."""
        with self._refusals(f"verify snapshot {snapshot}"), self.publishing():
            record = self._registry.look().records.get(snapshot, SnapshotRecord())
            if record.state != COMPLETE:
                raise SnapshotMissing(f"cannot verify {snapshot}: it was never written to the end")
            missing = record.entries - self._entries.count(snapshot, record)
            wrong = len(self._entries.different(snapshot, sample.items()))
            if missing or wrong:
                self._registry.condemn(lambda state: state.unless_active(snapshot))
                raise SnapshotUnreadable(
                    f"Redis at {location(self._client)} did not keep snapshot {snapshot}: {missing:,} of "
                    f"{record.entries:,} entries are gone, {wrong:,} of {len(sample):,} looked at are wrong. "
                    "Check its maxmemory-policy (noeviction is right), then publish again"
                )

    def capacity(self, entries: int, size: int) -> Capacity:
        """See `SnapshotStore.capacity`; `free` is what maxmemory leaves, None where that is not set.

        A cluster's nodes are taken to get equal shares, so that the fullest one says how much fits.
        """
        with self._refusals("say how much memory it has"):
            servers = self._servers.memory()
        prefix = len(self._keys.entry(_USUAL_SNAPSHOT_ID, ""))
        free = [max(server.limit - server.used, 0) for server in servers if server.limit]
        share, rest = entries / len(servers), size + entries * prefix
        return Capacity(
            needed=round(sum(expected_memory(share, rest / len(servers), server) for server in servers)),
            free=min(free) * len(servers) if free else None,
        )

    def _go_on(
        self, snapshot: str, begun: SnapshotRecord, entries: Iterable[Entry], progress: Callable[[int], None]
    ) -> bool:
        """Write what `begun` lacks; False as soon as the entries turn out to be others than those in it."""
        written = Written()
        for chunk in in_chunks(entries, self._entries_per_chunk):
            if written.chunks < begun.chunks:
                self._lock.renew()
            elif begun.state == COMPLETE:
                return False
            else:
                self._entries.write_chunk(snapshot, chunk, written)
            written.add(chunk)
            if written.chunks == begun.chunks and written.digest != begun.digest:
                return False
            progress(written.entries)
        if begun.state != COMPLETE and written.chunks >= begun.chunks:
            self._entries.record(snapshot, written.record(COMPLETE))
        return written.chunks >= begun.chunks

    def _begun(self, snapshot: str) -> SnapshotRecord:
        """What is whole of this snapshot, after clearing away what is not."""
        record = self._registry.look().records.get(snapshot, SnapshotRecord())
        if record.state == DROPPING:
            self._entries.drop(snapshot, record)
            return SnapshotRecord()
        if record.state == UNFINISHED:
            self._entries.drop_chunk(snapshot, record.chunks)
        return record

    def _clear(self, snapshot: str, entries: Iterable[Entry]) -> None:
        """Make way for other entries than those written before."""
        if iter(entries) is entries:
            raise SnapshotError(
                f"snapshot {snapshot} is in Redis with other entries: write it from a list instead"
            )
        condemned = self._registry.condemn(lambda state: state.unless_active(snapshot))
        if not condemned:
            raise SnapshotError(
                f"snapshot {snapshot} is active with other entries: train again to get a new id"
            )
        self._entries.drop(snapshot, condemned[snapshot])

    def _refusals(self, doing: str) -> AbstractContextManager[None]:
        return refusals_of(self._client, doing)


def _rank(snapshot: str, pointer: Pointer) -> tuple[bool, bool]:
    return snapshot != pointer.active, snapshot != pointer.previous


def _stored(snapshot: str, record: SnapshotRecord, pointer: Pointer) -> StoredSnapshot:
    named = {pointer.previous: "previous", pointer.active: "active"}
    state = named.get(snapshot) or (COMPLETE if record.state == COMPLETE else UNFINISHED)
    return StoredSnapshot(snapshot, state, record.entries, record.size)
