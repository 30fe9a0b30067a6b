"""The published snapshot that a worker answers from: what it holds in memory of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.data.vocabulary import Vocabulary
from recommender.errors import SnapshotUnreadable
from recommender.ranking.lists import RecommendationList
from recommender.ranking.reasons import Reasons
from recommender.ranking.session_factors import SessionFactors
from recommender.snapshot.encoding import (
    ItemRecord,
    StoredManifest,
    decode_items,
    decode_manifest,
    entry_key,
)
from recommender.snapshot.reader_check import MANIFEST_KEY, check_list, check_reasons
from recommender.snapshot.rows import decode_list, decode_reasons
from recommender.snapshot.store import SnapshotStore

from .factor_files import load_factors
from .item_expressions import ItemExpressions
from .item_lists import ItemLists
from .shop_bundles import ShopBundles, load_bundles

_LISTS_AT_ONCE = 200
"""Best-seller lists in one read, so that a shop with many categories stays within a read's timeout."""

_NONE = -1


@dataclass(frozen=True, slots=True, weakref_slot=True)
class LiveSnapshot:
    """One published snapshot, whole: everything but the lists of customers and items.

    Attributes:
        manifest: what the trainer says about it.
        items: what can be said about each item, by position.
        vocabulary: the item ids and their positions.
        available: shape (n_items,) bool; False forbids showing the item.
        best_sellers: lists by category; the whole shop's under "".
        categories: shape (n_items,) int32, number of the item's category, -1 where it has none.
        category_numbers: number of each category.
        brands: shape (n_items,) int32, number of the item's brand, -1 where it has none.
        expressions: what filters and boosts say of the items.
        bundles: what the shop can offer together.
        factors: what sessions are placed by; None where ALS was not asked.
        item_lists: lists of items that were read lately.
    """

    manifest: StoredManifest
    items: Sequence[ItemRecord]
    vocabulary: Vocabulary
    available: NDArray[np.bool_]
    best_sellers: Mapping[str, RecommendationList]
    categories: NDArray[np.int32]
    category_numbers: Mapping[str, int]
    brands: NDArray[np.int32]
    expressions: ItemExpressions
    bundles: ShopBundles = field(repr=False, compare=False)
    factors: SessionFactors | None = field(default=None, repr=False, compare=False)
    item_lists: ItemLists = field(default_factory=ItemLists, repr=False, compare=False)

    @property
    def id(self) -> str:
        """Id of the snapshot."""
        return self.manifest.snapshot

    @property
    def data_until(self) -> float:
        """When the newest order line was written that it knows, in seconds since 1970 UTC."""
        return datetime.fromisoformat(self.manifest.data_until).timestamp()

    def in_category(self, category: str) -> NDArray[np.bool_]:
        """Which items are of this category, shape (n_items,)."""
        # No item has number -2, so an unknown category matches none.
        return np.equal(self.categories, self.category_numbers.get(category, -2))

    def alike(self, item: int, others: NDArray[np.int32]) -> NDArray[np.float32]:
        """How alike others are to an item, shape (n,): ½ for the same category, ½ for the same brand."""
        alike = np.zeros(len(others), np.float32)
        for numbers in (self.categories, self.brands):
            if numbers[item] != _NONE:
                alike += np.float32(0.5) * (numbers[others] == numbers[item])
        return alike

    def category_of(self, item_id: str) -> str | None:
        """Category of an item; None for an unknown item and for one without a category."""
        item = self.vocabulary.position(item_id)
        return self.items[item].category if item >= 0 else None

    def read_list(self, row: bytes, *, once: bool = True) -> RecommendationList:
        """A stored list, checked against this snapshot.

        Args:
            row: the stored entry.
            once: whether no item may stand there twice, as in past orders it may.

        Raises:
            SnapshotUnreadable: it is damaged, or belongs to another snapshot.
        """
        return decoded_list(row, self.manifest, once=once)

    def read_item_list(self, key: str, row: bytes) -> RecommendationList:
        """As `read_list`; the lists of items are asked for again and again, and some are kept."""
        found = self.item_lists.read(key, row)
        if found is None:
            found = self.read_list(row)
            self.item_lists.put(key, row, found)
        return found

    def read_reasons(self, row: bytes) -> Reasons:
        """The reasons of a stored list, checked against this snapshot.

        Raises:
            SnapshotUnreadable: they are damaged, or belong to another snapshot.
        """
        reasons = decode_reasons(row)
        check_reasons("what is stored", reasons, self.manifest)
        return reasons


