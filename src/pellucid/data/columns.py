"""One column of a table → its kind, and its values as numbers or strings. Dates and free text are refused by name.

Before it: a polars Series from any reader. After it: frames.py, which puts the columns together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from .table import Table

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "?")
TRUTH = {"true": 1.0, "false": 0.0}
TRUTH_OR_DIGIT = TRUTH | {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
DATE = r"^\d{1,4}([-/.])\d{1,2}([-/.])\d{1,4}([T ].*)?$|^\d{1,2}:\d{2}(:\d{2})?$"
WRITTEN = r"[-+]?[$€£¥]? ?[-+]?\d{1,3}(?:[,.' \u00a0]?\d{3})*(?:[.,]\d+)? ?(?:[$€£¥%]|[A-Z]{3})?"  # 1,234.50 €, 12 %
MOST_CATEGORIES = 200  # more different values than this are free text
FREELY = 10  # so many different values are categories however few rows there are


def leave_out(name: str) -> str:
    """How to leave a column out, in Python and on the command line."""
    return f"Leave it out: drop={name!r}, --drop {name!r}."


def stripped(series: Any) -> Any:
    """A text-like column as strings without the spaces around them, null where a text says that a value is missing."""
    import polars as pl

    texts = series.cast(pl.String).str.strip_chars()
    return texts.set(texts.is_in(MISSING), None)


def parsed(texts: Any) -> Any:
    """Strings as numbers, null where a string is none; full-width digits are digits."""
    import polars as pl

    numbers = texts.cast(pl.Float64, strict=False).fill_nan(None)
    if numbers.null_count() > texts.null_count():
        numbers = texts.str.normalize("NFKC").cast(pl.Float64, strict=False).fill_nan(None)
    return numbers


def are_codes(texts: Any) -> bool:
    """Whether strings are whole numbers of which some begin with 0: codes such as 007 and 01234, which 0 belongs to.

    Example:
        >>> import polars as pl
        >>> are_codes(pl.Series(["007", "010"])), are_codes(pl.Series(["0", "0.5", "10"]))
        (True, False)
    """
    return bool(texts.str.contains(r"^0[0-9]").any()) and bool(texts.drop_nulls().str.contains(r"^[0-9]+$").all())


def spelled(value: Any) -> tuple[str, Any]:
    """What a value means however it is spelled: 2, "2.0" and 2e0 are one number, TRUE and "true" one truth value.

    Codes such as "02" are no numbers. Each value is judged alone.

    Example:
        >>> spelled(2) == spelled("2.0"), spelled("02") == spelled(2), spelled("TRUE") == spelled(True)
        (True, False, True)
    """
    if isinstance(value, bool | np.bool_):
        return "truth", bool(value)
    text = str(value).strip()
    if text.lower() in TRUTH:
        return "truth", text.lower() == "true"
    if re.fullmatch(r"[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", text, re.ASCII):
        return "number", int(text) if text.lstrip("+-").isdigit() else float(text)
    return "text", text


def codes_of(values: Sequence[Any], known: Sequence[Any]) -> list[int]:
    """The place of each value among known ones, −1 where it isn't: by the exact text, or else by what it means.

    Example:
        >>> codes_of(["01", "1.0", "x"], ["1", "01"])
        [1, 0, -1]
    """
    exact = {str(value): code for code, value in enumerate(known)}
    meant = {spelled(value): code for code, value in reversed(list(enumerate(known)))}
    return [exact[text] if (text := str(value)) in exact else meant.get(spelled(value), -1) for value in values]


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
    if not filled:
        raise DataError(where, "expected values", "none in any row", leave)
    wrong = parsed(texts).is_null() & texts.is_not_null()
    if 2 * wrong.sum() <= filled:
        if are_codes(texts.filter(~wrong)):
            return "category"
        if wrong.any():
            row = first_row(wrong)
            raise DataError(
                place.place(row, name),
                "expected a number, as most of the column holds",
                repr(texts[row]),
                f"Correct it, or take the column as categories: categories={name!r}, --categories {name!r}."
                if texts.n_unique() <= FREELY
                else f"Correct it. {leave}",
            )
        return "number"
    if texts.str.to_lowercase().drop_nulls().is_in(list(TRUTH)).all():
        return "boolean"
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
        if all(re.fullmatch(WRITTEN, value) for value in values):
            raise DataError(
                f"{where}, column {name!r}",
                "expected plain numbers, such as 1234.5",
                f"numbers with separators or signs, such as {shorten(values[0])!r}",
                f"Write them plainly. {leave_out(name)}",
            )
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
    """A category column as strings, null where a value is missing; whole floats lose their ".0".

    Raises:
        DataError: a nested or binary column.
    """
    import polars as pl

    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Binary):
        raise DataError(f"{place.where}, column {name!r}", "expected categories", f"values of type {series.dtype}")
    texts = stripped(series.fill_nan(None) if series.dtype.is_float() else series)
    return texts.str.strip_suffix(".0") if series.dtype.is_float() else texts


CONVERT = {"number": as_numbers, "boolean": as_booleans, "category": as_texts}
