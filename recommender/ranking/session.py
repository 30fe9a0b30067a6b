"""One list for a session: what goes with the items just looked at."""

from collections.abc import Sequence

import numpy as np

from recommender.ranking.cart import by_place, merged, scaled
from recommender.ranking.lists import RecommendationList

VIEWS_HALVING = 3.0
"""A view counts half when so many newer ones are known."""

OF_CART, OF_OWN = 2.0, 0.4
"""What the best item by the cart counts, and the first place of the customer's own list, beside 1 for the
best item by what was just looked at: who puts a thing into the cart means it more than who looks at it."""


def list_for_session(
    viewed: Sequence[RecommendationList], of_cart: RecommendationList, own: RecommendationList
) -> RecommendationList:
    """What to show in a session: the lists of the items looked at, the cart's and the customer's, added up.

    Each list of an item looked at is scaled to its best, since scores of two lists cannot be compared, and
    fades with the number of newer views. Their sum is scaled to its best as well, the cart's list to
    `OF_CART`; of the customer's own list places count and not scores, as beside a cart (`list_for_cart`).

    Args:
        viewed: what is similar to the items looked at, the newest last.
        of_cart: what to show beside the cart; empty without one.
        own: the customer's own list; empty for a guest.

    Returns:
        Best first; ties go to the lower item position. Empty where nothing is known of what was looked at.
    """
    if not any(len(ranked) for ranked in viewed):
        return merged([])
    faded = np.exp2(-np.arange(len(viewed))[::-1] / VIEWS_HALVING)
    of_views = merged(
        [scaled(ranked, best=float(weight)) for ranked, weight in zip(viewed, faded, strict=True)]
    )
    return merged([scaled(of_views), scaled(of_cart, best=OF_CART), by_place(own, first=OF_OWN)])
