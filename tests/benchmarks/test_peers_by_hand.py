"""The peers that we wrote from their papers, on shops small enough for paper."""

import numpy as np
import pytest

from benchmarks.peers.ease import Ease
from benchmarks.peers.order_sequences import OrderSequences
from benchmarks.peers.own_purchases import OwnPurchases, OwnThenBestSellers
from benchmarks.peers.purchases import weighed_purchases
from benchmarks.peers.tifu_knn import TifuKnn
from benchmarks.peers.up_cf import UpCf
from tests.shops import history_of, planted_lines

ANN, BEN, CAT = 0, 1, 2
EVERYBODY = np.array([ANN, BEN, CAT], np.int32)
JAM, TEA, NAIL = 0, 1, 2
ITEMS = {"a-jam": JAM, "b-tea": TEA, "c-nail": NAIL}


def shop(**orders_of):
    """A history on day 10: customer → (day, items) an order, a letter an item."""
    names = {name[2]: name for name in ITEMS}
    return history_of(
        [
            (f"{customer}-{day}", customer, names[letter], 1.0, float(day))
            for customer, orders in orders_of.items()
            for day, letters in orders
            for letter in letters
        ],
        day=10,
    )


# jam (j), tea (t), nail (n)
SHOP = shop(ann=[(1, "j"), (2, "jt"), (3, "t")], ben=[(1, "t"), (4, "tn")], cat=[(5, "n")])
NONE = -np.inf


# ---- What is learned from ---------------------------------------------------------------------------


def test_purchases_fade_and_add_up_as_the_scale_says():
    history = shop(ann=[(0, "j"), (10, "j")])  # 10 days old and new
    assert weighed_purchases(history, 10, "count").toarray() == [[1.5]]
    assert weighed_purchases(history, 10, "log").toarray() == pytest.approx(np.log([[2.5]]))
    assert weighed_purchases(history, 10, "once").toarray() == [[1.0]]


def test_orders_are_counted_from_each_customers_oldest():
    sequences = OrderSequences.of(SHOP)
    seen = sorted(zip(sequences.customer, sequences.place, sequences.item, strict=True))
    assert seen == [
        (ANN, 0, JAM), (ANN, 1, JAM), (ANN, 1, TEA), (ANN, 2, TEA),
        (BEN, 0, TEA), (BEN, 1, TEA), (BEN, 1, NAIL), (CAT, 0, NAIL),
    ]  # fmt: skip
    assert sequences.n_orders.tolist() == [3, 2, 1]


# ---- Own purchases ----------------------------------------------------------------------------------


def test_own_purchases_are_counted_and_the_rest_is_no_opinion():
    scores = OwnPurchases().fit(SHOP).scores(EVERYBODY)
    assert scores.tolist() == [[2, 2, NONE], [NONE, 2, 1], [NONE, NONE, 1]]


def test_best_sellers_stand_behind_own_purchases():
    scores = OwnThenBestSellers().fit(SHOP).scores(np.array([CAT], np.int32))
    # tea is in 4 orders, jam and nail in 2
    assert scores.tolist() == [[2 / 4 - 1, 0, 1]]


# ---- EASE -------------------------------------------------------------------------------------------


def test_ease_of_two_items_is_simple_regression():
    # G = XᵀX is 2 on the diagonal (each item has two customers) and 1 beside it (ann has both): the best
    # weight of one item for the other is 1 / (2 + λ).
    history = shop(ann=[(1, "jt")], ben=[(1, "j")], cat=[(1, "t")])
    scores = Ease(regularization=0.5).fit(history).scores(EVERYBODY)
    assert scores == pytest.approx(np.array([[0.4, 0.4], [0, 0.4], [0.4, 0]]))


