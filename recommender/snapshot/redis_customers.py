"""Everything that the snapshots in Redis hold of one customer: to be read, and to be taken out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import redis
from redis.exceptions import WatchError

from recommender.errors import SnapshotUnreadable, StoreUnavailable
from recommender.snapshot.encoding import StoredManifest, decode_manifest, entry_key
from recommender.snapshot.pages import decode_page, entry_of, row_in
from recommender.snapshot.reader_check import MANIFEST_KEY
from recommender.snapshot.redis_connection import refusals_of
from recommender.snapshot.redis_layout import COMPLETE, DROPPING, RedisKeys
from recommender.snapshot.redis_registry import RedisRegistry
from recommender.snapshot.redis_servers import RedisServers

KINDS = ("customer", "orders", "reasons", "due", "bundles")
"""Kinds of rows that are about one customer."""

_MOST_TRIES = 20
"""Times that a page is written anew while others change it."""


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A row about a customer.

    Attributes:
        manifest: of its snapshot.
        kind: one of `KINDS`.
        row: as it is stored.
    """

    manifest: StoredManifest
    kind: str
    row: bytes


class RedisCustomers:
    """The rows of single customers in every snapshot of a shop."""

    def __init__(self, client: redis.Redis, shop: str) -> None:
        """Nothing is asked of Redis yet.

        Args:
            client: see `connect`; of a cluster, any node's.
            shop: prefix of every key.
        """
        self._client, self._servers, self._keys = client, RedisServers(client), RedisKeys(shop)
        self._registry = RedisRegistry(self._servers, self._keys)

    def rows(self, customer_id: str) -> list[CustomerRow]:
        """The customer's rows in every whole snapshot; a damaged page has none.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with refusals_of(self._client, "read what it holds of a customer"):
            return list(self._rows(customer_id))

    def erase(self, customer_id: str) -> dict[str, int]:
        """Take the customer's rows out of every whole snapshot; how many there were, by snapshot.

        Pages are exchanged one by one, each at once: readers see the old page or the new one.

        Raises:
            StoreUnavailable: Redis did not answer, or a page cannot be read; asking again goes on.
        """
        with refusals_of(self._client, "remove a customer"):
            return {
                manifest.snapshot: sum(
                    self._without(
                        self._keys.entry(
                            manifest.snapshot, entry_of(entry_key(kind, customer_id), manifest.pages)
                        ),
                        entry_key(kind, customer_id),
                        paged=kind in manifest.pages,
                    )
                    for kind in KINDS
                )
                for manifest in self._manifests()
            }

    def unfinished(self) -> list[str]:
        """Snapshots that are being written or dropped just now.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with refusals_of(self._client, "list its snapshots"):
            records = self._registry.look().records
        return [id_ for id_, record in records.items() if record.state != COMPLETE]

    def _rows(self, customer_id: str) -> Iterator[CustomerRow]:
        for manifest in self._manifests():
            keys = [entry_key(kind, customer_id) for kind in KINDS]
            entries = self._servers.read(
                self._keys.entries(manifest.snapshot, [entry_of(key, manifest.pages) for key in keys])
            )
            for kind, key, entry in zip(KINDS, keys, entries, strict=True):
                try:
                    row = row_in(entry, key) if entry is not None and kind in manifest.pages else entry
                except SnapshotUnreadable:
                    continue
                if row is not None:
                    yield CustomerRow(manifest, kind, row)

    def _manifests(self) -> Iterator[StoredManifest]:
        state = self._registry.look()
        # What is live is there, even if the registry that knew of it got lost.
        named = {id_ for id_ in (state.pointer.active, state.pointer.previous) if id_}
        known = {id_ for id_, record in state.records.items() if record.state != DROPPING}
        for snapshot in sorted(named | known):
            (raw,) = self._servers.read([self._keys.entry(snapshot, MANIFEST_KEY)])
            if raw is not None:
                yield decode_manifest(raw)

    def _without(self, entry: str, key: str, *, paged: bool) -> int:
        server = self._servers.bookkeeper(entry)
        if not paged:
            return int(server.unlink(entry))
        for _ in range(_MOST_TRIES):
            commands: Any
            with server.pipeline(transaction=True) as commands:
                commands.watch(entry)
                page: bytes | None = commands.get(entry)
                if page is None:
                    return 0
                try:
                    rows = decode_page(page)
                except SnapshotUnreadable as error:
                    raise StoreUnavailable(f"{entry}: {error}") from error
                if rows.pop(key.partition(":")[2][1:-1], None) is None:
                    return 0
                commands.multi()
                commands.set(entry, msgspec.msgpack.encode(rows))
                try:
                    commands.execute()
                    return 1
                except WatchError:
                    continue
        raise StoreUnavailable(f"{entry} is being written by somebody else all the time: ask again")
