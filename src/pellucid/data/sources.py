"""Rows on disk that are read as they are needed: mapped arrays (NPY, IDX, uncompressed NPZ) and Parquet by slices.

Before it: files too large for memory. After it: Stream, which prepares each piece.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError, shown
from .arrays import REFUSED, as_numbers, input_names, matching_arrays
from .columns import infer_kind
from .files import choose, idx_header, idx_labels, npy_members, npy_targets, reading, sniff
from .frames import collect, find, listed, matching_table, target_values
from .layout import Layout
from .parquet import check_survived, guarded
from .table import Table, check_complete
from .targets import check_values, encode, guess, numbered, other_task, plain, whole

PIECE = 1 << 22  # numbers read at once when a stream goes through its data by itself
MOST_LABELS = 10_000


@dataclass(frozen=True, eq=False)
class Source:
    """Rows on disk: `piece(start, stop)` is the Table of some of them.

    `schema` is that table with no rows; `text_columns` are those whose values are not known before a pass.
    """

    schema: Table
    n: int

    def piece(self, start: int, stop: int, preparation: Layout | None = None) -> Table:
        """The rows start … stop − 1, as a Table; with a preparation, as its columns."""
        raise NotImplementedError

    def targets(self, start: int, stop: int) -> np.ndarray | None:
        """The raw targets of those rows."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """How many columns a row has."""
        return max(1, len(self.schema.names))


@dataclass(frozen=True, eq=False)
class ArraySource(Source):
    """Mapped arrays x (n, …) and y."""

    x: Any = None
    y: Any = None

    def piece(self, start: int, stop: int, preparation: Layout | None = None) -> Table:
        """The rows as a Table."""
        x = as_numbers(np.ascontiguousarray(self.x[start:stop]), self.schema.where)
        rows = np.arange(start, stop)
        y = self.targets(start, stop)
        if preparation is not None:
            table = matching_arrays(x, None, preparation, where=self.schema.where, rows=rows)
            return with_targets(table, y, preparation.target)
        table = replace(self.schema, numbers=x.reshape(len(x), -1), rows=rows, notes=())
        check_complete(table, False)
        return with_targets(table, y, self.schema)

    def targets(self, start: int, stop: int) -> np.ndarray | None:
        """The raw targets of those rows."""
        return None if self.y is None else np.ascontiguousarray(self.y[start:stop])


@dataclass(frozen=True, eq=False)
class ParquetSource(Source):
    """A Parquet file, read by slices of rows."""

    path: Path = Path()
    target_columns: tuple[str, ...] = ()

    def frame(self, columns: Sequence[str], start: int, stop: int) -> Any:
        """Some columns of some rows."""
        import polars as pl

        with guarded(self.path.name):
            return pl.scan_parquet(self.path).select(columns).slice(start, stop - start).collect()

    def piece(self, start: int, stop: int, preparation: Layout | None = None) -> Table:
        """The rows as a Table."""
        import polars as pl

        rows = np.arange(start, stop)
        if preparation is not None:
            have = pl.scan_parquet(self.path).collect_schema().names()
            names = [c.name for c in preparation.columns] if preparation.named else have
            targets = preparation.target.names if preparation.target else ()
            wanted = [name for name in have if name in names or name in targets]
            return matching_table(
                self.frame(wanted, start, stop), preparation, where=self.schema.where, need_target=False, rows=rows,
                row_word="row",
            )  # fmt: skip
        frame = self.frame([*self.schema.names, *self.target_columns], start, stop)
        base = replace(self.schema, numbers=np.empty((len(frame), 0)), rows=rows, notes=())
        table = collect(frame, self.schema.names, self.schema.kinds, base)
        check_complete(table, False)
        return with_targets(table, target_values(frame, self.target_columns, table), self.schema)

    def targets(self, start: int, stop: int) -> np.ndarray | None:
        """The raw targets of those rows."""
        base = replace(self.schema, numbers=np.empty((stop - start, 0)), rows=np.arange(start, stop))
        return target_values(self.frame(self.target_columns, start, stop), self.target_columns, base)


def with_targets(table: Table, y: np.ndarray | None, like: Any) -> Table:
    """The table with its piece of targets, encoded as `like` (a schema or a Target) says."""
    if y is None or like is None:
        return table
    where = f"{table.where}, targets"
    y = check_values(y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y, where, table)
    if like.classes is not None:
        return replace(table, y=encode(y, like.classes, table, where), classes=like.classes, task="classification")
    if y.dtype.kind not in "iubf":
        raise DataError(where, "expected numbers for a regression", shown(y[0]))
    return replace(table, y=np.ascontiguousarray(y.reshape(len(y), -1), np.float64), task="regression")


HOLDS = {"npy": "an NPY file", "npz": "an NPZ file", "idx": "an IDX file"}


def array_source(
    path: Path, x: Any, y: Any, names: tuple[str, str], scale: str | float, task: str | None,
    preparation: Layout | None,
) -> ArraySource:  # fmt: skip
    """Mapped arrays as a Source, with classes or target columns found in one pass over the targets."""
    if x.dtype.kind not in "iufb":
        expected, do = REFUSED.get(x.dtype.kind, ("numbers", ""))
        raise DataError(names[0], f"expected {expected}", shown(x), do)
    if x.ndim < 2 or not x.size:
        raise ShapeError(names[0], "expected samples as rows, (n, n_0)", f"shape {x.shape}")
    if y is not None and (not y.ndim or len(y) != len(x)):
        raise ShapeError(names[1], f"expected {len(x)} targets, one for each row of {names[0]}", f"shape {y.shape}")
    shape = x.shape[1:] if x.ndim > 2 else None
    width = int(np.prod(x.shape[1:]))
    inputs = input_names(width, shape)
    schema = Table(
        names[0], inputs, ("number",) * width, np.empty((0, width), x.dtype), named=False, shape=shape, scale=scale
    )
    source = ArraySource(schema, len(x), x, y)
    return replace(source, schema=target_schema(source, ("y",), task, from_table=False, known=preparation))


def parquet_source(
    path: Path, target: list[str], features: Sequence[str] | None, drop: Sequence[str] | None,
    categories: Sequence[str] | None, scale: str | float, task: str | None, preparation: Layout | None,
) -> ParquetSource:  # fmt: skip
    """A Parquet file as a Source; kinds follow from the columns' types."""
    import polars as pl

    check_survived(path)
    with guarded(path.name):
        lazy = pl.scan_parquet(path)
        types, n = lazy.collect_schema(), lazy.select(pl.len()).collect().item()
        head = lazy.head(1000).collect()
    if not n:
        raise DataError(path.name, "expected rows of data", "none")
    names = types.names()
    base = Table(path.name, (), (), np.empty((n, 0)), scale=scale)
    if preparation is not None:
        wanted = preparation.target.names if preparation.target else ()
        columns = tuple(column.name for column in preparation.columns)
        kinds = tuple(column.kind for column in preparation.columns)
        schema = replace(base, names=columns, kinds=kinds, numbers=np.empty((0, len(columns))))
        return ParquetSource(schema, n, path, tuple(wanted))
    targets = tuple(find(names, name, path.name, "the target") for name in target) or (names[-1],)
    if not target:
        base = base.noting(f"target: {names[-1]!r}, the last column (name another with target)")
    left = [find(names, name, path.name, "the column to drop") for name in listed(drop)]
    chosen = [find(names, name, path.name, "the input") for name in listed(features)]
    chosen = [name for name in chosen or names if name not in targets and name not in left]
    if not chosen:
        raise DataError(path.name, "expected at least one input column beside the target", f"the columns {names}")
    kinds = tuple(
        "category"
        if types[name] in (pl.String, pl.Categorical, pl.Enum)
        else infer_kind(head[name], name, base, name in listed(categories))
        for name in chosen
    )
    numbers = np.empty((0, sum(kind != "category" for kind in kinds)))
    schema = replace(base, names=tuple(chosen), kinds=kinds, numbers=numbers)
    source = ParquetSource(schema, n, path, targets)
    return replace(source, schema=target_schema(source, targets, task, from_table=True, known=None))


