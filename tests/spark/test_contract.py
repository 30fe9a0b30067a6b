"""Both engines on the same orders: the same shop, nearly the same lists, the same format."""

import numpy as np
import pytest

from recommender.ranking.build import of_mode
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_store import RedisStore
from recommender.training.publish import publish
from tests.serving.served_shop import ServedShop, ids

WITHIN = 0.01
K = 10


def test_the_same_orders_were_learned_from(by_spark, by_one_machine):
    ours, theirs = by_spark.snapshot, by_one_machine.snapshot
    assert ours.manifest.counts == theirs.manifest.counts
    assert (ours.manifest.data_from, ours.manifest.data_until) == (
        theirs.manifest.data_from,
        theirs.manifest.data_until,
    )
    assert ours.customers == theirs.customers
    assert ours.catalog.items == theirs.catalog.items
    assert ours.catalog.title == theirs.catalog.title
    assert ours.catalog.category == theirs.catalog.category
    assert np.array_equal(ours.catalog.price, theirs.catalog.price)


@pytest.mark.parametrize("name", ["item_knn", "co_purchase", "co_purchase_recent", "linear"])
def test_what_comes_of_joins_is_what_one_machine_counts(by_spark, by_one_machine, name):
    ours, theirs = (each.snapshot.models[name].relation.toarray() for each in (by_spark, by_one_machine))
    assert np.count_nonzero(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_what_is_a_customers_own_is_the_same(by_spark, by_one_machine):
    ours, theirs = by_spark.snapshot, by_one_machine.snapshot
    for name, field in (("buy_again", "bought"), ("co_purchase", "bought"), ("linear", "bought")):
        rows = [getattr(each.models[name], field).toarray() for each in (ours, theirs)]
        np.testing.assert_allclose(*rows, rtol=1e-6)
    np.testing.assert_allclose(
        ours.models["best_sellers"].sold, theirs.models["best_sellers"].sold, rtol=1e-5
    )
    for column in ("starts", "items", "scores"):
        one, other = (getattr(each.lists.past_orders, column) for each in (ours, theirs))
        assert np.array_equal(one, other)


def test_lists_beside_items_are_the_same(by_spark, by_one_machine):
    ours, theirs = by_spark.snapshot.lists, by_one_machine.snapshot.lists
    for name in ("similar", "bought_together", "best_sellers"):
        assert np.array_equal(getattr(ours, name).items, getattr(theirs, name).items), name
    assert np.array_equal(ours.evidence.orders, theirs.evidence.orders)


def test_customers_get_nearly_the_same_lists(by_spark, by_one_machine):
    ours, theirs = (
        of_mode(each.snapshot.lists.recommended, "mixed", K) for each in (by_spark, by_one_machine)
    )
    shared = [len(np.intersect1d(one.items, two.items)) / K for one, two in zip(ours, theirs, strict=True)]
    assert np.mean(shared) > 0.9


@pytest.mark.parametrize("task", ["all", "repeat"])
def test_lists_are_as_good(by_spark, by_one_machine, task):
    found = []
    for each in (by_spark, by_one_machine):
        (judged,) = (one for one in each.snapshot.manifest.figures["tasks"] if one["task"] == task)
        found.append(judged)
    assert found[0]["customers"] == found[1]["customers"] > 100
    assert found[0]["ndcg"]["mean"] > found[1]["ndcg"]["mean"] - WITHIN


def test_trees_rank_what_spark_learned(by_spark):
    assert by_spark.snapshot.ranker is not None
    assert by_spark.snapshot.manifest.ranked_by.startswith("trees")
    assert not any("customer_knn" in name for name in by_spark.snapshot.ranker.names)


def test_every_place_of_a_list_has_a_reason_that_holds(by_spark):
    lists, bought = by_spark.snapshot.lists, by_spark.snapshot.models["buy_again"].bought
    rows = lists.recommended.row_of_place()
    assert len(lists.reasons) == len(lists.recommended.items)
    had = bought[rows, lists.recommended.items] > 0
    assert np.array_equal(np.asarray(had).ravel(), lists.recommended.bought)


def test_the_snapshot_is_published_and_served_as_any_other(by_spark, redis_store: RedisStore):
    report = publish(Publication(by_spark.snapshot), redis_store)
    assert redis_store.active_id() == report.snapshot == by_spark.snapshot.snapshot_id
    shop = ServedShop(store=redis_store)
    shop.follower.poll()
    answer = shop.get("/v1/customers/tea-000/recommendations?n=5")
    lists, customers = by_spark.snapshot.lists.recommended, by_spark.snapshot.customers
    first = of_mode(lists, "mixed", 5).row(customers.position("tea-000")).items
    assert ids(answer) == [by_spark.snapshot.catalog.items.ids[item] for item in first]
    assert answer["snapshot"] == by_spark.snapshot.snapshot_id
