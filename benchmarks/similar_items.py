"""Do item pages show what goes with the item, or what everybody buys?

Pages are made of what was bought until 28 days before the newest order, and judged by what customers who
then bought a page's item for the first time also bought for the first time. Run it with
`python -m benchmarks.similar_items --back 1`; docs/similar-items.md says what to make of it. Nothing is kept;
`--back` is how many windows lie between the one judged and the last.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import coo_array, csr_array

from benchmarks.datasets import real_shops
from benchmarks.held_out import HeldOut
from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.evaluation.accuracy import hits_of, ndcg_at
from recommender.models.item_knn import ItemKNN
from recommender.models.neighbours import Neighbours
from recommender.models.similar_items import SimilarItems
from recommender.ranking.build import related
from recommender.ranking.lists import ListTable

K = 10
"""Places of a page that count."""

Category = NDArray[np.int32]

WAYS: Mapping[str, Callable[[PurchaseHistory, Category], Neighbours]] = {
    "cosines of item_knn": lambda history, _: ItemKNN().fit(history).neighbours,
    "correlation": SimilarItems(same_category=1).fit,
    "what is shown": SimilarItems().fit,
}
"""What pages can be made by."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How good the pages of a shop are.

    Attributes:
        commonest: share of the pages that hold the item which most of them hold.
        shown: share of the items that stand on some page.
        own_category: share of the places that hold an item of the page's category.
        found: nDCG of what was bought for the first time by who first bought the page's item.
        found_in_category: the same, only what is of the item's own category counted.
    """

    commonest: float
    shown: float
    own_category: float
    found: float
    found_in_category: float


def figures(held_out: HeldOut, pages: ListTable, category: Category) -> Figures:
    """Judge pages, one row an item; means are over customers, however many items each bought."""
    pages, known = pages.first(K), held_out.window.known
    on = np.bincount(pages.items, minlength=len(known))
    page = pages.row_of_place()
    own = (category[page] == category[pages.items]) & (category[page] >= 0)
    truth, had = held_out.window.truth, held_out.window.bought
    truth = csr_array(truth - truth.multiply(had > 0))
    truth.eliminate_zeros()
    customer, item = truth.nonzero()
    others = truth[customer].tocoo()
    anchor = item[others.row]
    beside = others.col != anchor
    alike = beside & (category[anchor] == category[others.col]) & (category[anchor] >= 0)
    shown = _rows_of(pages, item)
    return Figures(
        commonest=float(on.max() / known.sum()),
        shown=float((on > 0).sum() / known.sum()),
        own_category=float(own.mean()),
        found=_found(customer, shown, _where(others, beside)),
        found_in_category=_found(customer, shown, _where(others, alike)),
    )


def _rows_of(table: ListTable, rows: NDArray[np.integer]) -> ListTable:
    lengths = np.diff(table.starts)[rows]
    starts = np.concatenate(([0], np.cumsum(lengths)))
    at = np.arange(starts[-1]) + np.repeat(table.starts[rows] - starts[:-1], lengths)
    return ListTable(starts, table.items[at], table.scores[at], table.sources[at], table.bought[at])


def _where(truth: coo_array, mask: NDArray[np.bool_]) -> csr_array:
    return csr_array((truth.data[mask], (truth.row[mask], truth.col[mask])), shape=truth.shape)


def _found(customer: NDArray[np.integer], shown: ListTable, truth: csr_array) -> float:
    ndcg = ndcg_at(K, hits_of(shown, truth, K), np.diff(truth.indptr))
    asked = ~np.isnan(ndcg)
    pages_each = np.bincount(customer[asked])
    of_each = np.bincount(customer[asked], weights=ndcg[asked])[pages_each > 0]
    return float(np.mean(of_each / pages_each[pages_each > 0]))


def categories(catalog: Catalog) -> Category:
    """Number of each item's category; in a shop without any, of the last word of its title."""
    names, number = catalog.categories()
    if names:
        return number
    last_word = ["".join((title or "").split()[-1:]) for title in catalog.title]
    return np.unique(last_word, return_inverse=True)[1].astype(np.int32)


def main() -> None:
    """Judge every way of making pages on every shop at hand."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--back", type=int, default=1, help="windows between the one judged and the last")
    back, console = parser.parse_args().back, Console(width=150)
    for name, read in real_shops().items():
        held_out = HeldOut.of(read.orders, back)
        catalog = read.catalog.align(held_out.history.items)
        table = Table(title=name, title_justify="left")
        for column in ("pages by", *Figures.__dataclass_fields__):
            table.add_column(column.replace("_", " "))
        for way, learn in WAYS.items():
            neighbours = learn(held_out.history, catalog.categories()[1])
            pages = related(neighbours, "item_knn", held_out.window.known, K)
            row = astuple(figures(held_out, pages, categories(catalog)))
            table.add_row(way, *(f"{figure:.4f}" for figure in row))
        console.print(table)


if __name__ == "__main__":
    main()
