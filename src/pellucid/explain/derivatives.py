"""The rules for derivatives: of a loss, or of one node's z or a, by anything below.

Before it: `records`. After it: `explainer`, which adds the children. T stands for what is differentiated. The
chain rule is the same for every T, so one rule per symbol below the line is enough; T's own layer and the mean
over the samples come first.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from ..errors import AddressError
from ..expressions import (
    Differential,
    Elementwise,
    Equation,
    Expression,
    MatrixProduct,
    Negative,
    Number,
    Product,
    Quotient,
    Rest,
    Sum,
    SumOver,
    Symbol,
    Transpose,
    differentiate,
    sign,
    substitute,
    symbols_in,
)
from ..records import Records, canonical
from ..symbols import Derivative, Quantity
from .context import Context, Target, filled, holding, letters, total_of
from .remarks import (
    about_activation,
    about_factors,
    about_sum,
    about_way_back,
    no_dependence,
    why_flat,
    why_no_error,
)
from .tree import Derivation, Equal, Matrix, Remark, Step, Term, sum_of
from .values import phrase, title


def derive(c: Context, address: Derivative | Quantity) -> Derivation:
    """One level of the derivation of a derivative, or of δ.

    Raises:
        AddressError: an array instead of one number.
    """
    if not address.scalar:
        raise AddressError(str(address), "expected one number", "a row or an array", "Name its nodes.")
    if isinstance(address, Quantity):  # δ
        loss = Target(Quantity("C", sample=address.sample))
        return by_z(c, address, loss, replace(address, name="z"))
    of, by = canonical(address.of), canonical(address.by)
    if not c.records.depends(of, by):
        return independent(c, address)
    if of.name == "R":
        return of_penalty(c, address)
    if of.name == "C" and of.sample is None:
        return of_mean(c, address)
    target = Target(of)
    if by.name == "y":
        return by_target(c, address, target)
    if of.name != "C" and by.layer == of.layer and (own := OWN_LAYER.get((of.name, by.name))):
        return own(c, address, target, by)
    return RULES[by.name](c, address, target, by)


def says(c: Context, address: Any) -> str:
    """What a derivative is, in words."""
    if isinstance(address, Quantity):
        address = Derivative(Quantity("C", sample=address.sample), replace(address, name="z"))
    by = address.by
    if by.kind.sampled and address.of.sample is not None:
        by = replace(by, sample=0)  # said once
    return title(f"how {phrase(address.of, c.L)} changes with {phrase(by, c.L)}")


def product(c: Context, *names: str) -> tuple[Expression, Expression, list[float]]:
    """Factors as symbols, as numbers, and their values."""
    values = [float(c.records.value(name)) for name in names]
    if len(names) == 1:
        return Symbol(names[0]), Number(values[0]), values
    return Product(tuple(map(Symbol, names))), Product(tuple(map(Number, values))), values


def is_given(address: str) -> bool:
    """Whether an address is a weight, a bias or an input, which have no derivation."""
    return address.startswith(("w[", "b[", "x[", "y[", "a[0]"))


# ── by a weight or a bias ─────────────────────────────────────────────────────────────────────────


def by_parameter(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂T/∂w_jk = ∂T/∂a_j · ∂a_j/∂z_j · ∂z_j/∂w_jk, and the same for a bias."""
    l, j = by.layer, by.nodes[0]
    g = c.records.layers[l - 1].activation
    whole = t.of.name != "z" or t.of.layer != l  # T lies above z^(l), so that it is reached through a_j
    through_a = whole and g.elementwise
    node = f"{by.name}[{l}][{','.join(map(str, by.nodes))}]"
    last = f"dz[{l}][{j}]/d{node}{t.suffix}"
    if through_a:
        names = [t.da(l, j), f"da[{l}][{j}]/dz[{l}][{j}]{t.suffix}", last]
        if t.of.name == "a" and t.of.layer == l and t.of.nodes == (j,):
            names = names[1:]
    else:
        names = [t.dz(l, j), last]
    indexed, numbers, values = product(c, *names)
    value = float(c.records.value(address))
    i = t.sample
    why = {names[-1]: "the input that it weighs is 0" if by.name == "w" else ""}
    if through_a:
        why[f"da[{l}][{j}]/dz[{l}][{j}]{t.suffix}"] = why_flat(c, l, j, i)
        why[names[0]] = why.get(names[0]) or why_no_error(c, l, j, t)
    remarks = about_factors(value, [(name, v, why.get(name, "")) for name, v in zip(names, values, strict=True)])
    remarks += about_activation_kink(c, l, j, i) if through_a else ()
    equal: tuple[Equal, ...] = ()
    if through_a and t.is_loss:
        pair = [t.dz(l, j)]
        if by.name == "w":
            pair.append((f"x[{by.nodes[1]}]" if l == 1 else f"a[{l - 1}][{by.nodes[1]}]") + t.suffix)
        short, in_numbers, found = product(c, *(p for p in pair))
        equal = (
            Equal(
                "δ, and what the connection carries" if by.name == "w" else "δ itself",
                short,
                in_numbers,
                math.prod(found),
            ),
        )
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=general_parameter(c, t, by, len(names)),
        indexed=indexed,
        numbers=numbers,
        equal=equal,
        remarks=remarks + about_way_back(c, t, l),
        matrix=parameter_matrix(c, t, by) if t.is_loss else None,
        parts=tuple(names),
    )


