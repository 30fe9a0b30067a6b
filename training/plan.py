"""What a training will take, told from counts of what is in the data before anything is learned."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recommender.data.orders import GUEST, OrderLog
from recommender.errors import ConfigError

from .memory_limit import machine_memory, readable_memory
from .plan_rates import RATES, Rate
from .settings import Settings
from .stage_usage import STAGES

TOLERANCE = 0.3
"""Share by which what happens is meant to differ at most from what was expected."""

FITTED_LINES = 3_750_000
"""Order lines of the largest shop that the rates were fitted on."""


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What the cost of a training depends on.

    Attributes:
        lines: order lines.
        orders: distinct orders.
        customers: known customers.
        items: items with enough lines to be recommended.
        pairs: distinct pairs of a customer and an item.
    """

    lines: int
    orders: int
    customers: int
    items: int
    pairs: int

    def drivers(self, settings: Settings) -> dict[str, float]:
        """What rates are given for, by name.

        `places` are those of all customers' lists: as many discoveries as the lists are long, and every item
        bought before up to that length again. `dense` are the entries of the largest matrix of items by
        items, that of the linear models: they know so many items at most, whatever the shop. Other settings
        have no part in what is expected.
        """
        length = settings.lists.length
        recommended = settings.models.linear.n_items if settings.blend.counts("linear") else 0
        most = max(recommended, settings.bought_together.linear_items)
        repeats = min(self.pairs, self.customers * length)
        discoveries = self.customers * min(length, self.items)
        return {
            "fixed": 1.0,
            "lines": float(self.lines),
            "customers": float(self.customers),
            "items": float(self.items),
            "places": float(repeats + discoveries),
            "dense": float(min(self.items, most)) ** 2,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What is expected of a training.

    Attributes:
        facts: what is in the data.
        peaks: bytes that each stage holds at most, by stage.
        seconds: time of each stage.
        snapshot_bytes: of the snapshot's folder.
        redis_bytes: that Redis takes for it.
    """

    facts: ShopFacts
    peaks: dict[str, float]
    seconds: dict[str, float]
    snapshot_bytes: float
    redis_bytes: float

    @property
    def peak(self) -> float:
        """Bytes held at most in the whole run."""
        return max(self.peaks.values())

    @property
    def training_peak(self) -> float:
        """Bytes held at most until the snapshot is written; publishing is a run of its own."""
        return max(peak for stage, peak in self.peaks.items() if stage != "publish")

    @property
    def minutes(self) -> float:
        """Of the whole run, publishing among them."""
        return sum(self.seconds.values()) / 60


def facts_of_orders(orders: OrderLog, settings: Settings) -> ShopFacts:
    """The facts of a log that has been read."""
    known = orders.customer != GUEST
    pairs = np.sort(orders.customer[known].astype(np.int64) << 32 | orders.item[known])
    sold = np.bincount(orders.item, minlength=len(orders.items))
    return ShopFacts(
        lines=len(orders),
        orders=len(orders.orders),
        customers=len(orders.customers),
        items=int(np.count_nonzero(sold >= settings.lists.min_item_lines)),
        pairs=int(np.count_nonzero(np.diff(pairs, prepend=-1))),
    )


def plan_of(facts: ShopFacts, settings: Settings) -> Plan:
    """What a training on such a shop is expected to take, by rates measured on other shops."""
    ranked = settings.ranker.windows > 0
    drivers = facts.drivers(settings)
    found = {(rate.what, rate.stage): _amount(rate, drivers) for rate in RATES if rate.ranked == ranked}
    return Plan(
        facts=facts,
        peaks={stage: found["peak", stage] for stage in STAGES},
        seconds={stage: found["seconds", stage] for stage in STAGES},
        snapshot_bytes=found["snapshot", "write"],
        redis_bytes=found["redis", "publish"],
    )


def _amount(rate: Rate, drivers: dict[str, float]) -> float:
    return float(sum(getattr(rate, name) * drivers[name] for name in drivers))


def check_memory(plan: Plan, limit: int | None, warn: Callable[[str], None]) -> None:
    """Refuse a training that is expected to need more than somebody said, or warn of a small machine.

    What is expected may be wrong, so only who names a limit is held to it.

    Args:
        plan: of the training.
        limit: bytes that somebody said; None where nobody did.
        warn: told where nobody said a limit and the machine has less than is expected.

    Raises:
        ConfigError: as `refuse_too_large`.
    """
    if limit is not None:
        refuse_too_large(plan, limit)
    elif plan.training_peak > (there := machine_memory()):
        warn(
            f"Warning: about {readable_memory(plan.training_peak)} of memory are expected, "
            f"{readable_memory(there)} are there; it goes on. {basis(plan)} --memory refuses what needs more."
        )


def refuse_too_large(plan: Plan, limit: int) -> None:
    """Refuse a training that is expected to need more memory than it may take.

    Raises:
        ConfigError: it does; the message says what can be done.
    """
    if plan.training_peak > limit:
        raise ConfigError(over_the_limit(plan, limit))


def basis(plan: Plan) -> str:
    """What the rates are of, in a sentence or two."""
    told = "Rates are of about the default settings, fitted on shops of up to 3.75 million order lines."
    return f"{told} This is an extrapolation." if plan.facts.lines > FITTED_LINES else told


def over_the_limit(plan: Plan, limit: int) -> str:
    """What to say of a training that would need too much, and what can be done."""
    stage = max((name for name in plan.peaks if name != "publish"), key=lambda name: plan.peaks[name])
    return (
        f"this needs about {readable_memory(plan.training_peak)} of memory (to {stage}), the limit is "
        f"{readable_memory(limit)}: raise --memory if the machine has more, take a larger machine, or learn "
        f"from fewer orders; docs/operations.md says which settings take less. {basis(plan)}"
    )
