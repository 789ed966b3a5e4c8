"""What a reader should notice about a number: why it is zero, a kink, a saturated node, a dominating term.

Before it: the rules, which know the terms and factors. After it: the renderers, which print the sentences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..activations import Activation
from ..symbols import Quantity
from .context import Context, Target
from .tree import Remark, Term

DOMINATES = 0.9  # of the sum of sizes
CANCELS = 1e-3  # |sum| over the sum of sizes
SATURATED = 0.01  # a slope below this, where the activation's is up to 1 or so
VANISHES = 1e-3  # δ of a layer over δ of the output layer

Remarks = tuple[Remark, ...]


def about_sum(terms: Sequence[Term]) -> Remarks:
    """One term that makes up nearly all of a sum, or terms that cancel."""
    sizes = [abs(term.value) for term in terms]
    everything = math.fsum(sizes) if all(map(math.isfinite, sizes)) else math.nan
    if len(terms) < 2 or not everything > 0:
        return ()
    most = max(range(len(sizes)), key=sizes.__getitem__)
    if sizes[most] >= DOMINATES * everything and terms[most].count == 1:
        share = 100 * sizes[most] / everything
        return (
            Remark("dominant", f"One term dominates: {terms[most].label} is {{={share:.3g}}} % of the sum of sizes."),
        )
    total = math.fsum(term.value for term in terms)
    if abs(total) < CANCELS * everything:
        text = f"The terms nearly cancel: their sizes add up to {{={everything!r}}}, they themselves to {{={total!r}}}."
        return (Remark("cancellation", text),)
    return ()


def one_sided(g: Activation, z: float) -> tuple[float, float]:
    """g′ just below and just above z."""
    with np.errstate(all="ignore"):
        below, above = g.derivative(np.array([np.nextafter(z, -np.inf), np.nextafter(z, np.inf)]))
    return float(below), float(above)


def about_activation(c: Context, q: Quantity) -> Remarks:
    """A kink, a dead node, a saturated node."""
    l, (j,), i = q.layer, q.nodes, q.sample
    g = c.records.g(l)
    if not g.elementwise:
        return ()
    z = float(c.records.forward.z[l][i, j])
    slope = float(c.records.slope(l)[i, j])
    symbol = f"{{z[{l}][{j}]{f'@{i}' if i else ''}}}"
    if z in g.kinks:
        below, above = one_sided(g, z)
        if not math.isclose(below, above, rel_tol=1e-9):
            text = (
                f"{symbol} = {{={z!r}}} is exactly at the kink of {g.name}: the derivative is {{={below!r}}} from "
                f"below and {{={above!r}}} from above; any number between may be used, here {{={slope!r}}}."
            )
            return (Remark("kink", text),)
    if slope == 0:
        if g.off:
            return (Remark("dead", f"{symbol} = {{={z!r}}} is not positive: {g.name} is off here, so g′ is 0."),)
        return (Remark("saturated", f"{g.name} is saturated at {symbol} = {{={z!r}}}: g′ is 0 to all digits."),)
    if abs(slope) < SATURATED and g.flat_parts:
        return (Remark("saturated", f"{g.name} is nearly flat at {symbol} = {{={z!r}}}: g′ is only {{={slope!r}}}."),)
    return ()


def about_loss(c: Context, q: Quantity, long_way: float) -> Remarks:
    """A perfect output, or a sum that has lost its digits where the fused form has not."""
    C = float(c.records.C[q.sample])
    if C == 0:
        return (
            Remark("perfect", "The outputs are the targets to all digits: the loss is 0, and so are its derivatives."),
        )
    if not math.isclose(C, long_way, rel_tol=1e-9, abs_tol=1e-300):
        text = f"Added up from the outputs the loss would be {{={long_way!r}}}: they are rounded, and digits are lost. "
        text += f"{{={C!r}}} is computed from z."
        return (Remark("stable form", text),)
    return ()


def about_factors(value: float, factors: Sequence[tuple[str, float, str]]) -> Remarks:
    """Which factor makes a product zero: (address, number, why) each."""
    if value != 0 or not factors:
        return ()
    zero = [(address, why) for address, number, why in factors if number == 0]
    if not zero:
        return (Remark("underflow", "No factor is zero: the product is smaller than the smallest float64."),)
    text = "; ".join(f"{{{address}}} is 0" + (f" ({why})" if why else "") for address, why in zero)
    return (Remark("zero", f"Zero because {text}."),)


def why_flat(c: Context, l: int, j: int, i: int) -> str:
    """Why ∂a/∂z is zero at a node."""
    g = c.records.g(l)
    z = float(c.records.forward.z[l][i, j])
    if g.off:
        return f"{g.name} is off at z = {{={z!r}}}"
    return f"{g.name} is saturated at z = {{={z!r}}}"


def why_no_error(c: Context, l: int, j: int, target: Target) -> str:
    """Why ∂C/∂a is zero at a node."""
    if not target.is_loss:
        return ""
    if l == c.L:
        a, y = c.records.forward.a[l][target.sample, j], c.records.targets[target.sample, j]
        return "the output is the target" if a == y else "the loss does not depend on this output here"
    return (
        "nothing comes back from the layer above"
        if not np.any(c.records.adjoint(target.of).dz(l + 1)[target.sample])
        else "what comes back adds up to 0"
    )


def about_way_back(c: Context, target: Target, l: int) -> Remarks:
    """δ that vanishes or explodes on its way from the output to layer l."""
    if not target.is_loss or l == c.L:
        return ()
    adjoint = c.records.adjoint(target.of)
    largest = [float(np.abs(adjoint.dz(m)[target.sample]).max()) for m in range(c.L, l - 1, -1)]
    if not all(map(math.isfinite, largest)) or not largest[0] > 0 or not largest[-1] > 0:
        return ()
    ratio = largest[-1] / largest[0]
    if VANISHES < ratio < 1 / VANISHES:
        return ()
    shown = largest if len(largest) <= 6 else [*largest[:3], *largest[-2:]]
    sizes = ", ".join(f"{{={v!r}}}" for v in shown[:3]) + ("" if len(shown) <= 3 else ", ")
    sizes += ("… , " if len(largest) > 6 else "") + ", ".join(f"{{={v!r}}}" for v in shown[3:])
    word = "vanishes" if ratio < 1 else "explodes"
    text = f"δ {word} on the way back: its largest size in layers {c.L} … {l} is {sizes}."
    return (Remark("vanishing" if ratio < 1 else "exploding", text),)


def no_dependence(of: Any, by: Any) -> Remarks:
    """A derivative by something that the quantity does not depend on."""
    return (Remark("independent", f"{{{of}}} does not depend on {{{by}}}: it stands above it, or beside it."),)
