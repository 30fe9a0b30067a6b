import polars as pl
import pytest

from recommender.errors import DataError
from recommender.training.source_settings import SourceSettings
from recommender.training.sources.files import open_files


@pytest.fixture
def shop(tmp_path):
    """A folder of exports."""
    (tmp_path / "2023").mkdir()
    (tmp_path / "2024").mkdir()
    for name in ("2023/orders.csv", "2024/orders.csv", "items.tsv", ".hidden.csv", "notes.md"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "2024" / "more.parquet")
    return tmp_path


def names(*sources):
    return [table.name for table in open_files(sources, SourceSettings())]


def test_a_folder_is_all_its_tables_by_name(shop):
    assert names(shop) == [
        "2023/orders.csv",
        "2024/more.parquet",
        "2024/orders.csv",
        f"{shop.name}/items.tsv",
    ]


def test_files_are_read_in_the_order_given(shop):
    assert names(shop / "items.tsv", shop / "2024" / "more.parquet") == ["items.tsv", "more.parquet"]


def test_a_glob_is_what_it_matches(shop):
    assert names(f"{shop}/*/*.csv") == ["2023/orders.csv", "2024/orders.csv"]
    assert names(f"{shop}/**/*.parquet") == ["more.parquet"]


def test_a_file_named_twice_is_read_once(shop):
    assert names(shop / "items.tsv", f"{shop}/*.tsv", shop / "2023" / ".." / "items.tsv") == ["items.tsv"]


def test_a_file_whose_name_looks_like_a_glob_is_a_file(shop):
    (shop / "orders[1].csv").write_text("a\n1\n")
    assert names(shop / "orders[1].csv") == ["orders[1].csv"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.csv", "no such file or folder"),
        ("*.xlsx", "holds no CSV or Parquet file"),
        ("empty", "holds no CSV or Parquet file"),
        ("notes.md", r"notes\.md is neither CSV \(\.csv"),
    ],
)
def test_what_is_no_table_is_refused(shop, source, message):
    (shop / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        names(f"{shop}/{source}")


def test_a_broken_parquet_file_is_refused_by_name(shop):
    (shop / "broken.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match=r"^broken\.parquet is no readable Parquet file"):
        names(shop / "broken.parquet")
