from datetime import UTC, datetime

import numpy as np
import pytest

from recommender.errors import ConfigError, DataError
from recommender.training.presets import PRESETS, preset_named
from recommender.training.settings import load_settings
from recommender.training.sources import read_orders
from tests.training.every_finding import SMALL_SHOP

NOW = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())

SHOPIFY = """\
Name,Email,Financial Status,Paid at,Currency,Created at,Lineitem quantity,Lineitem name,\
Lineitem price,Lineitem sku,Shipping Country,Cancelled at,Source,Vendor
#1001,Ann@shop.example,paid,2024-03-01 10:00:00 +0100,EUR,2024-03-01 09:59:00 +0100,\
2,Green Tea,4.50,TEA-1,DE,,web,Leaf
#1001,Ann@shop.example,,,,2024-03-01 09:59:00 +0100,1,Tea Pot,20.00,,,,,Leaf
#1002,,paid,2024-03-02 10:00:00 +0100,EUR,2024-03-02 10:00:00 +0100,1,Tea Pot,20.00,,FR,,pos,Leaf
#1003,ann@shop.example,refunded,2024-03-03 10:00:00 +0100,EUR,\
2024-03-03 10:00:00 +0100,1,Green Tea,4.50,TEA-1,DE,,web,Leaf
#1003,ann@shop.example,,,,,1,Tea Pot,20.00,,,,,Leaf
#1004,bob@shop.example,paid,2024-03-04 10:00:00 +0100,EUR,2024-03-04 10:00:00 +0100,1,\
Green Tea,4.50,TEA-1,DE,2024-03-05 08:00:00 +0100,web,Leaf
"""

WOO_ROW_PER_ITEM = """\
order_id,order_number,order_number_formatted,\
date,status,customer_id,billing_email,billing_country,item_name,item_sku,\
item_quantity,item_subtotal,item_total,item_total_tax
77,1001,WC-1001,2024-03-01 09:59:00,completed,5,ann@shop.example,DE,Green Tea,TEA-1,2,9.00,9.00,0.63
77,1001,WC-1001,2024-03-01 09:59:00,completed,5,ann@shop.example,DE,Tea Pot,,1,20.00,18.00,1.40
78,1002,WC-1002,2024-03-02 10:00:00,failed,0,bob@shop.example,FR,Tea Pot,,1,20.00,20.00,1.40
"""

WOO_ADVANCED = """\
"Order Number","Order Status","Order Date","Country Code (Billing)","Email (Billing)",\
"Item #",SKU,"Item Name","Quantity (- Refund)","Item Cost","Order Total Amount"
1001,Completed,"2024-03-01 09:59",DE,ann@shop.example,1,TEA-1,"Green Tea",2,4.50,27.00
1001,Completed,"2024-03-01 09:59",DE,ann@shop.example,2,,"Tea Pot",1,18,27.00
1002,"Pending payment","2024-03-02 10:00",FR,bob@shop.example,1,,"Tea Pot",1,20,20.00
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text, preset):
        (tmp_path / "export.csv").write_text(text)
        return read_orders([tmp_path / "export.csv"], load_settings(preset=preset), now=NOW)

    return read_text


def test_shopify_orders_are_read(read):
    result = read(SHOPIFY, "shopify")
    orders = result.orders
    assert orders.orders.ids == ("#1001", "#1002")
    assert orders.customers.ids == ("Ann@shop.example",)
    assert orders.items.ids == ("TEA-1", "Tea Pot") and result.catalog.title == ("Green Tea", "Tea Pot")
    assert orders.quantity.tolist() == [2, 1, 1] and orders.unit_price.tolist() == [4.5, 20, 20]
    assert orders.customer.tolist() == [0, 0, -1]
    assert orders.first_time == int(datetime(2024, 3, 1, 8, 59, tzinfo=UTC).timestamp())


def test_shopify_refunded_and_cancelled_orders_are_put_aside_with_all_their_lines(read):
    findings = read(SHOPIFY, "shopify").findings
    odd = [finding.code for finding in findings if finding.code not in SMALL_SHOP]
    assert odd == ["not_completed", "missing_customer", "customer_id_case"]
    assert findings.count("not_completed") == 3
    assert [example.value for example in findings.get("not_completed").examples] == [
        "refunded", "refunded", "2024-03-05T07:00:00Z",
    ]  # fmt: skip


@pytest.mark.parametrize("text", [WOO_ROW_PER_ITEM, WOO_ADVANCED], ids=["row per item", "advanced"])
def test_woocommerce_orders_are_read_from_either_plug_in(read, text):
    result = read(text, "woocommerce")
    orders = result.orders
    assert (orders.orders.ids, orders.items.ids) == (("1001",), ("TEA-1", "Tea Pot"))
    assert orders.customers.ids == ("ann@shop.example",)
    assert orders.quantity.tolist() == [2, 1]
    np.testing.assert_allclose(orders.unit_price, [4.5, 18])
    assert result.findings.count("not_completed") == 1


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid(preset):
    assert load_settings(preset=preset).source.preset == preset


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(
        ConfigError, match="unknown preset 'magento'; known are uci-online-retail, complete-journey"
    ):
        preset_named("magento")


def test_a_shop_that_names_no_preset_is_told_which_one_fits(read):
    with pytest.raises(DataError, match=r"or use --preset shopify, whose columns are all there"):
        read(SHOPIFY, None)
