"""Variants of an experiment beside its control, by what their customers bought afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.intervals import Interval
from recommender.experiments.confidence_sequences import Moments, best_rho, difference
from recommender.experiments.cuped import adjusted

PLANNED = 10_000


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of every customer.

    Attributes:
        outcome: shape (n,), of the time after the exposure.
        before: shape (n,), something like it of the time before.
    """

    outcome: NDArray[np.float64]
    before: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """Customers of an experiment whose outcome is final, in the order in which it became so.

    Attributes:
        names: of the variants, the control first.
        variant: shape (n,), number of each customer's variant.
        metrics: by name.
    """

    names: tuple[str, ...]
    variant: NDArray[np.int32]
    metrics: Mapping[str, Metric]

    def __len__(self) -> int:
        return len(self.variant)

    def first(self, n: int) -> "Judged":
        """Only the first customers."""
        metrics = {
            name: Metric(metric.outcome[:n], metric.before[:n]) for name, metric in self.metrics.items()
        }
        return replace(self, variant=self.variant[:n], metrics=metrics)


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure intervals are.

    Attributes:
        alpha: probability that any interval of one metric is ever wrong.
        planned: customers of two variants together at which intervals are narrowest.
    """

    alpha: float = 0.05
    planned: int = PLANNED

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must be above 0 and below 1, got {self.alpha}")
        if self.planned < 1:
            raise ValueError(f"planned must be at least 1, got {self.planned}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant beside the control by one metric.

    Attributes:
        metric: its name.
        variant: name of the variant.
        plain: difference of the means, with its interval; infinite ends where there are too few customers.
        cuped: the same with less variance, by what customers did before.
        variance_reduction: share of the variance that is gone by that, from 0 to 1.
    """

    metric: str
    variant: str
    plain: Interval
    cuped: Interval
    variance_reduction: float


def compare(judged: Judged, certainty: Certainty) -> tuple[Comparison, ...]:
    """Every variant beside the control, by every metric.

    The intervals of one metric hold together: with k variants beside the control each is wrong with a
    probability of alpha ÷ k (Bonferroni).
    """
    alpha = certainty.alpha / (len(judged.names) - 1)
    rho = best_rho(certainty.planned, alpha)
    found = []
    for name, metric in judged.metrics.items():
        plain = _moments(judged, metric.outcome)
        # Also here customers with an outcome are counted before it is adjusted: then hardly any is 0.
        lessened = [
            replace(moments, positive=before.positive)
            for moments, before in zip(_moments(judged, _adjusted(judged, metric)), plain, strict=True)
        ]
        for number, variant in enumerate(judged.names[1:], start=1):
            found.append(
                Comparison(
                    name,
                    variant,
                    Interval(*difference(plain[number], plain[0], rho=rho, alpha=alpha)),
                    Interval(*difference(lessened[number], lessened[0], rho=rho, alpha=alpha)),
                    _reduction(plain, lessened),
                )
            )
    return tuple(found)


def means(judged: Judged, metric: str) -> tuple[float, ...]:
    """Mean outcome by variant."""
    return tuple(moments.mean for moments in _moments(judged, judged.metrics[metric].outcome))


def _adjusted(judged: Judged, metric: Metric) -> NDArray[np.float64]:
    return adjusted(metric.outcome, metric.before, judged.variant) if len(judged) else metric.outcome


def _moments(judged: Judged, outcomes: NDArray[np.float64]) -> list[Moments]:
    return [Moments.of(outcomes[judged.variant == number]) for number in range(len(judged.names))]


def _reduction(plain: Sequence[Moments], lessened: Sequence[Moments]) -> float:
    before, after = (
        sum(moments.variance * moments.n for moments in variants) for variants in (plain, lessened)
    )
    return max(0.0, 1 - after / before) if before > 0 else 0.0
