"""A future that never happened: lists made before the cut must not differ by a byte when it is put in."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.past import released_by, sold_by
from recommender.ranking.lists import ListTable

STRANGER = ""
"""Id of a customer, an item and an order that only the other future knows. It sorts before every other id,
so every position is moved by one: what depends on positions shows."""


def another_future(orders: OrderLog, catalog: Catalog, cut: int, *, seed: int) -> tuple[OrderLog, Catalog]:
    """The same past with another future, as far as anything of the future could be looked at.

    After the cut every column of the order lines is shuffled on its own, some lines become returns, new
    customers, items and orders come up, and times are drawn anew over twice the span. In the catalog,
    availability, the prices of sold items, and whatever is said of items that were not known at the cut are
    other than they were.

    Args:
        orders: a shop's whole log.
        catalog: what the shop says about its items today.
        cut: seconds since 1970 UTC.
        seed: of the shuffling.
    """
    rng = np.random.default_rng(seed)
    return _other_lines(_moved_by_one(orders), cut, rng), _other_catalog(orders, catalog, cut, rng)


def differing_lists(one: ListTable, other: ListTable) -> NDArray[np.intp]:
    """Rows whose lists are not the same, byte for byte."""
    rows = enumerate(zip(_bytes(one), _bytes(other), strict=True))
    return np.array([row for row, (ours, theirs) in rows if ours != theirs], np.intp)


def _moved_by_one(orders: OrderLog) -> OrderLog:
    return replace(
        orders,
        order=orders.order + np.int32(1),
        customer=np.where(orders.customer == GUEST, GUEST, orders.customer + 1).astype(np.int32),
        item=orders.item + np.int32(1),
        orders=_with_stranger(orders.orders),
        customers=_with_stranger(orders.customers),
        items=_with_stranger(orders.items),
    )


def _with_stranger(ids: Vocabulary) -> Vocabulary:
    return Vocabulary((STRANGER, *ids.ids))


def _other_lines(orders: OrderLog, cut: int, rng: np.random.Generator) -> OrderLog:
    """The lines with those after the cut replaced; position 0 of every vocabulary is the stranger's."""
    later = orders.ordered_at > cut
    n, span = int(later.sum()), max(2 * (orders.last_time - cut), 1)

    def shuffled(column: NDArray[Any]) -> NDArray[Any]:
        mixed = column.copy()
        mixed[later] = rng.permutation(column[later])
        return mixed

    def with_stranger(column: NDArray[np.int32]) -> NDArray[np.int32]:
        mixed = shuffled(column)
        return np.where(later & (rng.random(len(column)) < 0.1), 0, mixed).astype(np.int32)

    returned = later & (rng.random(len(orders)) < 0.3)
    ordered_at = orders.ordered_at.copy()
    ordered_at[later] = cut + 1 + np.sort(rng.integers(span, size=n))
    quantity = np.abs(shuffled(orders.quantity))
    return replace(
        orders,
        order=with_stranger(orders.order),
        customer=with_stranger(orders.customer),
        item=with_stranger(orders.item),
        quantity=np.where(later, np.where(returned, -quantity, quantity), orders.quantity),
        unit_price=shuffled(orders.unit_price),
        ordered_at=ordered_at,
    )


def _other_catalog(orders: OrderLog, catalog: Catalog, cut: int, rng: np.random.Generator) -> Catalog:
    sold = sold_by(orders.until(cut), catalog)
    released = released_by(cut, catalog)
    unknown = ~sold & ~released

    def other_text(texts: tuple[str | None, ...]) -> tuple[str | None, ...]:
        return tuple("never seen" if new else text for text, new in zip(texts, unknown, strict=True))

    changed = replace(
        catalog,
        title=other_text(catalog.title),
        category=other_text(catalog.category),
        brand=other_text(catalog.brand),
        price=np.where(sold | unknown, catalog.price * rng.random(len(sold)) + 1, catalog.price),
        available=rng.random(len(sold)) < 0.5,
    )
    return changed.align(_with_stranger(catalog.items))


def _bytes(table: ListTable) -> Iterator[tuple[bytes, ...]]:
    for row in table:
        yield tuple(column.tobytes() for column in (row.items, row.scores, row.sources, row.bought))
