"""A small snapshot with lists that can be seen."""

import numpy as np

from recommender.data.catalog import Catalog
from recommender.data.vocabulary import Vocabulary
from recommender.models.best_sellers import BestSellersModel
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import SOURCES
from recommender.ranking.reasons import BECAUSE_YOU_BOUGHT, BOUGHT_AGAIN, POPULAR, Reasons
from recommender.snapshot.directory import Lists, Snapshot
from recommender.snapshot.manifest import Counts, Manifest
from tests.ranking.tables import table_of

ITEMS = ("hammer", "milk", "nails", "tea")
HAMMER, MILK, NAILS, TEA = range(4)


def small_snapshot(*, seed: int = 0, findings: list[dict[str, object]] | None = None) -> Snapshot:
    """Two customers, four items, and every kind of list; `seed` changes the content."""
    items = Vocabulary(ITEMS)
    catalog = Catalog(
        items=items,
        title=("Hammer", "Milk 1 l", None, "Green tea"),
        category=("diy", "food", "diy", "food"),
        brand=(None, None, None, "Leaf"),
        price=np.array([12.5, 0.99, np.nan, 2.55], np.float32),
        available=np.array([True, True, False, True]),
        released_at=np.array([0, 0, 0, 1_300_000_000], np.int64),
        url=(None, None, None, "https://shop.example/tea"),
        image_url=(None,) * 4,
        attributes={"colour": ("red", None, None, "green")},
    )
    lists = Lists(
        recommended=table_of([[TEA, MILK], [HAMMER]], bought=[[True, False], [False]]),
        reasons=Reasons(
            np.array([BOUGHT_AGAIN, BECAUSE_YOU_BOUGHT, POPULAR], np.uint8), np.array([30, TEA, 0], np.int32)
        ),
        past_orders=table_of([[MILK, TEA], [HAMMER]]),
        similar=table_of([[], [TEA], [], [MILK]]),
        bought_together=table_of([[NAILS], [TEA], [HAMMER], [MILK]]),
        evidence=Evidence(
            np.array([3, 2, 3, 2], np.int32),
            np.array([3, 2, 3, 2], np.int32),
            np.array([2.5, 1.5, 2.5, 1.5], np.float32),
            np.array([1.1, 0.4, 1.1, 0.4], np.float32),
        ),
        best_sellers=table_of([[TEA, MILK, HAMMER], [HAMMER], [TEA, MILK]]),
        groups=("", "diy", "food"),
        local_best_sellers=table_of([[MILK, TEA]]),
        places=("France",),
    )
    manifest = Manifest(
        snapshot="",
        generated_at="2011-12-10T03:00:00Z",
        data_from="2011-01-01T00:00:00Z",
        data_until="2011-12-09T12:50:00Z",
        data_fingerprint="0" * 64,
        counts=Counts(9, 5, 2, 4),
        sources=SOURCES,
        ranked_by="the blend of the models",
        settings={"lists": {"length": 50 + seed}},
        figures=None,
        versions={"cartlift": "0"},
        files={},
    )
    models = {"best_sellers": BestSellersModel(np.array([1, 2, 0, 3], np.float32))}
    return Snapshot(manifest, catalog, Vocabulary(("ann", "bob")), lists, models, None, findings or [])
