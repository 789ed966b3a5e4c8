"""`pellucid data`: what a file or a named set holds, before anything is trained on it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from ..errors import readable
from .options import Categories, Data, Directory, Drop, Header, Json, MaxUnpacked, Target, Task, reading
from .output import number, print_json, say, some, table

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS = 40  # more columns without names than this are shown as one


def data(
    data: Data,
    target: Target = None,
    drop: Drop = None,
    categories: Categories = None,
    task: Task = None,
    directory: Directory = None,
    header: Header = None,
    max_unpacked: MaxUnpacked = None,
    json: Json = False,
) -> None:
    """Show what is in a data file or a named set.

    Columns, their kinds, missing values and ranges, and the classes.

    \b
    Examples:
      pellucid data iris
      pellucid data houses.csv --target price --json
    """
    from ..data import TableError, read_table

    options = reading(
        target=target, drop=drop, categories=categories, task=task, directory=directory, header=header,
        max_unpacked=max_unpacked,
    )  # fmt: skip
    try:
        read = read_table(data, impute="mean", **options)  # gaps are counted here, not refused
    except TableError as error:
        if not json:
            show_findings(data, error.findings, options)
        raise
    facts = describe(data, read)
    if json:
        print_json(facts)
        return
    say(f"{data}: {read.n:,} rows, {len(read.names):,} input columns, {told(read)}")
    for sentence in read.notes:
        say(f"  {sentence}")
    say()
    lines = rows(facts["columns"][:MOST_SHOWN] if read.named else facts["columns"], read)
    table(("column", "kind", "missing", "least", "mean", "most", "values"), lines, text=TEXT)
    if read.named and len(facts["columns"]) > MOST_SHOWN:
        say(f"… ({len(facts['columns']):,} columns in all; --json shows each)")
    show_targets(facts["target"])
    if read.test is not None:
        say(f"brings its own test part of {read.test.n:,} rows")


def show_findings(data: str, findings: Any, options: dict[str, Any]) -> None:
    """Every column of a table that can't be used as it is, and a command that would train on it."""
    say(f"{data}: columns in the way: {sum(f.problem is not None for f in findings)}")
    say()
    table(
        ("column", "kind", "missing", "examples", "to use it, or leave it out"),
        [(f.name, f.kind or "none", f.missing, some(f.examples), shlex.join(f.remedy)) for f in findings[:MOST_SHOWN]],
        text=("column", "kind", "examples", "to use it, or leave it out"),
    )
    if any(f.problem is not None and not f.remedy for f in findings):
        return  # rows without a target have to be left out first
    helping = [f.remedy for f in findings if f.remedy]
    if any(f.missing and f.kind != "target" and "--drop" not in f.remedy for f in findings):
        helping.append(("--impute", "mean"))
    given = [(f"--{name}", value) for name in ("target", "drop", "categories") for value in options.get(name, [])]
    say()
    words = [word for pair in dict.fromkeys([*given, *helping]) for word in pair]
    say("would train: " + shlex.join(["pellucid", "train", data, *words]))


MOST_SHOWN = 200  # columns with names
TEXT = ("column", "kind", "values")


def rows(columns: list[dict[str, Any]], read: Any) -> list[tuple]:
    """The lines of the table of columns; many columns without names become one line."""
    import numpy as np

    if not read.named and len(columns) > MOST_ROWS:
        names = f"{columns[0]['name']} … {columns[-1]['name']}"
        x = read.numbers
        missing = sum(column["missing"] for column in columns)
        return [
            (names, columns[0]["kind"], missing, number(np.nanmin(x)), number(np.nanmean(x)), number(np.nanmax(x)), "")
        ]
    return [
        (
            column["name"], column["kind"], column["missing"],
            *(number(column.get(key)) for key in ("least", "mean", "most")),
            remark(column),
        )
        for column in columns
    ]  # fmt: skip


def remark(column: dict[str, Any]) -> str:
    """What there is to see in a column: its categories, or that it has one value, or none."""
    if "values" in column:
        return some((readable(value, 40) for value in column["values"]), 6)
    return "no values" if column["least"] is None else "one value only" if column["constant"] else ""


def told(read: Any) -> str:
    """What there is to predict."""
    if read.task is None:
        return "no target"
    names = some(map(repr, read.target_names), 4)
    return f"target {names} ({f'{len(read.classes)} classes' if read.classes else 'numbers'})"


def show_targets(target: dict[str, Any] | None) -> None:
    """How often each class occurs, or the range of each number."""
    if target is None:
        return
    say()
    if "classes" in target:
        total = sum(target["counts"])
        lines = [
            (readable(label, 80), f"{count:,}", f"{count / total:.1%}")
            for label, count in zip(target["classes"], target["counts"], strict=True)
        ]
        table(("class", "rows", "share"), lines[:MOST_ROWS], text=("class",))
        if len(lines) > MOST_ROWS:
            say(f"… ({len(lines)} classes in all)")
    else:
        ranges = target["ranges"]
        table(
            ("target", "least", "mean", "most"),
            [(r["name"], *(number(r[key]) for key in ("least", "mean", "most"))) for r in ranges],
            text=("target",),
        )


def describe(name: str, read: Any) -> dict[str, Any]:
    """A table as JSON values."""
    places = {column: i for i, column in enumerate(read.number_names)}
    return {
        "data": name,
        "rows": read.n,
        "test_rows": None if read.test is None else read.test.n,
        "shape": read.shape,
        "columns": [
            column_of(read, column, kind, places.get(column, -1))
            for column, kind in zip(read.names, read.kinds, strict=True)
        ],
        "task": read.task,
        "target": target_of(read),
        "notes": list(read.notes),
    }


def column_of(read: Any, name: str, kind: str, place: int) -> dict[str, Any]:
    """One input column; the numbers of others than categories are in column `place`."""
    if kind == "category":
        texts = read.texts[name]
        values = sorted(texts.drop_nulls().unique().to_list())
        return {
            "name": name, "kind": kind, "missing": texts.null_count(), "values": values, "constant": len(values) == 1
        }  # fmt: skip
    values = read.numbers[:, place]
    return {"name": name, "kind": kind, **range_of(values)}


def range_of(values: np.ndarray) -> dict[str, Any]:
    """Missing values, least, mean and most of a column of numbers."""
    import numpy as np

    gaps = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
    here = values[~np.isnan(values)] if gaps else values
    if not len(here):
        return {"missing": gaps, "least": None, "mean": None, "most": None, "constant": False}
    least, most = here.min().item(), here.max().item()
    mean = float(here.mean(dtype=np.float64))
    return {"missing": gaps, "least": least, "mean": mean, "most": most, "constant": least == most}


def target_of(read: Any) -> dict[str, Any] | None:
    """The targets: classes with their counts, or ranges."""
    import numpy as np

    if read.y is None:
        return None
    if read.classes is not None:
        counts = np.bincount(read.y, minlength=len(read.classes)).tolist()
        return {"names": list(read.target_names), "classes": list(read.classes), "counts": counts}
    ranges = [{"name": name, **range_of(read.y[:, j])} for j, name in enumerate(read.target_names)]
    return {"names": list(read.target_names), "ranges": ranges}
