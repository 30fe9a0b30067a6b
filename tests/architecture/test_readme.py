"""What the README says is what happens."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from recommender.settings_file import parse_section
from recommender.training.settings import Settings
from tests.commands import cartlift

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.S | re.M)


def test_its_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for block in blocks("python"):
        exec(block, namespace)
    shown = capsys.readouterr().out
    assert shown.count("'") == 6


def test_its_settings_are_understood():
    for block in blocks("toml"):
        settings = parse_section(Settings, tomllib.loads(block), "README.md")
        assert settings.source.timezone == "Europe/London"


def test_its_commands_name_verbs_and_options_that_exist():
    used = re.findall(r"^cartlift (\w+)(.*?)(?:#.*)?$", "\n".join(blocks("sh")), flags=re.M)
    assert {verb for verb, _ in used} >= {"validate", "train", "publish", "serve"}
    for verb, words in used:
        told = cartlift(verb, "--help").out
        assert all(option in told for option in re.findall(r"--\w+", words))


def test_its_targets_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", "\n".join(blocks("sh")), flags=re.M):
        assert re.search(rf"^{target}:", makefile, flags=re.M)


def test_it_shows_the_help_as_it_is():
    (shown,) = blocks("", README.split("## The command")[1].split("## Deploy")[0])
    assert shown.split("\n", 1)[1].strip() == cartlift("--help").out.strip()


def test_its_figures_are_those_of_the_last_benchmark():
    shops = json.loads((ROOT / "benchmarks" / "results" / "quality.json").read_text())["figures"]
    for shop, methods in shops.items():
        for figures in methods["the product"]:
            if figures["task"] != "repeat":
                mean, low, high = (f"{figures['ndcg'][name]:.3f}"[1:] for name in ("mean", "low", "high"))
                label = {"all": "all purchases", "discover": "first-time purchases"}[figures["task"]]
                (row,) = re.findall(rf"^\| {re.escape(shop)}, {label} .*$", README, flags=re.M)
                assert row.endswith(f"**{mean}** [{low}, {high}] |")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


# What asks a running service is run beside one, by tests/client.
ALONE = [page for page in PAGES if page.name != "clients.md"]


@pytest.mark.parametrize("page", ALONE, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_the_docs_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for block in blocks("python", page.read_text()):
        exec(block, namespace)