@pytest.mark.parametrize("scale", ["once", "count", "log"])
def test_ease_solved_over_customers_equals_the_papers_formula_over_items(scale):
    history = history_of(planted_lines(), day=130)
    x = weighed_purchases(history, 50, scale).toarray().astype(float)
    p = np.linalg.inv(x.T @ x + 3 * np.eye(x.shape[1]))
    b = np.eye(len(p)) - p / np.diag(p)
    fitted = Ease(regularization=3, half_life_days=50, scale=scale).fit(history)
    assert np.diag(b) == pytest.approx(0)
    assert fitted.scores(np.arange(len(x), dtype=np.int32)) == pytest.approx(x @ b, abs=1e-9)


# ---- TIFU-KNN ---------------------------------------------------------------------------------------


def test_tifu_fades_within_groups_and_between_them():
    # Five orders in two groups, the longer one last: (1, 2), (3, 4, 5).
    history = shop(ann=[(1, "j"), (2, "t"), (3, "j"), (4, "n"), (5, "t")], ben=[(1, "n")])
    peer = TifuKnn(within_decay=0.5, group_decay=0.1, groups=2, own_share=1.0, neighbours=1)
    first, last = 0.1 / 2, 1 / 2
    jam = first * 0.5 / 2 + last * 0.25 / 3
    nail = last * 0.5 / 3
    tea = first * 1 / 2 + last * 1 / 3
    assert peer.fit(history).scores(np.array([ANN], np.int32)) == pytest.approx(np.array([[jam, tea, nail]]))


def test_tifu_makes_every_order_a_group_where_there_are_few():
    peer = TifuKnn(within_decay=0.3, group_decay=0.5, groups=7, own_share=1.0, neighbours=1)
    scores = peer.fit(SHOP).scores(np.array([ANN], np.int32))
    # jam in the first and second of three orders, tea in the second and third
    assert scores == pytest.approx(np.array([[(0.25 + 0.5) / 3, (0.5 + 1) / 3, NONE]]))


def test_tifu_mixes_in_the_nearest_other_customer():
    # Without decay the vectors are shares of orders: ann (⅔, ⅔, 0), ben (0, 1, ½), cat (0, 0, 1).
    # Squared distances: ann–ben 4/9 + 1/9 + 1/4 = 0.81, ann–cat 17/9, ben–cat 5/4: ann and ben are nearest.
    peer = TifuKnn(within_decay=1, group_decay=1, groups=1, own_share=0.75, neighbours=1)
    scores = peer.fit(SHOP).scores(EVERYBODY)
    assert scores[ANN] == pytest.approx([0.75 * 2 / 3, 0.75 * 2 / 3 + 0.25 * 1, 0.25 / 2])
    assert scores[BEN] == pytest.approx([0.25 * 2 / 3, 0.75 + 0.25 * 2 / 3, 0.75 / 2])
    assert scores[CAT] == pytest.approx([NONE, 0.25, 0.75 + 0.25 / 2])


# ---- UP-CF@r ----------------------------------------------------------------------------------------


def test_up_cf_of_very_similar_customers_only_is_the_share_of_the_last_orders():
    # With a huge q only w = 1 is left, and that is the customer itself.
    peer = UpCf(last_orders=2, locality=5_000, asymmetry=0.5)
    assert peer.fit(SHOP).scores(EVERYBODY) == pytest.approx(
        np.array([[0.5, 1, NONE], [NONE, 1, 0.5], [NONE, NONE, 1]])
    )


def test_up_cf_adds_up_what_similar_customers_bought():
    # Sets: ann {jam, tea}, ben {tea, nail}, cat {nail}. With α = ¼, w(cat, ben) is 1 / 2^¾ and w(cat, ann) 0.
    peer = UpCf(locality=2, asymmetry=0.25)
    scores = peer.fit(SHOP).scores(np.array([CAT], np.int32))
    square = 2**-1.5
    # all of ben's orders hold tea, half of them nails
    assert scores == pytest.approx(np.array([[NONE, square * 1, 1 + square / 2]]))


def test_up_cf_looks_only_at_the_last_orders():
    scores = UpCf(last_orders=1, locality=5_000, asymmetry=0.5).fit(SHOP).scores(np.array([ANN], np.int32))
    assert scores == pytest.approx(np.array([[NONE, 1, NONE]]))
