"""How well is a cart filled up? The lists that the service answers carts from, beside others' measures.

Half of the items of up to 4,000 orders after the cut are put into a cart and the other half has to be found:
once by a guest, once by a customer who is known. Run it with `python -m benchmarks.cross_sell`; the result is
kept in benchmarks/results/cross_sell.json, and docs/cross-sell.md says what to make of it.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array

from benchmarks.datasets import real_shops
from benchmarks.results import keep
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import GUEST
from recommender.evaluation.comparison import compare
from recommender.evaluation.cross_sell import CART_TASKS, Answer, Carts, SameForAll
from recommender.evaluation.intervals import Interval, bootstrap
from recommender.evaluation.split import TemporalSplit
from recommender.models.co_purchase import CoPurchase
from recommender.ranking.lists import RecommendationList
from recommender.training.evaluation import past_lists
from recommender.training.progress import Progress, Silent
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders

K = 10
DAYS = 28
MIN_ITEM_LINES = 5

OURS = "ours"

_FULL = 1_000_000
"""Relations kept for an item: all."""

_PLACES = 200
"""Of a method's list: enough for any cart to be taken out of."""


@dataclass(frozen=True, slots=True)
class Row:
    """A method on one task.

    Attributes:
        task: `cross_sell_guest` or `cross_sell_known`.
        customers: persons whose carts were judged.
        ndcg: nDCG@10 with its 95 % interval.
        to_ours: nDCG@10 less ours, cart by cart; None for ours.
        p: of no difference, Holm-corrected over the methods of this task and shop.
    """

    task: str
    customers: int
    ndcg: Interval
    to_ours: Interval | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Related:
    """Answers a cart with the items of the largest sum of relations to it.

    Attributes:
        relation: shape (n_items, n_items), row = item of the cart.
        own: shape (n_customers, n_items), what counts beside it; None leaves the customer out.
        combine: (score by the cart, score by the customer), each scaled to its best → score.
    """

    relation: csr_array
    own: csr_array | None = None
    combine: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]] = lambda cart, own: (
        cart
    )

    def answer(self, items: NDArray[np.int32], customer: int) -> RecommendationList:
        """See `Answer`."""
        cart = _scaled(np.asarray(self.relation[items].sum(axis=0)).ravel())
        if self.own is None or customer == GUEST:
            return _best(cart)
        return _best(self.combine(cart, _scaled(self.own[[customer]].toarray().ravel())))


