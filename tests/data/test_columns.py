import pytest

from recommender.data.columns import ItemColumns, OrderColumns, present
from recommender.errors import DataError

SEEN = ["order_id", "customer_id", "item_id", "quantity", "unit_price", "ordered_at"]


def without(name, *more):
    return [column for column in SEEN if column != name] + list(more)


def test_columns_of_the_canonical_names_need_no_mapping():
    assert present(OrderColumns(), SEEN, where="f") == {name: (name,) for name in SEEN}


def test_of_several_names_those_that_are_there_count_in_their_order():
    columns = OrderColumns(item_id=("sku", "ean", "name"))
    assert present(columns, without("item_id", "name", "sku"), where="f")["item_id"] == ("sku", "name")


@pytest.mark.parametrize("name", SEEN)
def test_every_needed_column_is_missed(name):
    with pytest.raises(DataError, match=rf"shop.csv: missing_column: no '{name}' for {name}"):
        present(OrderColumns(), without(name), where="shop.csv")


def test_the_message_names_the_likely_column_and_all_that_are_there():
    with pytest.raises(DataError) as refused:
        present(OrderColumns(), without("customer_id", "Customer ID"), where="shop.csv")
    assert "(is it 'Customer ID'?)" in str(refused.value)
    assert "Columns there: order_id, item_id, quantity, unit_price, ordered_at, Customer ID" in str(
        refused.value
    )
    assert "[source.columns]" in str(refused.value)


def test_a_line_total_does_for_a_unit_price():
    assert "unit_price" not in present(OrderColumns(), without("unit_price", "line_total"), where="f")


def test_an_empty_list_says_there_is_no_such_column():
    assert "customer_id" not in present(OrderColumns(customer_id=()), without("customer_id"), where="f")


def test_an_optional_column_is_missed_only_if_the_mapping_names_it():
    present(OrderColumns(), SEEN, where="f")
    with pytest.raises(DataError, match="no 'Land' for country"):
        present(OrderColumns(country=("Land",)), SEEN, where="f")
    present(OrderColumns(country=("Land",)), SEEN, where="f", may_lack=("country",))


def test_an_item_file_needs_only_ids():
    assert present(ItemColumns(), ["item_id", "colour"], where="f") == {"item_id": ("item_id",)}
    with pytest.raises(
        DataError, match=r"no 'item_id' for item_id \(is it 'Item Id'\?\).*\[source.item_columns\]"
    ):
        present(ItemColumns(), ["Item Id"], where="f")


@pytest.mark.parametrize("name", ["order_id", "item_id", "ordered_at"])
def test_orders_cannot_do_without_order_item_and_time(name):
    with pytest.raises(ValueError, match=f"{name} cannot be left out"):
        OrderColumns(**{name: ()})


def test_an_item_file_cannot_do_without_ids():
    with pytest.raises(ValueError, match="item_id cannot be left out"):
        ItemColumns(item_id=())
