"""Names and shapes of everything a shop keeps in Redis. Public: docs/snapshot-format.md."""

import hashlib
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from recommender.errors import ConfigError, SnapshotUnreadable
from recommender.snapshot.encoding import FORMAT_VERSION
from recommender.snapshot.store import Entry

KEY_PREFIX = f"cartlift:{FORMAT_VERSION}:"
"""Start of every key; the format version is part of it, so two versions share a Redis and never meet."""

UNFINISHED = "unfinished"
COMPLETE = "complete"
DROPPING = "dropping"

_SHOP = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SNAPSHOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")


@dataclass(frozen=True, slots=True)
class RedisKeys:
    """The keys of one shop.

    Keys that change together carry the shop as Redis Cluster hash tag, so that they can do so in one
    transaction; entries and notes on customers carry their own tag and spread over the cluster.
    """

    shop: str

    def __post_init__(self) -> None:
        if not _SHOP.fullmatch(self.shop):
            raise ConfigError(
                f"{self.shop!r} cannot be a shop id: use 1 to 64 letters, digits, - and _ (see --shop)"
            )

    @property
    def pointer(self) -> str:
        """Hash that says which snapshot is active."""
        return f"{KEY_PREFIX}{{{self.shop}}}:pointer"

    @property
    def registry(self) -> str:
        """Hash from snapshot id to `SnapshotRecord`."""
        return f"{KEY_PREFIX}{{{self.shop}}}:snapshots"

    @property
    def publisher(self) -> str:
        """Lock of the one publisher."""
        return f"{KEY_PREFIX}{{{self.shop}}}:publisher"

    @property
    def item_changes(self) -> str:
        """Hash from item id to what the shop said of it since the training."""
        return f"{KEY_PREFIX}{{{self.shop}}}:items"

    @property
    def item_log(self) -> str:
        """Stream of the changes of `item_changes`."""
        return f"{KEY_PREFIX}{{{self.shop}}}:items:log"

    @property
    def item_version(self) -> str:
        """Another text after every change of `item_changes`."""
        return f"{KEY_PREFIX}{{{self.shop}}}:items:version"

    def notes(self, customer_id: str) -> str:
        """What a customer just did."""
        return f"{KEY_PREFIX}{self.shop}:live:notes:{{{customer_id}}}"

    @property
    def living(self) -> tuple[str, ...]:
        """What the keys of all values begin with that every request reads beside its lists."""
        return self.item_version, f"{KEY_PREFIX}{self.shop}:live:"

    def key_list(self, snapshot: str, chunk: int) -> str:
        """Names of the entries of one chunk."""
        return f"{KEY_PREFIX}{{{self.shop}}}:keys:{snapshot}:{chunk}"

    def entry(self, snapshot: str, key: str) -> str:
        """One entry of a snapshot; `key` as `encoding.entry_key` makes it."""
        return f"{KEY_PREFIX}{self.shop}:{snapshot}:{key}"

    def entries(self, snapshot: str, keys: Sequence[str]) -> list[str]:
        """Several entries of a snapshot, in the order given."""
        prefix = self.entry(snapshot, "")
        return [prefix + key for key in keys]


def check_snapshot_id(snapshot: str) -> None:
    """Refuse an id that could be mistaken for another part of a key.

    Raises:
        ConfigError: it is empty, too long, or holds spaces or braces.
    """
    if not _SNAPSHOT.fullmatch(snapshot):
        raise ConfigError(
            f"{snapshot!r} cannot be a snapshot id: use 1 to 100 letters, digits and . _ : + -, "
            "a letter or digit first"
        )


class SnapshotRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the registry knows of one snapshot.

    Attributes:
        state: `unfinished`, `complete` or `dropping`.
        entries: entries in the chunks that are written.
        size: bytes of their keys and values.
        chunks: chunks that are written; the next one may be there in part.
        digest: of the contents of those chunks, so that a publication goes on only with the same contents.
        active_until: when it stopped being active, in seconds since 1970 by Redis' own clock; None while it
            is active and when it never was.
    """

    state: str = UNFINISHED
    entries: int = 0
    size: int = 0
    chunks: int = 0
    digest: str = hashlib.blake2b(digest_size=16).hexdigest()
    active_until: float | None = None

    def encode(self) -> bytes:
        """The record as JSON."""
        return msgspec.json.encode(self)


def decode_registry(raw: Mapping[bytes, bytes]) -> dict[str, SnapshotRecord]:
    """The registry, snapshot id to record.

    Raises:
        SnapshotUnreadable: a record is damaged.
    """
    try:
        return {id_.decode(): msgspec.json.decode(record, type=SnapshotRecord) for id_, record in raw.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotUnreadable(
            f"the snapshots' registry in Redis cannot be read ({error}): something else wrote to it. Remove "
            f"the key {KEY_PREFIX}{{SHOP}}:snapshots, then publish again: what is live stays live"
        ) from error


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which snapshot readers see, and which one they saw before."""

    active: str | None
    previous: str | None

    @classmethod
    def decode(cls, raw: Mapping[bytes, bytes]) -> "Pointer":
        """The pointer as Redis holds it; empty where nothing was ever published."""
        active, previous = raw.get(b"active"), raw.get(b"previous")
        names = (id_.decode(errors="replace") if id_ else None for id_ in (active, previous))
        return cls(*names)

    def after(self, snapshot: str) -> "Pointer":
        """The pointer once `snapshot` is active."""
        return self if snapshot == self.active else Pointer(snapshot, self.active)

    def encode(self, now: float) -> list[str]:
        """Fields and values of the hash in turn, to be written at once."""
        return ["active", self.active or "", "previous", self.previous or "", "switched", f"{now:.6f}"]


@dataclass(frozen=True, slots=True)
class ShopState:
    """Everything that decides which snapshots a shop keeps, read at one moment.

    Attributes:
        pointer: which snapshot is active, which one was.
        records: the registry.
        now: seconds since 1970 by Redis' own clock, so that publishers' clocks need not agree.
    """

    pointer: Pointer
    records: dict[str, SnapshotRecord]
    now: float

    @classmethod
    def decode(
        cls, pointer: Mapping[bytes, bytes], records: Mapping[bytes, bytes], time: tuple[int, int]
    ) -> "ShopState":
        """From the answers to HGETALL, HGETALL and TIME.

        Raises:
            SnapshotUnreadable: a record is damaged.
        """
        return cls(Pointer.decode(pointer), decode_registry(records), time[0] + time[1] / 1e6)

    def dispensable(self, keep: Collection[str], grace: float) -> list[str]:
        """Snapshots that no reader can be using, see `SnapshotStore.prune`."""
        kept = {self.pointer.active, self.pointer.previous, *keep}
        return [
            id_
            for id_, record in self.records.items()
            if id_ not in kept and not self._may_be_read(record, grace)
        ]

    def left_by(self, snapshot: str) -> list[str]:
        """Snapshots that readers may be on still when `snapshot` becomes the active one."""
        others = [id_ for id_ in self.records if id_ != snapshot]
        if self.pointer.active is not None:
            return [id_ for id_ in others if id_ == self.pointer.active]
        return [id_ for id_ in others if self._may_be_read(self.records[id_], 0)]

    def _may_be_read(self, record: SnapshotRecord, grace: float) -> bool:
        if record.active_until is not None:
            return self.now - record.active_until < grace
        # Without a pointer nobody knows which one was live: whoever reads it may still be at it.
        return self.pointer.active is None and record.state == COMPLETE

    def unless_active(self, snapshot: str) -> list[str]:
        """The snapshot alone, or nothing when readers see it or it is not there."""
        return [snapshot] if snapshot != self.pointer.active and snapshot in self.records else []


@dataclass(slots=True)
class Written:
    """Counts and digest of the chunks of a publication, in their order."""

    entries: int = 0
    size: int = 0
    chunks: int = 0
    _hash: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    def add(self, chunk: Sequence[Entry]) -> None:
        """Count one more chunk."""
        self.entries += len(chunk)
        self.size += sum(len(key.encode()) + len(value) for key, value in chunk)
        self.chunks += 1
        self._hash.update(msgspec.msgpack.encode(chunk))

    @property
    def digest(self) -> str:
        """Of all entries so far, as `SnapshotRecord.digest`."""
        return self._hash.hexdigest()

    def record(self, state: str) -> SnapshotRecord:
        """What the registry shall say now."""
        return SnapshotRecord(state, self.entries, self.size, self.chunks, self.digest)


def encode_key_list(keys: Sequence[str]) -> bytes:
    """Entry keys of one chunk: a JSON list, zlib-compressed."""
    return zlib.compress(msgspec.json.encode(keys))


def decode_key_list(raw: bytes) -> list[str]:
    """Entry keys of one chunk.

    Raises:
        SnapshotUnreadable: the list is damaged.
    """
    try:
        return msgspec.json.decode(zlib.decompress(raw), type=list[str])
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotUnreadable(
            f"a list of entry keys in Redis cannot be read ({error}): something else wrote to it. "
            "Publish the snapshot again, which writes it anew"
        ) from error