def target_schema(
    source: Source, names: tuple[str, ...], task: str | None, *, from_table: bool, known: Layout | None
) -> Table:
    """The schema with its task, classes and target columns, from one pass over the targets alone."""
    schema = source.schema
    first = source.targets(0, 1)
    if known is not None or first is None:
        return schema
    wide = first.ndim > 1 and first.shape[1] > 1
    if wide and task == "classification":
        raise ShapeError(f"{schema.where}, targets", "expected one label per row", f"{first.shape[1]} columns")
    if wide or task == "regression":
        width = first.shape[1] if wide else 1
        names = names if len(names) == width else numbered(names, width)
        return schema.noting(f"targets: {width} numbers per row", target_names=names, task="regression")
    different = different_targets(source, task)
    if different is None or (task is None and guess(first.dtype.kind, source.n, different, from_table) == "regression"):
        return schema.noting(
            f"target {names[0]!r}: a number per row{other_task('regression')}",
            target_names=names, task="regression",
        )  # fmt: skip
    classes = tuple(plain(value) for value in different)
    if len(classes) == 1:
        raise DataError(
            f"{schema.where}, targets", "expected at least two classes", f"only {classes[0]!r} in all {source.n} rows"
        )
    note = f"target {names[0]!r}: {len(classes)} classes{other_task('classification')}"
    return schema.noting(note, target_names=names, task="classification", classes=classes)


