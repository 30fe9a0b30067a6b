"""The file of `cartlift serve --config`: what is shown where, by which rules."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from recommender.errors import ConfigError
from recommender.events.recommendation_ids import MOST_NAME_BYTES
from recommender.settings_file import did_you_mean, parse_section, read_toml

from .expressions import ExpressionRefused, expression
from .schemas import MOST_PLACES, ItemField, Mode, RungName

MOST_PINS = 100

Holdout = Literal["best_sellers", "nothing"]


@dataclass(frozen=True, slots=True)
class Placement:
    """[placements.NAME]: how lists of this placement are made.

    `n`, `mode`, `category`, `strict`, `fields` and `diversity` hold where a request does not say otherwise.
    The other rules hold beside what it says.

    Attributes:
        ladder: which lists to answer from, in this order, the first with something to show: `personal`,
            `session`, `co_purchase`, `similar`, `best_sellers`, `due`. Those that a call does not have are
            passed over; without any that it has, the call's own ladder holds.
        n: items of an answer.
        mode: `mixed`, `repeat` or `discover`.
        category: the only category to answer from.
        strict: whether to answer nothing rather than from another rung than the first.
        fields: what to say about each item.
        diversity: from 0, the best items, to 1, as different ones as can be.
        filter: an expression that holds of every item shown.
        boost: an expression that scores are multiplied by.
        pins: item ids that stand first, in this order, unless a rule forbids them.
        blocks: item ids that are never shown.
    """

    ladder: tuple[RungName, ...] = ()
    n: int | None = None
    mode: Mode | None = None
    category: str | None = None
    strict: bool | None = None
    fields: tuple[ItemField, ...] | None = None
    diversity: float | None = None
    filter: str | None = None
    boost: str | None = None
    pins: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.n is not None and not 1 <= self.n <= MOST_PLACES:
            raise ValueError(f"n must be from 1 to {MOST_PLACES}, got {self.n}")
        if self.diversity is not None and not 0 <= self.diversity <= 1:
            raise ValueError(f"diversity must be from 0 to 1, got {self.diversity}")
        if len(self.pins) > MOST_PINS:
            raise ValueError(f"pins must be at most {MOST_PINS}, got {len(self.pins)}")
        for kind in ("filter", "boost"):
            text = getattr(self, kind)
            try:
                if text is not None:
                    expression(text, kind)
            except ExpressionRefused as error:
                raise ValueError(f"{kind} {error}") from error

    def defaults(self) -> dict[str, Any]:
        """What holds where a request says nothing, by field."""
        said = {name: getattr(self, name) for name in _DEFAULTS}
        return {name: value for name, value in said.items() if value is not None}


_DEFAULTS = ("n", "mode", "category", "strict", "fields", "diversity")

NO_RULES = Placement()

_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MOST_NAME_BYTES}}}")


@dataclass(frozen=True, slots=True)
class Variant:
    """[experiments.NAME.variants.NAME]: what a share of the customers is shown.

    Attributes:
        share: of the customers, above 0 and at most 1.
        settings: what holds instead of the placement's own settings.
        snapshot: id of the snapshot to answer from, instead of the live one.
        holdout: `best_sellers`: these alone, by the placement's filter and blocks; `nothing`: no items.
    """

    share: float
    settings: Placement | None = None
    snapshot: str | None = None
    holdout: Holdout | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, got {self.share}")
        if self.holdout is not None and (self.settings is not None or self.snapshot is not None):
            raise ValueError("a holdout has no settings and no snapshot: leave them out, or holdout")


@dataclass(frozen=True, slots=True)
class Experiment:
    """[experiments.NAME]: different answers of one placement for different customers.

    Attributes:
        placement: where it takes place.
        variants: by name; the first is the control, and shares add up to 1 or less. Customers beyond that are
            shown what the placement shows, and are no part of it.
        salt: what customers are drawn with; the experiment's name without one. With the same salt and shares
            the same customers have the same place in another experiment.
        start: when it begins, with its zone; from the start of the service without one.
        end: when it ends; from then on everybody is shown what the placement shows.
    """

    placement: str
    variants: Mapping[str, Variant]
    salt: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.variants) < 2:
            raise ValueError("variants must be at least two: the first is the control")
        if (whole := sum(variant.share for variant in self.variants.values())) > 1 + 1e-9:
            raise ValueError(f"shares of the variants must add up to 1 or less, got {whole:g}")
        for name in ("start", "end"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{name} must have a zone, like 2026-12-01T00:00:00Z, got {moment}")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"start must be before end, got {self.start} and {self.end}")

    def overlaps(self, other: "Experiment") -> bool:
        """Whether both take place at some moment in one placement."""
        return self.placement == other.placement and _before(self, other) and _before(other, self)


def _before(one: Experiment, other: Experiment) -> bool:
    """Whether one begins before the other has ended."""
    return one.start is None or other.end is None or one.start < other.end


class UnknownPlacement(ValueError):
    """A request names a placement that is not configured."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Everything the file can say; one field a section.

    Attributes:
        placements: by name. Without any, a request's `placement` is a label and no more.
        experiments: by name.
    """

    placements: Mapping[str, Placement] = field(default_factory=dict)
    experiments: Mapping[str, Experiment] = field(default_factory=dict)

    def placement(self, name: str | None) -> Placement:
        """The rules of a placement.

        Raises:
            UnknownPlacement: placements are configured, and this is none of them: without its rules a list
                could show what they forbid.
        """
        if name is None or not self.placements:
            return NO_RULES
        if name not in self.placements:
            raise UnknownPlacement(f"is not configured{did_you_mean(name, list(self.placements))}")
        return self.placements[name]


DEFAULTS = ServiceSettings()


def load_service_settings(path: Path | None) -> ServiceSettings:
    """The settings of a file; the defaults without one.

    Raises:
        ConfigError: the file cannot be read, or a section, key, value or expression is wrong.
    """
    if path is None:
        return DEFAULTS
    tables = read_toml(path)
    settings = parse_section(ServiceSettings, tables, str(path))
    for name in settings.placements:
        if not 1 <= len(name) <= 64:
            raise ConfigError(f"{path}: a placement is called 1 to 64 characters, got {name!r}")
    _check_experiments(settings, str(path))
    return replace(
        settings,
        experiments={
            name: _with_whole_settings(name, experiment, tables, settings, str(path))
            for name, experiment in settings.experiments.items()
        },
    )


def _check_experiments(settings: ServiceSettings, path: str) -> None:
    for name, experiment in settings.experiments.items():
        where = f"{path} [experiments.{name}]"
        if experiment.placement not in settings.placements:
            known = did_you_mean(experiment.placement, list(settings.placements))
            raise ConfigError(f"{where}: placement {experiment.placement!r} is not configured{known}")
        for called in (name, *experiment.variants):
            if not _NAME.fullmatch(called):
                raise ConfigError(
                    f"{where}: experiments and variants are called 1 to {MOST_NAME_BYTES} letters, digits, "
                    f"- and _, got {called!r}"
                )
    for (one, first), (other, second) in combinations(settings.experiments.items(), 2):
        if first.overlaps(second):
            raise ConfigError(
                f"{path}: experiments {one!r} and {other!r} take place in {first.placement!r} at one time: "
                "give them start and end, one after the other, or make them one experiment"
            )


def _with_whole_settings(
    name: str, experiment: Experiment, tables: Mapping[str, Any], settings: ServiceSettings, path: str
) -> Experiment:
    """The experiment with what its variants do not set taken from their placement."""
    own = settings.placements[experiment.placement]
    variants = {}
    for called, variant in experiment.variants.items():
        if variant.settings is not None:
            where = f"{path} [experiments.{name}.variants.{called}.settings]"
            said = tables["experiments"][name]["variants"][called]["settings"]
            variant = replace(variant, settings=parse_section(Placement, said, where, own))
        variants[called] = variant
    return replace(experiment, variants=variants)
