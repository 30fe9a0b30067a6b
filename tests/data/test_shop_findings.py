from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from recommender.data.findings import Findings
from recommender.data.order_history import by_position, order_log
from recommender.data.shop_findings import FEWEST_ORDERS, findings_of_shop

FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def found(*lines: tuple[str, str | None, str, float, datetime], days: float = 28) -> Findings:
    """Findings of order, customer, item, quantity and moment, oldest first."""
    schema = dict.fromkeys(("order_id", "customer", "item"), pl.Categorical()) | {"quantity": pl.Float32}
    frame = pl.DataFrame([line[:4] for line in lines], schema=schema, orient="row")
    when = pl.Series("ordered_at", [int(line[4].timestamp()) for line in lines], pl.Int64)
    row = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row")
    price = pl.lit(1.0, pl.Float32).alias("unit_price")
    sorted_lines, vocabularies = by_position(frame.with_columns(when, price, pl.lit(0).alias("file"), row))
    orders = order_log(sorted_lines, vocabularies)
    return findings_of_shop(sorted_lines, orders, ["orders.csv"], days=days)


def order(number: int, day: float, *, quantity: float = 1, customer: str | None = "ann", item: str = "tea"):
    return (str(number), customer, item, quantity, FIRST + timedelta(days=day))


def codes(findings: Findings) -> set[str]:
    return {finding.code for finding in findings}


@pytest.mark.parametrize(("orders", "few"), [(FEWEST_ORDERS - 1, True), (FEWEST_ORDERS, False)])
def test_orders_are_counted_not_lines(orders, few):
    lines = [order(n, n, item=item) for n in range(orders) for item in ("tea", "jam")]
    assert ("few_orders" in codes(found(*lines))) is few


def test_what_was_only_sent_back_is_no_order_no_customer_and_no_item():
    finding = found(order(1, 0), order(2, 1, quantity=-1, customer="bob", item="jam")).get
    assert finding("few_orders").count == finding("few_customers").count == finding("few_items").count == 1


def test_guests_are_no_customer_who_ordered_once():
    guests = found(order(1, 0, customer=None), order(2, 100, customer=None))
    assert codes(guests) == {"few_orders", "few_items"}


def test_who_orders_twice_can_be_predicted():
    assert "ordered_once" in codes(found(order(1, 0), order(1, 0, item="jam"), order(2, 1, customer="bob")))
    assert "ordered_once" not in codes(found(order(1, 0), order(2, 1), order(3, 1, customer="bob")))


def test_a_history_is_as_long_as_its_lines_and_too_short_for_what_the_settings_ask():
    assert "short_history" not in codes(found(order(1, 0), order(2, 30), days=10))
    assert "short_history" not in codes(found(order(1, 0), order(2, 30, quantity=-1), days=10))
    short = found(order(1, 0), order(2, 29), days=10).get("short_history")
    assert short.action == "kept; lists are not judged, as that takes 30 days"


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ({0}, True),
        ({22, 23}, True),  # midnight in a zone with summer time, in UTC
        ({0, 23}, True),  # likewise, in Greenwich's zone
        ({0, 12}, False),
        ({0, 1, 2}, False),
    ],
)
def test_one_time_of_day_and_its_summer_time_are_none(hours, said):
    hours = sorted(hours)
    lines = [order(n, n + hours[n % len(hours)] / 24) for n in range(20)]
    assert ("no_time_of_day" in codes(found(*lines))) is said


def test_a_few_orders_may_bear_one_time_of_day_by_chance_and_those_of_one_day_say_nothing():
    assert "no_time_of_day" not in codes(found(*(order(n, n) for n in range(19))))
    assert "no_time_of_day" not in codes(found(*(order(n, 0) for n in range(20))))


def test_a_silence_is_long_beside_the_usual_time_between_orders():
    often = [order(n, n) for n in range(10)]
    told = found(*often, order(10, 9 + 61), order(11, 71)).get("long_silence")
    assert (told.count, told.examples[0].row) == (61, 11)
    assert told.share == pytest.approx(61 / 71)
    assert "long_silence" not in codes(found(*often, order(10, 9 + 59)))
    # Where an order comes once a week, two months are no wonder.
    assert "long_silence" not in codes(found(*(order(n, 7 * n) for n in range(10)), order(10, 63 + 61)))


def test_a_shop_of_one_order_has_no_silence():
    assert "long_silence" not in codes(found(order(1, 0)))
