"""What lists do to the shop as a whole, beside being right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.evaluation.accuracy import hits_of
from recommender.evaluation.window import Window
from recommender.ranking.build import of_mode
from recommender.ranking.lists import ListTable


@dataclass(frozen=True, slots=True)
class Health:
    """Figures of the first places of mixed lists.

    Attributes:
        k: places of a list that count.
        coverage: share of the items that may be shown that stand in at least one list, in [0, 1].
        gini: how unequally the places are shared among those items: 0 all alike, 1 all places for one item.
        novelty: mean over the places of −log2 of the share of customers who had bought the item: 1 for an
            item that half of them know, 10 for one in a thousand. An item that nobody bought counts as
            bought by one.
        diversity: mean share of pairs of places of different categories, in [0, 1]; None where no list
            has two items whose category is known.
        serendipity: mean share of the places that were bought and that best sellers would not have shown.
        like_best_sellers: share of lists that hold the same items as best sellers', in whatever order.
    """

    k: int
    coverage: float
    gini: float
    novelty: float
    diversity: float | None
    serendipity: float
    like_best_sellers: float


def health_of(
    window: Window,
    lists: ListTable,
    best_sellers: ListTable,
    *,
    eligible: NDArray[np.bool_],
    category: NDArray[np.int32],
    k: int,
) -> Health:
    """How healthy lists are.

    Args:
        window: who is judged.
        lists: row r for row r of the window.
        best_sellers: likewise.
        eligible: shape (n_items,), items that may be shown.
        category: shape (n_items,), category of each item, -1 for none.
        k: places that count.
    """
    best, sold = of_mode(lists, "mixed", k), of_mode(best_sellers, "mixed", k)
    shown = np.bincount(best.items, minlength=len(eligible))
    share_of_customers = np.maximum(window.buyers, 1) / max(window.n_customers, 1)
    return Health(
        k=k,
        coverage=_mean(shown[eligible] > 0),
        gini=gini(shown[eligible]),
        novelty=_mean(-np.log2(share_of_customers[best.items])),
        diversity=diversity(best, category),
        serendipity=_mean(serendipity(best, sold, window.truth, k)),
        like_best_sellers=_mean(same_items(best, sold)),
    )


def pooled_health(windows: Sequence[Health], lists: Sequence[int]) -> Health:
    """The mean of several windows, each weighing as much as it has lists."""
    weight = np.array(lists, np.float64)

    def mean(name: str, weight: NDArray[np.float64] = weight) -> float:
        values = np.array([getattr(health, name) or 0.0 for health in windows])
        return float((values * weight).sum() / weight.sum())

    with_categories = weight * np.array([health.diversity is not None for health in windows])
    return Health(
        k=windows[0].k,
        coverage=mean("coverage"),
        gini=mean("gini"),
        novelty=mean("novelty"),
        diversity=mean("diversity", with_categories) if with_categories.any() else None,
        serendipity=mean("serendipity"),
        like_best_sellers=mean("like_best_sellers"),
    )


def gini(exposure: NDArray[np.integer]) -> float:
    """Gini coefficient of how often each item is shown, in [0, 1); 0 where nothing is shown.

    Args:
        exposure: shape (n_items,), items never shown included.
    """
    n, total = len(exposure), exposure.sum()
    if total == 0:
        return 0.0
    ranked = np.sort(exposure)
    return float(((2 * np.arange(1, n + 1) - n - 1) * ranked).sum() / (n * total))


def diversity(table: ListTable, category: NDArray[np.int32]) -> float | None:
    """Mean over lists of the share of pairs of places of different categories.

    Args:
        table: lists.
        category: shape (n_items,), category of each item; places with -1 are passed over.

    Returns:
        None where no list has two places of known category.
    """
    known = category[table.items] >= 0
    row, of_place = table.row_of_place()[known], category[table.items][known]
    shape = (len(table), int(category.max(initial=0)) + 1)
    places = csr_array((np.ones(len(row)), (row, of_place)), shape=shape)
    pairs = _pairs(places.sum(axis=1))
    alike = csr_array((_pairs(places.data), places.indices, places.indptr), shape=shape).sum(axis=1)
    if not pairs.any():
        return None
    return float(1 - (alike[pairs > 0] / pairs[pairs > 0]).mean())


def serendipity(lists: ListTable, best_sellers: ListTable, truth: csr_array, k: int) -> NDArray[np.float64]:
    """Share of k places that were bought and that best sellers do not show.

    Shape (n,); NaN for who bought nothing. After Ge, Delgado-Battenfeld & Jannach, "Beyond accuracy:
    evaluating recommender systems by coverage and serendipity", RecSys 2010, with best sellers as what
    anybody would have expected.
    """
    unexpected = lists.keep(~_also_in(lists, best_sellers, truth.shape[1]))
    surprises = hits_of(unexpected, truth, k).sum(axis=1) / k
    return np.where(np.diff(truth.indptr) > 0, surprises, np.nan)


def same_items(lists: ListTable, others: ListTable) -> NDArray[np.bool_]:
    """Whether each list holds the same items as the other table's list of that row, shape (n,)."""
    n_items = int(max(lists.items.max(initial=0), others.items.max(initial=0))) + 1
    shared = np.bincount(lists.row_of_place()[_also_in(lists, others, n_items)], minlength=len(lists))
    lengths, other_lengths = np.diff(lists.starts), np.diff(others.starts)
    return np.asarray((shared == lengths) & (shared == other_lengths))


def _also_in(lists: ListTable, others: ListTable, n_items: int) -> NDArray[np.bool_]:
    """Which places hold an item that the other table's list of that row holds too."""
    return np.isin(
        lists.row_of_place() * n_items + lists.items, others.row_of_place() * n_items + others.items
    )


def _pairs(n: NDArray[np.float64]) -> NDArray[np.float64]:
    return n * (n - 1) / 2


def _mean(values: NDArray[np.generic]) -> float:
    """Mean of what is known, 0 where nothing is."""
    numbers = values.astype(np.float64)
    known = numbers[~np.isnan(numbers)]
    return float(known.mean()) if len(known) else 0.0
