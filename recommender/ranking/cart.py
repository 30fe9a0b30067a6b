"""One list for a whole cart: the same code in the service and in its judging."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.lists import RecommendationList, joined

OWN_WEIGHT, REPEATS_WEIGHT = 0.4, 2.0
"""What the first place of a customer's own list counts, beside 1 for what goes best with the cart, and how
much more it does of a customer who buys nothing but what they bought before."""

REPEATS_SHRINKAGE = 5
"""Purchases that were no repeats that every customer starts with."""

CART_POWER = 0.7
"""Power of the scores by the cart, scaled to their best: beside a customer's wishes its first few places
would count too much otherwise."""

ORDERS_WEIGHT = 0.7
"""What counts best by the customer's past orders, beside the same."""

OWN_HALVING = 5
"""The place of the own list that counts half as much as the first, places counted from 0."""

ORDERS_HALVING = 20.0
"""A past order counts half when so many newer ones are known."""

NOTHING = joined([])
"""A list without a place."""


@dataclass(frozen=True, slots=True)
class CustomerLists:
    """What is known of whose cart it is.

    Attributes:
        own: the customer's own list.
        orders: the customer's last orders, see `past_orders`.
    """

    own: RecommendationList = NOTHING
    orders: RecommendationList = NOTHING


OF_A_GUEST = CustomerLists()
"""Nothing is known of a guest."""


def list_for_cart(
    cart: NDArray[np.int32], together: Sequence[RecommendationList], customer: CustomerLists = OF_A_GUEST
) -> RecommendationList:
    """What to show beside a cart: what goes with its items, and what its customer would want anyway.

    The scores of the lists of the cart's items are added up. For a known customer three things are added up,
    the first and the last of them scaled to their best:

    - that list, to the power of CART_POWER;
    - for place p of the customer's own list, w · OWN_HALVING / (OWN_HALVING + p): places and not scores,
      since how fast scores fall says more of what made them than of the customer. With r the share of
      repeats in the past orders, w = OWN_WEIGHT + REPEATS_WEIGHT · r: who seldom buys a thing again has a
      cart that says more than they do;
    - ORDERS_WEIGHT times, for every past order that holds the item, how many of the cart's items it holds ÷
      √(its size), faded by the number of newer orders. What only one customer puts together stands in nobody
      else's lists (`BoughtTogether.fewest_customers`), and has its effect here.

    Nothing is left out, not even what the cart holds. The weights were chosen on earlier windows
    (docs/cross-sell.md).

    Args:
        cart: positions of the cart's items.
        together: what is bought together with each of them, as far as there are such lists.
        customer: whose cart it is.

    Returns:
        Best first; ties go to the lower item position. An item keeps the source of the first list that holds
        it, and is marked as bought where the customer's own list or orders say so.
    """
    of_cart = merged(together)
    if not len(customer.own) and not len(customer.orders):
        return of_cart
    of_orders = merged([like_the_cart(customer.orders, cart)])
    return merged(
        [
            scaled(of_cart, power=CART_POWER),
            by_place(customer.own, first=OWN_WEIGHT + REPEATS_WEIGHT * share_of_repeats(customer.orders)),
            scaled(of_orders, best=ORDERS_WEIGHT),
        ]
    )


def merged(lists: Sequence[RecommendationList]) -> RecommendationList:
    """The items of all lists by the sum of their scores, best first; see `list_for_cart`.

    Of the lists of similar items it makes what a cart is shown where neither anything is bought together
    with its items nor anything known of its customer, as with new items in a guest's cart.
    """
    whole = joined(lists)
    if not len(whole):
        return whole
    # By hand what numpy's unique and lexsort do in three times as long, for a cart at every request.
    order = whole.items.argsort(kind="stable")
    items = whole.items[order]
    starts = np.flatnonzero(np.concatenate(([True], items[1:] != items[:-1])))
    scores = np.add.reduceat(whole.scores[order], starts, dtype=np.float64).astype(np.float32)
    bought = np.logical_or.reduceat(whole.bought[order], starts)
    # Stable: of equal scores the lower item stays before the other.
    best = (-scores).argsort(kind="stable")
    first = order[starts[best]]
    return RecommendationList(whole.items[first], scores[best], whole.sources[first], bought[best])


def scaled(ranked: RecommendationList, *, best: float = 1.0, power: float = 1.0) -> RecommendationList:
    """The list with its best score at `best`; as it is where no score is above 0."""
    most = ranked.scores.max(initial=0)
    return replace(ranked, scores=best * (ranked.scores / most) ** power) if most > 0 else ranked


def by_place(own: RecommendationList, *, first: float) -> RecommendationList:
    """The list with scores that fall from `first` by place, half of it at place OWN_HALVING."""
    return replace(own, scores=first * OWN_HALVING / (OWN_HALVING + np.arange(len(own), dtype=np.float32)))


def share_of_repeats(orders: RecommendationList) -> float:
    """Share of the purchases in past orders that were of an item bought before, in [0, 1)."""
    return (len(orders) - len(np.unique(orders.items))) / (len(orders) + REPEATS_SHRINKAGE)


def like_the_cart(orders: RecommendationList, cart: NDArray[np.int32]) -> RecommendationList:
    """Items of the past orders that share something with the cart, scored order by order.

    Args:
        orders: a customer's last orders, see `past_orders`.
        cart: positions of items.
    """
    newer = (orders.scores.max(initial=0) - orders.scores).astype(np.int64)
    shared = np.bincount(newer, weights=np.isin(orders.items, cart))
    size = np.maximum(np.bincount(newer), 1)
    weight = shared / np.sqrt(size) * np.exp2(-np.arange(len(size)) / ORDERS_HALVING)
    scored = replace(orders, scores=weight[newer].astype(np.float32))
    return scored.keep(scored.scores > 0)
