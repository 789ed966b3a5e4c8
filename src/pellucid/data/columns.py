"""One column of a table → its kind, and its values as numbers or strings. Dates and free text are refused by name.

Before it: a polars Series from any reader. After it: frames.py, which puts the columns together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from .table import Table

TRUTH = {"true": 1.0, "false": 0.0}
TRUTH_OR_DIGIT = TRUTH | {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
DATE = r"^\d{1,4}([-/.])\d{1,2}([-/.])\d{1,4}([T ].*)?$|^\d{1,2}:\d{2}(:\d{2})?$"
MOST_CATEGORIES = 200  # more different values than this are free text
FREELY = 10  # so many different values are categories however few rows there are


def leave_out(name: str) -> str:
    """How to leave a column out, in Python and on the command line."""
    return f"Leave it out: drop={name!r}, --drop {name!r}."


def stripped(series: Any) -> Any:
    """A text-like column as strings without the spaces around them; an empty string is a missing value."""
    import polars as pl

    texts = series.cast(pl.String).str.strip_chars()
    return texts.set(texts.str.len_bytes() == 0, None)


def parsed(texts: Any) -> Any:
    """Strings as numbers, null where a string is none; full-width digits are digits."""
    import polars as pl

    numbers = texts.cast(pl.Float64, strict=False)
    if numbers.null_count() > texts.null_count():
        numbers = texts.str.normalize("NFKC").cast(pl.Float64, strict=False)
    return numbers


def infer_kind(series: Any, name: str, place: Table, as_category: bool) -> str:
    """The kind of a column: "number", "boolean" or "category".

    Args:
        series: the column.
        name: its name.
        place: a table without columns that words where a row stands.
        as_category: the user named this column as one of categories, whatever it looks like.

    Raises:
        DataError: a date, free text, an empty column, a nested column, numbers among which a word stands.
    """
    import polars as pl

    dtype, where = series.dtype, f"{place.where}, column {name!r}"
    leave = leave_out(name)
    if dtype.is_temporal():
        raise DataError(where, "expected numbers or categories", f"dates or times ({dtype})", f"{leave} {DAYS}")
    if dtype.is_nested() or dtype in (pl.Object, pl.Binary):
        raise DataError(where, "expected numbers, truth values or categories", f"values of type {dtype}", leave)
    if series.null_count() == len(series):
        raise DataError(where, "expected values", "none in any row", leave)
    if as_category:
        return "category"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric():
        return "number"
    texts = stripped(series)
    filled = len(texts) - texts.null_count()
    if texts.str.to_lowercase().drop_nulls().is_in(list(TRUTH)).all():
        return "boolean"
    wrong = parsed(texts).is_null() & texts.is_not_null()
    if 2 * wrong.sum() <= filled:
        if wrong.any():
            row = first_row(wrong)
            raise DataError(
                place.place(row, name),
                "expected a number, as most of the column holds",
                repr(texts[row]),
                f"Correct it, or take the column as categories: categories={name!r}, --categories {name!r}.",
            )
        return "number"
    if texts.drop_nulls().str.contains(DATE).all():
        raise DataError(
            where, "expected numbers or categories", f"dates or times ({first(texts)!r})", f"{leave} {DAYS}"
        )
    return "category"


DAYS = "Or turn it into numbers first, such as days since a start."


def first(series: Any) -> Any:
    """The first value that isn't missing."""
    return series.drop_nulls()[0]


def check_categories(values: Sequence[str], name: str, where: str, n: int) -> None:
    """Refuse a category column with so many different values that it is free text or an identifier.

    Args:
        values: the different values.
        name: the column's name.
        where: what messages call the table.
        n: its number of rows.

    Raises:
        DataError: with how many values there are, and one of them.
    """
    if len(values) > MOST_CATEGORIES or len(values) > max(FREELY, n / 2):
        raise DataError(
            f"{where}, column {name!r}",
            "expected categories, each in several rows",
            f"{len(values)} different texts in {n} rows, such as {shorten(values[0])!r}",
            f"Free text and identifiers can't be inputs. {leave_out(name)}",
        )


def first_row(mask: Any) -> int:
    """The index of the first true value of a polars mask that has one."""
    return int(mask.to_numpy().argmax())


def shorten(text: str, limit: int = 30) -> str:
    """The beginning of a text.

    Example:
        >>> shorten("a" * 50, 4)
        'aaa…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def as_numbers(series: Any, name: str, place: Table) -> np.ndarray:
    """A number column as float64 (n,), NaN where a value is missing.

    Raises:
        DataError: a date, or a value that is no number, with its row.
    """
    import polars as pl

    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        return series.cast(pl.Float64).to_numpy()
    return through(series, name, place, parsed, "a number")


def as_booleans(series: Any, name: str, place: Table) -> np.ndarray:
    """A boolean column as 0.0 and 1.0, NaN where a value is missing. Zeros and ones are accepted too.

    Raises:
        DataError: any other value, with its row.
    """
    import polars as pl

    if series.dtype == pl.Boolean:
        return series.cast(pl.Float64).to_numpy()

    def truth(texts):
        return texts.str.to_lowercase().replace_strict(
            list(TRUTH_OR_DIGIT), list(TRUTH_OR_DIGIT.values()), default=None, return_dtype=pl.Float64
        )

    return through(series, name, place, truth, "true or false")


def through(series: Any, name: str, place: Table, convert: Any, expected: str) -> np.ndarray:
    """Strings through `convert`; what it can't read is refused with its row."""
    import polars as pl

    if series.dtype.is_temporal() or series.dtype.is_nested() or series.dtype in (pl.Object, pl.Binary):
        raise DataError(f"{place.where}, column {name!r}", f"expected {expected} in each row", f"type {series.dtype}")
    texts = stripped(series)
    values = convert(texts)
    wrong = values.is_null() & texts.is_not_null()
    if wrong.any():
        row = first_row(wrong)
        raise DataError(
            place.place(row, name), f"expected {expected}", repr(texts[row]), "Correct it or leave the row out."
        )
    return values.to_numpy()


def as_texts(series: Any, name: str, place: Table) -> Any:
    """A category column as strings, null where a value is missing; whole numbers lose their ".0".

    Raises:
        DataError: a nested or binary column.
    """
    import polars as pl

    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Binary):
        raise DataError(f"{place.where}, column {name!r}", "expected categories", f"values of type {series.dtype}")
    if series.dtype.is_float():
        series = series.fill_nan(None)
        if (series.drop_nulls() == series.drop_nulls().floor()).all():
            series = series.cast(pl.Int64, strict=False)
    return stripped(series)


CONVERT = {"number": as_numbers, "boolean": as_booleans, "category": as_texts}
