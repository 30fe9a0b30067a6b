"""Which items an answer may not show, rule by rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.cart import NOTHING
from recommender.ranking.lists import RecommendationList
from recommender.snapshot.encoding import entry_key

from .expressions import expression
from .live_snapshot import LiveSnapshot
from .question import Question
from .schemas import HidingRule

_FEW = 12
"""So many items are looked for one by one in less time than sorting takes."""

Lists = Mapping[str, RecommendationList]
"""The stored lists that were found, by key."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason not to show an item.

    Attributes:
        name: what an explanation calls it.
        asked: whether the question makes it apply.
        hides: which of these items it forbids, shape (n,).
    """

    name: HidingRule
    asked: Callable[[Question], object]
    hides: Callable[[NDArray[np.int32], Question, Lists, LiveSnapshot], NDArray[np.bool_]]


def may_be_shown(
    items: NDArray[np.int32], asked: Question, lists: Lists, live: LiveSnapshot
) -> NDArray[np.bool_]:
    """Which items no rule forbids, shape (n,)."""
    hidden = np.zeros(len(items), bool)
    for rule in RULES:
        if rule.asked(asked):
            hidden |= rule.hides(items, asked, lists, live)
    return ~hidden


def hidden_by_rule(
    items: NDArray[np.int32], asked: Question, lists: Lists, live: LiveSnapshot
) -> dict[HidingRule, int]:
    """How many of these items each rule forbids; rules that forbid none are not named."""
    counts = {rule.name: rule.hides(items, asked, lists, live) for rule in RULES if rule.asked(asked)}
    return {name: int(hidden.sum()) for name, hidden in counts.items() if hidden.any()}


def bought(asked: Question, lists: Lists) -> NDArray[np.int32]:
    """What the customer's own list and past orders say was bought before."""
    if asked.customer_id is None:
        return NOTHING.items
    own = lists.get(entry_key("customer", asked.customer_id), NOTHING)
    orders = lists.get(entry_key("orders", asked.customer_id), NOTHING)
    return np.concatenate((own.items[own.bought], orders.items))


def _named(which: Callable[[Question], Sequence[str]]) -> Callable[..., NDArray[np.bool_]]:
    """Hides the items of these ids."""

    def hides(
        items: NDArray[np.int32], asked: Question, lists: Lists, live: LiveSnapshot
    ) -> NDArray[np.bool_]:
        return _among(items, live.vocabulary.positions(which(asked)))

    return hides


def _among(items: NDArray[np.int32], some: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which of the items are some of these, shape (n,)."""
    if len(some) > _FEW:
        return np.isin(items, some)
    found = np.zeros(len(items), bool)
    for item in some.tolist():
        found |= items == item
    return found


def _unavailable(
    items: NDArray[np.int32], asked: Question, lists: Lists, live: LiveSnapshot
) -> NDArray[np.bool_]:
    return ~live.available[items]


def _bought(items: NDArray[np.int32], asked: Question, lists: Lists, live: LiveSnapshot) -> NDArray[np.bool_]:
    return np.isin(items, bought(asked, lists))


def _of_other_category(
    items: NDArray[np.int32], asked: Question, lists: Lists, live: LiveSnapshot
) -> NDArray[np.bool_]:
    assert asked.category is not None
    return ~live.in_category(asked.category)[items]


def _filtered(
    items: NDArray[np.int32], asked: Question, lists: Lists, live: LiveSnapshot
) -> NDArray[np.bool_]:
    hidden = np.zeros(len(items), bool)
    for text in asked.filters:
        # Only what an earlier one lets pass is asked about further.
        hidden[~hidden] = live.expressions.of(expression(text, "filter"), items[~hidden]) == 0
    return hidden


RULES = (
    Rule("unavailable", lambda asked: True, _unavailable),
    Rule("category", lambda asked: asked.category is not None, _of_other_category),
    Rule(
        "asked_about",
        lambda asked: asked.items or asked.recent,
        _named(lambda asked: (*asked.items, *asked.recent)),
    ),
    Rule("excluded", lambda asked: asked.exclude, _named(lambda asked: asked.exclude)),
    Rule("blocked", lambda asked: asked.blocks, _named(lambda asked: asked.blocks)),
    Rule("bought_since", lambda asked: asked.bought_since, _named(lambda asked: asked.bought_since)),
    Rule("dismissed", lambda asked: asked.dismissed, _named(lambda asked: asked.dismissed)),
    Rule("bought", lambda asked: asked.mode == "discover", _bought),
    Rule("filter", lambda asked: asked.filters, _filtered),
)
"""Every rule there is. All of them hold, for pins as well."""
