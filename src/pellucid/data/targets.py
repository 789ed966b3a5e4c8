"""Targets: are they classes or numbers, and if classes, which label is which.

Before it: a table's inputs and the raw target values. After it: the same table with y as the network needs
it: integer labels (n,) that index `classes`, or numbers (n, n_L).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError, one_of, shown
from ..inputs import AS_TEXT, DECODE, KEPT, first_inexact
from .columns import codes_of
from .table import Table, place

TASKS = ("classification", "regression")
FEW = 20  # whole numbers with at most this many different values are taken for classes in a table


def other_task(chosen: str) -> str:
    """How to say that a guess was wrong."""
    other = TASKS[chosen == TASKS[0]]
    return f" (if that is wrong: task={other!r}, --task {other})"


def check_task(task: str | None) -> None:
    """Refuse a task that is neither classification nor regression."""
    if task is not None and task not in TASKS:
        raise DataError("task", f"expected {one_of(TASKS)}", shown(task))


def plain(value: Any) -> Any:
    """A label as JSON keeps it: 3.0 and numpy's 3 become 3.

    Example:
        >>> plain(np.float64(3.0)), plain(np.True_)
        (3, True)
    """
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def whole(values: np.ndarray) -> bool:
    """Whether every value is a whole number (or a truth value)."""
    return values.dtype.kind in "iub" or bool((values == np.floor(values)).all())


def guess(kind: str, n: int, different: np.ndarray, from_table: bool) -> str:
    """Classes or numbers? Text and truth values are classes, fractions are numbers.

    Whole numbers are classes where there are few different ones: at most 20 and each at least twice on
    average. An array of integers says more than a table's column does: there up to a quarter of n may differ.

    Args:
        kind: the dtype's kind ("i", "f", …).
        n: how many values there are.
        different: the different values, in order.
        from_table: they are a table's column.

    Example:
        >>> guess("f", 100, np.array([0.5, 1.0]), True), guess("f", 100, np.arange(3.0), True)
        ('regression', 'classification')
    """
    if kind not in "iuf":
        return "classification"
    if not whole(different):
        return "regression"
    if len(different) <= 2 or (len(different) <= FEW and 2 * len(different) <= n):
        return "classification"
    labels = kind in "iu" and not from_table and different[0] >= 0
    return "classification" if labels and 4 * len(different) <= n else "regression"


def check_values(values: np.ndarray, where: str, table: Table) -> np.ndarray:
    """Targets that can be used at all: (n,) or (n, n_L), text or finite numbers, nothing missing."""
    if values.ndim == 0 or values.ndim > 2 or not values.size:
        raise ShapeError(where, "expected targets of shape (n,) or (n, n_L)", f"shape {values.shape}")
    if values.dtype.kind == "O":
        text = np.array([isinstance(value, str) for value in values.flat]).reshape(values.shape)
        if not text.all():
            row = int(np.argwhere(~text)[0][0])
            value = values.flat[int((~text).argmax())]
            gap = value is None or value != value
            raise DataError(
                place(where, row_in(table, row), None, table.row_word),
                "the target is missing" if gap else "expected a label or a number",
                None if gap else shown(value),
                "Leave the row out." if gap else "Use one type for all targets.",
            )
    elif values.dtype.kind == "S":
        raise DataError(where, "expected labels of text or numbers", "bytes", DECODE)
    elif values.dtype.kind not in "iubfUT":
        raise DataError(where, "expected labels or real numbers as targets", shown(values))
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row, *rest = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise DataError(
            place(where, row_in(table, row), None, table.row_word) + (f", column {rest[0] + 1}" if rest else ""),
            "expected a finite number as target",
            values[(row, *rest)],
            "Correct it or leave the row out; targets are never filled in.",
        )
    return values


def row_in(table: Table, row: int) -> int:
    """A row's place in the source."""
    return row if table.rows is None else int(table.rows[row])


