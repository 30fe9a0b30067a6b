"""What changes between two publications, in Redis: items' stock and prices, and what customers just did.

Public: docs/snapshot-format.md, "Between publications". Every request reads, in the round trip that it makes
anyway, the version of the items' changes and the notes on its customer; what changed since is fetched by the
worker that sees a new version.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import redis
from redis.exceptions import WatchError

from recommender.errors import StoreUnavailable
from recommender.snapshot.redis_connection import refusals_of
from recommender.snapshot.redis_layout import RedisKeys
from recommender.snapshot.redis_servers import RedisServers

from .item_changes import ItemChange, KnownChanges

MOST_LOGGED = 10_000
"""Changes that the log keeps; a worker that missed more reads all that is said anew."""

NOTES_SECONDS = 90 * 24 * 3600
"""How long notes on a customer are kept after the last one; a training knows of them long before."""

MOST_NOTES_BYTES = 16_384
"""Notes on a customer that are kept; of more, the older half goes."""

_MOST_TRIES = 10
_BEGINNING = b"0-0"


class LiveState:
    """The part of a shop's Redis that the service writes."""

    def __init__(self, client: redis.Redis, shop: str) -> None:
        """Nothing is asked of Redis yet.

        Args:
            client: see `connect`; of a cluster, any node's.
            shop: prefix of every key.
        """
        self._client, self._servers, self._keys = client, RedisServers(client), RedisKeys(shop)

    def change_item(self, item_id: str, how: Callable[[ItemChange], ItemChange]) -> ItemChange:
        """Change what is said of an item, and return it; every request that begins later knows.

        Args:
            item_id: the shop's id.
            how: from what is said now to what is to be said; an empty change takes all back.

        Raises:
            StoreUnavailable: Redis did not answer, or refused.
        """
        with self._refusals("note the change of an item"):
            return self._change(item_id, how)

    def changes(self, known: KnownChanges) -> KnownChanges:
        """All that is said of items, given what was known before.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with self._refusals("read the changes of items"):
            with self._bookkeeper().pipeline(transaction=True) as commands:
                commands.get(self._keys.item_version)
                # The last entry known is asked for, too: if it is gone, so may be some that followed it.
                commands.xrange(self._keys.item_log, min=known.last, count=MOST_LOGGED + 1)
                version, entries = commands.execute()
            if entries and entries[0][0] == known.last:
                return _with(known, version, entries[1:])
            return self._all_changes()

    def restore(self, known: KnownChanges) -> None:
        """Say again what Redis has lost.

        Raises:
            StoreUnavailable: Redis did not answer, or refused.
        """
        with self._refusals("note the changes of items again"):
            commands = self._bookkeeper().pipeline(transaction=True)
            for item_id, change in known.changes.items():
                self._say(commands, item_id, change)
            commands.set(self._keys.item_version, secrets.token_hex(8), nx=True)
            commands.execute()

    def note(self, customer_id: str, notes: Sequence[bytes]) -> None:
        """Add notes on a customer; every request that begins later knows them.

        Raises:
            StoreUnavailable: Redis did not answer, or refused.
        """
        key = self._keys.notes(customer_id)
        with self._refusals("note what a customer did"):
            with self._servers.bookkeeper(key).pipeline(transaction=True) as commands:
                commands.append(key, b"".join(notes))
                commands.expire(key, NOTES_SECONDS)
                length, _ = commands.execute()
            if length > MOST_NOTES_BYTES:
                self._drop_older_half(key)

    def _change(self, item_id: str, how: Callable[[ItemChange], ItemChange]) -> ItemChange:
        client, changes = self._bookkeeper(), self._keys.item_changes
        commands: Any  # redis-py has typed pipelines that watch in part only
        for _ in range(_MOST_TRIES):
            with client.pipeline(transaction=True) as commands:
                commands.watch(changes)
                change = how(_decoded(commands.hget(changes, item_id)))
                commands.multi()
                self._say(commands, item_id, change)
                commands.set(self._keys.item_version, secrets.token_hex(8))
                try:
                    commands.execute()
                except WatchError:
                    continue
                return change
        raise StoreUnavailable(f"item {item_id!r} is being changed by too many at once: try again")

    def _say(self, commands: Any, item_id: str, change: ItemChange) -> None:
        if change.empty:
            commands.hdel(self._keys.item_changes, item_id)
        else:
            commands.hset(self._keys.item_changes, item_id, msgspec.json.encode(change))
        entry = {"item": item_id, "said": msgspec.json.encode(change)}
        commands.xadd(self._keys.item_log, entry, maxlen=MOST_LOGGED, approximate=True)

    def _all_changes(self) -> KnownChanges:
        with self._bookkeeper().pipeline(transaction=True) as commands:
            commands.get(self._keys.item_version)
            commands.xrevrange(self._keys.item_log, count=1)
            commands.hgetall(self._keys.item_changes)
            version, newest, said = commands.execute()
        return KnownChanges(
            version=version,
            last=newest[0][0] if newest else _BEGINNING,
            changes={item_id.decode(): _decoded(change) for item_id, change in said.items()},
        )

    def _drop_older_half(self, key: str) -> None:
        commands: Any
        with self._servers.bookkeeper(key).pipeline(transaction=True) as commands:
            commands.watch(key)
            notes: bytes = commands.get(key) or b""
            # Notes are lines.
            kept = notes[notes.find(b"\n", len(notes) // 2) + 1 :]
            commands.multi()
            commands.set(key, kept, ex=NOTES_SECONDS)
            try:
                commands.execute()
            except WatchError:
                return  # somebody added one, and will find that there are too many

    def _bookkeeper(self) -> redis.Redis:
        return self._servers.bookkeeper(self._keys.item_changes)

    def _refusals(self, doing: str) -> AbstractContextManager[None]:
        return refusals_of(self._client, doing)


def _with(known: KnownChanges, version: bytes | None, entries: Sequence[Any]) -> KnownChanges:
    """What is known, once these entries of the log are known as well."""
    changes: dict[str, ItemChange] = dict(known.changes)
    for _, entry in entries:
        item_id, change = entry[b"item"].decode(), _decoded(entry[b"said"])
        if change.empty:
            changes.pop(item_id, None)
        else:
            changes[item_id] = change
    return KnownChanges(version, entries[-1][0] if entries else known.last, changes)


def _decoded(said: bytes | None) -> ItemChange:
    return ItemChange() if said is None else msgspec.json.decode(said, type=ItemChange)
