"""Which of many counts are more than chance, so that few of those found are not."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv

_Floats = NDArray[np.float64]


def chance_of_so_many(count: NDArray[np.integer], expected: _Floats) -> _Floats:
    """How likely chance gives a count or a larger one, where it gives `expected` on average, shape (n,)."""
    # Of a Poisson count: P(X >= n) is the lower incomplete gamma function, 1 for n = 0.
    counted = np.maximum(count, 1).astype(np.float64)
    return np.where(count > 0, gammainc(counted, expected), 1.0)


def least_likely_mean(count: NDArray[np.integer], level: float) -> _Floats:
    """Lower end of the interval of a Poisson mean of which `count` was seen, shape (n,).

    Garwood, "Fiduciary limits for the Poisson distribution", Biometrika 1936.

    Args:
        count: shape (n,), at least 0.
        level: share of the cases in which the interval holds the mean.
    """
    counted = np.maximum(count, 1).astype(np.float64)
    return np.where(count > 0, gammaincinv(counted, (1 - level) / 2), 0.0)


def discovered(chance: _Floats, n_tests: float, share: float) -> NDArray[np.bool_]:
    """Which tests stand out, so that on average at most `share` of those do by chance alone, shape (n,).

    Benjamini & Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical Society B
    1995.

    Args:
        chance: shape (n,), p-values of the most promising tests.
        n_tests: how many were made, or could have been: those that are not given count as p = 1.
        share: of false discoveries among the discoveries, from 0 to 1.
    """
    if not len(chance):
        return np.zeros(0, bool)
    ordered = np.sort(chance)
    passes = np.flatnonzero(ordered * n_tests <= share * np.arange(1, len(ordered) + 1))
    return chance <= ordered[passes[-1]] if len(passes) else np.zeros(len(chance), bool)
