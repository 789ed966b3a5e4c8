"""`pellucid explain`: where numbers of a network come from, term by term."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import Directory, Json, Model
from .samples import Sample, Samples, records_of


def explain(
    model: Model,
    addresses: Annotated[
        list[str],
        typer.Argument(help="Such as 'dC0/dw[L][1,2]', 'a[1][3]', 'delta[1][0]', or LaTeX.", show_default=False),
    ],
    data: Samples,
    sample: Sample = "0",
    depth: Annotated[int, typer.Option(help="How many levels of terms to unfold.")] = 1,
    terms: Annotated[int, typer.Option(help="How many terms of a long sum to show; 0 for all.")] = 8,
    paths: Annotated[int, typer.Option(help="Add so many of the largest paths to the loss.")] = 0,
    format: Annotated[
        str, typer.Option("--format", "-f", help="text, markdown, latex, tex (a whole document), mathml, html, json.")
    ] = "text",
    digits: Annotated[int, typer.Option(help="Significant digits of every number.")] = 6,
    ascii: Annotated[bool, typer.Option("--ascii", help="No character beyond ASCII, in text.")] = False,
    checks: Annotated[bool, typer.Option(help="Find the numbers in other ways too.")] = True,
    directory: Directory = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file instead of the terminal.")] = None,
    json: Json = False,
) -> None:
    """Explain numbers of a network: formula, formula with numbers, value, and the same for each term.

    \b
    Examples:
      pellucid explain model.safetensors 'dC0/dw[L][1,2]' --data digits --sample 5
      pellucid explain model.safetensors 'z[1][0]' 'delta[1][0]' --data digits --depth 2 --format html -o page.html
    """
    import shutil

    from ..explain import Explainer
    from ..explain.formats import rendered
    from ..network import load
    from ..store import check_writable, replacing
    from .options import check_apart

    if out is not None:
        check_apart("--out", out, model, data)
        check_writable(out)
    net = load(model)
    explainer = Explainer(records_of(net, data, sample, directory), terms or None, depth)
    found = [explainer.explain(address) for address in addresses]
    width = max(40, shutil.get_terminal_size((100, 24)).columns) if out is None and sys.stdout.isatty() else 100
    text = rendered(
        found,
        "json" if json else format,
        digits=digits,
        depth=depth,
        checks=checks,
        top=paths,
        width=width,
        ascii=ascii,
    )
    if out is None:
        sys.stdout.write(text)
        return
    with replacing(out) as file:
        file.write(text.encode())
