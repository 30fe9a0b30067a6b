"""`cartlift evaluate`, and that what it judges knows nothing of the future."""

import json
import tomllib
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import planted_shop
from recommender.data.history import DAY
from recommender.errors import ConfigError
from recommender.evaluation.evaluation import OURS
from recommender.evaluation.leaks import another_future
from recommender.evaluation.reranked import PLAIN, settings_to_price
from recommender.ranking.reranking import Reranking
from recommender.settings_file import parse_section
from recommender.training import evaluation as evaluation_module
from recommender.training.commands.evaluate import lengths_of
from recommender.training.evaluation import evaluation_of, past_lists
from recommender.training.leak_check import check_leaks
from recommender.training.learning import THIS_MACHINE, learn
from recommender.training.learning_settings import EvaluationSettings
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import read_orders
from tests.commands import cartlift

QUICK_TOML = """
[models.als]
factors = 8
iterations = 3

[ranker]
windows = 1
trees = 10
fewest_customers = 20
"""
QUICK = parse_section(Settings, tomllib.loads(QUICK_TOML), "quick.toml")
"""Settings that learn in a moment, with every part of the product at work."""

SHOP = planted_shop(customers=60)
LAST = SHOP["ordered_at"].max()


def line(**changes):
    """An order line like the shop's first, but for these changes; by default after the cut."""
    first = SHOP.row(0, named=True) | {"order_id": "late", "ordered_at": LAST - timedelta(days=20)} | changes
    return pl.DataFrame([first], schema=SHOP.schema)


LINES = pl.concat([SHOP, line(order_id="at-the-cut", ordered_at=LAST - timedelta(days=28))])
"""The history until the cut ends in the very second of the cut."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    LINES.write_parquet(folder / "orders.parquet")
    (folder / "quick.toml").write_text(QUICK_TOML)
    return folder


@pytest.fixture(scope="module")
def read(shop):
    return read_orders([shop / "orders.parquet"], Settings())


@pytest.fixture(scope="module")
def evaluation(read):
    return evaluation_of(read, QUICK, progress=Silent())


def by_id(evaluation):
    """Every judged list of ours by the customer's id: item ids, scores, sources and flags."""
    items, found = evaluation.catalog.items.ids, {}
    for window, table in zip(evaluation.windows, evaluation.lists[OURS], strict=True):
        for customer, row in zip(window.customers, table, strict=True):
            columns = (row.scores, row.sources, row.bought)
            found[window.cut, evaluation.customers.ids[customer]] = (
                [items[item] for item in row.items],
                *(column.tobytes() for column in columns),
            )
    return found


