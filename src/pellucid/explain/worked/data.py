"""A worked example as JSON values, for programs; `worked.schema.json` describes them.

Before it: `example`. After it: whatever reads JSON. Numbers have all their digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...expressions import plain_number
from .example import WorkedExample

FORMAT, VERSION = "pellucid-worked-example", 1


def to_dict(e: WorkedExample) -> dict[str, Any]:
    """Network, sample, forward pass, derivatives, update and the loss afterwards."""
    r, new = e.records, e.updated
    return {
        "format": FORMAT,
        "version": VERSION,
        "title": e.title,
        "network": {**r.architecture.to_dict(), "n": list(r.n)},
        "complete": e.complete,
        "x": numbers(r.x[0]),
        "y": numbers(r.targets[0]),
        "layers": [layer(e, l) for l in range(1, r.L + 1)],
        "C": plain_number(r.C[0]),
        "R": plain_number(r.R),
        "derivations": [e.explain(address).to_dict(e.depth) for address in (*e.addresses, *e.others)],
        "update": {
            "learning_rate": e.learning_rate,
            "changes": changes(e),
            "predicted": plain_number(e.predicted),
            "C": plain_number(new.C[0]),
            "R": plain_number(new.R),
            "a": numbers(new.forward.a[r.L][0]),
        },
    }


def numbers(values: Any) -> list[Any]:
    """A vector as a list."""
    return [plain_number(v) for v in np.asarray(values, float).tolist()]


def layer(e: WorkedExample, l: int) -> dict[str, Any]:
    """The vectors of one layer."""
    names = {"z": f"z[{l}]", "a": f"a[{l}]", "dC_da": f"dC0/da[{l}]", "delta": f"delta[{l}]"}
    return {"l": l, **{name: numbers(e.records.value(address)) for name, address in names.items()}}


def changes(e: WorkedExample) -> list[dict[str, Any]]:
    """Old number, derivative and new number of every weight and bias that the example lists."""
    found = []
    for l in range(e.records.L, 0, -1):
        for name, index in e.listed(l):
            found.append(
                {
                    "address": f"{name}[{l}][{','.join(map(str, index))}]",
                    "old": plain_number(e.records.parameters[l][name][index]),
                    "derivative": plain_number(e.gradient[l][name][index]),
                    "new": plain_number(e.updated.parameters[l][name][index]),
                }
            )
    return found
