"""docs/settings.md says what the settings' own docstrings say."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from recommender.campaigns.bundles import Bundles
from recommender.campaigns.discounts import Discounts
from recommender.campaigns.replenishment import Replenishment
from recommender.data.newcomers import NewItems
from recommender.models.bought_together import BoughtTogether
from recommender.models.cart_trees import CartTrees
from recommender.models.similar_items import SimilarItems
from recommender.ranking.blend import Blend
from recommender.ranking.ranker import Ranker
from recommender.ranking.reranking import Reranking
from recommender.serving.placements import Experiment, Placement, Variant, load_service_settings
from recommender.training.gate_settings import GateSettings
from recommender.training.learning_settings import EvaluationSettings, ListSettings, ModelSettings
from recommender.training.update_settings import UpdateSettings

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()

SECTIONS = {f"models.{field.name}": field.default_factory for field in fields(ModelSettings)} | {
    "bought_together": BoughtTogether,
    "bundles": Bundles,
    "cart_trees": CartTrees,
    "discounts": Discounts,
    "similar": SimilarItems,
    "lists": ListSettings,
    "new_items": NewItems,
    "evaluation": EvaluationSettings,
    "ranker": Ranker,
    "replenishment": Replenishment,
    "reranking": Reranking,
    "gate": GateSettings,
    "update": UpdateSettings,
}


def rows_of(make):
    """A table row a setting: name, default, and its words in the docstring."""
    section = make()
    for name, meaning in meanings_of(type(section)).items():
        value = getattr(section, name)
        default = f'"{value}"' if isinstance(value, str) else f"{value}".lower()
        yield f"| `{name}` | `{default}` | {meaning} |"


def meanings_of(section):
    attributes = inspect.getdoc(section).split("Attributes:\n")[1]
    said = dict(re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", attributes, flags=re.S | re.M))
    return {field.name: " ".join(said[field.name].split()).rstrip(".") for field in fields(section)}


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_stands_there_with_its_default_and_meaning(name):
    section = PAGE.split(f"## [{name}]\n")[1].split("\n## ")[0]
    for row in rows_of(SECTIONS[name]):
        assert row in section, f"docs/settings.md lacks:\n{row}"


@pytest.mark.parametrize("section", [Experiment, Variant])
def test_every_setting_of_an_experiment_stands_on_its_page(section):
    page = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text()
    for name, meaning in meanings_of(section).items():
        assert f"| `{name}` | {meaning} |" in page, f"docs/experiments.md lacks:\n| `{name}` | {meaning} |"


def test_the_example_of_an_experiment_is_understood(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text()
    file = tmp_path / "serve.toml"
    file.write_text(page.split("```toml\n")[1].split("```")[0])
    experiment = load_service_settings(file).experiments["home-diverse"]
    assert list(experiment.variants) == ["control", "diverse", "held-out"]


def test_every_setting_of_a_placement_stands_on_the_page_of_the_service():
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
    for row in rows_of(Placement):
        name, _, meaning = (cell.strip() for cell in row.strip("| ").split(" | ", 2))
        assert f"| {name} | {meaning} |" in page, f"docs/serving.md lacks:\n| {name} | {meaning} |"


def test_the_weights_of_the_blend_stand_there():
    section = PAGE.split("## [blend]\n")[1].split("\n## ")[0]
    for field in fields(Blend):
        assert f"| `{field.name}` | `{field.default}` |" in section
