"""Arrays as they come from users and files → a checked Table. Anything that is no array of numbers is refused here.

Before it: NPY, NPZ and IDX files, the sets of scikit-learn, arrays handed over in Python. After it: Table.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError, ShapeError, shown
from .table import Table, check_complete
from .targets import resolve

# dtype kinds that hold no numbers → what to say about them
REFUSED = {
    "O": ("numbers", "Convert it first, for example with x.astype(float)."),
    "c": ("real numbers", "Give the real and the imaginary part as two columns."),
    "U": ("numbers", "Give text as columns of a table; there it is one-hot encoded."),
    "S": ("numbers", "Give text as columns of a table; there it is one-hot encoded."),
    "T": ("numbers", "Give text as columns of a table; there it is one-hot encoded."),
    "M": ("numbers", "Turn dates into numbers first, such as days since a start."),
    "m": ("numbers", "Turn durations into numbers first, such as seconds."),
    "V": ("numbers", "Give one plain array of numbers."),
}


def as_array(value: Any, where: str) -> np.ndarray:
    """Anything array-like as a NumPy array; masked entries become NaN.

    Raises:
        DataError: rows of different lengths, a sparse matrix, or nothing that is an array.

    Example:
        >>> as_array([[1, 2], [3, 4]], "x").shape
        (2, 2)
    """
    if hasattr(value, "toarray"):
        raise DataError(where, "expected a dense array", shown(value), "Call its toarray() first.")
    if isinstance(value, np.ma.MaskedArray):
        return np.ma.filled(value.astype(float), np.nan)
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        lengths = [len(row) if hasattr(row, "__len__") else None for row in value] if hasattr(value, "__iter__") else []
        other = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
        if other is not None:
            raise DataError(
                f"{where}, row {other + 1}", f"expected {lengths[0]} values as in row 1", lengths[other]
            ) from None
        raise DataError(where, "expected an array of numbers", shown(value)) from error


def as_numbers(value: Any, where: str) -> np.ndarray:
    """An array of real numbers of any shape; booleans become 0 and 1.

    Raises:
        DataError: text, objects, complex numbers, dates.
    """
    array = as_array(value, where)
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind not in "iuf":
        expected, do = REFUSED.get(array.dtype.kind, ("numbers", ""))
        raise DataError(where, f"expected {expected}", shown(array), do)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_matrix(value: Any, where: str = "x") -> tuple[np.ndarray, tuple[int, ...] | None]:
    """Samples as rows: (n, n_0), and the shape (28, 28) that a sample had before it was flattened.

    Raises:
        ShapeError: a number, a single row or column, no samples, no columns.

    Example:
        >>> x, shape = as_matrix(np.zeros((5, 8, 8)))
        >>> x.shape, shape
        ((5, 64), (8, 8))
    """
    array = as_numbers(value, where)
    if array.ndim < 2:
        raise ShapeError(
            where,
            "expected samples as rows, (n, n_0)",
            f"shape {array.shape}",
            "Use x.reshape(-1, 1) for one input per sample, x.reshape(1, -1) for one sample." if array.ndim else "",
        )
    if not array.size:
        raise ShapeError(where, "expected at least one sample and one input", f"shape {array.shape}")
    shape = array.shape[1:] if array.ndim > 2 else None
    return array.reshape(len(array), -1), shape


def input_names(n: int, shape: tuple[int, ...] | None) -> tuple[str, ...]:
    """Names for inputs that have none: x[3], or x[row,column] for images.

    Example:
        >>> input_names(4, (2, 2))
        ('x[0,0]', 'x[0,1]', 'x[1,0]', 'x[1,1]')
    """
    return tuple(f"x[{','.join(map(str, index))}]" for index in np.ndindex(shape or (n,)))


def table_of_arrays(
    x: Any,
    y: Any = None,
    *,
    where: str = "x",
    where_y: str = "y",
    names: tuple[str, ...] | None = None,
    target_names: tuple[str, ...] = ("y",),
    classes: tuple | None = None,
    task: str | None = None,
    impute: bool = False,
    scale: str | float = "auto",
    known: tuple | None = None,
    fixed: bool = False,
) -> Table:
    """A Table of arrays x (n, …) and y (n,) or (n, n_L).

    Args:
        x, y: inputs and targets; y may be None.
        where, where_y: what messages call them.
        names, target_names: names of the inputs and targets.
        classes: the names of the labels 0, 1, … where they are known.
        task: "classification" or "regression" where it is not to be guessed.
        impute: allow NaN in x, to be filled later.
        scale: how numbers are scaled (see preparing.scaling).
        known: label values of an earlier training; any other label is refused.
        fixed: the task is that of an earlier training; one class alone will do.

    Raises:
        DataError, ShapeError: anything that can't be used, with row and column.
    """
    matrix, shape = as_matrix(x, where)
    names = names or input_names(matrix.shape[1], shape)
    table = Table(where, names, ("number",) * len(names), matrix, named=False, shape=shape, scale=scale)
    check_complete(table, impute)
    if y is None:
        return table
    values = targets_for(table, y, where, where_y)
    return resolve(
        table, values, where=where_y, names=target_names, task=task, classes=classes, known=known, fixed=fixed,
        from_table=False,
    )  # fmt: skip


def matching_arrays(
    x: Any, y: Any, preparation: Any, *, where: str = "x", where_y: str = "y", rows: np.ndarray | None = None
) -> Table:
    """The Table of arrays whose columns are, in order, those of an earlier training.

    Raises:
        ShapeError: another number of columns.
        DataError: training had columns of text, or a value is missing or infinite.
    """
    matrix, shape = as_matrix(x, where)
    columns, target = preparation.columns, preparation.target
    if texts := [column.name for column in columns if column.kind == "category"]:
        raise DataError(where, f"expected a table with the columns of training, such as {texts[0]!r}", shown(matrix))
    if matrix.shape[1] != len(columns):
        raise ShapeError(where, f"expected {len(columns)} columns as in training", f"shape {np.shape(x)}")
    names = tuple(column.name for column in columns)
    kinds = tuple(column.kind for column in columns)
    table = Table(where, names, kinds, matrix, rows=rows, named=preparation.named, shape=shape)
    if preparation.named:
        table = table.noting("an array has no column names: its columns are taken in the order of training")
    check_complete(table, {column.name: column.fill is not None for column in columns})
    if y is None or target is None:
        return table
    return resolve(
        table, targets_for(table, y, where, where_y), where=where_y, names=target.names, known=target.classes,
        task="classification" if target.classes else "regression", fixed=True, from_table=False,
    )  # fmt: skip


def targets_for(table: Table, y: Any, where: str, where_y: str) -> np.ndarray:
    """Targets as an array, one for each row of the table."""
    values = as_array(y, where_y)
    if values.ndim and len(values) != table.n:
        raise ShapeError(where_y, f"expected {table.n} targets, one for each row of {where}", f"shape {values.shape}")
    return values
