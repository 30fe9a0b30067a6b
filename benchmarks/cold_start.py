"""How good is the answer where little is known: items without a sale, customers with one cart, guests?

Everything is learned until 28 days before the newest order and judged on what came after. Run it with
`python -m benchmarks.cold_start`; the result is kept in benchmarks/results/cold_start.json, and
docs/cold-start.md says what to make of it. `--back 1` judges the window before the last instead, and keeps
nothing: that is what settings were chosen on.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array

from benchmarks.datasets import real_shops
from benchmarks.results import keep
from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.item_text import item_terms
from recommender.data.newcomers import days_on_sale
from recommender.data.orders import GUEST, OrderLog
from recommender.data.places import Places
from recommender.evaluation.accuracy import hit_at, ndcg_at
from recommender.evaluation.comparison import compare
from recommender.evaluation.intervals import bootstrap
from recommender.evaluation.split import known_items
from recommender.models.als import Als, AlsModel
from recommender.models.best_sellers import BestSellers
from recommender.models.bought_together import BoughtTogether
from recommender.models.content import Content, ContentModel
from recommender.models.local_best_sellers import LocalBestSellers

DAYS = 28
MIN_ITEM_LINES = 5
K = 10
"""Places of a list that count."""

HIDDEN = 0.1
"""Share of items, or of customers, that is hidden from training where there are too few cold ones."""

NEW_DAYS = 90
"""Items first sold so lately before the cut are judged as those with few sales."""

Scores = Mapping[str, NDArray[np.floating]]
"""Of each method, by name: shape (n_lists, n_items), higher is better; the first one is ours."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop with what it says of its items and of where its orders went.

    Attributes:
        orders: known customers' purchases.
        catalog: in the order of the log's items.
        places: of the log's orders.
    """

    orders: OrderLog
    catalog: Catalog
    places: Places

    def cut(self, back: int) -> int:
        """Where the window that is `back` before the last one begins, seconds since 1970 UTC."""
        return self.orders.last_time - (back + 1) * DAYS * DAY

    def known(self, cut: int) -> NDArray[np.bool_]:
        """Items known at a cut, shape (n_items,)."""
        return known_items(self.orders.until(cut), MIN_ITEM_LINES)

    def window(self, cut: int) -> OrderLog:
        """What was bought in the days after a cut."""
        return self.orders.after(cut).until(cut + DAYS * DAY)

    def first_sold(self) -> NDArray[np.int64]:
        """Time of the first sale of each item, shape (n_items,)."""
        first = np.full(len(self.orders.items), np.iinfo(np.int64).max)
        np.minimum.at(first, self.orders.item, self.orders.ordered_at)
        return first


@dataclass(frozen=True, slots=True)
class Past:
    """What was learned from some lines before a cut; matrices have the columns of the whole log.

    Attributes:
        history: the lines, seen at the cut.
        als: factors of customers and of items that had been bought.
        content: factors of the items in question.
    """

    history: PurchaseHistory
    als: AlsModel
    content: ContentModel

    @classmethod
    def of(cls, shop: Shop, lines: OrderLog, new: NDArray[np.bool_], cut: int) -> "Past":
        """Learn from lines until the cut; `new`, shape (n_items,), are the items in question."""
        history = PurchaseHistory.at(lines, cut)
        als = Als().fit(history)
        on_sale = days_on_sale(history, shop.catalog, cut)
        told = Content().fit(history, shop.catalog, als, newcomers=new, days_on_sale=on_sale)
        return cls(history, als, told)


@dataclass(frozen=True, slots=True)
class Answer:
    """How well each method answered one question.

    Attributes:
        lists: lists judged; `items`: items that they were made of.
        methods: nDCG with its interval, the share of lists with a hit, and how far the method is from ours.
    """

    lists: int
    items: int
    methods: dict[str, dict[str, object]]


def cold_items(shop: Shop, cut: int) -> Answer:
    """Items first sold after the cut, ranked among themselves for customers who had ordered before."""
    first = shop.first_sold()
    return _ranked_items(shop, cut, (first > cut) & (first <= cut + DAYS * DAY), {})


def hidden_items(shop: Shop, cut: int) -> Answer:
    """Known items whose sales are hidden from training, ranked among themselves."""
    drawn = np.random.default_rng(0).random(len(shop.orders.items)) < HIDDEN
    lines, known = shop.orders.until(cut), shop.known(cut)
    als = Als().fit(PurchaseHistory.at(lines.lines(known[lines.item]), cut))
    return _ranked_items(shop, cut, known & drawn, {"ALS that knows their sales": als})


def _ranked_items(shop: Shop, cut: int, cold: NDArray[np.bool_], knowing: Mapping[str, AlsModel]) -> Answer:
    lines, warm = shop.orders.until(cut), shop.known(cut) & ~cold
    past = Past.of(shop, lines.lines(warm[lines.item]), cold, cut)
    truth = _bought(shop.window(cut))[:, cold]
    judged = np.flatnonzero((np.diff(truth.indptr) > 0) & (np.diff(past.history.interactions(1).indptr) > 0))
    customers = past.als.customer_factors[judged]
    everybody = np.ones((len(judged), 1))
    scores = {
        "content": customers @ past.content.item_factors.T,
        "words of own purchases": _own_words(shop, past, judged, cold),
        "popularity of the category": everybody * _category_popularity(shop, past, warm)[cold],
        "newest first": everybody * _number(shop)[cold],
        "random": np.random.default_rng(0).random((len(judged), int(cold.sum()))),
        **{name: als.customer_factors[judged] @ als.item_factors[cold].T for name, als in knowing.items()},
    }
    return _answer(scores, truth[judged].toarray())


def few_sales(shop: Shop, cut: int) -> Answer:
    """Items first sold in the 90 days before the cut, ranked for customers who had not bought them."""
    lines, first = shop.orders.until(cut), shop.first_sold()
    new = (first > cut - NEW_DAYS * DAY) & (first <= cut)
    kept = new | shop.known(cut)
    past = Past.of(shop, lines.lines(kept[lines.item]), new, cut)
    had = past.history.interactions(np.inf)[:, new].toarray() > 0
    truth = _bought(shop.window(cut))[:, new].toarray() * ~had
    judged = np.flatnonzero(truth.any(axis=1) & past.als.customer_factors.any(axis=1))
    customers = past.als.customer_factors[judged]
    scores = {
        "ALS and content": customers @ past.content.item_factors.T,
        "ALS": customers @ past.als.item_factors[new].T,
    }
    scores = {name: np.where(had[judged], -np.inf, of) for name, of in scores.items()}
    return _answer(scores, truth[judged])


def new_customers(shop: Shop, cut: int) -> Answer:
    """Who first ordered after the cut: the first order is the cart, what they bought later the truth."""
    known = np.isin(np.arange(len(shop.orders.customers)), shop.orders.until(cut).customer)
    return _first_carts(shop, cut, ~known)


def hidden_customers(shop: Shop, cut: int) -> Answer:
    """Some of all customers, whom training knows nothing of: their first order after the cut is the cart."""
    drawn = np.random.default_rng(0).random(len(shop.orders.customers)) < HIDDEN
    return _first_carts(shop, cut, drawn)


def _first_carts(shop: Shop, cut: int, strangers: NDArray[np.bool_]) -> Answer:
    lines, known = shop.orders.until(cut), shop.known(cut)
    lines = lines.lines(known[lines.item] & ~strangers[lines.customer])
    history, window = PurchaseHistory.at(lines, cut), shop.window(cut)
    window = window.lines(known[window.item] & strangers[window.customer])
    in_cart = _of_first_order(window)
    cart, later = _bought(window.lines(in_cart)), _bought(window.lines(~in_cart))
    judged = np.flatnonzero(np.diff(csr_array(later - later.multiply(cart)).tocsr().indptr))
    cart, truth = cart[judged], later[judged].toarray() * (cart[judged].toarray() == 0)
    judged = truth.any(axis=1)
    cart, truth = cart[np.flatnonzero(judged)], truth[judged]
    als, together = Als().fit(history), BoughtTogether().fit(history).relation
    scores = {
        "fold-in": als.scores_of(als.fold_in(cart)),
        "bought together": (cart @ together).toarray(),
        "best sellers": np.ones((len(truth), 1)) * BestSellers().fit(history).sold,
    }
    taken = cart.toarray() > 0
    return _answer(
        {name: np.where(taken, -np.inf, of)[:, known] for name, of in scores.items()}, truth[:, known]
    )


def guests(shop: Shop, cut: int) -> Answer:
    """Orders after the cut from all but the commonest place, as if only the place were known."""
    lines, known, window = shop.orders.until(cut), shop.known(cut), shop.window(cut)
    lines, window = lines.lines(known[lines.item]), window.lines(known[window.item])
    commonest = np.bincount(shop.places.of_order[np.unique(lines.order)]).argmax()
    place = shop.places.of_order[window.order]
    window = window.lines((place != commonest) & (place >= 0))
    orders, row = np.unique(window.order, return_inverse=True)
    truth = csr_array((np.ones(len(row)), (row, window.item)), shape=(len(orders), len(known))).toarray() > 0
    model = LocalBestSellers().fit(lines, shop.places, cut)
    whole = BestSellers().fit(PurchaseHistory.at(lines, cut)).sold
    of_place = dict(zip(model.names, model.local.toarray() + model.prior, strict=True))
    # Who comes from a place without a list is answered with the whole shop's, as the service does it.
    local = [of_place.get(shop.places.names[at], whole) for at in shop.places.of_order[orders]]
    everywhere = np.ones((len(orders), 1)) * whole
    scores = {"best sellers of the place": np.array(local)[:, known], "best sellers": everywhere[:, known]}
    return _answer(scores, truth[:, known])


QUESTIONS: Mapping[str, Callable[[Shop, int], Answer]] = {
    "items first sold after the cut": cold_items,
    "items hidden from training": hidden_items,
    "items with few sales": few_sales,
    "customers who first ordered after the cut": new_customers,
    "customers hidden from training": hidden_customers,
    "guests of whom the place is known": guests,
}


def _answer(scores: Scores, truth: NDArray[np.bool_ | np.floating]) -> Answer:
    n_relevant = (truth > 0).sum(axis=1)
    ndcg, hit = {}, {}
    for name, of_items in scores.items():
        best = np.argsort(-of_items, axis=1, kind="stable")[:, :K]
        hits = np.take_along_axis(truth, best, axis=1) > 0
        ndcg[name], hit[name] = ndcg_at(K, hits, n_relevant), hit_at(K, hits, n_relevant)
    ours, *others = scores
    rows = compare(ndcg[ours], {name: ndcg[name] for name in others})
    methods = {ours: {"ndcg": asdict(bootstrap(ndcg[ours])), "hit": float(hit[ours].mean())}}
    for row in rows:
        figures = {"ndcg": asdict(row.mean), "hit": float(hit[row.name].mean())}
        methods[row.name] = figures | {"difference": asdict(row.difference), "p_holm": row.p_holm}
    return Answer(len(truth), truth.shape[1], methods)


def _bought(lines: OrderLog) -> csr_array:
    """1 where a customer bought an item, shape (n_customers, n_items)."""
    lines = lines.lines(lines.customer != GUEST)
    shape = (len(lines.customers), len(lines.items))
    matrix = csr_array((np.ones(len(lines), np.float32), (lines.customer, lines.item)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def _of_first_order(lines: OrderLog) -> NDArray[np.bool_]:
    """Lines of each customer's first order; of two in one second the one of the lower id."""
    by_time = np.lexsort((lines.order, lines.ordered_at, lines.customer))
    customers, first = np.unique(lines.customer[by_time], return_index=True)
    first_order = np.full(len(lines.customers), -1, np.int32)
    first_order[customers] = lines.order[by_time][first]
    return np.asarray(first_order[lines.customer] == lines.order)