def different_targets(source: Source, task: str | None) -> np.ndarray | None:
    """The different target values in order; None as soon as they can't be classes."""
    found: np.ndarray | None = None
    for start in range(0, source.n, PIECE):
        stop = min(start + PIECE, source.n)
        values = source.targets(start, stop)
        rows = replace(source.schema, numbers=np.empty((stop - start, 0)), rows=np.arange(start, stop))
        values = check_values(np.asarray(values).reshape(-1), f"{source.schema.where}, targets", rows)
        new = np.unique(values)
        if task is None and values.dtype.kind == "f" and not whole(new):
            return None
        found = new if found is None else np.union1d(found, new)
        if len(found) > MOST_LABELS:
            if task == "classification" or values.dtype.kind not in "iuf":
                raise DataError(
                    f"{source.schema.where}, targets", f"expected at most {MOST_LABELS} classes", "more", "Group them."
                )
            return None
    return found


def open_npy(path: Path, target: list[str]) -> tuple[Any, Any, tuple[str, str]]:
    """An NPY file mapped, with the file of targets beside it."""
    partner = npy_targets(path)
    x = map_npy(path)
    return x, None if partner is None else map_npy(partner), (path.name, partner.name if partner else "y")


def map_npy(path: Path) -> np.ndarray:
    """An NPY file as a memory map."""
    with reading(path.name, "an array"):
        return np.load(path, mmap_mode="r", allow_pickle=False)


def open_idx(path: Path, target: list[str]) -> tuple[Any, Any, tuple[str, str]]:
    """An IDX file mapped, with the file of labels beside it."""
    x, labels = map_idx(path), idx_labels(path)
    if x.ndim < 2:
        raise DataError(path.name, "expected a file of images", "one of labels", "Name the file of images instead.")
    return x, None if labels is None else map_idx(labels), (path.name, labels.name if labels else "labels")


def map_idx(path: Path) -> np.ndarray:
    """An IDX file as a memory map."""
    if sniff(path)[1]:
        raise DataError(
            path.name, "expected a file that isn't compressed, to read it by rows", "gzip", "Unpack it first."
        )
    with open(path, "rb") as file:
        dtype, shape, start = idx_header(file, path.name)
    size, got = dtype.itemsize * int(np.prod(shape, dtype=object)), path.stat().st_size - start
    if size != got:
        raise DataError(path.name, f"expected {size} bytes of values for shape {shape}", got, "Copy it again.")
    return np.memmap(path, dtype, "r", start, shape)


def open_npz(path: Path, target: list[str]) -> tuple[Any, Any, tuple[str, str]]:
    """The arrays x and y of an NPZ file, each mapped where it lies inside the zip."""
    with reading(path.name, "arrays"), zipfile.ZipFile(path) as archive:
        members = npy_members(archive.namelist())
        roles = choose(members, target[0] if target else None, path.name)
        infos = {role: archive.getinfo(members[name]) for role, name in roles.items()}
    x = map_member(path, infos["x"])
    y = map_member(path, infos["y"]) if "y" in infos else None
    return x, y, (f"{path.name}, {roles['x']}", f"{path.name}, {roles.get('y', 'y')}")


def map_member(path: Path, info: zipfile.ZipInfo) -> np.ndarray:
    """A member of an NPZ file as a memory map.

    The local header is 30 bytes, then the name and an extra field whose lengths stand at its bytes 26 and
    28 (PKWARE's APPNOTE, 4.3.7); the array follows, with NumPy's own header.
    """
    where = f"{path.name}, array {info.filename.removesuffix('.npy')!r}"
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        raise DataError(
            where, "expected an array that isn't compressed, to read it by rows", "a compressed one",
            "Save it with numpy.savez instead of numpy.savez_compressed.",
        )  # fmt: skip
    with reading(where, "an array"), open(path, "rb") as file:
        file.seek(info.header_offset)
        local = file.read(30)
        if len(local) < 30 or local[:4] != b"PK\x03\x04":
            raise DataError(where, "expected a whole zip file", "a broken header", "Copy it again.")
        file.seek(info.header_offset + 30 + sum(struct.unpack("<HH", local[26:30])))
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        start = file.tell()
    if dtype.hasobject:
        raise DataError(where, "expected an array of numbers or text", "Python objects")
    if start + dtype.itemsize * int(np.prod(shape, dtype=object)) > path.stat().st_size:
        raise DataError(where, f"expected values for shape {shape}", "a file that ends before", "Copy it again.")
    return np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C")


OPENERS = {"npy": open_npy, "npz": open_npz, "idx": open_idx}
