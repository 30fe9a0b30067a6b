"""What changes between two publications, in Redis: items' stock and prices, and what customers just did.

Public: docs/snapshot-format.md, "Between publications". Every request reads, in the round trip that it makes
anyway, the version of the items' changes and the notes on its customer; what changed since is fetched by the
worker that sees a new version.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import redis
from redis.exceptions import WatchError

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

Said = Mapping[str, int | float | bool | None]
"""What is said of an item, by field of `ItemChange`; None takes it back."""

FIELDS = ItemChange.__struct_fields__

_BETWEEN = "\0"
"""Between an item's id, which cannot hold it, and the name of what is said of it."""

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

    def change_item(self, item_id: str, said: Said) -> ItemChange:
        """Change what is said of an item; every request that begins later knows.

        Args:
            item_id: the shop's id.
            said: by field of `ItemChange`; None takes back what was said, and what is not named stays.

        Returns:
            All that is said of it now.

        Raises:
            StoreUnavailable: Redis did not answer, or refused.
        """
        with self._refusals("note the change of an item"):
            commands = self._bookkeeper().pipeline(transaction=True)
            self._say(commands, item_id, said)
            commands.set(self._keys.item_version, secrets.token_hex(8))
            commands.hmget(self._keys.item_changes, [_field(item_id, name) for name in FIELDS])
            values = commands.execute()[-1]
            _wait_until_told(self._bookkeeper())
        now = {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
        return _with_said(ItemChange(), {name: msgspec.json.decode(value) for name, value in now.items()})

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
                self._say(commands, item_id, msgspec.structs.asdict(change))
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
            _wait_until_told(self._servers.bookkeeper(key))
            if length > MOST_NOTES_BYTES:
                self._drop_older_half(key)

    def take_back(self, customer_id: str, notes: Sequence[bytes]) -> None:
        """Remove notes that were just added; what is left, an opting-out, is kept for good.

        Raises:
            StoreUnavailable: Redis did not answer, or refused.
        """
        key = self._keys.notes(customer_id)
        commands: Any
        with (
            self._refusals("remove what was noted of a customer"),
            self._servers.bookkeeper(key).pipeline(transaction=True) as commands,
        ):
            commands.watch(key)
            left = (commands.get(key) or b"").replace(b"".join(notes), b"")
            commands.multi()
            commands.set(key, left) if left else commands.unlink(key)
            try:
                commands.execute()
            except WatchError:
                return  # somebody else is about it just now: who erases, or who opts out

    def replace_notes(self, customer_id: str, notes: bytes) -> int:
        """Exchange all notes on a customer; every request that begins later knows. They are kept for good.

        Args:
            customer_id: who.
            notes: lines of notes; none to remove all.

        Returns:
            How many there were before.

        Raises:
            StoreUnavailable: Redis did not answer, or refused.
        """
        key = self._keys.notes(customer_id)
        with self._refusals("change what is noted of a customer"):
            with self._servers.bookkeeper(key).pipeline(transaction=True) as commands:
                commands.get(key)
                # Set in any case: who is to be told of a change is told.
                commands.set(key, notes)
                if not notes:
                    commands.unlink(key)
                before: bytes | None = commands.execute()[0]
            _wait_until_told(self._servers.bookkeeper(key))
        return len((before or b"").splitlines())

    def notes(self, customer_id: str) -> bytes:
        """The notes on a customer.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with self._refusals("read what is noted of a customer"):
            (stored,) = self._servers.read([self._keys.notes(customer_id)])
        return stored or b""

    def _say(self, commands: Any, item_id: str, said: Said) -> None:
        for name, value in said.items():
            if value is None:
                commands.hdel(self._keys.item_changes, _field(item_id, name))
            else:
                commands.hset(self._keys.item_changes, _field(item_id, name), msgspec.json.encode(value))
        entry = {"item": item_id, "said": msgspec.json.encode(said)}
        commands.xadd(self._keys.item_log, entry, maxlen=MOST_LOGGED, approximate=True)

    def _all_changes(self) -> KnownChanges:
        with self._bookkeeper().pipeline(transaction=True) as commands:
            commands.get(self._keys.item_version)
            commands.xrevrange(self._keys.item_log, count=1)
            commands.hgetall(self._keys.item_changes)
            version, newest, said = commands.execute()
        by_item: dict[str, dict[str, Any]] = {}
        for field, value in said.items():
            item_id, _, name = field.decode().rpartition(_BETWEEN)
            by_item.setdefault(item_id, {})[name] = msgspec.json.decode(value)
        return KnownChanges(
            version=version,
            last=newest[0][0] if newest else _BEGINNING,
            changes={item_id: _with_said(ItemChange(), known) for item_id, known in by_item.items()},
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


def _wait_until_told(server: redis.Redis) -> None:
    """Until the workers were told of what was just written (`Invalidations`)."""
    # What Redis tells, it sends before it reads the next command, but perhaps not before the last answer.
    server.ping()


def _with(known: KnownChanges, version: bytes | None, entries: Sequence[Any]) -> KnownChanges:
    """What is known, once these entries of the log are known as well."""
    changes: dict[str, ItemChange] = dict(known.changes)
    for _, entry in entries:
        item_id = entry[b"item"].decode()
        change = _with_said(changes.get(item_id, ItemChange()), msgspec.json.decode(entry[b"said"]))
        if change.empty:
            changes.pop(item_id, None)
        else:
            changes[item_id] = change
    return KnownChanges(version, entries[-1][0] if entries else known.last, changes)


def _with_said(before: ItemChange, said: Said) -> ItemChange:
    return msgspec.convert(msgspec.structs.asdict(before) | dict(said), ItemChange)


def _field(item_id: str, name: str) -> str:
    return f"{item_id}{_BETWEEN}{name}"
