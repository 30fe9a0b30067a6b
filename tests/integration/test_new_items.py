"""Items that nobody has bought yet, from the item file to the answer."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import TASTES, planted_shop
from recommender.data.newcomers import NewItems
from recommender.ranking.build import of_mode
from recommender.ranking.lists import SOURCES
from recommender.ranking.ranker import Ranker
from recommender.ranking.reranking import Reranking
from recommender.training.leak_check import check_leaks
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import read_orders

NOW = datetime(2026, 8, 1, tzinfo=UTC)
NEW = {"tea-tin": ("Tin for tea leaves", "tea"), "hand-drill": ("Hand drill and saw", "diy"),
       "rose-seeds": ("Rose seeds and potting soil", "garden")}  # fmt: skip
OLD_AND_UNSOLD = ("dusty-kettle", "Kettle for tea", "tea")
LENGTH = 10
DEFAULTS = Settings()


def items_of_orders():
    titles = [(title, taste) for taste, several in TASTES.items() for title in several]
    return [(title.lower().replace(" ", "-"), title, taste, None) for title, taste in titles]


def item_rows(released="2026-07-15"):
    new = [(item, *said, released) for item, said in NEW.items()]
    return [*items_of_orders(), *new, (*OLD_AND_UNSOLD, "2024-01-01" if released else None)]


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    path = tmp_path_factory.mktemp("new_items") / "orders.parquet"
    planted_shop(customers=150).write_parquet(path)
    return path


def read(orders, rows, settings=DEFAULTS):
    path = orders.with_name("items.csv")
    columns = ("item_id", "title", "category", "released_at")
    pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row").write_csv(path)
    return read_orders([orders], settings, items=path)


def trained(orders, rows, **settings):
    wanted = Settings(**settings)
    return train(read(orders, rows, wanted), wanted, now=NOW, progress=Silent())


@pytest.fixture(scope="module", params=["ranker", "blend"])
def snapshot(request, orders):
    return trained(orders, item_rows(), ranker=Ranker(windows=3 if request.param == "ranker" else 0))


def discoveries(snapshot, taste):
    """Ids of the first discoveries of each customer of a taste."""
    lists = of_mode(snapshot.lists.recommended, "discover", LENGTH)
    ids = snapshot.catalog.items.ids
    at = [n for n, id_ in enumerate(snapshot.customers.ids) if id_.startswith(f"{taste}-")]
    return [[ids[item] for item in lists.row(n).items] for n in at]


@pytest.mark.parametrize("new", NEW)
def test_of_the_new_items_the_one_of_the_customers_taste_comes_first(snapshot, new):
    first = [next(item for item in found if item in NEW) for found in discoveries(snapshot, NEW[new][1])]
    assert np.mean([item == new for item in first]) > 0.9


def test_its_source_says_that_it_comes_from_what_is_said_of_it(snapshot):
    recommended = snapshot.lists.recommended
    at = snapshot.catalog.items.position("tea-tin")
    assert {SOURCES[source] for source in recommended.sources[recommended.items == at]} == {"content"}


def similar_to(snapshot, item):
    ids = snapshot.catalog.items.ids
    return [ids[at] for at in snapshot.lists.similar.row(snapshot.catalog.items.position(item)).items]


@pytest.mark.parametrize("new", NEW)
def test_the_page_of_a_new_item_shows_what_its_taste_buys(snapshot, new):
    known = [item for item, _, taste, _ in items_of_orders() if taste == NEW[new][1]]
    # The carrier bag, which everybody buys, may be among them.
    sold = [item for item in similar_to(snapshot, new) if item not in {*NEW, "carrier-bag"}]
    assert {*sold[:5]} <= {*known}


def test_a_new_item_is_shown_on_the_pages_of_what_it_is_like_and_not_before_its_share(snapshot):
    pages = [item for item, *_ in items_of_orders() if "tea-tin" in similar_to(snapshot, item)[:LENGTH]]
    assert {"tea-pot", "black-tea"} <= {*pages}
    for row in (similar_to(snapshot, item) for item in pages):
        sold = [item for item in row if item not in NEW]
        assert row[: LENGTH - 1] == sold[: LENGTH - 1] or len(sold) < LENGTH


def test_what_was_released_long_ago_and_never_sold_stays_out(snapshot):
    assert OLD_AND_UNSOLD[0] not in snapshot.catalog.items


def test_items_without_a_release_date_are_new_only_if_asked_for(orders):
    blend = Ranker(windows=0)
    rows = item_rows(released=None)
    assert not {*NEW} & {*trained(orders, rows, ranker=blend).catalog.items.ids}
    asked = trained(orders, rows, ranker=blend, new_items=NewItems(undated=True))
    assert {*NEW, OLD_AND_UNSOLD[0]} <= {*asked.catalog.items.ids}


def test_an_item_file_without_newcomers_leaves_every_list_as_it_was(orders):
    without = trained(orders, items_of_orders())
    undated = trained(orders, item_rows(released=None))
    switched_off = trained(orders, item_rows(), new_items=NewItems(within_days=0))
    no_share = trained(orders, items_of_orders(), reranking=Reranking(new_item_share=0))
    for other in (undated, switched_off, no_share):
        assert other.catalog.items == without.catalog.items
        for name in ("recommended", "similar", "bought_together", "best_sellers"):
            one, same = getattr(without.lists, name), getattr(other.lists, name)
            for column in ("starts", "items", "scores", "sources", "bought"):
                assert np.array_equal(getattr(one, column), getattr(same, column)), (name, column)


def test_nothing_that_is_said_or_released_later_reaches_an_earlier_list(orders):
    check = check_leaks(read(orders, item_rows()), Settings(ranker=Ranker(windows=0)), progress=Silent())
    assert check.changed_lines > 0
    assert check.differing == 0


def test_the_finding_says_what_becomes_of_items_never_sold(orders):
    found = read(orders, item_rows()).findings.get("never_sold")
    assert found.count == 4
    assert found.action == "3 new ones can be recommended, the others are left out"
    without = read(orders, item_rows(released=None)).findings.get("never_sold")
    assert without.action == "left out, unless it is new"
