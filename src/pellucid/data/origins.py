"""Whatever a user names or hands over (a name, a path, a frame, arrays) → Table, with one reader for each kind.

Before it: the modules that know one format each. After it: Preparation and everything that reads data.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, number, shown
from .arrays import as_array, matching_arrays, table_of_arrays
from .dataset import Dataset
from .delimited import Read, read_delimited
from .files import check_kind, choose, idx_labels, npy_targets, read_idx, read_npy, read_npz, sniff
from .frames import as_polars, find, is_frame, matching_table, table_of_frame
from .layout import Layout
from .named import NAMED, idx_folder, is_named, read_named
from .options import IMPUTE, Options, check_scale
from .parquet import read_parquet
from .table import Table
from .targets import check_task

FORMATS = "CSV, TSV, Parquet, NPZ, NPY or IDX"


def read_table(
    source: Any,
    *,
    target: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    impute: str | None = None,
    scale: str | float = "auto",
    preparation: Layout | None = None,
    task: str | None = None,
    directory: str | os.PathLike | None = None,
    header: bool | None = None,
    max_unpacked: float | None = None,
) -> Table:
    """Read data without preparing it; the arguments are those of `load_data`."""
    check_task(task)
    check_scale(scale)
    if impute is not None and impute not in IMPUTE:
        raise DataError("impute", f"expected one of {', '.join(IMPUTE)}", shown(impute))
    if preparation is not None and not isinstance(preparation, Layout):
        raise DataError("preparation", "expected a Preparation, such as Dataset.preparation", shown(preparation))
    if header not in (None, True, False):
        raise DataError("header", "expected True, False or None", shown(header))
    if max_unpacked is not None:
        number("max_unpacked", max_unpacked, "a number of bytes", 1)
    options = Options(
        columns(target, "target"), columns(features, "features"), columns(drop, "drop"),
        columns(categories, "categories"), impute is not None, scale, task, preparation, header, max_unpacked,
    )  # fmt: skip
    if isinstance(source, Table):
        return source
    if isinstance(source, Dataset):
        raise DataError("data", "expected a source to read", "a Dataset, which is ready already")
    if is_named(source):
        return from_named(str(source), directory, options)
    if isinstance(source, str | os.PathLike):
        return from_path(Path(source), options)
    if is_frame(source):
        return from_frame(Read(as_polars(source)), "the table", options)
    if isinstance(source, Mapping):
        return from_mapping(
            {str(name): as_array(value, str(name)) for name, value in source.items()}, "the mapping", options
        )
    if isinstance(source, tuple):
        return from_pair(source, options)
    return from_arrays(source, None, "x", "y", options)


def columns(value: Any, option: str) -> list | None:
    """The names that an option holds, one or several, as a list."""
    names = [value] if isinstance(value, str | int) else value
    if names is None:
        return None
    if not hasattr(names, "__iter__") or not all(isinstance(name, str | int) for name in names):
        raise DataError(option, "expected the names of columns", shown(value))
    return list(names)


def from_named(source: str, directory: Any, options: Options) -> Table:
    """A named set; with a preparation, as its columns by position."""
    table = read_named(source, directory=directory, task=options.task)
    return rematched(selected(table, options), options)


def rematched(table: Table, options: Options) -> Table:
    """The table as an earlier training's preparation sees its arrays."""
    if options.preparation is None:
        return table if options.scale == "auto" else table.noting(scale=options.scale)
    y = table.y
    if y is not None and table.classes is not None:
        y = np.array(table.classes)[y]
    x = table.numbers if table.shape is None else table.numbers.reshape(table.n, *table.shape)
    again = matching_arrays(x, y, options.preparation, where=table.where, where_y=f"{table.where}, targets")
    return replace(again, test=None if table.test is None else rematched(table.test, options))


def selected(table: Table, options: Options) -> Table:
    """The columns of a table of arrays that the user wants."""
    if options.categories:
        raise DataError("categories", "expected a table with columns of text and numbers", "arrays")
    if options.features is None and options.drop is None:
        return table
    dropped = [find(table.names, str(name), table.where, "the column to drop") for name in options.drop or []]
    wanted = [find(table.names, str(name), table.where, "the input") for name in options.features or table.names]
    index = [table.names.index(name) for name in wanted if name not in dropped]
    if not index:
        raise DataError(table.where, "expected at least one input column", "none")
    return replace(
        table,
        names=tuple(table.names[i] for i in index),
        kinds=tuple(table.kinds[i] for i in index),
        numbers=np.ascontiguousarray(table.numbers[:, index]),
        shape=None,
        test=None if table.test is None else selected(table.test, options),
    )


