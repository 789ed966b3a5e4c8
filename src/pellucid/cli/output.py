"""What the commands print: tables, sentences, JSON. Results go to standard output, all else to standard error.

Text that comes from files is printed with its control characters escaped, and never read as markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import readable

PIPE_WIDTH = 1000  # a table in a pipe is not folded


LONGEST_LINE = 2000


def printable(text: Any) -> str:
    """The text as one line, with escapes for whatever would move a terminal's cursor or colour it.

    Example:
        >>> print(printable("a" + chr(27) + "[31mb"))
        a\\x1b[31mb
    """
    return readable(text, LONGEST_LINE)


def complain(sentence: str) -> None:
    """A sentence on standard error."""
    print(printable(sentence), file=sys.stderr)


def note(sentence: str) -> None:
    """A remark about what is being done, on standard error."""
    print(printable(sentence), file=sys.stderr, flush=True)


def console() -> Any:
    """The terminal, or a pipe, to print results to."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def say(sentence: str = "") -> None:
    """A line of a result, folded at the width of the terminal."""
    console().print(printable(sentence), no_wrap=not sys.stdout.isatty())


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, text: Sequence[str] = ()) -> None:
    """A table; columns are numbers, set flush right, except for those named in `text`."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        grid.add_column(column, justify="left" if column in text else "right", overflow="fold")
    for row in rows:
        grid.add_row(*(Text("" if cell is None else printable(cell)) for cell in row))
    console().print(grid)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object; numbers that are not finite become null."""
    from ..store import plain_json

    print(json.dumps(plain_json(value), indent=2, ensure_ascii=False, allow_nan=False))


def number(value: float | None) -> str:
    """A figure for people: four digits that matter.

    Example:
        >>> number(0.0001234567), number(1234.0), number(None)
        ('0.0001235', '1234', '')
    """
    return "" if value is None else f"{value:.4g}"


def size(count: int) -> str:
    """A number of bytes for people.

    Example:
        >>> size(999), size(21_400), size(3_000_000)
        ('999 bytes', '21.4 kB', '3 MB')
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"


def some(values: Iterable[Any], most: int = 8) -> str:
    """The first few values.

    Example:
        >>> some(range(12), 3)
        '0, 1, 2, … (12 in all)'
    """
    values = [readable(value, 80) for value in values]
    return ", ".join(map(str, values[:most])) + (f", … ({len(values)} in all)" if len(values) > most else "")


def show_network(net: Any) -> None:
    """The layers of a network as a table, its loss and penalty below."""
    table(
        ("layer", "kind", "shape", "activation", "arrays", "parameters"),
        [
            (
                l["layer"],
                l["kind"],
                sizes(l["shape"]),
                l["activation"],
                ", ".join(f"{name} {sizes(shape)}" for name, shape in l["arrays"].items()),
                f"{l['parameters']:,}",
            )
            for l in layers_of(net)
        ],
        text=("kind", "activation", "arrays"),
    )
    penalty = net.architecture.penalty
    parts = [f"{name} {value:g}" for name, value in (("l2", penalty.l2), ("l1", penalty.l1)) if value]
    say(f"{net.n_parameters:,} parameters · loss {' · '.join([net.loss.name, *parts])}")


def sizes(shape: Sequence[int]) -> str:
    """A shape for people.

    Example:
        >>> sizes((30, 784)), sizes([10])
        ('30 × 784', '10')
    """
    return " × ".join(f"{n:,}" for n in shape)


def layers_of(net: Any) -> list[dict[str, Any]]:
    """Each layer 0 … L as JSON values."""
    rows: list[dict[str, Any]] = []
    for l, (layer, g, n) in enumerate(zip(net.layers, net.g, net.n, strict=True)):
        arrays = net.parameters[l]
        constants = ", ".join(f"{name} {value:g}" for name, value in g.parameters.items()) if g else ""
        rows.append(
            {
                "layer": l,
                "kind": layer.kind,
                "nodes": n,
                "activation": (g.name if g else "") + (f" ({constants})" if constants else ""),
                "shape": list(net.architecture.program.output(l).space.shape),
                "arrays": {name: list(array.shape) for name, array in arrays.items()},
                "parameters": sum(array.size for array in arrays.values()),
            }
        )
    return rows
