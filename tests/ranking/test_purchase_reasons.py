"""Why an item stands in a list: by hand, against brute force, and by taking the reason away."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.models.co_purchase import CoPurchase
from recommender.models.item_knn import ItemKNN
from recommender.models.neighbours import Neighbours
from recommender.ranking import purchase_reasons as module
from recommender.ranking.features import FeatureTables
from recommender.ranking.lists import ListTable
from recommender.ranking.purchase_reasons import purchase_reasons, strongest_purchase
from recommender.ranking.reasons import BECAUSE_YOU_BOUGHT, KINDS
from tests.ranking.tables import table_of
from tests.shops import log_of, planted_lines

DAY_OF_LOOKING = 50
LINES = [
    ("o1", "ann", "tea", 1.0, 10),
    ("o2", "ann", "tea", 1.0, 20),
    ("o2", "ann", "cup", 1.0, 20),
    ("o3", "ann", "tea", 1.0, 41),
    ("o4", "bob", "tea", 1.0, 30),
    ("o4", "bob", "pot", 1.0, 30),
    ("o5", "cyd", "saw", 1.0, 30),
    ("o6", "cyd", "mat", 1.0, 31),
]


@dataclass(frozen=True)
class Related:
    """A model whose numbers are written down."""

    purchases: csr_array
    relation: csr_array

    @property
    def neighbours(self) -> Neighbours:
        return Neighbours(self.relation)


def related(purchases, relation):
    return Related(csr_array(np.asarray(purchases, np.float32)), csr_array(np.asarray(relation, np.float32)))


def shop_of(lines, day=DAY_OF_LOOKING):
    orders = log_of(lines)
    history = PurchaseHistory.at(orders, int(day * DAY))
    return history, FeatureTables.of(orders, history, Catalog.unknown(orders.items))


def everyone(table: ListTable) -> np.ndarray:
    return np.arange(len(table), dtype=np.int32)


def everything_listed(history: PurchaseHistory) -> ListTable:
    """Every item in every customer's list, in the order of the positions."""
    bought = history.interactions(np.inf).toarray() > 0
    n_customers, n_items = bought.shape
    return table_of([list(range(n_items))] * n_customers, bought.tolist())


def reasons_in_words(lines, *, popular=(), popular_in_category=()):
    history, tables = shop_of(lines)
    items, table = history.items, everything_listed(history)
    marked = [np.isin(items.ids, names) for names in (popular, popular_in_category)]
    models = [ItemKNN(shrinkage=0).fit(history), CoPurchase(min_together=1).fit(history)]
    found = purchase_reasons(
        table, tables, models, customers=everyone(table), popular=marked[0], popular_in_category=marked[1]
    )
    words = {}
    for row, item, kind, value in zip(
        table.row_of_place(), table.items, found.kinds, found.values, strict=True
    ):
        name = KINDS[kind]
        said = items.ids[value] if name == "because_you_bought" else int(value)
        words[history.customers.ids[row], items.ids[item]] = (name, said)
    return words


def test_what_was_bought_before_says_how_often():
    words = reasons_in_words(LINES)
    # Days 10, 20 and 41: gaps of 10 and 21 days.
    assert words["ann", "tea"] == ("bought_again", 16)
    assert words["ann", "cup"] == ("bought_before", 1)
    twice = [*LINES, ("o7", "bob", "tea", 1.0, 40)]
    assert reasons_in_words(twice)["bob", "tea"] == ("bought_before", 2)


def test_three_purchases_on_one_day_are_no_rhythm():
    lines = [(f"p{n}", "dan", "tea", 1.0, 40 + n / 10) for n in range(3)]
    assert reasons_in_words([*LINES, *lines])["dan", "tea"] == ("bought_before", 3)


def test_what_is_new_says_which_purchase_it_follows_from():
    words = reasons_in_words(LINES)
    # Bob bought tea and pot; ann bought tea and cup, and nobody both cup and pot.
    assert words["ann", "pot"] == ("because_you_bought", "tea")
    assert words["bob", "cup"] == ("because_you_bought", "tea")


def test_what_follows_from_no_purchase_is_popular_or_has_no_reason():
    words = reasons_in_words(LINES, popular=["saw", "mat", "pot"], popular_in_category=["mat"])
    assert words["ann", "saw"] == ("popular", 0)
    assert words["ann", "mat"] == ("popular_in_category", 0)
    assert words["ann", "pot"] == ("because_you_bought", "tea")
    assert words["cyd", "tea"] == ("", 0)


def test_the_first_model_that_knows_a_reason_gives_it():
    first = related([[1, 1, 0, 0], [0] * 4], [[0, 0, 5, 0], [0, 0, 1, 0], [0] * 4, [0] * 4])
    second = related([[1, 1, 0, 0], [0] * 4], [[0, 0, 1, 1], [0, 0, 5, 5], [0] * 4, [0] * 4])
    _, tables = shop_of([("o", "ann", name, 1.0, 1) for name in "ab"] + [("p", "bob", "c", 1.0, 1)])
    table = table_of([[2, 3], []])
    nothing = np.zeros(4, bool)
    found = purchase_reasons(
        table,
        tables,
        [first, second],
        customers=everyone(table),
        popular=nothing,
        popular_in_category=nothing,
    )
    assert found.kinds.tolist() == [BECAUSE_YOU_BOUGHT] * 2
    assert found.values.tolist() == [0, 1]


SIZE = st.tuples(st.integers(0, 5), st.integers(1, 6))
AMOUNTS = st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0])


@st.composite
def shops(draw):
    n_customers, n_items = draw(SIZE)
    purchases = draw(arrays(np.float32, (n_customers, n_items), elements=AMOUNTS))
    relation = draw(arrays(np.float32, (n_items, n_items), elements=AMOUNTS))
    np.fill_diagonal(relation, 0)
    items = st.lists(st.integers(0, n_items - 1), unique=True)
    return purchases, relation, [draw(items) for _ in range(n_customers)]


