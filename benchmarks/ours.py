"""Our own pipelines from Parquet files to Redis: what the stock one does, and the whole product."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks.large_shops import LARGE_SHOP
from benchmarks.stages import Stage
from recommender.data.fingerprints import Fingerprints
from recommender.data.history import PurchaseHistory
from recommender.models.als import Als
from recommender.models.co_purchase import CoPurchase
from recommender.ranking import build
from recommender.ranking.blend import Blend
from recommender.ranking.warm_up import warm_up
from recommender.snapshot.directory import write_snapshot
from recommender.snapshot.encoding import ItemRecord, encode_items, entry_key
from recommender.snapshot.paged_rows import RowOwners, paged_ranks
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.rows import encode_lists
from recommender.training.carried import Carried
from recommender.training.item_lists import cart_trees, plain_lists
from recommender.training.learning import learn_from
from recommender.training.list_making import all_lists
from recommender.training.moment import purchases_at
from recommender.training.pipeline import DataFacts, snapshot_of
from recommender.training.progress import Silent
from recommender.training.publish import publish
from recommender.training.settings import Settings, load_settings
from recommender.training.sources import read_orders
from recommender.training.windows import EarlierWindows, examples_before

_SNAPSHOT = "20261121T040000Z-01234567"


class TimedSteps(Silent):
    """Progress that times the steps of the product by their names."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """See `Progress.step`."""
        with self.stage(name):
            yield lambda _: None


def single_stage(folder: Path, redis_url: str, stage: Stage, *, factors: int, n: int) -> None:
    """What the stock pipeline does, with our parts; arguments as its own.

    ALS makes as many passes as its defaults find worth it.
    """
    with stage("compiling"):
        warm_up()
    with stage("read"):
        orders = read_orders([folder], Settings()).orders
        history = PurchaseHistory.at(orders, orders.last_time)
        bought = history.interactions(half_life_days=np.inf)
        eligible = np.ones(len(history.items), bool)
        del orders
    with stage("als"):
        als = Als(factors=factors).fit(history)
    with stage("top n"):
        everyone = np.arange(len(history.customers), dtype=np.int32)
        only = Blend(**dict.fromkeys(asdict(Blend()), 0.0) | {"als": 1.0})
        both = build.recommend(
            {"als": als}, only, everyone, bought=bought, eligible=eligible, length=n, per_model=n
        )
        del als, bought
        recommended = build.of_mode(both, "discover", n)
        del both
    with stage("co-purchase"):
        cosine = CoPurchase(measure="cosine", shrinkage=0, min_together=1, n_neighbours=n)
        neighbours = cosine.fit(history).neighbours
        beside = build.related(neighbours, "co_purchase", eligible, n)
        items, customer_ids = history.items.ids, history.customers.ids
        del history
    with stage("publish"), connect(redis_url) as client:
        customers = paged_ranks("customer", RowOwners.of(customer_ids), recommended, wide=False)
        # Lists hold positions: the table of items says whose they are.
        table = enumerate(encode_items([ItemRecord(item) for item in items]))
        RedisStore(client, "shop").write(
            _SNAPSHOT,
            chain(
                ((entry_key("items", str(number)), part) for number, part in table),
                customers.entries(),
                zip(
                    (entry_key("bought-together", item) for item in items), encode_lists(beside), strict=True
                ),
            ),
        )


def two_stage(folder: Path, redis_url: str, stage: Stage) -> None:
    """The product but for its judge."""
    settings, progress = load_settings(LARGE_SHOP), TimedSteps(stage)
    with stage("read"):
        read = read_orders([folder], settings)
    newest = read.orders.last_time
    examples = examples_before(
        read.orders, read.catalog, settings, now=newest, earlier=EarlierWindows(), progress=progress
    )
    purchases = purchases_at(read.orders, read.catalog, settings, newest, progress)
    carried, fingerprints = Carried.nothing(purchases), Fingerprints.of(purchases.orders)
    trees = cart_trees(purchases, settings, progress)
    facts = DataFacts.of(read, purchases)
    plain = plain_lists(purchases, read.places, settings, progress, trees=trees, carried=carried)
    learned = learn_from(purchases, examples, settings, progress)
    del read, purchases
    lists = all_lists(learned, plain, settings, progress, carried=carried)
    with stage("write"), tempfile.TemporaryDirectory() as to:
        made = snapshot_of(
            facts, learned, lists, settings,
            trees=trees,
            fingerprints=fingerprints,
            figures=None,
            now=datetime.now(UTC),
        )  # fmt: skip
        snapshot = write_snapshot(made, Path(to) / "snapshot")
    with stage("publish"), connect(redis_url) as client:
        publish(Publication(snapshot), RedisStore(client, "shop"))
