"""Updates: what changed is made anew, the rest is carried over, and all of it is as after a full run."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from benchmarks.datasets import planted_shop
from benchmarks.incremental import overlaps
from recommender.ranking.reasons import KINDS
from recommender.snapshot.directory import load_snapshot, read_manifest, write_snapshot
from recommender.snapshot.manifest import Made, Updated
from recommender.training import pipeline
from recommender.training.commands import update as command
from recommender.training.commands.publish import REFUSED
from recommender.training.order_store import OrderStore
from recommender.training.pipeline import timed, train
from recommender.training.progress import Silent
from recommender.training.settings import load_settings
from recommender.training.sources import read_orders
from recommender.training.sources.canonical import open_orders
from recommender.training.update import GoesOn, StartsAnew, start_of, update

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FIRST_DAY = datetime(2026, 1, 1)
QUICK = """
[evaluation]
days = 14
[ranker]
windows = 2
fewest_customers = 50
trees = 20
leaves = 7
[models.als]
factors = 32
[models.als_long_term]
factors = 32
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A shop of 199 days and what came on the day after, as files; and settings that learn quickly."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "cartlift.toml").write_text(QUICK)
    orders = planted_shop(customers=120)
    last = pl.col("ordered_at") >= orders["ordered_at"].max()
    orders.filter(~last).write_parquet(folder / "before.parquet")
    orders.filter(last).write_parquet(folder / "today.parquet")
    return folder


@pytest.fixture(scope="module")
def settings(folder):
    return load_settings(folder / "cartlift.toml")


@pytest.fixture(scope="module")
def before(folder, settings):
    """The snapshot of the day before, as it comes back from disk."""
    made = train(read_orders([folder / "before.parquet"], settings), settings, now=NOW, progress=Silent())
    write_snapshot(timed(made, 60.0), folder / "yesterday")
    return load_snapshot(folder / "yesterday")


@pytest.fixture(scope="module")
def today(folder, settings):
    return read_orders([folder / "before.parquet", folder / "today.parquet"], settings)


@pytest.fixture(scope="module")
def full(today, settings):
    return train(today, settings, now=NOW, progress=Silent())


@pytest.fixture(scope="module")
def updated(today, settings, before):
    return updated_by(today, settings, before)


def updated_by(read, settings, before):
    return update(read, settings, GoesOn(before, before.fingerprints), now=NOW, progress=Silent())


def changed(before, after, axis="customers"):
    """Ids that are known by something else than before, or not known before."""
    then, now = (
        dict(zip(one.customers.ids if axis == "customers" else one.catalog.items.ids,
                 getattr(one.fingerprints, axis).tolist(), strict=True))
        for one in (before, after)
    )  # fmt: skip
    return {id_ for id_ in now if then.get(id_) != now[id_]}


def list_of(snapshot, customer):
    row = snapshot.lists.recommended.row(snapshot.customers.position(customer))
    return [snapshot.catalog.items.ids[item] for item in row.items], row.scores.tolist()


def beside(table, snapshot, item):
    row = table.row(snapshot.catalog.items.position(item))
    return [snapshot.catalog.items.ids[other] for other in row.items], row.scores.tolist()


def orders_with(folder, tmp_path, *lines):
    """The shop with a few lines more: order, customer, item, quantity, day."""
    names = ["order_id", "customer_id", "item_id", "quantity", "day"]
    frame = pl.DataFrame(lines, schema=names, orient="row")
    when = pl.lit(FIRST_DAY) + pl.duration(days=pl.col("day"), hours=12)
    more = frame.with_columns(ordered_at=when, unit_price=2.0).drop("day")
    more.write_parquet(tmp_path / "more.parquet")
    return [folder / "before.parquet", tmp_path / "more.parquet"]


def test_who_ordered_has_a_new_list_and_nobody_else_has(before, updated, today):
    new = changed(before, updated)
    newest = today.orders.ordered_at == today.orders.last_time
    assert new == {today.orders.customers.ids[c] for c in today.orders.customer[newest]}
    assert 0 < len(new) < 20
    for customer in set(updated.customers.ids) - new:
        assert list_of(updated, customer) == list_of(before, customer)
    assert any(list_of(updated, customer) != list_of(before, customer) for customer in new)
    assert updated.manifest.updated.customers == Made(len(new), 120)