def one_hot_labels(values: np.ndarray) -> np.ndarray | None:
    """Labels (n,) of one-hot rows (n, K); None where the rows are something else.

    Example:
        >>> one_hot_labels(np.eye(3)[[2, 0]])
        array([2, 0])
    """
    good = values.dtype.kind in "iubf" and values.ndim == 2 and values.shape[1] > 1
    if good and ((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all():
        return values.argmax(axis=1)
    return None


def encode(values: np.ndarray, classes: tuple, table: Table, where: str) -> np.ndarray:
    """Labels as whole numbers 0 … K − 1 that index `classes`, (n,).

    Raises:
        DataError: a label that is not among the classes, with its row.
    """
    different, inverse = np.unique(values, return_inverse=True)
    codes = np.array(codes_of([plain(value) for value in different], classes), np.int32)
    if (codes < 0).any():
        row = int((codes[inverse] < 0).argmax())
        known = ", ".join(map(repr, classes[:12])) + (", …" if len(classes) > 12 else "")
        raise DataError(
            place(where, row_in(table, row), None, table.row_word),
            f"expected a known label ({known})",
            repr(plain(values[row])),
        )
    return codes[inverse.reshape(-1)]


def resolve(
    table: Table,
    values: np.ndarray,
    *,
    where: str,
    names: tuple[str, ...],
    task: str | None = None,
    classes: tuple | None = None,
    known: tuple | None = None,
    fixed: bool = False,
    from_table: bool,
) -> Table:
    """The table with its targets.

    Args:
        table: the inputs.
        values: raw targets (n,) or (n, n_L).
        where: what messages call them.
        names: the target columns.
        task: "classification", "regression", or None to guess.
        classes: names of the labels 0, 1, … where the source tells them.
        known: the classes of an earlier training; any other label is refused.
        fixed: the task is that of an earlier training (or of a part of the data): one class alone will do.
        from_table: values are a table's column rather than an array.

    Raises:
        DataError: only one class, a constant target, an unknown label, text where numbers are needed.
    """
    check_task(task)
    values = check_values(values, where, table)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if known is not None:
        return table.noting(
            y=encode(flat_labels(values, where), known, table, where), classes=known, target_names=names,
            task="classification",
        )  # fmt: skip
    different = np.unique(values) if values.ndim == 1 else np.empty(0)
    chosen = task or ("regression" if values.ndim > 1 else guess(values.dtype.kind, len(values), different, from_table))
    guessed = "" if task else other_task(chosen)
    label = " and ".join(map(repr, names[:3])) + (" …" if len(names) > 3 else "")
    if chosen == "classification":
        labels = flat_labels(values, where)
        if (row := first_inexact(labels)) is not None:
            raise DataError(
                place(where, row_in(table, row), None, table.row_word), KEPT, shown(labels[row].item()), AS_TEXT
            )
        different = np.unique(labels)
        if classes is not None:
            y, kept = encode(labels, tuple(range(len(classes))), table, where), classes
        else:
            kept = tuple(plain(value) for value in different)
            y = encode(labels, kept, table, where)
        if len(different) < 2 and not fixed:
            raise DataError(
                where,
                f"expected at least two classes in {label}",
                f"only {plain(labels[0])!r} in all {table.n} rows",
                "Give data with every class, or another target.",
            )
        if not fixed and from_table and len(different) > max(FEW, len(labels) / 2):
            raise DataError(
                where,
                f"expected classes in {label}, each in several rows",
                f"{len(different)} different values in {len(labels)} rows",
                "Choose another target.",
            )
        said = () if fixed else (f"target {label}: {len(kept)} classes{guessed}",)
        return table.noting(*said, y=y, classes=kept, target_names=names, task="classification")
    if values.dtype.kind not in "iubf":
        raise DataError(where, f"expected numbers as target {label} for a regression", shown(values[0]))
    y = np.ascontiguousarray(values.reshape(len(values), -1), np.float64)
    still = (y == y[:1]).all(axis=0)
    if still.all() and len(y) > 1 and not fixed:
        raise DataError(
            where,
            f"expected target {label} to vary",
            f"{float(y.flat[0]):g} in all {table.n} rows",
            "There is nothing to learn; choose another target.",
        )
    names = names if len(names) == y.shape[1] else numbered(names, y.shape[1])
    many = f"{y.shape[1]} numbers" if y.shape[1] > 1 else "a number"
    said = () if fixed else (f"target {label}: {many} per row{guessed}",)
    return table.noting(*said, y=y, target_names=names, task="regression")


def numbered(names: Sequence[str], width: int) -> tuple[str, ...]:
    """Names for the columns of targets that have one name together, or none.

    Example:
        >>> numbered(["y"], 2)
        ('y[0]', 'y[1]')
    """
    return tuple(f"{names[0] if names else 'y'}[{j}]" for j in range(width))


def flat_labels(values: np.ndarray, where: str) -> np.ndarray:
    """Labels (n,), also from one-hot rows."""
    if values.ndim == 1:
        return values
    labels = one_hot_labels(values)
    if labels is None:
        raise ShapeError(where, "expected one label per row, or one-hot rows", f"shape {values.shape}")
    return labels
