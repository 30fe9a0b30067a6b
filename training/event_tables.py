"""Events as tables."""

from collections.abc import Iterable

import polars as pl

from recommender.events.journal import COLUMNS, StoredEvent

_TEXTS = ("event_id", "type", "customer_id", "session_id", "item_id", "recommendation_id")
_TIMES = ("at", "received_at")
_SCHEMA = {name: pl.String if name in _TEXTS else pl.Float64 for name in COLUMNS}


def event_frame(events: Iterable[StoredEvent]) -> pl.DataFrame:
    """A row an event; times as UTC timestamps."""
    rows = ([getattr(event, name) for name in COLUMNS] for event in events)
    frame = pl.DataFrame(list(rows), schema=_SCHEMA, orient="row")
    microseconds = [(pl.col(name) * 1e6).round().cast(pl.Int64) for name in _TIMES]
    return frame.with_columns(
        column.cast(pl.Datetime("us", "UTC")).alias(name)
        for name, column in zip(_TIMES, microseconds, strict=True)
    )


def order_frame(events: Iterable[StoredEvent]) -> pl.DataFrame:
    """Purchases as order lines (docs/order-schema.md): what somebody bought at one moment is one order.

    A purchase of an unknown number of pieces is one of one piece; a session without a customer is a guest.
    """
    bought = event_frame(event for event in events if event.type == "purchase")
    who = pl.coalesce("customer_id", "session_id")
    return bought.select(
        order_id=pl.concat_str(
            pl.when(pl.col("customer_id").is_null()).then(pl.lit("session ")).otherwise(pl.lit("customer ")),
            who,
            pl.lit(" "),
            pl.col("at").dt.to_string("iso:strict"),
        ),
        customer_id="customer_id",
        item_id="item_id",
        quantity=pl.col("quantity").fill_null(1.0),
        unit_price="price",
        ordered_at="at",
    )
