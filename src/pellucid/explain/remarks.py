"""What a reader should notice about a number: why it is zero, a kink, a saturated node, a dominating term.

Before it: the rules, which know the terms and factors. After it: the renderers, which print the sentences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..activations import Activation
from ..addresses import Address, Quantity
from ..operations import Applied
from ..program import Slot
from .context import Context, Target
from .sentences import Text, joined, rounded, say
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
        share = rounded(100 * sizes[most] / everything, 3)
        return (
            Remark("dominant", say(f"One term dominates: {terms[most].label} is {{}} % of the sum of sizes.", share)),
        )
    total = math.fsum(term.value for term in terms)
    if abs(total) < CANCELS * everything:
        text = say("The terms nearly cancel: their sizes add up to {}, they themselves to {}.", everything, total)
        return (Remark("cancellation", text),)
    return ()


def one_sided(g: Activation, z: float) -> tuple[float, float]:
    """g′ just below and just above z."""
    with np.errstate(all="ignore"):
        below, above = g.derivative(np.array([np.nextafter(z, -np.inf), np.nextafter(z, np.inf)]))
    return float(below), float(above)


def about_activation(c: Context, slot: Slot, index: tuple[int, ...], sample: int) -> Remarks:
    """A kink, a dead node, a saturated node."""
    if not isinstance(slot.operation, Applied) or not slot.operation.entrywise:
        return ()
    g = slot.operation.g
    z = float(c.inputs(slot)[0][(sample, *index)])
    symbol = c.name(c.program.slots[slot.reads[0]], index, sample)
    slope = float(c.records.slope(slot.l)[(sample, *index)])
    if z in g.kinks:
        below, above = one_sided(g, z)
        if not math.isclose(below, above, rel_tol=1e-9):
            text = say(
                f"{{}} = {{}} is exactly at the kink of {g.name}: the derivative is {{}} from below and {{}} from "
                "above; any number between may be used, here {}.", symbol, z, below, above, slope,
            )  # fmt: skip
            return (Remark("kink", text),)
    if slope == 0:
        if g.off:
            return (Remark("dead", say(f"{{}} = {{}} is not positive: {g.name} is off here, so g′ is 0.", symbol, z)),)
        return (Remark("saturated", say(f"{g.name} is saturated at {{}} = {{}}: g′ is 0 to all digits.", symbol, z)),)
    if abs(slope) < SATURATED and g.flat_parts:
        text = say(f"{g.name} is nearly flat at {{}} = {{}}: g′ is only {{}}.", symbol, z, slope)
        return (Remark("saturated", text),)
    return ()


def kink_of(c: Context, slot: Slot, index: tuple[int, ...], sample: int) -> Remarks:
    """Only the remark on a kink: the others stand with ∂a/∂z."""
    return tuple(r for r in about_activation(c, slot, index, sample) if r.kind == "kink")


def about_loss(c: Context, sample: int, long_way: float) -> Remarks:
    """A perfect output, or a sum that has lost its digits where the fused form has not."""
    C = float(c.records.C[sample])
    if C == 0:
        return (
            Remark("perfect", "The outputs are the targets to all digits: the loss is 0, and so are its derivatives."),
        )
    if not math.isclose(C, long_way, rel_tol=1e-9, abs_tol=1e-300):
        text = say(
            "Added up from the outputs the loss would be {}: they are rounded, and digits are lost. {} is computed "
            "from z.", long_way, C,
        )  # fmt: skip
        return (Remark("stable form", text),)
    return ()


def about_factors(value: float, factors: Sequence[tuple[Address, float, str | Text]]) -> Remarks:
    """Which factor makes a product zero: (address, number, why) each."""
    if value != 0 or not factors:
        return ()
    zero = [(address, why) for address, number, why in factors if number == 0]
    if not zero:
        return (Remark("underflow", "No factor is zero: the product is smaller than the smallest float64."),)
    parts = [say("{} is 0 ({})", address, say("{}", why)) if why else say("{} is 0", address) for address, why in zero]
    return (Remark("zero", say("Zero because {}.", joined(list(parts), "; "))),)


def why_flat(c: Context, slot: Slot, index: tuple[int, ...], sample: int) -> str | Text:
    """Why a quantity does not move with what it is a formula of."""
    if not isinstance(slot.operation, Applied):
        return "its formula is flat here"
    g, z = slot.operation.g, float(c.inputs(slot)[0][(sample, *index)])
    return say(f"{g.name} is {'off' if g.off else 'saturated'} at z = {{}}", z)


def why_no_error(c: Context, slot: Slot, index: tuple[int, ...], target: Target) -> str:
    """Why ∂C/∂q is zero."""
    if not target.is_loss:
        return ""
    if slot.number == c.program.outputs[-1]:
        at = (target.sample, *index)
        same = c.records.forward.output[at] == c.records.targets[at]
        return "the output is the target" if same else "the loss does not depend on this output here"
    adjoint = c.records.adjoint(target.of)
    back = any(np.any(adjoint.d(reader)[target.sample]) for reader, _ in c.program.readers[slot.number])
    return "what comes back adds up to 0" if back else "nothing comes back from the layer above"


def about_way_back(c: Context, target: Target, l: int) -> Remarks:
    """δ that vanishes or explodes on its way from the output to layer l."""
    if not target.is_loss or l == c.L:
        return ()
    adjoint = c.records.adjoint(target.of)
    layers = [m for m in range(c.L, l - 1, -1) if "z" in c.program.names[m]]
    largest = [float(np.abs(adjoint.dz(m)[target.sample]).max()) for m in layers]
    if not largest or not all(map(math.isfinite, largest)) or not largest[0] > 0 or not largest[-1] > 0:
        return ()
    ratio = largest[-1] / largest[0]
    if VANISHES < ratio < 1 / VANISHES:
        return ()
    shown: list[Any] = largest if len(largest) <= 6 else [*largest[:3], "… ", *largest[-2:]]
    word = "vanishes" if ratio < 1 else "explodes"
    sizes = joined(shown, ", ")
    text = say(f"δ {word} on the way back: its largest size in layers {c.L} … {l} is {{}}.", sizes)
    return (Remark("vanishing" if ratio < 1 else "exploding", text),)


def no_dependence(of: Quantity, by: Quantity) -> Remarks:
    """A derivative by something that the quantity does not depend on."""
    return (Remark("independent", say("{} does not depend on {}: it stands above it, or beside it.", of, by)),)
