"""Cross-sell: half of a real order is put into the cart, the other half has to be found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.halves import half_of_each, only_entries, row_of_entry
from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.accuracy import Marked, mark
from recommender.evaluation.split import TemporalSplit
from recommender.ranking.cart import NOTHING, OF_A_GUEST, CustomerLists, list_for_cart, merged
from recommender.ranking.lists import ListTable, RecommendationList

CART_TASKS: Mapping[str, bool] = {"cross_sell_guest": False, "cross_sell_known": True}
"""Task → whether it is told whose the cart is. Told, only carts of customers with an order before the cut are
judged; not told, all are."""

FEWEST_ITEMS = 3
"""Known items that an order needs to be judged: fewer tell too little, or leave too little to find."""

MOST_CARTS = 4_000
"""Of more orders in a window so many are drawn."""

_MOST_COUNTED = 1_000
"""Places of a list that is made of counts."""

Answer = Callable[[NDArray[np.int32], int], RecommendationList]
"""(items of the cart, customer or `GUEST`) → what to show beside it, best first; what the cart holds may be
among it, and is left out before the list is judged."""


@dataclass(frozen=True, slots=True)
class Carts:
    """Orders from after a cut, each parted in what is shown and what is to be found.

    Attributes:
        shown: shape (n_carts, n_items), 1 where the cart holds the item.
        hidden: shape (n_carts, n_items), 1 where the rest of the order does.
        spent: shape (n_carts, n_items), money that the order paid for the item.
        customer: shape (n_carts,) int32 positions in the log's customers; `GUEST` where the order names
            nobody who had ordered before the cut.
        whose: shape (n_carts,) int64, equal for the carts of one person, which intervals draw together.
    """

    shown: csr_array
    hidden: csr_array
    spent: csr_array
    customer: NDArray[np.int32]
    whose: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.customer)

    @classmethod
    def of(cls, split: TemporalSplit, items: Vocabulary, *, most: int = MOST_CARTS, seed: int = 0) -> "Carts":
        """The carts of a split.

        Half of an order's distinct known items, rounded down, go into the cart.

        Args:
            split: what was known at the cut, and what was ordered after it.
            items: vocabulary of the lists that will be judged; it holds every item known at the cut.
            most: carts at most.
            seed: of the draw of carts, and of the items that are shown.
        """
        bought, spent, customer = _baskets(split.holdout, items)
        rng = np.random.default_rng(seed)
        judged = np.flatnonzero(np.diff(bought.indptr) >= FEWEST_ITEMS)
        if len(judged) > most:
            judged = np.sort(rng.permutation(judged)[:most])
        bought, customer = bought[judged], customer[judged]
        shown = half_of_each(bought, rng)
        known = np.append(split.had_order(), False)[customer]  # the last entry is where GUEST, -1, looks
        return cls(
            shown=only_entries(bought, shown),
            hidden=only_entries(bought, ~shown),
            spent=spent[judged],
            customer=np.where(known, customer, GUEST).astype(np.int32),
            # A guest is a person too, but nobody knows whether two guests are the same one.
            whose=np.where(customer == GUEST, len(split.train.customers) + judged, customer),
        )

    def marked(self, answer: Answer, *, known: bool, n_places: int) -> Marked:
        """Every cart's list, marked place by place.

        Args:
            answer: what is judged.
            known: whether it is told whose the cart is; if so, only carts of known customers are judged.
            n_places: places that are marked.
        """
        judged = np.flatnonzero(self.customer != GUEST) if known else np.arange(len(self))
        lists = [self._list(answer, int(cart), known, n_places) for cart in judged]
        # A row without anything to find is not judged.
        hidden = only_entries(self.hidden, np.isin(row_of_entry(self.hidden), judged))
        return mark(_in_rows(lists, judged, len(self)), hidden, self.spent, n_places)

    def _list(self, answer: Answer, cart: int, known: bool, n_places: int) -> RecommendationList:
        items = self.shown.indices[self.shown.indptr[cart] : self.shown.indptr[cart + 1]]
        ranked = answer(items, int(self.customer[cart]) if known else GUEST)
        return ranked.keep(~np.isin(ranked.items, items)).first(n_places)


@dataclass(frozen=True, slots=True)
class CartLists:
    """The stored lists that a cart is answered from, as the service does it.

    Attributes:
        together: lists of what is bought together with an item.
        similar: lists of what is like an item, in the same rows.
        row_of_item: shape (n_items,) int32, row of each item in `together`, -1 where it has none.
        own: customers' lists.
        orders: customers' last orders, row c those of customer c.
        row_of_customer: shape (n_customers,) int32, row of each customer in `own`, -1 where they have none.
        best_sellers: what is shown where nothing else can be.
    """

    together: ListTable
    similar: ListTable
    row_of_item: NDArray[np.int32]
    own: ListTable
    orders: ListTable
    row_of_customer: NDArray[np.int32]
    best_sellers: RecommendationList

    def answer(self, items: NDArray[np.int32], customer: int) -> RecommendationList:
        """See `Answer`; the first rung of the ladder that has something to show beside the cart."""
        together, similar = self._rows(self.together, items), self._rows(self.similar, items)
        for ranked in (list_for_cart(items, together, self._lists_of(customer)), merged(similar)):
            shown = ranked.keep(~np.isin(ranked.items, items))
            if len(shown):
                return shown
        return self.best_sellers

    def _rows(self, table: ListTable, items: NDArray[np.int32]) -> list[RecommendationList]:
        rows = self.row_of_item[items]
        return [table.row(row) for row in rows[rows >= 0]]

    def _lists_of(self, customer: int) -> CustomerLists:
        if customer == GUEST:
            return OF_A_GUEST
        row = self.row_of_customer[customer]
        return CustomerLists(self.own.row(row) if row >= 0 else NOTHING, self.orders.row(customer))


@dataclass(frozen=True, slots=True)
class OrdersInCommon:
    """Answers a cart with what stands in most orders beside its items, as anybody would count.

    Attributes:
        baskets: shape (n_orders, n_items), 1 where an order until the cut holds the item.
        orders_of: `baskets` the other way round.
        eligible: shape (n_items,), items that may be shown.
    """

    baskets: csr_array
    orders_of: csr_array
    eligible: NDArray[np.bool_]

    def answer(self, items: NDArray[np.int32], customer: int) -> RecommendationList:
        """See `Answer`; the same for every customer."""
        orders = self.orders_of[items].indices
        together = np.bincount(self.baskets[orders].indices, minlength=len(self.eligible))
        together[items] = 0
        (found,) = np.nonzero(together * self.eligible)
        best = found[np.argsort(-together[found], kind="stable")][:_MOST_COUNTED]
        nothing = np.zeros(len(best), np.uint8)
        return RecommendationList(
            best.astype(np.int32), together[best].astype(np.float32), nothing, nothing.astype(bool)
        )


@dataclass(frozen=True, slots=True)
class SameForAll:
    """Answers every cart with one list.

    Attributes:
        ranked: the list.
    """

    ranked: RecommendationList

    def answer(self, items: NDArray[np.int32], customer: int) -> RecommendationList:
        """See `Answer`."""
        return self.ranked


def _baskets(orders: OrderLog, items: Vocabulary) -> tuple[csr_array, csr_array, NDArray[np.int32]]:
    """Of each order: its items, what it paid for each, and whose it is."""
    shape, at = (
        (len(orders.orders), len(items)),
        (orders.order, items.positions(orders.items.ids)[orders.item]),
    )
    money = np.nan_to_num(orders.quantity.astype(np.float64) * orders.unit_price)
    bought = csr_array((np.ones(len(orders), np.float32), at), shape=shape)
    bought.sum_duplicates()
    bought.data[:] = 1
    customer = np.full(len(orders.orders), GUEST, np.int32)
    customer[orders.order] = orders.customer
    return bought, csr_array((money, at), shape=shape), customer


def _in_rows(lists: Sequence[RecommendationList], rows: NDArray[np.intp], n_rows: int) -> ListTable:
    """The lists as the rows of a table; all other rows are empty."""
    lengths = np.zeros(n_rows, np.int64)
    lengths[rows] = [len(ranked) for ranked in lists]
    together = {
        f.name: np.concatenate([getattr(ranked, f.name) for ranked in (*lists, NOTHING)])
        for f in fields(RecommendationList)
    }
    return ListTable(starts=np.concatenate(([0], np.cumsum(lengths))), **together)
