from dataclasses import replace

import pytest
from rich.console import Console

from benchmarks.large_shops import ShopSize
from benchmarks.spark import PAGE, Measured, cluster_hours, measure, page, settings_for, table_of

NOTHING = Measured(1, 1, 1, {"Read orders": 1.0}, {}, {"spark": 0.5, "local": 0.5}, 1.0, 500.0)


def test_both_engines_are_measured_on_the_same_shop(spark):
    found = measure(ShopSize(200, 30, 4_000), settings_for(days=200.0, factors=4, iterations=2), master=None)
    assert found.customers == 200
    assert found.lines == pytest.approx(4_000, rel=0.5)
    assert {"Learn als", "Write customer lists", "Write the snapshot"} <= set(found.spark)
    # Two passes over four factors leave much to where they started.
    assert found.overlap > 0.6
    assert found.bytes_a_customer > 100
    console = Console(width=110, record=True)
    console.print(table_of({"a small part": found}))
    assert "by this program alone" in console.export_text()


def test_what_grows_with_the_customers_is_what_counts_for_a_cluster():
    # A second to start, and 2 ms a customer on 2 cores; the driver writes a customer in a tenth of that.
    small, large = (
        replace(NOTHING, customers=n, spark={"Clean orders": 1 + 0.002 * n, "Write the snapshot": 0.0002 * n})
        for n in (1_000, 3_000)
    )
    hours = cluster_hours(small, large)
    assert hours["Clean orders"][0] == pytest.approx(0.002 * 2 * 1e6)
    assert hours["Clean orders"][1] == pytest.approx(0.002 * 2 * 100e6 / 800 / 3600)
    assert hours["Write the snapshot"] == pytest.approx((0.0002 * 1e6, 0.0002 * 100e6 / 3600))


def test_the_page_takes_the_figures_between_its_marks():
    measured = {"small": replace(NOTHING, customers=10), "large": replace(NOTHING, customers=20)}
    text = "before\n<!-- measured -->\nbefore that\n<!-- end -->\nafter\n"
    shown = page(text, measured)
    assert shown.startswith("before\n<!-- measured -->\n| | small | large |")
    assert shown.endswith("<!-- end -->\nafter\n")
    assert "before that" not in shown and "| customers | 10 | 20 |" in shown
    assert page(shown, measured) == shown
    assert page(PAGE.read_text(), measured) != PAGE.read_text()
