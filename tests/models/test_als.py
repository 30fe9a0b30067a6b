"""ALS stops when it finds no more, and goes on from where it was."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from benchmarks.datasets import taste_matrix
from recommender.data.history import PurchaseHistory
from recommender.data.interest import CART, VIEW, Interest
from recommender.data.vocabulary import Vocabulary
from recommender.models.als import Als, AlsStart
from recommender.models.als_passes import FEWEST, WORTH_DRAWING, HeldBack, Passes
from recommender.models.als_solver import Factors, objective
from tests.shops import history_of, planted_lines

HISTORY = history_of(planted_lines(), 121.0)
SPEC = Als(factors=8)
PULL = 5.0
LARGE = csr_array(taste_matrix(1_500, 400, 40_000))
CROWD = csr_array(taste_matrix(WORTH_DRAWING + 1_000, 400, 300_000))


def looked_at(history, customer, items, kind):
    """The history, with a customer who looked at items today or put them into a cart."""
    n = len(items)
    interest = Interest(
        np.full(n, customer, np.int32),
        np.array(items, np.int32),
        np.full(n, kind, np.uint8),
        np.zeros(n, np.float32),
    )
    return replace(history, interest=interest)


def test_what_a_customer_looked_at_counts_less_than_a_cart_and_a_cart_less_than_a_purchase():
    customer = HISTORY.customers.position("tea-000")
    tools = HISTORY.items.positions(["diy-hammer", "diy-nails", "diy-saw"])
    glue = HISTORY.items.position("diy-glue")

    def score(kind=None, spec=SPEC):
        history = HISTORY if kind is None else looked_at(HISTORY, customer, tools, kind)
        return spec.fit(history).opinion.scores(np.array([customer], np.int32))[0, glue]

    as_if_bought = score(CART, replace(SPEC, cart=1.0))
    assert score() < score(VIEW) < score(CART) < as_if_bought


def large_history(excess):
    """A shop in which every customer made one order, today."""
    customer, item = excess.nonzero()
    customers, items = (Vocabulary(tuple(f"{n:04}" for n in range(size))) for size in excess.shape)
    ages = np.zeros(len(item), np.float32)
    return PurchaseHistory(
        customer.astype(np.int32), customer.astype(np.int32), item.astype(np.int32), ages, len(customers),
        customers, items,
    )  # fmt: skip


def recall(model, held_back, places=50):
    scores = model.customer_factors[held_back.customers] @ model.item_factors.T
    wanted = scores[np.arange(len(scores)), held_back.items]
    scores[held_back.excess[held_back.customers].nonzero()] = -np.inf
    return np.mean((scores > wanted[:, None]).sum(axis=1) < places)


def test_purchases_held_back_are_one_of_each_customer_and_are_taken_out():
    excess = csr_array(np.tile(np.array([[0, 1, 2, 3]], np.float32), (FEWEST, 1)))
    held_back = HeldBack.of(excess, seed=0)
    assert held_back.customers.tolist() == list(range(FEWEST))
    assert (held_back.items > 0).all() and len(np.unique(held_back.items)) == 3
    back = csr_array((held_back.items, (held_back.customers, held_back.items)), shape=excess.shape)
    assert np.array_equal((held_back.excess + back).toarray(), excess.toarray())


def test_who_bought_one_item_keeps_it_and_too_few_others_say_nothing():
    excess = np.zeros((FEWEST + 3, 5), np.float32)
    excess[:, 0], excess[3:, 1] = 1, 1
    assert HeldBack.of(csr_array(excess), seed=0).customers.min() == 3
    assert HeldBack.of(csr_array(excess[:-1]), seed=0) is None


def test_how_near_the_top_by_hand():
    """Item 0 is bought anyway and does not count; what is held back then stands first and third."""
    rest = csr_array(np.array([[1, 0, 0, 0], [1, 0, 0, 0]], np.float32))
    factors = Factors(np.ones((2, 1), np.float32), np.array([[9], [3], [2], [1]], np.float32))
    held_back = HeldBack(np.array([0, 1]), np.array([1, 3], np.int32), rest)
    assert held_back.found(factors) == pytest.approx((1 + 1 / 2) / 2)


def test_passes_end_when_they_find_no_more_and_the_last_knows_all():
    ended, made = Passes("batched", most=30, least_gain=0.01, seed=0).from_nothing(LARGE, PULL, 16)
    assert 2 <= made < 15
    all_passes, as_many = Passes("batched", most=made, least_gain=0.0, seed=0).from_nothing(LARGE, PULL, 16)
    assert as_many == made
    held_back = HeldBack.of(LARGE, seed=0)
    own = [
        np.einsum("cf,cf->c", factors.customers[held_back.customers], factors.items[held_back.items]).mean()
        for factors in (ended, all_passes)
    ]
    assert own[0] == pytest.approx(own[1], abs=0.05)


@pytest.mark.parametrize("excess", [LARGE, CROWD], ids=["all", "drawn"])
@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_there_are_no_more_passes_than_are_allowed(excess, most):
    passes = Passes("batched", most=most, least_gain=1e-9, seed=0)
    assert passes.from_nothing(excess, PULL, 4)[1] == most


def test_most_passes_over_some_of_a_crowd_find_as_much_as_all_over_everybody():
    held_back = HeldBack.of(CROWD, seed=1)
    checked = Passes("batched", most=15, least_gain=0.005, seed=0)
    drawn, made = checked.from_nothing(held_back.excess, 20.0, 16)
    everybody, fifteen = replace(checked, least_gain=0.0).from_nothing(held_back.excess, 20.0, 16)
    assert made < fifteen == 15
    assert held_back.found(drawn) > 0.98 * held_back.found(everybody)
    # Those who were not drawn are placed like the others.
    assert drawn.customers.any(axis=1).all()


def test_a_start_has_known_items_at_their_ids_and_next_to_nothing_for_the_new():
    start = AlsStart(Vocabulary(("saw", "tea")), np.array([[3], [4]], np.float32))
    factors = start.factors_of(Vocabulary(("mug", "saw", "tea")), 1, seed=0)
    assert factors[1:].tolist() == [[3], [4]]
    assert 0 < abs(factors[0, 0]) < 0.1


def test_going_on_from_the_end_stays_there():
    fitted = replace(SPEC, iterations=60).fit(HISTORY)
    again = SPEC.fit(HISTORY, start=AlsStart(HISTORY.items, fitted.item_factors))
    everyone = np.arange(len(HISTORY.customers))
    assert again.opinion.scores(everyone) == pytest.approx(fitted.opinion.scores(everyone), abs=5e-3)


def yesterday_of(today):
    """A fiftieth of the purchases are today's."""
    before = today.copy()
    before.data = before.data * (np.random.default_rng(5).random(before.nnz) > 0.02)
    before.eliminate_zeros()
    return before


