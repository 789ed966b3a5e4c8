"""Finds the numbers of a Preparation, on the training rows: mean and deviation, categories, what fills gaps.

One pass over the rows, in pieces, so that data larger than memory is fitted in the same way. Before it:
tables. After it: Preparation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..errors import DataError, one_of, shown
from .layout import Column, Target
from .moments import Moments
from .options import IMPUTE, check_scale
from .preparation import Preparation
from .table import Table, blocks


def fit(tables: Table | Iterable[Table], *, impute: str | None = None, scale_target: bool = True) -> Preparation:
    """The Preparation of the training rows.

    Args:
        tables: the training table, or pieces of one too large for memory.
        impute: how gaps are filled: "mean", "median" or "mode" of a number column; always the most
            frequent value of the others. None: training had none, and later gaps are refused.
        scale_target: whether the target of a regression may be standardised.

    Raises:
        DataError: numbers too large to standardise, "median" or "mode" in pieces.
    """
    if impute is not None and impute not in IMPUTE:
        raise DataError("impute", f"expected {one_of(IMPUTE)}", shown(impute))
    pieces = [tables] if isinstance(tables, Table) else tables
    table: Table | None = None
    moments = targets = Moments(0)
    counts: dict[str, Counter] = {}
    n, images = 0, False
    for n_pieces, piece in enumerate(pieces):
        if table is None:
            table, images = piece, is_image(piece)
            moments = Moments(piece.numbers.shape[1], range_only=images)
            targets = Moments(piece.y.shape[1] if piece.y is not None and piece.y.ndim == 2 else 0)
            counts = {name: Counter() for name in piece.texts}
        elif n_pieces and impute in ("median", "mode"):
            raise DataError("impute", "expected 'mean' for data that is read in pieces", repr(impute))
        n += piece.n
        for rows in blocks(*piece.numbers.shape):
            moments.add(piece.numbers[rows])
        if piece.y is not None and piece.y.ndim == 2:
            targets.add(piece.y)
        for name, texts in piece.texts.items():
            counts[name].update(dict(texts.drop_nulls().value_counts().iter_rows()))
        if images and moments.high.max() > 1 and not len(targets.n):
            break  # nothing more to learn from further pieces
    if table is None or not n:
        raise DataError("training rows", "expected at least one", "none")
    whole = table if n == table.n else None
    columns, notes = fit_columns(table, moments, counts, impute, whole)
    target = None
    if table.y is not None:
        target = Target(table.target_names, table.classes)
        if table.classes is None:
            target, note = fit_target(target, targets, table.scale if scale_target else "none")
            notes.append(note)
    return Preparation(tuple(columns), target, table.named, table.shape, tuple(notes))


def fit_columns(
    table: Table, moments: Moments, counts: dict[str, Counter], impute: str | None, whole: Table | None
) -> tuple[list[Column], list[str]]:
    """Each input column with its numbers, and what is to be said about them."""
    kinds = dict(zip(table.names, table.kinds, strict=True))
    is_number = np.array([kinds[name] == "number" for name in table.number_names], bool)
    divisor = (
        (255.0 if moments.high.max() > 1 else "none") if is_image(table) and table.scale == "auto" else table.scale
    )
    shift, scale, standard, how = scaling(moments, divisor, table.named, is_number)
    constant = (moments.low == moments.high) & is_number & standard
    if empty := [name for name, here in zip(table.number_names, moments.n, strict=True) if not here]:
        raise DataError(f"{table.where}, column {empty[0]!r}", "expected values in the training rows", "none")
    if not (np.isfinite(shift).all() and np.isfinite(scale).all()):
        name = table.number_names[int((~np.isfinite(shift + scale)).argmax())]
        raise DataError(
            f"{table.where}, column {name!r}",
            "expected numbers that can be squared",
            "larger ones",
            "Divide them first.",
        )
    position = {name: i for i, name in enumerate(table.number_names)}
    columns, notes = [], []
    for name in table.names:
        if kinds[name] == "category":
            values = tuple(sorted(counts[name]))
            if not values:
                raise DataError(f"{table.where}, column {name!r}", "expected values in the training rows", "none")
            fill = max(values, key=lambda value: counts[name][value]) if impute else None
            columns.append(Column(name, "category", values=values, fill=fill, constant=len(values) == 1))
            notes.append(f"column {name!r}: {len(values)} categor{'y' if len(values) == 1 else 'ies'}, one-hot")
            continue
        i = position[name]
        fill = None if impute is None else filling(table, whole, moments, i, impute, kinds[name])
        columns.append(Column(name, kinds[name], float(shift[i]), float(scale[i]), (), fill, bool(constant[i])))
    if is_number.any():
        notes.insert(0, f"{is_number.sum()} number column{'s' * int(is_number.sum() > 1)} {how}")
    if booleans := int((~is_number).sum()):
        notes.append(f"{booleans} column{'s' * (booleans > 1)} of truth values as 0 and 1")
    if still := [column.name for column in columns if column.constant and column.kind != "category"]:
        names = ", ".join(map(repr, still[:5])) + (", …" if len(still) > 5 else "")
        notes.append(f"{len(still)} column{'s' * (len(still) > 1)} with one value only, which can't help: {names}")
    return columns, notes


def is_image(table: Table) -> bool:
    """Whether the numbers are 8-bit, as in images: then they are divided by 255 (or kept, if they are 0 and 1)."""
    return table.numbers.dtype == np.uint8 and table.scale != "standard"


def scaling(
    moments: Moments, scale: str | float, named: bool, is_number: np.ndarray
) -> tuple[np.ndarray, np.ndarray, bool, str]:
    """Shift and scale of each number column, whether they standardise, and what to say.

    "auto" standardises, except where the values of an array fill [−1, 1] already (largest magnitude above
    ½): such arrays are ready-made. A column with a single value is only shifted, to 0.

    Raises:
        DataError: a scale that is neither a word nor a number above 0.
    """
    check_scale(scale)
    zeros, ones = np.zeros(len(moments.n)), np.ones(len(moments.n))
    if not isinstance(scale, str):
        return zeros, np.where(is_number, scale, 1.0), False, f"divided by {scale:g}"
    largest = max(float(moments.high.max(initial=0)), -float(moments.low.min(initial=0)))
    if scale == "none":
        return zeros, ones, False, "as they are"
    if scale == "auto" and not named and 0.5 < largest <= 1:
        return zeros, ones, False, "as they are, within [−1, 1]"
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = np.where(is_number, moments.spread, 1.0)
    return np.where(is_number, moments.mean, 0.0), deviation, True, "standardised (mean 0, deviation 1)"


def filling(table: Table, whole: Table | None, moments: Moments, i: int, impute: str, kind: str) -> float:
    """What stands in for a missing value of number column i."""
    if impute == "mean" and kind == "number":
        return float(moments.mean[i])
    values = (whole or table).numbers[:, i]
    values = values[~np.isnan(values)]
    if impute == "median" and kind == "number":
        low, high = np.quantile(values, 0.5, method="lower"), np.quantile(values, 0.5, method="higher")
        return float(low / 2 + high / 2)  # never overflows
    different, count = np.unique(values, return_counts=True)
    return float(different[count.argmax()])


def fit_target(target: Target, moments: Moments, scale: str | float) -> tuple[Target, str]:
    """The target of a regression with its shift and scale.

    Targets within [−1, 1] stay as they are (a sigmoid or tanh output can reach them); others are
    standardised, and predictions come back in their own units.
    """
    largest = max(float(moments.high.max()), -float(moments.low.min()))
    width = len(moments.n)
    if scale == "none" or 0.5 < largest <= 1:
        return replace(target, shift=(0.0,) * width, scale=(1.0,) * width), "targets as they are"
    deviation = moments.spread
    if not (np.isfinite(moments.mean).all() and np.isfinite(deviation).all()):
        raise DataError("target", "expected numbers that can be squared", "larger ones", "Divide them first.")
    return (
        replace(target, shift=tuple(map(float, moments.mean)), scale=tuple(map(float, deviation))),
        "targets standardised; predictions come back in their own units",
    )
