"""`pellucid worked-example`: one sample through a network and back, as a page, a document, a notebook or data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from .options import Directory, Json, Model, check_apart
from .output import print_json, say, size
from .samples import Sample, Samples, records_of


def worked_example(
    model: Model,
    data: Samples,
    sample: Sample = "0",
    address: Annotated[
        list[str] | None,
        typer.Option("--address", "-a", help="To explain in full; may be repeated.  [default: a weight per layer]"),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(help="Layers whose derivatives are all listed: 1,2, or none.  [default: all of a small net]"),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="η of the update.")] = 0.1,
    depth: Annotated[int, typer.Option(help="How many levels of terms to unfold.")] = 2,
    terms: Annotated[int, typer.Option(help="How many terms of a long sum to show; 0 for all.")] = 8,
    digits: Annotated[int, typer.Option(help="Significant digits of every number.")] = 6,
    title: Annotated[str, typer.Option(help="The heading.  [default: by the network]")] = "",
    directory: Directory = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="A .html, .tex, .md, .ipynb or .json file.")] = Path(
        "worked-example.html"
    ),
    json: Json = False,
) -> None:
    """Work one sample through: forward pass, loss, derivatives, update, the loss afterwards.

    \b
    Examples:
      pellucid worked-example model.safetensors --data digits --sample 5
      pellucid worked-example model.safetensors --data digits -a 'dC0/dw[L][1,2]' --layers 2 -o handout.tex
    """
    from ..explain.worked.files import check_ending
    from ..network import load
    from ..store import check_writable

    check_ending(out)
    check_apart("--out", out, model, data)
    check_writable(out)
    net = load(model)
    records = records_of(net, data, sample, directory)
    if records.samples > 1:
        raise InputError("--sample", "expected one row, such as 5", sample)
    from ..explain.worked import worked_example

    example = worked_example(
        records,
        addresses=address or (),
        layers=numbers(layers),
        learning_rate=learning_rate,
        terms=terms or None,
        depth=depth,
        digits=digits,
        title=title,
        model=str(model),
    )
    files = example.save(out)
    if json:
        print_json({"files": list(map(str, files)), "explained": [*example.addresses, *example.others]})
        return
    for file in files:
        say(f"saved {file} ({size(file.stat().st_size)})")


def numbers(text: str | None) -> list[int] | None:
    """The layers in "1,2"; None where nothing was said.

    Raises:
        InputError: something else.

    Example:
        >>> numbers("1,2"), numbers("none"), numbers(None)
        ([1, 2], [], None)
    """
    if text is None:
        return None
    if text == "none":
        return []
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError("--layers", "expected numbers of layers such as 1,2, or none", repr(text)) from None
