"""CSV and TSV files → polars frame.

Polars reads; this module finds the separator and the header, and words what is wrong. Silent repairs of the
reader are not accepted: duplicate names, short rows and text among numbers are refused or said. After it:
frames.py.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .files import GZIP_ERRORS
from .frames import check_header

SEPARATORS = (",", "\t", ";", "|")
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "?"]
SAMPLE = 10_000  # rows by which polars guesses the types; where it fails, all is read as text and parsed later
INDEX = "\0index"
COMMA_NUMBER = r"^[+-]?\d+(,\d+)?$"


@dataclass(frozen=True, eq=False)
class Read:
    """A frame, each row's place in the file (None: 0 … n − 1), how rows are counted, and what is to be said."""

    frame: Any
    rows: np.ndarray | None = None
    row_word: str = "row"
    notes: tuple[str, ...] = ()


def open_text(path: Path, gzipped: bool) -> Any:
    """The file as text, with or without gzip and byte order mark."""
    return (gzip.open if gzipped else open)(path, "rt", encoding="utf-8-sig", newline="")


def read_delimited(path: Path, where: str, *, gzipped: bool = False) -> Read:
    """A CSV or TSV file as a frame; empty rows are left out.

    Empty fields and NA, N/A, n/a, NaN, nan, null, NULL, ? are missing values. A file whose first row holds
    numbers has no header; its columns are called "column 1", "column 2", …

    Raises:
        DataError: not UTF-8, empty, a header only, rows of different lengths, an unclosed quote, duplicate names.
    """
    import polars as pl

    try:
        with open_text(path, gzipped) as file:
            beginning = file.read(1 << 16)
            separator = find_separator(beginning)
            file.seek(0)
            header = [name.strip() for name in next(csv.reader(file, delimiter=separator, strict=True), [])]
    except UnicodeDecodeError as error:
        raise not_text(path, where, gzipped) from error
    except GZIP_ERRORS as error:
        raise cut_off(where) from error
    except csv.Error as error:
        raise DataError(where, f"expected a header that can be read, but {error}") from error
    if "\r" in beginning and "\n" not in beginning:
        raise DataError(where, "expected lines that end in a line feed", "carriage returns alone", "Save it again.")
    if not any(header):
        raise DataError(where, "expected a header and rows", "an empty file or line", "Start with the column names.")
    notes: list[str] = []
    if headless := holds_numbers(header):
        names = [f"column {position}" for position in range(1, len(header) + 1)]
        notes.append("the first row holds numbers: it is taken as data, and the columns are numbered from 1")
    else:
        index = not header[0] and len(header) > 1  # pandas writes its index so
        names = [INDEX, *header[1:]] if index else header
        check_header(names, where)
    options: dict[str, Any] = {
        "separator": separator, "has_header": not headless, "new_columns": names, "null_values": MISSING,
    }  # fmt: skip
    try:
        try:
            frame = pl.read_csv(path, infer_schema_length=SAMPLE, **options)
        except pl.exceptions.ComputeError:
            frame = pl.read_csv(path, infer_schema=False, **options)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise diagnosed(path, where, separator, len(names), gzipped, headless) or DataError(
            where, f"expected a table that can be read, but {str(error).splitlines()[0]}"
        ) from error
    if frame.columns != names:
        raise diagnosed(path, where, separator, len(names), gzipped, headless) or DataError(
            where, f"expected {len(names)} columns", len(frame.columns), "Check that the lines end in a line feed."
        )
    if frame.height and frame[names[-1]].null_count() and len(names) > 1:
        short = diagnosed(path, where, separator, len(names), gzipped, headless)
        if short:
            raise short
    frame, rows = without_empty_rows(frame, notes)
    if names[0] == INDEX:
        if frame[INDEX].cast(pl.String).to_list() != [str(row) for row in range(len(frame))]:
            raise DataError(f"{where}, column 1", "expected a name in the header", "''")
        frame = frame.drop(INDEX)
        notes.append("left out the first column: it has no name and counts the rows")
    frame = tidied(frame, separator, notes)
    return Read(frame, rows, "row" if headless else "row below the header", tuple(notes))