PLANTED = {
    "a purchase": line(quantity=50),
    "a return of an earlier purchase": line(quantity=-1),
    "a customer nobody knew": line(customer_id="aaa"),
    "an item nobody knew": line(item_id="aaa", title="Never seen", category="tea"),
    "another price": line(unit_price=999.0),
    "a hundred orders of one item": pl.concat([line(order_id=f"late-{n}") for n in range(100)]),
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_what_comes_after_the_cut_changes_no_list(evaluation, planted, tmp_path):
    pl.concat([LINES, planted]).write_parquet(tmp_path / "orders.parquet")
    other = evaluation_of(read_orders([tmp_path / "orders.parquet"], Settings()), QUICK, progress=Silent())
    lists, others = by_id(evaluation), by_id(other)
    assert len(lists) > 30
    assert {key: others[key] for key in lists} == lists


def test_another_future_changes_nothing_that_carts_are_answered_from(read, evaluation):
    cut, customers = evaluation.windows[0].cut, evaluation.windows[0].customers
    orders, catalog = another_future(read.orders, read.catalog, cut, seed=0)
    made_up = replace(read, orders=orders, catalog=catalog)
    as_it_was = past_lists(read, QUICK, cut, customers, Silent()).for_cart
    # The other vocabularies hold one more id, the first; and it has no orders.
    other = past_lists(made_up, QUICK, cut, customers + 1, Silent()).for_cart
    for name in ("together", "similar", "orders"):
        one, moved = getattr(as_it_was, name), getattr(other, name)
        assert len(one.items) > 100
        assert (moved.items - 1).tolist() == one.items.tolist()
        assert moved.scores.tobytes() == one.scores.tobytes()


def test_the_same_line_before_the_cut_changes_lists(evaluation, tmp_path):
    early = line(ordered_at=LAST - timedelta(days=40), order_id="early")
    pl.concat([LINES, *[early.with_columns(order_id=pl.lit(f"early-{n}")) for n in range(9)]]).write_parquet(
        tmp_path / "orders.parquet"
    )
    other = evaluation_of(read_orders([tmp_path / "orders.parquet"], Settings()), QUICK, progress=Silent())
    assert by_id(other) != by_id(evaluation)


def test_availability_and_later_releases_change_no_list(read, evaluation):
    n = len(read.catalog.items)
    catalog = replace(
        read.catalog,
        available=np.arange(n) % 2 == 0,
        released_at=np.full(n, read.orders.last_time),
        price=np.full(n, 5.0, np.float32),
    )
    other = evaluation_of(replace(read, catalog=catalog), QUICK, progress=Silent())
    assert by_id(other) == by_id(evaluation)


def test_the_lists_judged_are_those_that_would_have_been_published(read, evaluation):
    cut = evaluation.windows[0].cut
    then = replace(read, orders=read.orders.until(cut))
    assert then.orders.last_time == cut
    snapshot = train(then, QUICK, now=datetime(2026, 8, 1, tzinfo=UTC), progress=Silent())
    published = {
        snapshot.customers.ids[customer]: (
            [snapshot.catalog.items.ids[item] for item in row.items],
            *(column.tobytes() for column in (row.scores, row.sources, row.bought)),
        )
        for customer, row in enumerate(snapshot.lists.recommended)
    }
    judged = {customer: row for (_, customer), row in by_id(evaluation).items()}
    assert {customer: published[customer] for customer in judged} == judged


def test_each_window_is_judged_as_if_it_were_the_last(read):
    settings = replace(QUICK, evaluation=EvaluationSettings(windows=2))
    both = evaluation_of(read, settings, progress=Silent())
    earlier = both.windows[1].cut + 28 * DAY
    then = replace(read, orders=read.orders.until(earlier))
    alone = past_lists(then, settings, both.windows[1].cut, both.windows[1].customers, Silent())
    assert both.windows[0].cut - both.windows[1].cut == 28 * DAY
    assert np.array_equal(alone.lists.items, both.lists[OURS][1].items)
    assert np.array_equal(alone.lists.scores, both.lists[OURS][1].scores)


def test_a_model_that_saw_the_future_is_refused(read):
    def careless(orders, catalog, settings, *, now, progress, earlier):
        return learn(read.orders, read.catalog, settings, now=read.orders.last_time, progress=progress)

    with pytest.raises(ValueError, match="learned from holds orders from after the cut"):
        evaluation_of(read, QUICK, progress=Silent(), learner=replace(THIS_MACHINE, learn=careless))


def test_the_leak_check_finds_nothing_in_a_sound_shop(read):
    leaks = check_leaks(read, QUICK, progress=Silent(), customers=40)
    assert (leaks.lists, leaks.differing) == (40, 0)
    assert leaks.changed_lines > 20


def test_the_leak_check_finds_a_leak(read, monkeypatch):
    """Without the look back, what is on sale today decides what could be recommended then."""
    monkeypatch.setattr(evaluation_module, "past_catalog", lambda catalog, past, cut: catalog)
    leaks = check_leaks(read, QUICK, progress=Silent(), customers=40)
    assert leaks.differing > 20


def test_guests_orders_are_sampled_too(tmp_path):
    guests = pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise(pl.col("customer_id"))
    LINES.with_columns(customer_id=guests).write_parquet(tmp_path / "orders.parquet")
    found = read_orders([tmp_path / "orders.parquet"], Settings())
    leaks = check_leaks(found, QUICK, progress=Silent(), customers=30)
    assert (leaks.lists, leaks.differing) == (30, 0)


def test_a_short_history_is_not_checked(tmp_path):
    planted_shop(customers=30, days=40).write_parquet(tmp_path / "orders.parquet")
    found = read_orders([tmp_path / "orders.parquet"], Settings())
    assert check_leaks(found, QUICK, progress=Silent()) is None


def evaluate(*words, folder, expect=0):
    return cartlift(
        "evaluate", "orders.parquet", "--config", "quick.toml", *words, folder=folder, expect=expect
    )


def test_it_prints_tables_and_writes_json(shop):
    told = evaluate("--windows", "2", "--check-leaks", "--json", "out.json", folder=shop)
    for words in (
        "and 1 window before",
        "all purchases",
        "next order",
        "MAP",
        "Health of the lists",
        "orders before the cut",
        "category of most purchases",
        "Repeats are",
        "No leak",
        "a guest's cart",
        "orders in common",
        "What re-ranking costs",
        "diversity = 0.5",
    ):
        assert words in told.out
    assert "…" not in told.out  # nothing is cut off at 80 columns
    found = json.loads((shop / "out.json").read_text())
    assert len(found["verdict"]["cuts"]) == 2
    assert [at["k"] for at in found["verdict"]["tasks"][0]["at"]] == [5, 10, 20]
    assert found["trade_off"][0]["length"] == 1
    assert {row["name"] for row in found["cross_sell"]} == {"best sellers", "orders in common"}
    dials = {dial["name"] for dial in found["reranking"]["dials"]}
    assert dials == settings_to_price(Reranking()).keys() - {PLAIN}
    assert found["leak_check"]["differing"] == 0


def test_its_figures_are_those_of_the_snapshot(read, evaluation):
    snapshot = train(read, QUICK, now=datetime(2026, 8, 1, tzinfo=UTC), progress=Silent())
    assert snapshot.manifest.figures == json.loads(json.dumps(asdict(evaluation.verdict())))


def test_settings_are_compared_on_the_same_customers(shop):
    (shop / "same.toml").write_text(QUICK_TOML + "[lists]\nlength = 50\n")
    # What was sold a day before the cut is hardly anything: the lists must be poor.
    (shop / "poor.toml").write_text(QUICK_TOML + "[lists]\nretired_after_days = 1\n")
    # Items that only these settings do not know are misses; the customers and their purchases stay.
    (shop / "few.toml").write_text(QUICK_TOML + "[lists]\nmin_item_lines = 30\n")
    files = [word for name in ("same", "poor", "few") for word in ("--compare", f"{name}.toml")]
    found = evaluate(*files, "--json", "-", folder=shop).json
    rows = {(row["task"], row["name"]): row for row in found["comparisons"]}
    same, poor, few = (rows["all", f"{name}.toml"] for name in ("same", "poor", "few"))
    assert (same["difference"]["low"], same["difference"]["high"], same["p_holm"]) == (0, 0, 1)
    assert poor["difference"]["high"] < 0
    assert poor["p_holm"] < 0.05
    assert {row["customers"] for row in (same, poor, few)} == {found["verdict"]["tasks"][0]["customers"]}
    assert found["health_of_others"]["poor.toml"]["coverage"] < found["verdict"]["health"]["coverage"]


def test_as_if_today_were_then(shop):
    until = (LAST - timedelta(days=28)).date().isoformat()
    found = evaluate("--until", until, "--json", "-", folder=shop).json
    assert found["verdict"]["cut"] <= (LAST - timedelta(days=55)).timestamp()


MISTAKES = [
    (["--k", "0"], 2, "--k '0'"),
    (["--k", "ten"], 2, "from 1 to 1000"),
    (["--windows", "0"], 2, "--windows"),
    (["--json", "nowhere/x.json"], 2, "no folder nowhere"),
    (["--compare", "missing.toml"], 2, "missing.toml"),
    (["--until", "2026-02-20"], 3, "nothing can be judged"),
]


@pytest.mark.parametrize(("words", "code", "said"), MISTAKES, ids=[" ".join(words) for words, *_ in MISTAKES])
def test_mistakes_are_told(shop, words, code, said):
    told = evaluate(*words, folder=shop, expect=code).err
    assert said in " ".join(told.split())


def test_lengths_are_sorted_and_unique():
    assert lengths_of("20, 5,5") == (5, 20)
    with pytest.raises(ConfigError, match="1001"):
        lengths_of("1001")
