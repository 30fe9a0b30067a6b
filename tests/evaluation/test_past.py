from dataclasses import replace

import numpy as np
import pytest

from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.past import past_catalog
from tests.shops import log_of

CUT = 10 * DAY
LOG = log_of(
    [
        ("1", "ann", "tea", 1.0, 1.0),
        ("2", "ann", "tea", 1.0, 5.0),
        ("3", "ann", "tea", -1.0, 6.0),
        ("4", "ann", "tea", 1.0, 20.0),
        ("5", "ann", "jam", 1.0, 20.0),
    ]
)
LOG.unit_price[:] = [2.0, 3.0, 3.0, 9.0, 9.0]
ITEMS = Vocabulary(("dated", "jam", "later", "tea"))
CATALOG = replace(
    Catalog.unknown(ITEMS),
    title=("Dated", "Jam", "Later", "Tea"),
    price=np.array([7, 9, 9, 9], np.float32),
    available=np.zeros(4, bool),
    released_at=np.array([8 * DAY, 0, 12 * DAY, 0]),
)


def test_only_what_was_sold_or_released_by_then_is_known():
    then = past_catalog(CATALOG, LOG.until(CUT), CUT)
    assert then.items.ids == ("dated", "tea")
    assert then.title == ("Dated", "Tea")


def test_what_is_off_sale_today_was_on_sale_then():
    assert past_catalog(CATALOG, LOG.until(CUT), CUT).available.all()


def test_a_price_is_the_last_one_paid_by_then():
    # Tea cost 3 then and costs 9 now; of what nobody had bought only today's price is known.
    assert past_catalog(CATALOG, LOG.until(CUT), CUT).price.tolist() == [7.0, 3.0]


def test_later_orders_are_refused():
    with pytest.raises(ValueError, match="from after the cut"):
        past_catalog(CATALOG, LOG, CUT)
