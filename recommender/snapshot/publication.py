"""A snapshot as the entries that a store holds. Public: docs/snapshot-format.md, "In Redis"."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import msgspec
import numpy as np

from recommender.data.catalog import Catalog
from recommender.errors import ConfigError
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import ListTable
from recommender.ranking.reasons import Reasons
from recommender.snapshot.directory import Snapshot
from recommender.snapshot.encoding import (
    FORMAT_VERSION,
    ITEMS_PER_CHUNK,
    MOST_ITEMS,
    ItemRecord,
    StoredManifest,
    encode_evidence,
    encode_items,
    encode_list,
    encode_reasons,
    entry_key,
)
from recommender.snapshot.store import Entry
from recommender.snapshot.vitals import Coverage, Vitals, judged_in

_Said = TypeVar("_Said", Reasons, Evidence)


@dataclass(frozen=True, slots=True)
class Publication:
    """The entries of a snapshot, always in the same order.

    Attributes:
        snapshot: what is published.
    """

    snapshot: Snapshot

    def __post_init__(self) -> None:
        if (n_items := len(self.snapshot.catalog.items)) > MOST_ITEMS:
            raise ConfigError(f"a store holds at most {MOST_ITEMS:,} items, this snapshot has {n_items:,}")

    @property
    def snapshot_id(self) -> str:
        """Id of the snapshot."""
        return self.snapshot.snapshot_id

    def entries(self) -> Iterator[Entry]:
        """Every entry: item table, best sellers, what items and customers have, and the manifest last."""
        for chunk, value in enumerate(encode_items(item_records(self.snapshot.catalog))):
            yield entry_key("items", str(chunk)), value
        lists, items, customers = self.snapshot.lists, self.snapshot.catalog.items, self.snapshot.customers
        yield from self._best_sellers()
        yield from _rows("place", lists.places, lists.local_best_sellers)
        yield from _rows("similar", items.ids, lists.similar)
        yield from _rows("bought-together", items.ids, lists.bought_together)
        yield from _beside("evidence", items.ids, lists.bought_together, lists.evidence, encode_evidence)
        yield from _rows("customer", customers.ids, lists.recommended)
        yield from _rows("orders", customers.ids, lists.past_orders)
        yield from _beside("reasons", customers.ids, lists.recommended, lists.reasons, encode_reasons)
        yield entry_key("manifest"), msgspec.json.encode(self._manifest())

    def _best_sellers(self) -> Iterator[Entry]:
        whole_shop, lists = entry_key("best-sellers"), self.snapshot.lists
        # Readers count on the list of the whole shop, so it is there even if nothing may be shown.
        yield whole_shop, encode_list(lists.best_sellers.row(0))
        by_group = _rows("best-sellers", lists.groups, lists.best_sellers)
        yield from (entry for entry in by_group if entry[0] != whole_shop)

    def _manifest(self) -> StoredManifest:
        manifest, n_items = self.snapshot.manifest, len(self.snapshot.catalog.items)
        return StoredManifest(
            format=FORMAT_VERSION,
            snapshot=manifest.snapshot,
            generated_at=manifest.generated_at,
            data_until=manifest.data_until,
            sources=manifest.sources,
            n_customers=_not_empty(self.snapshot.lists.recommended),
            n_items=n_items,
            item_chunks=-(-n_items // ITEMS_PER_CHUNK),
            categories=self._categories(),
            vitals=vitals_of(self.snapshot),
        )

    def _categories(self) -> tuple[str, ...]:
        """Categories with something to list."""
        lists = self.snapshot.lists
        lengths = np.diff(lists.best_sellers.starts)
        return tuple(group for group, length in zip(lists.groups, lengths, strict=True) if group and length)


def vitals_of(snapshot: Snapshot) -> Vitals:
    """What a snapshot is worth, in a few numbers."""
    counts, lists, n_items = snapshot.manifest.counts, snapshot.lists, len(snapshot.catalog.items)
    return Vitals(
        orders=counts.orders,
        customers=counts.customers,
        items=counts.items,
        best_sellers=len(lists.best_sellers.row(0)),
        coverage={
            "customers": Coverage(_not_empty(lists.recommended), len(snapshot.customers)),
            "items": Coverage(_items_in(lists.recommended, n_items), n_items),
            "similar": Coverage(_not_empty(lists.similar), n_items),
            "bought_together": Coverage(_not_empty(lists.bought_together), n_items),
        },
        judged=judged_in(snapshot.manifest.figures),
    )


def _not_empty(table: ListTable) -> int:
    return int((np.diff(table.starts) > 0).sum())


def _items_in(table: ListTable, n_items: int) -> int:
    # Not np.unique, which would sort a large shop's hundred million places.
    listed = np.zeros(n_items, bool)
    listed[table.items] = True
    return int(listed.sum())


def item_records(catalog: Catalog) -> list[ItemRecord]:
    """What answers can say about each item, in the order of the positions."""
    # Through float64 and two decimals, since 2.55 as a float32 prints as 2.549999952316284.
    prices = np.round(catalog.price.astype(np.float64), 2)
    return [
        ItemRecord(
            item_id=item_id,
            title=catalog.title[at],
            category=catalog.category[at],
            brand=catalog.brand[at],
            price=None if np.isnan(prices[at]) else float(prices[at]),
            available=bool(catalog.available[at]),
            url=catalog.url[at],
            image_url=catalog.image_url[at],
        )
        for at, item_id in enumerate(catalog.items.ids)
    ]


def _rows(kind: str, ids: tuple[str, ...], table: ListTable) -> Iterator[Entry]:
    # An empty list is not stored: a reader takes a missing entry for one.
    for id_, ranked in zip(ids, table, strict=True):
        if len(ranked):
            yield entry_key(kind, id_), encode_list(ranked)


def _beside(
    kind: str, ids: tuple[str, ...], table: ListTable, said: _Said, encode: Callable[[_Said], bytes]
) -> Iterator[Entry]:
    """What is said of the places of each list that is not empty, an entry a list."""
    for id_, (start, end) in zip(ids, pairwise(table.starts.tolist()), strict=True):
        if start < end:
            yield entry_key(kind, id_), encode(said.part(slice(start, end)))
