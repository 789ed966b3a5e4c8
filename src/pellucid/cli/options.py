"""Options that several commands share, and their way to the arguments of the library."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError, shown

Data = Annotated[
    str,
    typer.Argument(
        help="A file (CSV, TSV, Parquet, NPZ, NPY, IDX) or a named set: digits, iris, wine, breast_cancer, "
        "diabetes, mnist, fashion-mnist.",
        show_default=False,
    ),
]
Model = Annotated[
    Path, typer.Argument(help="A model that `pellucid train` or net.save(path) wrote.", show_default=False)
]
Target = Annotated[list[str] | None, typer.Option(help="Column to predict; may be repeated.  [default: the last one]")]
Drop = Annotated[list[str] | None, typer.Option(help="Column to leave out; may be repeated.")]
Categories = Annotated[
    list[str] | None, typer.Option(help="Column of numbers that stand for categories; may be repeated.")
]
Impute = Annotated[str | None, typer.Option(help="Fill gaps with the column's mean, median or mode.")]
Task = Annotated[str | None, typer.Option(help="classification or regression, where the guess by the target is wrong.")]
Directory = Annotated[Path | None, typer.Option(help="Where the files of mnist and fashion-mnist are.")]
Header = Annotated[str | None, typer.Option(help="yes or no: whether the first row of a file of text holds the names.")]
MaxUnpacked = Annotated[
    float | None,
    typer.Option(help="Bytes that compressed data may become: 4e9.  [default: 100 times the file]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def reading(**given: Any) -> dict[str, Any]:
    """The options of reading data that were given, as arguments of `data.split` and `data.read_table`."""
    if (header := given.get("header")) is not None:
        if header not in ("yes", "no"):
            raise InputError("--header", "expected yes or no", shown(header))
        given["header"] = header == "yes"
    return {name: value for name, value in given.items() if value not in (None, [])}


def comma_list(text: str) -> list[str]:
    """The names in "a, b".

    Example:
        >>> comma_list("rmse, f1_score,")
        ['rmse', 'f1_score']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def share(value: float) -> float | int:
    """A share below 1, or a number of samples.

    Example:
        >>> share(0.2), share(30.0)
        (0.2, 30)
    """
    return int(value) if value >= 1 and value == int(value) else value


def check_apart(where: str, out: str | Path, *others: str | Path | None) -> None:
    """Refuse to write over what is read.

    Raises:
        InputError: `out` is one of the other files.
    """
    for other in others:
        if other is None:
            continue
        same = os.path.realpath(out) == os.path.realpath(other)
        if same or (os.path.exists(out) and os.path.exists(other) and os.path.samefile(out, other)):
            raise InputError(where, "expected a file of its own", f"{out}, which is read or written too")
