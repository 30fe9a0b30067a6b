"""Small shops whose right answers can be seen."""

from collections.abc import Iterable

import numpy as np

from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary

Line = tuple[str, str | None, str, float, float]
"""order, customer (None for a guest), item, quantity, day"""

TASTES = {
    "tea": ["tea-green", "tea-black", "tea-pot", "tea-cups", "tea-strainer"],
    "diy": ["diy-hammer", "diy-nails", "diy-saw", "diy-drill", "diy-glue"],
    "garden": ["garden-seeds", "garden-spade", "garden-hose", "garden-gloves", "garden-soil"],
}
EVERYBODY = "bag"
"""An item that customers of every taste buy."""


def log_of(lines: Iterable[Line]) -> OrderLog:
    """An order log from a few readable lines; unit price is 1."""
    lines = sorted(lines, key=lambda line: (line[4], line[0], line[2]))
    orders = Vocabulary(tuple(sorted({line[0] for line in lines})))
    customers = Vocabulary(tuple(sorted({line[1] for line in lines if line[1] is not None})))
    items = Vocabulary(tuple(sorted({line[2] for line in lines})))
    return OrderLog(
        order=orders.positions(line[0] for line in lines),
        customer=np.array(
            [GUEST if line[1] is None else customers.position(line[1]) for line in lines], np.int32
        ),
        item=items.positions(line[2] for line in lines),
        quantity=np.array([line[3] for line in lines], np.float32),
        unit_price=np.ones(len(lines), np.float32),
        ordered_at=np.array([int(line[4] * DAY) for line in lines], np.int64),
        orders=orders,
        customers=customers,
        items=items,
    )


def history_of(lines: Iterable[Line], day: float) -> PurchaseHistory:
    """What a few lines look like on a day."""
    return PurchaseHistory.at(log_of(lines), int(day * DAY))


def planted_lines(*, customers: int = 60, days: int = 120, seed: int = 0) -> list[Line]:
    """Customers who each have one taste, and now and then buy the bag that everybody buys.

    The customer's id names the taste (`tea-003`), so a list can be judged by eye.
    """
    rng = np.random.default_rng(seed)
    tastes = list(TASTES)
    lines: list[Line] = []
    for number in range(customers):
        taste = tastes[number % len(tastes)]
        for day in np.sort(rng.choice(days, size=rng.integers(3, 7), replace=False)):
            basket = list(rng.choice(TASTES[taste], size=rng.integers(2, 4), replace=False))
            basket += [EVERYBODY] * int(rng.random() < 0.3)
            order = f"{taste}-{number:03}-{day:03}"
            lines += [(order, f"{taste}-{number:03}", str(item), 1.0, float(day)) for item in basket]
    return lines
