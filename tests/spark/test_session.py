"""Who lacks something that Spark needs is told what to install."""

import stat
import sys
from pathlib import Path

import pytest

from recommender.errors import ConfigError
from recommender.training import engines
from recommender.training.spark import session
from tests.commands import cartlift


def java_that_says(folder: Path, said: str) -> None:
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
    ],
)
def test_the_version_of_java_is_its_major_one(tmp_path, monkeypatch, said, version):
    java_that_says(tmp_path, said)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert session.java_version() == version


def test_java_that_is_too_old_is_refused_with_what_to_install(tmp_path, monkeypatch):
    java_that_says(tmp_path, 'openjdk version "11.0.2"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"version 11: install one .*openjdk-17-jre-headless"):
        session.require_java()


def test_without_java_training_says_so_and_ends_as_a_wrong_setting_does(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    (tmp_path / "orders.csv").write_text("order_id,item_id\n1,tea\n")
    words = ("train", "orders.csv", "--snapshot", "snapshots/1", "--engine", "spark")
    ended = cartlift(*words, folder=tmp_path, expect=2)
    assert "there is no Java: install one" in ended.err
    assert not (tmp_path / "snapshots" / "1").exists()


def test_without_pyspark_it_is_told_which_extra_to_install(monkeypatch):
    # None in sys.modules is Python's own way of saying that a module cannot be found.
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None if name == "pyspark" else ...)
    with pytest.raises(ConfigError, match=r"needs pyspark: pip install 'cartlift\[spark\]'"):
        engines.spark_engine()


def test_master_goes_with_spark_alone(tmp_path):
    (tmp_path / "orders.csv").write_text("order_id,item_id\n1,tea\n")
    words = ("train", "orders.csv", "--snapshot", "1", "--master", "local[2]")
    assert "--master says where Spark runs" in cartlift(*words, folder=tmp_path, expect=2).err


@pytest.mark.parametrize(("option", "value"), [("--memory", "8GB"), ("--query", "SELECT 1")])
def test_what_spark_does_not_heed_is_refused(tmp_path, option, value):
    (tmp_path / "orders.csv").write_text("order_id,item_id\n1,tea\n")
    words = ("train", "orders.csv", "--snapshot", "1", "--engine", "spark", option, value)
    assert f"{option} is" in cartlift(*words, folder=tmp_path, expect=2).err
