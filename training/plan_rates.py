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
    Rate("peak", "read", {"fixed": 1.0}),
    Rate("peak", "learn", {"fixed": 1.0}),
    Rate("peak", "list", {"fixed": 1.0}),
    Rate("peak", "write", {"fixed": 1.0}),
    Rate("peak", "publish", {"fixed": 1.0}),
    Rate("seconds", "read", {"fixed": 1.0}),
    Rate("seconds", "learn", {"fixed": 1.0}),
    Rate("seconds", "list", {"fixed": 1.0}),
    Rate("seconds", "write", {"fixed": 1.0}),
    Rate("seconds", "publish", {"fixed": 1.0}),
    Rate("snapshot", "write", {"fixed": 1.0}),
    Rate("redis", "publish", {"fixed": 1.0}),
)
