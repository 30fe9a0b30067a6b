from datetime import UTC, datetime

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.cleaning import clean
from recommender.data.cleaning_rules import CleaningRules
from recommender.data.columns import ItemColumns
from recommender.data.item_rows import item_rows
from recommender.data.order_history import by_position, catalog, order_log, with_ids
from recommender.data.order_lines import LineFormat, order_lines
from recommender.data.orders import COLUMNS

NOW = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
SCHEMA = {
    "order_id": pl.String, "customer_id": pl.String, "item_id": pl.String, "quantity": pl.Float64,
    "unit_price": pl.Float64, "ordered_at": pl.String, "title": pl.String,
}  # fmt: skip


def history(*rows, rules=None, items=None):
    """Log and catalog of a few lines: order, customer, item, quantity, price, time, title."""
    raw = pl.DataFrame(rows, schema=SCHEMA, orient="row").lazy()
    lines = order_lines(raw, 0, LineFormat(), where="shop.csv").collect()
    fold = rules is not None and rules.fold_item_case
    file = (
        None
        if items is None
        else item_rows(pl.DataFrame(items), ItemColumns(), LineFormat(), where="items.csv", fold=fold)
    )
    kept = clean(lines, ["shop.csv"], rules or CleaningRules(), file, now=NOW).kept
    lines, vocabularies = by_position(kept)
    orders = order_log(lines, vocabularies)
    return orders, catalog(lines, orders.items, orders.items, file)


def line(order="1", customer="ann", item="tea", quantity=1.0, price=2.5, at="2024-01-01", title="Tea"):
    return (order, customer, item, quantity, price, at, title)


def test_a_few_lines_are_shown_with_the_text_of_their_ids():
    raw = pl.DataFrame([line("2", "bob", "tea"), line("1", None, "jam")], schema=SCHEMA, orient="row")
    lines = order_lines(raw.lazy(), 0, LineFormat(), where="shop.csv").collect()
    sorted_lines, vocabularies = by_position(clean(lines, ["shop.csv"], CleaningRules(), now=NOW).kept)
    orders = order_log(sorted_lines, vocabularies)
    shown = with_ids(sorted_lines, orders).select("order_id", "item_id", "customer_id", "row")
    assert shown.rows() == [("1", "jam", None, 2), ("2", "tea", "bob", 1)]
    assert "customer_id" not in with_ids(sorted_lines.select("order"), orders)


def test_lines_become_positions_in_sorted_vocabularies():
    orders, _ = history(
        line("2", "bob", "tea", at="2024-01-02"), line("10", "ann", "jam"), line("10", None, "tea")
    )
    assert (orders.orders.ids, orders.customers.ids, orders.items.ids) == (
        ("10", "2"),
        ("ann", "bob"),
        ("jam", "tea"),
    )
    assert orders.order.tolist() == [0, 0, 1]
    assert orders.customer.tolist() == [0, -1, 1]
    assert orders.item.tolist() == [0, 1, 1]
    assert {name: getattr(orders, name).dtype.name for name in COLUMNS} == {
        "order": "int32", "customer": "int32", "item": "int32", "quantity": "float32",
        "unit_price": "float32", "ordered_at": "int64",
    }  # fmt: skip


def test_an_unknown_price_is_nan():
    assert np.isnan(history(line(price=None))[0].unit_price[0])


def test_the_most_frequent_title_wins_and_of_equals_the_first_in_the_alphabet():
    _, items = history(
        line(item="tea", title="Tea"), line(item="tea", title=" Tea "), line(item="tea", title="Broken"),
        line(item="jam", title="Plum jam"), line(item="jam", title="Jam"), line(item="ham", title=None),
    )  # fmt: skip
    assert dict(zip(items.items.ids, items.title, strict=True)) == {"ham": None, "jam": "Jam", "tea": "Tea"}


def test_the_price_is_the_last_one_paid():
    _, items = history(
        line(price=2.0, at="2024-01-01"), line(price=3.0, at="2024-01-03"), line(price=0.0, at="2024-01-04"),
        line(price=9.0, quantity=-1.0, at="2024-01-05"),
    )  # fmt: skip
    assert items.price.tolist() == [3.0]  # neither the gift nor the return tells what it costs


