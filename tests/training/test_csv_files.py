import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.errors import ConfigError, DataError
from recommender.training.source_settings import SourceSettings
from recommender.training.sources.csv_files import open_csv
from recommender.training.sources.csv_rows import MOST_LINES_A_ROW


@pytest.fixture
def read(tmp_path):
    """Rows of a file with these bytes, and its misshapen rows with how many values they have."""

    def read_bytes(content, name="shop.csv", **source):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        table = open_csv(file, name, SourceSettings(**source))
        return table.frame.collect().rows(), table.misshapen.rows()

    return read_bytes


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_by_the_header(read, delimiter):
    assert read(f"a{delimiter}b\n1{delimiter}2\n") == ([("1", "2")], [])


def test_a_delimiter_within_quotation_marks_is_none(read):
    assert read('"a,b,c";d\n1;2\n') == ([("1", "2")], [])


def test_the_settings_delimiter_goes_before_the_headers(read):
    assert read("a,b;c\n1,2;3\n", delimiter=";") == ([("1,2", "3")], [])


def test_everything_is_text_and_zeros_stay(read):
    assert read("a,b\n007,1.50\n") == ([("007", "1.50")], [])


def test_blank_values_are_none(read):
    assert read("a,b,c\n,,x\n") == ([(None, None, "x")], [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_recognised(read, encoding):
    assert read("a,b\n1,Rosé\n".encode(encoding)) == ([("1", "Rosé")], [])


def test_an_encoding_can_be_named(read):
    assert read("a,b\n1,ж\n".encode("cp1251"), encoding="windows-1251") == ([("1", "ж")], [])
    assert read("a,b\n1,Rosé\n".encode(), encoding="UTF8") == ([("1", "Rosé")], [])


def test_a_byte_that_means_nothing_in_windows_1252_costs_only_itself(read):
    assert read(b"a,b\n1,\xe9\x81\n") == ([("1", "é\ufffd")], [])


def test_an_encoding_that_is_none_is_refused(read):
    with pytest.raises(ConfigError, match="there is no 'utf-9'"):
        read("a\n1\n", encoding="utf-9")


def test_gzip_is_unpacked(read):
    assert read(gzip.compress(b"a,b\n1,2\n"), name="shop.csv.gz") == ([("1", "2")], [])
    assert read(gzip.compress(b"a,b\n1\n2,3\n"), name="shop.csv.gz") == ([("1", None), ("2", "3")], [(1, 1)])


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"a,b\n1,2\n" * 99)[:-9]],
    # A name of its own for each: made of the content it would hold the second of its making.
    ids=["empty", "other bytes", "cut short"],
)
def test_a_broken_gzip_is_refused_by_name(read, content):
    with pytest.raises(DataError, match=r"^shop\.csv\.gz cannot be read: "):
        read(content, name="shop.csv.gz")


def test_an_empty_file_is_refused_by_name(read):
    with pytest.raises(DataError, match=r"^shop\.csv cannot be read: "):
        read("")


def test_a_header_alone_is_a_file_without_rows(read):
    assert read("a,b\n") == ([], [])


def test_line_ends_of_any_system_and_lines_within_values(read):
    assert read('a,b\r\n1,"2\r\n3"\r\n4,5\r\n') == ([("1", "2\r\n3"), ("4", "5")], [])
    assert read("a,b\n1,2\n3,4") == ([("1", "2"), ("3", "4")], [])


def test_rows_of_another_width_are_named_and_the_others_kept(read):
    assert read("a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n") == (
        [("1", "2", "3"), ("4", "5", None), ("6", "7", "8"), ("10", "11", "12")],
        [(2, 2), (3, 4)],
    )


def test_a_blank_last_value_is_no_short_row(read):
    assert read("a,b\n1,\n2,3\n") == ([("1", None), ("2", "3")], [])


def test_blank_lines_count_as_rows_but_not_as_misshapen(read):
    rows, misshapen = read("a,b\n1,2\n\n3,4\n5\n")
    assert [row for row in rows if any(row)] == [("1", "2"), ("3", "4"), ("5", None)]
    assert misshapen == [(4, 1)]


def test_inches_within_values_are_inches(read):
    assert read('a,b\n1,12" ruler\n2,6" and 5" nails\n3,"4"" nails"\n') == (
        [("1", '12" ruler'), ("2", '6" and 5" nails'), ("3", '4" nails')],
        [],
    )


def test_a_quotation_mark_that_is_never_closed_costs_no_other_row(read):
    rows, misshapen = read('a,b\n1,2\n"3,4\n5,6\n7,"8\n9"\n')
    assert rows == [("1", "2"), ('"3', "4"), ("5", "6"), ("7", "8\n9")] and misshapen == []


def test_not_even_in_a_long_file(read):
    many = 2 * MOST_LINES_A_ROW + 7
    rows, misshapen = read("a,b\n" + '"x,y\n' + "1,2\n" * many)
    assert rows == [('"x', "y")] + [("1", "2")] * many and misshapen == []


def test_a_value_of_many_lines_is_still_one_value(read):
    value = "line\n" * 300
    assert read(f'a,b\n1,"{value}"\n2\n') == ([("1", value), ("2", None)], [(2, 1)])


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=("Cs", "Cc")), max_size=6
)
tables = st.lists(st.tuples(texts, texts, texts.filter(bool)), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables, st.sampled_from(",;\t|"))
def test_whatever_python_writes_is_read_back(read, rows, delimiter):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("a", "b", "c"), *rows])
    read_back, misshapen = read(text.getvalue())
    assert [tuple(value or "" for value in row) for row in read_back] == rows and misshapen == []
