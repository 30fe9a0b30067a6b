"""What a published snapshot says of itself and of its items. Public: docs/snapshot-format.md.

Only msgspec, because the service imports this on its way up.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from recommender.errors import SnapshotUnreadable
from recommender.snapshot.vitals import Vitals

FORMAT_VERSION = 1
"""Raised whenever a reader of the old layout could misread the new one."""

ITEMS_PER_CHUNK = 2_000


class ItemRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer can say about an item; position in the item table is its position in lists.

    `stock` is not published: the shop tells it to the service, between two publications.
    """

    item_id: str
    title: str | None = None
    category: str | None = None
    brand: str | None = None
    price: float | None = None
    available: bool = True
    url: str | None = None
    image_url: str | None = None
    stock: int | None = None


class StoredManifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader must know before it reads the first list of a published snapshot.

    The last four may be missing.

    Attributes:
        format: `FORMAT_VERSION` of the writer.
        snapshot: id of the snapshot.
        generated_at: when it was trained, RFC 3339 UTC.
        data_until: time of the newest order line it learned from, RFC 3339 UTC.
        sources: names behind the source numbers of the lists.
        n_customers: customers with a list.
        n_items: length of the item table.
        item_chunks: number of `items` entries that the table was cut into.
        categories: categories that have a best-seller list.
        pages: into how many pages the rows of a kind were cut, see `pages`; each row of a kind that is not
            named here is an entry of its own.
        vitals: what the next publication is compared with.
        factor_chunks: number of `factors` entries, see `factors`; 0 where no factors are published.
        bundle_chunks: number of `bundle-table` entries, see `bundle_rows`; 0 where none are published.
        forced: why the gate would have refused it, where it was published by force.
    """

    format: int
    snapshot: str
    generated_at: str
    data_until: str
    sources: tuple[str, ...]
    n_customers: int
    n_items: int
    item_chunks: int
    categories: tuple[str, ...]
    pages: Mapping[str, int]
    vitals: Vitals | None = None
    factor_chunks: int = 0
    bundle_chunks: int = 0
    forced: tuple[str, ...] = ()


def entry_key(kind: str, id_: str = "") -> str:
    """Key of one entry inside a snapshot; the braces are the Redis Cluster hash tag."""
    return f"{kind}:{{{id_}}}"


def encode_items(items: Sequence[ItemRecord]) -> Iterator[bytes]:
    """The item table in chunks of `ITEMS_PER_CHUNK` records: JSON, zlib-compressed."""
    for start in range(0, len(items), ITEMS_PER_CHUNK):
        yield zlib.compress(msgspec.json.encode(items[start : start + ITEMS_PER_CHUNK]))


def decode_items(chunk: bytes) -> list[ItemRecord]:
    """One chunk of the item table.

    Raises:
        SnapshotUnreadable: the chunk is damaged.
    """
    try:
        return msgspec.json.decode(zlib.decompress(chunk), type=list[ItemRecord])
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotUnreadable(
            f"a chunk of the item table cannot be read ({error}): publish the snapshot again"
        ) from error


def decode_manifest(raw: bytes) -> StoredManifest:
    """The manifest of a published snapshot.

    Raises:
        SnapshotUnreadable: another format version, or damaged.
    """
    try:
        found = msgspec.json.decode(raw).get("format")
        if found != FORMAT_VERSION:
            raise SnapshotUnreadable(
                f"the published snapshot has format {found}, this version reads {FORMAT_VERSION}: "
                "publish again with the matching trainer, or upgrade the service first"
            )
        return msgspec.json.decode(raw, type=StoredManifest)
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError, RecursionError) as error:
        raise SnapshotUnreadable(
            f"the published manifest cannot be read ({error}): publish the snapshot again"
        ) from error
