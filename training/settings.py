"""cartlift.toml as frozen dataclasses: parsed once, unknown keys and wrong types refused with a hint."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

from recommender.data.cleaning_rules import CleaningRules
from recommender.data.newcomers import NewItems
from recommender.errors import ConfigError
from recommender.models.bought_together import BoughtTogether
from recommender.models.cart_trees import CartTrees
from recommender.models.similar_items import SimilarItems
from recommender.ranking.blend import Blend
from recommender.ranking.ranker import Ranker
from recommender.ranking.reranking import Reranking

from .gate_settings import GateSettings
from .learning_settings import EvaluationSettings, ListSettings, ModelSettings
from .presets import preset_named
from .source_settings import SourceSettings
from .update_settings import UpdateSettings


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Section = TypeVar("Section", bound=_Dataclass)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything cartlift.toml can say; one field a section.

    Attributes:
        source: where orders and items come from and how they are written.
        cleaning: what counts as a purchase.
        models: hyperparameters.
        bought_together: what stands in the lists that items and carts are answered from.
        cart_trees: what such a relation is worth in a cart.
        similar: what stands on item pages.
        blend: how much each model counts in a customer's list.
        ranker: what orders the list where a shop is large enough to learn it.
        reranking: what the list should be like as a whole.
        lists: which items stand in lists, and how many.
        new_items: which items may stand there before they have sold.
        evaluation: how the lists are judged.
        gate: what a snapshot must be like to go live.
        update: how much of the snapshot before an update goes on from.
    """

    source: SourceSettings = field(default_factory=SourceSettings)
    cleaning: CleaningRules = field(default_factory=CleaningRules)
    models: ModelSettings = field(default_factory=ModelSettings)
    bought_together: BoughtTogether = field(default_factory=BoughtTogether)
    cart_trees: CartTrees = field(default_factory=CartTrees)
    similar: SimilarItems = field(default_factory=SimilarItems)
    blend: Blend = field(default_factory=Blend)
    ranker: Ranker = field(default_factory=Ranker)
    reranking: Reranking = field(default_factory=Reranking)
    lists: ListSettings = field(default_factory=ListSettings)
    new_items: NewItems = field(default_factory=NewItems)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    update: UpdateSettings = field(default_factory=UpdateSettings)


def load_settings(path: Path | None = None, *, preset: str | None = None) -> Settings:
    """Settings of a file, on top of those of its preset.

    Args:
        path: a TOML file; None for defaults.
        preset: name of a preset; without it, the file's own `[source] preset`.

    Raises:
        ConfigError: the file cannot be read, or a section, key, value or preset is wrong.
    """
    raw = _read_toml(path) if path else {}
    where = str(path) if path else "settings"
    own_source = raw.get("source", {})
    name = preset or (own_source.get("preset") if isinstance(own_source, dict) else None)
    if name is None:
        return parse_section(Settings, raw, where)
    if not isinstance(name, str):
        raise ConfigError(f"{where}: [source] preset must be text, got {name!r}")
    return parse_section(Settings, merged(preset_named(name), raw, {"source": {"preset": name}}), where)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read settings {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error


def merged(*tables: Mapping[str, Any]) -> dict[str, Any]:
    """TOML tables as one; a later table's key goes before an earlier one's, down to single keys."""
    whole: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            old = whole.get(key)
            whole[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return whole


def parse_section(
    section_type: type[Section], raw: Mapping[str, Any], where: str, default: Section | None = None
) -> Section:
    """A TOML table as a frozen dataclass.

    Fields may be bool, int, float, str, Literal, tuples of any length of these, one of these or None, and
    dataclasses. A whole number does for a float, and a lone value for a tuple.

    Args:
        section_type: the dataclass.
        raw: the table.
        where: file, and section where it is not the whole file: begins every message.
        default: what holds where the table says nothing; by default the type's own defaults.

    Raises:
        ConfigError: an unknown key, a value of the wrong type, a missing key, or what the dataclass refuses.
    """
    hints = get_type_hints(section_type)
    known = [f for f in fields(section_type) if f.init]
    names = [f.name for f in known]
    for key in raw:
        if key not in names:
            raise ConfigError(f"{where}: unknown {_noun(raw[key])} {key!r}{did_you_mean(key, names)}")
    for needed in known:
        if needed.default is MISSING and needed.default_factory is MISSING and needed.name not in raw:
            raise ConfigError(f"{where}: {needed.name} must be set")
    # A section can have other defaults than its type, as the second ALS has.
    sections = {f.name: f.default_factory() for f in known if f.default_factory is not MISSING}
    values = {key: _parse(hints[key], value, where, key, sections.get(key)) for key, value in raw.items()}
    try:
        return section_type(**values) if default is None else replace(default, **values)
    except (ValueError, ConfigError) as error:
        raise ConfigError(f"{where}: {error}") from error


def _noun(value: object) -> str:
    return "section" if isinstance(value, dict) else "setting"


def did_you_mean(word: str, known: list[str]) -> str:
    """The known word nearest to a misspelt one, as the end of a sentence; else all of them."""
    close = get_close_matches(word, known, n=1)
    return f", did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"


def _parse(hint: Any, value: Any, where: str, key: str, default: Any = None) -> Any:
    """`value` as the type that a field declares."""
    origin = get_origin(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return parse_section(hint, _table(value, where, key), _inside(where, key), default)
    if origin is UnionType:
        (kind,) = (choice for choice in get_args(hint) if choice is not NoneType)
        return _parse(kind, value, where, key)
    if origin is tuple:
        several = value if isinstance(value, list) else [value]
        return tuple(_parse(get_args(hint)[0], one, where, key) for one in several)
    if origin is Literal:
        if value in get_args(hint):
            return value
        raise ConfigError(
            f"{where}: {key} must be one of {', '.join(map(repr, get_args(hint)))}, got {value!r}"
        )
    return _parse_plain(hint, value, where, key)


def _table(value: Any, where: str, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: {key} must be a section [{key}], got {value!r}")
    return value


def _inside(where: str, key: str) -> str:
    """The file and the section within it: 'cartlift.toml [source.columns]'."""
    return f"{where.removesuffix(']')}.{key}]" if where.endswith("]") else f"{where} [{key}]"


def _parse_plain(hint: type, value: Any, where: str, key: str) -> Any:
    if type(value) is hint:
        return value
    if hint is float and type(value) is int:
        return float(value)
    raise ConfigError(f"{where}: {key} must be {_NAMES[hint]}, got {value!r}")


_NAMES: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