def find_separator(beginning: str) -> str:
    """The separator that cuts the header into the most fields; the comma if none does.

    Example:
        >>> find_separator('"a,b";c;d'), find_separator("a")
        (';', ',')
    """

    def fields(separator: str) -> int:
        return len(next(csv.reader(beginning.splitlines(keepends=True), delimiter=separator), []))

    return max(SEPARATORS, key=lambda separator: (fields(separator), -SEPARATORS.index(separator)))


def holds_numbers(header: list[str]) -> bool:
    """Whether a first row is data: it holds numbers, and they don't just count the columns.

    Example:
        >>> holds_numbers(["5.1", "setosa"]), holds_numbers(["0", "1", "2", "target"])
        (True, False)
    """
    numbers = []
    for text in header:
        try:
            numbers.append(float(text))
        except ValueError:
            continue
    counting = [float(i) for i in range(len(numbers))]
    return bool(numbers) and numbers not in (counting, [i + 1 for i in counting])


def cut_off(where: str) -> DataError:
    """The error for a gzip file that ends too early."""
    return DataError(where, "expected a whole gzip file", "one that is cut off or damaged", "Copy it again.")


def not_text(path: Path, where: str, gzipped: bool) -> DataError:
    """The error for a file that isn't UTF-8, with the first byte that isn't."""
    with (gzip.open if gzipped else open)(path, "rb") as file:
        position = 0
        for line, text in enumerate(file, 1):
            try:
                text.decode("utf-8")
            except UnicodeDecodeError as error:
                found = f"byte 0x{text[error.start]:02x} in line {line}"
                if not position and text[:2] in (b"\xff\xfe", b"\xfe\xff"):
                    found = "UTF-16"
                return DataError(where, "expected text in UTF-8", found, "Save it as UTF-8 (“CSV UTF-8”).")
            position += len(text)
    return DataError(where, "expected text in UTF-8", do="Save it as UTF-8 (“CSV UTF-8”).")


def diagnosed(path: Path, where: str, separator: str, width: int, gzipped: bool, headless: bool) -> DataError | None:
    """The error for the first row that has too few or too many fields, or for a quote that never closes."""
    below = "" if headless else " below the header"
    row = 0
    try:
        with open_text(path, gzipped) as file:
            for row, fields in enumerate(csv.reader(file, delimiter=separator, strict=True), 1 if headless else 0):
                if fields and len(fields) != width and row:
                    return DataError(
                        f"{where}, row {row}{below}",
                        f"expected {width} fields",
                        len(fields),
                        f"Put fields that hold {separator!r} in quotes, and leave gaps empty.",
                    )
    except csv.Error as error:
        return DataError(f"{where}, row {row + 1}{below}", f"expected fields in matching quotes, but {error}")
    except UnicodeDecodeError:
        return not_text(path, where, gzipped)
    except GZIP_ERRORS:
        return cut_off(where)
    return None


def without_empty_rows(frame: Any, notes: list[str]) -> tuple[Any, np.ndarray | None]:
    """The frame without rows that hold nothing, and the rows that are left."""
    import polars as pl

    empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if not len(frame) or not empty.any():
        return frame, None
    notes.append(f"left out {empty.sum()} empty row{'s' * int(empty.sum() > 1)}")
    return frame.filter(~empty), np.flatnonzero(~empty.to_numpy())


def tidied(frame: Any, separator: str, notes: list[str]) -> Any:
    """Text columns without spaces around the values; decimal commas become points where ; separates."""
    import polars as pl

    texts = pl.col(pl.String).str.strip_chars()
    frame = frame.with_columns(texts)
    frame = frame.with_columns(
        pl.when(pl.col(pl.String).is_in(MISSING)).then(None).otherwise(pl.col(pl.String)).name.keep()
    )
    if separator == ";":
        for name in frame.columns:
            column = frame[name]
            if column.dtype == pl.String and column.null_count() < len(column):
                filled = column.drop_nulls()
                if filled.str.contains(COMMA_NUMBER).all():
                    frame = frame.with_columns(column.str.replace(",", "."))
                    notes.append(f"column {name!r}: decimal commas read as points")
    return frame
