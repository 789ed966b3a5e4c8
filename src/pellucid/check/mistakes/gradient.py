"""Mistakes in ∂C/∂w_jk = (1/n) Σ_i δ_ij a_ik: the input, the samples, the sum and its division."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..passes import run
from .base import Form, KnownMistake
from .loss import from_targets


def several(forms):
    """What `forms(problem, l)` gives where there are several samples and a sum over them."""
    return lambda p, l: forms(p, l) if p.n > 1 and p.reduction != "per_sample" else ()


def other_input(p, l):
    """Another array of the right width in place of a^(l−1)."""
    for m in range(p.L + 1):
        if p.widths[m] != p.widths[l - 1]:
            continue
        if m != l - 1:
            yield Form("w", lambda s, m=m: s.outer(s.delta[l], p.a(m)), f"a of layer {m}")
        if m:
            yield Form("w", lambda s, m=m: s.outer(s.delta[l], p.z(m)), f"z of layer {m}")


def no_input(p, l):
    """1 in place of a^(l−1)."""
    yield Form("w", lambda s: s.outer(s.delta[l], np.ones_like(p.a(l - 1))))


ORDERS = {
    "the next sample's": lambda array: np.roll(array, -1, axis=0),
    "the sample's before": lambda array: np.roll(array, 1, axis=0),
    "the samples in reverse": lambda array: array[::-1],
}


def misaligned(p, l):
    """Another sample's a, or another sample's target."""
    if p.n == 1:
        return
    for order, moved in ORDERS.items():
        yield Form("w", lambda s, moved=moved: s.outer(s.delta[l], moved(p.a(l - 1))), f"{order} a")
        if l == p.L:
            yield from_targets(p, l, moved(p.y), f"{order} y")


def averaged_first(p, l):
    """The product of the means."""
    yield Form("w", lambda s: s.delta[l].mean(axis=0)[:, None] * s.part(p.a(l - 1)).mean(axis=0))


def overwritten(p, l):
    """The last term of a sum."""
    if l < p.L and p.widths[l + 1] > 1:
        last = p.widths[l + 1] - 1
        yield Form("dC_da", lambda s: s.delta[l + 1][:, [last]] * p.w(l + 1)[last], "the last j")
    if p.n > 1 and p.reduction != "per_sample":
        for divided, by in (("", 1), (", divided by n", p.n)):
            yield Form("w", lambda s, by=by: s.delta[l][-1][:, None] * s.part(p.a(l - 1))[-1] / by,
                       "the last sample" + divided)  # fmt: skip
            yield Form("b", lambda s, by=by: s.delta[l][-1] / by, "the last sample" + divided)


def stale(p, l):
    """The gradient of the batch before, still there."""
    if p.previous is None or p.reduction == "per_sample":
        return
    x, y = p.previous
    before = replace(p, x=x, y=y, previous=None)
    yield Form("w", lambda s: s.right_w() + s.part(run(before).w[l] - p.dR_dw(l)), "the batch before added")
    if p.b(l) is not None:
        yield Form("b", lambda s: s.right_b() + run(before).b[l], "the batch before added")


def both(*factors):
    """The same factors in ∂C/∂w and ∂C/∂b."""
    return [(stage, factor) for factor in factors for stage in ("w", "b")]


ROWS = (
    KnownMistake(
        "sum-instead-of-mean",
        "reduction",
        "the mean over the samples left out",
        "The samples' gradients are added but not divided by their number n.",
        'Divide by n, or ask for the sum (reduction="sum").',
        "∂C/∂w = (1/n) Σ_i ∂C_i/∂w: the 1/n is missing.",
        factors=several(lambda p, l: both(p.n) if p.reduction == "mean" else ()),
    ),
    KnownMistake(
        "divided-twice",
        "reduction",
        "one division by n too many",
        "The gradient is divided by the number of samples once more than it should be.",
        "Divide by n in one place only: in the loss's derivative or in the sum over the samples.",
        "∂C/∂w = (1/n) Σ_i ∂C_i/∂w has one 1/n.",
        factors=several(lambda p, l: both(1 / p.n)),
    ),
    KnownMistake(
        "wrong-layer-input",
        "input",
        "another array in place of the layer's input",
        "δ is multiplied by an array that is not the input of this layer's weights.",
        "Use a of the layer below: the numbers that these weights were multiplied by.",
        "z_j^(l) = Σ_k w_jk a_k^(l−1), so ∂z_j/∂w_jk = a_k^(l−1).",
        other_input,
    ),
    KnownMistake(
        "missing-input-factor",
        "input",
        "the input's factor left out",
        "The factor a_k of the layer below is missing.",
        "Multiply δ_j by a_k: the outer product of the two.",
        "∂z_j/∂w_jk = a_k: the third of the three terms was taken as 1, as it is for a bias.",
        no_input,
    ),
    KnownMistake(
        "samples-misaligned",
        "input",
        "different samples paired",
        "Arrays are paired whose rows belong to different samples.",
        "Keep x, y and everything computed from them in the same order of samples.",
        "∂C_i/∂w_jk = δ_ij a_ik: the same i in both factors.",
        misaligned,
    ),
    KnownMistake(
        "averaged-too-early",
        "reduction",
        "the product of the means in place of the mean of the products",
        "δ and a were averaged over the samples before they were multiplied.",
        "Multiply sample by sample, then average.",
        "(1/n) Σ_i δ_ij a_ik is not (1/n) Σ_i δ_ij · (1/n) Σ_i a_ik.",
        several(averaged_first),
    ),
    KnownMistake(
        "overwritten-instead-of-added",
        "reduction",
        "the last term in place of the sum",
        "A loop assigns (=) where it should add (+=), so only the last term is left.",
        "Start from zeros and add each term.",
        "A Σ has as many terms as its index has values; one of them stood for all.",
        overwritten,
    ),
    KnownMistake(
        "stale-accumulation",
        "reduction",
        "gradients left over from before",
        "The arrays were not set to zero before this pass, so gradients of earlier passes are still in them.",
        "Set the gradients to zero before each backward pass.",
        "∂C/∂w = (1/n) Σ_i ∂C_i/∂w starts from nothing for each batch.",
        stale,
        lambda p, l: both(*range(2, 11)),
    ),
)
