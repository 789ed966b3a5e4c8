"""A data frame → Table: which column is the target, what kind each of the others is, what can't be used.

Before it: polars frames, from files or handed over, and pandas frames. After it: Table. With the
Preparation of an earlier training the same columns are looked up by name, and what differs is said.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError, readable, shown
from .columns import CONVERT, check_categories, first_row, infer_kind, parsed, stripped
from .table import Finding, Table, blocks, check_complete, incomplete, refused
from .targets import resolve

USUAL_TARGETS = ("target", "label", "class", "y", "species", "outcome")
PIXELS = 64  # so many columns of whole numbers 0 … 255 are an image


def is_frame(value: Any) -> bool:
    """Whether `value` is a polars or a pandas data frame (asked without importing either)."""
    return type(value).__name__ in ("DataFrame", "LazyFrame") and type(value).__module__.split(".")[0] in (
        "polars",
        "pandas",
    )


def as_polars(frame: Any, where: str = "the table") -> Any:
    """A polars or pandas frame as a polars frame; pyarrow isn't needed.

    Raises:
        DataError: columns of the same name, or values of several types in one column.
    """
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    check_header([str(name) for name in frame.columns], where)
    columns = []
    for position, name in enumerate(map(str, frame.columns)):
        column = frame.iloc[:, position]
        if getattr(column.dtype, "kind", "O") in "iufbM" and isinstance(column.dtype, np.dtype):
            columns.append(pl.Series(name, column.to_numpy(), nan_to_null=True))
            continue
        values = [None if gap else value for value, gap in zip(column, column.isna(), strict=True)]
        try:
            columns.append(pl.Series(name, values))
        except TypeError:
            types = [type(value) for value in values]
            usual = next(t for t in types if t is not type(None))
            row = next(i for i, t in enumerate(types) if t not in (usual, type(None)))
            raise DataError(
                f"{where}, row {row + 1}, column {name!r}",
                f"expected {usual.__name__} as in the rows above",
                shown(values[row]),
                "Use one type for the whole column.",
            ) from None
    return pl.DataFrame(columns)


MOST_COLUMNS = 200_000


def check_header(names: Sequence[str], where: str) -> None:
    """Refuse columns without a name, columns of the same name, and more columns than a table can have here."""
    if len(names) > MOST_COLUMNS:
        do = "Give so many inputs as an array, in NPY or NPZ."
        raise DataError(where, f"expected at most {MOST_COLUMNS:,} columns", f"{len(names):,}", do)
    first: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if not name.strip():
            raise DataError(f"{where}, column {position}", "expected a name in the header", repr(name))
        if name in first:
            raise DataError(
                f"{where}, column {position}",
                "expected each column name once",
                f"{name!r} in columns {first[name]} and {position}",
                "Rename one of them.",
            )
        first[name] = position


def find(names: Sequence[str], wanted: str, where: str, what: str) -> str:
    """The column called `wanted`.

    Raises:
        DataError: no such column, with the nearest names.
    """
    if wanted in names:
        return wanted
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(str(wanted).casefold(), list(folded), 3)
    do = "Did you mean " + " or ".join(repr(folded[name]) for name in near) + "?" if near else ""
    have = ", ".join(map(repr, names[:12])) + (", …" if len(names) > 12 else "")
    raise DataError(where, f"expected {what} {wanted!r} among its columns", have, do)


def listed(value: str | Sequence[str] | None) -> list[str]:
    """One name or several as a list."""
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def table_of_frame(
    frame: Any,
    *,
    where: str = "the table",
    target: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    impute: bool = False,
    task: str | None = None,
    scale: str | float = "auto",
    rows: np.ndarray | None = None,
    row_word: str = "row",
    notes: Sequence[str] = (),
) -> Table:
    """The Table of a polars frame that is to be learned from.

    Args:
        frame: a polars DataFrame.
        where: what messages call it.
        target: the column, or the columns, to predict; the last one if not given.
        features: the input columns; all others if not given.
        drop: columns to leave out.
        categories: columns to one-hot encode although they hold numbers.
        impute: allow missing values in inputs.
        task: "classification" or "regression" where it is not to be guessed.
        scale: see Preparation.
        rows, row_word: how rows are counted in messages.
        notes: what the reader has to say already.

    Raises:
        DataError: anything that can't be used, with row and column.
    """
    names = frame.columns
    base = Table(where, (), (), np.empty((len(frame), 0)), rows=rows, row_word=row_word, notes=tuple(notes))
    if not len(frame):
        raise DataError(where, "expected rows of data", f"a header of {len(names)} columns only" if names else "none")
    if target is None:
        base, targets = base.noting(f"target: {names[-1]!r}, the last column{other_target(names)}"), [names[-1]]
    else:
        targets = [find(names, name, where, "the target") for name in listed(target)]
    left_out = [find(names, name, where, "the column to drop") for name in listed(drop)]
    apart = {*targets, *left_out}
    chosen = [find(names, name, where, "the input") for name in listed(features)] or [
        name for name in names if name not in apart
    ]
    if both := [name for name in chosen if name in targets]:
        raise DataError(f"{where}, column {both[0]!r}", "expected inputs other than the target")
    if not chosen:
        raise DataError(where, "expected at least one input column beside the target", f"the columns {names}")
    for name in listed(categories):
        find(names, name, where, "the category column")
    frame = with_numbers(frame, [name for name in chosen if name not in listed(categories)])
    kinds, problems = kinds_of(frame, chosen, base, listed(categories))
    usable = [name for name in chosen if name not in problems]
    table = collect(frame, usable, [kinds[name] for name in usable], base)
    for name, texts in table.texts.items():
        try:
            check_categories(texts.unique().drop_nulls().sort(), name, where, table.n)
        except DataError as error:
            problems[name] = error, ("--drop", name)
    for name, error in incomplete(table, impute).items():
        problems.setdefault(name, (error, ("--drop", name) if error.got is not None else ("--impute", "mean")))
    labels = targets if task == "classification" and not all_numbers(frame, targets) else listed(categories)
    try:
        values = target_values(frame, targets, table, labels)
    except DataError as error:
        if not problems:
            raise
        problems[targets[0]] = error, ()
    if problems:
        raise refused(findings_of(frame, [*chosen, *targets], targets, kinds, problems))
    table = as_pixels(table) if scale == "auto" else table.noting(scale=scale)
    table = table.noting(*counting_columns(table))
    return resolve(table, values, where=where, names=tuple(targets), task=task, from_table=True)


Problems = dict[str, tuple[DataError, tuple[str, ...]]]  # by column: what is said, and the options that help


def kinds_of(frame: Any, names: Sequence[str], base: Table, categories: Sequence[str]) -> tuple[dict, Problems]:
    """The kind of each column that has one, and what is wrong with the others."""
    kinds, problems = {}, {}
    for name in names:
        try:
            kinds[name] = infer_kind(frame[name], name, base, name in categories)
        except DataError as error:
            problems[name] = error, ("--categories" if "--categories" in error.do else "--drop", name)
    return kinds, problems


def findings_of(
    frame: Any, names: Sequence[str], targets: Sequence[str], kinds: dict[str, str], problems: Problems
) -> list[Finding]:
    """Every column of a table, those with a problem first in the order in which they were found."""
    order = {name: place for place, name in enumerate(problems)}
    found = []
    for name in sorted(names, key=lambda name: order.get(name, len(order))):
        series = frame[name]
        plain = not series.dtype.is_nested() and str(series.dtype) not in ("Object", "Binary")
        texts = stripped(series) if plain and not series.dtype.is_numeric() else series
        here = texts.drop_nulls()
        examples = tuple(readable(value, 20) for value in here.unique(maintain_order=True)[:3]) if plain else ()
        problem, remedy = problems.get(name, (None, ()))
        kind = "target" if name in targets else kinds.get(name)
        found.append(Finding(name, kind, len(texts) - len(here), examples, problem, remedy))
    return found


def with_numbers(frame: Any, names: Sequence[str], codes: bool = False) -> Any:
    """The frame with those of its columns of text as numbers that hold numbers alone; all are tried at once.

    Args:
        frame: any frame.
        names: the columns to try.
        codes: take whole numbers that begin with 0 for numbers too.
    """
    import polars as pl

    types = frame.schema
    texts = frame.select([name for name in names if types[name] == pl.String])
    numbers = texts.select(pl.all().cast(pl.Float64, strict=False))
    gaps, left = (np.array(part.null_count().row(0), int) for part in (texts, numbers))
    good = (gaps == left) & (gaps < len(frame))
    if not codes and good.any():
        good &= ~np.array(texts.select(pl.all().str.contains("^0[0-9]").any()).row(0), bool)
    return frame.with_columns([numbers.to_series(i) for i in np.flatnonzero(good).tolist()])


def all_numbers(frame: Any, names: Sequence[str]) -> bool:
    """Whether each of these columns holds numbers alone."""
    found = (frame[name] for name in names)
    return all(series.dtype.is_numeric() or parsed(stripped(series)).is_not_null().all() for series in found)


def other_target(names: Sequence[str]) -> str:
    """A hint where another column is called like a target."""
    usual = [name for name in names[:-1] if name.casefold() in USUAL_TARGETS]
    return (
        f" (or did you mean {usual[0]!r}? name it with target, --target)"
        if usual
        else " (name another with target, --target)"
    )


def collect(frame: Any, names: Sequence[str], kinds: Sequence[str], base: Table) -> Table:
    """The input columns of a frame, each converted to its kind."""
    plain = [kind == "number" and frame[name].dtype.is_numeric() for name, kind in zip(names, kinds, strict=True)]
    texts = {}
    if all(plain):
        import polars as pl

        numbers = frame.select(pl.col(names).cast(pl.Float64)).to_numpy(order="c")
    else:
        numbers = np.empty((len(frame), sum(kind != "category" for kind in kinds)))
        column = 0
        for name, kind in zip(names, kinds, strict=True):
            values = CONVERT[kind](frame[name], name, base)
            if kind == "category":
                texts[name] = values
            else:
                numbers[:, column] = values
                column += 1
    return base.noting(names=tuple(names), kinds=tuple(kinds), numbers=numbers, texts=texts)


def as_pixels(table: Table) -> Table:
    """Many columns of whole numbers from 0 to 255 are an image: kept in 8 bits, and divided by 255."""
    x = table.numbers
    if x.shape[1] < PIXELS or table.texts or not (x.min() == 0 and 128 <= x.max() <= 255 and (x == np.floor(x)).all()):
        return table
    return table.noting(numbers=x.astype(np.uint8), scale=255.0)


def counting_columns(table: Table) -> list[str]:
    """A hint for each column that only counts the rows."""
    if table.n < 3 or not table.numbers.shape[1]:
        return []
    counts = np.ones(table.numbers.shape[1], bool)
    for rows in blocks(table.n - 1, len(counts)):
        counts &= (np.diff(table.numbers[rows.start : rows.stop + 1], axis=0) == 1).all(axis=0)
    return [
        f"column {table.number_names[i]!r} only counts the rows: better leave it out: "
        f"drop={table.number_names[i]!r}, --drop {table.number_names[i]!r}"
        for i in np.flatnonzero(counts)
    ]


def target_values(frame: Any, targets: Sequence[str], base: Table, as_labels: Sequence[str] = ()) -> np.ndarray:
    """The raw target columns, (n,) of labels or numbers or (n, n_L) of numbers.

    Args:
        frame, targets: the frame, and the names of its target columns.
        base: a table without columns that words where a row stands.
        as_labels: targets whose texts are labels, whatever they look like.

    Raises:
        DataError: a missing or an infinite target, a date, free text.
    """
    import polars as pl

    columns = []
    for name in targets:
        series = frame[name]
        if series.dtype.is_decimal() or series.dtype in (pl.Int128, pl.UInt128, pl.Float16):
            series = series.cast(pl.Float64)  # NumPy has no such numbers
        if series.dtype.is_float():
            series = series.fill_nan(None)
        elif not series.dtype.is_numeric() and series.dtype != pl.Boolean:
            kind = infer_kind(series, name, base, name in as_labels)
            texts = CONVERT["category"](series, name, base)
            if kind == "boolean":
                series = pl.Series(CONVERT[kind](series, name, base)).fill_nan(None).cast(pl.Boolean)
            elif kind == "number":
                whole = texts.cast(pl.Int64, strict=False)
                exact = whole.null_count() == texts.null_count()
                series = whole if exact else pl.Series(CONVERT[kind](series, name, base)).fill_nan(None)
            else:
                series = texts
        if series.null_count():
            row = first_row(series.is_null())
            raise DataError(
                base.place(row, name),
                "the target is missing",
                do="Leave the row out; targets are never filled in.",
            )
        if series.dtype.is_float() and series.is_infinite().any():
            row = first_row(series.is_infinite())
            raise DataError(base.place(row, name), "expected a finite number as target", series[row])
        if len(targets) > 1 and not series.dtype.is_numeric():
            raise DataError(
                f"{base.where}, column {name!r}", "expected numbers where there are several targets", repr(series[0])
            )
        columns.append(series.to_numpy())
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1).astype(float)


def matching_table(
    frame: Any, preparation: Any, *, where: str, need_target: bool, rows: np.ndarray | None, row_word: str,
    notes: Sequence[str] = (),
) -> Table:  # fmt: skip
    """The Table of a frame whose columns an earlier training has named.

    Extra columns are ignored, another order is put right, and both are said.

    Raises:
        DataError: a column that is missing, or a value that doesn't fit its column.
    """
    names = [column.name for column in preparation.columns]
    targets = list(preparation.target.names) if preparation.target else []
    have = frame.columns
    base = Table(where, (), (), np.empty((len(frame), 0)), rows=rows, row_word=row_word, notes=tuple(notes))
    if not len(frame):
        raise DataError(where, "expected rows of data", "none")
    if not preparation.named:
        if (inputs := [name for name in have if name not in targets]) == names or len(inputs) != len(names):
            pass
        else:
            base = base.noting(f"the {len(names)} columns are taken in their order, as training knew no names")
            frame = frame.rename(dict(zip(inputs, names, strict=True)))
            have = frame.columns
    known, there = set(names), set(have)
    if missing := [name for name in names if name not in there]:
        find(have, missing[0], where, f"the {len(names)} columns of training, among them")
    if extra := [name for name in have if name not in known and name not in targets]:
        base = base.noting(
            f"ignored {len(extra)} column{'s' * (len(extra) > 1)} that training didn't know: "
            + ", ".join(map(repr, extra[:5]))
            + (", …" if len(extra) > 5 else "")
        )
    if [name for name in have if name in known] != names:
        base = base.noting("columns stand in another order than in training; they were matched by name")
    frame = with_numbers(frame, [column.name for column in preparation.columns if column.kind == "number"], codes=True)
    table = collect(frame, names, [column.kind for column in preparation.columns], base)
    check_complete(table, {column.name: column.fill is not None for column in preparation.columns})
    absent = [name for name in targets if name not in have]
    if absent or not targets:
        if need_target:
            find(have, absent[0] if absent else "y", where, "the target")
        return table.noting(named=preparation.named)
    target = preparation.target
    return resolve(
        table, target_values(frame, targets, table, target.names if target.classes else ()), where=where,
        names=target.names, known=target.classes,
        task="classification" if target.classes else "regression", fixed=True, from_table=True,
    )  # fmt: skip
