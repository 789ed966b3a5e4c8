"""How a table's columns become the network's inputs, and its outputs become answers: kept with the model.

Before it: preparing.py, which finds the numbers on the training rows. After it: every table of the same
columns goes through the same `apply`, and the network's outputs come back through `decode`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import aligned
from ..errors import DataError, one_of, shown
from .columns import codes_of, shorten
from .dataset import Dataset
from .layout import Column, Layout, fields_of
from .origins import read_table
from .table import Table, blocks


@dataclass(frozen=True)
class Preparation(Layout):
    """Columns → inputs, and outputs → answers, as fitted on the training rows.

    Example:
        >>> p = Preparation((Column("age", shift=40.0, scale=10.0), Column("sex", "category", values=("f", "m"))))
        >>> p.feature_names
        ('age', 'sex=f', 'sex=m')
        >>> import polars as pl
        >>> p.apply(pl.DataFrame({"sex": ["m", "f"], "age": [50, 35]})).x
        array([[ 1. ,  0. ,  1. ],
               [-0.5,  1. ,  0. ]])
        >>> Preparation.from_dict(p.to_dict()) == p
        True
    """

    def apply(self, source: Any, *, need_target: bool = False, unseen: str = "zeros") -> Dataset:
        """A Dataset of this preparation's columns.

        Args:
            source: a data frame, an array x, a pair (x, y), a file or a named set; or a Table.
            need_target: refuse a source without targets (to score, rather than to predict).
            unseen: what to do with a category that training didn't know: "zeros" in all its inputs, which
                is said in the notes, or an "error".

        Raises:
            DataError: a column is missing, a value can't be read, a target is needed and absent.
        """
        if unseen not in ("zeros", "error"):
            raise DataError("unseen", f"expected {one_of(('zeros', 'error'))}", shown(unseen))
        if not isinstance(source, Table):
            source = read_table(source, preparation=self)
        if need_target and source.y is None:
            raise DataError(source.where, "expected targets", "none", "Add the target column or array.")
        return self.apply_table(source, unseen)

    def apply_table(self, table: Table, unseen: str = "zeros") -> Dataset:
        """A Dataset of a table whose columns are this preparation's."""
        x = aligned((table.n, self.n_inputs), np.float32 if is_narrow(table.numbers.dtype) else np.float64)
        notes = list(table.notes)
        numeric = [column for column in self.columns if column.kind != "category"]
        ends = np.cumsum([len(column.inputs) for column in self.columns])
        start = dict(zip((column.name for column in self.columns), [0, *ends[:-1]], strict=True))
        self.scale_numbers(table, numeric, x, [start[column.name] for column in numeric], notes)
        for column in self.columns:
            if column.kind != "category":
                continue
            texts = table.texts[column.name]
            if texts.null_count():
                notes.append(f"column {column.name!r}: filled {texts.null_count()} gaps with {column.fill!r}")
                texts = texts.fill_null(column.fill)
            different = texts.unique()
            places = codes_of(different.to_list(), column.values)
            codes = texts.replace_strict(different, places, return_dtype=int_type()).to_numpy()
            if (codes < 0).any():
                row = int((codes < 0).argmax())
                word = repr(shorten(texts[row]))
                known = ", ".join(map(repr, column.values[:8])) + (", …" if len(column.values) > 8 else "")
                if unseen == "error":
                    raise DataError(table.place(row, column.name), f"expected a category of training ({known})", word)
                notes.append(
                    f"{table.place(row, column.name)}: {word} did not occur in training; all its inputs are 0"
                    + (f" ({int((codes < 0).sum())} such rows)" if (codes < 0).sum() > 1 else "")
                )
            left = start[column.name]
            x[:, left : left + len(column.values)] = codes[:, None] == np.arange(len(column.values))
        y = table.y if table.y is None or self.target is None else self.target.encode(table.y)
        names = self.target.names if self.target else table.target_names
        return Dataset(
            x, y, self.classes, self.feature_names, names, self, table.where, self.shape or table.shape, tuple(notes)
        )

    def scale_numbers(
        self, table: Table, columns: list[Column], x: np.ndarray, places: list[int], notes: list[str]
    ) -> None:
        """Write (value − shift) / scale of the number columns to their places in x, a block of rows at a time."""
        if not columns:
            return
        shift = np.array([column.shift for column in columns])
        scale = np.array([column.scale for column in columns])
        constant = np.array([column.constant for column in columns])
        fill = np.array([np.nan if column.fill is None else column.fill for column in columns], float)
        filled = np.zeros(len(columns), int)
        moved = np.zeros(len(columns), bool)
        whole = places == list(range(x.shape[1]))
        largest = 0.0
        for rows in blocks(table.n, len(columns)):
            block = table.numbers[rows].astype(np.float64)
            if (gaps := np.isnan(block)).any():
                filled += gaps.sum(axis=0)
                block = np.where(gaps, fill, block)
            if constant.any():
                moved |= constant & (block != shift).any(axis=0)
            largest = max(largest, float(block.max()))
            if whole:
                np.divide(np.subtract(block, shift, out=block), scale, out=x[rows], casting="same_kind")
            else:
                x[rows, places] = (block - shift) / scale
        for column, count in zip(columns, filled, strict=True):
            if count:
                notes.append(f"column {column.name!r}: filled {count} gap{'s' * int(count > 1)} with {column.fill:g}")
        if moved.any():
            names = ", ".join(repr(column.name) for column, out in zip(columns, moved, strict=True) if out)
            notes.append(f"columns that had one value in training have others now: {names}")
        if not shift.any() and scale.min() == scale.max() > 1 and largest <= 1:
            notes.append(
                f"all values are at most {largest:g}, where training divided by {scale[0]:g}: are they scaled already?"
            )

    def decode(self, outputs: Any) -> np.ndarray:
        """The network's outputs as answers: label values (n,), or numbers in their own units (n, n_L).

        Example:
            >>> from pellucid.data import Column, Target
            >>> p = Preparation((Column("x"),), Target(("kind",), classes=("cat", "dog")))
            >>> p.decode(np.array([[0.2, 0.7], [0.6, 0.1]]))
            array(['dog', 'cat'], dtype='<U3')
            >>> p = Preparation((Column("x"),), Target(("price",), shift=(100.0,), scale=(20.0,)))
            >>> p.decode(np.array([[0.5]]))
            array([[110.]])
        """
        return np.asarray(outputs) if self.target is None else self.target.decode(outputs)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], where: str = "preparation") -> Preparation:
        """The Preparation of its JSON.

        Raises:
            DataError: anything in it that can't be right.
        """
        return cls(**fields_of(stored, where))

    def noting(self, *notes: str) -> Preparation:
        """The same preparation with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def is_narrow(dtype: np.dtype) -> bool:
    """Whether inputs of this type are kept in float32: 8-bit images, and float32 or float16 themselves."""
    return dtype.itemsize == 1 or dtype in (np.float32, np.float16)


def int_type() -> Any:
    """Polars' 32-bit integers."""
    import polars as pl

    return pl.Int32
