"""Lines are judged in Spark's buckets as they are judged all at once."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from recommender.data.cleaning import clean
from recommender.errors import ConfigError, DataError
from recommender.training.engines import Asked
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources.canonical import open_orders, read_lines
from recommender.training.spark import clean_lines as on_spark
from recommender.training.spark.frames import collected
from recommender.training.spark.pipeline import trained

NOW = 1_735_689_600
HEADER = "order_id,customer_id,item_id,quantity,unit_price,ordered_at,title,country"
FIRST = """
1,10.0,tea,2,3.5,2024-05-01 10:00,Tea,France
1,10.0,tea,2,3.5,2024-05-01 10:00,Tea,France
1,10.0,Milk ,1,,2024-05-01 10:00,Milk,France
2,,tea,1,3.5,2024-05-02 11:00,Tea,
3,11.0,POST,1,4,2024-05-03 12:00,Postage,
C4,10.0,tea,-1,3.5,2024-05-04 09:00,Tea,
5,12.0,milk,-3,2,2024-05-05 09:00,Milk,
6,12.0,milk,0,2,2024-05-05 09:00,Milk,
7,12.0,milk,many,2,2024-05-05 09:00,Milk,
8,12.0,milk,1,2,1899-05-05 09:00,Milk,
9,12.0,milk,1,2,2031-05-05 09:00,Milk,
C10,12.0,milk,1,2,2024-05-05 09:00,Milk,
11,12.0,milk,1,-2,2024-05-05 09:00,Milk,
12,12.0,milk,4,2,2024-05-06 09:00,Milk,
"""
SECOND = """
1,10,tea,2,3.5,2024-05-01 10:00,Tea again,France
12,12,milk,4,2,2024-05-06 09:00,Milk,
12,12,milk,4,2,2024-05-06 09:00,Milk,
13,anon,milk,1,2,2024-05-07 09:00,Milk,Spain
14,13,MILK,1,2,2024-05-08 09:00,Milk,Spain
"""
KEPT = ("file", "row", "order_id", "item", "customer", "quantity", "unit_price", "ordered_at", "country")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("odd")
    found = []
    for name, rows in (("a.csv", FIRST), ("b.csv", SECOND)):
        (folder / name).write_text(HEADER + rows)
        found.append(folder / name)
    return found


def odd_shop(fold: bool) -> Settings:
    found = Settings()
    rules = replace(
        found.cleaning,
        cancelled_order="^C",
        non_product=("^POST",),
        guest_customers=("anon",),
        fold_item_case=fold,
        fold_customer_case=fold,
    )
    return replace(found, cleaning=rules)


def rows(frame: pl.DataFrame) -> list[tuple]:
    texts = frame.select(pl.col(KEPT).exclude(pl.Float32, pl.Int64, pl.UInt32).cast(pl.String)).columns
    plain = frame.select(KEPT).with_columns(pl.col(texts).cast(pl.String))
    return sorted(plain.iter_rows(), key=lambda row: row[:2])


@pytest.mark.parametrize(("fold", "until"), [(True, None), (False, 1_715_000_000)])
def test_the_same_lines_are_kept_and_put_aside_for_the_same_reasons(spark, files, fold, until):
    settings = odd_shop(fold)
    read = read_lines(open_orders(files, settings.source, None), settings.source, Silent(), until)
    wanted = clean(read, ["a.csv", "b.csv"], settings.cleaning, None, now=NOW)
    lines = on_spark.read_lines(spark, files, settings, until=until)
    found = on_spark.clean_lines(lines, files, settings, None, now=NOW)
    assert rows(collected(found.kept)) == rows(wanted.kept)
    aside = wanted.aside.with_columns(pl.col("reason").cast(pl.String)).rows()
    assert sorted(collected(found.aside).rows()) == sorted(aside)
    assert found.lines == len(read)
    assert found.quarantined == len(aside)
    counted = {finding.code: finding.count for finding in found.findings}
    reasons = wanted.aside["reason"].cast(pl.String).to_list()
    assert counted == {reason: reasons.count(reason) for reason in reasons}


def test_what_a_task_refuses_is_said_in_its_own_words(spark, tmp_path):
    orders = tmp_path / "orders"
    orders.mkdir()
    (orders / "good.csv").write_text(HEADER + FIRST)
    (orders / "strange.csv").write_text("this,that\n1,2\n")
    asked = Asked([orders], None, None, tmp_path / "1", datetime.fromtimestamp(NOW, UTC))
    with pytest.raises(DataError, match=r"^strange\.csv: "), trained(asked, Settings(), Silent()):
        pass


def test_lines_are_not_put_aside_among_the_orders(tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + FIRST)
    asked = Asked([tmp_path], None, None, tmp_path / "1", datetime.fromtimestamp(NOW, UTC))
    with pytest.raises(ConfigError, match="lies among the orders"), trained(asked, Settings(), Silent()):
        pass
