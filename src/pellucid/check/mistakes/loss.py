"""Mistakes at the top of the backward pass: the loss and its derivative in the outputs."""

from __future__ import annotations

import numpy as np

from ...losses import LOSSES
from .base import Form, KnownMistake

SQUARES = {"squared_error", "mean_squared_error"}  # their derivative has a factor 2


def at_top(pairs):
    """The (stage, factor) pairs of `pairs(problem)`, at the output layer only."""
    return lambda p, l: pairs(p) if l == p.L else ()


def name(p):
    """The loss's name."""
    return p.architecture.loss.name


def two_missing(p):
    """Half the derivative, where it has a 2."""
    return [("dC_da", 0.5)] if name(p) in SQUARES else []


@np.errstate(all="ignore")
def multiple(one, other):
    """The number that makes `one` of `other`; None where there is none."""
    biggest = np.max(abs(other))
    if not (np.isfinite(one).all() and 0 < biggest < np.inf):
        return None
    unit = other / biggest
    c = float(np.vdot(unit, one) / np.vdot(unit, unit))
    return c / biggest if np.max(abs(one - c * unit)) <= 1e-9 * np.max(abs(one)) else None


def odd(p):
    """Whether derivative(y, a) = −derivative(a, y) on this data, as for every loss of a − y that is even."""
    slope = p.architecture.loss.term_derivative
    with np.errstate(all="ignore"):
        found = multiple(slope(p.y, p.a(p.L)), slope(p.a(p.L), p.y))
    return found is not None and abs(found + 1) < 1e-9


def swapped(p, l):
    """The loss's derivative with a and y exchanged, where that is more than a sign."""
    if l == p.L and not p.fused and not odd(p):
        yield Form("dC_da", lambda s: p.architecture.loss.term_derivative(p.y, p.a(l)), linear=False)


def of_output(p, l):
    """1 in place of the loss's derivative."""
    if l == p.L:
        yield Form("dC_da", lambda s: np.ones_like(p.a(l)))


def from_targets(p, l, y, detail):
    """δ^(L) as it comes from other targets."""
    if p.fused:
        return Form("delta", lambda s: p.fused.delta(p.a(l), y), detail, linear=False)
    return Form("dC_da", lambda s: p.architecture.loss.term_derivative(p.a(l), y), detail)


def no_target(p, l):
    """The loss's derivative with 0 for every target."""
    if l == p.L and p.fused:
        yield Form("delta", lambda s: p.fused.delta(p.a(l), p.y) + p.y, linear=False)
    elif l == p.L:
        slope = p.architecture.loss.term_derivative(p.a(l), np.zeros_like(p.y))
        if slope.any():
            yield Form("dC_da", lambda s: slope)


def at_z(p, l):
    """The loss's derivative at z^(L), before the activation."""
    if l != p.L or p.g(l).name == "linear":
        return
    if p.fused:
        yield Form("delta", lambda s: p.fused.delta(p.z(l), p.y), linear=False)
    elif not p.architecture.loss.classes:
        yield Form("dC_da", lambda s: p.architecture.loss.term_derivative(p.z(l), p.y), linear=False)


def broadcast(p, l):
    """(n, 1) against (n,): every output meets every target."""
    if l != p.L or p.widths[l] != 1 or p.n == 1:
        return
    loss, g, z, a = p.architecture.loss, p.g(l), p.z(l), p.a(l)

    def table(s):  # δ for each output i and target i′, (n, n)
        if p.fused:
            return a - p.y.T
        wide = np.broadcast_to
        slopes = loss.term_derivative(wide(a, (p.n, p.n))[..., None], wide(p.y.T, (p.n, p.n))[..., None])[..., 0]
        return g.pull_back(wide(z, (p.n, p.n)), wide(a, (p.n, p.n)), slopes)

    yield Form("delta", lambda s: table(s).mean(axis=1, keepdims=True), "each output against all targets", linear=False)
    yield Form("delta", lambda s: table(s).mean(axis=0)[:, None], "each target against all outputs", linear=False)
    if p.reduction != "per_sample":
        yield Form("w", lambda s: table(s).T @ p.a(l - 1) / s.divisor, "an (n, n) table of δ", whole=True)
        yield Form("b", lambda s: table(s).sum(axis=0) / s.divisor, "an (n, n) table of δ")