def test_two_passes_from_yesterdays_items_reach_what_fifteen_from_nothing_do():
    held_back = HeldBack.of(LARGE, seed=1)
    today, before = (large_history(some) for some in (held_back.excess, yesterday_of(held_back.excess)))
    spec = Als(factors=16, least_gain=0.0)
    start = AlsStart(before.items, spec.fit(before).item_factors)
    fifteen, from_nothing = spec.fit(today), replace(spec, iterations=2).fit(today)
    going_on = spec.fit(today, start=start)
    excess = today.interactions(spec.half_life_days)
    excess.data = spec.alpha * np.log1p(excess.data)
    wanted, missed, reached = (
        objective(excess, float(model.pull), Factors(model.customer_factors, model.item_factors))
        for model in (fifteen, from_nothing, going_on)
    )
    assert reached < 1.001 * wanted < 1.02 * wanted < missed
    # A share of 1,500 purchases: two of a hundred more or fewer are chance.
    assert recall(going_on, held_back) >= recall(fifteen, held_back) - 0.02


def test_a_start_with_other_numbers_is_refused():
    start = AlsStart(HISTORY.items, np.zeros((len(HISTORY.items), 4), np.float32))
    with pytest.raises(ValueError, match="factors to start from are 4 each, not 8"):
        SPEC.fit(HISTORY, start=start)


def test_factors_to_go_on_from_stay_as_they_are():
    start = AlsStart(HISTORY.items, SPEC.fit(HISTORY).item_factors)
    kept = start.item_factors.copy()
    SPEC.fit(HISTORY, start=start)
    assert np.array_equal(start.item_factors, kept)