def test_items_of_no_new_order_keep_their_lists(before, updated, today):
    new = changed(before, updated, "items")
    newest = today.orders.ordered_at == today.orders.last_time
    assert new == {today.orders.items.ids[item] for item in today.orders.item[newest]}
    for item in set(updated.catalog.items.ids) - new:
        for name in ("similar", "bought_together"):
            after, then = getattr(updated.lists, name), getattr(before.lists, name)
            assert beside(after, updated, item) == beside(then, before, item)
    assert updated.manifest.updated.items == Made(len(new), len(updated.catalog.items))


def test_lists_are_nearly_those_of_a_full_run(before, updated, full):
    """In a shop of few items they are closer than docs/operations.md promises for a large one."""
    found = overlaps(updated.lists.recommended, full.lists.recommended)
    made = np.isin(updated.customers.ids, list(changed(before, updated)))
    assert np.nanmean(found[made]) >= 0.9
    assert np.nanmean(found[~made]) >= 0.9


def test_whatever_is_counted_is_what_a_full_run_counts(updated, full):
    assert updated.manifest.counts == full.manifest.counts
    assert updated.manifest.data_fingerprint == full.manifest.data_fingerprint
    assert updated.findings == full.findings
    for name in ("best_sellers", "past_orders"):
        one, other = getattr(updated.lists, name), getattr(full.lists, name)
        assert np.array_equal(one.items, other.items) and np.array_equal(one.starts, other.starts)
    for name in ("item_knn", "co_purchase"):
        one, other = updated.models[name].neighbours.relation, full.models[name].neighbours.relation
        assert np.array_equal(one.data, other.data)


def test_the_figures_are_those_of_the_last_full_run_and_say_so(before, updated):
    assert updated.manifest.figures == before.manifest.figures is not None
    assert updated.ranker == before.ranker is not None
    assert updated.manifest.ranked_by == before.manifest.ranked_by
    assert updated.manifest.full_seconds == 60.0
    assert updated.manifest.updated == Updated(
        previous=before.snapshot_id,
        full=before.snapshot_id,
        full_until=before.manifest.data_until,
        full_generated_at=before.manifest.generated_at,
        customers=updated.manifest.updated.customers,
        items=updated.manifest.updated.items,
    )


def test_an_update_of_an_update_remembers_the_full_run(today, settings, before, updated, tmp_path):
    second = write_snapshot(updated, tmp_path / "second")
    third = updated_by(today, settings, load_snapshot(tmp_path / "second"))
    assert third.manifest.updated.previous == second.snapshot_id != before.snapshot_id
    assert third.manifest.updated.full == before.snapshot_id
    assert third.manifest.updated.customers == Made(0, 120)
    assert third.manifest.updated.items.made == 0


def test_reasons_and_evidence_stand_beside_the_places_that_they_are_of(updated, today):
    table, reasons, ids = updated.lists.recommended, updated.lists.reasons, updated.catalog.items.ids
    bought = {}
    for customer, item in zip(today.orders.customer, today.orders.item, strict=True):
        whose = today.orders.customers.ids[customer]
        bought.setdefault(whose, set()).add(today.orders.items.ids[item])
    for row, item, was_bought, kind, value in zip(
        table.row_of_place(), table.items, table.bought, reasons.kinds, reasons.values, strict=True
    ):
        own, name = bought[updated.customers.ids[row]], KINDS[kind]
        assert was_bought == (ids[item] in own) == (name in ("bought_again", "bought_before"))
        if name == "because_you_bought":
            assert ids[value] in own
    baskets = {}
    for order, item in zip(today.orders.order, today.orders.item, strict=True):
        baskets.setdefault(order, set()).add(today.orders.items.ids[item])
    together, evidence = updated.lists.bought_together, updated.lists.evidence
    # Evidence of a pair that no new order holds is as it was, so it must be right for all of them.
    for row, item, orders in zip(together.row_of_place(), together.items, evidence.orders, strict=True):
        assert orders == sum({ids[row], ids[item]} <= basket for basket in baskets.values())


def test_a_return_of_an_old_order_makes_the_list_anew(folder, settings, before, tmp_path):
    orders = pl.read_parquet(folder / "before.parquet").filter(pl.col("customer_id") == "tea-003")
    old = orders.row(0, named=True)
    lines = ("back", "tea-003", old["item_id"], -1, 198)
    after = updated_by(read_orders(orders_with(folder, tmp_path, lines), settings), settings, before)
    assert changed(before, after) == {"tea-003"}
    assert old["item_id"] in changed(before, after, "items")