def other_loss(p, l):
    """The derivative of a loss that is not this network's, and not a multiple of it."""
    if l != p.L:
        return
    with np.errstate(all="ignore"):
        slopes = [p.architecture.loss.term_derivative(p.a(l), p.y)]
        for other, kind in LOSSES.items():
            slope = kind().term_derivative(p.a(l), p.y)
            if all(multiple(slope, known) is None for known in slopes):
                slopes.append(slope)
                yield Form("dC_da", lambda s, slope=slope: slope, f"that of {other}")


ROWS = (
    KnownMistake(
        "factor-two-missing",
        "loss",
        "the factor 2 of the loss's derivative left out",
        "The 2 that comes down from the square is missing.",
        "Write 2(a − y), or use the half squared error as the loss.",
        "C_i = Σ_j (a_j − y_j)², so ∂C_i/∂a_j = 2(a_j − y_j): the exponent comes down as a factor.",
        factors=at_top(two_missing),
    ),
    KnownMistake(
        "factor-two-extra",
        "loss",
        "a factor 2 too many",
        "The loss's derivative has a 2 that this loss does not give.",
        "Take the 2 out: in the half squared error the ½ cancels it.",
        "C_i = ½ Σ_j (a_j − y_j)² has ∂C_i/∂a_j = a_j − y_j: ½ · 2 = 1.",
        factors=at_top(lambda p: [("dC_da", 2.0)]),
    ),
    KnownMistake(
        "target-and-output-swapped",
        "loss",
        "target and output exchanged in the loss's derivative",
        "The difference is taken the wrong way round: y − a in place of a − y.",
        "Write a − y: output minus target.",
        "∂(a − y)²/∂a = 2(a − y) · ∂(a − y)/∂a = 2(a − y) · 1; the one who moves is a.",
        swapped,
        at_top(lambda p: [("dC_da", -1.0)] if p.fused or odd(p) else []),
    ),
    KnownMistake(
        "target-not-subtracted",
        "loss",
        "the target left out of the loss's derivative",
        "The target is not subtracted: the derivative has the output alone.",
        "Write a − y: output minus target.",
        "C_i measures how far a is from y, so ∂C_i/∂a_j has both in it; with y = 0 it is another loss.",
        no_target,
    ),
    KnownMistake(
        "loss-derivative-at-z",
        "loss",
        "z in place of a in the loss's derivative",
        "The loss's derivative was computed from z of the output layer, before its activation.",
        "Use the outputs a = g(z).",
        "C_i is a function of a^(L): ∂C_i/∂a_j is taken at a_j, not at z_j.",
        at_z,
    ),
    KnownMistake(
        "mean-over-outputs",
        "loss",
        "one division by the number of outputs too many",
        "The loss is averaged over the output nodes, where this network's loss does not (again) divide by n_L.",
        "Sum over the output nodes, or use mean_squared_error as the loss.",
        "C_i = Σ_j (a_j − y_j)² adds the n_L terms; (1/n_L) Σ_j would divide every derivative by n_L.",
        factors=at_top(lambda p: [("dC_da", 1 / p.widths[p.L])] if p.widths[p.L] > 1 else []),
    ),
    KnownMistake(
        "derivative-of-output-not-of-loss",
        "loss",
        "1 in place of the loss's derivative",
        "What is differentiated is the output, not the loss: the factor ∂C_i/∂a_j is missing.",
        "Start the backward pass with ∂C_i/∂a_j, not with ones.",
        "∂C_i/∂w = ∂C_i/∂a · ∂a/∂z · ∂z/∂w: the first of the three terms was taken as 1.",
        of_output,
    ),
    KnownMistake(
        "wrong-loss",
        "loss",
        "the derivative of another loss",
        "The derivative belongs to another loss than this network's.",
        "Use the derivative of the loss that the network is trained with.",
        "Compare ∂C_i/∂a_j with the equation of C_i term by term.",
        other_loss,
    ),
    KnownMistake(
        "wrong-broadcast",
        "loss",
        "(n, 1) against (n,): every output compared with every target",
        "Outputs (n, 1) minus targets (n,) gives an (n, n) table instead of n differences.",
        "Give both the same shape before subtracting: y.reshape(-1, 1).",
        "C_i has a_i and y_i of the same sample i; the table has a_i − y_i′ for all pairs.",
        broadcast,
    ),
)
