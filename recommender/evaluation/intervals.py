"""How sure a mean or a difference of means is, by resampling customers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the range that it would mostly fall into with other customers.

    Attributes:
        mean: over the customers judged.
        low: lower end.
        high: upper end.
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole range lies on one side of 0."""
        return self.low > 0 or self.high < 0


def bootstrap(
    values: NDArray[np.float64], *, seed: int = 0, resamples: int = 2_000, level: float = 0.95
) -> Interval:
    """Percentile bootstrap interval of a mean (Efron & Tibshirani 1993, chapter 13).

    For a paired comparison, pass the differences customer by customer.

    Args:
        values: shape (n,); NaN entries are left out.
        seed: of the resampling.
        resamples: how often the customers are drawn anew.
        level: share of the resampled means that the interval holds.

    Returns:
        All NaN when there is no value.
    """
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return Interval(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    # One draw at a time: a matrix of all draws would be resamples × customers large.
    means = [rng.choice(values, len(values)).mean() for _ in range(resamples)]
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high))
