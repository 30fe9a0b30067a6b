"""Which room may import what, and what nothing may be called."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("recommender", "training", "serving")

ALLOWED = {
    "recommender": {"recommender"},
    "training": {"recommender"},
    "serving": {"recommender"},
}
"""Absolute imports of our own that a folder may make; inside the two programs imports are relative."""

ROOMS = {
    "data": {"data", "ranges"},
    "models": {"models", "top_n", "data", "ranges", "blocks", "compiled"},
    "top_n": {"top_n", "compiled"},
    "ranking": {"ranking", "top_n", "models", "data", "ranges", "blocks", "compiled"},
    "evaluation": {"evaluation", "ranking", "models", "data"},
    "events": {"events"},
    "campaigns": {"campaigns", "ranking", "top_n", "models", "data", "ranges", "blocks", "compiled"},
    "experiments": {"experiments", "evaluation"},
    "snapshot": {"snapshot", "campaigns", "ranking", "models", "data", "compiled"},
}
"""Rooms of the core that each room may use, besides errors."""

HEAVY = {"implicit", "polars", "numba", "lightgbm", "scipy", "pyarrow"}


def python_files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def imports_of(file):
    """Absolute module names that a file imports, and how many levels up its relative imports reach."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


@pytest.mark.parametrize("folder", PROGRAMS)
def test_imports_point_one_way(folder):
    wrong = [
        f"{file.relative_to(ROOT)}: {module}"
        for file in python_files(folder)
        for module, level in imports_of(file)
        if level == 0
        and (module.split(".")[0] in PROGRAMS)
        and (
            module.split(".")[0] not in ALLOWED[folder]
            or module.startswith(("recommender.training", "recommender.serving"))
        )
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["training", "serving"])
def test_relative_imports_stay_inside_their_program(folder):
    for file in python_files(folder):
        depth = len(file.relative_to(ROOT / folder).parts)
        assert all(level <= depth for _, level in imports_of(file)), file


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_of_the_core_import_only_what_they_may(room):
    wrong = [
        f"{file.relative_to(ROOT)}: {module}"
        for file in python_files(f"recommender/{room}")
        for module, level in imports_of(file)
        if module.startswith("recommender.")
        and module != "recommender.errors"
        and not any(module.removeprefix("recommender.").startswith(allowed) for allowed in ROOMS[room])
    ]
    assert wrong == []


def test_the_service_names_no_heavy_library():
    named = {module.split(".")[0] for file in python_files("serving") for module, _ in imports_of(file)}
    assert named & HEAVY == set()


def test_imports_stand_at_the_top():
    nested = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for folder in PROGRAMS
        for file in python_files(folder)
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert nested == []


def test_the_core_reads_no_clock_and_no_environment():
    # The Redis rooms wait for a server, so they need a clock; nothing that learns or ranks does.
    forbidden = re.compile(r"datetime\.now|time\.time\(|os\.environ|np\.random\.(seed|rand)|random\.random\(")
    wrong = [
        str(file.relative_to(ROOT))
        for file in python_files("recommender")
        if not file.name.startswith("redis_") and forbidden.search(file.read_text())
    ]
    assert wrong == []


def test_no_name_says_nothing():
    empty = re.compile(r"(^|/)(utils?|helpers?|common|misc|managers?)(\.py|/)")
    assert [
        str(f)
        for folder in (*PROGRAMS, "benchmarks", "tests")
        for f in python_files(folder)
        if empty.search(str(f.relative_to(ROOT)))
    ] == []


def test_nothing_is_pickled():
    wrong = [
        str(file.relative_to(ROOT))
        for folder in PROGRAMS
        for file in python_files(folder)
        for module, _ in imports_of(file)
        if module.split(".")[0] in {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
    ]
    assert wrong == []


def test_files_stay_short():
    long = {
        str(f.relative_to(ROOT)): n
        for folder in PROGRAMS
        for f in python_files(folder)
        if (n := len(f.read_text().splitlines())) > 400
    }
    assert long == {}


def test_packages_listed_for_the_wheel_are_those_on_disk():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    on_disk = set()
    for folder in PROGRAMS:
        root = "recommender" if folder == "recommender" else f"recommender.{folder}"
        for init in (ROOT / folder).rglob("__init__.py"):
            on_disk.add(".".join([root, *init.parent.relative_to(ROOT / folder).parts]))
    assert listed == on_disk
