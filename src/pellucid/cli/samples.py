"""The samples that a command explains: DATA prepared for the model, and the rows of it that --sample names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError, InputError

if TYPE_CHECKING:
    import numpy as np

Samples = Annotated[str, typer.Option("--data", help="A file or a named set, as for train.", show_default=False)]
Sample = Annotated[
    str,
    typer.Option(
        "--sample",
        help="Rows of the data: 5, or 0:8, or all. The first of them is sample 0 of the addresses.",
    ),
]


def records_of(net: Any, data: str, sample: str, directory: Path | None = None) -> Any:
    """The network's numbers for some rows of the data.

    Raises:
        DataError, InputError: data without targets, data that doesn't fit the network, rows that aren't there.
    """
    from ..records import Records

    x, y = arrays_of(net, data, directory)
    rows = rows_of(sample, len(x))
    return Records(net.architecture, net.parameters, x[rows], y[rows])


def arrays_of(net: Any, data: str, directory: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """x and y of all rows, prepared as the model's training data was; as they stand where that isn't known."""
    import numpy as np

    from ..data import load_data, read_table
    from ..inputs import as_inputs, as_targets

    if net.preparation is not None:
        samples = load_data(data, preparation=net.preparation, directory=directory)
        x, y = samples.x, samples.y
    else:
        table = read_table(data, scale="none", directory=directory)
        if table.texts:
            names = ", ".join(map(repr, table.texts))
            raise DataError(data, "expected columns of numbers, as the model knows no columns by name", names)
        x, y = np.asarray(table.numbers, float), table.y
        if y is not None and table.classes is not None:
            y = np.asarray(table.classes)[y]
        if y is not None:
            y, _ = as_targets(y, len(x), net.n[-1], net.loss, net.classes)
    if y is None:
        raise DataError(data, "expected targets, for the loss needs them", "inputs only")
    return as_inputs(x, net.architecture.shape), y


def rows_of(sample: str, n: int) -> slice:
    """The rows that --sample names.

    Raises:
        InputError: something else, or rows that aren't there.

    Example:
        >>> rows_of("5", 10), rows_of("2:4", 10), rows_of("all", 10)
        (slice(5, 6, None), slice(2, 4, None), slice(0, 10, None))
    """
    found = re.fullmatch(r"(\d+)(?::(\d+))?", sample.strip())
    if sample == "all":
        return slice(0, n)
    if not found:
        raise InputError("--sample", "expected a row such as 5, rows such as 0:8, or all", sample)
    first = int(found[1])
    last = int(found[2]) if found[2] else first + 1
    if not 0 <= first < last <= n:
        raise InputError("--sample", f"the data has rows 0 … {n - 1}", sample)
    return slice(first, last)
