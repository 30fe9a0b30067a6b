"""Which items are new, and how long they have been on sale."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.newcomers import NewItems, days_on_sale
from recommender.data.vocabulary import Vocabulary
from tests.shops import log_of

TODAY = 100
ITEMS = Vocabulary(("coming", "dateless", "gone", "new", "old"))


def catalog(**released):
    """Items with the day of their release; 'gone' is not available."""
    days = {"coming": 110, "gone": 95, "new": 95, "old": 20} | released
    at = np.array([days.get(item, 0) * DAY for item in ITEMS.ids], np.int64)
    available = np.array([item != "gone" for item in ITEMS.ids])
    return replace(Catalog.unknown(ITEMS), released_at=at, available=available)


def new_ones(*, sold=(), **wanted):
    """The new ones of the items, given when some of them were bought."""
    released = {name: wanted.pop(name) for name in ITEMS.ids if name in wanted}
    log = log_of([(f"o-{item}", "ann", item, 1.0, day) for item, day in sold])
    found = NewItems(**wanted).among(catalog(**released), log, TODAY * DAY)
    return [item for item, new in zip(ITEMS.ids, found, strict=True) if new]


def test_new_is_what_was_released_lately_and_can_be_bought():
    assert new_ones() == ["new"]


def test_an_item_stays_new_when_the_first_ones_are_sold():
    assert new_ones(sold=[("new", 97)]) == ["new"]


def test_the_first_sale_of_a_dated_item_says_nothing():
    assert new_ones(sold=[("old", 97)], undated=True) == ["dateless", "new"]


def test_an_item_ceases_to_be_new_on_the_last_of_its_days():
    assert new_ones(within_days=5.0) == []
    assert new_ones(within_days=5.1) == ["new"]
    assert new_ones(within_days=0.0) == []


def test_without_a_date_an_item_is_new_only_if_asked_for_and_as_long_after_its_first_sale():
    assert new_ones(undated=True) == ["dateless", "new"]
    assert new_ones(undated=True, sold=[("dateless", 71)]) == ["dateless", "new"]
    assert new_ones(undated=True, sold=[("dateless", 71), ("dateless", 69)]) == ["new"]


def test_sales_of_items_that_the_catalog_lacks_are_nobodys():
    assert new_ones(sold=[("stranger", 99)]) == ["new"]


def test_a_time_below_nothing_is_refused():
    with pytest.raises(ValueError, match="within_days must be at least 0"):
        NewItems(within_days=-1.0)


def on_sale(lines, **released):
    log = log_of([*lines, *((f"listed {item}", None, item, 1.0, 999.0) for item in ITEMS.ids)])
    history = PurchaseHistory.at(log.until(TODAY * DAY), TODAY * DAY)
    days = days_on_sale(history, catalog(**released), TODAY * DAY)
    return dict(zip(ITEMS.ids, days.tolist(), strict=True))


def test_an_item_is_on_sale_since_its_release_or_first_sale_whichever_was_earlier():
    lines = [
        ("1", "ann", "old", 1.0, 50.0),
        ("2", "ann", "new", 1.0, 97.0),
        ("3", "bob", "dateless", 1.0, 60.0),
    ]
    days = on_sale([*lines, ("4", "bob", "gone", 1.0, 10.0)])
    assert days["old"] == 80  # released on day 20, first sold on day 50
    assert days["new"] == 5
    assert days["dateless"] == 40
    assert days["coming"] == 0


def test_nothing_is_on_sale_for_longer_than_the_history_looks_back():
    assert on_sale([("1", "ann", "new", 1.0, 97.0)])["old"] == 3


def test_an_empty_history_knows_of_no_day():
    assert set(on_sale([]).values()) == {0}


@pytest.mark.parametrize("item", ITEMS.ids)
def test_no_item_is_on_sale_for_less_than_no_time(item):
    assert on_sale([("1", "ann", "old", 1.0, 50.0)])[item] >= 0