def test_new_customers_and_new_items_have_lists(folder, settings, before, tmp_path):
    lines = [(f"n{n}", f"new-{n}", item, 1, 198) for n in range(8) for item in ("aaa-cosy", "green-tea")]
    after = updated_by(read_orders(orders_with(folder, tmp_path, *lines), settings), settings, before)
    items = list_of(after, "new-3")[0]
    assert items and len(set(items)) == len(items)
    # The new item is the first of all, so every other one has moved.
    assert after.catalog.items.ids[0] == "aaa-cosy"
    assert "green-tea" in beside(after.lists.bought_together, after, "aaa-cosy")[0]
    for customer in set(before.customers.ids):
        assert list_of(after, customer) == list_of(before, customer)
    because = after.lists.reasons.kinds == KINDS.index("because_you_bought")
    assert because.any() and (after.lists.reasons.values[because] > 0).all()


def test_what_went_off_sale_is_in_no_list_although_its_customers_did_nothing(folder, settings, before):
    read = read_orders([folder / "before.parquet"], settings)
    gone = read.catalog.items.ids.index("hammer")
    off_sale = replace(
        read, catalog=replace(read.catalog, available=np.arange(len(read.catalog.items)) != gone)
    )
    after = updated_by(off_sale, settings, before)
    assert changed(before, after) == set()
    for table in (after.lists.recommended, after.lists.similar, after.lists.bought_together):
        assert after.catalog.items.position("hammer") not in table.items
    had = {customer for customer in before.customers.ids if "hammer" in list_of(before, customer)[0]}
    assert after.manifest.updated.customers.made == len(had) > 20
    for customer in set(before.customers.ids) - had:
        assert list_of(after, customer) == list_of(before, customer)


def test_an_update_written_and_read_is_whole(updated, tmp_path):
    written = write_snapshot(updated, tmp_path / "update")
    found = load_snapshot(tmp_path / "update")
    assert found.manifest == written.manifest
    assert np.array_equal(found.lists.recommended.items, updated.lists.recommended.items)
    assert np.array_equal(found.fingerprints.customers, updated.fingerprints.customers)


def test_it_goes_on_from_the_day_before(folder, before, today, settings):
    found = start_of(folder / "yesterday", today, settings)
    assert isinstance(found, GoesOn) and found.snapshot.snapshot_id == before.snapshot_id


@pytest.mark.parametrize(
    ("section", "changes", "why"),
    [
        ("ranker", {"trees": 30}, r"the settings have changed since, in \[ranker\]"),
        ("lists", {"length": 20}, r"in \[lists\]"),
        ("update", {"full_every_days": 1.0}, "are 1 days newer than those of the last full run"),
        ("update", {"full_every_days": 0.0}, r"\(\[update\] full_every_days = 0\)"),
    ],
)
def test_settings_ask_for_a_full_run(folder, before, today, settings, section, changes, why):
    other = replace(settings, **{section: replace(getattr(settings, section), **changes)})
    found = start_of(folder / "yesterday", today, other)
    assert isinstance(found, StartsAnew)
    assert re.search(why, found.why)


def test_gate_and_source_do_not_ask_for_a_full_run(folder, before, today, settings):
    other = replace(
        settings,
        gate=replace(settings.gate, min_judged=5),
        source=replace(settings.source, timezone="Europe/Paris"),
    )
    assert isinstance(start_of(folder / "yesterday", today, other), GoesOn)


def test_another_version_asks_for_a_full_run(folder, before, today, settings, monkeypatch):
    monkeypatch.setattr(pipeline, "_LIBRARIES", ("numpy",))
    assert isinstance(start_of(folder / "yesterday", today, settings), GoesOn)
    monkeypatch.setattr(pipeline, "version", lambda name: "99")
    found = start_of(folder / "yesterday", today, settings)
    assert "versions have changed since: cartlift 0.1.0 → 99, numpy" in found.why


def test_without_a_usable_snapshot_everything_is_made(folder, before, today, settings, tmp_path):
    assert "no snapshot to go on from" in start_of(None, today, settings).why
    assert "holds no snapshot" in start_of(tmp_path, today, settings).why
    write_snapshot(replace(before, fingerprints=None), tmp_path / "plain")
    assert "what its lists went by" in start_of(tmp_path / "plain", today, settings).why
    (tmp_path / "plain" / "items.parquet").write_bytes(b"")
    assert "is not what was written" in start_of(tmp_path / "plain", today, settings).why


def test_a_snapshot_of_newer_orders_is_not_gone_on_from(folder, today, settings, full, tmp_path):
    write_snapshot(full, tmp_path / "newer")
    older = read_orders([folder / "before.parquet"], settings)
    assert "newer than the order store's" in start_of(tmp_path / "newer", older, settings).why


