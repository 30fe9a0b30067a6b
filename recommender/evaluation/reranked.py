"""The lists as each dial of re-ranking alone would have made them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.build import of_mode
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.likeness import Likeness
from recommender.ranking.lists import ListTable
from recommender.ranking.placing import Block
from recommender.ranking.reranking import Reranking, rerank
from recommender.ranking.reserved import among_best

PLAIN = "nothing"
"""Name of the lists as the ranker left them."""

AS_SET = "all that is set"
"""Name of the lists as they would be published."""

DIALS: Mapping[str, Mapping[str, Any]] = {
    f"{dial} = {value:g}": {dial: value}
    for dial, values in {
        "most_variants": (2, 1),
        "diversity": (0.1, 0.2, 0.3, 0.5),
        "most_per_category": (3, 2, 1),
        "most_per_brand": (3, 2, 1),
        "popularity_damping": (0.1, 0.2, 0.4),
        "new_item_share": (0.1, 0.2),
    }.items()
    for value in values
}
"""Name → what is set beyond nothing."""

_OFF: Mapping[str, Any] = {
    "diversity": 0.0,
    "most_per_category": 0,
    "most_per_brand": 0,
    "popularity_damping": 0.0,
    "most_variants": 0,
    "new_item_share": 0.0,
}

_ROWS = 2_000
"""Lists compared pair by pair at a time."""


@dataclass(frozen=True, slots=True)
class Variety:
    """What the first discoveries of lists do for the shop.

    Attributes:
        coverage: share of the items that may be shown that stand in at least one list.
        unlikeness: mean of 1 − likeness (`Likeness.among`) over the pairs of places of a list.
        novelty: mean over the places of −log2 of the share of customers who bought the item.
        new: share of the places whose item is new to the shop and has hardly sold yet.
    """

    coverage: float
    unlikeness: float
    novelty: float
    new: float


@dataclass(frozen=True, slots=True)
class Reranked:
    """Lists that one setting of re-ranking made.

    Attributes:
        lists: row r for the r-th customer judged; only the first places of every mode.
        variety: of their first discoveries.
    """

    lists: ListTable
    variety: Variety


def settings_to_price(chosen: Reranking) -> dict[str, Reranking]:
    """By name: nothing, what is chosen, and every dial alone, for as many places as are chosen.

    Of new items only as large a share as is chosen: ranked lists keep no room for more of them.
    """
    off = replace(chosen, **_OFF)
    alone = {name: replace(off, **dial) for name, dial in DIALS.items()}
    roomy = {name: one for name, one in alone.items() if one.new_item_share <= chosen.new_item_share}
    return {PLAIN: off, AS_SET: chosen} | roomy


def reranked(
    ranked: ListTable, wanted: Reranking, traits: ItemTraits, *, eligible: NDArray[np.bool_], k: int
) -> Reranked:
    """Lists as `wanted` makes them, and how varied they are.

    Args:
        ranked: lists as the ranker left them.
        wanted: settings.
        traits: of all items.
        eligible: shape (n_items,), items that may be shown.
        k: places of every mode that count.
    """
    lists = _first_of_every_mode(rerank(ranked, wanted, traits), k)
    first = of_mode(lists, "discover", k)
    shown = np.zeros(len(eligible), bool)
    shown[first.items] = True
    variety = Variety(
        coverage=float((shown & eligible).sum() / max(int(eligible.sum()), 1)),
        unlikeness=_unlikeness(first, Likeness.of(traits)),
        novelty=_mean(-np.log2(traits.buyers[first.items])),
        new=_mean(traits.is_new[first.items]),
    )
    return Reranked(lists, variety)


def _first_of_every_mode(lists: ListTable, k: int) -> ListTable:
    """What any mode's list of k places holds: a third of a row or less, and there are many such tables."""
    everything = np.ones(len(lists.items), bool)
    kinds = (everything, lists.bought, ~lists.bought)
    return lists.keep(np.logical_or.reduce([among_best(lists, kind, k) for kind in kinds]))


def _unlikeness(lists: ListTable, likeness: Likeness) -> float:
    total, pairs = 0.0, 0
    for start in range(0, len(lists) if len(lists.items) else 0, _ROWS):
        block = Block.of(lists, lists.starts[start : start + _ROWS + 1])
        width = block.items.shape[1]
        both = block.filled[:, :, None] & block.filled[:, None, :] & ~np.eye(width, dtype=bool)
        total += float(likeness.among(block.items)[both].sum(dtype=np.float64))
        pairs += int(both.sum())
    return 1 - total / pairs if pairs else 0.0


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else 0.0
