"""One list for a session: what goes with the items just looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.ranking.cart import (
    NOTHING,
    OF_A_GUEST,
    CustomerLists,
    by_place,
    like_the_cart,
    merged,
    scaled,
    share_of_repeats,
)
from recommender.ranking.lists import RecommendationList

VIEWS_HALVING = 1.0
"""A view counts half when so many newer ones are known."""

OF_CART, OF_OWN, OF_ORDERS, OF_FACTORS = 2.0, 1.5, 0.7, 0.8
"""What the best item by the cart counts, the first place of the customer's own list, the best item by the
customer's past orders, and the best one by ALS, beside 1 for the best item that is like what was just looked
at, and 1 for the best that is bought with it: who puts a thing into the cart means it more than who looks at
it."""


@dataclass(frozen=True, slots=True)
class Viewed:
    """What is known of an item that was looked at.

    Attributes:
        item: its position.
        similar: items that the same customers buy.
        together: items that are bought together with it.
    """

    item: int
    similar: RecommendationList = NOTHING
    together: RecommendationList = NOTHING


def list_for_session(
    viewed: Sequence[Viewed],
    of_cart: RecommendationList,
    customer: CustomerLists = OF_A_GUEST,
    by_factors: RecommendationList = NOTHING,
) -> RecommendationList:
    """What to show in a session: what goes with the items looked at, the cart's list and the customer's.

    Each list of an item looked at is scaled to its best, since scores of two lists cannot be compared, and
    fades with the number of newer views. The sums of the lists of similar items and of those of items bought
    together are scaled to their best as well, the cart's list to `OF_CART`, what the customer's past orders
    hold beside the items looked at to `OF_ORDERS`; of the customer's own list places count and not scores, as
    beside a cart (`list_for_cart`). What ALS proposes is scaled to `OF_FACTORS`, times (1 − r)² for a
    customer with the share r of repeats in their past orders: of who buys the same again and again more is
    known than that. All are added up. The weights were
    chosen on earlier windows (docs/session.md).

    Args:
        viewed: the items looked at, the newest last.
        of_cart: what to show beside the cart; empty without one.
        customer: whose session it is.
        by_factors: see `SessionFactors.list_for`; empty where no factors are known.

    Returns:
        Best first; ties go to the lower item position. Empty where nothing is known of what was looked at.
    """
    if not len(by_factors) and not any(len(one.similar) or len(one.together) for one in viewed):
        return NOTHING
    items = np.array([one.item for one in viewed], np.int32)
    return merged(
        [
            scaled(_faded([one.similar for one in viewed])),
            scaled(_faded([one.together for one in viewed])),
            scaled(of_cart, best=OF_CART),
            by_place(customer.own, first=OF_OWN),
            scaled(merged([like_the_cart(customer.orders, items)]), best=OF_ORDERS),
            scaled(by_factors, best=OF_FACTORS * (1 - share_of_repeats(customer.orders)) ** 2),
        ]
    )


def _faded(lists: Sequence[RecommendationList]) -> RecommendationList:
    """The lists added up, older ones counting less; the newest is the last."""
    weights = np.exp2(-np.arange(len(lists))[::-1] / VIEWS_HALVING)
    return merged([scaled(ranked, best=float(weight)) for ranked, weight in zip(lists, weights, strict=True)])
