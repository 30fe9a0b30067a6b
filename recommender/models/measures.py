"""Measures of how strongly two items are related, in the form that counting works them out from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATIO, JACCARD, LLR = range(3)
"""Formulas of a relation, see `Measure`."""


_Numbers = NDArray[np.number]


class Measure(NamedTuple):
    """How strongly two items are related, by what they share and by what each is alone.

    With t what anchor and other share, a and b the mass of either, A the anchor's and B the other's scale,
    n everything and s the shrinkage:

    - `RATIO`: (t - a·b / n) / (A·B + s); of items without mass that is a cosine or a lift.
    - `JACCARD`: t / (a + b - t + s).
    - `LLR`: log-likelihood ratio of the 2 × 2 table, 0 where the pair is rarer than chance.

    What is not above 0 is no relation. Each rises with t, and falls as b and B rise: so the loop knows of
    many items at once that none of them is strong enough.

    Attributes:
        formula: one of these.
        mass: shape (n_items,), at least 0.
        of_anchor: shape (n_items,), A of each item, at least 0.
        of_other: shape (n_items,), B of each item, at least 0.
        everything: n, above 0.
        shrinkage: s, at least 0.
        group: shape (n_items,), number of the item's group, -1 for none.
        same_group: relations within a group are multiplied by it; at least 1.
    """

    formula: int
    mass: NDArray[np.float64]
    of_anchor: NDArray[np.float64]
    of_other: NDArray[np.float64]
    everything: float
    shrinkage: float
    group: NDArray[np.int32]
    same_group: float


class Floor(NamedTuple):
    """What a pair of items must have to be related at all.

    Attributes:
        together: it shares no less; above 0.
        buyers: no fewer different people share it; not asked where nobody knows them.
    """

    together: np.float32
    buyers: int


def over_product(scale: _Numbers, shrinkage: float) -> Measure:
    """Sharing ÷ scales: t / (A·B + s), where t is what two items share and A and B are their scales.

    Args:
        scale: shape (n_items,), at least 0.
        shrinkage: s.
    """
    return _measure(RATIO, np.zeros(len(scale)), scale, scale, shrinkage=shrinkage)


def cosine(orders_of: _Numbers, shrinkage: float) -> Measure:
    """Cosine, shrunken: o / √((a + s)(b + s)), for o orders in common of two items in a and b orders."""
    return over_product(np.sqrt(orders_of.astype(np.float64) + shrinkage), 0.0)


def lift(orders_of: _Numbers, shrinkage: float, n_orders: int) -> Measure:
    """Lift, shrunken: n·o / ((a + s)(b + s)), of n orders in all."""
    return over_product((orders_of.astype(np.float64) + shrinkage) / np.sqrt(max(n_orders, 1)), 0.0)


def jaccard(orders_of: _Numbers, shrinkage: float) -> Measure:
    """Jaccard, shrunken: o / (a + b - o + s)."""
    return _measure(JACCARD, orders_of, shrinkage=shrinkage)


def log_likelihood_ratio(orders_of: _Numbers, n_orders: int) -> Measure:
    """How surprising o is, by chance a·b / n; 0 where it is no more than that."""
    return _measure(LLR, orders_of, everything=max(n_orders, 1))


def correlation(
    buyers_of: _Numbers, everybody: int, shrinkage: float, *, group: NDArray[np.int32], same_group: float
) -> Measure:
    """Correlation, shrunken: (t - a·b / n) / (√(a·(1 - a / n)) · √(b·(1 - b / n)) + s), of n people.

    Args:
        buyers_of: shape (n_items,), a of each item.
        everybody: n.
        shrinkage: s.
        group: shape (n_items,), -1 for none.
        same_group: two items of one group are related so many times as strongly; at least 1.
    """
    people = buyers_of.astype(np.float64)
    spread = np.sqrt(people * (everybody - people) / everybody)
    made = _measure(RATIO, people, spread, spread, everything=everybody, shrinkage=shrinkage)
    return made._replace(group=group.astype(np.int32), same_group=float(same_group))


def beyond_chance(mass: _Numbers, everything: float, of_anchor: _Numbers, of_other: _Numbers) -> Measure:
    """What exceeds chance: (t - a·b / n) / (A·B), of the masses a and b and the scales A and B.

    Args:
        mass: shape (n_items,), a of each item.
        everything: n.
        of_anchor: shape (n_items,), A of each item.
        of_other: shape (n_items,), B of each item.
    """
    return _measure(RATIO, mass, of_anchor, of_other, everything=everything)


def _measure(
    formula: int,
    mass: _Numbers,
    of_anchor: _Numbers | None = None,
    of_other: _Numbers | None = None,
    *,
    everything: float = 1.0,
    shrinkage: float = 0.0,
) -> Measure:
    unused = np.zeros(len(mass))
    return Measure(
        formula=formula,
        mass=mass.astype(np.float64),
        of_anchor=unused if of_anchor is None else of_anchor.astype(np.float64),
        of_other=unused if of_other is None else of_other.astype(np.float64),
        everything=float(everything),
        shrinkage=float(shrinkage),
        group=np.full(len(mass), -1, np.int32),
        same_group=1.0,
    )
