import re
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.cleaning_rules import CleaningRules
from recommender.data.columns import ItemColumns, OrderColumns
from recommender.errors import ConfigError
from recommender.settings_file import merged, parse_section
from recommender.training.presets import PRESETS
from recommender.training.settings import Settings, load_settings
from recommender.training.source_settings import SourceSettings

DOCS = (Path(__file__).parents[2] / "docs" / "order-schema.md").read_text()


@dataclass(frozen=True)
class Oven:
    degrees: int = 180
    fan: bool = False


@dataclass(frozen=True)
class Recipe:
    name: str
    hours: float = 1.5
    steps: tuple[str, ...] = ()
    sort: Literal["sweet", "salty"] = "sweet"
    note: str | None = None
    oven: Oven = field(default_factory=Oven)

    def __post_init__(self) -> None:
        if self.hours <= 0:
            raise ValueError("hours must be above 0")


def parse(**raw):
    return parse_section(Recipe, {"name": "cake", **raw}, "recipes.toml")


def test_a_table_becomes_a_dataclass_with_its_defaults():
    assert parse() == Recipe("cake")


def test_every_kind_of_field_is_read():
    read = parse(hours=2, steps=["mix", "bake"], sort="salty", note="hot", oven={"degrees": 200, "fan": True})
    assert read == Recipe("cake", 2.0, ("mix", "bake"), "salty", "hot", Oven(200, True))
    assert isinstance(read.hours, float)


def test_a_lone_value_does_for_a_list():
    assert parse(steps="mix").steps == ("mix",)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"hors": 2}, "recipes.toml: unknown setting 'hors', did you mean 'hours'?"),
        ({"oven": {"degree": 2}}, "recipes.toml [oven]: unknown setting 'degree', did you mean 'degrees'?"),
        ({"ovn": {}}, "recipes.toml: unknown section 'ovn', did you mean 'oven'?"),
        ({"hours": "two"}, "recipes.toml: hours must be a number, got 'two'"),
        ({"hours": True}, "recipes.toml: hours must be a number, got True"),
        ({"oven": {"degrees": 1.5}}, "recipes.toml [oven]: degrees must be a whole number, got 1.5"),
        ({"oven": {"degrees": True}}, "recipes.toml [oven]: degrees must be a whole number, got True"),
        ({"oven": {"fan": 1}}, "recipes.toml [oven]: fan must be true or false, got 1"),
        ({"oven": 180}, "recipes.toml: oven must be a section [oven], got 180"),
        ({"name": 7}, "recipes.toml: name must be text, got 7"),
        ({"steps": ["mix", 7]}, "recipes.toml: steps must be text, got 7"),
        ({"sort": "bitter"}, "recipes.toml: sort must be one of 'sweet', 'salty', got 'bitter'"),
        ({"note": 7}, "recipes.toml: note must be text, got 7"),
        ({"hours": -1}, "recipes.toml: hours must be above 0"),
    ],
)
def test_a_mistake_is_named_with_file_section_and_key(raw, message):
    with pytest.raises(ConfigError, match="^" + re.escape(message)):
        parse(**raw)


def test_a_word_like_no_other_is_answered_with_all_that_are_known():
    with pytest.raises(ConfigError, match=r"unknown setting 'zzz'; known are degrees, fan"):
        parse_section(Oven, {"zzz": 1}, "f")


def test_what_has_no_default_must_be_there():
    with pytest.raises(ConfigError, match=r"recipes\.toml: name must be set"):
        parse_section(Recipe, {}, "recipes.toml")


@given(st.builds(Oven, st.integers(-(2**31), 2**31), st.booleans()))
def test_plain_values_survive_the_way_through_a_table(oven):
    assert parse_section(Oven, asdict(oven), "f") == oven


def test_later_tables_change_single_keys_of_earlier_ones():
    assert merged({"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"y": 3}}, {"c": 4}) == {
        "a": {"x": 1, "y": 3},
        "b": 1,
        "c": 4,
    }


def write(folder, text):
    path = folder / "cartlift.toml"
    path.write_text(text)
    return path


def test_a_file_is_read(tmp_path):
    settings = load_settings(
        write(
            tmp_path,
            """
            [source]
            timezone = "Europe/Berlin"
            columns.customer_id = "Customer"
            columns.country = []
            [cleaning]
            non_product = ['^POST$']
            """,
        )
    )
    assert settings.source.timezone == "Europe/Berlin"
    assert (settings.source.columns.customer_id, settings.source.columns.country) == (("Customer",), ())
    assert settings.cleaning.non_product == ("^POST$",)


def test_without_a_file_everything_is_at_its_default():
    assert load_settings() == Settings()


def test_a_files_own_keys_go_before_its_presets(tmp_path):
    path = write(tmp_path, "[source]\npreset = 'uci-online-retail'\ntimezone = 'UTC'")
    settings = load_settings(path)
    assert (settings.source.preset, settings.source.timezone) == ("uci-online-retail", "UTC")
    assert settings.cleaning.cancelled_order == "^C"


def test_the_command_lines_preset_goes_before_the_files(tmp_path):
    path = write(tmp_path, "[source]\npreset = 'uci-online-retail'")
    settings = load_settings(path, preset="shopify")
    assert (settings.source.preset, settings.cleaning.cancelled_order) == ("shopify", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[source", "is no valid TOML"),
        ("[sauce]", "unknown section 'sauce', did you mean 'source'?"),
        ("[source]\npreset = 'shopfy'", "unknown preset 'shopfy'; known are uci-online-retail"),
        ("[source]\npreset = 7", r"\[source\] preset must be text, got 7"),
        ("[source]\ntimezone = 'Berlin'", r"\[source\]: timezone: no time zone 'Berlin'"),
        ("[source]\ndelimiter = ';;'", r"\[source\]: delimiter must be one character"),
        ("[source]\ndecimal = 'x'", r"\[source\]: decimal must be one of '\.', ','"),
        ("[source.columns]\norder_id = []", r"\[source\.columns\]: order_id cannot be left out"),
        (
            "[source.columns]\norder = 'x'",
            r"\[source\.columns\]: unknown setting 'order', did you mean 'order_id'",
        ),
        (
            "[cleaning]\nproduct_pattern = '('",
            r"\[cleaning\]: product_pattern: '\(' is no regular expression",
        ),
        ("source = 7", r"source must be a section \[source\], got 7"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as refused:
        load_settings(write(tmp_path, text))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read settings .*No such file"):
        load_settings(tmp_path / "none.toml")


@pytest.mark.parametrize("section", [SourceSettings, CleaningRules, OrderColumns, ItemColumns])
def test_every_setting_is_documented(section):
    assert [f.name for f in fields(section) if f"`{f.name}`" not in DOCS] == []


def test_every_preset_is_documented():
    assert [name for name in PRESETS if f"| `{name}` |" not in DOCS] == []


def test_the_documented_settings_are_settings():
    (toml,) = re.findall(r"^```toml\n(.*?)^```", DOCS, flags=re.S | re.M)
    assert parse_section(Settings, tomllib.loads(toml), "docs").source.preset == "shopify"


def test_a_section_with_defaults_of_its_own_keeps_those_that_are_not_named(tmp_path):
    path = tmp_path / "cartlift.toml"
    path.write_text("[models.als_long_term]\nfactors = 32\n")
    found = load_settings(path).models
    assert (found.als_long_term.factors, found.als_long_term.half_life_days) == (32, 365)
    assert found.als.half_life_days == 60
