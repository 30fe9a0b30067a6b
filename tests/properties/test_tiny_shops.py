"""Whatever a few order lines say, they are read and learned from, or refused in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis
import hypothesis.strategies as st
import numpy as np
import polars as pl

from recommender.errors import DataError
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import read_orders

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
COLUMNS = ("order_id", "customer_id", "item_id", "quantity", "unit_price", "ordered_at")

SHORT = Settings(evaluation=replace(Settings().evaluation, days=5))
SHORT = replace(SHORT, ranker=replace(SHORT.ranker, fewest_customers=1, windows=1, trees=2, leaves=2))
"""Judges lists and learns a ranker from a history of days."""

LINES = st.tuples(
    st.sampled_from(["1", "2", "3", "4", "5", "6"]),
    st.sampled_from(["ann", "bob", None]),
    st.sampled_from(["tea", "jam", "pot"]),
    st.sampled_from([1, 2, -1]),
    st.sampled_from([0.0, 2.5, None]),
    st.integers(0, 30).map(lambda day: FIRST + timedelta(days=day)),
)


@hypothesis.settings(max_examples=25, derandomize=True)
@hypothesis.given(st.lists(LINES, min_size=1, max_size=12))
def test_a_few_lines_give_finite_lists_of_distinct_items_or_a_refusal(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("tiny") / "orders.parquet"
    pl.DataFrame(lines, schema=COLUMNS, orient="row", infer_schema_length=None).with_columns(
        pl.col("customer_id").cast(pl.String), pl.col("unit_price").cast(pl.Float64)
    ).write_parquet(path)
    try:
        snapshot = train(read_orders([path], SHORT), SHORT, now=NOW, progress=Silent())
    except DataError as refusal:
        assert "no purchase" in str(refusal) or "nothing may be recommended" in str(refusal)
        return
    for table in (snapshot.lists.recommended, snapshot.lists.best_sellers, snapshot.lists.bought_together):
        place = np.stack((table.row_of_place(), table.items))
        assert len(np.unique(place, axis=1).T) == len(table.items)
        assert np.isfinite(table.scores).all()
    assert len(snapshot.lists.best_sellers.row(0))
