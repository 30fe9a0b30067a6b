"""Does anything of the future reach the lists? Tried on the shop's own orders."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.data.orders import GUEST, OrderLog
from recommender.evaluation.leaks import another_future, differing_lists
from recommender.evaluation.split import rolling_cuts

from .evaluation import past_lists
from .progress import Progress
from .settings import Settings
from .sources import ReadOrders

SAMPLE = 2_000
"""Customers whose orders are learned from, twice."""


@dataclass(frozen=True, slots=True)
class LeakCheck:
    """What became of lists when everything after the cut was made up.

    Attributes:
        cut: seconds since 1970 UTC.
        changed_lines: order lines after the cut, all of them made up.
        lists: lists that were made with either future.
        differing: those that were not the same, byte for byte; any is a leak.
    """

    cut: int
    changed_lines: int
    lists: int
    differing: int


def check_leaks(
    read: ReadOrders, settings: Settings, *, progress: Progress, customers: int = SAMPLE, seed: int = 0
) -> LeakCheck | None:
    """Learn twice from a sample of the customers, with the future as it was and with another one.

    Args:
        read: clean orders and catalog.
        settings: of models, lists and evaluation; the newest window is looked at.
        progress: hears of every step.
        customers: how many are learned from; with them as large a share of the guests' orders.
        seed: of the sample and of the other future.

    Returns:
        None where the history is too short to be judged.
    """
    cuts = rolling_cuts(read.orders, days=settings.evaluation.days, windows=1)
    if not cuts:
        return None
    (cut,) = cuts
    sample, orders = _sample(read.orders, cut, customers, np.random.default_rng(seed))
    as_it_was = replace(read, orders=orders)
    other_orders, other_catalog = another_future(orders, read.catalog, cut, seed=seed)
    made_up = replace(read, orders=other_orders, catalog=other_catalog)
    lists = past_lists(as_it_was, settings, cut, sample, progress).lists
    # The other vocabularies hold one more id, the first.
    others = past_lists(made_up, settings, cut, sample + np.int32(1), progress).lists
    others = replace(others, items=others.items - np.int32(1))
    return LeakCheck(
        cut=cut,
        changed_lines=len(orders.after(cut)),
        lists=len(sample),
        differing=len(differing_lists(lists, others)),
    )


def _sample(
    orders: OrderLog, cut: int, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], OrderLog]:
    """Customers with an order before the cut, and the log with only their orders, and some of the guests'."""
    known = orders.customer != GUEST
    active = np.unique(orders.customer[known & (orders.ordered_at <= cut)])
    sample = np.sort(rng.permutation(active)[:n])
    of_guests = rng.random(len(orders.orders)) < len(sample) / max(len(active), 1)
    kept = np.where(known, np.isin(orders.customer, sample), of_guests[orders.order])
    return sample, orders.lines(kept)
