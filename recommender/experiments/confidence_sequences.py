"""Intervals that hold at every look at once, for differences of means.

Asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform central
limit theory and asymptotic confidence sequences", 2021, arXiv 2103.06476), Theorem 2.2: with n customers, a
standard deviation s and a constant ρ > 0,

    mean ± s · √( 2(nρ² + 1) / (n²ρ²) · log( √(nρ² + 1) / α ) )

holds the true mean at all n at once with probability 1 − α, as the first look moves out. A difference of
two variants' means is the mean of one number a customer (their section 3), whose variance is n times the
square of the difference's usual standard error.
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST = 100
"""Customers of each variant below which no interval is given: the theory speaks of many."""

FEWEST_POSITIVE = 10
"""Customers of each variant with an outcome other than 0, below which no interval is given."""


@dataclass(frozen=True, slots=True)
class Moments:
    """An outcome of one variant's customers.

    Attributes:
        n: customers.
        mean: of the outcome.
        variance: of it, with n − 1; 0 below two customers.
        positive: customers whose outcome is not 0.
    """

    n: int
    mean: float
    variance: float
    positive: int

    @classmethod
    def of(cls, outcomes: NDArray[np.float64]) -> "Moments":
        """Of these customers' outcomes, shape (n,)."""
        n = len(outcomes)
        return cls(
            n,
            float(outcomes.mean()) if n else 0.0,
            float(outcomes.var(ddof=1)) if n > 1 else 0.0,
            int(np.count_nonzero(outcomes)),
        )

    @property
    def tells(self) -> bool:
        """Whether there are enough customers for an interval."""
        return self.n >= FEWEST and self.positive >= FEWEST_POSITIVE and self.variance > 0


def best_rho(planned: int, alpha: float) -> float:
    """The ρ that makes intervals about narrowest at a number of customers; must not depend on what was seen.

    Args:
        planned: customers of both variants together, 1 or more.
        alpha: probability of an interval that is ever wrong, above 0 and below 1.
    """
    return sqrt((-2 * log(alpha) + log(-2 * log(alpha) + 1)) / planned)


def margin(standard_error: ArrayLike, n: ArrayLike, *, rho: float, alpha: float) -> NDArray[np.float64]:
    """Half the width of the interval.

    Args:
        standard_error: of the difference, as for a single look; any shape.
        n: customers of both variants together, the same shape.
        rho: see `best_rho`; the same at every look.
        alpha: probability of an interval that is ever wrong.
    """
    grown = np.asarray(n, np.float64) * rho**2
    widening = np.sqrt(2 * (grown + 1) / grown * np.log(np.sqrt(grown + 1) / alpha))
    return np.asarray(np.asarray(standard_error, np.float64) * widening)


def difference(treated: Moments, control: Moments, *, rho: float, alpha: float) -> tuple[float, float, float]:
    """How much more the treated have than the control: estimate, and the ends of the interval.

    Args:
        treated: outcomes of the variant.
        control: outcomes of the control.
        rho: see `margin`.
        alpha: see `margin`.

    Returns:
        The ends are infinite where there are too few customers.
    """
    estimate = treated.mean - control.mean
    if not (treated.tells and control.tells):
        return estimate, float("-inf"), float("inf")
    standard_error = sqrt(treated.variance / treated.n + control.variance / control.n)
    half = float(margin(standard_error, treated.n + control.n, rho=rho, alpha=alpha))
    return estimate, estimate - half, estimate + half
