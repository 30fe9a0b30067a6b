"""Shops of three sizes as files of orders, for whatever is measured from files on.

`python -m benchmarks.large_shops M --folder orders` writes one.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.data.history import DAY

LARGE_SHOP = Path(__file__).parent / "settings" / "large_shop.toml"
"""Settings for the larger of these shops."""

_NEWEST = 1_790_000_000
_DAYS = 365
_LINES_AN_ORDER = 3
_CLUSTERS = 50
_LIKED = 3
_FROM_ANYWHERE, _AGAIN = 0.3, 0.15
_MEAN_ACTIVITY = float(np.exp(0.5))
"""Of a log-normal number with parameters 0 and 1."""


@dataclass(frozen=True, slots=True)
class ShopSize:
    """How large a shop is.

    Attributes:
        customers: who bought.
        items: that can be bought; some of a long tail may never be.
        lines: order lines of all customers together, about.
    """

    customers: int
    items: int
    lines: int

    def part(self, share: float) -> "ShopSize":
        """A shop so many times as large in every respect."""
        return ShopSize(*(max(1, round(n * share)) for n in (self.customers, self.items, self.lines)))


SIZES = {
    "S": ShopSize(100_000, 10_000, 2_000_000),
    "M": ShopSize(500_000, 50_000, 15_000_000),
    "L": ShopSize(1_000_000, 100_000, 50_000_000),
}
"""The sizes that performance is spoken of in."""


@dataclass(frozen=True, slots=True)
class _Items:
    """What there is to buy: `at` holds items cluster by cluster, `summed` their chances up to each."""

    at: NDArray[np.int64]
    summed: NDArray[np.float64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, items: int, rng: np.random.Generator) -> "_Items":
        """Zipf's law with exponent 0.85, fifty clusters of equal chance."""
        chance = 1 / np.arange(1, items + 1) ** 0.85
        cluster = rng.integers(_CLUSTERS, size=items)
        at = np.argsort(cluster, kind="stable")
        summed = np.concatenate(([0.0], np.cumsum(chance[at])))
        return cls(at, summed, np.searchsorted(cluster[at], np.arange(_CLUSTERS + 1)))

    def drawn(self, cluster: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """An item of each of these clusters by its sales; of the whole shop where the cluster is -1."""
        anywhere = cluster < 0
        low = np.where(anywhere, 0.0, self.summed[self.ends[cluster]])
        high = np.where(anywhere, self.summed[-1], self.summed[self.ends[cluster + 1]])
        point = low + rng.random(len(cluster)) * (high - low)
        return self.at[np.clip(np.searchsorted(self.summed, point, side="right") - 1, 0, len(self.at) - 1)]


def write_orders(
    folder: Path, size: ShopSize, *, seed: int = 0, customers_a_file: int = 50_000
) -> list[Path]:
    """Write a shop's orders as Parquet files, one after another, so that memory does not grow with the shop.

    Items sell by Zipf's law with exponent 0.85 and belong to fifty clusters; a customer likes three of them,
    which are seven lines of ten. How much a customer buys is log-normal; 15 % of lines repeat an earlier one
    of the customer. A year of orders of about three lines each; ids are text. Every file has its own
    customers, oldest line first.

    Args:
        folder: made if it is not there.
        size: of the shop.
        seed: of every draw.
        customers_a_file: of which the lines are in memory at a time.

    Returns:
        The files, columns `order_id, customer_id, item_id, quantity, unit_price, ordered_at`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    items, files, orders_before = _Items.of(size.items, np.random.default_rng(seed)), [], 0
    for first in range(0, size.customers, customers_a_file):
        customers = np.arange(first, min(first + customers_a_file, size.customers))
        # A seed of its own for every file: the first files of a shop are alike whatever comes after them.
        lines = _lines(customers, size, items, orders_before, np.random.default_rng([seed, first]))
        orders_before = int(lines["order_id"].max()) + 1 if len(lines) else orders_before
        files.append(folder / f"orders-{len(files):04}.parquet")
        _with_text_ids(lines).write_parquet(files[-1])
    return files


def _lines(
    customers: NDArray[np.int64],
    size: ShopSize,
    items: _Items,
    orders_before: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """The lines of some customers, ids as numbers, oldest first."""
    activity = rng.lognormal(0, 1, len(customers)) / _MEAN_ACTIVITY
    n_lines = np.maximum(1, np.rint(activity * size.lines / size.customers)).astype(np.int64)
    row = np.repeat(np.arange(len(customers)), n_lines)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(n_lines) - n_lines, n_lines)
    item = _bought(row, nth, items, rng)
    n_orders = -(-n_lines // _LINES_AN_ORDER)
    before = np.cumsum(n_orders) - n_orders
    order = before[row] + (rng.random(len(row)) * n_orders[row]).astype(np.int64)
    when = _NEWEST - rng.integers(_DAYS * DAY, size=int(n_orders.sum()))
    frame = pl.DataFrame(
        {
            "order_id": orders_before + order,
            "customer_id": customers[row],
            "item_id": item,
            "quantity": 1 + (rng.random(len(row)) < 0.1).astype(np.int64),
            "unit_price": 0.99 + item % 50,
            "ordered_at": when[order],
        }
    )
    return frame.sort("ordered_at", "order_id", maintain_order=True)


def _bought(
    row: NDArray[np.int64], nth: NDArray[np.int64], items: _Items, rng: np.random.Generator
) -> NDArray[np.int64]:
    liked = rng.integers(_CLUSTERS, size=(row[-1] + 1, _LIKED))
    cluster = liked[row, rng.integers(_LIKED, size=len(row))]
    item = items.drawn(np.where(rng.random(len(row)) < _FROM_ANYWHERE, -1, cluster), rng)
    back = np.where(rng.random(len(row)) < _AGAIN, np.ceil(rng.random(len(row)) * nth), 0)
    return item[np.arange(len(row)) - back.astype(np.int64)]


def _with_text_ids(lines: pl.DataFrame) -> pl.DataFrame:
    letters = {"order_id": "O", "customer_id": "C", "item_id": "I"}
    ids = [pl.format(f"{letter}{{}}", name).alias(name) for name, letter in letters.items()]
    return lines.with_columns(*ids, pl.from_epoch("ordered_at", time_unit="s"))


def main() -> None:
    """Write the orders of a shop of one of the sizes, or of a part of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--part", type=float, default=1.0, help="1/8 of M is --part 0.125")
    asked = parser.parse_args()
    files = write_orders(asked.folder, SIZES[asked.size].part(asked.part))
    print(f"{len(files)} files in {asked.folder}")


if __name__ == "__main__":
    main()
