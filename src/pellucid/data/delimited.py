"""CSV and TSV files → polars frame of texts; what a column holds is decided from its texts, in columns.py.

Polars cuts the fields; this module finds the separator and the header, and words what is wrong. Silent repairs of
the reader are not accepted: duplicate names, short rows and text among numbers are refused or said. Nothing is
parsed here, so that a field means the same whatever the other rows hold. After it: frames.py.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .columns import parsed, stripped
from .files import GZIP_ERRORS, open_bytes
from .frames import check_header

SEPARATORS = (",", "\t", ";", "|")
INDEX = "\0index"
COMMA_NUMBER = r"^\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*$"
MOST_FIELD = 1 << 27  # characters of one field, for Python's reader


@dataclass(frozen=True, eq=False)
class Read:
    """A frame, each row's place in the file (None: 0 … n − 1), how rows are counted, and what is to be said."""

    frame: Any
    rows: np.ndarray | None = None
    row_word: str = "row"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A file of text: what polars reads (a path, or bytes), and what messages call it."""

    content: Any
    where: str

    def open(self) -> Any:
        """The file as text, without its byte order mark."""
        raw = io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")
        return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def source_of(path: Path, where: str, gzipped: bool, max_unpacked: float | None) -> Source:
    """The file as polars can open it: unpacked where it is gzipped, read where its name is not UTF-8."""
    try:
        str(path).encode()
        if not gzipped:
            return Source(path, where)
    except UnicodeEncodeError:
        pass
    try:
        with open_bytes(path, gzipped, max_unpacked) as file:
            return Source(file.read(), where)
    except GZIP_ERRORS as error:
        raise DataError(
            where, "expected a whole gzip file", "one that is cut off or damaged", "Copy it again."
        ) from error


def read_delimited(
    path: Path,
    where: str,
    *,
    gzipped: bool = False,
    header: bool | None = None,
    names: Collection[str] = (),
    max_unpacked: float | None = None,
) -> Read:
    """A CSV or TSV file as a frame of texts; empty rows are left out, empty fields are null.

    Args:
        path, where: the file, and what messages call it.
        gzipped: whether it is.
        header: whether the first row holds the names; None to find out (see `is_header`).
        names: columns that were asked for, or that a training knew: a first row that holds one is a header.
        max_unpacked: how many bytes a gzipped file may become.

    Raises:
        DataError: not UTF-8, empty, a header only, rows of different lengths, an unclosed quote, duplicate names.
    """
    import polars as pl

    source = source_of(path, where, gzipped, max_unpacked)
    csv.field_size_limit(MOST_FIELD)
    try:
        with source.open() as file:
            beginning = file.read(1 << 16)
            separator = find_separator(beginning)
            file.seek(0)
            first = [name.strip() for name in next(csv.reader(file, delimiter=separator, strict=True), [])]
    except UnicodeDecodeError as error:
        raise not_text(source) from error
    except csv.Error as error:
        raise DataError(where, f"expected a header that can be read, but {error}") from error
    if "\r" in beginning and "\n" not in beginning:
        raise DataError(where, "expected lines that end in a line feed", "carriage returns alone", "Save it again.")
    if not any(first):
        raise DataError(where, "expected a header and rows", "an empty file or line", "Start with the column names.")
    schema = {str(position): pl.String for position in range(len(first))}
    headless = header is False or (header is None and all(number(text) is not None for text in first))
    try:
        frame = pl.read_csv(source.content, has_header=False, schema=schema, separator=separator)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise diagnosed(source, separator, len(first), headless) or DataError(
            where, f"expected a table that can be read, but {str(error).splitlines()[0]}"
        ) from error
    if frame.height and frame[str(len(first) - 1)].null_count() and len(first) > 1:
        short = diagnosed(source, separator, len(first), headless)
        if short:
            raise short
    notes: list[str] = []
    if header is None:
        headless = not is_header(first, frame, names)
        guessed = headless or any(number(text) is not None for text in first)
        if guessed:
            said = "no header: its columns are numbered from 1" if headless else "the first row is taken as the header"
            notes.append(f"{said} (if that is wrong: header={headless}, --header {'yes' if headless else 'no'})")
    if headless:
        columns = [f"column {position}" for position in range(1, len(first) + 1)]
    else:
        index = not first[0] and len(first) > 1  # pandas writes its index so
        columns = [INDEX, *first[1:]] if index else first
        check_header(columns, where)
        frame = frame[1:]
    frame.columns = columns
    if not headless:
        check_repeated(frame, first, where)
    frame, rows = without_empty_rows(frame, notes)
    if columns[0] == INDEX:
        if frame[INDEX].to_list() != [str(row) for row in range(len(frame))]:
            raise DataError(f"{where}, column 1", "expected a name in the header", "''")
        frame = frame.drop(INDEX)
        notes.append("left out the first column: it has no name and counts the rows")
    if separator == ";":
        frame = with_points(frame, notes)
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


def number(text: str) -> float | None:
    """A field as a number; None where it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def is_header(first: list[str], frame: Any, names: Collection[str] = ()) -> bool:
    """Whether the first row of a frame of texts holds the names of its columns.

    It does if a name that was asked for is in it, or a word stands over a column of numbers, or its numbers
    count (0, 1, 2; 2019, 2020; 400.5, 401.5, 402.5). It doesn't if a field is empty or stands in it twice, if it
    holds other numbers, or if each of its words is among the values below.

    Args:
        first: the fields of the first row.
        frame: the whole file, first row included, its columns called "0", "1", …
        names: columns that were asked for.

    Example:
        >>> import polars as pl
        >>> rows = pl.DataFrame({"0": ["400.5", "1.5", "2"], "1": ["401.5", "3", "4"], "2": ["species", "a", "b"]})
        >>> is_header(["400.5", "401.5", "species"], rows), is_header(["1.5", "3", "a"], rows[1:])
        (True, False)
    """
    if set(first) & set(names):
        return True
    if names and all(re.fullmatch(r"column \d+", name) for name in names):
        return False  # training knew no header
    below = frame[1:]
    numbers = [value for value in map(number, first) if value is not None]
    words = [(i, text) for i, text in enumerate(first) if text and number(text) is None]
    if numbers and any(over_numbers(below[str(i)]) for i, _ in words):
        return True
    if below.height > 1 and words and all(recurs(below, *word) for word in words):
        others = below.filter(~copies(below, first))
        if all(recurs(others, *word) for word in words):
            return False
    if not numbers:
        return True
    steps = set(np.diff(numbers).tolist())
    counting = len(steps) == 1 and steps != {0.0} and (len(numbers) > 2 or (bool(words) and steps == {1.0}))
    return len(set(first)) == len(first) and all(first) and (counting or numbers in ([0], [1], [0, 1], [1, 2]))