def general_parameter(c: Context, t: Target, by: Quantity, factors: int) -> Equation:
    """The formula in letters, with as many of the three factors as there are with indices."""
    ll, *_ = letters(by.layer, c.L)
    node = f"{by.name}[{ll}][{'j,k' if by.name == 'w' else 'j'}]"
    first = t_letter(t, f"a[{ll}][j]")
    if factors == 2:
        first = f"delta[{ll}][j]" if t.is_loss else t_letter(t, f"z[{ll}][j]")
    names = [first, f"da[{ll}][j]/dz[{ll}][j]", f"dz[{ll}][j]/d{node}"]
    if factors == 2:
        del names[1]
    return Equation(Symbol(t_letter(t, node)), Product(tuple(map(Symbol, names))))


def parameter_matrix(c: Context, t: Target, by: Quantity) -> Matrix:
    """∂C_i/∂W = δ aᵀ, ∂C_i/∂b = δ."""
    l, s = by.layer, t.suffix
    delta = Symbol(f"delta[{l}]{s}")
    left = f"dC{t.sample}/d{by.name}[{l}]"
    if by.name == "b":
        return Matrix(Equation(Symbol(left), delta), ((left, (c.n[l], 1)), (f"delta[{l}]{s}", (c.n[l], 1))))
    a = f"a[{l - 1}]{s}"
    return Matrix(
        Equation(Symbol(left), MatrixProduct((delta, Transpose(Symbol(a))))),
        ((left, (c.n[l], c.n[l - 1])), (f"delta[{l}]{s}", (c.n[l], 1)), (a, (c.n[l - 1], 1))),
    )


def about_activation_kink(c: Context, l: int, j: int, i: int) -> tuple[Remark, ...]:
    """Only the remark on a kink: the others stand with ∂a/∂z."""
    return tuple(r for r in about_activation(c, Quantity("g'", l, (j,), i)) if r.kind == "kink")


# ── by z: δ ───────────────────────────────────────────────────────────────────────────────────────


