"""What every reader hands on: a table whose columns have a known kind, with its targets, in row order.

Before it stand the readers (files, frames, named sets, arrays); after it the Preparation, which turns a
table into the numbers x that a network takes. Nothing here has been scaled, encoded or imputed yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DataError

KINDS = ("number", "boolean", "category")


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of inputs of known kind, and their targets.

    Attributes:
        where: what error messages call it ("iris.csv", "x").
        names, kinds: the input columns in order; each kind is "number", "boolean" or "category".
        numbers: (n, m) array of the number and boolean columns, in order; NaN where a value is missing.
        texts: the category columns by name, as polars Series of strings; null where a value is missing.
        y: labels (n,) that index `classes`, or numbers (n, n_L), or None.
        classes: the label values, or None where the targets are numbers.
        target_names: the columns that y comes from.
        task: "classification", "regression" or None (no targets).
        rows: each row's place in the source, from 0; None means 0 … n − 1.
        row_word: how a row is counted in messages ("row", or "row below the header").
        named: whether columns are found by name (tables) or by position (arrays).
        shape: a sample's shape before it was flattened, such as (28, 28).
        scale: how numbers are to be scaled: "standard", "auto", "none" or a divisor (see Preparation).
        notes: what was decided on the way, one sentence each.
        test: the test part, where the source brings its own.
    """

    where: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    numbers: np.ndarray
    texts: dict[str, Any] = field(default_factory=dict)
    y: np.ndarray | None = None
    classes: tuple | None = None
    target_names: tuple[str, ...] = ()
    task: str | None = None
    rows: np.ndarray | None = None
    row_word: str = "row"
    named: bool = True
    shape: tuple[int, ...] | None = None
    scale: str | float = "standard"
    notes: tuple[str, ...] = ()
    test: Table | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.numbers)

    @cached_property
    def number_names(self) -> tuple[str, ...]:
        """The names of the columns of `numbers`."""
        return tuple(name for name, kind in zip(self.names, self.kinds, strict=True) if kind != "category")

    def place(self, row: int, column: str | None = None) -> str:
        """Where a value stands, as a message says it, with rows counted from 1.

        Example:
            >>> t = Table("a.csv", ("age",), ("number",), np.ones((3, 1)), row_word="row below the header")
            >>> t.place(1, "age")
            "a.csv, row 2 below the header, column 'age'"
        """
        return place(self.where, row if self.rows is None else int(self.rows[row]), column, self.row_word)

    def take(self, rows: np.ndarray) -> Table:
        """The table of these rows (a copy); each still knows its place in the source."""
        rows = np.asarray(rows)
        return replace(
            self,
            numbers=self.numbers.take(rows, axis=0),
            texts={name: series.gather(rows) for name, series in self.texts.items()},
            y=None if self.y is None else self.y.take(rows, axis=0),
            rows=rows if self.rows is None else self.rows.take(rows),
            test=None,
        )

    def noting(self, *notes: str, **changes: Any) -> Table:
        """The same table with more notes, and other fields changed where given."""
        return replace(self, notes=(*self.notes, *notes), **changes)


def place(where: str, row: int, column: str | None = None, row_word: str = "row") -> str:
    """``where, row 2 below the header, column 'age'`` for the row of index 1."""
    text = f"{where}, {row_word.replace('row', f'row {row + 1}', 1)}"
    return text if column is None else f"{text}, column {column!r}"


def blocks(n: int, width: int) -> Iterator[slice]:
    """Slices of rows that cut (n, width) numbers into pieces of about a million."""
    step = max(1, (1 << 20) // max(1, width))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def first_bad(x: np.ndarray, allowed: np.ndarray | bool = False) -> tuple[int, int] | None:
    """Row and column of the first infinity, or of the first NaN where NaN isn't allowed.

    Args:
        x: (n, m) numbers.
        allowed: whether a NaN may stand for a missing value, for all columns or each, (m,).

    Example:
        >>> first_bad(np.array([[1.0, np.nan], [np.inf, 2.0]])), first_bad(np.ones((2, 2)))
        ((0, 1), None)
    """
    if x.dtype.kind != "f":
        return None
    for rows in blocks(*x.shape):
        bad = np.isinf(x[rows]) | (np.isnan(x[rows]) & ~np.asarray(allowed, bool))
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            return rows.start + row, column
    return None


def check_complete(table: Table, impute: bool | Mapping[str, bool]) -> None:
    """Refuse infinities, and missing values unless they are to be filled in.

    Args:
        table: any table.
        impute: whether missing values are allowed: for all columns, or by name.

    Raises:
        DataError: with the row and the column of the first such value.
    """
    if found := incomplete(table, impute):
        raise next(iter(found.values()))


def incomplete(table: Table, impute: bool | Mapping[str, bool]) -> dict[str, DataError]:
    """What `check_complete` would say of each column that holds such a value, the first row first."""
    allowed = impute if isinstance(impute, Mapping) else dict.fromkeys(table.names, impute)
    may = np.array([allowed[name] for name in table.number_names], bool)
    found: list[tuple[int, str, float]] = []
    if first_bad(table.numbers, may) is not None:
        x, left = table.numbers, np.ones(len(may), bool)
        for rows in blocks(*x.shape):
            bad = (np.isinf(x[rows]) | (np.isnan(x[rows]) & ~may)) & left
            for column in np.flatnonzero(bad.any(axis=0)):
                row = rows.start + int(bad[:, column].argmax())
                found.append((row, table.number_names[column], x[row, column]))
                left[column] = False
    for name, series in table.texts.items():
        if not allowed[name] and series.null_count():
            found.append((int(series.is_null().to_numpy().argmax()), name, np.nan))
    place_of = {name: place for place, name in enumerate(table.names)}
    return {
        name: unusable(table, *where)
        for where in sorted(found, key=lambda f: (f[0], place_of[f[1]]))
        for name in [where[1]]
    }


def unusable(table: Table, row: int, name: str, value: float) -> DataError:
    """The error for a value that is infinite or missing."""
    if np.isinf(value):
        return DataError(table.place(row, name), "expected a finite number", value, "Correct it or leave the row out.")
    return DataError(
        table.place(row, name),
        "the value is missing",
        do="Fill it in, leave the row out, or have all gaps filled: impute='mean', --impute mean (or median, mode).",
    )


@dataclass(frozen=True)
class Finding:
    """What a column of a table holds, and what stands in the way of learning from it.

    Attributes:
        name, kind: the column, and its kind ("target" for a target); None where it has none.
        missing: how many values are missing.
        examples: some of its values.
        problem: what is said of it, or None.
        remedy: options of the command line with which it can be used or left out.
    """

    name: str
    kind: str | None
    missing: int
    examples: tuple[str, ...]
    problem: DataError | None = None
    remedy: tuple[str, ...] = ()


class TableError(DataError):
    """A table with columns that can't be used: the first problem as the message, the others as notes.

    Attributes:
        findings: every column of the table.
    """

    findings: tuple[Finding, ...] = ()


def refused(findings: Sequence[Finding]) -> TableError:
    """The error for all problems of a table at once."""
    problems = [f.problem for f in findings if f.problem is not None]
    first = problems[0]
    error = TableError(first.where, first.expected, first.got, first.do)
    error.findings = tuple(findings)
    for other in problems[1:]:
        error.add_note(str(other))
    return error
