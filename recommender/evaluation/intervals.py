"""How sure a mean or a share is, by resampling customers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

RESAMPLES = 2_000
"""How often the customers are drawn anew."""

LEVEL = 0.95
"""Share of the resampled means that an interval holds."""

_BLOCK_CELLS = 1_000_000
"""Draws held at a time: some 30 MB, however many customers and resamples there are."""


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
    values: NDArray[np.float64],
    *,
    customer: NDArray[np.integer] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Percentile bootstrap interval of a mean (Efron & Tibshirani 1993, chapter 13).

    For a paired comparison, pass the differences customer by customer.

    Args:
        values: shape (n,); NaN entries are left out.
        customer: shape (n,), whose each value is: all values of one customer are drawn together, since
            they are not independent. By default each is somebody else's.
        seed: of the resampling.
        resamples: how often the customers are drawn anew.
        level: share of the resampled means that the interval holds.

    Returns:
        All NaN when there is no value.
    """
    judged = ~np.isnan(values)
    (interval,) = bootstrap_ratios(
        np.where(judged, values, 0.0)[:, None],
        judged[:, None].astype(np.float64),
        customer=customer,
        seed=seed,
        resamples=resamples,
        level=level,
    )
    return interval


def bootstrap_ratios(
    above: NDArray[np.float64],
    below: NDArray[np.float64],
    *,
    customer: NDArray[np.integer] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> tuple[Interval, ...]:
    """Percentile bootstrap intervals of Σ above ÷ Σ below, a column each, all on the same draws.

    A mean is such a ratio with 1 below; a share of money or of hits has sums on both sides.

    Args:
        above: shape (n, m).
        below: shape (n, m), or (n, 1) where all columns share it; rows of zeros are not drawn from.
        customer: shape (n,), whose each row is, as in `bootstrap`.
        seed: of the resampling.
        resamples: how often the customers are drawn anew.
        level: share of the resampled ratios that an interval holds.

    Returns:
        One interval a column; NaN where its `below` is all zero.
    """
    whole = ratio(above.sum(axis=0), below.sum(axis=0))
    drawn = resampled_ratios(above, below, customer=customer, seed=seed, resamples=resamples)
    return tuple(interval_of(mean, column, level) for mean, column in zip(whole, drawn.T, strict=True))


def resampled_ratios(
    above: NDArray[np.float64],
    below: NDArray[np.float64],
    *,
    customer: NDArray[np.integer] | None,
    seed: int,
    resamples: int,
) -> NDArray[np.float64]:
    """Σ above ÷ Σ below in every resample, shape (resamples, m); NaN where a resample holds nothing below.

    Arguments as in `bootstrap_ratios`.
    """
    counted = below.any(axis=1)
    sums = np.concatenate((above[counted], below[counted]), axis=1)
    if customer is not None:
        sums = _summed_by(customer[counted], sums)
    drawn = _resampled_sums(sums, seed, resamples)
    return ratio(drawn[:, : above.shape[1]], drawn[:, above.shape[1] :])


def interval_of(mean: float, resampled: NDArray[np.float64], level: float) -> Interval:
    """The interval that holds a share of the resampled values, those that are NaN left out."""
    known = resampled[~np.isnan(resampled)]
    if len(known) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    tail = (1 - level) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(float(mean), float(low), float(high))


def ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """`above` ÷ `below`, NaN where `below` is 0."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    known = np.broadcast_to(below != 0, shape)
    return np.asarray(np.divide(above, below, out=np.full(shape, np.nan), where=known))


def _summed_by(customer: NDArray[np.integer], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows of each customer as one, shape (n_customers, m)."""
    by_customer = np.argsort(customer, kind="stable")
    first = np.flatnonzero(np.diff(customer[by_customer], prepend=-1))
    return np.add.reduceat(rows[by_customer], first, axis=0) if len(first) else rows


def _resampled_sums(rows: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    """Sums over as many rows as there are, drawn with replacement; shape (resamples, m)."""
    n, rng = len(rows), np.random.default_rng(seed)
    sums = np.zeros((resamples, rows.shape[1]))
    block = max(1, _BLOCK_CELLS // max(1, n))
    # How BLAS cuts a product among threads changes its last digit.
    with threadpool_limits(1, "blas"):
        for start in range(0, resamples if n else 0, block):
            times = _times_drawn(rng, min(block, resamples - start), n)
            sums[start : start + block] = times @ rows
    return sums


def _times_drawn(rng: np.random.Generator, resamples: int, n: int) -> NDArray[np.float64]:
    """How often each of n rows is drawn in each resample, shape (resamples, n)."""
    drawn = rng.integers(n, size=(resamples, n), dtype=np.int64)
    drawn += n * np.arange(resamples)[:, None]
    times = np.bincount(drawn.ravel(), minlength=resamples * n)
    return times.reshape(resamples, n).astype(np.float64)
