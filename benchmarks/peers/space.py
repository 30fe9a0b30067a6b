"""What may be tried when a peer is tuned, and how trials are drawn from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.stats.qmc import LatinHypercube


class Range(Protocol):
    """The values that one setting may take."""

    def at(self, share: float) -> object:
        """The value at a share of the range, 0 ≤ share < 1."""
        ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """From `low` to `high`, evenly."""

    low: float
    high: float

    def at(self, share: float) -> float:
        """See `Range.at`."""
        return round(float(self.low + share * (self.high - self.low)), 4)


@dataclass(frozen=True, slots=True)
class LogUniform:
    """From `low` to `high`, every doubling as likely as any other."""

    low: float
    high: float

    def at(self, share: float) -> float:
        """See `Range.at`."""
        return float(f"{self.low * (self.high / self.low) ** share:.4g}")


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole numbers from `low` to `high`, every doubling as likely as any other."""

    low: int
    high: int

    def at(self, share: float) -> int:
        """See `Range.at`."""
        return round(self.low * (self.high / self.low) ** share)


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of a few values."""

    values: tuple[object, ...]

    def at(self, share: float) -> object:
        """See `Range.at`."""
        return self.values[int(share * len(self.values))]


def draw(space: Mapping[str, Range], n: int, seed: int) -> list[dict[str, object]]:
    """Settings to try, spread evenly over the space.

    A Latin hypercube (McKay, Beckman & Conover, Technometrics 1979): every setting alone takes `n` evenly
    spaced values. One draw serves all shops, windows and tasks, which a search that follows one figure
    would not, so every peer is tried equally often for each of them.

    Args:
        space: range of each setting.
        n: number of trials.
        seed: of the draw.
    """
    if not space or n == 0:
        return []
    shares = LatinHypercube(len(space), rng=np.random.default_rng(seed)).random(n)
    return [{name: space[name].at(share) for name, share in zip(space, row, strict=True)} for row in shares]
