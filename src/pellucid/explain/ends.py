"""The rules where a chain of derivatives ends: the loss by an output, z by what it is the sum of, a by z.

Before it: `context`. After it: `derivatives`, whose chains are made of these. Whole sums are differentiated term by
term, with their zeros, as textbooks do it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from ..expressions import (
    Differential,
    Equation,
    Expression,
    Negative,
    Number,
    Product,
    Rest,
    Sum,
    Symbol,
    differentiate,
    substitute,
    symbols_in,
)
from ..records import Records
from ..symbols import Quantity
from .context import Context, Target, filled, holding, letters
from .remarks import (
    about_activation,
    about_factors,
    no_dependence,
    why_no_error,
)
from .tree import Derivation, Matrix, Remark, Step
from .wording import says


def jacobian_column(r: Records, l: int, j: int, i: int) -> np.ndarray:
    """∂a_m/∂z_j for all m of a layer that mixes its nodes."""
    rows = slice(i, i + 1)
    return r.g(l).jacobian_column(r.forward.z[l][rows], r.forward.a[l][rows], j)[0]


def loss_by_output(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂C_i/∂a_j^(L): the whole sum over the outputs, differentiated term by term."""
    return loss_by(c, address, t, by.nodes[0], "a")


def by_target(c: Context, address: Any, t: Target) -> Derivation:
    """∂C_i/∂y_j, likewise."""
    return loss_by(c, address, t, address.by.nodes[0], "y")


def loss_by(c: Context, address: Any, t: Target, j: int, letter: str) -> Derivation:
    """The loss differentiated by one output or one target."""
    r, L, i, s = c.records, c.L, t.sample, t.suffix
    equation, constants = r.loss.equation, r.loss.parameters | {"n_L": c.n[L]}
    a, y = float(r.forward.a[L][i, j]), float(r.targets[i, j])
    slope = r.loss.derivative_equation if letter == "a" else differentiate(equation, "y")

    def own(m: int) -> dict[str, Expression]:
        return {"a": Symbol(f"a[{L}][{m}]{s}"), "y": Symbol(f"y[{m}]{s}"), "n_L": Number(c.n[L])}

    count = min(c.n[L], c.terms or c.n[L])
    near = sorted({j, *islice((m for m in range(c.n[L]) if m != j), count - 1)})
    hidden = c.n[L] - len(near)
    rest: tuple[Expression, ...] = (Rest(hidden),) if hidden else ()
    below = f"a[{L}][{j}]{s}" if letter == "a" else f"y[{j}]{s}"
    here = constants | {"a": a, "y": y}
    indexed = substitute(holding(slope, here), own(j))
    steps: tuple[Step, ...] = ()
    if c.n[L] > 1:
        everything = Sum((*(substitute(equation, own(m)) for m in near), *rest))
        by_terms = Sum((*(indexed if m == j else Number(0) for m in near), *((Rest(hidden, 0.0),) if hidden else ())))
        steps = (
            Step("the whole loss", Differential(everything, below)),
            Step(f"term by term: only the term of node {j} contains {{{below}}}, the others are 0", by_terms),
        )
    value = float(r.value(address))
    in_letters = {"a": Symbol("a[L][j]"), "y": Symbol("y[j]")}
    remarks: tuple[Remark, ...] = ()
    if value == 0:
        remarks = about_factors(0.0, [(str(address), 0.0, why_no_error(c, L, j, t))])
    if r.loss.kinks and a - y in r.loss.kinks:
        text = f"The output is exactly the target, at the kink of {r.loss.name}: from −1 below to 1 above; 0 is used."
        remarks = (Remark("kink", text),)
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=Equation(Symbol("dC0/da[L][j]" if letter == "a" else "dC0/dy[j]"), substitute(slope, in_letters)),
        steps=steps,
        indexed=indexed,
        numbers=filled(slope, constants | {"a": a, "y": y}),
        remarks=remarks,
        matrix=loss_matrix(c, t) if letter == "a" else None,
        parts=(f"a[{L}][{j}]{s}",),
    )


def loss_matrix(c: Context, t: Target) -> Matrix | None:
    """∂C_i/∂a^(L) for all outputs at once, where the formula has no cases."""
    a, y, left = f"a[{c.L}]{t.suffix}", f"y{t.suffix}", f"dC{t.sample}/da[{c.L}]"
    e = substitute(c.records.loss.derivative_equation, {"a": Symbol(a), "y": Symbol(y), "n_L": Number(c.n[c.L])})
    if "Cases" in repr(e):
        return None
    column = (c.n[c.L], 1)
    return Matrix(Equation(Symbol(left), e), ((left, column), (a, column), (y, column)))


