"""Which of several methods is really better: paired differences, corrected for how many were tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.intervals import LEVEL, RESAMPLES, Interval, interval_of, ratio, resampled_ratios


@dataclass(frozen=True, slots=True)
class Comparison:
    """A method beside the reference, customer by customer.

    Attributes:
        name: of the method.
        customers: customers that both were judged on.
        mean: the method's own figure.
        difference: method − reference, paired, with its 95 % interval.
        p: two-sided bootstrap p-value of no difference.
        p_holm: `p` after the Holm correction over its table.
    """

    name: str
    customers: int
    mean: Interval
    difference: Interval
    p: float
    p_holm: float

    @property
    def sure(self) -> bool:
        """Whether the methods differ: below 5 % even among so many comparisons."""
        return self.p_holm < 1 - LEVEL


def compare(
    reference: NDArray[np.float64],
    methods: Mapping[str, NDArray[np.float64]],
    *,
    customer: NDArray[np.integer] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[Comparison, ...]:
    """Compare methods with a reference on the same lists judged.

    Every resample draws the same customers for all methods, so the comparisons are paired.

    Args:
        reference: shape (n,), a figure for every list judged; NaN where it cannot be judged.
        methods: the same for every method, by name; NaN in the same places.
        customer: shape (n,), whose each value is, as in `bootstrap`.
        seed: of the resampling.
        resamples: how often the customers are drawn anew.

    Returns:
        One row a method, in the order given, with Holm's correction over these rows.

    Raises:
        ValueError: a method was judged on other lists than the reference.
    """
    if not methods:
        return ()
    judged = ~np.isnan(reference)
    for name, values in methods.items():
        if not np.array_equal(judged, ~np.isnan(values)):
            raise ValueError(f"{name} was judged on other lists than the reference: they cannot be paired")
    whose = np.arange(len(reference)) if customer is None else customer
    values = np.stack([values[judged] for values in methods.values()], axis=1)
    above = np.concatenate((values, values - reference[judged, None]), axis=1)
    below = np.ones((len(above), 1))
    drawn = resampled_ratios(above, below, customer=whose[judged], seed=seed, resamples=resamples)
    means = ratio(above.sum(axis=0), below.sum(axis=0))
    n, customers = len(methods), len(np.unique(whose[judged]))
    rows = [
        Comparison(
            name=name,
            customers=customers,
            mean=interval_of(means[at], drawn[:, at], LEVEL),
            difference=interval_of(means[n + at], drawn[:, n + at], LEVEL),
            p=(p := _p_of_no_difference(drawn[:, n + at])),
            p_holm=p,
        )
        for at, name in enumerate(methods)
    ]
    return corrected(rows)


def corrected(rows: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons with Holm's step-down correction over all of them.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.
    """
    adjusted = holm(np.array([row.p for row in rows]))
    return tuple(replace(row, p_holm=float(p)) for row, p in zip(rows, adjusted, strict=True))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values after Holm's correction, shape (n,): none below its own, and in the same order."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _p_of_no_difference(differences: NDArray[np.float64]) -> float:
    """Twice the share of resamples on the rarer side of 0; never less than the resamples can tell."""
    if np.isnan(differences).all():
        return 1.0
    least = 1 / (len(differences) + 1)
    tails = (differences <= 0).mean(), (differences >= 0).mean()
    return float(np.clip(2 * min(tails), least, 1.0))
