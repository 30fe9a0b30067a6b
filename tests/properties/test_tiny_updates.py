"""However a few order lines are told apart into two nights, lists hold together."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import polars as pl

from recommender.errors import DataError
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.sources import read_orders
from recommender.training.update import GoesOn, update
from tests.properties.test_tiny_shops import COLUMNS, LINES, NOW, SHORT


def read(folder, lines):
    frame = pl.DataFrame(lines, schema=COLUMNS, orient="row", infer_schema_length=None)
    frame = frame.with_columns(pl.col("customer_id").cast(pl.String), pl.col("unit_price").cast(pl.Float64))
    frame.write_parquet(folder / "orders.parquet")
    return read_orders([folder / "orders.parquet"], SHORT)


@hypothesis.settings(max_examples=8, derandomize=True)
@hypothesis.given(st.lists(LINES, min_size=2, max_size=12), st.data())
def test_lists_are_whole_and_only_those_of_changed_customers_change(tmp_path_factory, lines, data):
    folder, before = (
        tmp_path_factory.mktemp("tiny"),
        data.draw(st.integers(1, len(lines)), label="first night"),
    )
    try:
        first = train(read(folder, lines[:before]), SHORT, now=NOW, progress=Silent())
        whole = read(folder, lines)
        full = train(whole, SHORT, now=NOW, progress=Silent())
    except DataError:
        hypothesis.reject()
    after = update(whole, SHORT, GoesOn(first, first.fingerprints), now=NOW, progress=Silent())
    assert after.manifest.counts == full.manifest.counts
    assert np.array_equal(after.fingerprints.customers, full.fingerprints.customers)
    assert np.array_equal(after.lists.best_sellers.items, full.lists.best_sellers.items)
    for name in ("recommended", "similar", "bought_together"):
        table, other = getattr(after.lists, name), getattr(full.lists, name)
        place = np.stack((table.row_of_place(), table.items))
        assert len(np.unique(place, axis=1).T) == len(table.items)
        assert len(table) == len(other)
        assert np.isfinite(table.scores).all() and (table.items >= 0).all()
    then = dict(zip(first.customers.ids, first.fingerprints.customers, strict=True))
    for row, customer in enumerate(after.customers.ids):
        made = after.lists.recommended.row(row)
        if then.get(customer) != after.fingerprints.customers[row]:
            assert set(made.items) == set(full.lists.recommended.row(row).items)
