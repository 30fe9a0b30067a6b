"""GET /v1/customers/…/buy-again: what a customer needs again, and when."""

import numpy as np
import pytest

from recommender.snapshot.due_rows import LAYOUT, places_of
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import POSITIONS, publish

DUE = {
    # item: chances within 7, 14 and 30 days, likely day, first and last
    "milk": ((0.2, 0.8, 1.0), 12, 5, 30),
    "tea": ((0.4, 0.6, 0.6), 0, 0, 0),
    "saw": ((0.1, 0.2, 0.2), 3, 1, 9),
}


def stored(due: dict) -> bytes:
    chance, day, first, last = zip(*due.values(), strict=True)
    items = np.array([POSITIONS[item] for item in due], np.int32)
    columns = (np.array(column, np.int16) for column in (day, first, last))
    return bytes([LAYOUT]) + places_of(items, np.array(chance, np.float32), *columns).tobytes()


@pytest.fixture
def shop() -> ServedShop:
    shop = ServedShop()
    publish(shop.store, changed={"due:{ann}": stored(DUE), "due:{bob}": b"\x07damaged"})
    shop.follower.poll()
    return shop


def test_it_says_what_is_due_and_when(shop: ServedShop):
    answer = shop.get("/v1/customers/ann/buy-again?fields=title")
    assert answer["source"] == "due"
    # The newest order was on the 19th of November, just before midnight; the saw is not to be had.
    assert answer["items"] == [
        {
            "item_id": "milk", "score": 0.8, "source": "buy_again", "title": "Milk", "probability": 0.8,
            "due_on": "2026-12-01", "due_between": ["2026-11-24", "2026-12-19"],
        },
        {
            "item_id": "tea", "score": 0.6, "source": "buy_again", "title": "Green tea", "probability": 0.6,
            "due_on": None, "due_between": None,
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("within=7", ["tea", "milk"]),
        ("within=30", ["milk", "tea"]),
        ("within=14&n=1", ["milk"]),
        ("n=1&offset=1", ["tea"]),
        ("exclude=milk", ["tea"]),
        ("category=tools", []),
    ],
)
def test_it_can_be_asked_for_otherwise(shop: ServedShop, asked, expected):
    answer = shop.get(f"/v1/customers/ann/buy-again?{asked}&strict=true")
    assert ids(answer) == expected


def test_the_probability_is_of_the_days_asked_for(shop: ServedShop):
    answer = shop.get("/v1/customers/ann/buy-again?within=7")
    assert [item["probability"] for item in answer["items"]] == pytest.approx([0.4, 0.2])


@pytest.mark.parametrize("asked", ["within=8", "within=", "mode=repeat", "within=7&within=14"])
def test_what_means_nothing_is_refused(shop: ServedShop, asked):
    shop.get(f"/v1/customers/ann/buy-again?{asked}", status=400)


def test_where_nothing_is_known_what_was_bought_before_is_answered():
    shop = ServedShop()
    publish(shop.store)
    shop.follower.poll()
    answer = shop.get("/v1/customers/ann/buy-again")
    assert (answer["source"], ids(answer)) == ("personal", ["tea", "milk"])
    assert "due_on" not in answer["items"][0] and "probability" not in answer["items"][0]
    assert ids(shop.get("/v1/customers/ann/buy-again?strict=true")) == []


def test_of_a_stranger_nothing_is_answered(shop: ServedShop):
    answer = shop.get("/v1/customers/nobody/buy-again")
    assert answer["items"] == [] and not answer["degraded"]


def test_a_damaged_row_is_put_aside(shop: ServedShop):
    answer = shop.get("/v1/customers/bob/buy-again")
    assert (answer["source"], ids(answer), answer["degraded"]) == ("personal", ["nails"], True)


def test_reasons_are_those_of_the_own_list(shop: ServedShop):
    answer = shop.get("/v1/customers/ann/buy-again?fields=reason")
    kinds = {item["item_id"]: item["reason"]["kind"] for item in answer["items"]}
    assert kinds == {"milk": "bought_before", "tea": "bought_again"}
