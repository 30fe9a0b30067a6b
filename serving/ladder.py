"""Where an answer may come from, in order of preference, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.cart import NOTHING, CustomerLists, list_for_cart, merged
from recommender.ranking.lists import RecommendationList
from recommender.snapshot.encoding import entry_key

from .live_snapshot import LiveSnapshot
from .question import CallName, Question
from .schemas import RungName

Lists = Mapping[str, RecommendationList]
"""The stored lists that were found, by key."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One place to look for an answer.

    Attributes:
        name: what an answer from here calls its source.
        keys: the stored lists that it needs.
        look_up: the list that it proposes; an empty one when it has nothing.
        seldom: whether its stored lists are read only where no rung before it has an answer, in a round trip
            of their own.
    """

    name: RungName
    keys: Callable[[Question], tuple[str, ...]]
    look_up: Callable[[Question, Lists, LiveSnapshot], RecommendationList]
    seldom: bool = False


def keys_of(ladder: tuple[Rung, ...], asked: Question) -> list[str]:
    """Every stored list that some rung needs, so that one read fetches them all."""
    return list(dict.fromkeys(key for rung in ladder for key in rung.keys(asked)))


def read_first(ladder: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """The rungs whose lists are read before any rung is tried."""
    return tuple(rung for rung in ladder if not rung.seldom)


def read_late(tried: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """The rungs whose lists are to be read now that they were tried."""
    return tuple(rung for rung in tried if rung.seldom)


def first_answer(
    ladder: tuple[Rung, ...], asked: Question, lists: Lists, live: LiveSnapshot
) -> tuple[tuple[Rung, ...], RecommendationList]:
    """The rungs that were tried, and what may be shown of the last one's list.

    That is the first rung with something to show; if none has anything, nothing is shown.
    """
    for tried, rung in enumerate(ladder, start=1):
        proposed = rung.look_up(asked, lists, live)
        shown = proposed.keep(_may_be_shown(proposed.items, asked, lists, live))
        if len(shown):
            return ladder[:tried], shown
    return ladder, NOTHING


def _may_be_shown(
    items: NDArray[np.int32], asked: Question, lists: Lists, live: LiveSnapshot
) -> NDArray[np.bool_]:
    """Which items no filter of the question or the shop forbids, shape (n,)."""
    shown = live.available[items]
    if asked.category is not None:
        shown = shown & live.in_category(asked.category)[items]
    hidden = live.vocabulary.positions((*asked.exclude, *asked.items))
    if asked.mode == "discover":
        hidden = np.concatenate((hidden, _bought(asked, lists)))
    return shown & ~np.isin(items, hidden)


def _bought(asked: Question, lists: Lists) -> NDArray[np.int32]:
    """What the customer's own list and past orders say was bought before."""
    own, orders = _own_list(asked, lists), _stored(past_orders_key(asked), lists)
    return np.concatenate((own.items[own.bought], orders.items))


def _own_list(asked: Question, lists: Lists) -> RecommendationList:
    return _stored(_own_key(asked), lists)


def _stored(keys: tuple[str, ...], lists: Lists) -> RecommendationList:
    return lists.get(keys[0], NOTHING) if keys else NOTHING


def _own_key(asked: Question) -> tuple[str, ...]:
    return () if asked.customer_id is None else (entry_key("customer", asked.customer_id),)


def past_orders_key(asked: Question) -> tuple[str, ...]:
    """The entry that holds what the customer bought lately; none for a guest."""
    return () if asked.customer_id is None else (entry_key("orders", asked.customer_id),)


def _similar_keys(asked: Question) -> tuple[str, ...]:
    return tuple(entry_key("similar", item_id) for item_id in asked.items)


def _bought_together_keys(asked: Question) -> tuple[str, ...]:
    return tuple(entry_key("bought-together", item_id) for item_id in asked.items)


def _place_keys(asked: Question) -> tuple[str, ...]:
    return () if asked.place is None else (entry_key("place", asked.place),)


def _cart_keys(asked: Question) -> tuple[str, ...]:
    return _bought_together_keys(asked) + _own_key(asked) + past_orders_key(asked)


def _no_keys(asked: Question) -> tuple[str, ...]:
    return ()


def _personal(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return _only_repeats(_own_list(asked, lists), asked, lists)


def _only_repeats(ranked: RecommendationList, asked: Question, lists: Lists) -> RecommendationList:
    """Under `repeat` the items bought before; else the list as it is."""
    if asked.mode != "repeat":
        return ranked
    return ranked.keep(np.isin(ranked.items, _bought(asked, lists)))


def _similar(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return _stored(_similar_keys(asked), lists)


def _bought_together(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return _stored(_bought_together_keys(asked), lists)


def _with_cart(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    found = [lists[key] for key in _bought_together_keys(asked) if key in lists]
    cart, orders = live.vocabulary.positions(asked.items), _stored(past_orders_key(asked), lists)
    if not found and not np.isin(orders.items, cart).any():
        return NOTHING
    ranked = list_for_cart(cart, found, CustomerLists(_own_list(asked, lists), orders))
    return _only_repeats(ranked, asked, lists)


def _like_the_cart(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return merged([lists[key] for key in _similar_keys(asked) if key in lists])


def _best_in_category(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return live.best_sellers.get(asked.category, NOTHING) if asked.category else NOTHING


def _best_beside_item(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    """Best sellers of the category asked for, else of the category of the page's item."""
    category = asked.category or live.category_of(asked.items[0])
    return live.best_sellers.get(category, NOTHING) if category else NOTHING


def _best_in_place(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return _stored(_place_keys(asked), lists)


def _best_overall(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return live.best_sellers[""]


PERSONAL = Rung("personal", _own_key, _personal)
SIMILAR = Rung("similar", _similar_keys, _similar)
BOUGHT_TOGETHER = Rung("co_purchase", _bought_together_keys, _bought_together)
WITH_CART = Rung("co_purchase", _cart_keys, _with_cart)
LIKE_THE_CART = Rung("similar", _similar_keys, _like_the_cart, seldom=True)
BEST_IN_CATEGORY = Rung("best_sellers", _no_keys, _best_in_category)
BEST_BESIDE_ITEM = Rung("best_sellers", _no_keys, _best_beside_item)
BEST_IN_PLACE = Rung("best_sellers", _place_keys, _best_in_place)
BEST_OVERALL = Rung("best_sellers", _no_keys, _best_overall)

LADDERS: Mapping[CallName, tuple[Rung, ...]] = {
    "customer": (PERSONAL, BEST_IN_CATEGORY, BEST_IN_PLACE, BEST_OVERALL),
    "similar": (SIMILAR, BOUGHT_TOGETHER, BEST_BESIDE_ITEM, BEST_OVERALL),
    "bought_together": (BOUGHT_TOGETHER, SIMILAR, BEST_BESIDE_ITEM, BEST_OVERALL),
    "cart": (WITH_CART, PERSONAL, LIKE_THE_CART, BEST_IN_CATEGORY, BEST_IN_PLACE, BEST_OVERALL),
    "best_sellers": (BEST_IN_CATEGORY, BEST_IN_PLACE, BEST_OVERALL),
}
"""The rungs of each call, first choice first. A `strict` question stops after the first."""
