"""Where an answer may come from, in order of preference, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from recommender.ranking.cart import NOTHING, CustomerLists, list_for_cart, merged
from recommender.ranking.due_list import DueList
from recommender.ranking.lists import RecommendationList
from recommender.ranking.session import Viewed, list_for_session
from recommender.snapshot.encoding import entry_key

from .hiding import Lists, bought, may_be_shown
from .live_snapshot import LiveSnapshot
from .question import CallName, Question
from .schemas import SourceName


@dataclass(frozen=True, slots=True)
class Rung:
    """One place to look for an answer.

    Attributes:
        name: what an answer from here calls its source.
        keys: the stored lists that it needs.
        look_up: the list that it proposes; an empty one when it has nothing.
        asked: whether the question gives it something to go by; else it is passed over.
        seldom: whether its stored lists are read only where no rung before it has an answer, in a round trip
            of their own.
    """

    name: SourceName
    keys: Callable[[Question], tuple[str, ...]]
    look_up: Callable[[Question, Lists, LiveSnapshot], RecommendationList]
    asked: Callable[[Question], object] = lambda asked: True
    seldom: bool = False


def ladder_of(asked: Question) -> tuple[Rung, ...]:
    """The rungs that this question is answered from, first choice first; at least one."""
    if asked.rungs == (NOTHING_SHOWN.name,):
        return (NOTHING_SHOWN,)
    ladder = tuple(rung for rung in LADDERS[asked.call] if rung.asked(asked))
    chosen = tuple(rung for name in asked.rungs for rung in ladder if rung.name == name) or ladder
    return chosen[:1] if asked.strict else chosen


def keys_of(ladder: tuple[Rung, ...], asked: Question) -> list[str]:
    """Every stored list that some rung needs, so that one read fetches them all."""
    return list(dict.fromkeys(key for rung in ladder for key in rung.keys(asked)))


def read_first(ladder: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """The rungs whose lists are read before any rung is tried."""
    return tuple(rung for rung in ladder if not rung.seldom)


def read_late(tried: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """The rungs whose lists are to be read now that they were tried."""
    return tuple(rung for rung in tried if rung.seldom)


@dataclass(frozen=True, slots=True)
class Tried:
    """A rung that was tried.

    Attributes:
        rung: the rung.
        proposed: the list that it has.
        shown: what of that may be shown.
    """

    rung: Rung
    proposed: RecommendationList
    shown: RecommendationList


def first_answer(
    ladder: tuple[Rung, ...], asked: Question, lists: Lists, live: LiveSnapshot
) -> tuple[Tried, ...]:
    """The rungs that were tried; what may be shown of the last one's list is the answer.

    That is the first rung with something to show; if none has anything, nothing is shown.
    """
    tried = []
    for rung in ladder:
        proposed = rung.look_up(asked, lists, live)
        shown = proposed.keep(may_be_shown(proposed.items, asked, lists, live))
        tried.append(Tried(rung, proposed, shown))
        if len(shown):
            break
    return tuple(tried)


def due_key(asked: Question) -> tuple[str, ...]:
    """The entry that holds what the customer will soon buy again; none for a guest."""
    return () if asked.customer_id is None else (entry_key("due", asked.customer_id),)


def _due(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    due = _stored(due_key(asked), lists)
    return due.within(asked.within) if isinstance(due, DueList) else NOTHING


def _repeats(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    own = _own_list(asked, lists)
    return own.keep(own.bought)


def _own_list(asked: Question, lists: Lists) -> RecommendationList:
    return _stored(_own_key(asked), lists)


def _stored(keys: tuple[str, ...], lists: Lists) -> RecommendationList:
    return lists.get(keys[0], NOTHING) if keys else NOTHING


def _own_key(asked: Question) -> tuple[str, ...]:
    return () if asked.customer_id is None else (entry_key("customer", asked.customer_id),)


def past_orders_key(asked: Question) -> tuple[str, ...]:
    """The entry that holds what the customer bought lately; none for a guest."""
    return () if asked.customer_id is None else (entry_key("orders", asked.customer_id),)


def _bundles_key(asked: Question) -> tuple[str, ...]:
    return () if asked.customer_id is None else (entry_key("bundles", asked.customer_id),)


def _similar_keys(asked: Question) -> tuple[str, ...]:
    return tuple(entry_key("similar", item_id) for item_id in asked.items)


def _bought_together_keys(asked: Question) -> tuple[str, ...]:
    return tuple(entry_key("bought-together", item_id) for item_id in asked.items)


def _place_keys(asked: Question) -> tuple[str, ...]:
    return () if asked.place is None else (entry_key("place", asked.place),)


def _cart_keys(asked: Question) -> tuple[str, ...]:
    return _bought_together_keys(asked) + _own_key(asked) + past_orders_key(asked)


def _session_keys(asked: Question) -> tuple[str, ...]:
    kinds = ("similar", "bought-together")
    viewed = tuple(entry_key(kind, item_id) for kind in kinds for item_id in _last_viewed(asked))
    return (*viewed, *(_cart_keys(asked) if asked.items else _own_key(asked) + past_orders_key(asked)))


def _last_viewed(asked: Question) -> tuple[str, ...]:
    return asked.recent[-MOST_VIEWS:]


def _no_keys(asked: Question) -> tuple[str, ...]:
    return ()


def _personal(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return _only_repeats(_own_list(asked, lists), asked, lists)


def _only_repeats(ranked: RecommendationList, asked: Question, lists: Lists) -> RecommendationList:
    """Under `repeat` the items bought before; else the list as it is."""
    if asked.mode != "repeat":
        return ranked
    return ranked.keep(np.isin(ranked.items, bought(asked, lists)))


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


def _session(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    viewed = [
        Viewed(
            live.vocabulary.position(item_id),
            *(lists.get(entry_key(kind, item_id), NOTHING) for kind in ("similar", "bought-together")),
        )
        for item_id in _last_viewed(asked)
    ]
    customer = CustomerLists(_own_list(asked, lists), _stored(past_orders_key(asked), lists))
    by_factors = NOTHING
    if live.factors is not None:
        by_factors = live.factors.list_for(np.array([one.item for one in viewed], np.int32))
    ranked = list_for_session(viewed, _with_cart(asked, lists, live), customer, by_factors)
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


def _nothing(asked: Question, lists: Lists, live: LiveSnapshot) -> RecommendationList:
    return NOTHING


MOST_VIEWS = 20
"""Views that a session is answered from: of older ones each would count less than a hundredth."""

SESSION = Rung("session", _session_keys, _session, asked=lambda asked: asked.recent)
PERSONAL = Rung("personal", _own_key, _personal, asked=lambda asked: asked.customer_id is not None)
DUE = Rung("due", due_key, _due, asked=lambda asked: asked.customer_id is not None)
REPEATS = Rung("personal", _own_key, _repeats)
SIMILAR = Rung("similar", _similar_keys, _similar)
BOUGHT_TOGETHER = Rung("co_purchase", _bought_together_keys, _bought_together)
WITH_CART = Rung("co_purchase", _cart_keys, _with_cart, asked=lambda asked: asked.items)
LIKE_THE_CART = Rung("similar", _similar_keys, _like_the_cart, asked=lambda asked: asked.items, seldom=True)
BEST_IN_CATEGORY = Rung(
    "best_sellers", _no_keys, _best_in_category, asked=lambda asked: asked.category is not None
)
BEST_BESIDE_ITEM = Rung("best_sellers", _no_keys, _best_beside_item)
BEST_IN_PLACE = Rung("best_sellers", _place_keys, _best_in_place, asked=lambda asked: asked.place is not None)
BEST_OVERALL = Rung("best_sellers", _no_keys, _best_overall)
OWN_BUNDLES = Rung("personal", _bundles_key, _nothing, asked=lambda asked: asked.customer_id is not None)
SHOP_BUNDLES = Rung("co_purchase", _no_keys, _nothing)
"""Rungs of bundles, which are no lists of items: `bundle_service` looks there."""

NOTHING_SHOWN = Rung("nothing", _no_keys, _nothing)
"""Only for variants of experiments that hold recommendations back."""

LADDERS: Mapping[CallName, tuple[Rung, ...]] = {
    "recommendations": (
        SESSION,
        WITH_CART,
        PERSONAL,
        LIKE_THE_CART,
        BEST_IN_CATEGORY,
        BEST_IN_PLACE,
        BEST_OVERALL,
    ),
    "customer": (PERSONAL, BEST_IN_CATEGORY, BEST_IN_PLACE, BEST_OVERALL),
    "buy_again": (DUE, REPEATS),
    "similar": (SIMILAR, BOUGHT_TOGETHER, BEST_BESIDE_ITEM, BEST_OVERALL),
    "bought_together": (BOUGHT_TOGETHER, SIMILAR, BEST_BESIDE_ITEM, BEST_OVERALL),
    "cart": (WITH_CART, PERSONAL, LIKE_THE_CART, BEST_IN_CATEGORY, BEST_IN_PLACE, BEST_OVERALL),
    "best_sellers": (BEST_IN_CATEGORY, BEST_IN_PLACE, BEST_OVERALL),
    "customer_bundles": (OWN_BUNDLES, SHOP_BUNDLES),
    "item_bundles": (SHOP_BUNDLES,),
    "bundles": (SHOP_BUNDLES,),
}
"""The rungs of each call, first choice first. A `strict` question stops after the first that it asks for."""
