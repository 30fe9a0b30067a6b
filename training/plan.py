"""What a training will take, told from counts of what is in the data before anything is learned."""

from collections.abc import Callable
from dataclasses import dataclass

from recommender.errors import ConfigError

from .memory_limit import machine_memory, readable_memory
from .plan_rates import RATES, Rate
from .settings import Settings
from .shop_facts import ShopFacts
from .stage_usage import STAGES

TOLERANCE = 0.3
"""Share by which what happens is meant to differ at most from what was expected."""

FITTED_LINES = 3_750_000
"""Order lines of the largest shop that the rates were fitted on."""


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


def plan_of(facts: ShopFacts, settings: Settings) -> Plan:
    """What a training on such a shop is expected to take, by rates measured on other shops."""
    found = {(rate.what, rate.stage): _amount(rate, facts, settings) for rate in RATES}
    return Plan(
        facts=facts,
        peaks={stage: found["peak", stage] for stage in STAGES},
        seconds={stage: found["seconds", stage] for stage in STAGES},
        snapshot_bytes=found["snapshot", "write"],
        redis_bytes=found["redis", "publish"],
    )


def _amount(rate: Rate, facts: ShopFacts, settings: Settings) -> float:
    drivers = facts.drivers(rate.what, settings)
    return sum(each * drivers[name] for name, each in rate.per.items())


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
    told = "Rates are fitted on shops of up to 3.75 million order lines."
    return f"{told} This is an extrapolation." if plan.facts.lines > FITTED_LINES else told


def over_the_limit(plan: Plan, limit: int) -> str:
    """What to say of a training that would need too much, and what can be done."""
    stage = max((name for name in plan.peaks if name != "publish"), key=lambda name: plan.peaks[name])
    return (
        f"this needs about {readable_memory(plan.training_peak)} of memory (to {stage}), the limit is "
        f"{readable_memory(limit)}: raise --memory if the machine has more, take a larger machine, or learn "
        f"from fewer orders; docs/operations.md says which settings take less. {basis(plan)}"
    )