def recurs(rows: Any, column: int, text: str) -> bool:
    """Whether a column holds a word."""
    return bool((rows[str(column)].str.strip_chars() == text).any())


def copies(frame: Any, first: list[str]) -> Any:
    """Which rows of a frame of texts hold the fields of the first row again."""
    import polars as pl

    same = [(pl.col(name).str.strip_chars() == text) for name, text in zip(frame.columns, first, strict=True)]
    return frame.select(pl.all_horizontal(same).fill_null(False)).to_series()


def over_numbers(below: Any) -> bool:
    """Whether a column holds numbers alone."""
    texts = stripped(below)
    return texts.null_count() < len(texts) and parsed(texts).null_count() == texts.null_count()


def check_repeated(frame: Any, first: list[str], where: str) -> None:
    """Refuse a header that comes again, as where files were put one behind the other."""
    if len(frame) and (frame[:, 0].str.strip_chars() == first[0]).any() and (again := copies(frame, first)).any():
        row = int(again.to_numpy().argmax())
        raise DataError(
            f"{where}, row {row + 1} below the header", "expected values", "the header again", "Leave that row out."
        )


def not_text(source: Source) -> DataError:
    """The error for a file that isn't UTF-8, with the first byte that isn't."""
    where = source.where
    with source.open().detach() as file:
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


def diagnosed(source: Source, separator: str, width: int, headless: bool) -> DataError | None:
    """The error for the first row that has too few or too many fields, or for a quote that never closes."""
    where, below, row = source.where, "" if headless else " below the header", 0
    try:
        with source.open() as file:
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
        return not_text(source)
    return None


def without_empty_rows(frame: Any, notes: list[str]) -> tuple[Any, np.ndarray | None]:
    """The frame without rows that hold nothing, and the rows that are left."""
    import polars as pl

    empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if not len(frame) or not empty.any():
        return frame, None
    notes.append(f"left out {empty.sum()} empty row{'s' * int(empty.sum() > 1)}")
    return frame.filter(~empty), np.flatnonzero(~empty.to_numpy())


def with_points(frame: Any, notes: list[str]) -> Any:
    """The frame with decimal commas as points, as ; separates the fields."""
    import polars as pl

    found = frame.select(pl.all().str.contains(COMMA_NUMBER).any()).row(0) if len(frame) else ()
    names = [name for name, here in zip(frame.columns, found, strict=True) if here] if found else []
    if not names:
        return frame
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    notes.append(f"decimal commas read as points in {', '.join(map(repr, names[:3]))}{more}")
    comma = pl.col(names).str.contains(COMMA_NUMBER)
    return frame.with_columns(pl.when(comma).then(pl.col(names).str.replace(",", ".")).otherwise(pl.col(names)))
