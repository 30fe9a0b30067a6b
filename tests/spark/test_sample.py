"""A shop of more customers than the driver looks at."""

import numpy as np
import pytest

from recommender.snapshot.directory import load_snapshot, write_snapshot
from recommender.training.engines import Asked
from recommender.training.progress import Silent
from recommender.training.spark.pipeline import trained
from recommender.training.spark.sample import Sample
from tests.spark.conftest import NOW, Trained


@pytest.fixture(scope="module")
def by_sample(spark, export, settings, tmp_path_factory):
    folder, drawn = tmp_path_factory.mktemp("by_sample") / "1", Sample.drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sample, "drawn", staticmethod(lambda clean, orders: drawn(clean, orders, most=150)))
        with trained(Asked([export], None, None, folder, NOW), settings, Silent()) as (read, snapshot):
            write_snapshot(snapshot, folder)
    return Trained(read, load_snapshot(folder), folder)


def test_the_sample_is_a_part_and_the_snapshot_the_whole(by_sample, by_one_machine):
    ours, theirs = by_sample.snapshot, by_one_machine.snapshot
    assert 100 < len(by_sample.read.orders.customers) < 200 < len(theirs.customers)
    assert ours.customers == theirs.customers
    assert ours.catalog.items == theirs.catalog.items


@pytest.mark.parametrize("name", ["item_knn", "co_purchase", "linear"])
def test_relations_are_counted_in_the_whole_shop(by_sample, by_one_machine, name):
    ours, theirs = (each.snapshot.models[name].relation.toarray() for each in (by_sample, by_one_machine))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_everybody_gets_a_list_as_good_as_those_of_the_sample(by_sample, by_one_machine):
    ours, theirs = (each.snapshot.lists.recommended for each in (by_sample, by_one_machine))
    assert len(ours) == len(theirs)
    # Orders come by taste: the first items are of the customer's own.
    shared = [
        len(np.intersect1d(one.items[:10], two.items[:10])) for one, two in zip(ours, theirs, strict=True)
    ]
    assert np.mean(shared) > 8
    assert min(len(row) for row in ours) > 0
