"""`pellucid nudge`: what a small change of one number does, and what its derivative predicts."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Directory, Json, Model
from .output import print_json, say
from .samples import Sample, Samples, records_of


def nudge(
    model: Model,
    addresses: Annotated[
        list[str],
        typer.Argument(help="What to change: 'w[L][1,2]', 'x[5]'; or a derivative.", show_default=False),
    ],
    data: Samples,
    eps: Annotated[float, typer.Option(help="By how much.")] = 0.01,
    of: Annotated[str | None, typer.Option(help="What to watch: C, a[2][1], …  [default: the sample's loss]")] = None,
    sample: Sample = "0",
    digits: Annotated[int, typer.Option(help="Significant digits of every number.")] = 6,
    ascii: Annotated[bool, typer.Option("--ascii", help="No character beyond ASCII.")] = False,
    directory: Directory = None,
    json: Json = False,
) -> None:
    """Change numbers a little, one at a time: what the derivative predicts, what really happens, the difference.

    \b
    Examples:
      pellucid nudge model.safetensors 'w[L][1,2]' --eps 0.1 --data digits --sample 5
      pellucid nudge model.safetensors 'x[20]' --of 'a[L][3]' --data digits
    """
    from ..explain import nudge
    from ..network import load

    net = load(model)
    records = records_of(net, data, sample, directory)
    found = [nudge(records, address, eps, of) for address in addresses]
    if json:
        print_json({"nudges": [one.to_dict() for one in found]})
        return
    for i, one in enumerate(found):
        if i:
            say()
        for line in one.to_text(digits=digits, ascii=ascii).splitlines():
            say(line)
