"""Which settings are tuned, and where their best values are looked for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from recommender.models.registry import MODELS

from .settings import Settings

Number = int | float

Values = Mapping[str, Number]
"""Settings of one section by name."""

RANKING = "ranking"
"""Stage that tunes what orders the models' proposals: the ranker, or the blend where there is none."""

_OF_MODELS: Mapping[str, tuple[Number, Number]] = {
    "half_life_days": (3.0, 730.0),
    "taste_half_life_days": (7.0, 730.0),
    "factors": (16, 256),
    "alpha": (0.5, 40.0),
    "regularization": (0.01, 4.0),
    "shrinkage": (1.0, 200.0),
}
"""Whatever model has a setting of this name, its ends."""

_OF_RANKER: Mapping[str, tuple[Number, Number]] = {
    "trees": (50, 600),
    "leaves": (7, 63),
    "learning_rate": (0.01, 0.15),
}

_OF_BLEND = (0.003, 3.0)

_WHAT_SETS_IT_APART = {("als_long_term", "half_life_days"), ("co_purchase_recent", "half_life_days")}
"""Settings that make a second model of a kind another one: tuned alone, it would become a copy of the first,
and the lists would lose an opinion."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting that is tuned; values are looked for by their logarithm.

    Attributes:
        name: of the setting in its section.
        low: lower end, above 0.
        high: upper end; both are whole where only whole numbers will do.
    """

    name: str
    low: Number
    high: Number


@dataclass(frozen=True, slots=True)
class Space:
    """What one stage of the tuning changes.

    Attributes:
        stage: name of the stage.
        section: of the settings file, like `models.als`.
        own: the section's settings that are tuned, as they are today.
        parameters: where better values are looked for, in the order of the section.
    """

    stage: str
    section: str
    own: Values
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(
        cls, stage: str, section: str, own: Mapping[str, object], ranges: Mapping[str, tuple[Number, Number]]
    ) -> "Space":
        """The space of a section's settings.

        A setting of 0 switches something off and stays as it is. A range is widened so that it holds
        today's value.

        Args:
            stage: name of the stage.
            section: of the settings file.
            own: all of the section's settings.
            ranges: ends of those that can be tuned.
        """
        tuned = {
            name: type(ranges[name][0])(value)
            for name, value in own.items()
            if name in ranges and isinstance(value, int | float) and value > 0
        }
        parameters = (
            Parameter(name, min(ranges[name][0], value), max(ranges[name][1], value))
            for name, value in tuned.items()
        )
        return cls(stage, section, tuned, tuple(parameters))


def model_spaces(settings: Settings) -> tuple[Space, ...]:
    """One space a model that counts in the blend, those with the fewest settings first."""
    weights = asdict(settings.blend)
    spaces = [
        Space.of(name, f"models.{name}", own, _ranges_of(name))
        for name, own in asdict(settings.models).items()
        if name in MODELS and weights[name] > 0
    ]
    return tuple(sorted((space for space in spaces if space.parameters), key=lambda s: len(s.parameters)))


def ranker_space(settings: Settings) -> Space:
    """How large the ranker is, and how fast it learns."""
    return Space.of(RANKING, "ranker", asdict(settings.ranker), _OF_RANKER)


def blend_space(settings: Settings) -> Space:
    """How much each model counts. Only the proportions matter, so the largest weight stays as it is."""
    own = asdict(settings.blend)
    largest = max(own, key=lambda name: own[name])
    return Space.of(RANKING, "blend", own, {name: _OF_BLEND for name in own if name != largest})


def stages_of(settings: Settings) -> tuple[str, ...]:
    """Every stage, in the order in which they are tuned."""
    return (*(space.stage for space in model_spaces(settings)), RANKING)


def changed(settings: Settings, section: str, values: Values) -> Settings:
    """Settings with other values in one section.

    Raises:
        ValueError: the section refuses a value.
    """
    outer, _, inner = section.partition(".")
    old = getattr(settings, outer)
    if not inner:
        return replace(settings, **{outer: replace(old, **values)})
    return replace(settings, **{outer: replace(old, **{inner: replace(getattr(old, inner), **values)})})


def _ranges_of(model: str) -> Mapping[str, tuple[Number, Number]]:
    return {name: ends for name, ends in _OF_MODELS.items() if (model, name) not in _WHAT_SETS_IT_APART}
