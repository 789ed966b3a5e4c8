"""The check lines: the same number found in other ways, and how far it is from the derivation's.

Before it: `rerun`, which repeats the forward pass with one number changed. After it: the renderers.
Automatic differentiation (forward mode, of one number) takes part only where JAX is loaded already.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ..addresses import Derivative, Quantity
from ..backward import losses
from ..forward import forward
from ..records import Records, canonical
from .rerun import rerun
from .sentences import Text, rounded, say
from .tree import Check

STEPS = 10.0 ** -np.arange(2, 9)  # times the size of the number that is changed
TINY = 1e-180  # the complex step: no difference is taken, so it can be so small that its square is 0
LARGEST = 10_000_000  # parameters: beyond it automatic differentiation's copy would be too large


def checks(records: Records, address: Any, value: float) -> tuple[Check, ...]:
    """The checks of one number; for a value of the forward pass, a sum added up without rounding.

    Args:
        address: resolved.
        value: what the derivation says.
    """
    if isinstance(address, Quantity) and address.name == "delta":
        address = Derivative(
            Quantity("C", sample=address.sample), Quantity("z", address.layer, address.nodes, address.sample)
        )
    if isinstance(address, Quantity) and address.name == "g'":
        slot = records.program.output(address.layer)
        below = records.program.slots[slot.reads[0]]
        z = Quantity(below.name, below.l, address.nodes, address.sample)
        address = Derivative(Quantity(slot.name, slot.l, address.nodes, address.sample), z)
    if not isinstance(address, Derivative):
        return exact_sum(records, address, value)
    of, by = canonical(address.of), canonical(address.by)
    if not records.depends(of, by):
        return ()
    found = [central(records, of, by, value), complex_step(records, of, by, value)]
    if "jax" in sys.modules and (check := automatic(records, of, by, value)):
        found.append(check)
    return tuple(found)


def compared(method: str, found: float, value: float, note: str | Text = "") -> Check:
    """A check line: relative error and units in the last place.

    Example:
        >>> compared("by hand", 1.0 + 2**-52, 1.0).ulps
        1.0
    """
    gap = abs(found - value)
    relative = gap / abs(value) if value else gap
    return Check(method, found, relative, gap / math.ulp(value) if math.isfinite(value) else math.nan, note)


def central(records: Records, of: Quantity, by: Quantity, value: float) -> Check:
    """(T(v + h) − T(v − h)) / 2h, for several h; the one where two neighbouring steps agree best is taken."""
    v = float(records.quantity(by))
    h = STEPS * max(1.0, abs(v))
    with np.errstate(invalid="ignore"):  # an infinite value has no neighbours: the check then says that it is no number
        up, down = v + h, v - h
    T = rerun(records, of, by, np.concatenate([up, down, [v]])).real
    with np.errstate(all="ignore"):  # where T is infinite, the differences are not numbers
        slopes = (T[: len(h)] - T[len(h) : -1]) / (up - down)
        gaps = np.abs(np.diff(slopes))
    best = int(np.nanargmin(gaps)) + 1 if np.isfinite(gaps).any() else 0
    note = say("step {}", rounded(h[best], 1))
    with np.errstate(all="ignore"):
        above, below = (T[best] - T[-1]) / (up[best] - v), (T[-1] - T[len(h) + best]) / (v - down[best])
    if abs(above - below) > 0.01 * max(abs(above), abs(below)) and not math.isclose(slopes[best], value, rel_tol=1e-3):
        note += say("; at a kink: {} from below, {} from above", float(below), float(above))
    return compared("central differences", float(slopes[best]), value, note)


def complex_step(records: Records, of: Quantity, by: Quantity, value: float) -> Check:
    """Im T(v + ih) / h: no difference is taken, so nothing cancels. Squire & Trapp 1998."""
    v = float(records.quantity(by))
    h = TINY * max(1.0, abs(v))
    one, other = (float(f) for f in rerun(records, of, by, np.array([v + 1j * h, v - 1j * h])).imag / h * [1, -1])
    if one == other or not math.isfinite(one + other):
        return compared("complex step", one, value)
    # only at a kink does the side of the step matter
    near = min(one, other, key=lambda found: abs(found - value))
    return compared("complex step", near, value, say("at a kink: {} on one side, {} on the other", one, other))


def automatic(records: Records, of: Quantity, by: Quantity, value: float) -> Check | None:
    """JAX's forward mode in float64, along the one number; None where it can't hold the network in float64."""
    jax: Any = sys.modules["jax"]
    size = sum(int(np.prod(a.shape)) for arrays in records.parameters for a in arrays.values())
    slot = None if of.name == "R" or by.name == "y" else records.slot(by)
    if slot is None or size > LARGEST or slot.reads:
        return None
    jnp = jax.numpy
    rows = np.arange(records.samples) if of.sample is None else np.array([of.sample])
    with jax.enable_x64(True):
        parameters = tuple({name: jnp.asarray(np.asarray(a[...])) for name, a in p.items()} for p in records.parameters)
        x, y = jnp.asarray(records.x[rows]), jnp.asarray(records.targets[rows])

        def T(v: Any) -> Any:
            changed, inputs = parameters, x
            if slot.number == 0:
                inputs = x.at[(0 if of.sample is not None else by.sample, *by.nodes)].set(v)
            else:
                l = by.layer
                new = parameters[l] | {by.name: parameters[l][by.name].at[by.nodes].set(v)}
                changed = (*parameters[:l], new, *parameters[l + 1 :])
            record = forward(records.program, changed, inputs)
            if of.name == "C":
                return jnp.mean(losses(records.program, records.loss, record, y))
            return record.values[records.slot(of).number][of.nodes if of.shared else (0, *of.nodes)]

        v = jnp.asarray(float(records.quantity(by)))
        _, slope = jax.jvp(T, (v,), (jnp.ones_like(v),))
        return compared("automatic differentiation", float(slope), value)


def exact_sum(records: Records, q: Quantity, value: float) -> tuple[Check, ...]:
    """A sum of products, and the mean loss, as sums without rounding on the way."""
    if q.name == "C":
        if q.sample is None and np.isfinite(records.C).all():
            return (compared("exact sum", math.fsum(records.C.tolist()) / records.samples, value),)
        return ()
    if q.name not in ("R", "y"):
        slot = records.slot(canonical(q))
        if slot.reads and slot.operation.sums:
            x = records.forward.inputs(slot.number)
            blocks = slot.operation.terms(x, q.nodes if q.shared else (q.sample, *q.nodes))
            products = [float(v) for block in blocks for v in block.values(x)]
            if np.isfinite(products).all():
                return (compared("exact sum", math.fsum(products), value),)
    return ()
