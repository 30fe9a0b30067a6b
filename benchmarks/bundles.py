"""Do customers who have a part of a bundle buy the rest later?

Bundles are found in what was ordered before a cut; asked is who buys the rest within the weeks after it (60
days in Online Retail II, where customers come every other month, 28 in Complete Journey), of those who have a
part and not all. Beside ours stand pairs by raw count and pairs by plain lift (orders of both × all orders ÷
orders of either, bought in one order by as many customers as ours must be), among the same items that may be
sold. Offered are as many bundles, in two ways: the best of the shop to everybody who has a part; and three to
each customer, all of different items that they lack, where pairs are chosen by the best item that the
customer has. Times as often: the ratio to raw count, its 95 % interval drawn by customer.

Run it with `python -m benchmarks.bundles`; the result is kept in benchmarks/results/bundles.json, and
docs/bundles.md says what to make of it. `--back 1` judges the window before the last, and keeps nothing.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array

from benchmarks.datasets import real_shops
from benchmarks.results import keep, write_between_marks
from recommender.campaigns.bundle_table import LARGEST, NO_ITEM, BundleTable
from recommender.campaigns.own_bundles import OwnBundles
from recommender.data.history import DAY
from recommender.data.orders import OrderLog
from recommender.evaluation.intervals import RESAMPLES, Interval, interval_of, ratio, resampled_ratios
from recommender.models.shared_orders import Baskets, shared_by_pairs
from recommender.training.bundles import customers_bundles, shop_bundles
from recommender.training.carried import Carried
from recommender.training.due_soon import due_soon
from recommender.training.item_lists import cart_trees, plain_lists
from recommender.training.learning import learn_from
from recommender.training.list_making import all_lists
from recommender.training.moment import Purchases, load_loops, purchases_at
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders
from recommender.training.windows import EarlierWindows, examples_before

PAGE = Path(__file__).parent.parent / "docs" / "bundles.md"

DAYS = {"Online Retail II": 60}
"""Days after the cut; 28 in other shops."""

SHOP_WIDE = (100, 1000)
EACH = 3

_Sets = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Row:
    """A way to choose bundles.

    Attributes:
        offered: what and to whom.
        method: how it was chosen.
        offers: of a bundle to a customer who lacked a part.
        completed: of these.
        rate: share of them.
        times: rate ÷ that of pairs by raw count; None for those.
    """

    offered: str
    method: str
    offers: int
    completed: int
    rate: Interval
    times: Interval | None


@dataclass(frozen=True, slots=True)
class _Judge:
    """Who has what at the cut, and who buys what after it; both of shape (n_customers, n_items)."""

    has: csr_array
    buys: csr_array

    def of_everybody(self, sets: _Sets) -> NDArray[np.float64]:
        """Offers and completions of each customer, where every set is offered to whoever has a part."""
        found, has, buys = np.zeros((self.has.shape[0], 2)), self.has.tocsc(), self.buys.tocsc()
        for items in sets:
            parts = [item for item in items.tolist() if item != NO_ITEM]
            owned, after = (np.asarray(m[:, parts].todense()) > 0 for m in (has, buys))
            offered = owned.any(axis=1) & ~owned.all(axis=1)
            found[:, 0] += offered
            found[:, 1] += offered & (owned | after).all(axis=1)
        return found

    def of_each(self, offers: Mapping[int, Sequence[Sequence[int]]]) -> NDArray[np.float64]:
        """The same where each customer is offered sets of items that they lack."""
        found = np.zeros((self.has.shape[0], 2))
        for customer, lacking in offers.items():
            after = set(
                self.buys.indices[self.buys.indptr[customer] : self.buys.indptr[customer + 1]].tolist()
            )
            found[customer] = len(lacking), sum(after.issuperset(items) for items in lacking)
        return found


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of items that may be sold, and how often they were bought together."""

    sets: _Sets
    orders: NDArray[np.float64]
    lift: NDArray[np.float64]

    @classmethod
    def of(cls, purchases: Purchases, fewest_customers: int) -> "_Pairs":
        baskets = Baskets.of(purchases.history)
        rows, n_items = baskets.rows, len(purchases.eligible)
        orders_of = np.bincount(rows.indices, minlength=n_items)
        items = np.flatnonzero(purchases.eligible & (orders_of >= fewest_customers))
        some = rows[:, items]
        shared = (some.T @ some).tocoo()
        pair = (shared.row < shared.col) & (shared.data >= fewest_customers)
        one, other = (items[side[pair]].astype(np.int32) for side in (shared.row, shared.col))
        counted = shared_by_pairs(rows, baskets.buyer, one, other)
        several = counted.buyers >= fewest_customers
        one, other, orders = one[several], other[several], counted.together[several]
        sets = np.full((len(one), LARGEST), NO_ITEM, np.int32)
        sets[:, 0], sets[:, 1] = one, other
        return cls(sets, orders, orders * rows.shape[0] / (orders_of[one] * orders_of[other]))

    def best(self, n: int, score: NDArray[np.float64]) -> _Sets:
        # Of equal lifts the pairs of more orders.
        return self.sets[np.lexsort((-self.orders, -score))[:n]]

    def for_each(self, has: csr_array, score: NDArray[np.float64]) -> dict[int, list[list[int]]]:
        """For each customer the items of the best pairs of which they have the other one."""
        n_items, (one, other) = has.shape[1], self.sets.T[:2]
        beside = csr_array(
            (np.tile(score, 2), (np.concatenate((one, other)), np.concatenate((other, one)))),
            shape=(n_items, n_items),
        )
        chosen = {}
        for customer in np.flatnonzero(np.diff(has.indptr)).tolist():
            owned, best = has.indices[has.indptr[customer] : has.indptr[customer + 1]], np.zeros(n_items)
            for item in owned:
                places = slice(beside.indptr[item], beside.indptr[item + 1])
                partners = beside.indices[places]
                best[partners] = np.maximum(best[partners], beside.data[places])
            best[owned] = 0
            top = np.argsort(-best, kind="stable")[:EACH]
            chosen[customer] = [[item] for item in top.tolist() if best[item] > 0]
        return chosen