def from_path(path: Path, options: Options) -> Table:
    """A file, by what it holds, or a folder of IDX files."""
    path = Path(os.path.expanduser(path))
    if os.path.isdir(path):
        return rematched(selected(idx_folder(path, task=options.task), options), options)
    if not os.path.exists(path):
        raise absent(path)
    if not os.path.isfile(path):  # opening a pipe would wait for ever
        raise DataError(str(path), "expected an ordinary file", "a pipe or a device", "Write it to a file first.")
    kind, gzipped = sniff(path)
    check_kind(path, kind)
    if gzipped and kind not in ("text", "npy", "idx"):
        raise DataError(path.name, f"expected {FORMATS}", f"a gzip file of {kind}", "Unpack it first.")
    return READERS[kind](path, gzipped, options)


def absent(path: Path) -> DataError:
    """The error for a path that isn't there, with what may have been meant."""
    siblings = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [*NAMED, *siblings], 2)
    do = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Named sets are {', '.join(NAMED)}."
    return DataError(str(path), f"expected a file ({FORMATS}) or a named set", "no such file", do)


def from_text(path: Path, gzipped: bool, options: Options) -> Table:
    """A CSV or TSV file."""
    asked = [*(options.target or []), *(options.features or []), *(options.drop or []), *(options.categories or [])]
    known = options.preparation
    names = {*map(str, asked), *(known.names if known and known.named else ())}
    read = read_delimited(
        path, path.name, gzipped=gzipped, header=options.header, names=names, max_unpacked=options.max_unpacked
    )
    return from_frame(read, path.name, options)


def from_parquet(path: Path, gzipped: bool, options: Options) -> Table:
    """A Parquet file."""
    return from_frame(Read(read_parquet(path, options.max_unpacked)), path.name, options)


def from_frame(read: Read, where: str, options: Options) -> Table:
    """A polars frame from any of the above."""
    if options.preparation is not None:
        return matching_table(
            read.frame, options.preparation, where=where, need_target=False, rows=read.rows, row_word=read.row_word,
            notes=read.notes,
        )  # fmt: skip
    return table_of_frame(
        read.frame, where=where, target=options.target, features=options.features, drop=options.drop,
        categories=options.categories, impute=options.impute, task=options.task, scale=options.scale,
        rows=read.rows, row_word=read.row_word, notes=read.notes,
    )  # fmt: skip


def from_arrays(x: Any, y: Any, where: str, where_y: str, options: Options) -> Table:
    """Arrays x and y; without y, `target` may be the number of a column of x."""
    if y is None and options.target is not None and options.preparation is None:
        x, y = target_column(as_array(x, where), options.target, where)
    if options.preparation is not None:
        return matching_arrays(x, y, options.preparation, where=where, where_y=where_y)
    table = table_of_arrays(
        x, y, where=where, where_y=where_y, task=options.task, impute=options.impute, scale=options.scale
    )
    return selected(table, options)


def target_column(x: np.ndarray, target: list, where: str) -> tuple[np.ndarray, np.ndarray]:
    """A matrix without its target column, and that column; columns count from 0, −1 is the last."""
    try:
        column = int(target[0])
        if len(target) > 1 or x.ndim != 2 or x.shape[1] < 2 or not -x.shape[1] <= column < x.shape[1]:
            raise ValueError
    except ValueError:
        raise DataError(
            where, "expected as target the number of a column (from 0) of an array (n, m), or targets beside it",
            f"target {target} and {shown(x)}",
        ) from None  # fmt: skip
    return np.delete(x, column, axis=1), x[:, column]


