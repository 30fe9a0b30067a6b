"""What customers will soon buy again, told from all purchases, and as a table for mailings."""

from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.campaigns.due import DueTable, due_again
from recommender.campaigns.rhythms import categories_of
from recommender.errors import ConfigError
from recommender.ranking.due_list import HORIZONS
from recommender.snapshot.directory import Snapshot

from .moment import Purchases
from .progress import Progress
from .settings import Settings


def due_soon(purchases: Purchases, settings: Settings, progress: Progress) -> DueTable | None:
    """What each customer will soon buy again, in the order of the customers.

    Args:
        purchases: what there is to learn from.
        settings: `replenishment` says how.
        progress: hears of the step.

    Returns:
        None where it is switched off, or too little is bought again in this shop.
    """
    if not settings.replenishment.windows:
        return None
    with progress.step("Tell what is due again"):
        orders = purchases.orders
        category = categories_of(purchases.catalog, orders.items)
        return due_again(orders, orders.last_time, category, settings.replenishment, purchases.eligible)


def due_frame(snapshot: Snapshot, *, within: int, at_least: float, n: int) -> pl.DataFrame:
    """Who will soon buy what again, a line an item of a customer, the likeliest first.

    Args:
        snapshot: where it stands.
        within: days ahead, one of `HORIZONS`.
        at_least: chance of a purchase within these days.
        n: items of a customer at most.

    Returns:
        Columns `customer_id`, `rank` from 1, `item_id`, `title`, a `chance_N_days` for each of `HORIZONS`,
        and the dates (UTC) `due_on`, `due_from` and `due_until`, null where no day could be told.

    Raises:
        ConfigError: the snapshot does not know what is due.
    """
    if snapshot.due is None:
        raise ConfigError(
            f"snapshot {snapshot.snapshot_id} does not say what is due again: either too little is bought "
            "again in this shop to learn from, or [replenishment] windows is 0, or it was trained by Spark "
            "or by an earlier cartlift"
        )
    likely = snapshot.due.chance[:, HORIZONS.index(within)] >= at_least
    due = snapshot.due.keep(likely).first_of_each(n)
    row = due.row_of_place()
    catalog = snapshot.catalog
    return pl.DataFrame(
        {
            "customer_id": pl.Series(values=snapshot.customers.ids, dtype=pl.String).gather(row),
            "rank": (np.arange(len(row)) - due.starts[row] + 1).astype(np.int32),
            "item_id": pl.Series(values=catalog.items.ids, dtype=pl.String).gather(due.items),
            "title": pl.Series(values=catalog.title, dtype=pl.String).gather(due.items),
            **{
                f"chance_{horizon}_days": np.round(due.chance[:, column].astype(np.float64), 3)
                for column, horizon in enumerate(HORIZONS)
            },
            **{
                name: _dates(snapshot, days)
                for name, days in (("due_on", due.day), ("due_from", due.first), ("due_until", due.last))
            },
        }
    )


def _dates(snapshot: Snapshot, days: NDArray[np.int16]) -> pl.Series:
    """The dates of days counted from the newest order line, null for day 0."""
    newest = datetime.fromisoformat(snapshot.manifest.data_until).replace(tzinfo=None)
    # Day 1 is the 24 hours after it: the date of their middle.
    moments = np.datetime64(newest, "h") + (days.astype(np.int64) * 24 - 12).astype("timedelta64[h]")
    dates = np.where(days > 0, moments.astype("datetime64[D]"), np.datetime64("NaT", "D"))
    return pl.Series(values=dates, dtype=pl.Date)
