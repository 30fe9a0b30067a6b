"""From an export to a published list, by the command line, on a shop whose tastes are known."""

import csv
import json

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import EVERYBODY, TASTES, planted_shop
from tests.commands import cartlift

TASTE_OF = {title.lower().replace(" ", "-"): taste for taste, titles in TASTES.items() for title in titles}
BAG = EVERYBODY.lower().replace(" ", "-")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with a shop's export in two files, and a snapshot trained on it."""
    folder = tmp_path_factory.mktemp("shop")
    lines = planted_shop()
    (folder / "orders").mkdir()
    half = lines.height // 2
    lines[:half].write_csv(folder / "orders" / "a.csv")
    lines[half:].write_csv(folder / "orders" / "b.csv")
    cartlift("train", "orders", "--snapshot", "snapshots/1", folder=folder)
    return folder


def test_the_manifest_counts_what_was_exported(shop):
    lines = planted_shop()
    manifest = cartlift("inspect", "snapshots/1", "--json", folder=shop).json
    assert manifest["counts"]["customers"] == lines["customer_id"].n_unique()
    assert manifest["counts"]["items"] == lines["item_id"].n_unique()
    assert manifest["counts"]["orders"] == lines["order_id"].n_unique()
    assert manifest["data_until"] == lines["ordered_at"].max().strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_lists_beat_best_sellers_by_far(shop):
    figures = cartlift("inspect", "snapshots/1", "--json", folder=shop).json["figures"]
    of = {task["task"]: task for task in figures["tasks"]}
    assert of["all"]["ndcg"]["mean"] > 1.5 * of["all"]["baseline_ndcg"]["mean"]
    assert of["all"]["gain"]["low"] > 0


def test_customers_are_shown_things_of_their_taste(shop):
    cartlift(
        "export", "snapshots/1", "--list", "recommended", "-n", "5", "--to", "lists.parquet", folder=shop
    )
    lists = pl.read_parquet(shop / "lists.parquet")
    assert lists.columns == ["customer_id", "rank", "item_id", "score", "source"]
    own = [
        TASTE_OF.get(item) == customer.split("-")[0]
        for customer, item in lists["customer_id", "item_id"].iter_rows()
        if item != BAG
    ]
    assert np.mean(own) > 0.95


def test_things_bought_together_are_of_one_taste(shop):
    cartlift(
        "export", "snapshots/1", "--list", "bought-together", "-n", "3", "--to", "together.csv", folder=shop
    )
    with (shop / "together.csv").open() as file:
        rows = list(csv.DictReader(file))
    pairs = [
        (row["anchor_id"], row["item_id"]) for row in rows if BAG not in (row["anchor_id"], row["item_id"])
    ]
    assert pairs
    assert np.mean([TASTE_OF[a] == TASTE_OF[b] for a, b in pairs]) > 0.95


@pytest.mark.parametrize(("mode", "repeats"), [("repeat", True), ("discover", False)])
def test_modes_hold_what_they_say(shop, mode, repeats):
    to = shop / f"{mode}.ndjson"
    cartlift("export", "snapshots/1", "--list", "recommended", "--mode", mode, "--to", to, folder=shop)
    bought = set(planted_shop()["customer_id", "item_id"].iter_rows())
    listed = [json.loads(line) for line in to.read_text().splitlines()]
    assert listed
    assert all(((place["customer_id"], place["item_id"]) in bought) is repeats for place in listed)


def test_categories_have_best_sellers_of_their_own(shop):
    cartlift("export", "snapshots/1", "--list", "best-sellers", "-n", "3", "--to", "best.ndjson", folder=shop)
    places = [json.loads(line) for line in (shop / "best.ndjson").read_text().splitlines()]
    assert {place["category"] for place in places} == {None, "bags", *TASTES}
    assert all(TASTE_OF[p["item_id"]] == p["category"] for p in places if p["category"] in TASTES)


def test_the_same_orders_give_the_same_snapshot_however_they_are_cut_into_files(shop):
    lines = planted_shop()
    (shop / "shuffled").mkdir()
    lines.sample(fraction=1.0, shuffle=True, seed=7).write_parquet(shop / "shuffled" / "all.parquet")
    again = cartlift("train", "shuffled", "--snapshot", "snapshots/again", "--json", folder=shop).json
    assert again["snapshot"] == cartlift("inspect", "snapshots/1", "--json", folder=shop).json["snapshot"]


def test_later_orders_change_nothing_that_was_known_before(shop):
    """`--until` on the whole export gives the very snapshot of an export that ends then."""
    lines = planted_shop()
    end = lines["ordered_at"].sort()[lines.height * 3 // 4]
    lines.filter(pl.col("ordered_at") <= end).write_parquet(shop / "early.parquet")
    early = cartlift("train", "early.parquet", "--snapshot", "snapshots/early", "--json", folder=shop).json
    until = ("--until", end.isoformat())
    cut = cartlift("train", "orders", *until, "--snapshot", "snapshots/cut", "--json", folder=shop).json
    assert cut["snapshot"] == early["snapshot"]


def test_publish_roll_back_and_list(shop):
    state = ("--state", "redis")
    first = cartlift("publish", "snapshots/1", *state, "--json", folder=shop).json
    cartlift("train", "orders", "--until", "2026-06-01", "--snapshot", "snapshots/2", folder=shop)
    second = cartlift("publish", "snapshots/2", *state, "--force", "--json", folder=shop).json
    assert second["previous"] == first["snapshot"]
    assert cartlift("rollback", *state, "--json", folder=shop).json["snapshot"] == first["snapshot"]
    stored = cartlift("snapshots", *state, "--json", folder=shop).json["snapshots"]
    assert [(s["snapshot"], s["state"]) for s in stored] == [
        (first["snapshot"], "active"),
        (second["snapshot"], "previous"),
    ]


MISTAKES = [
    (["train", "orders", "--snapshot", "snapshots/1"], 2, "never overwritten"),
    (["train", "nowhere.csv", "--snapshot", "new"], 3, "nowhere.csv"),
    (["train", "orders", "--snapshot", "new", "--until", "yesterday"], 2, "--until 'yesterday'"),
    (["train", "orders", "--snapshot", "new", "--until", "1999-01-01"], 3, "the first one is of 2026-01-01"),
    (["export", "snapshots/1", "--list", "similar", "--to", "lists.xml"], 2, ".parquet, .csv, .ndjson"),
    (["export", "snapshots/1", "--list", "similar", "--to", "no/such/folder/x.csv"], 2, "no/such/folder"),
    (["inspect", "orders"], 4, "cartlift train"),
    (["publish", "snapshots/1", "--redis", "redis://127.0.0.1:1/0"], 4, "127.0.0.1"),
    (["publish", "snapshots/1", "--shop", "my shop"], 2, "shop"),
    (["rollback", "--state", "empty"], 4, "no previous"),
    (["recommend"], 2, "No such command"),
    (["train", "orders"], 2, "--snapshot"),
]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    MISTAKES,
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_costs_one_line_and_a_documented_exit_code(shop, words, code, said):
    ended = cartlift(*words, folder=shop, expect=code)
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not (shop / "new").exists()
