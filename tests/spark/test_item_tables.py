"""A block of items knows of its items what the whole history knows of them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.data.history import PurchaseHistory
from recommender.data.orders import GUEST
from recommender.models.best_sellers import BestSellers
from recommender.ranking.feature_columns import item_columns
from recommender.ranking.paired_lines import purchases_by_pair
from recommender.training.spark.item_tables import _of_block
from recommender.training.spark.orders import log_of
from tests.shops import log_of as log_of_lines
from tests.shops import planted_lines


def frame_of(log) -> pl.DataFrame:
    names = ("order", "customer", "item", "quantity", "unit_price", "ordered_at")
    return pl.DataFrame({name: getattr(log, name) for name in names})


@pytest.mark.parametrize("width", [1, 4, 100])
def test_blocks_of_items_together_are_the_whole_shop(width):
    lines = planted_lines(customers=30)
    # Every fifth order is a guest's.
    lines = [(o, None if hash_of(o) % 5 == 0 else c, i, q, d) for o, c, i, q, d in lines]
    log = log_of_lines(lines)
    history, frame = PurchaseHistory.at(log, log.last_time), frame_of(log)
    wanted = dict(item_columns(log, history, purchases_by_pair(history))) | {
        "sold": BestSellers().fit(history).sold
    }
    blocks = [
        _of_block(part, width=width, n_items=len(log.items), best=BestSellers(), cut=log.last_time)
        for _, part in frame.group_by(pl.col("item") // width)
    ]
    found = pl.concat(blocks).sort("at")
    assert found["at"].to_list() == list(range(len(log.items)))
    assert found["lines"].to_list() == np.bincount(log.item).tolist()
    for name, column in wanted.items():
        np.testing.assert_allclose(found[name].to_numpy(), column, rtol=1e-6, err_msg=name)


def hash_of(order: str) -> int:
    return sum(map(ord, order))


@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_a_log_does_not_depend_on_the_order_that_rows_come_in(chance):
    log = log_of_lines(planted_lines(customers=6))
    frame = frame_of(log).with_columns(pl.Series("order", [log.orders.ids[order] for order in log.order]))
    rows = list(range(len(frame)))
    chance.shuffle(rows)
    found = log_of(frame[rows], log.customers, log.items)
    for name in ("order", "customer", "item", "quantity", "ordered_at"):
        assert np.array_equal(getattr(found, name), getattr(log, name)), name
    assert GUEST not in found.customer