def test_the_item_file_goes_before_the_lines_and_lines_fill_its_gaps():
    file = {"item_id": ["tea", "jam"], "title": ["Green tea", None], "price": ["4", ""],
            "available": ["no", ""], "brand": ["Leaf", None], "colour": ["green", None]}  # fmt: skip
    _, items = history(
        line(item="tea"), line(item="jam", title="Jam", price=1.5), line(item="ham", title=None), items=file
    )
    assert items.items.ids == ("ham", "jam", "tea")
    assert items.title == (None, "Jam", "Green tea")
    assert items.price.tolist() == [2.5, 1.5, 4.0]
    assert items.available.tolist() == [True, True, False]
    assert items.brand == (None, None, "Leaf")
    assert items.attributes == {"colour": (None, None, "green")}


def test_folded_items_are_one():
    rows = [line("1", item="tea"), line("2", item="TEA ")]
    assert history(*rows, rules=CleaningRules(fold_item_case=True))[0].items.ids == ("TEA",)
    twice = [*rows, line("3", item=" tea")]
    assert history(*twice, rules=CleaningRules(fold_item_case=True))[0].items.ids == ("tea",)
    assert history(*rows)[0].items.ids == ("TEA ", "tea")


def test_folded_customers_are_one():
    rows = [line("1", customer="Ann@shop.example"), line("2", customer="ann@shop.example ")]
    orders, _ = history(*rows, line("3", None), rules=CleaningRules(fold_customer_case=True))
    assert orders.customers.ids == ("Ann@shop.example",) and orders.customer.tolist() == [0, 0, -1]


def test_patterns_pass_over_letter_case_where_items_are_folded():
    rules = CleaningRules(fold_item_case=True, non_product=("^post$",), product_pattern="^[a-z]")
    assert history(line(item="Tea"), line(item="POST"), rules=rules)[0].items.ids == ("Tea",)


def test_the_item_file_finds_folded_items_however_either_spells_them():
    file = {"item_id": [" TEA"], "title": ["Green tea"], "category": ["drinks"]}
    rules = CleaningRules(fold_item_case=True)
    orders, items = history(line(item="Tea"), rules=rules, items=file)
    assert (orders.items.ids, items.title, items.category) == (("Tea",), ("Green tea",), ("drinks",))
    fuel = CleaningRules(fold_item_case=True, drop_categories=("drinks",))
    assert history(line(item="Tea"), line(item="jam"), rules=fuel, items=file)[0].items.ids == ("jam",)


def test_the_item_files_category_goes_before_the_lines():
    file = {"item_id": ["tea"], "category": ["FUEL"]}
    rules = CleaningRules(drop_categories=("FUEL",))
    orders, items = history(line(item="tea"), line(item="jam"), rules=rules, items=file)
    assert orders.items.ids == ("jam",) and items.category == (None,)


small_lines = st.lists(
    st.tuples(
        st.sampled_from("123"), st.sampled_from(["ann", "bob", None]), st.sampled_from(["tea", "jam", "Tea"]),
        st.sampled_from([1.0, 2.0, -1.0]), st.sampled_from([1.0, 2.0, None]),
        st.sampled_from(["2024-01-01", "2024-01-02"]), st.sampled_from(["Tea", "Jam", None]),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(small_lines, st.randoms(use_true_random=False))
def test_the_same_lines_in_another_order_give_the_same_log_and_catalog(lines, random):
    shuffled = random.sample(lines, len(lines))
    (orders, items), (again, same_items) = history(*lines), history(*shuffled)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(orders, name), getattr(again, name))
    assert (orders.items, orders.customers, orders.orders) == (again.items, again.customers, again.orders)
    assert items.title == same_items.title
    np.testing.assert_array_equal(items.price, same_items.price)


@given(small_lines)
def test_a_log_is_sorted_and_every_item_in_it_has_a_line(lines):
    orders, items = history(*lines)
    assert (np.diff(orders.ordered_at) >= 0).all()
    assert set(orders.item) == set(range(len(orders.items))) and items.items is orders.items
    assert list(orders.items.ids) == sorted(orders.items.ids)
