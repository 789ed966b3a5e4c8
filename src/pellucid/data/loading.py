"""The one door for data: whatever a user names or hands over → Table → Dataset.

Before it: origins.py, which reads, and preparing.py, which fits. After it: training, the command line.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .dataset import Dataset
from .origins import read_table
from .preparation import Preparation
from .preparing import fit


def load_data(
    source: Any,
    *,
    target: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    impute: str | None = None,
    scale: str | float = "auto",
    scale_target: bool = True,
    preparation: Preparation | None = None,
    task: str | None = None,
    directory: str | os.PathLike | None = None,
    header: bool | None = None,
    max_unpacked: float | None = None,
) -> Dataset:
    """Read data and prepare it for a network: x of floats, y of labels or numbers.

    Without `preparation` one is fitted on all rows (to train on a part, use `split`, which fits it on the
    training rows alone). With that of a trained model the same columns are looked up and treated alike,
    and targets may be absent.

    Args:
        source: a file (CSV, TSV, Parquet, NPZ, NPY, IDX; gzip where it makes sense), a folder with MNIST's
            four files, a named set ("digits", "iris", "wine", "breast_cancer", "diabetes", "mnist",
            "mnist:test", "fashion-mnist"), a polars or pandas frame, an array x, a pair (x, y), or a
            mapping of arrays.
        target: the column, or columns, to predict; the last one if not given. In an NPZ file the name of
            an array, for a single array the number of a column.
        features, drop: input columns to use, or to leave out.
        categories: columns to one-hot encode although they hold numbers.
        impute: fill gaps with the column's "mean", "median" or "mode"; without it they are refused.
        scale: "standard" (mean 0, deviation 1), "none", a number to divide by, or "auto": tables are
            standardised, 8-bit images divided by 255, arrays that fill [−1, 1] left as they are.
        scale_target: whether numbers to predict may be standardised; False keeps them, as the loss poisson needs.
        preparation: that of a trained model.
        task: "classification" or "regression", where the guess would be wrong.
        directory: a folder in which to look for "mnist" and "fashion-mnist".
        header: whether the first row of a file of text holds the names; without it the rows decide.
        max_unpacked: how many bytes compressed data may become; without it 100 times the file, 256 MB at least.

    Raises:
        DataError, ShapeError: what can't be used, with file, row, column and value, and what to do.

    Example:
        >>> data = load_data("iris")
        >>> data.x.shape, data.n_outputs, data.classes
        ((150, 4), 3, ('setosa', 'versicolor', 'virginica'))
        >>> load_data(([[0.0], [1.0]], ["no", "yes"])).classes
        ('no', 'yes')
    """
    table = read_table(
        source, target=target, features=features, drop=drop, categories=categories, impute=impute, scale=scale,
        preparation=preparation, task=task, directory=directory, header=header,
        max_unpacked=max_unpacked,
    )  # fmt: skip
    if preparation is not None:
        return preparation.apply(table)
    if table.test is not None:
        table = table.noting(f"its own test part of {table.test.n:,} rows is left out here; split() uses it")
    fitted = fit(table, impute=impute, scale_target=scale_target)
    data = fitted.apply(table)
    return replace(data, notes=(*table.notes, *fitted.notes, *data.notes[len(table.notes) :]))