def from_pair(pair: tuple, options: Options) -> Table:
    """A pair (x, y); x may be a frame."""
    if len(pair) != 2:
        raise DataError("data", "expected a pair (x, y)", f"a tuple of {len(pair)}", "Give one array as it is.")
    x, y = pair
    if not is_frame(x):
        return from_arrays(x, y, "x", "y", options)
    import polars as pl

    frame = as_polars(x)
    if y is None:
        return from_frame(Read(frame), "the table", options)
    values = as_array(y, "y")
    if values.ndim != 1 or len(values) != len(frame):
        raise DataError("y", f"expected {len(frame)} targets, one for each row of the table", f"shape {values.shape}")
    name = str(getattr(y, "name", None) or "y")
    if name in frame.columns:
        raise DataError("y", "expected a name that no input column has", repr(name), "Rename the column.")
    values = values.tolist() if values.dtype.kind == "O" else values
    options.target = [name]
    return from_frame(Read(frame.with_columns(pl.Series(name, values))), "the table", options)


def from_mapping(arrays: Mapping[str, np.ndarray], where: str, options: Options) -> Table:
    """Arrays by name, as in an NPZ file, with their test part where there is one."""
    wanted = None if options.target is None else str(options.target[0])
    roles = choose(arrays, wanted, where)
    options.target = None
    table = from_arrays(
        arrays[roles["x"]], arrays[roles["y"]] if "y" in roles else None,
        f"{where}, {roles['x']}", f"{where}, {roles.get('y', 'y')}", options,
    )  # fmt: skip
    if "x_test" in roles and ("y_test" in roles) == ("y" in roles):
        test = selected(
            table_of_arrays(
                arrays[roles["x_test"]], arrays[roles["y_test"]] if "y_test" in roles else None,
                where=f"{where}, {roles['x_test']}", where_y=f"{where}, {roles.get('y_test', 'y')}",
                task=table.task, known=table.classes, fixed=True, impute=options.impute, scale=options.scale,
            ),
            options,
        )  # fmt: skip
        if test.numbers.shape[1:] != table.numbers.shape[1:]:
            raise DataError(test.where, f"expected {table.numbers.shape[1]} columns", test.numbers.shape[1])
        table = replace(table, test=test)
    if unused := [name for name in arrays if name not in roles.values()]:
        table = table.noting(f"arrays that were not used: {', '.join(unused)}")
    return table.noting(f"inputs from {roles['x']!r}" + (f", targets from {roles['y']!r}" if "y" in roles else ""))


def from_npz(path: Path, gzipped: bool, options: Options) -> Table:
    """An NPZ file."""
    wanted = None if options.target is None else str(options.target[0])
    arrays, unused = read_npz(path, wanted, options.max_unpacked)
    table = from_mapping(arrays, path.name, options)
    return table.noting(f"arrays that were not used: {', '.join(unused)}") if unused else table


def from_npy(path: Path, gzipped: bool, options: Options) -> Table:
    """An NPY file, with the file of targets that belongs to it; a structured array is a table."""
    x = read_npy(path, gzipped, options.max_unpacked)
    if x.dtype.names:
        return from_frame(Read(as_polars_structured(x, path.name)), path.name, options)
    partner = npy_targets(path) if options.target is None else None
    if partner is None:
        return from_arrays(x, None, path.name, "y", options)
    kind, zipped = sniff(partner)
    check_kind(partner, kind)
    return from_arrays(x, read_npy(partner, zipped, options.max_unpacked), path.name, partner.name, options).noting(
        f"targets from {partner.name}"
    )


def as_polars_structured(array: np.ndarray, where: str) -> Any:
    """A structured array's fields as columns."""
    import polars as pl

    if array.ndim != 1:
        raise DataError(where, "expected a structured array of shape (n,)", shown(array))
    return pl.DataFrame({name: np.ascontiguousarray(array[name]) for name in array.dtype.names or ()})


def from_idx(path: Path, gzipped: bool, options: Options) -> Table:
    """An IDX file of images, with the file of labels that belongs to it."""
    x = read_idx(path, gzipped, options.max_unpacked)
    if x.ndim == 1:
        raise DataError(path.name, "expected a file of images", "one of labels", "Name the file of images instead.")
    labels = idx_labels(path)
    if labels is None:
        return from_arrays(x, None, path.name, "labels", options).noting("no file of labels stands beside it")
    kind, zipped = sniff(labels)
    check_kind(labels, kind)
    options.task = options.task or (None if options.preparation else "classification")
    return from_arrays(x, read_idx(labels, zipped, options.max_unpacked), path.name, labels.name, options).noting(
        f"labels from {labels.name}"
    )


READERS = {"text": from_text, "parquet": from_parquet, "npz": from_npz, "npy": from_npy, "idx": from_idx}
