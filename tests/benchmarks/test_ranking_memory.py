import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from benchmarks.datasets import large_shop
from benchmarks.ranking_memory import measure
from recommender.training.settings import Settings


def test_a_large_shop_has_the_size_asked_for_and_favourites():
    orders = large_shop(300, 50, lines=15)
    assert (len(orders), len(orders.items), len(orders.customers)) == (300 * 15, 50, 300)
    assert (np.bincount(orders.customer) == 15).all()
    sold = np.bincount(orders.item, minlength=50)
    assert sold[0] > 3 * sold[-1]
    assert np.array_equal(large_shop(300, 50).item, orders.item)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux is asked for the peak")
def test_what_ranking_takes_is_measured():
    settings = Settings()
    settings = replace(settings, ranker=replace(settings.ranker, windows=0))
    found = measure(300, 50, settings, Console(quiet=True))
    assert (found.customers, found.items, found.lines) == (300, 50, 4_500)
    assert found.places > 300
    assert 0 < found.learned <= found.peak < 16