def by_z(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂T/∂z_j = ∂T/∂a_j · g′(z_j); where g mixes its nodes, Σ_m ∂T/∂a_m ∂a_m/∂z_j."""
    l, (j,), i, s = by.layer, by.nodes, t.sample, t.suffix
    ll, *_ = letters(l, c.L)
    g = c.records.layers[l - 1].activation
    value = float(c.records.value(address))
    left = Symbol(f"delta[{ll}][j]" if t.is_loss and isinstance(address, Quantity) else t_letter(t, f"z[{ll}][j]"))
    equal = fused_form(c, t, l, j)
    common: dict[str, Any] = {"equal": equal, "matrix": delta_matrix(c, t, l)}
    if g.elementwise:
        slope = f"da[{l}][{j}]/dz[{l}][{j}]{s}"
        names = [t.da(l, j), slope]
        indexed, numbers, values = product(c, *names)
        why = [why_no_error(c, l, j, t), why_flat(c, l, j, i)]
        remarks = about_factors(value, [(n, v, w) for n, v, w in zip(names, values, why, strict=True)])
        remarks += long_way_lost(math.prod(values), value)
        remarks += about_activation_kink(c, l, j, i) + about_way_back(c, t, l)
        right = Product((Symbol(t_letter(t, f"a[{ll}][j]")), Symbol(f"g'[{ll}][j]")))
        return Derivation(
            str(address), says(c, address), value, general=Equation(left, right), indexed=indexed, numbers=numbers,
            remarks=remarks, parts=tuple(names), **common,
        )  # fmt: skip
    dT_da = c.records.adjoint(t.of).da(l)[c.records.adjoint(t.of).row(i)]
    column = jacobian_column(c.records, l, j, i)
    with np.errstate(all="ignore"):
        products = dT_da * column
    shown, others = c.shown(products)

    def term(m: int) -> Term:
        names = Product((Symbol(t.da(l, m)), Symbol(f"da[{l}][{m}]/dz[{l}][{j}]{s}")))
        numbers = Product((Number(float(dT_da[m])), Number(float(column[m]))))
        note = "zero: the target is 0" if t.is_loss and dT_da[m] == 0 and l == c.L else ""
        return Term(f"m = {m}", names, numbers, float(products[m]), note=note)

    terms = tuple([term(m) for m in shown] + c.rest(others, "m"))
    right = SumOver("m", Product((Symbol(t_letter(t, f"a[{ll}][m]")), Symbol(f"da[{ll}][m]/dz[{ll}][j]"))))
    parts = [part for m in shown if products[m] != 0 for part in (t.da(l, m), f"da[{l}][{m}]/dz[{l}][{j}]{s}")]
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=Equation(left, right),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        remarks=about_sum(terms) + long_way_lost(total_of(products), value) + about_way_back(c, t, l),
        parts=tuple(parts),
        **common,
    )


def t_letter(t: Target, below: str) -> str:
    """∂T/∂below in a general formula: C_0 stands for any sample's loss."""
    return f"dC0/d{below}" if t.is_loss else f"d{replace(t.of, sample=0)}/d{below}"


def jacobian_column(r: Records, l: int, j: int, i: int) -> np.ndarray:
    """∂a_m/∂z_j for all m of a layer that mixes its nodes."""
    g: Any = r.layers[l - 1].activation
    a = r.forward.a[l][i]
    column = -a * a[j] if g.name == "softmax" else g.jacobian(a[None])[0, :, j]
    if g.name == "softmax":
        column[j] = a[j] * (1 - a[j])
    return column


def fused_form(c: Context, t: Target, l: int, j: int) -> tuple[Equal, ...]:
    """δ = a − y, where the output's activation and the loss have that form."""
    if not t.is_loss or l != c.L or not c.records.fused:
        return ()
    r, i, name = c.records, t.sample, f"fused form of {c.records.fused.name}, which training computes"
    a, y = Symbol(f"a[{l}][{j}]{t.suffix}"), Symbol(f"y[{j}]{t.suffix}")
    here = {a.name: float(r.forward.a[l][i, j]), y.name: float(r.targets[i, j])}
    total = float(r.targets[i].sum())
    # softmax gives every node its share of the sum of the targets, which is 1 unless somebody wants it otherwise
    mixes = not r.layers[-1].activation.elementwise
    form = Sum((a if not mixes or total == 1 else Product((Number(total), a)), Negative(y)))
    return (Equal(name, form, filled(form, here), float(r.adjoint(t.of).dz(l)[i, j])),)


def long_way_lost(long_way: float, value: float) -> tuple[Remark, ...]:
    """A remark where the sum or product in full has lost its digits, and the fused form has not."""
    if math.isclose(long_way, value, rel_tol=1e-9, abs_tol=1e-14) or math.isnan(value):
        return ()
    text = f"Multiplied out it would be {{={long_way!r}}}: the outputs are rounded too near to 0 or 1. "
    text += f"{{={value!r}}} is the fused form's."
    return (Remark("stable form", text),)


def delta_matrix(c: Context, t: Target, l: int) -> Matrix | None:
    """δ^(l) = (W^(l+1)ᵀ δ^(l+1)) ⊙ g′(z^(l)); at the output ∂C/∂a in place of the bracket."""
    if not t.is_loss:
        return None
    s = t.suffix
    delta, da = Symbol(f"delta[{l}]{s}"), f"dC{t.sample}/da[{l}]"
    column = (c.n[l], 1)
    back: Expression = Symbol(da)
    shapes: list[tuple[str, tuple[int, ...]]] = [(str(delta.name), column)]
    if l < c.L:
        back = MatrixProduct((Transpose(Symbol(f"w[{l + 1}]")), Symbol(f"delta[{l + 1}]{s}")))
        shapes += [(f"w[{l + 1}]", (c.n[l + 1], c.n[l])), (f"delta[{l + 1}]{s}", (c.n[l + 1], 1))]
    if not c.records.layers[l - 1].activation.elementwise:
        if l < c.L or not c.records.fused:
            return None
        a, y = Symbol(f"a[{l}]{s}"), Symbol(f"y{s}")
        return Matrix(
            Equation(delta, Sum((a, Negative(y)))), ((delta.name, column), (a.name, column), (y.name, column))
        )
    right = Elementwise((back, Symbol(f"g'[{l}]{s}")))
    return Matrix(Equation(delta, right), (*shapes, (f"g'[{l}]{s}", column)))


# ── by a ──────────────────────────────────────────────────────────────────────────────────────────


def by_a(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂T/∂a_k = Σ_j ∂T/∂z_j w_jk over the nodes j of the layer above; at the output the loss's own derivative."""
    if t.is_loss and by.layer == c.L:
        return loss_by_output(c, address, t, by)
    l, (k,), s = by.layer + 1, by.nodes, t.suffix
    ll, down, _ = letters(l, c.L)
    value = float(c.records.value(address))
    if t.of.layer == l and t.of.name == "z":
        return sum_by_input(c, address, t, by)
    adjoint = c.records.adjoint(t.of)
    delta, w = adjoint.dz(l)[adjoint.row(t.sample)], np.asarray(c.records.parameters[l - 1]["w"][:, k])
    products = delta * w
    shown, others = c.shown(products)
    if t.of.layer == l:  # only the terms of nodes that reach T are there
        shown = [j for j in shown if products[j] != 0 or j == t.of.nodes[0]]
        zeros = c.n[l] - len(shown) - len(others)
    else:
        zeros = 0

    def term(j: int) -> Term:
        names = Product((Symbol(t.dz(l, j)), Symbol(f"w[{l}][{j},{k}]")))
        numbers = Product((Number(float(delta[j])), Number(float(w[j]))))
        note = f"zero: {{{t.dz(l, j)}}} is 0" if delta[j] == 0 else "zero: the weight is 0" if w[j] == 0 else ""
        return Term(f"j = {j}", names, numbers, float(products[j]), note=note)

    terms = [term(j) for j in shown] + c.rest(others, "j")
    if zeros:
        terms.append(Term(f"{zeros} more j", Rest(zeros), Rest(zeros, 0.0), 0.0, zeros, "zero: another node's z"))
    letter_a = f"a[{down}][k]" if l > 1 else "x[k]"
    right = SumOver(
        "j", Product((Symbol(f"delta[{ll}][j]" if t.is_loss else t_letter(t, f"z[{ll}][j]")), Symbol(f"w[{ll}][j,k]")))
    )
    zero = Remark("zero", "Every term is zero.") if not np.any(products) else None
    matrix = None
    if t.is_loss:
        left = f"dC{t.sample}/da[{l - 1}]"
        matrix = Matrix(
            Equation(Symbol(left), MatrixProduct((Transpose(Symbol(f"w[{l}]")), Symbol(f"delta[{l}]{s}")))),
            ((left, (c.n[l - 1], 1)), (f"w[{l}]", (c.n[l], c.n[l - 1])), (f"delta[{l}]{s}", (c.n[l], 1))),
        )
    return Derivation(
        str(address),
        says(c, address)[:-1] + f", through every node j of layer {l}.",
        value,
        general=Equation(Symbol(t_letter(t, letter_a)), right),
        indexed=sum_of(tuple(terms), "indexed"),
        numbers=sum_of(tuple(terms), "numbers"),
        terms=tuple(terms),
        remarks=((zero,) if zero else about_sum(terms)) + about_way_back(c, t, l),
        matrix=matrix,
        parts=tuple(t.dz(l, j) for j in shown if delta[j] != 0 or len(shown) == 1),
    )


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


# ── within T's own layer ──────────────────────────────────────────────────────────────────────────


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

    bias = (Symbol(f"b[{l}][{j}]"),) if "b" in c.records.parameters[l - 1] else ()
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
    g = c.records.layers[l - 1].activation
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
    z = float(c.records.forward.z[l][i, j])  # type: ignore[index]
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


# ── the mean over the samples, and the penalty ────────────────────────────────────────────────────


def of_mean(c: Context, address: Derivative) -> Derivation:
    """∂C/∂w = (1/n) Σ_i ∂C_i/∂w; by a value of one sample, that sample's share 1/n."""
    r, n, by = c.records, c.records.samples, address.by
    value = float(r.value(address))
    if by.kind.sampled:
        name = str(Derivative(Quantity("C", sample=by.sample), by))
        number = c.number(name)
        general = Equation(
            Symbol(f"dC/d{replace(by, sample=0)}"), Quotient(Symbol(f"dC0/d{replace(by, sample=0)}"), Symbol("n"))
        )
        return Derivation(
            str(address), says(c, address), value, general=general, indexed=Quotient(Symbol(name), Number(n)),
            numbers=Quotient(number, Number(n)), parts=(name,),
            remarks=(Remark("one sample", "Only this sample's loss depends on it, so it has a share of 1/n."),),
        )  # fmt: skip
    l, j = by.layer, by.nodes[0]
    delta = r.adjoint(Quantity("C")).dz(l)[:, j]
    each = delta * r.forward.a[l - 1][:, by.nodes[1]] if by.name == "w" else delta
    shown, others = c.shown(each / n)

    def term(i: int) -> Term:
        name = Symbol(f"dC{i}/d{by}")
        return Term(f"sample {i}", name / n, Number(float(each[i])) / n, float(each[i]) / n)

    terms = tuple([term(i) for i in shown] + c.rest(others, "samples"))
    ll, *_ = letters(l, c.L)
    below = f"{by.name}[{ll}][{'j,k' if by.name == 'w' else 'j'}]"
    remarks = about_sum(terms) if np.any(each) else (Remark("zero", "It is zero for every sample."),)
    if r.penalty.any and by.name == "w":
        slope = float(r.value(f"dR/d{by}"))
        remarks += (Remark("penalty", f"Training also adds the penalty's {{dR/d{by}}} = {{={slope!r}}}."),)
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=Equation(
            Symbol(f"dC/d{below}"), Quotient(Number(1), Symbol("n")) * SumOver("i", Symbol(f"dCi/d{below}"))
        ),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        remarks=remarks,
        matrix=mean_matrix(c, by),
        parts=tuple(f"dC{i}/d{by}" for i in shown),
    )


def mean_matrix(c: Context, by: Quantity) -> Matrix:
    """∂C/∂W = (1/n) Σ_i δ_i a_iᵀ, ∂C/∂b = (1/n) Σ_i δ_i."""
    l = by.layer
    left, delta, a = f"dC/d{by.name}[{l}]", f"delta[{l}]@i", f"a[{l - 1}]@i"
    each: Expression = Symbol(delta)
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ((left, (c.n[l], 1)), (delta, (c.n[l], 1)))
    if by.name == "w":
        each = MatrixProduct((each, Transpose(Symbol(a))))
        shapes = ((left, (c.n[l], c.n[l - 1])), shapes[1], (a, (c.n[l - 1], 1)))
    return Matrix(Equation(Symbol(left), Quotient(Number(1), Symbol("n")) * SumOver("i", each)), shapes)


def of_penalty(c: Context, address: Derivative) -> Derivation:
    """∂R/∂w = 2 λ₂ w + λ₁ sign(w)."""
    by, p = address.by, c.records.penalty
    w = float(c.records.quantity(by))
    value = float(c.records.value(address))
    ll, *_ = letters(by.layer, c.L)

    def formula(w: Expression, l2: Expression, l1: Expression) -> Expression:
        return Number(2) * l2 * w + l1 * sign(w)

    both = Symbol("lambda_2"), Symbol("lambda_1")
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=Equation(Symbol(f"dR/dw[{ll}][j,k]"), formula(Symbol(f"w[{ll}][j,k]"), *both)),
        indexed=formula(Symbol(str(by)), *both),
        numbers=formula(Number(w), Number(float(p.l2)), Number(float(p.l1))),
        matrix=Matrix(
            Equation(Symbol(f"dR/dw[{by.layer}]"), formula(Symbol(f"w[{by.layer}]"), *both)),
            ((f"dR/dw[{by.layer}]", (c.n[by.layer], c.n[by.layer - 1])),),
        ),
        remarks=(Remark("kink", "|w| has its kink at w = 0; sign(0) = 0 is used."),) if p.l1 and w == 0 else (),
    )


RULES = {"w": by_parameter, "b": by_parameter, "z": by_z, "a": by_a}
OWN_LAYER = {
    ("z", "w"): z_by_parameter,
    ("z", "b"): z_by_parameter,
    ("z", "z"): itself,
    ("a", "a"): itself,
    ("a", "z"): a_by_z,
}
