"""What the next publication is compared with: how much a snapshot knows, reaches and was worth."""

import math
from collections.abc import Mapping

import msgspec


class Coverage(msgspec.Struct, frozen=True):
    """How many of something the lists reach.

    Attributes:
        reached: so many.
        of: of so many.
    """

    reached: int
    of: int

    @property
    def share(self) -> float:
        """In [0, 1]; 0 where there is nothing to reach."""
        return self.reached / self.of if self.of else 0.0


class MeanWithInterval(msgspec.Struct, frozen=True):
    """A mean over customers, and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


class TaskFigures(msgspec.Struct, frozen=True):
    """How good the lists were on one task.

    Attributes:
        task: as the evaluation calls it: `all`, `repeat`, `discover`.
        customers: customers judged.
        ndcg: mean nDCG over them.
    """

    task: str
    customers: int
    ndcg: MeanWithInterval


class Judged(msgspec.Struct, frozen=True):
    """How good the lists were on the newest held-out days.

    Attributes:
        k: places of a list that counted.
        days: length of the time that was predicted.
        tasks: figures by task.
    """

    k: int
    days: float
    tasks: tuple[TaskFigures, ...]


class Vitals(msgspec.Struct, frozen=True):
    """What a snapshot is worth, in a few numbers.

    Attributes:
        orders: distinct orders that it was learned from.
        customers: known customers with a purchase.
        items: items sold.
        best_sellers: places of the whole shop's best-seller list.
        coverage: how far the lists reach: `customers` that have a list, `items` that stand in a customer's
            list, and items that have a list, `similar` and `bought_together`.
        judged: None where the history was too short for a verdict.
    """

    orders: int
    customers: int
    items: int
    best_sellers: int
    coverage: Mapping[str, Coverage]
    judged: Judged | None = None


def judged_in(figures: Mapping[str, object] | None) -> Judged | None:
    """The nDCG of a verdict as a directory's manifest keeps it.

    Tasks without a number to compare are left out, and everything else that a verdict may say.

    Returns:
        None where there is no verdict, or it does not say how many days and places it is about.
    """
    try:
        judged = msgspec.convert(figures, _Figures | None)
    except msgspec.ValidationError:
        return None
    if judged is None:
        return None
    tasks = (_task_in(figures) for figures in judged.tasks)
    return Judged(judged.k, judged.days, tuple(task for task in tasks if task is not None))


class _Figures(msgspec.Struct, frozen=True):
    k: int
    days: float
    tasks: tuple[Mapping[str, object], ...]


def _task_in(figures: Mapping[str, object]) -> TaskFigures | None:
    try:
        task = msgspec.convert(figures, TaskFigures)
    except msgspec.ValidationError:
        return None
    # JSON has no word for a number that is none: the manifest in the store could not be read again.
    return task if all(map(math.isfinite, msgspec.structs.astuple(task.ndcg))) else None
