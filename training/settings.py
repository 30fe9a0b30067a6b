"""What cartlift.toml says of a training, as frozen dataclasses."""

from dataclasses import dataclass, field
from pathlib import Path

from recommender.campaigns.bundles import Bundles
from recommender.campaigns.discounts import Discounts
from recommender.campaigns.replenishment import Replenishment
from recommender.data.cleaning_rules import CleaningRules
from recommender.data.newcomers import NewItems
from recommender.errors import ConfigError
from recommender.models.bought_together import BoughtTogether
from recommender.models.cart_trees import CartTrees
from recommender.models.similar_items import SimilarItems
from recommender.ranking.blend import Blend
from recommender.ranking.ranker import Ranker
from recommender.ranking.reranking import Reranking
from recommender.settings_file import merged, parse_section, read_toml

from .gate_settings import GateSettings
from .learning_settings import EvaluationSettings, ListSettings, ModelSettings
from .presets import preset_named
from .source_settings import SourceSettings
from .update_settings import UpdateSettings


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
        replenishment: what customers will soon buy again, and when.
        bundles: what is proposed as one offer.
        discounts: what is taken off the prices of a bundle.
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
    replenishment: Replenishment = field(default_factory=Replenishment)
    bundles: Bundles = field(default_factory=Bundles)
    discounts: Discounts = field(default_factory=Discounts)
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
    raw = read_toml(path) if path else {}
    where = str(path) if path else "settings"
    own_source = raw.get("source", {})
    name = preset or (own_source.get("preset") if isinstance(own_source, dict) else None)
    if name is None:
        return parse_section(Settings, raw, where)
    if not isinstance(name, str):
        raise ConfigError(f"{where}: [source] preset must be text, got {name!r}")
    return parse_section(Settings, merged(preset_named(name), raw, {"source": {"preset": name}}), where)
