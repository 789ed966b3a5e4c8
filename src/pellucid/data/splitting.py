"""Rows → training, validation and test, before anything is fitted: the preparation sees the training rows alone.

Before it: a source of data. After it: training, and the figures of the held-out parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError, shown
from .dataset import Dataset
from .layout import Layout
from .origins import read_table
from .preparing import fit
from .streams import Stream


@dataclass(frozen=True, eq=False)
class Parts:
    """Training, validation and test data that share one preparation; a part of size 0 is None.

    Attributes:
        train, validation, test: Datasets (or Streams, where one was split).
        preparation: fitted on the training rows.
        notes: what was decided on the way, one sentence each.

    Example:
        >>> train, validation, test = split("iris", test=0.2, validation=0)
        >>> train.n, validation, test.n
        (120, None, 30)
    """

    train: Any
    validation: Any
    test: Any
    preparation: Layout | None
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Any]:
        return iter((self.train, self.validation, self.test))


def split(
    source: Any,
    *,
    validation: float | int = 0.1,
    test: float | int = 0.2,
    seed: int = 0,
    stratify: bool = True,
    impute: str | None = None,
    scale_target: bool = True,
    **options: Any,
) -> Parts:
    """Read data, cut its rows at random, fit the preparation on the training rows, apply it to all parts.

    A source that brings its own test part ("mnist", an NPZ file with x_test) keeps it: `test` only says
    whether it is wanted. A Stream is cut into consecutive rows, in the order training, validation, test.
    A Dataset is only cut, as it has been prepared already.

    Args:
        source: what `load_data` takes, or a Dataset, or a Stream.
        validation, test: a fraction of all rows, or a number of rows; 0 for none.
        seed: the same seed cuts the same rows.
        stratify: give every part the classes in the same proportions.
        impute, scale_target: as in `load_data`.
        options: further arguments of `load_data` (target, drop, scale, task, …).

    Raises:
        DataError: sizes that can't be, too few rows, and all that `load_data` raises.

    Example:
        >>> parts = split("digits", test=0.2, validation=0.1, seed=1)
        >>> parts.train.n, parts.validation.n, parts.test.n
        (1258, 180, 359)
        >>> parts.preparation is parts.test.preparation
        True
    """
    if isinstance(source, Stream):
        return split_stream(source, validation, test)
    if isinstance(source, Dataset):
        rows = cut(source.n, source.y if source.classes else None, validation, test, seed, stratify, source.name)
        parts = [None if r is None else source.take(r) for r in rows]
        return Parts(parts[0], parts[1], parts[2], source.preparation, source.notes)
    table = read_table(source, impute=impute, **options)
    own = table.test if size_of(test, table.n, "test") else None
    rows = cut(
        table.n, table.y if table.classes else None, validation, 0 if table.test else test, seed, stratify, table.where
    )
    tables = [None if r is None else table.take(r) for r in rows]
    if table.test is not None:
        tables[2] = own
    train = replace(tables[0] or table, test=None)
    given = options.get("preparation")
    preparation = given or fit(train, impute=impute, scale_target=scale_target)
    parts = [None if part is None else preparation.apply(replace(part, notes=())) for part in (train, *tables[1:])]
    applied = [
        f"{word}: {note}" for word, part in zip(("train", "validation", "test"), parts, strict=True) if part
        for note in part.notes
    ]  # fmt: skip
    if own is not None:
        applied.append(f"test: the {own.n:,} rows that the source itself sets aside")
    return Parts(parts[0], parts[1], parts[2], preparation, (*table.notes, *preparation.notes, *applied))


def size_of(part: float | int, n: int, name: str) -> int:
    """The number of rows of a part that is given as a fraction or a number.

    Example:
        >>> size_of(0.2, 150, "test"), size_of(30, 150, "test")
        (30, 30)
    """
    if isinstance(part, bool) or not isinstance(part, int | float | np.integer | np.floating) or not 0 <= part < np.inf:
        raise DataError(name, "expected a fraction below 1 or a number of rows", shown(part))
    if isinstance(part, float | np.floating) and part >= 1:
        raise DataError(name, "expected a fraction below 1 or a whole number of rows", part)
    if part == 0:
        return 0
    return max(1, round(float(part) * n)) if part < 1 else int(part)


def sizes(n: int, validation: float | int, test: float | int, where: str) -> tuple[int, int]:
    """The numbers of rows for validation and test; at least one is left for training."""
    wanted = size_of(validation, n, "validation"), size_of(test, n, "test")
    if sum(wanted) >= n:
        raise DataError(
            where,
            f"expected more rows than validation ({wanted[0]}) and test ({wanted[1]}) take",
            f"{n} row{'s' if n != 1 else ''}",
            "Make them smaller, or 0.",
        )
    return wanted


def cut(
    n: int, labels: np.ndarray | None, validation: float | int, test: float | int, seed: int, stratify: bool, where: str
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Row numbers for training, validation and test, each in ascending order.

    Rows are shuffled, ordered by class where classes are to be kept in proportion, and every so-manieth goes
    to a part: each part has exactly its size, and each class its share to within one row. Training gets at
    least one row of every class.
    """
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
        raise DataError("seed", "expected a whole number ≥ 0", shown(seed))
    n_validation, n_test = sizes(n, validation, test, where)
    order = np.random.default_rng(seed).permutation(n)
    if labels is not None and stratify:
        order = order[np.argsort(labels[order], kind="stable")]
    part = np.zeros(n, np.int8)
    part[np.flatnonzero(every(n, n_test))] = 2
    left = np.flatnonzero(part == 0)
    part[left[every(len(left), n_validation)]] = 1
    if labels is not None:
        held = np.setdiff1d(labels, labels[order[part == 0]])
        for label in held:  # a class that training would never see
            part[np.flatnonzero(labels[order] == label)[0]] = 0
    found = [np.sort(order[part == code]) for code in (0, 1, 2)]
    return found[0], found[1] if len(found[1]) else None, found[2] if len(found[2]) else None


def every(n: int, k: int) -> np.ndarray:
    """A mask of exactly k places, evenly spread over n.

    Example:
        >>> every(6, 2).astype(int)
        array([0, 0, 1, 0, 0, 1])
    """
    steps = np.arange(n + 1) * k // max(n, 1)
    return steps[1:] > steps[:-1]


def split_stream(stream: Stream, validation: float | int, test: float | int) -> Parts:
    """A stream in consecutive pieces: training, validation, test."""
    n_validation, n_test = sizes(stream.n, validation, test, stream.name)
    end = stream.n - n_validation - n_test
    train = stream.part(0, end)
    rest = [
        stream.part(start, start + size, preparation=train.preparation) if size else None
        for start, size in ((end, n_validation), (end + n_validation, n_test))
    ]
    note = "cut in the order of the file, as it is read in pieces: shuffle the file if its order means something"
    return Parts(train, rest[0], rest[1], train.preparation, (*train.notes, note))
