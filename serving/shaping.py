"""From what may be shown to the list that is shown: boosts, then diversity, then pins."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.lists import RecommendationList, joined

from .expressions import expression
from .hiding import Lists, may_be_shown
from .live_snapshot import LiveSnapshot
from .question import Question

MOST_PLACED = 1_000
"""Places that diversity is seen to, at most; further pages follow as they are."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """A list in the order in which it is shown.

    Attributes:
        ranked: its places.
        before: shape (n,), where each stood before, from 0; -1 where it did not and only a pin brought it.
        scores_before: shape (n,), its score there.
        boosts: shape (n,), what that was multiplied by.
        pinned: how many of the first places are pins.
    """

    ranked: RecommendationList
    before: NDArray[np.intp]
    scores_before: NDArray[np.float32]
    boosts: NDArray[np.float32]
    pinned: int


def shaped(ranked: RecommendationList, asked: Question, lists: Lists, live: LiveSnapshot) -> Shaped:
    """The list as the question and its placement want it.

    Args:
        ranked: what may be shown, best first.
        asked: the question.
        lists: the stored lists that were read for it.
        live: the snapshot.
    """
    if not (asked.boosts or asked.diversity or asked.pins):
        return Shaped(
            ranked, np.arange(len(ranked)), ranked.scores, np.ones(len(ranked), np.float32), pinned=0
        )
    boosts, scores_before = _boosts(ranked, asked, live), ranked.scores
    order = np.arange(len(ranked))
    if asked.boosts:
        ranked = replace(ranked, scores=_above_zero(ranked.scores) * boosts)
        # Stable, so that equal scores keep their places.
        order = np.argsort(-ranked.scores, kind="stable")
    if asked.diversity:
        order = order[_diverse(ranked.take(order), asked, live)]
    unpinned = Shaped(ranked.take(order), order, scores_before[order], boosts[order], pinned=0)
    return _pinned(unpinned, asked, lists, live) if asked.pins else unpinned


def _boosts(ranked: RecommendationList, asked: Question, live: LiveSnapshot) -> NDArray[np.float32]:
    boosts = np.ones(len(ranked), np.float32)
    for text in asked.boosts:
        boosts *= live.expressions.of(expression(text, "boost"), ranked.items)
    return boosts


def _above_zero(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scores, raised where one is below 0: there a factor above 1 would take it down."""
    return scores - min(0.0, float(scores.min(initial=0)))


def _diverse(ranked: RecommendationList, asked: Question, live: LiveSnapshot) -> NDArray[np.intp]:
    """Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998), as docs/re-ranking.md has it.

    Relevance is the score scaled from 0 to 1, likeness the mean of: same category, same brand.
    """
    n = len(ranked)
    spread = float(np.ptp(ranked.scores)) if n else 0.0
    relevance = (ranked.scores - ranked.scores.min()) / spread if spread else np.ones(n, np.float32)
    worth = (1 - asked.diversity) * relevance
    likeness = np.zeros(n, np.float32)
    left, order = np.ones(n, bool), []
    for _ in range(min(n, asked.offset + asked.n, MOST_PLACED)):
        # argmax takes the first of equals: the better placed.
        best = int(np.argmax(np.where(left, worth - asked.diversity * likeness, -np.inf)))
        order.append(best)
        left[best] = False
        np.maximum(likeness, live.alike(int(ranked.items[best]), ranked.items), out=likeness)
    return np.concatenate((np.array(order, np.intp), np.flatnonzero(left)))


def _pinned(unpinned: Shaped, asked: Question, lists: Lists, live: LiveSnapshot) -> Shaped:
    """With the placement's pins first, as far as no rule forbids them."""
    pins = live.vocabulary.positions(asked.pins)
    pins = pins[pins >= 0]
    pins = pins[may_be_shown(pins, asked, lists, live)]
    ranked = unpinned.ranked
    brought = pins[~np.isin(pins, ranked.items)]
    # Behind the others, with the best score: the list stays one whose scores do not rise.
    whole = joined([ranked, _of_pins(brought, float(ranked.scores.max(initial=0)))])
    where = {item: place for place, item in enumerate(whole.items.tolist())}
    first = np.array([where[item] for item in pins.tolist()], np.intp)
    order = np.concatenate((first, np.setdiff1d(np.arange(len(ranked)), first)))
    return Shaped(
        whole.take(order),
        np.concatenate((unpinned.before, np.full(len(brought), -1)))[order],
        np.concatenate((unpinned.scores_before, np.zeros(len(brought), np.float32)))[order],
        np.concatenate((unpinned.boosts, np.ones(len(brought), np.float32)))[order],
        pinned=len(pins),
    )


def _of_pins(items: NDArray[np.int32], score: float) -> RecommendationList:
    n = len(items)
    return RecommendationList(items, np.full(n, score, np.float32), np.zeros(n, np.uint8), np.zeros(n, bool))
