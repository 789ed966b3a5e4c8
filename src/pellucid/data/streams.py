"""Data larger than memory: rows are read and prepared piece by piece, and no full-size copy is ever made.

Before it: sources.py, which maps files into memory or reads slices of them. After it: training, which reads
chunk after chunk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError
from .columns import check_categories
from .files import check_kind, sniff
from .frames import listed
from .options import check_scale
from .preparation import Preparation
from .preparing import fit
from .sources import HOLDS, OPENERS, PIECE, Source, array_source, parquet_source
from .targets import check_task


class Stream:
    """Samples on disk that are read by rows, prepared as they are read.

    Attributes:
        name: what messages call it.
        n: number of samples.
        notes: what was decided, one sentence each.

    Example:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> np.save(folder / "x.npy", np.arange(20.0).reshape(10, 2)); np.save(folder / "y.npy", np.arange(10) % 2)
        >>> stream = open_stream(folder / "x.npy")
        >>> stream.n, stream.n_inputs, stream.classes
        (10, 2, (0, 1))
        >>> x, y = stream.read(0, 3)
        >>> x.round(2), y
        (array([[-1.57, -1.57],
               [-1.22, -1.22],
               [-0.87, -0.87]]), array([0, 1, 0], dtype=int32))
    """

    def __init__(
        self,
        source: Source,
        start: int,
        stop: int,
        preparation: Preparation | None = None,
        scale_target: bool = True,
    ):
        self.source, self.start, self.stop = source, start, stop
        self.name, self.n = source.schema.where, stop - start
        self._preparation, self._scale_target = preparation, scale_target

    @property
    def preparation(self) -> Preparation:
        """How rows become inputs: what was given, or else fitted in one pass over this stream's rows."""
        if self._preparation is None:
            step = max(1, PIECE // self.source.width)
            self._preparation = fit(
                (self.source.piece(row, min(row + step, self.stop)) for row in range(self.start, self.stop, step)),
                scale_target=self._scale_target,
            )
            for column in self._preparation.columns:
                if column.kind == "category":
                    check_categories(column.values, column.name, self.name, self.n)
        return self._preparation

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided, one sentence each."""
        return (*self.source.schema.notes, *self.preparation.notes)

    @property
    def n_inputs(self) -> int:
        """Number of inputs, n_0."""
        return self.preparation.n_inputs

    @property
    def n_outputs(self) -> int:
        """Number of classes, or of target columns; 0 without targets."""
        target = self.preparation.target
        return 0 if target is None else len(target.classes or target.names)

    @property
    def classes(self) -> tuple | None:
        """The label values; None for a regression."""
        return self.preparation.classes

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each input."""
        return self.preparation.feature_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns that y comes from."""
        return self.preparation.target.names if self.preparation.target else ()

    @property
    def shape(self) -> tuple[int, ...] | None:
        """A sample's shape before it was flattened."""
        return self.source.schema.shape

    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Rows start … stop − 1 of this stream: x (m, n_0) of floats and y, or None.

        Raises:
            DataError: rows that aren't there, or a value that can't be used, with row and column.
        """
        if not 0 <= start < stop <= self.n:
            raise DataError(self.name, f"expected rows between 0 and {self.n}", f"{start} … {stop}")
        piece = self.source.piece(self.start + start, self.start + stop, self._preparation)
        data = self.preparation.apply_table(piece)
        return data.x, data.y

    def part(self, start: int, stop: int, preparation: Preparation | None = None) -> Stream:
        """Consecutive rows of this stream as a stream of their own.

        The preparation is that given, or this stream's if it has one; else the part fits its own.
        """
        if not 0 <= start < stop <= self.n:
            raise DataError(self.name, f"expected rows between 0 and {self.n}", f"{start} … {stop}")
        known = preparation or self._preparation
        return Stream(self.source, self.start + start, self.start + stop, known, self._scale_target)

    def __len__(self) -> int:
        return self.n


def open_stream(
    path: str | os.PathLike,
    *,
    target: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    scale: str | float = "auto",
    scale_target: bool = True,
    preparation: Preparation | None = None,
    task: str | None = None,
) -> Stream:
    """Open a file whose rows are read as they are needed: NPY, uncompressed NPZ, uncompressed IDX, Parquet.

    Args:
        path: the file. Targets of NPY and IDX files come from the file beside it (x.npy and y.npy, images
            and labels), those of NPZ from the same file.
        target, features, drop, categories, scale, scale_target, task, preparation: as in `load_data`.

    Raises:
        DataError: a compressed file or one of another kind, with how to convert it; and what `load_data` raises.
    """
    check_task(task)
    check_scale(scale)
    path = Path(os.path.expanduser(path))
    if not os.path.isfile(path):
        raise DataError(str(path), "expected a file (NPY, NPZ, IDX or Parquet)", "no such file")
    kind, gzipped = sniff(path)
    check_kind(path, kind)
    if gzipped:
        raise DataError(
            path.name, "expected a file that isn't compressed, to read it by rows", "gzip", "Unpack it first."
        )
    if kind == "text":
        raise DataError(
            path.name, "expected NPY, NPZ, IDX or Parquet, which can be read by rows", "text",
            "Convert it once: polars.scan_csv(file).sink_parquet(new_file).",
        )  # fmt: skip
    if kind == "parquet":
        source = parquet_source(path, listed(target), features, drop, categories, scale, task, preparation)
    else:
        if features is not None or drop is not None or categories is not None:
            raise DataError("features", "expected a table (Parquet) to choose columns from", HOLDS[kind])
        x, y, names = OPENERS[kind](path, listed(target))
        source = array_source(path, x, y, names, scale, task, preparation)
    return Stream(source, 0, source.n, preparation, scale_target)


def pieces(stream: Stream, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """The whole stream, `rows` rows at a time.

    Args:
        stream: any stream.
        rows: the most rows to read at once.
    """
    return (stream.read(start, min(start + rows, stream.n)) for start in range(0, stream.n, rows))
