"""The benchmark of publishing, in a small form, and what it says of a customer's bytes, at its real size."""

import pytest
import redis

from benchmarks.paired import Paired
from benchmarks.publish import PLACES, MadeUpLists, Measured, growth, measure, table_of
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.pages import entry_of, row_in
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.rows import decode_list
from recommender.training.publish import PublicationPlan, publish


def test_every_way_is_measured_and_the_bytes_are_as_expected():
    found = measure(3_000, 500, times=1)
    assert found.customers == 3_000 and min(found.ratios) > 0
    ours, a_key_each = found.bytes
    assert ours < 250 < 300 < a_key_each
    assert found.expected == pytest.approx(ours, rel=0.05)
    assert list(table_of({"small": found}).columns[0].cells) == ["small"]


def test_a_hundred_thousand_customers_cost_what_was_said_and_no_more_than_250_bytes_each(
    redis_client: redis.Redis,
):
    source, plans = MadeUpLists.of(100_000, 10_000), list[PublicationPlan]()
    before = redis_client.info("memory")["used_memory"]
    report = publish(source, RedisStore(redis_client, "shop"), announce=plans.append)
    taken = redis_client.info("memory")["used_memory"] - before
    (plan,) = plans
    assert plan.budget is not None
    assert plan.budget.list == pytest.approx(taken / 100_000, rel=0.03)
    assert report.needed == pytest.approx(taken, rel=0.03)
    assert taken / 100_000 < 250


def test_a_made_up_list_is_found_and_is_that_of_the_table(redis_client: redis.Redis):
    source, store = MadeUpLists.of(500, 2_000), RedisStore(redis_client, "shop")
    publish(source, store)
    key = entry_key("customer", "10000123")
    page = entry_of(key, {"customer": source.rows().pages})
    (entry,) = store.read(store.active_id(), [page])
    row = row_in(entry or b"", key)
    assert decode_list(row or b"").items.tolist() == source.table.row(123).items.tolist()
    assert len(decode_list(row or b"")) == PLACES


def test_growth_is_one_where_twice_the_customers_take_twice_the_time():
    def taking(customers: int, seconds: float) -> Measured:
        paired = Paired((seconds,), (1.0,))
        return Measured(customers, paired, paired, paired, (1, 1, 1), (1, 1), 1)

    assert growth({"a": taking(100, 1), "b": taking(200, 2)}) == pytest.approx(1)
    assert growth({"a": taking(100, 1), "b": taking(300, 3), "c": taking(400, 16)}) == pytest.approx(2)
