"""One list for a whole cart."""

from collections.abc import Sequence

import numpy as np

from recommender.ranking.lists import RecommendationList

CUSTOMER_WEIGHT = 0.5
"""How far a customer's own list may lift an item: its first place by half, its last hardly."""


def merge_lists(lists: Sequence[RecommendationList]) -> RecommendationList:
    """The items of all lists by the sum of their scores; ties go to the lower item position.

    An item keeps the source of the first list that it stands in.
    """
    every_item = np.concatenate([ranked.items for ranked in lists])
    every_score = np.concatenate([ranked.scores for ranked in lists])
    every_source = np.concatenate([ranked.sources for ranked in lists])
    items, first, at = np.unique(every_item, return_index=True, return_inverse=True)
    sums = np.bincount(at, weights=every_score, minlength=len(items))
    merged = RecommendationList(
        items.astype(np.int32),
        sums.astype(np.float32),
        every_source[first],
        np.zeros(len(items), bool),
    )
    return _best_first(merged)


def lift_own_items(ranked: RecommendationList, own: RecommendationList) -> RecommendationList:
    """Move up what the customer's own list holds too.

    Place p of L in the own list multiplies an item's score by 1 + CUSTOMER_WEIGHT × (1 - p / L).
    """
    if not len(own):
        return ranked
    closeness = dict(zip(own.items.tolist(), 1 - np.arange(len(own)) / len(own), strict=True))
    lift = 1 + CUSTOMER_WEIGHT * np.array([closeness.get(item, 0.0) for item in ranked.items.tolist()])
    scores = (ranked.scores * lift).astype(np.float32)
    return _best_first(RecommendationList(ranked.items, scores, ranked.sources, ranked.bought))


def _best_first(ranked: RecommendationList) -> RecommendationList:
    order = np.lexsort((ranked.items, -ranked.scores))
    return RecommendationList(
        ranked.items[order], ranked.scores[order], ranked.sources[order], ranked.bought[order]
    )
