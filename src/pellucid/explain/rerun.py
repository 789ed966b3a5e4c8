"""What a quantity becomes when one number of the network is another: the forward pass from that number onwards.

Before it: `records`. After it: `verify` (differences, complex step) and `nudge`. Several values of the number are
tried at once, as rows of one batch; they may be complex.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backward import stable_form
from ..records import Records, canonical
from ..symbols import Quantity
from ..wide import WHOLE, Wide, row_blocks

ENTRIES = 1 << 22  # how many activations of a layer are held at once


def rerun(records: Records, of: Quantity, by: Quantity, values: Any) -> Any:
    """`of` for each of the values of `by`: one number per value.

    Args:
        of: C_i, C, R, or the z or a of a node.
        by: w, b, z, a, x or y, one number.
    """
    of, by = canonical(of), canonical(by)
    values = np.asarray(values)
    if not records.depends(of, by):
        return np.full(len(values), records.value(of))
    if of.name == "R":
        return penalties(records, by, values)
    i = of.sample if of.sample is not None else by.sample
    mean = of.name == "C" and of.sample is None
    rows = np.arange(records.samples) if mean and i is None else np.array([i])
    with np.errstate(all="ignore"):
        at_once = max(1, ENTRIES // (len(rows) * max(records.n)))
        parts = [run(records, of, by, values[v : v + at_once], rows) for v in range(0, len(values), at_once)]
        results = np.concatenate(parts)  # (values, rows)
    if not mean:
        return results[:, 0]
    if i is None:
        return results.mean(axis=1)
    others = records.C.sum() - records.C[i]
    return (results[:, 0] + others) / records.samples


def run(records: Records, of: Quantity, by: Quantity, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`of` for each value and each of some samples, (values, rows)."""
    r, top = records, records.L if of.name == "C" else of.layer
    V, n = len(values), len(rows)
    kind = np.result_type(values.dtype, np.float64)

    def spread(array: np.ndarray) -> np.ndarray:
        return np.tile(array[rows], (V, 1)).astype(kind)

    targets, changed = spread(r.targets), np.repeat(values, n)
    if by.name == "y":
        targets[:, by.nodes[0]] = changed
        z, a, l = r.forward.z[top], r.forward.a[top], top
        z, a = spread(z), spread(a)
    elif by.name == "a":
        l, z, a = by.layer, None, spread(r.forward.a[by.layer])
        a[:, by.nodes[0]] = changed
    else:
        l = by.layer
        z = spread(r.forward.z[l])
        z[:, by.nodes[0]] = changed if by.name == "z" else inputs_of_node(r, by, changed, np.tile(rows, V))
        a = r.g(l).g(z)
    while l < top:
        l += 1
        found = r.program.slots[r.program.names[l]["z"]]
        arrays = readable(r.parameters[l], kind)
        z = found.operation.value(*(a if r.program.slots[s].per_sample else arrays[r.program.slots[s].name] for s in found.reads))
        a = r.g(l).g(z)
    if of.name == "C":
        # an output that was set by hand belongs to no z, from which the fused form would start
        form = stable_form(r.program, r.loss) if z is not None else None
        found = form.C(z, targets) if form else r.loss.C(a, targets)
    else:
        found = (z if of.name == "z" else a)[:, of.nodes[0]]  # type: ignore[index]  # above by = a: computed
    return found.reshape(V, n)


def inputs_of_node(r: Records, by: Quantity, changed: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """z_j for each value of one of its weights or of its bias: its sum, added up anew."""
    l, j = by.layer, by.nodes[0]
    arrays, below = r.parameters[l], r.forward.a[l - 1]
    w = np.array(arrays["w"][j], dtype=np.float64)
    if by.name == "b":
        return below[rows] @ w + changed
    k = by.nodes[1]
    w[k] = 0.0
    rest = below @ w + (arrays["b"][j] if "b" in arrays else 0.0)
    return rest[rows] + changed * below[rows, k]


def readable(arrays: dict[str, Any], kind: Any) -> dict[str, Any]:
    """The arrays so that a complex product makes no complex copy of large weights."""
    if kind != np.complex128:
        return arrays
    return {
        name: Wide(a) if isinstance(a, np.ndarray) and a.ndim == 2 and a.size > WHOLE else a
        for name, a in arrays.items()
    }


def penalties(records: Records, by: Quantity, values: Any) -> np.ndarray:
    """R for each value of one weight: everything else once, then this weight's own share."""
    p = records.penalty
    old = float(records.quantity(by))
    blocks = (b for array in records.architecture.penalised(records.parameters) for b in row_blocks(array))
    others = sum(float(p.R((block,))) for block in blocks) - (p.l2 * old**2 + p.l1 * abs(old))
    below = (values.real < 0) | ((values.real == 0) & (values.imag < 0))  # at 0 the complex step's side decides
    size = np.where(below, -values, values)
    return others + p.l2 * values**2 + p.l1 * size
