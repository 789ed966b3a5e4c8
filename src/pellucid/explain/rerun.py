"""What a quantity becomes when one number of the network is another: the forward pass from that number onwards.

Before it: `records`. After it: `verify` (differences, complex step) and `nudge`. Several values of the number are
tried at once, as rows of one batch; they may be complex.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..addresses import Quantity
from ..forward import Forward, again
from ..operations import Products
from ..program import Slot
from ..records import Records, canonical
from ..wide import WHOLE, Wide, row_blocks

ENTRIES = 1 << 22  # how many numbers of a quantity are held at once


def rerun(records: Records, of: Quantity, by: Quantity, values: Any) -> Any:
    """`of` for each of the values of `by`: one number per value.

    Args:
        of: C_i, C, R, or one number of a sample's quantity.
        by: a weight, an input, a target, or another quantity; one number.
    """
    of, by = canonical(of), canonical(by)
    values = np.asarray(values)
    if not records.depends(of, by):
        return np.full(len(values), records.value(of))
    if of.name == "R":
        return penalties(records, by, values)
    i = of.sample if of.sample is not None else by.sample
    mean = of.name == "C" and of.sample is None
    rows = np.arange(records.samples) if mean and i is None else np.array([i or 0])
    largest = max(s.space.size for s in records.program.slots if s.per_sample)
    at_once = max(1, ENTRIES // (len(rows) * largest))
    with np.errstate(all="ignore"):
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
    r, program = records, records.program
    V, n = len(values), len(rows)
    kind = np.result_type(values.dtype, np.float64)

    def spread(array: Any) -> np.ndarray:
        return np.tile(array[rows], (V,) + (1,) * (array.ndim - 1)).astype(kind)

    y, changed = spread(r.targets), np.repeat(values, n)
    before = [
        spread(v) if slot.per_sample else readable(v, kind)
        for slot, v in zip(program.slots, r.forward.values, strict=True)
    ]
    start = -1
    if by.name == "y":
        y[(slice(None), *by.nodes)] = changed
        after = Forward(program, before)
    else:
        slot = r.slot(by)
        start = slot.number
        if slot.per_sample:
            moved = before[start].copy()
            moved[(slice(None), *by.nodes)] = changed
            given = {start: moved}
        else:
            given = of_weight(r, slot, by, changed, np.tile(rows, V), before)
        after = again(program, before, given)
    if of.name != "C":
        return after.values[r.slot(of).number][(slice(None), *of.nodes)].reshape(V, n)
    # an output that was set by hand belongs to no z, from which the fused form would start
    form = None if start == program.outputs[-1] else r.fused
    found = form.C(after.inputs(program.outputs[-1])[0], y) if form else r.loss.C(after.output, y)
    return found.reshape(V, n)


def of_weight(
    r: Records, slot: Slot, by: Quantity, changed: np.ndarray, rows: np.ndarray, before: list[Any]
) -> dict[int, np.ndarray]:
    """What reads a weight, for each of its values: the sums in which it stands, added up anew."""
    given: dict[int, np.ndarray] = {}
    for number, m in r.program.readers[slot.number]:
        reader = r.program.slots[number]
        x = tuple(r.forward.values[s] for s in reader.reads)
        if not reader.operation.sums or not reader.per_sample:
            own = np.repeat(np.asarray(before[slot.number])[None], len(changed), axis=0).astype(changed.dtype)
            own[(slice(None), *by.nodes)] = changed
            read = [own if s == slot.number else before[s] for s in reader.reads]
            if not reader.per_sample:  # made of weights alone: each value has its own
                read = [
                    a if s == slot.number else np.repeat(np.asarray(a)[None], len(changed), axis=0)
                    for s, a in zip(reader.reads, read, strict=True)
                ]
            given[number] = reader.operation.value(*read)
            continue
        moved = before[number].copy()
        for i in dict.fromkeys(rows.tolist()):
            here = rows == i
            out = reader.operation.readers(m, x, r.forward.values[number], by.nodes, i).out
            for entry in zip(*(column.tolist() for column in out), strict=True):
                total = sum(added(block, x, m, by.nodes, changed[here]) for block in reader.operation.terms(x, entry))
                moved[(here, *entry[1:])] = total
        given[number] = moved
    return given


def added(block: Products, x: tuple[Any, ...], m: int, index: tuple[int, ...], changed: np.ndarray) -> Any:
    """The rows of a sum with one number changed, for each of its values."""
    numbers = [np.asarray(x[k][columns]) for k, columns in block.entries]
    touched = np.zeros(block.count, bool)
    for k, columns in block.entries:
        if k == m:
            touched |= np.all([column == place for column, place in zip(columns, index, strict=True)], axis=0)
    whole = np.full(block.count, block.coefficient)
    for number in numbers:
        whole = whole * number
    rest = whole[~touched].sum()
    total = np.full(len(changed), rest, changed.dtype)
    for row in np.flatnonzero(touched):
        product = np.full(len(changed), block.coefficient, changed.dtype)
        for (k, columns), number in zip(block.entries, numbers, strict=True):
            own = k == m and all(column[row] == place for column, place in zip(columns, index, strict=True))
            product = product * (changed if own else number[row])
        total = total + product
    return total


def readable(array: Any, kind: Any) -> Any:
    """Weights so that a complex product makes no complex copy of large ones."""
    large = isinstance(array, np.ndarray) and array.ndim == 2 and array.size > WHOLE
    return Wide(array) if large and kind == np.complex128 else array


def penalties(records: Records, by: Quantity, values: Any) -> np.ndarray:
    """R for each value of one weight: everything else once, then this weight's own share."""
    p = records.penalty
    old = float(records.quantity(by))
    blocks = (b for array in records.architecture.penalised(records.parameters) for b in row_blocks(array))
    others = sum(float(p.R((block,))) for block in blocks) - (p.l2 * old**2 + p.l1 * abs(old))
    below = (values.real < 0) | ((values.real == 0) & (values.imag < 0))  # at 0 the complex step's side decides
    size = np.where(below, -values, values)
    return others + p.l2 * values**2 + p.l1 * size
