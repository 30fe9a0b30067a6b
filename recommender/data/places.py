"""Where orders went."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

NOWHERE = -1
"""Place of an order of which none is known."""


@dataclass(frozen=True, slots=True)
class Places:
    """The place of every order: what is known even of a guest.

    Attributes:
        of_order: shape (n_orders,) int32 positions in `names`, `NOWHERE` where unknown; in the order of
            `OrderLog.orders`, so it suits every part of the log.
        names: as the shop writes them, sorted.
    """

    of_order: NDArray[np.int32]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.of_order) and not NOWHERE <= self.of_order.min() <= self.of_order.max() < len(self.names):
            raise ValueError("an order's place must be one of those named, or nowhere")

    @classmethod
    def of_lines(cls, lines: pl.DataFrame, n_orders: int) -> "Places":
        """The places that order lines name.

        Args:
            lines: columns `order`, positions of orders, and `country`, text or null. Of several countries of
                one order the one of the most lines counts, of equally many the first in the alphabet.
            n_orders: number of orders; those without a line are nowhere.
        """
        if lines["country"].null_count() == len(lines):
            return cls(np.full(n_orders, NOWHERE, np.int32), ())
        text = pl.col("country").cast(pl.String).str.strip_chars()
        named = lines.select("order", text).filter(pl.col("country").fill_null("") != "")
        counted = named.group_by("order", "country").len().sort("len", "country", descending=[True, False])
        chosen = counted.unique("order", keep="first", maintain_order=True)
        names = tuple(sorted(chosen["country"].unique()))
        of_order = np.full(n_orders, NOWHERE, np.int32)
        of_order[chosen["order"].to_numpy()] = chosen["country"].cast(pl.Enum(names)).to_physical().to_numpy()
        return cls(of_order, names)
