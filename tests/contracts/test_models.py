"""What every model promises, whatever it learns."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from recommender.data.history import PurchaseHistory
from recommender.data.orders import OrderLog
from recommender.data.vocabulary import Vocabulary
from recommender.models.archive import load_model, save_model
from recommender.models.protocol import FittedModel, RelatesItems
from recommender.models.registry import FITTED, MODELS
from recommender.ranking.build import recommend
from recommender.ranking.lists import SOURCES, ListTable
from tests.shops import EVERYBODY, TASTES, history_of, log_of, planted_lines

NOW = 121.0
LINES = planted_lines()


def spec_of(name):
    spec = MODELS[name][0]()
    # The planted shop is small: 8 factors hold its three tastes.
    return replace(spec, factors=8) if name == "als" else spec


@pytest.fixture(params=MODELS, scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def history():
    return history_of(LINES, NOW)


@pytest.fixture(scope="module")
def fitted(name, history):
    return spec_of(name).fit(history)


def everyone(history):
    return np.arange(len(history.customers), dtype=np.int32)


def lists_of(name, fitted, history, *, customers=None, eligible=None, length=5) -> ListTable:
    from recommender.ranking.blend import Blend

    return recommend(
        {name: fitted},
        Blend(**{field.name: 1.0 for field in fields(Blend)}),
        everyone(history) if customers is None else customers,
        bought=history.interactions(np.inf),
        eligible=np.ones(len(history.items), bool) if eligible is None else eligible,
        length=length,
    )


def same(a, b):
    return all(np.array_equal(dense(getattr(a, f.name)), dense(getattr(b, f.name))) for f in fields(a))


def dense(array):
    return array.toarray() if hasattr(array, "toarray") else np.asarray(array)


def test_every_model_has_a_source_number_and_a_weight():
    from recommender.ranking.blend import Blend

    # Best sellers of a place are for guests, whom no model knows.
    assert {*FITTED, "local_best_sellers"} == set(SOURCES)
    assert set(FITTED) == set(asdict(Blend()))


def test_a_fitted_model_keeps_the_protocol(fitted):
    assert isinstance(fitted, FittedModel)


def test_fitting_twice_gives_the_same(name, fitted, history):
    assert same(fitted, spec_of(name).fit(history))


def test_scores_are_finite_float32_of_the_stated_shape(fitted, history):
    scores = fitted.opinion.scores(everyone(history))
    assert scores.shape == (len(history.customers), len(history.items))
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_renaming_ids_only_renames_the_answer(name, fitted, history):
    renamed = PurchaseHistory(
        **{f.name: getattr(history, f.name) for f in fields(history) if f.name not in ("customers", "items")},
        customers=Vocabulary(tuple(f"x{id_}" for id_ in history.customers.ids)),
        items=Vocabulary(tuple(f"y{id_}" for id_ in history.items.ids)),
    )
    assert same(fitted, spec_of(name).fit(renamed))


def test_lists_have_no_item_twice_and_are_sorted_best_first(name, fitted, history):
    for ranked in lists_of(name, fitted, history):
        assert len(set(ranked.items.tolist())) == len(ranked)
        assert (np.diff(ranked.scores) <= 0).all()


def test_an_ineligible_item_is_never_listed(name, fitted, history):
    eligible = np.ones(len(history.items), bool)
    eligible[history.items.position(EVERYBODY)] = False
    table = lists_of(name, fitted, history, eligible=eligible, length=50)
    assert history.items.position(EVERYBODY) not in table.items


def test_a_list_is_shorter_rather_than_padded_when_the_catalog_ends(name, fitted, history):
    table = lists_of(name, fitted, history, length=1000)
    assert np.diff(table.starts).max() <= len(history.items)


def test_one_at_a_time_equals_in_bulk(name, fitted, history):
    bulk = lists_of(name, fitted, history)
    for customer in (0, 7, 31):
        alone = lists_of(name, fitted, history, customers=np.array([customer], np.int32)).row(0)
        assert alone.items.tolist() == bulk.row(customer).items.tolist()


def test_customers_who_come_later_change_nothing_for_those_who_are_there(name, fitted, history):
    """A customer id without a purchase yet may stand anywhere in the vocabulary."""
    ids = ("aaa-later", *history.customers.ids, "zzz-later")
    with_later = replace(history, customers=Vocabulary(ids), customer=history.customer + 1)
    again = spec_of(name).fit(with_later)
    assert np.array_equal(
        again.opinion.scores(everyone(history) + 1), fitted.opinion.scores(everyone(history))
    )


def test_a_customer_without_history_is_answered_without_an_error(name):
    log = log_of([*LINES, ("o", "zoe", "tea-green", 1.0, 120.5)])
    # Zoe's only order lies after the moment of looking: she is in the vocabulary, with nothing behind her.
    history = PurchaseHistory.at(log.until(int(NOW * 86400) - 86400), int(NOW * 86400))
    zoe = np.array([log.customers.position("zoe")], np.int32)
    scores = spec_of(name).fit(history).opinion.scores(zoe)
    assert np.isfinite(scores).all()
    if name != "best_sellers":
        assert (scores <= 0).all()


def test_an_item_that_was_never_bought_is_never_proposed(name):
    log = log_of([*LINES, ("o", "zoe", "unicorn", 1.0, 120.5)])
    history = PurchaseHistory.at(log.until(int(NOW * 86400) - 86400), int(NOW * 86400))
    table = lists_of(name, spec_of(name).fit(history), history)
    assert history.items.position("unicorn") not in table.items


def test_saved_and_loaded_equals_fitted(name, fitted, tmp_path):
    save_model(fitted, tmp_path)
    assert same(fitted, load_model(FITTED[name], tmp_path))


def test_the_settings_can_be_read_off_the_model(name):
    spec = spec_of(name)
    assert all(f"{field.name}={getattr(spec, field.name)!r}" in repr(spec) for field in fields(spec))


def test_it_finds_the_planted_tastes(name, fitted, history):
    """Tea customers get tea things; best sellers, who know no taste, are the exception that shows it."""
    table = lists_of(name, fitted, history, length=4)
    own_taste = [
        history.items.ids[item].startswith(history.customers.ids[row].split("-")[0] + "-")
        for row, ranked in enumerate(table)
        for item in ranked.first(4).items
    ]
    share = np.mean(own_taste)
    if name == "best_sellers":
        assert share < 0.6
    else:
        assert share > 0.8


def test_an_empty_history_is_learned_without_an_error(name):
    empty: OrderLog = log_of([("o", "ann", "tea", 1.0, 1.0)]).until(0)
    fitted = spec_of(name).fit(PurchaseHistory.at(empty, 0))
    assert (fitted.opinion.scores(np.zeros(1, np.int32)) <= 0).all()


@pytest.mark.parametrize("name", [name for name in MODELS if name in ("co_purchase", "item_knn")])
def test_related_items_are_of_the_same_taste(name, history):
    fitted = spec_of(name).fit(history)
    assert isinstance(fitted, RelatesItems)
    relation = fitted.neighbours.relation
    assert (relation.data > 0).all()
    assert relation.diagonal().sum() == 0
    for taste, items in TASTES.items():
        strongest = relation[[history.items.position(items[0])], :].toarray().argmax()
        assert history.items.ids[strongest].startswith(taste)
