"""The questions of cold start on a shop whose answers can be seen."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.cold_start import (
    Shop,
    answers,
    cold_items,
    few_sales,
    guests,
    hidden_customers,
    hidden_items,
    new_customers,
)
from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.data.places import Places
from tests.shops import log_of

TASTES = ("tea", "diy", "garden")
LAST_DAY, CUT_DAY = 120, 92
PLACE_OF = {"tea": "Japan", "diy": "Germany", "garden": "Germany"}
KINDS = 12


def lines(seed=0):
    """Sixty customers of one taste each; every taste brings out two new items after the cut."""
    rng, found = np.random.default_rng(seed), [("end", "tea-00", "tea-1", 1.0, float(LAST_DAY))]
    for number in range(60):
        taste = TASTES[number % 3]
        first_day = 96 if number >= 54 else 0
        for day in np.sort(rng.choice(np.arange(first_day, LAST_DAY), size=8, replace=False)):
            on_sale = KINDS if day > CUT_DAY else KINDS - 2
            basket = rng.choice(on_sale, size=3, replace=False)
            order = f"{taste}-{number:02}-{day:03}"
            found += [(order, f"{taste}-{number:02}", f"{taste}-{kind}", 1.0, float(day)) for kind in basket]
    return found


@pytest.fixture(scope="module")
def shop():
    orders = log_of(lines())
    title = tuple(f"{item.partition('-')[0]} thing no {item}" for item in orders.items.ids)
    names = tuple(sorted(set(PLACE_OF.values())))
    of_order = [names.index(PLACE_OF.get(order.partition("-")[0], "Japan")) for order in orders.orders.ids]
    catalog = replace(Catalog.unknown(orders.items), title=title)
    return Shop(orders, catalog, Places(np.array(of_order, np.int32), names))


def ndcg(answer):
    return {name: figures["ndcg"]["mean"] for name, figures in answer.methods.items()}


def test_new_items_go_to_the_customers_of_their_taste(shop):
    answer = cold_items(shop, shop.cut(0))
    assert answer.items == 6
    found = ndcg(answer)
    assert found["content"] > 0.8 > found["random"]
    assert answer.methods["newest first"]["difference"]["high"] < 0


def test_hidden_items_are_found_almost_as_if_they_were_known(shop):
    found = ndcg(hidden_items(shop, shop.cut(0)))
    assert found["content"] > 0.9 * found["ALS that knows their sales"]


def test_a_first_cart_says_more_than_best_sellers(shop):
    for question in (new_customers, hidden_customers):
        found = ndcg(question(shop, shop.cut(0)))
        assert found["fold-in"] > 2 * found["best sellers"]


def test_guests_from_a_place_of_its_own_taste_are_answered_with_that(shop):
    answer = guests(shop, shop.cut(0))
    # Two thirds of all orders go to Germany, so those from Japan are judged.
    assert (
        answer.lists
        == len({line[0] for line in lines() if line[0].startswith("tea") and line[4] > CUT_DAY}) + 1
    )
    assert answer.methods["best sellers"]["difference"]["high"] < 0


def test_what_happens_after_the_cut_is_not_learned_from(shop):
    """Another future, the same past: what was drawn or learned before the cut may not move."""
    future = shop.orders.ordered_at > CUT_DAY * DAY
    shuffled = replace(shop.orders, quantity=np.where(future, 7, shop.orders.quantity).astype(np.float32))
    told, plain = few_sales(replace(shop, orders=shuffled), shop.cut(0)), few_sales(shop, shop.cut(0))
    assert told == plain


def test_every_question_is_answered_by_ours_and_by_somebody_else(shop):
    for answer in answers(shop).values():
        ours, *others = answer.methods.values()
        assert "difference" not in ours
        assert others
        assert all("difference" in figures for figures in others)