def decoded_list(row: bytes, manifest: StoredManifest, *, once: bool = True) -> RecommendationList:
    """See `LiveSnapshot.read_list`, of any snapshot."""
    return _checked(decode_list(row), manifest, once=once)


def load_snapshot(store: SnapshotStore, snapshot: str, folder: Path | None = None) -> LiveSnapshot:
    """Read a published snapshot and verify it.

    Args:
        store: where it is.
        snapshot: its id.
        folder: see `load_factors`.

    Raises:
        SnapshotUnreadable: an entry is missing or damaged, or entries contradict each other.
        StoreUnavailable: the store did not answer.
    """
    (raw,) = store.read(snapshot, [MANIFEST_KEY])
    if raw is None:
        raise SnapshotUnreadable(f"snapshot {snapshot} has no manifest in the store: publish it again")
    manifest = decode_manifest(raw)
    if manifest.snapshot != snapshot:
        raise SnapshotUnreadable(f"snapshot {snapshot} calls itself {manifest.snapshot}: publish it again")
    _check_time(manifest)
    items = list(read_items(store, manifest))
    categories, category_numbers = _numbered([item.category for item in items])
    brands, _ = _numbered([item.brand for item in items])
    return LiveSnapshot(
        manifest=manifest,
        items=items,
        vocabulary=_vocabulary(items, manifest),
        available=np.array([item.available for item in items], dtype=bool),
        best_sellers=_read_best_sellers(store, manifest),
        categories=categories,
        category_numbers=category_numbers,
        brands=brands,
        expressions=ItemExpressions(items),
        bundles=load_bundles(store, manifest),
        factors=load_factors(store, manifest, folder),
    )


def _check_time(manifest: StoredManifest) -> None:
    for did, moment in (
        ("was generated at", manifest.generated_at),
        ("knows orders until", manifest.data_until),
    ):
        try:
            aware = datetime.fromisoformat(moment).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            raise SnapshotUnreadable(
                f"snapshot {manifest.snapshot} says that it {did} {moment!r}, which is no RFC 3339 time: "
                "publish it again with the matching trainer"
            )


def read_items(store: SnapshotStore, manifest: StoredManifest) -> Iterator[ItemRecord]:
    """The item table of a snapshot.

    Raises:
        SnapshotUnreadable: a part of it is missing or damaged.
        StoreUnavailable: the store did not answer.
    """
    # One chunk a read: a chunk is by far the largest entry, and many at once would outlast the timeout.
    for chunk in range(manifest.item_chunks):
        (raw,) = store.read(manifest.snapshot, [entry_key("items", str(chunk))])
        if raw is None:
            raise _missing(manifest, f"chunk {chunk} of its item table")
        yield from decode_items(raw)


def _vocabulary(items: Sequence[ItemRecord], manifest: StoredManifest) -> Vocabulary:
    if len(items) != manifest.n_items:
        raise SnapshotUnreadable(
            f"snapshot {manifest.snapshot} has {len(items)} items in its table "
            f"and {manifest.n_items} in its manifest: publish it again"
        )
    try:
        return Vocabulary(tuple(item.item_id for item in items))
    except ValueError as error:
        raise SnapshotUnreadable(f"snapshot {manifest.snapshot}: {error}: publish it again") from error


def _numbered(names: Sequence[str | None]) -> tuple[NDArray[np.int32], dict[str, int]]:
    """The number of each item's name, -1 where it has none; and the number of each name."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for name in names if name))}
    return np.array([numbers.get(name or "", _NONE) for name in names], np.int32), numbers


def _read_best_sellers(store: SnapshotStore, manifest: StoredManifest) -> dict[str, RecommendationList]:
    names = ["", *manifest.categories]
    found = {}
    for start in range(0, len(names), _LISTS_AT_ONCE):
        some = names[start : start + _LISTS_AT_ONCE]
        rows = store.read(manifest.snapshot, [entry_key("best-sellers", name) for name in some])
        for name, row in zip(some, rows, strict=True):
            if row is None:
                raise _missing(manifest, f"the best-seller list of {name!r}" if name else "its best sellers")
            found[name] = _checked(decode_list(row), manifest)
    return found


def _missing(manifest: StoredManifest, what: str) -> SnapshotUnreadable:
    return SnapshotUnreadable(f"snapshot {manifest.snapshot} lacks {what} in the store: publish it again")


def _checked(
    ranked: RecommendationList, manifest: StoredManifest, *, once: bool = True
) -> RecommendationList:
    """The list, if every place of it means something in this snapshot."""
    check_list(f"a list of snapshot {manifest.snapshot}", ranked, manifest, once=once)
    return ranked
