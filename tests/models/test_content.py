"""Items that nobody bought are placed by what is said of them."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.newcomers import days_on_sale
from recommender.data.vocabulary import Vocabulary
from recommender.models.als import Als
from recommender.models.archive import load_model, save_model
from recommender.models.content import FEWEST_EXAMPLES, Content, ContentModel, OwnTaste
from tests.shops import TASTES, log_of, planted_lines

NOW = int(121 * DAY)
NEW = ("tea-cosy", "diy-pliers", "garden-rake", "mystery")
"""Items without a sale; of the last one nothing is said."""

LISTED = [(f"listed {item}", None, item, 1.0, 999.0) for item in NEW]
LOG = log_of([*planted_lines(), *LISTED])
HISTORY = PurchaseHistory.at(log_of([*planted_lines(), *LISTED]).until(NOW), NOW)
ITEMS = HISTORY.items
ALS = Als(factors=8).fit(HISTORY)


def title(item):
    """'tea-pot' is called 'Pot for tea': one word names the taste."""
    taste, _, thing = item.partition("-")
    return f"{thing} for {taste}" if taste in TASTES else None


CATALOG = replace(Catalog.unknown(ITEMS), title=tuple(title(item) for item in ITEMS.ids))
AGE = days_on_sale(HISTORY, CATALOG, NOW)
IS_NEW = np.isin(ITEMS.ids, NEW)


def fit(*, catalog=CATALOG, history=HISTORY, als=ALS, newcomers=IS_NEW, age=AGE, **settings):
    return Content(**settings).fit(history, catalog, als, newcomers=newcomers, days_on_sale=age)


FITTED = fit()


DIY = [id_ for id_ in HISTORY.customers.ids if id_.startswith("diy-")]


def at(item):
    return ITEMS.position(item)


def customers_of(taste):
    return np.array(
        [n for n, id_ in enumerate(HISTORY.customers.ids) if id_.startswith(f"{taste}-")], np.int32
    )


@pytest.mark.parametrize(
    ("taste", "new"), [("tea", "tea-cosy"), ("diy", "diy-pliers"), ("garden", "garden-rake")]
)
def test_customers_like_the_new_item_of_their_taste_best(taste, new):
    scores = FITTED.opinion.scores(customers_of(taste))
    others = [at(item) for item in NEW if item != new]
    assert (scores[:, [at(new)]] > scores[:, others]).all()
    assert (scores[:, at(new)] > 0).all()


def test_it_has_an_opinion_on_newcomers_only():
    assert not FITTED.opinion.scores(customers_of("tea"))[:, ~IS_NEW].any()


def test_an_item_of_which_nothing_is_said_stays_unknown():
    assert not FITTED.opinion.scores(customers_of("tea"))[:, at("mystery")].any()


def test_where_nothing_is_said_of_any_item_there_is_no_opinion():
    assert not fit(catalog=Catalog.unknown(ITEMS)).opinion.scores(customers_of("tea")).any()


def test_without_newcomers_there_is_no_opinion_and_nothing_to_keep():
    none = fit(newcomers=np.zeros(len(ITEMS), bool))
    assert not none.opinion.scores(customers_of("tea")).any()
    assert none.customer_factors.size == none.item_factors.size == 0


def test_what_is_told_is_added_to_what_its_own_buyers_taught():
    sold = ITEMS.ids == np.array("tea-pot")
    once = fit(newcomers=sold, pseudo_buyers=1e-9)
    assert once.item_factors == pytest.approx(ALS.item_factors[sold], abs=1e-6)
    assert not np.allclose(fit(newcomers=sold).item_factors, ALS.item_factors[sold])


def say(*, buyers, days, rate=0.5, **settings):
    """What text says of an item with so many buyers after so many days, where others get `rate` a day."""
    lines = [
        (f"{item}-{n}", f"customer-{n}", f"known-{item}", 1.0, 0.0) for item in range(10) for n in range(10)
    ]
    lines += [(f"new-{n}", f"customer-{n}", "new", 1.0, 0.0) for n in range(buyers)]
    log = log_of([*lines, ("later", None, "new", 1.0, 999.0)])
    history = PurchaseHistory.at(log.until(0), 0)
    is_new = np.array([id_ == "new" for id_ in history.items.ids])
    on_sale = np.where(is_new, days, 10 / rate).astype(np.float32)
    same = replace(Catalog.unknown(history.items), title=("same title",) * 11)
    # Of an item whose own factors are nothing, what is left is what is told, times its say.
    als = replace(Als(factors=2).fit(history), item_factors=np.where(is_new, 0, 1)[:, None] * ONES)
    told = fit(
        history=history, catalog=same, als=als, newcomers=is_new, age=on_sale, min_buyers=10, **settings
    )
    return told.item_factors[0, 0].item()


ONES = np.ones((1, 2), np.float32)


@pytest.mark.parametrize(
    ("buyers", "days", "by_hand"),
    [
        (0, 0.0, 1.0),
        (0, 4.0, 2 / (2 + 0.5 * 4)),  # four days, two buyers expected, none came: half as much
        (1, 4.0, 10 / 11 * (2 + 1) / (2 + 2)),
        (5, 10.0, 10 / 15 * (2 + 5) / (2 + 5)),  # sells like others
        (8, 4.0, 10 / 18 * (2 + 8) / (2 + 2)),  # sells better
    ],
)
def test_the_say_of_text_by_hand(buyers, days, by_hand):
    assert say(buyers=buyers, days=days, pseudo_buyers=10.0, patience=2.0) == pytest.approx(by_hand, rel=0.02)


def test_the_more_buyers_of_its_own_the_less_an_item_hears_of_its_text():
    sells_like_others = [say(buyers=n, days=2.0 * n) for n in (0, 1, 3, 9)]
    assert sells_like_others == sorted(sells_like_others, reverse=True)


def planted_factors(n=400, seed=0, noise=0.3):
    """Items of ten kinds; the factors of an item are those of its kind, and chance."""
    rng = np.random.default_rng(seed)
    kind, of_kind = rng.integers(0, 10, n), rng.normal(size=(10, 16))
    factors = (of_kind[kind] + noise * rng.normal(size=(n, 16))).astype(np.float32)
    return kind, of_kind, factors


def bought_often(n):
    """Every item but the last hundred was bought by the same three customers."""
    lines = [
        (f"{c}-{i}", f"customer-{c}", f"item-{i:03}", 1.0, 0.0) for i in range(n - 100) for c in range(3)
    ]
    log = log_of([*lines, *((f"later {i}", None, f"item-{i:03}", 1.0, 999.0) for i in range(n - 100, n))])
    return PurchaseHistory.at(log.until(0), 0)


def test_told_scores_of_unseen_items_are_as_high_as_true_ones_on_average():
    kind, _, factors = planted_factors(noise=1.0)
    history = bought_often(len(kind))
    catalog = replace(Catalog.unknown(history.items), category=tuple(f"kind {k}" for k in kind))
    unseen = np.arange(len(kind)) >= 300
    known = replace(ALS, item_factors=factors * ~unseen[:, None])
    just_in = np.where(unseen, 0, 1).astype(np.float32)
    told = fit(history=history, catalog=catalog, als=known, newcomers=unseen, age=just_in)
    anybody = np.random.default_rng(1).normal(size=(16, 200))
    said, true = told.item_factors @ anybody, factors[unseen] @ anybody
    assert np.vdot(said, true) / np.vdot(said, said) == pytest.approx(1, abs=0.1)
    # Half of the squared length is the kind's, the other half is chance that no text can tell.
    assert float(told.explained) == pytest.approx(0.5, abs=0.1)


def test_texts_that_say_nothing_of_taste_are_hardly_heard():
    _, _, factors = planted_factors()
    history, unseen = bought_often(len(factors)), np.arange(len(factors)) >= 300
    chance = np.random.default_rng(2).integers(0, 40, len(factors))
    catalog = replace(Catalog.unknown(history.items), category=tuple(f"kind {k}" for k in chance))
    known = replace(ALS, item_factors=factors * ~unseen[:, None])
    just_in = np.where(unseen, 0, 1).astype(np.float32)
    told = fit(history=history, catalog=catalog, als=known, newcomers=unseen, age=just_in)
    assert np.linalg.norm(told.item_factors) < 0.3 * np.linalg.norm(factors[unseen])
    assert float(told.explained) < 0.1


def test_from_too_few_items_nothing_is_told():
    few = FEWEST_EXAMPLES - 1
    lines = [(f"{c}-{i}", f"customer-{c}", f"item-{i}", 1.0, 0.0) for i in range(few) for c in range(3)]
    history = PurchaseHistory.at(log_of(lines), 0)
    catalog = replace(Catalog.unknown(history.items), title=("same title",) * few)
    everything, age = np.ones(few, bool), np.ones(few, np.float32)
    als = Als(factors=2).fit(history)
    told = fit(history=history, catalog=catalog, als=als, newcomers=everything, age=age)
    assert not told.opinion.scores(np.arange(3, dtype=np.int32)).any()


# What everybody likes, then what each of three groups of customers likes; the last customer bought little.
GROUP = np.array([0, 0, 1, 1, 2, 2, 2])
LIKES = np.column_stack([np.full(7, 2.0), np.eye(3)[GROUP]]) * np.array([1, 1, 1, 1, 1, 1, 0.01])[:, None]
FOR_ALL, FOR_GROUPS = [5.0, 0, 0, 0], np.column_stack([np.ones(3), np.eye(3)])
EVERYBODY = np.arange(len(LIKES), dtype=np.int32)


def liking(customer_factors, *, known=()):
    """Item 0 suits everybody's taste and items 1 to 3 a group's each; those known are not new."""
    new = ~np.isin(np.arange(4), known)
    told = np.vstack([FOR_ALL, FOR_GROUPS])[new]
    return ContentModel(np.asarray(customer_factors, np.float32), new, told.astype(np.float32), np.float32(1))


def test_one_item_suits_everybody_best_and_yet_each_group_has_its_own():
    model = liking(LIKES)
    assert model.opinion.scores(EVERYBODY).argmax(axis=1).tolist() == [0] * 7
    assert OwnTaste.of(model).scores(EVERYBODY).argmax(axis=1).tolist() == (GROUP + 1).tolist()


def test_own_taste_by_hand():
    # Directions (1, 0) and (.6, .8); on average (.8, .4). An item along each axis.
    factors = np.array([[2, 0], [3, 4], [0, 0]], np.float32)
    model = ContentModel(factors, np.ones(2, bool), np.eye(2, dtype=np.float32), np.float32(1))
    assert OwnTaste.of(model).scores(EVERYBODY[:2]) == pytest.approx(np.array([[0.2, -0.4], [-0.2, 0.4]]))


@given(arrays(np.float32, (6, 4), elements=st.floats(-1, 1, width=16)))
def test_over_all_who_have_a_taste_own_taste_evens_out(factors):
    scores = OwnTaste.of(liking(factors)).scores(np.flatnonzero(factors.any(axis=1)).astype(np.int32))
    assert scores.sum(axis=0) == pytest.approx(np.zeros(4), abs=1e-4)


def test_who_has_no_taste_has_no_own_taste_either():
    factors = np.vstack([LIKES[:3], np.zeros(LIKES.shape[1])])
    assert not OwnTaste.of(liking(factors)).scores(np.array([3], np.int32)).any()


@pytest.mark.parametrize(("buyers", "by_text_alone"), [(0, True), (1, True), (2, False)])
def test_of_an_item_with_one_buyer_only_its_text_is_heard(buyers, by_text_alone):
    """Its own factors would be that one customer's taste."""
    bought = [(f"new {n}", customer, "tea-cosy", 1.0, 100.0) for n, customer in enumerate(DIY[:buyers])]
    log = log_of([*planted_lines(), *bought, *LISTED])
    own = np.array(ALS.item_factors)
    own[at("tea-cosy")] = ALS.item_factors[at("diy-hammer")]
    model = fit(history=PurchaseHistory.at(log.until(NOW), NOW), als=replace(ALS, item_factors=own))
    found, told = (each.opinion.items[at("tea-cosy")] for each in (model, FITTED))
    cosine = found @ told / (np.linalg.norm(found) * np.linalg.norm(told))
    assert (cosine > 0.9999) == by_text_alone


