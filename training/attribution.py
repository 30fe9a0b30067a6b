"""Clicks and purchases, laid at the answers in which the items were shown."""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import polars as pl

from recommender.events.journal import StoredEvent
from recommender.events.recommendation_ids import Shown, read_recommendation_id

from .event_tables import event_frame

Dimension = Literal["placement", "source", "snapshot", "experiment", "variant", "call"]

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

_SHOWN = dict.fromkeys(Shown.__struct_fields__, pl.String)


def attribution_frame(
    events: Iterable[StoredEvent], *, window: float, by: Sequence[Dimension] = DIMENSIONS[:-1]
) -> pl.DataFrame:
    """Clicks, purchases and revenue of answers, a row for each kind of answer.

    A click is laid at the answer whose id it has. A purchase is laid at the answer whose id it has; without
    one that can be read, at that of the last click on the item, by the same customer or in the same session,
    no longer ago than the window.

    Args:
        events: of the shop, in any order.
        window: seconds.
        by: what tells kinds of answers apart.

    Returns:
        `attributed`, whether it is a kind of answer or the row of what can be laid at none; columns of `by`,
        null where an answer has none; then `answers` (different ids that anything is laid at), `clicks`,
        `purchases` (lines), `by_click` (of these, laid there for a click), `revenue`, and `unpriced`
        (purchases without a price, which are not in `revenue`).
    """
    frame = _with_readable_ids(event_frame(events))
    clicks = frame.filter(pl.col("type") == "click")
    bought = _with_clicks(frame.filter(pl.col("type") == "purchase"), clicks, window)
    laid = pl.concat(
        [
            clicks.select("answer", kind=pl.lit("click"), by_click=False, amount=None),
            bought.select(
                pl.coalesce("answer", "clicked").alias("answer"),
                kind=pl.lit("purchase"),
                by_click=pl.col("answer").is_null() & pl.col("clicked").is_not_null(),
                amount=pl.col("price") * pl.col("quantity").fill_null(1.0),
            ),
        ],
        how="vertical_relaxed",
    )
    is_purchase = pl.col("kind") == "purchase"
    return (
        laid.join(_described(laid["answer"]), on="answer", how="left")
        .group_by(pl.col("answer").is_not_null().alias("attributed"), *by)
        .agg(
            pl.col("answer").drop_nulls().n_unique().alias("answers"),
            (~is_purchase).sum().alias("clicks"),
            is_purchase.sum().alias("purchases"),
            pl.col("by_click").sum().alias("by_click"),
            pl.col("amount").fill_null(0.0).cast(pl.Float64).sum().alias("revenue"),
            (is_purchase & pl.col("amount").is_null()).sum().alias("unpriced"),
        )
        .sort("attributed", "revenue", "clicks", *by, descending=[True, True, True, *(False for _ in by)])
    )


def _with_readable_ids(frame: pl.DataFrame) -> pl.DataFrame:
    """With a column `answer`: the recommendation id, null where it says nothing."""
    ids = frame["recommendation_id"].drop_nulls().unique()
    readable = [id_ for id_ in ids if read_recommendation_id(id_) is not None]
    known = pl.col("recommendation_id").is_in(readable)
    return frame.with_columns(answer=pl.when(known).then(pl.col("recommendation_id")))


def _with_clicks(bought: pl.DataFrame, clicks: pl.DataFrame, window: float) -> pl.DataFrame:
    """With a column `clicked`: the answer of the last click on the item, by customer or in the session."""
    told = clicks.filter(pl.col("answer").is_not_null())
    found = bought.with_row_index("line")
    for who in ("customer_id", "session_id"):
        last = (
            found.filter(pl.col(who).is_not_null())
            .sort("at")
            .join_asof(
                told.filter(pl.col(who).is_not_null())
                .select(who, "item_id", pl.col("at").alias(f"at_{who}"), pl.col("answer").alias(f"of_{who}"))
                .sort(f"at_{who}"),
                left_on="at",
                right_on=f"at_{who}",
                by=[who, "item_id"],
                strategy="backward",
                tolerance=f"{round(window * 1e6)}us",
                check_sortedness=False,
            )
            .select("line", f"at_{who}", f"of_{who}")
        )
        found = found.join(last, on="line", how="left")
    of_session = pl.col("at_customer_id").is_null() | (pl.col("at_session_id") > pl.col("at_customer_id"))
    newest = pl.when(pl.col("at_session_id").is_not_null() & of_session).then("of_session_id")
    return found.with_columns(clicked=newest.otherwise("of_customer_id"))


def _described(answers: pl.Series) -> pl.DataFrame:
    """What each id says, a row an id."""
    rows = [
        (id_, *(getattr(shown, name) for name in _SHOWN))
        for id_ in answers.drop_nulls().unique().sort()
        if (shown := read_recommendation_id(id_)) is not None
    ]
    return pl.DataFrame(rows, schema={"answer": pl.String, **_SHOWN}, orient="row")
