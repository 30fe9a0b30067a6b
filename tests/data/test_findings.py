import json
import re
from pathlib import Path

import pytest

from recommender.data.findings import ODDITIES, Example, Finding, Findings
from recommender.data.history_findings import BULK_FEWEST_ORDERS, BULK_TIMES_MEDIAN
from recommender.data.judged_lines import FEWEST_FOR_A_MEDIAN, OUTLIER_FACTOR
from recommender.data.shop_findings import (
    FEWEST_CUSTOMERS,
    FEWEST_ITEMS,
    FEWEST_ORDERS,
    LONG_SILENCE_DAYS,
    SILENCE_TIMES_MEDIAN,
)
from recommender.training.learning_settings import ListSettings

DOCS = (Path(__file__).parents[2] / "docs" / "order-schema.md").read_text()


def test_findings_stand_in_the_order_of_their_precedence_and_empty_ones_are_left_out():
    found = Findings.collect(
        [Finding.of("zero_price", 1, 4), Finding.of("bulk_buyer", 0, 4), Finding.of("future_date", 2, 4)]
    )
    assert [finding.code for finding in found] == ["future_date", "zero_price"]
    assert (found.count("future_date"), found.count("bulk_buyer"), found.get("bulk_buyer")) == (2, 0, None)


def test_a_share_is_of_all_there_are_of_its_unit():
    assert Finding.of("zero_price", 1, 4).share == 0.25
    assert Finding.of("zero_price", 0, 0).share == 0


def test_at_most_three_examples_are_shown():
    examples = [Example("a.csv", row, "x") for row in range(1, 6)]
    assert [example.row for example in Finding.of("zero_price", 5, 5, examples).examples] == [1, 2, 3]


def test_an_unknown_code_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="'zero_prize' is no known finding"):
        Finding.of("zero_prize", 1, 1)
    with pytest.raises(ValueError, match="'zero_prize' is no known finding"):
        Finding("zero_prize", 1, 1.0, "", "")


def test_more_examples_than_fit_are_a_mistake_of_ours():
    with pytest.raises(ValueError, match="at most 3 examples, got 4"):
        Finding("zero_price", 4, 1.0, "", "", (Example("a.csv", 1, "x"),) * 4)


def test_findings_add_up_to_sorted_findings():
    both = Findings.collect([Finding.of("zero_price", 1, 4)]) + Findings.collect(
        [Finding.of("future_date", 1, 4)]
    )
    assert [finding.code for finding in both] == ["future_date", "zero_price"]


def test_json_says_all():
    found = Findings.collect([Finding.of("zero_price", 1, 3, [Example("a.csv", 7, "order 1: 1 × tea")])])
    assert json.loads(json.dumps(found.to_json())) == [
        {
            "code": "zero_price",
            "count": 1,
            "unit": "lines",
            "share": 0.333333,
            "what": "the price is zero",
            "action": "kept",
            "examples": [{"file": "a.csv", "row": 7, "value": "order 1: 1 × tea"}],
        }
    ]


def test_the_documentation_lists_exactly_these_findings_in_this_order():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (.+?) \|$", DOCS, flags=re.M)
    assert [(code, unit) for code, unit, _, _ in rows] == [(oddity.code, oddity.unit) for oddity in ODDITIES]


def test_the_documentation_states_the_rules_as_they_are():
    words = " ".join(DOCS.split())
    assert (
        f"more than {OUTLIER_FACTOR:,} times" in words and f"fewer than {_word(FEWEST_FOR_A_MEDIAN)}" in words
    )
    assert f"at least {BULK_FEWEST_ORDERS} orders" in words and f"{BULK_TIMES_MEDIAN} times as many" in words
    assert f"fewer than {FEWEST_ORDERS} orders" in words and f"fewer than {FEWEST_ITEMS} items sold" in words
    assert f"fewer than {FEWEST_CUSTOMERS} known customers" in words
    assert (
        f"at least {LONG_SILENCE_DAYS}, and at least {SILENCE_TIMES_MEDIAN} times the shop's median" in words
    )
    days = ListSettings().retired_after_days
    assert f"`retired_after_days` ({days:g} unless set) days before the newest line" in words


def _word(number: int) -> str:
    return {5: "five"}[number]
