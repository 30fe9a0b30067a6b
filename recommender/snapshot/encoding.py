"""How a published list looks in bytes. Public: docs/snapshot-format.md.

Only numpy and msgspec, because the service imports this on its way up.
"""

import zlib
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from recommender.errors import SnapshotUnreadable
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import RecommendationList
from recommender.ranking.reasons import KINDS, Reasons
from recommender.snapshot.vitals import Vitals

FORMAT_VERSION = 1
"""Raised whenever a reader of the old layout could misread the new one."""

MOST_ITEMS = 1 << 24
"""A place stores its item position in 24 bits."""

ITEMS_PER_CHUNK = 2_000

_BOUGHT = 0x80
_SOURCE = 0x7F
_LARGEST_SCORE = float(np.finfo(np.float16).max)
_PLACE = 6  # bytes: 4 for item, source and flag, 2 for the score
_REASON = 4  # bytes
_EVIDENCE = 16  # bytes
_LARGEST_VALUE = (1 << 24) - 1
"""Of a reason; a number of days or of purchases beyond it is stored as this one."""


class ItemRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer can say about an item; position in the item table is its position in lists."""

    item_id: str
    title: str | None = None
    category: str | None = None
    brand: str | None = None
    price: float | None = None
    available: bool = True
    url: str | None = None
    image_url: str | None = None


class StoredManifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader must know before it reads the first list of a published snapshot.

    The last two came later: a manifest that was published before has neither.

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
        vitals: what the next publication is compared with.
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
    vitals: Vitals | None = None
    forced: tuple[str, ...] = ()


def entry_key(kind: str, id_: str = "") -> str:
    """Key of one entry inside a snapshot; the braces are the Redis Cluster hash tag."""
    return f"{kind}:{{{id_}}}"


def encode_list(ranked: RecommendationList) -> bytes:
    """One list as 6 bytes a place: all places first, then all scores, both little-endian.

    A place is a uint32: bits 0–23 item position, bits 24–30 source, bit 31 bought before.
    A score is an IEEE half float. A row whose best score is beyond the largest of them is scaled down to
    it, since scores are comparable only within a list.

    Raises:
        ValueError: a score is not finite.
    """
    if not np.isfinite(ranked.scores).all():
        raise ValueError("a list with a score that is no number cannot be stored")
    scale = max(1.0, float(np.abs(ranked.scores).max(initial=0)) / _LARGEST_SCORE)
    tag = ranked.sources.astype(np.uint32) | (ranked.bought.astype(np.uint32) * _BOUGHT)
    places = ranked.items.astype(np.uint32) | (tag << 24)
    return places.astype("<u4").tobytes() + (ranked.scores / scale).astype("<f2").tobytes()


def decode_list(row: bytes) -> RecommendationList:
    """The list that `encode_list` wrote; scores rounded to half precision.

    Raises:
        SnapshotUnreadable: the length is not a multiple of a place.
    """
    n, rest = divmod(len(row), _PLACE)
    if rest:
        raise SnapshotUnreadable(
            f"a stored list of {len(row)} bytes is not whole: publish the snapshot again "
            "with the matching version"
        )
    places = np.frombuffer(row, "<u4", count=n)
    tag = places >> 24
    return RecommendationList(
        (places & (MOST_ITEMS - 1)).astype(np.int32),
        np.frombuffer(row, "<f2", offset=4 * n).astype(np.float32),
        (tag & _SOURCE).astype(np.uint8),
        (tag & _BOUGHT).astype(bool),
    )


def encode_reasons(reasons: Reasons) -> bytes:
    """The reasons of one list as 4 bytes a place, in the list's order.

    A reason is a little-endian uint32: bits 0–23 its value, bits 24–31 its kind.
    """
    values = np.minimum(reasons.values, _LARGEST_VALUE).astype(np.uint32)
    return (values | (reasons.kinds.astype(np.uint32) << 24)).astype("<u4").tobytes()


def decode_reasons(row: bytes) -> Reasons:
    """The reasons that `encode_reasons` wrote.

    Raises:
        SnapshotUnreadable: the length is not a multiple of a reason, or a kind is unknown.
    """
    if len(row) % _REASON:
        raise SnapshotUnreadable(
            f"stored reasons of {len(row)} bytes are not whole: publish the snapshot again "
            "with the matching version"
        )
    packed = np.frombuffer(row, "<u4")
    kinds = (packed >> 24).astype(np.uint8)
    if not np.all(kinds < len(KINDS)):
        raise SnapshotUnreadable("a stored reason is of a kind that this version does not know: upgrade it")
    return Reasons(kinds, (packed & _LARGEST_VALUE).astype(np.int32))


def encode_evidence(evidence: Evidence) -> bytes:
    """The evidence of one list as 16 bytes a place: all orders, all customers, all lifts, all lower ends.

    The first two are uint32, the others float32, all little-endian.
    """
    counts = (column.astype("<u4").tobytes() for column in (evidence.orders, evidence.customers))
    lifts = (column.astype("<f4").tobytes() for column in (evidence.lift, evidence.lift_low))
    return b"".join((*counts, *lifts))


def decode_evidence(row: bytes) -> Evidence:
    """The evidence that `encode_evidence` wrote.

    Raises:
        SnapshotUnreadable: the length is not a multiple of a place's, or a number makes no sense.
    """
    n, rest = divmod(len(row), _EVIDENCE)
    if rest:
        raise SnapshotUnreadable(
            f"stored evidence of {len(row)} bytes is not whole: publish the snapshot again "
            "with the matching version"
        )
    orders, customers = (np.frombuffer(row, "<u4", n, 4 * n * at).astype(np.int32) for at in (0, 1))
    lift, lift_low = (np.frombuffer(row, "<f4", n, 4 * n * at) for at in (2, 3))
    # Written so that what is no number fails, too.
    sound = (orders >= 0) & (customers >= 0) & (lift_low >= 0) & (lift >= lift_low) & np.isfinite(lift)
    if not sound.all():
        raise SnapshotUnreadable("stored evidence has numbers that make no sense: publish the snapshot again")
    return Evidence(orders, customers, lift, lift_low)


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
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
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
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError) as error:
        raise SnapshotUnreadable(
            f"the published manifest cannot be read ({error}): publish the snapshot again"
        ) from error