def test_own_taste_is_the_same_whomever_else_is_asked_for():
    taste = OwnTaste.of(liking(LIKES))
    one_by_one = [taste.scores(EVERYBODY[[n]]) for n in EVERYBODY]
    assert np.vstack(one_by_one) == pytest.approx(taste.scores(EVERYBODY), abs=1e-6)


def test_own_taste_says_nothing_of_what_is_not_new_and_nothing_without_a_told_item():
    assert not OwnTaste.of(liking(LIKES, known=[2])).scores(EVERYBODY)[:, 2].any()
    silent = ContentModel.silent(len(HISTORY.customers), len(HISTORY.items))
    assert not OwnTaste.of(silent).scores(EVERYBODY).any()


def same(a, b):
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))


def test_fitting_twice_gives_the_same():
    assert same(FITTED, fit())


def test_renaming_ids_only_renames_the_answer():
    renamed = replace(HISTORY, items=Vocabulary(tuple(f"x{id_}" for id_ in ITEMS.ids)))
    assert same(FITTED, fit(history=renamed, catalog=replace(CATALOG, items=renamed.items)))


def test_saved_and_loaded_equals_fitted(tmp_path):
    for name, model in (
        ("told", FITTED),
        ("silent", ContentModel.silent(len(HISTORY.customers), len(HISTORY.items))),
    ):
        save_model(model, tmp_path / name)
        assert same(model, load_model(ContentModel, tmp_path / name))


@pytest.mark.parametrize("settings", [{"min_buyers": 0}, {"pseudo_buyers": 0.0}, {"patience": -1.0}])
def test_a_setting_out_of_range_is_named(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Content(**settings)
