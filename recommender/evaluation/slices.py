"""Whom lists serve well, and whom badly: figures of groups of customers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.evaluation.intervals import Interval, bootstrap_ratios
from recommender.evaluation.window import Window

FEWEST_CUSTOMERS = 30
"""Below this an interval says little: such categories are put together, such other slices are marked."""

ACTIVITY = (("1 order", 1), ("2–3 orders", 2), ("4–9 orders", 4), ("10 orders and more", 10))
"""Slices by orders before the cut, each with the fewest that it takes."""

RECENCY = (
    ("up to 30 days ago", 0.0),
    ("31–90 days ago", 30.0),
    ("91–180 days ago", 90.0),
    ("over 180 days ago", 180.0),
)
"""Slices by days from the last order to the cut, each with the days that it must exceed."""

MOST_CATEGORIES = 20
"""Categories shown one by one, those of most customers; the rest are put together."""

OTHER = "other"
"""Categories with few customers, put together."""

NO_CATEGORY = "no category"
"""Customers most of whose purchases are of items without a category."""


@dataclass(frozen=True, slots=True)
class Slice:
    """How lists did for a group of customers, over those who can be judged on the task.

    Attributes:
        dimension: `activity` (orders before the cut), `recency` (of the last of them) or `category` (that
            most of the purchases after the cut belong to).
        name: of the group.
        task: what was counted.
        customers: customers judged.
        few: whether they are fewer than 30, so that the figures say little.
        ndcg: nDCG@k with its 95 % interval.
        baseline_ndcg: nDCG@k of best sellers.
        gain: paired difference of the two.
    """

    dimension: str
    name: str
    task: str
    customers: int
    few: bool
    ndcg: Interval
    baseline_ndcg: float
    gain: Interval


@dataclass(frozen=True, slots=True)
class Groups:
    """One way to part the judged lists.

    Attributes:
        dimension: name of the way.
        names: of the groups.
        group: shape (n_lists,) positions in `names`, -1 for lists in none.
    """

    dimension: str
    names: tuple[str, ...]
    group: NDArray[np.int64]


def categories_of(catalog: Catalog) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Names of the categories, sorted, and the position of each item's category among them, -1 for none."""
    names = tuple(sorted({category for category in catalog.category if category}))
    position = {name: n for n, name in enumerate(names)}
    return names, np.array([position.get(category or "", -1) for category in catalog.category], np.int32)


def groups_of(
    windows: Sequence[Window], categories: tuple[str, ...], category: NDArray[np.int32]
) -> tuple[Groups, ...]:
    """Every way to part the rows of windows, one window after the other.

    Args:
        windows: what is judged.
        categories: names of the categories, sorted.
        category: shape (n_items,) positions in `categories`, -1 for none.
    """
    orders = np.concatenate([window.orders_before for window in windows])
    days = np.concatenate([window.days_since_order for window in windows])
    ways = [
        Groups(
            "activity",
            tuple(name for name, _ in ACTIVITY),
            _step(orders, [float(n) for _, n in ACTIVITY], "right"),
        ),
        Groups("recency", tuple(name for name, _ in RECENCY), _step(days, [d for _, d in RECENCY], "left")),
    ]
    if categories:
        main = np.concatenate([main_category(window.truth, category, len(categories)) for window in windows])
        ways.append(Groups("category", (*categories, NO_CATEGORY), main))
    return tuple(ways)


def slices(
    groups: Groups,
    task: str,
    ndcg: NDArray[np.float64],
    baseline: NDArray[np.float64],
    customer: NDArray[np.integer],
) -> tuple[Slice, ...]:
    """Figures of every group that holds somebody judged, in the order of their names.

    Args:
        groups: who belongs where.
        task: what was counted.
        ndcg: shape (n_lists,), NaN where not judged.
        baseline: likewise, of best sellers.
        customer: shape (n_lists,), whose each list is.
    """
    values = np.stack((ndcg, baseline, ndcg - baseline), axis=1)
    found = []
    for name, member in _members(groups, ~np.isnan(ndcg), customer):
        whose, ones = customer[member], np.ones((int(member.sum()), 1))
        own, best_sellers, gain = bootstrap_ratios(values[member], ones, customer=whose)
        n = len(np.unique(whose))
        few = n < FEWEST_CUSTOMERS
        found.append(Slice(groups.dimension, name, task, n, few, own, best_sellers.mean, gain))
    return tuple(found)


def main_category(truth: csr_array, category: NDArray[np.int32], n_categories: int) -> NDArray[np.int64]:
    """Category of most items of each row.

    Args:
        truth: shape (n, n_items), 1 where bought.
        category: shape (n_items,) positions, -1 for none.
        n_categories: number of categories.

    Returns:
        Shape (n,): the lower position of equally frequent ones, `n_categories` where most have none, and
        -1 for an empty row.
    """
    row = np.repeat(np.arange(truth.shape[0]), np.diff(truth.indptr))
    of_item = np.where(category < 0, n_categories, category)[truth.indices]
    shape = (truth.shape[0], n_categories + 1)
    items = csr_array((np.ones(len(row)), (row, of_item)), shape=shape).tocoo()
    # Written from the rarest to the most frequent, of equals the lower position last: what stays is wanted.
    rarest_first = np.lexsort((-items.col, items.data))
    main = np.full(truth.shape[0], -1, np.int64)
    main[items.row[rarest_first]] = items.col[rarest_first]
    return main


def _step(
    values: NDArray[np.number], bounds: list[float], side: Literal["left", "right"]
) -> NDArray[np.int64]:
    return np.maximum(np.searchsorted(np.array(bounds), values, side=side) - 1, 0)


def _members(
    groups: Groups, judged: NDArray[np.bool_], customer: NDArray[np.integer]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each group with somebody judged; small categories come last, as one."""
    alone = np.bincount(groups.group[judged], minlength=len(groups.names)) > 0
    if groups.dimension == "category":
        alone &= _large(groups, judged, customer)
    for position in np.flatnonzero(alone):
        yield groups.names[position], judged & (groups.group == position)
    rest = judged & ~alone[groups.group]
    if rest.any():
        yield OTHER, rest


def _large(groups: Groups, judged: NDArray[np.bool_], customer: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Groups of enough customers, and not more of them than can be read."""
    n_groups = len(groups.names)
    members = np.unique(customer[judged].astype(np.int64) * n_groups + groups.group[judged])
    customers = np.bincount(members % n_groups, minlength=n_groups)
    largest = np.argsort(-customers, kind="stable")[:MOST_CATEGORIES]
    large = np.zeros(n_groups, bool)
    large[largest] = customers[largest] >= FEWEST_CUSTOMERS
    return large