def run(*words, expect=0):
    done = CliRunner().invoke(command.update, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code == expect, done.output + done.stderr
    return done


@pytest.fixture(scope="module")
def nights(folder, tmp_path_factory, before):
    """Two nights of the command line, in one folder: the first is a full run."""
    place = tmp_path_factory.mktemp("nights")
    words = ("--config", folder / "cartlift.toml", "--store", place / "store", "--json")
    first = run(folder / "before.parquet", *words, "--snapshot", place / "1")
    second = run(folder / "today.parquet", *words, "--from", place / "1", "--snapshot", place / "2")
    return place, json.loads(first.stdout), json.loads(second.stdout)


def test_the_first_night_is_a_full_run_and_the_second_an_update(nights, before, updated):
    place, first, second = nights
    assert first["full"] == "no snapshot to go on from was named"
    assert first["snapshot"]["snapshot"] == before.snapshot_id
    assert second["full"] is None
    assert second["added"]["parts"] == 1
    manifest = read_manifest(place / "2")
    assert json.loads(msgspec.json.encode(manifest)) == second["snapshot"]
    assert manifest.updated.customers == updated.manifest.updated.customers
    assert manifest.full_seconds == first["seconds"]
    found = load_snapshot(place / "2")
    assert np.array_equal(found.lists.recommended.items, updated.lists.recommended.items)


def test_it_says_what_was_made_and_why(nights, folder, tmp_path):
    place, first, _ = nights
    words = ("--config", folder / "cartlift.toml", "--store", place / "store")
    told = run(folder / "today.parquet", *words, "--from", place / "2", "--snapshot", tmp_path / "3").stdout
    assert "today.parquet was there already: nothing of it was added" in told
    assert "lists made for 0 of 120 customers and 0 of 25 items, the others carried over" in told
    assert f"Of the full run {first['snapshot']['snapshot']}" in told
    assert "the ranker, what relations are worth in a cart, and the verdict" in told


def test_without_orders_lists_are_made_of_the_store(nights, folder, tmp_path):
    place, _, _ = nights
    words = ("--config", folder / "cartlift.toml", "--json")
    again = run(*words, "--store", place / "store", "--from", place / "2", "--snapshot", tmp_path / "3")
    assert json.loads(again.stdout)["added"] is None


def test_published_at_once_past_the_gate(nights, folder, tmp_path, redis_url, redis_client):
    place, _, _ = nights
    words = ("--config", folder / "cartlift.toml", "--store", place / "store", "--json")
    live = ("--publish", "--redis", redis_url, "--shop", "nightly")
    strict = tmp_path / "strict.toml"
    strict.write_text(QUICK + "[gate]\nmax_data_age_days = 1\n")
    refused = run(
        "--config", strict, "--store", place / "store", "--json",
        "--from", place / "2", "--snapshot", tmp_path / "4", *live, expect=REFUSED,
    )  # fmt: skip
    said = json.loads(refused.stdout)
    assert said["published"] is None and "max_data_age_days" in str(said["refused"])
    assert read_manifest(tmp_path / "4").snapshot == said["snapshot"]["snapshot"]
    published = run(*words, "--from", place / "2", "--snapshot", tmp_path / "3", *live)
    assert json.loads(published.stdout)["published"]["snapshot"] == said["snapshot"]["snapshot"]


def test_killed_while_learning_the_next_call_goes_on(nights, folder, tmp_path, monkeypatch):
    """The orders are in the store by then; the lists that they change are made by the next call."""
    place, _, second = nights
    words = ("--config", folder / "cartlift.toml", "--store", tmp_path / "store", "--json")
    store = OrderStore(tmp_path / "store")
    settings = load_settings(folder / "cartlift.toml")
    with store.locked():
        orders = open_orders([folder / "before.parquet"], settings.source, None)
        store.add(orders, settings.source, progress=Silent())

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(command, "carry_over", killed)
        asked = (folder / "today.parquet", *words, "--from", place / "1", "--snapshot", tmp_path / "2")
        CliRunner().invoke(command.update, [*map(str, asked)])
    assert not (tmp_path / "2").exists()
    assert len(store.manifest.parts) == 2
    again = run(folder / "today.parquet", *words, "--from", place / "1", "--snapshot", tmp_path / "2")
    assert json.loads(again.stdout)["snapshot"]["snapshot"] == second["snapshot"]["snapshot"]
