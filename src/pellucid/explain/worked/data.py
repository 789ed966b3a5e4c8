"""A worked example as JSON values, for programs; `worked.schema.json` describes them.

Before it: the example's `numbers`. After it: whatever reads JSON. Numbers have all their digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...addresses import Derivative, Quantity
from ...expressions import plain_number
from .numbers import LOSS, Numbers, steps, textbook

FORMAT, VERSION = "pellucid-worked-example", 1


def to_dict(e: Numbers) -> dict[str, Any]:
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
        "derivations": [e.explain(address).to_dict(e.depth) for address in (*e.chosen, *e.further)],
        "update": {
            "learning_rate": e.learning_rate,
            "changes": changes(e),
            "predicted": plain_number(e.predicted),
            "C": plain_number(new.C[0]),
            "R": plain_number(new.R),
            "a": numbers(new.forward.a[r.L][0]),
        },
    }


def numbers(values: Any) -> Any:
    """An array as nested lists."""
    values = np.asarray(values, float)
    return list(map(numbers, values)) if values.ndim else plain_number(float(values))


def layer(e: Numbers, l: int) -> dict[str, Any]:
    """The arrays of one layer: z, a and their derivatives, or every quantity by its name."""
    r = e.records
    if textbook(r.program, l):
        z, a = Quantity("z", l), Quantity("a", l)
        found = {"z": z, "a": a, "dC_da": Derivative(LOSS, a), "delta": Quantity("delta", l)}
        return {"l": l, **{name: numbers(r.value(address)) for name, address in found.items()}}
    quantities = []
    for slot in steps(r.program, l):
        q = e.explainer.context.array(slot)
        values, slopes = numbers(r.value(q)), numbers(r.value(Derivative(LOSS, q)))
        quantities.append({"name": slot.name, "letters": slot.space.letters, "value": values, "derivative": slopes})
    reads = list(r.program.reads[l])
    return {"l": l, "kind": r.program.layers[l].kind, "reads": reads, "quantities": quantities}


def changes(e: Numbers) -> list[dict[str, Any]]:
    """Old number, derivative and new number of every entry that the example lists."""
    return [
        {
            "address": str(e.array(l, name, index)),
            "old": plain_number(e.records.parameters[l][name][index]),
            "derivative": plain_number(e.gradient[l][name][index]),
            "new": plain_number(e.updated.parameters[l][name][index]),
        }
        for l in range(e.records.L, 0, -1)
        for name, index in e.listed(l)
    ]
