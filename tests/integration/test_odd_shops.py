"""No shop is too odd: a finding or a sentence says what is odd, lists are sensible, nothing crashes."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import polars as pl
import pytest
from flask.testing import FlaskClient

from recommender.serving.assembly import assembled
from recommender.serving.settings import WorkerSettings
from recommender.snapshot.directory import Snapshot, load_snapshot
from recommender.snapshot.redis_store import connect
from recommender.training import command_line
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import read_orders
from tests.integration.odd_shops import SHOPS, OddShop

DATA_CANNOT_BE_USED = 3
NOW = datetime(2026, 11, 1, tzinfo=UTC)
LISTS = ("recommended", "similar", "bought_together", "best_sellers")
PUBLISHED = [name for name, shop in SHOPS.items() if not shop.refused_by]

EAGER = Settings(evaluation=replace(Settings().evaluation, days=10))
EAGER = replace(EAGER, ranker=replace(EAGER.ranker, fewest_customers=1, windows=2, trees=3, leaves=4))
"""Learns a ranker from whatever there is."""


@pytest.fixture
def cartlift(capfd, monkeypatch):
    """The command line, in this process: warnings are errors, and what C code prints is heard too."""

    def run(*words: object, expect: int = 0) -> str:
        """What a command prints, both streams together with single blanks; for JSON only the first."""
        monkeypatch.setattr(sys, "argv", ["cartlift", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capfd.readouterr()
        assert ended.value.code == expect, out + err
        assert "[LightGBM]" not in out + err
        told = " ".join((out if "--json" in words else out + err).split())
        assert "--json" in words or " nan" not in told.lower()
        return told

    return run


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_odd_shop_is_told_what_is_odd_and_gets_sensible_lists(name, cartlift, redis_url, tmp_path):
    shop, folder = SHOPS[name], tmp_path / "snapshot"
    source = shop.write(tmp_path)

    found = json.loads(cartlift("validate", *source, "--json"))["findings"]
    assert {finding["code"] for finding in found} >= shop.findings

    told = cartlift("train", *source, "--snapshot", folder)
    assert [said for said in shop.said if said not in told] == []
    snapshot = load_snapshot(folder)
    assert (snapshot.manifest.figures is not None) == shop.judged == ("Not judged" not in told)
    require_sensible(snapshot, shop)

    cartlift("inspect", folder)
    for kind in LISTS:
        to = tmp_path / f"{kind}.parquet"
        cartlift("export", folder, "--list", kind.replace("_", "-"), "--to", to)
        assert pl.read_parquet(to).is_empty() == (kind in shop.empty)

    shop_id = f"odd-{PUBLISHED.index(name)}"
    cartlift("publish", folder, "--redis", redis_url, "--shop", shop_id)
    with service_of(redis_url, shop_id, tmp_path) as client:
        require_sensible_answers(client, snapshot)


REFUSED = [name for name, shop in SHOPS.items() if shop.refused_by]


@pytest.mark.parametrize("name", REFUSED)
def test_a_shop_of_which_nothing_can_be_recommended_is_refused_in_one_line(name, cartlift, tmp_path):
    shop, folder = SHOPS[name], tmp_path / "snapshot"
    source = shop.write(tmp_path)
    if shop.refused_by == "validate":
        told = cartlift("validate", *source, expect=DATA_CANNOT_BE_USED)
    else:
        found = json.loads(cartlift("validate", *source, "--json"))["findings"]
        assert {finding["code"] for finding in found} >= shop.findings
        told = cartlift("train", *source, "--snapshot", folder, expect=DATA_CANNOT_BE_USED)
    assert [said for said in shop.said if said not in told] == []
    assert not folder.exists()


EVALUATED = (
    "fifty orders", "one customer", "one item", "everybody ordered once", "dates without time", "no titles",
    "everything for free", "guests only", "all on one day",
)  # fmt: skip


@pytest.mark.parametrize("name", EVALUATED)
def test_an_odd_shop_is_evaluated_or_told_why_not(name, cartlift, tmp_path):
    shop, page = SHOPS[name], tmp_path / "report.html"
    source = shop.write(tmp_path)
    told = cartlift("evaluate", *source, "--html", page, expect=0 if shop.judged else DATA_CANNOT_BE_USED)
    assert page.exists() == shop.judged
    if shop.judged:
        assert "the intervals say little" in told
        assert ">nan" not in page.read_text().lower()
    else:
        assert [said for said in shop.said if "Not judged" in said and said[len("Not judged") :] in told]


WITHOUT_ITEM_FILE = [name for name in PUBLISHED if SHOPS[name].items is None]


@pytest.mark.parametrize("name", [*WITHOUT_ITEM_FILE, "one item available", "titles of digits"])
def test_a_ranker_that_learns_from_whatever_there_is_makes_sensible_lists(name, tmp_path, capfd):
    orders, *rest = SHOPS[name].write(tmp_path)
    read = read_orders([orders], EAGER, items=rest[1] if rest else None)
    snapshot = train(read, EAGER, now=NOW, progress=Silent())
    require_sensible(snapshot, SHOPS[name])
    assert ("trees, learned from" in snapshot.manifest.ranked_by) == (snapshot.ranker is not None)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def require_sensible(snapshot: Snapshot, shop: OddShop) -> None:
    """No item twice or off sale, finite scores best first, and best sellers where anything may be sold."""
    for kind in LISTS:
        table = getattr(snapshot.lists, kind)
        row = table.row_of_place()
        assert (len(table.items) == 0) == (kind in shop.empty)
        assert len(np.unique(np.stack((row, table.items)), axis=1).T) == len(row)
        assert snapshot.catalog.available[table.items].all()
        assert np.isfinite(table.scores).all() and (table.scores > 0).all()
        assert (np.diff(table.scores)[np.diff(row) == 0] <= 0).all()
    assert len(snapshot.lists.best_sellers.row(0)) > 0
    assert all(len(places) > 0 for places in snapshot.lists.recommended)


@contextmanager
def service_of(redis_url: str, shop_id: str, state: Path) -> Iterator[FlaskClient]:
    """The service of a shop in Redis, wired as a worker wires it, but for the thread."""
    with connect(redis_url) as redis, connect(redis_url, protocol=3) as listening:
        worker = assembled(WorkerSettings(redis_url, shop_id, state), redis, redis, listening)
        yield worker.app.test_client()


def require_sensible_answers(client: FlaskClient, snapshot: Snapshot) -> None:
    """Every call is answered for every customer and item, and with something to show if there is anything."""
    for customer in snapshot.customers.ids:
        answer = items_of(client, snapshot, f"/v1/customers/{quote(customer, safe='')}/recommendations")
        own = snapshot.lists.recommended.row(snapshot.customers.position(customer))
        assert answer == [snapshot.catalog.items.ids[item] for item in own.items[:10]]
    assert items_of(client, snapshot, "/v1/customers/nobody-of-this-shop/recommendations")
    assert items_of(client, snapshot, "/v1/best-sellers")
    best = [snapshot.catalog.items.ids[item] for item in snapshot.lists.best_sellers.row(0).items]
    for item in snapshot.catalog.items.ids[:30]:
        others = set(best) - {item}
        for call in ("similar", "bought-together"):
            answer = items_of(client, snapshot, f"/v1/items/{quote(item, safe='')}/{call}")
            assert item not in answer and bool(answer) == bool(others)
        cart = items_of(client, snapshot, "/v1/cart/recommendations", {"cart": [item]})
        assert item not in cart and bool(cart) == bool(others)


def items_of(
    client: FlaskClient, snapshot: Snapshot, path: str, body: dict[str, object] | None = None
) -> list[str]:
    """Items of an answer: known, on sale, no two alike."""
    answer = client.get(path) if body is None else client.post(path, json=body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    shown = [item["item_id"] for item in answer.get_json()["items"]]
    positions = snapshot.catalog.items.positions(shown)
    assert (positions >= 0).all() and snapshot.catalog.available[positions].all()
    assert len(set(shown)) == len(shown)
    return shown
