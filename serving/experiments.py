"""Experiments: which variant a customer has, and who was shown one."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate

import msgspec

from recommender.events.exposures import Exposure, KnownPlan, Plan, UnitKind

from .arms import Arm
from .exposure_queue import ExposureQueue
from .placements import NO_RULES, Experiment, Placement, ServiceSettings, Variant
from .question import Question

_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class _Running:
    """An experiment, ready to be drawn from.

    Attributes:
        start: seconds since 1970 UTC.
        end: the same.
        salt: what customers are drawn with.
        arms: the variants, each with where its part of the draws ends.
    """

    start: float
    end: float
    salt: bytes
    arms: tuple[tuple[float, Arm], ...]

    def arm(self, kind: UnitKind, id_: str) -> Arm | None:
        drawn = _draw(self.salt, kind, id_)
        return next((arm for until, arm in self.arms if drawn < until), None)


class Experiments:
    """Draws variants, the same for the same customer in every worker, and notes who was shown one.

    Attributes:
        any: whether there are experiments.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        queue: ExposureQueue,
        now: Callable[[], float],
        hides: Callable[[str], bool] = lambda customer_id: False,
    ) -> None:
        """Nobody was shown anything yet.

        Args:
            settings: placements and experiments.
            queue: takes exposures.
            now: seconds since 1970 UTC.
            hides: whether nothing may be kept of a customer, who opted out or was erased.
        """
        self._hides = hides
        self.any = bool(settings.experiments)
        self._queue, self._now = queue, now
        self._of_placement: dict[str, list[_Running]] = {}
        for name, experiment in settings.experiments.items():
            running = _running(name, experiment, settings.placements.get(experiment.placement, NO_RULES))
            self._of_placement.setdefault(experiment.placement, []).append(running)

    def arm(self, asked: Question) -> Arm | None:
        """The variant that whoever asks has; None where there is no experiment, or they are no part of it."""
        running = self._of_placement.get(asked.placement or "")
        unit = running and _unit(asked)
        if not running or not unit or (unit[0] == "customer" and self._hides(unit[1])):
            return None
        now = self._now()
        return next((one.arm(*unit) for one in running if one.start <= now < one.end), None)

    def saw(self, asked: Question) -> None:
        """Note that whoever asked is given an answer, if that is part of an experiment."""
        if asked.experiment is None or asked.variant is None or (unit := _unit(asked)) is None:
            return
        self._queue.add(Exposure(asked.experiment, *unit, asked.variant, self._now()))

    def write(self) -> None:
        """Write down what was noted; see `ExposureQueue.write`."""
        self._queue.write()


def plans_of(settings: ServiceSettings, since: float) -> dict[str, KnownPlan]:
    """What the experiments are set up as, by name.

    Args:
        settings: placements and experiments.
        since: when that is said, in seconds since 1970 UTC.
    """
    return {
        name: KnownPlan(name, _plan(name, experiment, settings), since)
        for name, experiment in settings.experiments.items()
    }


def pinned_snapshots(settings: ServiceSettings) -> tuple[str, ...]:
    """Ids of the snapshots that variants name."""
    named = (
        variant.snapshot
        for experiment in settings.experiments.values()
        for variant in experiment.variants.values()
    )
    return tuple(dict.fromkeys(id_ for id_ in named if id_ is not None))


def _unit(asked: Question) -> tuple[UnitKind, str] | None:
    """Whom a variant is drawn for: the customer, or the session of a guest."""
    if asked.customer_id is not None:
        return "customer", asked.customer_id
    return None if asked.session_id is None else ("session", asked.session_id)


def _draw(salt: bytes, kind: UnitKind, id_: str) -> float:
    """A number from 0 to 1, without 1, evenly spread over ids and the same for the same id."""
    text = b"\0".join((salt, kind.encode(), id_.encode()))
    digest = hashlib.blake2b(text, digest_size=_HASH_BYTES).digest()
    # A float has 53 bits: more would round the largest draws up to 1.
    return (int.from_bytes(digest) >> 11) / 2**53


def _running(name: str, experiment: Experiment, own: Placement) -> _Running:
    arms = tuple(
        Arm(name, called, _rules(variant, own), variant.snapshot, variant.holdout)
        for called, variant in experiment.variants.items()
    )
    ends = list(accumulate(variant.share for variant in experiment.variants.values()))
    # Thirds add up to a little less than 1.
    ends[-1] = 1.0 if ends[-1] > 1 - 1e-9 else ends[-1]
    return _Running(
        start=float("-inf") if experiment.start is None else experiment.start.timestamp(),
        end=float("inf") if experiment.end is None else experiment.end.timestamp(),
        salt=(experiment.salt or name).encode(),
        arms=tuple(zip(ends, arms, strict=True)),
    )


def _rules(variant: Variant, own: Placement) -> Placement:
    if variant.holdout is None:
        return variant.settings or own
    # What must not be shown is not shown to them either; what makes a list better is left out.
    return replace(own, ladder=("best_sellers",), diversity=None, boost=None, pins=())


def _plan(name: str, experiment: Experiment, settings: ServiceSettings) -> Plan:
    own = settings.placements.get(experiment.placement, NO_RULES)
    answered = [
        (called, _rules(variant, own), variant.snapshot, variant.holdout)
        for called, variant in experiment.variants.items()
    ]
    return Plan(
        placement=experiment.placement,
        salt=experiment.salt or name,
        shares={called: variant.share for called, variant in experiment.variants.items()},
        rules=hashlib.blake2b(msgspec.json.encode(answered), digest_size=_HASH_BYTES).hexdigest(),
    )