def z_by_parameter(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂z_j/∂w_jk = a_k and ∂z_j/∂b_j = 1: the whole sum Σ_k w_jk a_k + b_j, differentiated term by term."""
    return sum_by(c, address, t, by, "b" if by.name == "b" else "w")


def sum_by_input(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂z_j/∂a_k = w_jk, likewise."""
    return sum_by(c, address, t, by, "a")


def sum_by(c: Context, address: Any, t: Target, by: Quantity, letter: str) -> Derivation:
    """z_j differentiated by one of its weights, its bias or one of its inputs."""
    l, (j,), s = t.of.layer, t.of.nodes, t.suffix
    ll, down, _ = letters(l, c.L)
    if letter != "a" and by.nodes[0] != j:
        return independent(c, address)
    below = "x" if l == 1 else f"a[{l - 1}]"
    k = by.nodes[-1] if letter != "b" else None
    size = c.n[l - 1]
    count = min(size, c.terms or size)
    near = sorted({*(() if k is None else (k,)), *islice((m for m in range(size) if m != k), count - (k is not None))})
    hidden = size - len(near)

    def a(m: Any) -> str:
        return f"{below}[{m}]{s}"

    bias = (Symbol(f"b[{l}][{j}]"),) if "b" in c.records.parameters[l] else ()
    rest: tuple[Expression, ...] = (Rest(hidden),) if hidden else ()
    everything = Sum((*(Product((Symbol(f"w[{l}][{j},{m}]"), Symbol(a(m)))) for m in near), *rest, *bias))
    answer, in_letters = {
        "w": (Symbol(a(k)), Symbol(f"a[{down}][k]")),
        "a": (Symbol(f"w[{l}][{j},{k}]"), Symbol(f"w[{ll}][j,k]")),
        "b": (Number(1), Number(1)),
    }[letter]
    zeros = (Rest(hidden, 0.0),) if hidden else ()
    last = (answer if letter == "b" else Number(0),) if bias else ()
    by_terms = Sum((*(answer if m == k else Number(0) for m in near), *zeros, *last))
    value = float(c.records.value(address))
    typed = str(replace(by, sample=0)) if letter != "a" else a(k).removesuffix(s)
    note = f"term by term: only the term with {{{typed}}} is not constant, the others are 0"
    left = {"w": f"dz[{ll}][j]/dw[{ll}][j,k]", "a": f"dz[{ll}][j]/da[{down}][k]", "b": f"dz[{ll}][j]/db[{ll}][j]"}[
        letter
    ]
    steps = (
        (
            Step("the whole sum", Differential(everything, typed + (s if letter == "a" else ""))),
            Step(note, by_terms),
        )
        if size + len(bias) > 1
        else ()
    )
    given_below = answer.name if isinstance(answer, Symbol) else ""
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=Equation(Symbol(left), in_letters),
        steps=steps,
        indexed=answer,
        numbers=Number(value) if letter != "b" else Number(1),
        parts=() if not given_below or is_given(given_below) else (given_below,),
    )


def a_by_z(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂a_m/∂z_j: g′(z_j) for m = j, 0 for another node; for softmax a_m([m = j] − a_j)."""
    l, (m,), (j,), i, s = t.of.layer, t.of.nodes, by.nodes, t.sample, t.suffix
    ll, *_ = letters(l, c.L)
    g = c.records.g(l)
    value = float(c.records.value(address))
    a = c.records.forward.a[l][i]
    if not g.elementwise:
        same = m == j
        names = Symbol(f"a[{l}][{m}]{s}"), Symbol(f"a[{l}][{j}]{s}")
        one = Number(1)
        indexed = names[0] * (one - names[1]) if same else Negative(Product(names))
        numbers = (
            Number(float(a[m])) * (one - Number(float(a[j])))
            if same
            else Negative(Product((Number(float(a[m])), Number(float(a[j])))))
        )
        am, aj = Symbol(f"a[{ll}][m]"), Symbol(f"a[{ll}][j]")
        general = Equation(
            Symbol(f"da[{ll}][{'j' if same else 'm'}]/dz[{ll}][j]"), aj * (one - aj) if same else Negative(am * aj)
        )
        text = f"{g.name} divides by the sum over the layer, so every output depends on every z of it."
        return Derivation(
            str(address), says(c, address), value, general=general, indexed=indexed, numbers=numbers,
            remarks=(Remark("mixes", text),), parts=tuple(dict.fromkeys(n.name for n in names)),
        )  # fmt: skip
    if m != j:
        return independent(c, address)
    q = Quantity("g'", l, (j,), i)
    z = float(c.records.forward.z[l][i, j])
    own = {"z": Symbol(f"z[{l}][{j}]{s}"), "a": Symbol(f"a[{l}][{j}]{s}")}
    indexed = substitute(g.derivative_equation, own)
    used = symbols_in(indexed)
    return Derivation(
        str(address),
        says(c, address)[:-1] + f": g′ of {g.name}, taken at z.",
        value,
        general=Equation(Symbol(f"da[{ll}][j]/dz[{ll}][j]"), Symbol(f"g'[{ll}][j]")),
        steps=(Step("the derivative of the activation function at z", Symbol(f"g'[{l}][{j}]{s}")),),
        indexed=indexed,
        numbers=filled(g.derivative_equation, {"z": z, "a": float(a[j])} | g.parameters, choose=False),
        remarks=about_activation(c, q),
        parts=tuple(name for name in (own["z"].name, own["a"].name) if name in used),
    )


def itself(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂z_j/∂z_j = 1."""
    if t.of.nodes != by.nodes:
        return independent(c, address)
    return Derivation(str(address), says(c, address), 1.0, indexed=Number(1), numbers=Number(1))


def independent(c: Context, address: Any) -> Derivation:
    """A derivative by something on which the quantity does not depend: 0."""
    return Derivation(
        str(address),
        says(c, address),
        0.0,
        indexed=Number(0),
        numbers=Number(0),
        remarks=no_dependence(address.of, address.by),
    )


def is_given(address: str) -> bool:
    """Whether an address is a weight, a bias or an input, which have no derivation."""
    return address.startswith(("w[", "b[", "x[", "y[", "a[0]"))


OWN_LAYER = {
    ("z", "w"): z_by_parameter,
    ("z", "b"): z_by_parameter,
    ("z", "z"): itself,
    ("a", "a"): itself,
    ("a", "z"): a_by_z,
}