@given(shops(), st.integers(1, 20), st.data())
def test_it_is_what_looking_at_every_purchase_finds(shop, cells, data):
    purchases, relation, rows = shop
    table, n_places = table_of(rows), sum(map(len, rows))
    asked = np.array(data.draw(st.lists(st.booleans(), min_size=n_places, max_size=n_places)), bool)
    before, module._BLOCK_ENTRIES = module._BLOCK_ENTRIES, cells
    try:
        found = strongest_purchase(table, related(purchases, relation), everyone(table), asked)
    finally:
        module._BLOCK_ENTRIES = before
    expected = []
    for customer, row in enumerate(rows):
        for item in row:
            added = purchases[customer] * relation[:, item]
            told = added.max() > 0 and asked[len(expected)]
            expected.append(int(added.argmax()) if told else -1)
    assert found.tolist() == expected


@pytest.mark.parametrize("model", [ItemKNN(), CoPurchase()], ids=lambda model: type(model).__name__)
def test_without_the_reason_the_score_falls_further_than_without_any_other_purchase(model):
    history, _ = shop_of(planted_lines(), day=120)
    table, fitted = everything_listed(history), model.fit(history)
    anchor = strongest_purchase(table, fitted, everyone(table), ~table.bought)
    row = table.row_of_place()
    explained = np.flatnonzero(anchor >= 0)
    assert len(explained) > 100
    for place in explained[:: len(explained) // 60]:
        customer, item = int(row[place]), int(table.items[place])
        own = fitted.purchases[[customer]].toarray().ravel()
        scores = {}
        for left_out in (-1, *np.flatnonzero(own)):
            kept = np.where(np.arange(len(own)) == left_out, 0, own)
            scores[left_out] = float((csr_array(kept[None]) @ fitted.neighbours.relation).toarray()[0, item])
        assert scores[anchor[place]] < scores[-1]
        assert scores[anchor[place]] == min(scores.values())


def test_a_whole_shop_without_the_reason_scores_the_item_otherwise():
    """The purchases that are the reason are taken out of the orders, and everything is learned anew."""
    lines = planted_lines(customers=30)
    history, _ = shop_of(lines, day=120)
    fitted, table = ItemKNN().fit(history), everything_listed(history)
    anchor = strongest_purchase(table, fitted, everyone(table), ~table.bought)
    explained = np.flatnonzero(anchor >= 0)[::20]
    assert len(explained) >= 5
    customers, items = history.customers.ids, history.items.ids
    for place in explained:
        customer, item = int(table.row_of_place()[place]), int(table.items[place])
        reason = items[anchor[place]]
        without = [line for line in lines if not (line[1] == customers[customer] and line[2] == reason)]
        again, _ = shop_of(without, day=120)
        assert again.items == history.items and again.customers == history.customers
        whose = np.array([customer], np.int32)
        assert ItemKNN().fit(again).opinion.scores(whose)[0, item] < fitted.opinion.scores(whose)[0, item]


def test_a_purchase_that_has_faded_to_nothing_is_no_reason():
    faded = csr_array((np.zeros(1, np.float32), ([0], [0])), shape=(1, 2))
    model = Related(faded, csr_array(np.array([[0, 1], [0, 0]], np.float32)))
    assert model.purchases.nnz == 1
    table, asked = table_of([[1]]), np.ones(1, bool)
    assert strongest_purchase(table, model, np.zeros(1, np.int32), asked).tolist() == [-1]


def test_a_shop_of_guests_needs_no_reasons():
    history, tables = shop_of([("o1", None, "tea", 1.0, 10), ("o1", None, "cup", 1.0, 10)])
    nothing, models = np.zeros(2, bool), [ItemKNN().fit(history), CoPurchase().fit(history)]
    none = replace(table_of([]), starts=np.zeros(1, np.int64))
    found = purchase_reasons(
        none, tables, models, customers=everyone(none), popular=nothing, popular_in_category=nothing
    )
    assert len(found) == 0


def test_some_customers_alone_have_the_reasons_that_they_have_among_all():
    history, tables = shop_of(planted_lines(customers=20), day=200)
    table, models = everything_listed(history), [ItemKNN().fit(history), CoPurchase().fit(history)]
    popular = np.arange(len(history.items)) < 3
    marked = {"popular": popular, "popular_in_category": ~popular}
    all_of = purchase_reasons(table, tables, models, customers=everyone(table), **marked)
    some = np.array([17, 3, 4], np.int32)
    found = purchase_reasons(table.take(some), tables, models, customers=some, **marked)
    places = table.places_of(some)
    assert found.kinds.tolist() == all_of.kinds[places].tolist()
    assert found.values.tolist() == all_of.values[places].tolist()


def test_in_small_blocks_the_reasons_are_the_same(monkeypatch):
    history, tables = shop_of(planted_lines(customers=20), day=200)
    table, models = everything_listed(history), [ItemKNN().fit(history), CoPurchase().fit(history)]
    popular = np.arange(len(history.items)) < 3
    marked = {"customers": everyone(table), "popular": popular, "popular_in_category": ~popular}
    at_once = purchase_reasons(table, tables, models, **marked)
    monkeypatch.setattr(module, "_BLOCK_PLACES", 40)
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", 300)
    in_blocks = purchase_reasons(table, tables, models, **marked)
    assert in_blocks.kinds.tolist() == at_once.kinds.tolist()
    assert in_blocks.values.tolist() == at_once.values.tolist()
    assert (at_once.kinds == BECAUSE_YOU_BOUGHT).any()
