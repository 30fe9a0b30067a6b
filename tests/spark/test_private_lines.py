"""Who opted out or was erased is left out on Spark as on one machine."""

from pathlib import Path

import polars as pl
import pytest

from recommender.events.private_customers import (
    PrivacyRegister,
    Standing,
    Standings,
    privacy_path,
    read_standings,
)
from recommender.training.progress import Silent
from recommender.training.settings import load_settings
from recommender.training.sources.canonical import open_orders, read_lines
from recommender.training.sources.private_lines import without_private
from recommender.training.spark import clean_lines as on_spark
from recommender.training.spark.frames import collected
from recommender.training.spark.private_lines import without_private as without_private_on_spark

HEADER = "order_id,customer_id,item_id,quantity,unit_price,ordered_at\n"
ROWS = "".join(
    f"{customer or 'guest'}{day},{customer},tea,1,2.5,2024-01-0{day}\n"
    for customer in ("ann", "ANN ", "bob", "cem", "dan", "")
    for day in (1, 5)
)
NUMBERS = "n1,10.0,tea,1,2.5,2024-01-01\nn2,11.0,tea,1,2.5,2024-01-01\n"
BETWEEN = 1_704_240_000.0  # 3 January 2024


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = []
    for name, rows in (("a.csv", ROWS), ("b.csv", NUMBERS)):
        (tmp_path / name).write_text(HEADER + rows)
        found.append(tmp_path / name)
    return found


@pytest.fixture
def private(tmp_path: Path) -> Standings:
    register = PrivacyRegister(privacy_path(tmp_path, "shop"))
    for id_, kind in {"ann": "erased", "bob": "opted_out", "cem": "returned", "10": "erased"}.items():
        register.set(id_, Standing(kind, BETWEEN))  # type: ignore[arg-type]
    register.close()
    return read_standings(tmp_path, "shop")


@pytest.mark.parametrize(("fold", "left"), [(True, 6), (False, 8)])
def test_the_same_lines_are_left_out_as_on_one_machine(spark, files, private, fold: bool, left: int):
    settings = load_settings()
    lines = on_spark.read_lines(spark, files, settings, until=None)
    found = collected(without_private_on_spark(lines, private, fold=fold)).sort("file", "row")
    tables = open_orders(files, settings.source, None)
    here = pl.concat(
        [
            without_private(read_lines([table], settings.source, Silent()), private, fold=fold)
            for table in tables
        ]
    )
    assert found["order_id"].to_list() == here["order_id"].cast(pl.String).to_list()
    assert len(found) == left and set(lines.columns) == set(found.columns)


def test_where_nobody_asked_for_anything_nothing_is_looked_at(spark, files, tmp_path: Path):
    lines = on_spark.read_lines(spark, files, load_settings(), until=None)
    assert without_private_on_spark(lines, read_standings(tmp_path / "none", "shop"), fold=False) is lines
