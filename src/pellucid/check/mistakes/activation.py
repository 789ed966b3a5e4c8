"""Mistakes in δ = ∂C_i/∂a · g′(z): the activation's derivative."""

from __future__ import annotations

from functools import cache

import numpy as np

from ...activations import ACTIVATIONS, FromZ
from .base import Form, KnownMistake

MASKS = {"relu", "leaky_relu", "elu", "selu"}  # their derivative asks on which side of 0 z is
POSITIVE = {"sigmoid", "softmax", "softplus", "exponential"}


def from_output(g) -> bool:
    """Whether g′ has a formula in a."""
    return g.elementwise and not isinstance(g, FromZ)


def scaled(l, slope, detail=""):
    """δ = ∂C_i/∂a times an array that is computed once."""
    once = cache(slope)
    return Form("delta", lambda s: s.dC_da[l] * once(), detail)


def missing(p, l):
    """δ = ∂C_i/∂a."""
    if p.g(l).name != "linear":
        yield Form("delta", lambda s: s.dC_da[l])


def at_activation(p, l):
    """g′(a) in place of g′(z)."""
    g, a = p.g(l), p.a(l)
    if g.elementwise:
        yield scaled(l, lambda: g.derivative(a))
    else:
        yield Form("delta", lambda s: g.pull_back(a, g.g(a), s.dC_da[l]))


def formula_at_z(p, l):
    """A formula in a, such as a(1 − a), fed with z."""
    g, z = p.g(l), p.z(l)
    if from_output(g):
        yield scaled(l, lambda: g.derivative_from_output(z))
    elif not g.elementwise:
        yield Form("delta", lambda s: g.pull_back(z, z, s.dC_da[l]))


def of_wrong_layer(p, l):
    """g′ at the z of another layer of the same width (or of width 1, which broadcasts)."""
    for m in range(1, p.L + 1):
        if m == l or p.widths[m] not in (p.widths[l], 1):
            continue
        for g, whose in (
            (p.g(l), f"g′ of layer {l} at z of layer {m}"),
            (p.g(m), f"g′ of layer {m} at z of layer {m}"),
        ):
            if g.elementwise:
                yield scaled(l, lambda g=g, m=m: g.derivative(p.z(m)), whose)
            elif p.widths[m] == p.widths[l]:
                yield Form("delta", lambda s, g=g, m=m: g.pull_back(p.z(m), g.g(p.z(m)), s.dC_da[l]), whose)


def of_other_activation(p, l):
    """The derivative of an activation that is not this layer's."""
    own = p.g(l)
    for name, kind in ACTIVATIONS.items():
        if name in (own.name, "linear", "softmax"):
            continue
        g = kind()
        yield scaled(l, lambda g=g: g.derivative(p.z(l)), f"{name}′ at z")
        if name == "exponential" or (name in MASKS and own.name in POSITIVE):
            continue  # a itself has a name of its own; a > 0 everywhere: no derivative at all
        if from_output(g) and not (name == "sigmoid" and not own.elementwise):
            yield Form(
                "delta", lambda s, g=g: s.dC_da[l] * g.derivative_from_output(p.a(l)), f"{name}′ computed from a"
            )


def value_itself(p, l):
    """g(z) in place of g′(z)."""
    if p.g(l).name not in ("linear", "exponential"):
        yield Form("delta", lambda s: s.dC_da[l] * p.a(l))


SLIPS = {
    "1 − a": lambda a: 1 - a, "1 + a": lambda a: 1 + a, "a²": lambda a: a * a, "1 + a²": lambda a: 1 + a * a,
    "a(1 + a)": lambda a: a * (1 + a), "(1 − a)²": lambda a: (1 - a) ** 2, "a²(1 − a)": lambda a: a * a * (1 - a),
    "a − 1": lambda a: a - 1, "a(a − 1)": lambda a: a * (a - 1), "a² − 1": lambda a: a * a - 1,
}  # fmt: skip


