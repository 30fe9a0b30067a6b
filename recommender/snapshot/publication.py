"""A snapshot as the entries that a store holds. Public: docs/snapshot-format.md, "In Redis"."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.errors import ConfigError, SnapshotError
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import ListTable
from recommender.snapshot import bundle_rows
from recommender.snapshot import factors as factor_rows
from recommender.snapshot.directory import Lists, Snapshot
from recommender.snapshot.encoding import (
    FORMAT_VERSION,
    ITEMS_PER_CHUNK,
    ItemRecord,
    StoredManifest,
    encode_items,
    entry_key,
)
from recommender.snapshot.paged_rows import (
    PagedRows,
    RowOwners,
    paged_bundles,
    paged_due,
    paged_orders,
    paged_ranks,
    paged_reasons,
)
from recommender.snapshot.rows import (
    MOST_ITEMS,
    MOST_NARROW_ITEMS,
    MOST_NARROW_SOURCES,
    encode_evidence,
    encode_list,
    encode_lists,
)
from recommender.snapshot.store import Entry
from recommender.snapshot.vitals import Coverage, Vitals, judged_in

_ROWS_AT_ONCE = 8_192


@dataclass(frozen=True, slots=True)
class Publication:
    """The entries of a snapshot, always in the same order.

    Attributes:
        snapshot: what is published.
        pages: into how many pages the rows of each kind are cut; None for pages of the usual size.
    """

    snapshot: Snapshot
    pages: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if (n_items := len(self.snapshot.catalog.items)) > MOST_ITEMS:
            raise ConfigError(f"a store holds at most {MOST_ITEMS:,} items, this snapshot has {n_items:,}")

    @property
    def snapshot_id(self) -> str:
        """Id of the snapshot."""
        return self.snapshot.snapshot_id

    def cut_into(self, pages: Mapping[str, int]) -> "Publication":
        """The same publication in so many pages of each kind.

        Raises:
            SnapshotError: rows of these kinds cannot be cut so.
        """
        usual = {rows.kind: rows.pages for rows in self._of_customers()}
        # Of no rows there is no page, and rows cannot lie in none.
        if {kind: count > 0 for kind, count in pages.items()} != {kind: n > 0 for kind, n in usual.items()}:
            raise SnapshotError(
                f"snapshot {self.snapshot_id} cannot be cut into pages as {dict(pages)}: "
                "train again for a new id"
            )
        return replace(self, pages=pages)

    def entries(self) -> Iterator[Entry]:
        """Every entry: items, factors, bundles, best sellers, rows of items and customers; manifest last."""
        for chunk, value in enumerate(encode_items(item_records(self.snapshot.catalog))):
            yield entry_key("items", str(chunk)), value
        factors = self.snapshot.session_factors
        if factors:
            yield from factor_rows.factor_entries(factors)
        if (bundles := self.snapshot.bundles) is not None:
            yield from bundle_rows.bundle_entries(bundles)
        lists, items = self.snapshot.lists, self.snapshot.catalog.items
        yield from self._best_sellers()
        yield from _rows("place", lists.places, lists.local_best_sellers)
        yield from _rows("similar", items.ids, lists.similar)
        yield from _rows("bought-together", items.ids, lists.bought_together)
        yield from _evidence(items.ids, lists)
        of_customers = self._of_customers()
        for rows in of_customers:
            yield from rows.entries()
        yield entry_key("manifest"), msgspec.json.encode(self._manifest(of_customers))

    def _of_customers(self) -> tuple[PagedRows, ...]:
        """What customers have."""
        manifest, lists = self.snapshot.manifest, self.snapshot.lists
        wide = (
            len(self.snapshot.catalog.items) > MOST_NARROW_ITEMS
            or len(manifest.sources) > MOST_NARROW_SOURCES
        )
        owners = RowOwners.of(self.snapshot.customers.ids)
        due, bundles = self.snapshot.due, self.snapshot.own_bundles
        kinds = (
            paged_ranks("customer", owners, lists.recommended, wide=wide),
            paged_orders("orders", owners, lists.past_orders),
            paged_reasons("reasons", owners, lists.recommended.starts, lists.reasons),
            *([] if due is None else [paged_due("due", owners, due)]),
            *([] if bundles is None else [paged_bundles("bundles", owners, bundles)]),
        )
        return kinds if self.pages is None else tuple(replace(r, cut=self.pages[r.kind]) for r in kinds)

    def _best_sellers(self) -> Iterator[Entry]:
        whole_shop, lists = entry_key("best-sellers"), self.snapshot.lists
        # Readers count on the list of the whole shop, so it is there even if nothing may be shown.
        yield whole_shop, encode_list(lists.best_sellers.row(0))
        by_group = _rows("best-sellers", lists.groups, lists.best_sellers)
        yield from (entry for entry in by_group if entry[0] != whole_shop)

    def _manifest(self, of_customers: tuple[PagedRows, ...]) -> StoredManifest:
        factors, bundles = self.snapshot.session_factors, self.snapshot.bundles
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
            pages={rows.kind: rows.pages for rows in of_customers},
            vitals=vitals_of(self.snapshot),
            factor_chunks=factor_rows.chunks_of(factors) if factors else 0,
            bundle_chunks=0 if bundles is None else bundle_rows.chunks_of(bundles),
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


def _rows(kind: str, ids: Sequence[str], table: ListTable) -> Iterator[Entry]:
    # An empty list is not stored: a reader takes a missing entry for one.
    for rows in _blocks(len(ids)):
        for row, encoded in zip(rows.tolist(), encode_lists(table.take(rows)), strict=True):
            if encoded:
                yield entry_key(kind, ids[row]), encoded


def _evidence(ids: Sequence[str], lists: Lists) -> Iterator[Entry]:
    """What is said of the places of each item's list that is not empty, an entry a list."""
    for rows in _blocks(len(ids)):
        starts, places = _starts_of(lists.bought_together, rows), lists.bought_together.places_of(rows)
        said = Evidence(**{f.name: getattr(lists.evidence, f.name)[places] for f in fields(Evidence)})
        for row, encoded in zip(rows.tolist(), encode_evidence(starts, said), strict=True):
            if encoded:
                yield entry_key("evidence", ids[row]), encoded


def _blocks(n_rows: int) -> Iterator[NDArray[np.int64]]:
    return (np.arange(start, min(start + _ROWS_AT_ONCE, n_rows)) for start in range(0, n_rows, _ROWS_AT_ONCE))


def _starts_of(table: ListTable, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of these rows begins, and the last one ends, once they stand one after the other."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(np.diff(table.starts)[rows])))