def judge(read: ReadOrders, days: int, *, back: int = 0) -> list[Row]:
    """Judge a shop on the window that ends `back` windows before its history does."""
    cut = read.orders.last_time - (back + 1) * days * DAY
    settings = Settings()
    purchases, table, own = _learned(read, settings, cut)
    after = read.orders.until(cut + days * DAY).after(cut)
    has, buys = (_bought(orders, purchases) for orders in (purchases.orders, after))
    judged, pairs = _Judge(has, buys), _Pairs.of(purchases, settings.bundles.fewest_customers)
    rows = []
    two = table.take(table.sizes() == 2).items
    for n in SHOP_WIDE:
        ways = {"raw count": pairs.best(n, pairs.orders), "plain lift": pairs.best(n, pairs.lift)}
        ways |= {"ours, pairs": two[:n], "ours, of any size": table.items[:n]}
        found = {name: judged.of_everybody(sets) for name, sets in ways.items()}
        rows += _rows(f"the best {n:,} to all with a part", found)
    each = {
        "raw count": judged.of_each(pairs.for_each(has, pairs.orders)),
        "plain lift": judged.of_each(pairs.for_each(has, pairs.lift)),
        "ours": judged.of_each(_lacking(own, table)),
    }
    return rows + _rows(f"{EACH} to each customer", each)


def _learned(read: ReadOrders, settings: Settings, cut: int) -> tuple[Purchases, BundleTable, OwnBundles]:
    """What was known at the cut, and the bundles that a training would have published then."""
    quiet = Silent()
    load_loops(quiet)
    known, catalog = read.orders.until(cut), read.catalog
    examples = examples_before(known, catalog, settings, now=cut, earlier=EarlierWindows(), progress=quiet)
    purchases = purchases_at(known, catalog, settings, cut, quiet)
    carried, trees = Carried.nothing(purchases), cart_trees(purchases, settings, quiet)
    plain = plain_lists(purchases, read.places, settings, quiet, trees=trees, carried=carried)
    due, table = (
        due_soon(purchases, settings, quiet),
        shop_bundles(purchases, plain, settings, quiet, carried=carried),
    )
    learned = learn_from(purchases, examples, settings, quiet)
    lists = all_lists(learned, plain, settings, quiet, carried=carried)
    own = customers_bundles(table, lists, learned, due, settings, quiet)
    assert table is not None and own is not None
    return purchases, table, own