def _own_words(
    shop: Shop, past: Past, customers: NDArray[np.intp], cold: NDArray[np.bool_]
) -> NDArray[np.floating]:
    """How much of what is said of an item is also said of what the customer bought lately."""
    terms, taste = item_terms(shop.catalog, ~cold), np.log1p(past.history.interactions(180.0))
    return np.asarray(((taste[customers] @ terms) @ terms[cold].T).toarray())


def _category_popularity(shop: Shop, past: Past, warm: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Mean sales of the item's category; without categories, of the items whose title ends with its word."""
    has_categories = any(shop.catalog.category)
    last_word = [(title or "").split()[-1:] for title in shop.catalog.title]
    named = shop.catalog.category if has_categories else ["".join(word) for word in last_word]
    _, group = np.unique([name or "" for name in named], return_inverse=True)
    sold = np.bincount(group, weights=BestSellers().fit(past.history).sold)
    return np.asarray((sold / np.maximum(np.bincount(group, weights=warm), 1))[group])


def _number(shop: Shop) -> NDArray[np.floating]:
    """The digits of an item's id as a number: neither shop dates its items, but both count upwards."""
    digits = ("".join(filter(str.isdigit, id_))[:9] for id_ in shop.orders.items.ids)
    return np.array([float(text or 0) for text in digits])


def shops() -> dict[str, Shop]:
    """The real shops at hand, with what they say of their items and of where orders went."""
    return {
        name: Shop(read.orders, read.catalog.align(read.orders.items), read.places)
        for name, read in real_shops().items()
    }


def answers(shop: Shop, back: int = 0) -> dict[str, Answer]:
    """Every question's answer on one window of one shop, those left out that nobody asks there."""
    asked = {name: question(shop, shop.cut(back)) for name, question in QUESTIONS.items()}
    return {name: answer for name, answer in asked.items() if answer.lists}


def _table(shop: str, found: Mapping[str, Answer]) -> Table:
    table = Table(title=shop, title_justify="left")
    for column in ("question", "lists", "items", "method", "nDCG@10", "hit@10", "difference to ours"):
        table.add_column(column, justify="left" if column in ("question", "method") else "right")
    for question, answer in found.items():
        first = (question, f"{answer.lists:,}", f"{answer.items:,}")
        for name, figures in answer.methods.items():
            table.add_row(
                *first,
                name,
                _said(figures["ndcg"]),
                f"{figures['hit']:.3f}",
                _said(figures.get("difference")),
            )
            first = ("", "", "")
        table.add_section()
    return table


def _said(interval: object) -> str:
    if not isinstance(interval, dict):
        return ""
    return f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"


def main() -> None:
    """Answer every question on every shop at hand, print the tables and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--back", type=int, default=0, help="windows between the one judged and the last")
    back = parser.parse_args().back
    console, found = Console(width=150), {}
    for name, shop in shops().items():
        found[name] = answers(shop, back)
        console.print(_table(name, found[name]))
    if back == 0:
        figures = {
            name: {question: asdict(of) for question, of in asked.items()} for name, asked in found.items()
        }
        console.print(f"kept in {keep('cold_start', figures)}", highlight=False)


if __name__ == "__main__":
    main()