def _scaled(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(scores / max(scores.max(initial=0), 1e-12), np.float64)


def _best(scores: NDArray[np.float64]) -> RecommendationList:
    (best,) = np.nonzero(scores > 0)
    if len(best) > _PLACES:
        best = best[scores[best] >= np.partition(scores[best], -_PLACES)[-_PLACES]]
    best = best[np.argsort(-scores[best], kind="stable")][:_PLACES]
    nothing = np.zeros(len(best), np.uint8)
    return RecommendationList(best.astype(np.int32), scores[best].astype(np.float32), nothing, nothing > 0)


def judge_shop(
    read: ReadOrders, settings: Settings, *, back: int, progress: Progress
) -> dict[str, list[tuple[str, Row]]]:
    """Every method's name and row, by task.

    Args:
        read: orders and catalog.
        settings: that our lists are made with.
        back: windows between the one judged and the end of the history.
        progress: hears of every step of our own training.
    """
    cut = read.orders.last_time - (back + 1) * DAYS * DAY
    split = TemporalSplit.at(read.orders, cut, days=DAYS, min_item_lines=MIN_ITEM_LINES)
    carts = Carts.of(split, read.catalog.items)
    known = np.unique(carts.customer[carts.customer != GUEST])
    ours = past_lists(read, settings, cut, known, progress).for_cart
    history = PurchaseHistory.at(split.train, cut)
    column = read.catalog.items.positions(history.items.ids)
    history = replace(history, item=column[history.item], items=read.catalog.items)
    everybody = {"best sellers": SameForAll(ours.best_sellers).answer}
    methods = {
        "cross_sell_guest": everybody | _for_guests(history),
        "cross_sell_known": everybody
        | {"ours, as to a guest": lambda items, customer: ours.answer(items, GUEST)}
        | _for_known(history),
    }
    return {task: _rows(task, carts, ours.answer, answers) for task, answers in methods.items()}


def _rows(task: str, carts: Carts, ours: Answer, methods: Mapping[str, Answer]) -> list[tuple[str, Row]]:
    def ndcg(answer: Answer) -> NDArray[np.float64]:
        return carts.marked(answer, known=CART_TASKS[task], n_places=K).values("ndcg", K)

    own = ndcg(ours)
    customers = len(np.unique(carts.whose[~np.isnan(own)]))
    others = compare(own, {name: ndcg(answer) for name, answer in methods.items()}, customer=carts.whose)
    return [
        (OURS, Row(task, customers, bootstrap(own, customer=carts.whose), None, None)),
        *((one.name, Row(task, customers, one.mean, one.difference, one.p_holm)) for one in others),
    ]


def _for_guests(history: PurchaseHistory) -> dict[str, Answer]:
    """Measures of pairs by their names; none has a floor of customers, and all keep every relation."""
    baskets = history.baskets()
    together = (baskets.T.tocsr() @ baskets).tocoo()
    apart = together.row != together.col
    anchor, other, o = together.row[apart], together.col[apart], together.data[apart]
    sold = np.asarray(baskets.sum(axis=0)).ravel()
    a, b = sold[anchor], sold[other]
    measures = {
        "orders in common": lambda: o,
        "P(other | anchor)": lambda: o / a,
        "cosine": lambda: o / np.sqrt(a * b),
        "cosine, 20 pseudo-orders": lambda: o / np.sqrt((a + 20) * (b + 20)),
        "lift, 20 pseudo-orders": lambda: o * history.n_orders / ((a + 20) * (b + 20)),
    }
    answers = {
        name: Related(csr_array((measure(), (anchor, other)), shape=together.shape)).answer
        for name, measure in measures.items()
    }
    ratio = CoPurchase(measure="llr", min_together=1, n_neighbours=_FULL).fit(history).relation
    return answers | {"log-likelihood ratio": Related(ratio).answer, "EASE of baskets": _ease(baskets).answer}


def _ease(baskets: csr_array, *, items: int = 5_000, regularization: float = 200.0) -> Related:
    """EASE (Steck, WWW 2019) with baskets for customers, over the items of most orders."""
    sold = np.asarray(baskets.sum(axis=0)).ravel()
    top = np.sort(np.argsort(-sold, kind="stable")[:items])
    gram = (baskets[:, top].T.tocsr() @ baskets[:, top]).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += regularization
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    columns = np.tile(top, len(top))
    rows = np.repeat(top, len(top))
    return Related(csr_array((weights.ravel().astype(np.float32), (rows, columns)), shape=(len(sold),) * 2))


def _for_known(history: PurchaseHistory) -> dict[str, Answer]:
    """What a cart and its customer's own purchases say, alone and put together."""
    cosine = CoPurchase(min_together=1, n_neighbours=_FULL).fit(history).relation
    own = history.interactions(120.0)
    return {
        "cosine, 20 pseudo-orders": Related(cosine).answer,
        "own purchases, half-life 120 days": Related(cosine, own, lambda cart, own: own).answer,
        "their sum": Related(cosine, own, lambda cart, own: cart + own).answer,
        "their product": Related(cosine, own, lambda cart, own: (cart + 0.05) * (own + 0.02)).answer,
    }


def table_of(shop: str, rows: Sequence[tuple[str, Row]]) -> Table:
    """A task's rows, the best first."""
    task, customers = rows[0][1].task, rows[0][1].customers
    table = Table(title=f"{shop}, {task}: {customers} persons", title_justify="left")
    table.add_column("method")
    for heading in ("nDCG@10", "less ours", "p (Holm)"):
        table.add_column(heading, justify="right")
    for name, row in sorted(rows, key=lambda named: -named[1].ndcg.mean):
        difference = _signed(row.to_ours) if row.to_ours else ""
        table.add_row(name, str(row.ndcg), difference, "" if row.p is None else f"{row.p:.3f}")
    return table


def page_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """A task's kept figures as docs/cross-sell.md shows them, the best first."""
    lines = ["| method | nDCG@10 | less ours |", "|---|---|---|"]
    for name, row in sorted(rows.items(), key=lambda named: -named[1]["ndcg"]["mean"]):
        difference = _signed(Interval(**row["to_ours"])) if row["to_ours"] else ""
        # An upright line in a name would end the cell.
        lines.append(f"| {name.replace('|', chr(92) + '|')} | {Interval(**row['ndcg'])} | {difference} |")
    return "\n".join(lines)


def _signed(interval: Interval) -> str:
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge every method on every shop at hand, print the tables and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cross_sell", description=__doc__)
    parser.add_argument("--back", type=int, default=0, help="judge so many windows before the last one")
    parser.add_argument("--shop", default="", help="only shops whose name begins so")
    options = parser.parse_args(arguments)
    console, kept = Console(width=110), {}
    for shop, read in real_shops().items():
        if not shop.startswith(options.shop):
            continue
        found = judge_shop(read, Settings(), back=options.back, progress=Silent())
        for rows in found.values():
            console.print(table_of(shop, rows))
        kept[shop] = {task: {name: asdict(row) for name, row in rows} for task, rows in found.items()}
    name = f"cross_sell_{options.back}_back" if options.back else "cross_sell"
    console.print(f"kept in {keep(name, kept)}", highlight=False)


if __name__ == "__main__":
    main()