def slip(p, l):
    """A formula in a that is nearly g′: 1 − a for 1 − a²."""
    g, a = p.g(l), p.a(l)
    if (g.elementwise and not from_output(g)) or g.name in MASKS or g.name == "linear":
        return
    for formula, make in SLIPS.items():
        slope = make(a)
        if g.elementwise and any(np.allclose(slope, c * g.derivative_from_output(a), rtol=1e-9) for c in (1, -1)):
            continue  # that is g′, or its sign
        yield Form("delta", lambda s, slope=slope: s.dC_da[l] * slope, f"{formula} for g′")


def products(p, l):
    """Σ_j over what belongs side by side: one number for all nodes; or the product of two square tables."""
    g = p.g(l)
    if not g.elementwise or p.widths[l] == 1 or g.name == "linear":
        return
    slope = g.derivative(p.z(l))
    yield Form("delta", lambda s: np.repeat((s.dC_da[l] * slope).sum(axis=1, keepdims=True), p.widths[l], axis=1),
               "np.dot of two vectors")  # fmt: skip
    if p.n == p.widths[l]:
        yield Form("delta", lambda s: s.dC_da[l] @ slope, "∂C_i/∂a @ g′")
        yield Form("delta", lambda s: s.dC_da[l] @ slope.T, "∂C_i/∂a @ g′ᵀ")
        yield Form("delta", lambda s: (s.dC_da[l].T @ slope).T, "samples in columns")


def mask_from_wrong_array(p, l):
    """The sign that a rectifier's derivative asks for, taken from an array that is not z."""
    g = p.g(l)
    if g.name not in MASKS:
        return
    low, high = g.derivative(np.array([-1e-300, 1e-300]))  # the slopes on the two sides of the kink

    def masked(take, detail, linear=True):
        return Form("delta", lambda s: s.dC_da[l] * np.where(take(s) > 0, high, low), detail, linear=linear)

    yield masked(lambda s: s.dC_da[l], "the sign of ∂C_i/∂a", linear=False)
    yield masked(lambda s: -p.z(l), "the sign of −z")
    if p.b(l) is not None:
        yield masked(lambda s: p.z(l) - p.b(l), "the sign of z without its bias")
    for m in range(p.L + 1):
        if m != l and p.widths[m] == p.widths[l]:
            yield masked(lambda s, m=m: p.a(m), f"the sign of a of layer {m}")
            if m:
                yield masked(lambda s, m=m: p.z(m), f"the sign of z of layer {m}")


def softmax_elementwise(p, l):
    """a(1 − a) alone: the diagonal of the Jacobian."""
    if not p.g(l).elementwise:
        a = p.a(l)
        yield Form("delta", lambda s: s.dC_da[l] * a * (1 - a))


def softmax_twice(p, l):
    """The softmax of a softmax."""
    if l != p.L or p.g(l).elementwise:
        return
    g, a = p.g(l), p.a(l)
    again = g.g(a)

    def top(s):
        if p.fused:
            return p.fused.delta(again, p.y)
        return g.pull_back(a, again, p.architecture.loss.term_derivative(again, p.y))

    yield Form("delta", top, "its derivative taken once", linear=False)
    yield Form("delta", lambda s: g.pull_back(p.z(l), a, top(s)), "its derivative taken twice", linear=False)


def fused_and_unfused(p, l):
    """g′ applied to a − y, which has it inside already."""
    if l != p.L or not p.fused:
        return
    g, a = p.g(l), p.a(l)
    yield Form("delta", lambda s: g.pull_back(p.z(l), a, a - p.y), linear=False)
    if not g.elementwise:
        yield Form("delta", lambda s: (a - p.y) * a * (1 - a), "a(1 − a) for the Jacobian", linear=False)


