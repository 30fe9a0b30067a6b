from dataclasses import replace

import numpy as np

from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.data.orders import GUEST
from recommender.evaluation.leaks import STRANGER, another_future, differing_lists
from recommender.evaluation.past import past_catalog
from tests.ranking.tables import table_of
from tests.shops import log_of, planted_lines

CUT = 90 * DAY
LINES = [*planted_lines(), ("guest", None, "bag", 1.0, 50.0), ("late", None, "bag", 1.0, 100.0)]
LOG = log_of(LINES)
CATALOG = replace(
    Catalog.unknown(LOG.items),
    title=LOG.items.ids,
    price=np.full(len(LOG.items), 3.0, np.float32),
)
OTHER, OTHER_CATALOG = another_future(LOG, CATALOG, CUT, seed=1)


def readable(log):
    return [
        (
            log.orders.ids[order],
            None if customer == GUEST else log.customers.ids[customer],
            log.items.ids[item],
            float(quantity),
            float(price),
            int(at),
        )
        for order, customer, item, quantity, price, at in zip(
            log.order, log.customer, log.item, log.quantity, log.unit_price, log.ordered_at, strict=True
        )
    ]


def test_the_past_stays_as_it_was():
    assert readable(OTHER.until(CUT)) == readable(LOG.until(CUT))
    then, other = (
        past_catalog(catalog, log.until(CUT), CUT)
        for log, catalog in ((LOG, CATALOG), (OTHER, OTHER_CATALOG))
    )
    for name in ("items", "title", "category", "brand"):
        assert getattr(then, name) == getattr(other, name)
    assert np.array_equal(then.price, other.price)


def test_everything_after_the_cut_is_another():
    late, other = LOG.after(CUT), OTHER.after(CUT)
    assert len(late) == len(other)
    assert not set(readable(late)) & set(readable(other))
    assert (other.quantity < 0).any()
    assert other.last_time > LOG.last_time
    assert {STRANGER} <= {line[0] for line in readable(other)}
    assert {STRANGER} <= {line[1] for line in readable(other)}
    assert {STRANGER} <= {line[2] for line in readable(other)}
    assert not OTHER_CATALOG.available.all()


def test_every_position_is_moved():
    assert [vocabulary.ids[0] for vocabulary in (OTHER.orders, OTHER.customers, OTHER.items)] == [
        STRANGER
    ] * 3
    assert OTHER_CATALOG.items == OTHER.items


def test_lists_differ_by_item_order_score_and_flag():
    one = table_of([[0, 1], [0, 1], [0, 1], [0], []])
    flagged = table_of([[0, 1], [1, 0], [0], [0], []], [[False, False], [False, False], [False], [True], []])
    assert differing_lists(one, flagged).tolist() == [1, 2, 3]
    nearly = replace(one, scores=np.nextafter(one.scores, np.float32(9)))
    assert differing_lists(one, nearly).tolist() == [0, 1, 2, 3]
    assert differing_lists(one, one).tolist() == []
