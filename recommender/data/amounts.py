"""Quantities and prices as exports write them."""

import polars as pl

_SIGNS = r"[\p{Sc}\s]"
_GROUPED = {
    ".": r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$",
    ",": r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$",
}


def amounts(column: pl.Series, *, decimal: str = ".") -> pl.Series:
    """Numbers, float64; null where blank, infinite or not a number.

    In text, currency signs and blanks are passed over, and the other of point and comma is allowed
    where it groups thousands. Anything else is null: '1,5' must not turn into 15.

    Args:
        column: numbers or text.
        decimal: '.' or ',', the decimal sign of text.
    """
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64)
    else:
        numbers = _of_text(column.cast(pl.String), decimal)
    return numbers.set(~numbers.is_finite().fill_null(True), None)


def _of_text(text: pl.Series, decimal: str) -> pl.Series:
    bare = text.str.replace_all(_SIGNS, "")
    # float() would take '1.234' for 1.234 where a decimal comma makes it 1234: so grouping goes first.
    grouped = bare.str.contains(_GROUPED[decimal]).fill_null(False)
    group_sign = "," if decimal == "." else "."
    ungrouped = bare.zip_with(~grouped, bare.str.replace_all(group_sign, "", literal=True))
    if decimal == ",":
        strange = ungrouped.str.contains(".", literal=True).fill_null(False)
        ungrouped = ungrouped.set(strange, None).str.replace(",", ".", literal=True)
    return ungrouped.cast(pl.Float64, strict=False)
