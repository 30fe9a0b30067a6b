"""Variance reduction by what customers did before they were shown anything.

CUPED (Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing
pre-experiment data", WSDM 2013): Y − θ(X − mean of X), with θ = cov(X, Y) / var(X). A covariate from before
the exposure cannot be changed by it, so the difference between variants stays what it is, and the variance
falls to 1 − ρ² of what it was, ρ being the correlation of X and Y.
"""

import numpy as np
from numpy.typing import NDArray


def theta(outcomes: NDArray[np.float64], covariate: NDArray[np.float64], variant: NDArray[np.int32]) -> float:
    """The slope, pooled over variants: each customer counts from the mean of their own variant.

    Args:
        outcomes: shape (n,).
        covariate: shape (n,).
        variant: shape (n,), number of each customer's variant.

    Returns:
        0 where the covariate says nothing.
    """
    x, y = _centred(covariate, variant), _centred(outcomes, variant)
    spread = float(x @ x)
    return float(x @ y) / spread if spread > 0 else 0.0


def adjusted(
    outcomes: NDArray[np.float64], covariate: NDArray[np.float64], variant: NDArray[np.int32]
) -> NDArray[np.float64]:
    """The outcomes less what the covariate foretold, shape (n,); arguments as of `theta`."""
    slope = theta(outcomes, covariate, variant)
    return outcomes - slope * (covariate - covariate.mean()) if slope else outcomes


def _centred(values: NDArray[np.float64], variant: NDArray[np.int32]) -> NDArray[np.float64]:
    counts = np.bincount(variant)
    means = np.bincount(variant, weights=values) / np.maximum(counts, 1)
    return values - means[variant]
