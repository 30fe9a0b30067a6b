"""The file of `cartlift serve --config`: what is shown where, by which rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recommender.errors import ConfigError
from recommender.settings_file import did_you_mean, parse_section, read_toml

from .expressions import ExpressionRefused, expression
from .schemas import MOST_PLACES, ItemField, Mode, RungName

MOST_PINS = 100


@dataclass(frozen=True, slots=True)
class Placement:
    """[placements.NAME]: how lists of this placement are made.

    `n`, `mode`, `category`, `strict`, `fields` and `diversity` hold where a request does not say otherwise.
    The other rules hold beside what it says.

    Attributes:
        ladder: which lists to answer from, in this order, the first with something to show: `personal`,
            `session`, `co_purchase`, `similar`, `best_sellers`. Those that a call does not have are passed
            over; without any that it has, the call's own ladder holds.
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


class UnknownPlacement(ValueError):
    """A request names a placement that is not configured."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Everything the file can say; one field a section.

    Attributes:
        placements: by name. Without any, a request's `placement` is a label and no more.
    """

    placements: Mapping[str, Placement] = field(default_factory=dict)

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
    settings = parse_section(ServiceSettings, read_toml(path), str(path))
    for name in settings.placements:
        if not 1 <= len(name) <= 64:
            raise ConfigError(f"{path}: a placement is called 1 to 64 characters, got {name!r}")
    return settings