def _bought(orders: OrderLog, purchases: Purchases) -> csr_array:
    """Who bought what, by the positions of the purchases; what these do not know is left out."""
    customers, items = purchases.orders.customers, purchases.orders.items
    customer = customers.positions(orders.customers.ids)[orders.customer]
    item = items.positions(orders.items.ids)[orders.item]
    there = (customer >= 0) & (item >= 0) & (orders.quantity > 0)
    pair = np.unique(customer[there].astype(np.int64) * len(items) + item[there])
    shape = (len(customers), len(items))
    return csr_array((np.ones(len(pair), np.float32), np.divmod(pair, len(items))), shape=shape)


def _lacking(own: OwnBundles, table: BundleTable) -> dict[int, list[list[int]]]:
    """What each customer lacks of the first bundles that they are offered."""
    found: dict[int, list[list[int]]] = {}
    for place, customer in enumerate(own.row_of_place().tolist()):
        offers = found.setdefault(customer, [])
        if len(offers) < EACH:
            owned = int(own.owned[place])
            items = table.items[own.bundles[place]].tolist()
            offers.append([item for at, item in enumerate(items) if item != NO_ITEM and not owned >> at & 1])
    return found


def _rows(offered: str, found: Mapping[str, NDArray[np.float64]]) -> list[Row]:
    offers, completed = (np.stack([one[:, side] for one in found.values()], axis=1) for side in (0, 1))
    whole = ratio(completed.sum(axis=0), offers.sum(axis=0))
    drawn = resampled_ratios(completed, offers, customer=None, seed=0, resamples=RESAMPLES)
    rows = []
    for at, (name, counts) in enumerate(found.items()):
        rate = interval_of(whole[at], drawn[:, at], 0.95)
        times = None if at == 0 else interval_of(whole[at] / whole[0], drawn[:, at] / drawn[:, 0], 0.95)
        rows.append(Row(offered, name, *counts.sum(axis=0).astype(int).tolist(), rate, times))
    return rows


def table_of(shop: str, rows: Sequence[Row]) -> Table:
    """The figures of a shop."""
    table = Table(title=f"{shop}: the rest bought within {DAYS.get(shop, 28)} days", title_justify="left")
    for heading in ("offered", "chosen by", "offers", "completed", "rate", "times as often"):
        table.add_column(heading, justify="left" if heading in ("offered", "chosen by") else "right")
    for row in rows:
        rate, times = _told(row.rate, 4), "" if row.times is None else _told(row.times, 2)
        table.add_row(row.offered, row.method, f"{row.offers:,}", f"{row.completed:,}", rate, times)
    return table


def _told(figure: Interval, digits: int) -> str:
    return f"{figure.mean:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def markdown_of(found: Mapping[str, Sequence[Row]]) -> str:
    """The figures in Markdown, as docs/bundles.md has them."""
    parts = []
    for table in (table_of(shop, rows) for shop, rows in found.items()):
        cells = [[*column.cells] for column in table.columns]
        lines = [[str(column.header) for column in table.columns], ["---"] * len(cells)]
        lines += [[str(cell) for cell in row] for row in zip(*cells, strict=True)]
        parts.append(f"{table.title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines))
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bundles",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--back", type=int, default=0, help="windows before the last (default: %(default)s)")
    asked, console = parser.parse_args(arguments), Console(width=140)
    found: dict[str, list[Row]] = {}
    for name, read in real_shops().items():
        found[name] = judge(read, DAYS.get(name, 28), back=asked.back)
        console.print(table_of(name, found[name]))
    if asked.back == 0 and found:
        write_between_marks(PAGE, "benchmarks.bundles", markdown_of(found))
        kept = {name: [asdict(row) for row in rows] for name, rows in found.items()}
        console.print(f"kept in {keep('bundles', kept)}", highlight=False)


if __name__ == "__main__":
    main()
