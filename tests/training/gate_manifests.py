"""Manifests of published snapshots as the gate reads them."""

from typing import Any

import msgspec

from recommender.snapshot.encoding import StoredManifest
from recommender.snapshot.vitals import Coverage, Judged, MeanWithInterval, TaskFigures, Vitals


def manifest(
    snapshot: str = "tuesday", data_until: str = "2026-11-21T04:00:00Z", **vitals: Any
) -> StoredManifest:
    """A healthy shop's manifest, but for the `vitals` that are given."""
    return StoredManifest(
        format=1,
        snapshot=snapshot,
        generated_at="2026-11-21T05:00:00Z",
        data_until=data_until,
        sources=("best_sellers",),
        n_customers=950,
        n_items=400,
        item_chunks=1,
        categories=(),
        pages={},
        vitals=msgspec.structs.replace(HEALTHY, **vitals),
    )


def coverage(
    customers: tuple[int, int] = (950, 1_000),
    items: tuple[int, int] = (300, 400),
    similar: tuple[int, int] = (390, 400),
    bought_together: tuple[int, int] = (360, 400),
) -> dict[str, Coverage]:
    """So many of so many."""
    return {
        "customers": Coverage(*customers),
        "items": Coverage(*items),
        "similar": Coverage(*similar),
        "bought_together": Coverage(*bought_together),
    }


def task(name: str, mean: float, half_width: float = 0.0196, customers: int = 1_000) -> TaskFigures:
    """Figures with an interval of so much on either side; .0196 is a standard error of .01."""
    return TaskFigures(name, customers, MeanWithInterval(mean, mean - half_width, mean + half_width))


def judged(*tasks: TaskFigures, k: int = 10, days: float = 28.0) -> Judged:
    """A verdict."""
    return Judged(k, days, tasks)


HEALTHY = Vitals(
    orders=5_000,
    customers=1_000,
    items=400,
    best_sellers=50,
    coverage=coverage(),
    judged=judged(task("all", 0.4), task("discover", 0.2)),
)
