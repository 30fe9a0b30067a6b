"""Whether customers were spread over the variants as planned: if not, nothing else can be believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import chisquare

SUSPICIOUS = 0.001
"""p-value below which the spread is not believed (Fabijan et al., "Diagnosing sample ratio mismatch in online
controlled experiments", KDD 2019, and the practice of those who run many)."""

_CONCENTRATION = 100.0


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """How the customers were spread.

    Attributes:
        p_value: of Pearson's chi-squared test; holds for a single look at it.
        always_p_value: of the sequential multinomial test; holds however often it is looked at.
    """

    p_value: float
    always_p_value: float

    @property
    def mismatch(self) -> bool:
        """Whether the spread is not what was planned, by the test that may be looked at every day."""
        return self.always_p_value < SUSPICIOUS

    @property
    def doubtful(self) -> bool:
        """Whether a single look says so, by chi-squared."""
        return self.p_value < SUSPICIOUS


def sample_ratio(customers: Sequence[int], shares: Sequence[float]) -> SampleRatio:
    """Judge the numbers of customers that were shown each variant.

    Args:
        customers: by variant.
        shares: planned, by variant, above 0; scaled to add up to 1.
    """
    counts = np.asarray(customers, np.float64)
    planned = np.asarray(shares, np.float64) / np.sum(shares)
    if not counts.sum():
        return SampleRatio(1.0, 1.0)
    p_value = float(chisquare(counts, counts.sum() * planned).pvalue)
    return SampleRatio(p_value, min(1.0, exp(-min(_log_bayes_factor(counts, planned), 700.0))))


def _log_bayes_factor(counts: NDArray[np.float64], planned: NDArray[np.float64]) -> float:
    """Evidence for any other spread, Dirichlet around the planned one: 1 ÷ it is a p-value at all times.

    Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022.
    """
    prior = _CONCENTRATION * planned
    other = gammaln(prior.sum()) - gammaln(prior.sum() + counts.sum())
    other += (gammaln(prior + counts) - gammaln(prior)).sum()
    return float(other - (counts * np.log(planned)).sum())
