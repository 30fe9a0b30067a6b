"""Exposures and purchases as what an experiment is judged by: one row a customer."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from recommender.data.orders import OrderLog
from recommender.errors import ConfigError
from recommender.events.exposures import Exposure, KnownPlan, read_exposures, read_plans
from recommender.events.journal import StoredEvent, read_events
from recommender.experiments.comparison import Judged, Metric

DAY = 24 * 3600.0

HISTORY_DAYS = 90
"""How far before an exposure purchases count as history."""

METRICS = ("conversion", "revenue")

_UNIT = ("kind", "id")
_EXPOSURES = {"kind": pl.String, "id": pl.String, "variant": pl.String, "exposed": pl.Float64}
_PURCHASES = {"kind": pl.String, "id": pl.String, "at": pl.Float64, "amount": pl.Float64}


@dataclass(frozen=True, slots=True)
class ExperimentData:
    """What is known of an experiment.

    Attributes:
        plans: what it was set up as, the oldest first; of these the last holds.
        exposed: customers (and sessions of guests) shown each variant, by variant.
        in_several: customers that were shown several variants, and count for none.
        unpriced: purchases after an exposure without a price, which count as bought for nothing.
        judged: those whose outcome is final.
        final_at: shape (n,), when each outcome became so, in seconds since 1970 UTC, not falling.
    """

    plans: tuple[KnownPlan, ...]
    exposed: dict[str, int]
    in_several: int
    unpriced: int
    judged: Judged
    final_at: np.ndarray

    @property
    def plan(self) -> KnownPlan:
        """What it is set up as now."""
        return self.plans[-1]


def chosen_experiment(journal: Path, name: str | None) -> str:
    """The experiment of this name; without one the only experiment.

    Raises:
        ConfigError: there is none, or several to choose from.
    """
    known = list(dict.fromkeys(plan.experiment for plan in read_plans(journal)))
    if name is None and len(known) == 1:
        return known[0]
    if name is None or name not in known:
        asked = "name one of them" if name is None else f"{name!r} is none of them"
        raise ConfigError(f"experiments that customers were shown: {', '.join(known) or 'none'}; {asked}")
    return name


def experiment_data(
    journal: Path, name: str, *, until: float, window: float, history: OrderLog | None
) -> ExperimentData:
    """Read an experiment.

    Args:
        journal: see `journal_path`.
        name: of the experiment.
        until: seconds since 1970 UTC, that the figures are as of.
        window: seconds after the exposure in which purchases count; before they are over, an outcome is not
            final.
        history: orders to take purchases before the exposure from, instead of from the events.

    Raises:
        ConfigError: the journal cannot be read.
    """
    plans = tuple(plan for plan in read_plans(journal) if plan.experiment == name)
    variants = tuple(plans[-1].plan.shares)
    shown = _exposure_frame(one for one in read_exposures(journal, name) if one.at <= until)
    once = shown.filter(pl.len().over(_UNIT) == 1)
    bought = _purchase_frame(read_events(journal))
    units = once.filter(pl.col("variant").is_in(variants)).sort("exposed", *_UNIT)
    after = units.join(bought, on=_UNIT).filter(
        (pl.col("at") > pl.col("exposed")) & (pl.col("at") <= pl.col("exposed") + window)
    )
    past = bought if history is None else _order_frame(history)
    before = units.join(past, on=_UNIT).filter(
        (pl.col("at") < pl.col("exposed")) & (pl.col("at") >= pl.col("exposed") - HISTORY_DAYS * DAY)
    )
    final = units.filter(pl.col("exposed") + window <= until)
    table = final.join(_sums(after, "after"), on=_UNIT, how="left", maintain_order="left").join(
        _sums(before, "before"), on=_UNIT, how="left", maintain_order="left"
    )
    counts = dict(once.group_by("variant").len().iter_rows())
    return ExperimentData(
        plans=plans,
        exposed={variant: counts.get(variant, 0) for variant in variants},
        in_several=shown.filter(pl.len().over(_UNIT) > 1).select(_UNIT).n_unique(),
        unpriced=after["amount"].null_count(),
        judged=_judged(table, variants),
        final_at=(table["exposed"] + window).to_numpy(),
    )


def _judged(table: pl.DataFrame, variants: tuple[str, ...]) -> Judged:
    columns = {name: table[name].fill_null(0.0).to_numpy() for name in _SUMS}
    number = table["variant"].replace_strict(list(variants), range(len(variants)), return_dtype=pl.Int32)
    bought = (columns["orders_after"] > 0).astype(np.float64)
    return Judged(
        variants,
        number.to_numpy(),
        {
            "conversion": Metric(bought, columns["orders_before"]),
            "revenue": Metric(columns["revenue_after"], columns["revenue_before"]),
        },
    )


_SUMS = ("orders_after", "revenue_after", "orders_before", "revenue_before")


def _sums(purchases: pl.DataFrame, when: str) -> pl.DataFrame:
    """Orders and revenue of each unit; what is bought at one moment is one order."""
    return purchases.group_by(_UNIT).agg(
        pl.col("at").n_unique().cast(pl.Float64).alias(f"orders_{when}"),
        pl.col("amount").fill_null(0.0).sum().alias(f"revenue_{when}"),
    )


def _exposure_frame(exposures: Iterable[Exposure]) -> pl.DataFrame:
    rows = [(one.kind, one.id, one.variant, one.at) for one in exposures]
    return pl.DataFrame(rows, schema=_EXPOSURES, orient="row")


def _purchase_frame(events: Iterable[StoredEvent]) -> pl.DataFrame:
    """Purchases by whom they may be told of: one of a known customer in a session stands there twice."""
    rows = []
    for event in events:
        if event.type != "purchase":
            continue
        pieces = 1.0 if event.quantity is None else event.quantity
        amount = None if event.price is None else pieces * event.price
        for kind, id_ in (("customer", event.customer_id), ("session", event.session_id)):
            if id_ is not None:
                rows.append((kind, id_, event.at, amount))
    return pl.DataFrame(rows, schema=_PURCHASES, orient="row")


def _order_frame(orders: OrderLog) -> pl.DataFrame:
    known = orders.customer >= 0
    ids = pl.Series(values=orders.customers.ids, dtype=pl.String).gather(orders.customer[known])
    price = np.nan_to_num(orders.unit_price[known].astype(np.float64))
    return pl.DataFrame(
        {
            "kind": pl.repeat("customer", int(known.sum()), eager=True, dtype=pl.String),
            "id": ids,
            "at": orders.ordered_at[known].astype(np.float64),
            "amount": orders.quantity[known].astype(np.float64) * price,
        },
        schema=_PURCHASES,
    )
