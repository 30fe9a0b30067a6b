"""What stages of a training take for each line, customer, item and so on: fitted to runs.

Runs of benchmarks.memory on made-up shops of up to 3.75 million lines, with the default settings, without a
ranker, and with the settings for large shops. `python -m benchmarks.memory --rates` measures and writes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .shop_facts import What


@dataclass(frozen=True, slots=True)
class Rate:
    """What one quantity of one stage grows with.

    Attributes:
        what: the quantity.
        stage: of the run.
        per: so much for each, by the names of `ShopFacts.drivers`; what it does not grow with is left out.
    """

    what: What
    stage: str
    per: Mapping[str, float]


RATES: tuple[Rate, ...] = (
    Rate("peak", "read", {"fixed": 380000000.0, "lines": 149.6, "dense": 1.689}),
    Rate("peak", "learn", {"fixed": 554100000.0, "lines": 103.5, "dense": 45.26, "factors": 7.406}),
    Rate("peak", "list", {"fixed": 587600000.0, "lines": 102.3, "dense": 9.931, "factors": 10.9}),
    Rate("peak", "write", {"fixed": 576800000.0, "lines": 84.5, "dense": 10.95, "factors": 11.97}),
    Rate(
        "peak",
        "publish",
        {"fixed": 549700000.0, "lines": 90.91, "customers": 184.8, "dense": 11.66, "factors": 11.22},
    ),
    Rate("seconds", "read", {"fixed": 0.05201, "lines": 5.053e-07, "places": 2.754e-08}),
    Rate(
        "seconds",
        "learn",
        {
            "fixed": 1.93,
            "lines": 3.462e-07,
            "items": 6.67e-05,
            "dense": 7.892e-07,
            "looked at": 3.233e-07,
            "split": 9.635e-11,
        },
    ),
    Rate(
        "seconds",
        "list",
        {
            "lines": 8.928e-07,
            "items": 2.032e-05,
            "places": 4.355e-07,
            "dense": 1.609e-08,
            "solved": 2.12e-09,
            "candidates": 6.632e-09,
            "split": 1.445e-11,
        },
    ),
    Rate(
        "seconds",
        "write",
        {
            "fixed": 0.02866,
            "lines": 2.621e-09,
            "items": 1.83e-06,
            "places": 3.875e-08,
            "candidates": 3.619e-10,
            "split": 3.501e-14,
        },
    ),
    Rate(
        "seconds",
        "publish",
        {
            "fixed": 0.2427,
            "lines": 1.588e-08,
            "items": 1.822e-05,
            "places": 1.295e-07,
            "looked at": 2.415e-09,
            "split": 4.584e-13,
        },
    ),
    Rate(
        "snapshot",
        "write",
        {
            "fixed": 2163000.0,
            "lines": 8.961,
            "customers": 598.2,
            "items": 1081.0,
            "places": 1.996,
            "factors": 4.956,
            "purchases": 9.884,
        },
    ),
    Rate("redis", "publish", {"fixed": 512900.0, "lines": 2.892, "items": 633.4, "places": 9.61}),
)
