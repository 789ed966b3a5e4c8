"""The update of one weight or bias, with its optimiser's state: old number → new number.

Before it: `records` gives ∂C/∂w over its samples. After it: renderers print it like any derivation. The forms are
those of `pellucid.optimisers`: SGD and momentum (Rumelhart, Hinton & Williams 1986), Nesterov's in the form of
Sutskever et al. 2013, Adam (Kingma & Ba 2015, algorithm 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..addresses import Address, Derivative, Name, Quantity
from ..errors import AddressError, InputError, one_of, shown
from ..expressions import (
    Equation,
    Expression,
    Number,
    Power,
    Quotient,
    Sum,
    Symbol,
    evaluate,
    sqrt,
    substitute,
    symbols_in,
)
from ..records import Records
from .derivation import Derivation
from .explainer import TERMS, Explainer
from .phrases import phrase, title
from .tree import Matrix, Stored

ETA, MU, V, M, T = (Symbol(name) for name in ("eta", "mu", "v", "m", "t"))
V_NEW, M_NEW, V_HAT, M_HAT = (Symbol(name) for name in ("v_new", "m_new", "v_hat", "m_hat"))
BETA_1, BETA_2, EPSILON = (Symbol(name) for name in ("beta_1", "beta_2", "epsilon"))
W, G = Symbol("w"), Symbol("gradient")

# Each optimiser: what w becomes, the lines below it (name, formula, in words), and the state it starts from.
VELOCITY = ("v_new", MU * V - ETA * G, "the new velocity: a share of the old one, and this step")
MOMENTS = (
    ("m_hat", Quotient(M_NEW, 1 - Power(BETA_1, T)), "the mean of the gradients, freed of its start at 0"),
    ("v_hat", Quotient(V_NEW, 1 - Power(BETA_2, T)), "the mean of the squares, freed of its start at 0"),
    ("m_new", BETA_1 * M + (1 - BETA_1) * G, "the running mean of the gradients"),
    ("v_new", BETA_2 * V + (1 - BETA_2) * G**2, "the running mean of their squares"),
)
RULES: dict[str, tuple[Expression, tuple[tuple[str, Expression, str], ...], dict[str, float]]] = {
    "sgd": (W - ETA * G, (), {}),
    "momentum": (W + V_NEW, (VELOCITY,), {"v": 0.0}),
    "nesterov": (W + MU * V_NEW - ETA * G, (VELOCITY,), {"v": 0.0}),
    "adam": (W - Quotient(ETA * M_HAT, sqrt(V_HAT) + EPSILON), MOMENTS, {"m": 0.0, "v": 0.0, "t": 0}),
    "adam, constant epsilon": (
        W - ETA * Quotient(sqrt(1 - Power(BETA_2, T)), 1 - Power(BETA_1, T)) * Quotient(M_NEW, sqrt(V_NEW) + EPSILON),
        MOMENTS[2:],
        {"m": 0.0, "v": 0.0, "t": 0},
    ),
}
CONSTANTS = {
    "sgd": {"eta": 0.1},
    "momentum": {"eta": 0.1, "mu": 0.9},
    "nesterov": {"eta": 0.1, "mu": 0.9},
    "adam": {"eta": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
}
CONSTANTS["adam, constant epsilon"] = CONSTANTS["adam"]
NAMES = {"learning_rate": "eta", "momentum": "mu"}


def constants_of(optimiser: Any, given: Mapping[str, float]) -> tuple[str, dict[str, float]]:
    """The rule's name and its constants, from a name and keywords, or from an optimiser's description.

    Raises:
        InputError: an optimiser that has no written-out rule here, or a constant that it does not have.
    """
    described = dict(optimiser.to_dict()) if hasattr(optimiser, "to_dict") else {"name": optimiser}
    name = described.pop("name")
    if name == "sgd" and described.get("momentum"):
        name = "nesterov" if described.get("nesterov") else "momentum"
    if described.get("constant_epsilon"):  # the paper's shorter form, at the end of its section 2
        name += ", constant epsilon"
    if not isinstance(name, str) or name not in RULES:
        raise InputError("optimiser", f"expected {one_of(RULES)}", shown(optimiser))
    known = CONSTANTS[name]
    found = {NAMES.get(key, key): value for key, value in described.items()}
    asked = {NAMES.get(key, key): value for key, value in given.items() if value is not None}
    for key in asked:
        if key not in known:
            raise InputError(f"optimiser {name}", f"expected its constants ({', '.join(known)})", key)
    return name, known | {key: float(value) for key, value in (found | asked).items() if key in known}


def update(
    records: Records,
    address: str,
    optimiser: Any = "sgd",
    *,
    state: Mapping[str, float] | None = None,
    terms: int | None = TERMS,
    depth: int = 1,
    **constants: float,
) -> Derivation:
    """What one weight or bias becomes in an update with the gradient over all samples of the records.

    Args:
        address: "w[2][1,2]" or "b[1][0]".
        optimiser: "sgd", "momentum", "nesterov", "adam", or an optimiser of `pellucid.optimisers`.
        state: before the update, this weight's own numbers: v (momentum, Nesterov); m, v and t, the number of
            updates so far (Adam). Left out, it is the first update.
        constants: learning_rate, momentum, beta_1, beta_2, epsilon.
        terms, depth: see `explain`.

    Raises:
        AddressError: no single weight or bias.
        InputError: an unknown optimiser or constant.

    Example:
        >>> import numpy as np
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(1), Dense(1, bias=False)), SquaredError())
        >>> r = Records(net, ({}, {"w": np.array([[3.0]])}), [[2.0]], [[5.0]])
        >>> d = update(r, "w[1][0,0]", learning_rate=0.25)
        >>> str(d.address), d.value     # 3 − 0.25 · 4
        ('w+[1][0,0]', 2.0)
    """
    q = records.address(address)
    if not isinstance(q, Quantity) or not q.shared or q.layer is None or not records.scalar(q) or records.slot(q).reads:
        raise AddressError(str(address), "expected one weight or bias", None, "Write w[l][j,k] or b[l][j].")
    name, fixed = constants_of(optimiser, constants)
    formula, lines, start = RULES[name]
    values = dict(fixed) | start | {key: float(value) for key, value in (state or {}).items() if key in start}
    if "t" in start:
        values["t"] = int(values["t"]) + 1
    explainer = Explainer(records, terms, depth)
    slot = records.slot(q)
    lettered = explainer.context.lettered(slot, slot.space.letters, slot.l)
    penalised = records.penalty.any and q.name in records.program.layers[q.layer].penalised
    gradient = gradient_of(q, penalised)
    known: dict[Any, Expression] = {key: Number(value) for key, value in values.items()}
    known |= {part: Number(records.value(part)) for part in (q, *gradient[1])}
    children: dict[str, Derivation] = {}

    def line(target: Address, e: Expression, words: str, left: Expression, inner: tuple[Derivation, ...]) -> Derivation:
        indexed = substitute(e, {"w": Symbol(q), "gradient": gradient[0]})
        in_numbers = substitute(indexed, known)
        general = substitute(e, {"w": Symbol(lettered), "gradient": gradient_of(lettered, penalised)[0]})
        return Derivation(
            target, words, float(evaluate(in_numbers)), general=Equation(left, general), indexed=indexed,
            numbers=in_numbers, parts=tuple(d.address for d in inner), depth=depth, source=Stored(inner),
        )  # fmt: skip

    slopes = tuple(explainer.explain(part) for part in gradient[1])
    for target, e, words in reversed(lines):
        inside = tuple(children[s] for s in children if s in symbols_in(e))
        children[target] = line(Name(target), e, title(words), Symbol(target), inside or slopes)
        known[target] = Number(children[target].value)
    below = tuple(children[target] for target, *_ in lines if target in symbols_in(formula))
    new = replace(q, name=f"{q.name}+")
    what = title(f"{phrase(q, records.L)}, after one update ({name})")
    direct = slopes if G.name in symbols_in(formula) else ()
    d = line(new, formula, what, Symbol(replace(lettered, name=new.name)), (*below, *direct))
    return replace(d, matrix=whole_layer(records, q, formula, penalised)) if name == "sgd" else d


def whole_layer(records: Records, q: Quantity, formula: Expression, penalised: bool) -> Matrix:
    """The same for the whole array: W ← W − η ∂C/∂W."""
    array = replace(q, nodes=())
    gradient, names = gradient_of(array, penalised)
    right = substitute(formula, {"w": Symbol(array), "gradient": gradient})
    shape = records.program.shapes(q.layer)[q.name]
    new = replace(array, name=f"{q.name}+")
    return Matrix(Equation(Symbol(new), right), tuple((name, (*shape, 1)[:2]) for name in (new, array, *names)))


def gradient_of(parameter: Quantity, penalised: bool) -> tuple[Expression, tuple[Address, ...]]:
    """∂C/∂w, with the penalty's derivative where there is a penalty."""
    names = tuple(Derivative(Quantity(of), parameter) for of in ("C", *(["R"] if penalised else [])))
    return (Sum(tuple(map(Symbol, names))) if penalised else Symbol(names[0])), names