ROWS = (
    KnownMistake(
        "missing-activation-derivative",
        "activation",
        "the activation's derivative left out",
        "The factor g′(z) is missing: δ was taken as ∂C_i/∂a.",
        "Multiply ∂C_i/∂a by g′(z) to get δ.",
        "δ_j = ∂C_i/∂a_j · g′(z_j): the second of the three terms was taken as 1.",
        missing,
    ),
    KnownMistake(
        "derivative-at-activation",
        "activation",
        "g′ taken at a instead of z",
        "The derivative g′ is evaluated at the output a; it belongs at the input z.",
        "Evaluate g′ at z, or use the formula in a (σ′ = a(1 − a)) without applying g again.",
        "a = g(z), so ∂a/∂z = g′(z); g′(a) = g′(g(z)) is another number.",
        at_activation,
    ),
    KnownMistake(
        "activation-instead-of-derivative",
        "activation",
        "g in place of g′",
        "The factor is the activation a itself; its derivative g′(z) belongs there.",
        "Multiply ∂C_i/∂a by g′(z), not by a = g(z).",
        "δ_j = ∂C_i/∂a_j · g′(z_j): the second of the three terms was taken as g(z_j).",
        value_itself,
    ),
    KnownMistake(
        "slip-in-derivative",
        "activation",
        "a slip in the derivative's formula",
        "The formula for g′ is nearly right: a sign, a square or a factor in it is off.",
        "Write the activation's own: σ′ = a(1 − a), tanh′ = 1 − a².",
        "Differentiate g once more and compare it with the code term by term.",
        slip,
    ),
    KnownMistake(
        "product-not-elementwise",
        "activation",
        "a matrix product in place of an elementwise one",
        "∂C_i/∂a and g′(z) were multiplied as matrices (@, np.dot), which sums over nodes or samples.",
        "Multiply entry by entry: * in NumPy.",
        "δ_j = ∂C_i/∂a_j · g′(z_j) has the same j three times and no sum.",
        products,
    ),
    KnownMistake(
        "output-formula-at-z",
        "activation",
        "the derivative's formula in a fed with z",
        "A formula that expects the output a, such as a(1 − a), was given z.",
        "Hand it a, or write the derivative as a function of z.",
        "σ′(z) = a(1 − a) with a = σ(z); z(1 − z) is something else.",
        formula_at_z,
    ),
    KnownMistake(
        "derivative-of-wrong-layer",
        "activation",
        "g′ taken at another layer's z",
        "The activation's derivative belongs to another layer.",
        "Use the z of the same layer as δ.",
        "δ^(l) = ∂C_i/∂a^(l) · g′^(l)(z^(l)): the same l three times.",
        of_wrong_layer,
    ),
    KnownMistake(
        "wrong-activation-derivative",
        "activation",
        "the derivative of another activation",
        "The derivative belongs to an activation that this layer does not have.",
        "Use the derivative of the layer's own activation.",
        "Every g has its own g′: σ′ = a(1 − a), tanh′ = 1 − a², ReLU′ = [z > 0].",
        of_other_activation,
    ),
    KnownMistake(
        "relu-mask-from-wrong-array",
        "activation",
        "the rectifier's mask taken from the wrong array",
        "Which nodes pass the gradient on was decided by an array that is not this layer's z.",
        "Take the mask from this layer's z (or a): z > 0.",
        "ReLU′(z_j) = 1 where z_j > 0; the sign of what comes down from above plays no part.",
        mask_from_wrong_array,
    ),
    KnownMistake(
        "softmax-jacobian-elementwise",
        "activation",
        "only the diagonal of softmax's Jacobian",
        "Softmax was differentiated node by node; each of its outputs depends on every input.",
        "Use δ_i = a_i (∂C_i/∂a_i − Σ_j ∂C_i/∂a_j a_j), or the fused a − y with cross-entropy.",
        "∂a_j/∂z_i = a_j([i = j] − a_i): the terms with i ≠ j were left out.",
        softmax_elementwise,
    ),
    KnownMistake(
        "fused-and-unfused-mixed",
        "activation",
        "g′ applied to a − y, which already contains it",
        "a − y is ∂C_i/∂z already; multiplying it by g′ again counts the activation twice.",
        "Use a − y as δ of the output layer as it is.",
        "With cross-entropy ∂C_i/∂a · g′(z) = a − y: the g′ has cancelled.",
        fused_and_unfused,
    ),
    KnownMistake(
        "softmax-applied-twice",
        "activation",
        "softmax applied to an output that already went through softmax",
        "The outputs went through softmax a second time, inside the loss.",
        "Give the loss z^(L), or leave the softmax to one of the two.",
        "a = softmax(z); the loss used softmax(a) in its place.",
        softmax_twice,
    ),
)
