"""The file that a student starts from: the forward pass of one network, its formulas, and gaps to fill.

Before it: an architecture. After it: `classroom` checks what was made of it.
"""

from __future__ import annotations

from typing import Any

from ..activations import Activation
from ..architecture import Architecture
from ..explain.render.base import ATOM, POWER, PRODUCT
from ..explain.render.text import TextWriter
from ..expressions import Cases, Equation, Expression, Number, Quotient, Symbol, substitute, symbols_in

NUMPY = {"exp": "np.exp", "log": "np.log", "tanh": "np.tanh", "sqrt": "np.sqrt", "abs": "np.abs", "sign": "np.sign"}
NORMAL = '''
def Phi(z):
    """The distribution function of the standard normal distribution."""
    return 0.5 * (1 + np.vectorize(math.erf, otypes=[float])(z / math.sqrt(2)))

'''
SOFTMAX = "    e = np.exp(z - z.max(axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)"


class NumpyWriter(TextWriter):
    """Spells a formula as a line of NumPy.

    Example:
        >>> from pellucid.activations import activation
        >>> NumpyWriter().formula(activation("relu").equation)
        'np.where(z > 0, z, 0)'
    """

    def __init__(self):
        super().__init__(17, ascii=True)

    def number(self, value: Any) -> str:
        """With all its digits."""
        return repr(float(value)) if value != int(value) else str(int(value))

    def power(self, base: str, exponent: Expression) -> str:
        """Base to the exponent, with two stars."""
        return f"{base} ** {self.formula(exponent, ATOM)}"

    def quotient(self, e: Quotient) -> str:
        """With blanks around the stroke."""
        return f"{self.formula(e.numerator, PRODUCT)} / {self.formula(e.denominator, POWER)}"

    def function(self, name: str, of: Expression) -> str:
        """By NumPy's name."""
        return f"{NUMPY.get(name, name)}({self.formula(of)})"

    def cases(self, e: Cases) -> str:
        """With np.where."""
        return f"np.where({self.formula(e.condition)} > 0, {self.formula(e.positive)}, {self.formula(e.otherwise)})"


class Comment(TextWriter):
    """Spells a formula for a comment, names as they are in the code."""

    def symbol(self, name: str) -> str:
        """As it is."""
        return name


def code_of(g: Activation) -> str:
    """The body of a Python function that computes an activation."""
    if not g.elementwise:
        return SOFTMAX
    return "    return " + NumpyWriter().formula(filled(g.equation, g.parameters))


def filled(equation: Expression, constants: dict[str, float]) -> Expression:
    """A formula with its constants as numbers."""
    return substitute(equation, {name: Number(value) for name, value in constants.items()})


def starter(architecture: Architecture, model: str = "model.safetensors", data: str = "DATA") -> str:
    """The starter file of a network.

    Args:
        model: the model's file, and `data` its data, as the file's own instructions name them.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import loss
        >>> net = Architecture((Input(2), Dense(3, "tanh"), Dense(1, "sigmoid")), loss("squared_error"))
        >>> [line for line in starter(net).splitlines() if line.startswith("def ")]
        ['def tanh(z):', 'def sigmoid(z):', 'def backward(x, y, w, b):']
    """
    parts = [heading(architecture, model, data), functions(architecture), backward(architecture), ending(model, data)]
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def heading(architecture: Architecture, model: str, data: str) -> str:
    """The file's docstring: what to do, what goes in, what comes out."""
    n, net = architecture.n, architecture.program
    layers = "\n".join(
        f"    layer {l}: {n[l - 1]} -> {n[l]} nodes, {net.applied(l).name}" for l in range(1, architecture.L + 1)
    )
    return f'''"""Backpropagation by hand: complete the function `backward`.

The network has {architecture.n[0]} inputs and {architecture.L} layer{"s" * (architecture.L > 1)}:
{layers}
    loss: {architecture.loss.name}

`backward` is called with the samples in rows and returns the derivatives of the mean loss. Change what you like, also
its parameters: it is given what they are called (x, y, w, b, or parameters: parameters[1]["w"] or parameters["W1"]). It
may also return z, a or delta of a layer ("z1", "a1", "delta1"): then the first wrong one is named.

To check it:

    pellucid check {model} THIS_FILE.py --data {data}
"""

import math

import numpy as np'''


def functions(architecture: Architecture) -> str:
    """One Python function for each activation that the network uses."""
    known: dict[str, str] = {}
    needs_normal = False
    for l in range(1, architecture.L + 1):
        g = architecture.program.applied(l)
        name = name_of(g)
        if name in known:
            continue
        if g.elementwise:
            needs_normal |= "Phi(" in code_of(g)
            words = TextWriter().equation(Equation(Symbol("a"), filled(g.equation, g.parameters)))
        else:
            words = "a_j = e^(z_j) / Σ_i e^(z_i), over the nodes of the layer"
        known[name] = f'def {name}(z):\n    """{words}"""\n{code_of(g)}'
    return "\n\n\n".join([*([NORMAL.strip()] if needs_normal else []), *known.values()])


def name_of(g: Activation) -> str:
    """The name of an activation's function; another one where its constants are others."""
    constants = "_".join(f"{value:g}".replace(".", "p").replace("-", "m") for value in g.parameters.values())
    return f"{g.name}_{constants}" if constants else g.name


def backward(architecture: Architecture) -> str:
    """The function with its forward pass, the formulas and the gaps."""
    L, n = architecture.L, architecture.n
    ups = range(1, L + 1)
    biased = [l for l in ups if "b" in architecture.program.shapes(l)]
    lines = [
        "def backward(x, y, w, b):",
        '    """The gradients of the mean loss C.',
        "",
        "    Args:",
        f"        x: inputs, (n, {n[0]}).",
        f"        y: targets, (n, {n[L]})"
        + ("; labels come as rows with a single 1." if architecture.loss.classes else "."),
        "        w: the weights; w[1] belongs to layer 1. w1[j, k] leads from node k of layer 0 to node j of layer 1.",
        "        b: the biases; b[1] belongs to layer 1"
        + ("." if len(biased) == L else ", None where a layer has none."),
        '    """',
        "    n = len(x)",
        f"    {', '.join(f'w{l}' for l in ups)}{',' * (L == 1)} = w",
    ]
    if biased:
        lines.append(f"    {', '.join(f'b{l}' if l in biased else '_' for l in ups)}{',' * (L == 1)} = b")
    lines += ["", "    # forward: z of each layer, and a = g(z)", "    a0 = x"]
    for l in ups:
        z = f"a{l - 1} @ w{l}.T" + (f" + b{l}" if l in biased else "")
        name = name_of(architecture.program.applied(l))
        lines += [f"    z{l} = {z}  # (n, {n[l]})", f"    a{l} = {name}(z{l})"]
    lines += ["", *(f"    # {line}".rstrip() for line in loss_lines(architecture)), ""]
    for l in reversed(ups):
        lines += [*(f"    # {line}" for line in formulas(architecture, l)), f"    delta{l} = None  # (n, {n[l]})"]
        lines.append(f"    dw{l} = None  # ({n[l]}, {n[l - 1]})")
        if l in biased:
            lines.append(f"    db{l} = None  # ({n[l]},)")
        lines.append("")
    names = [f"d{kind}{l}" for l in ups for kind in ("w", "b") if kind == "w" or l in biased]
    returned = ", ".join(f'"{name}": {name}' for name in names)
    if len(returned) < 100:
        lines.append(f"    return {{{returned}}}")
    else:
        lines += ["    return {", *(f'        "{name}": {name},' for name in names), "    }"]
    return "\n".join(lines)


def loss_lines(architecture: Architecture) -> list[str]:
    """The loss, its penalty and what the mean is over."""
    loss, L = architecture.loss, architecture.L
    constants = loss.parameters | ({"n_L": architecture.n[L]} if "n_L" in symbols_in(loss.equation) else {})
    in_letters = {"a": Symbol("a_j"), "y": Symbol("y_j")}
    equation = substitute(filled(loss.equation, constants), in_letters)
    term = Comment().formula(equation, 0 if isinstance(equation, Cases) else 2)
    lines = ["backward: C = (1/n) Σ_i C_i, and the loss of one sample is", f"    C_i = Σ_j {term}"]
    penalty = architecture.penalty
    if penalty.any:
        terms = [f"{value:g} Σ {form}" for value, form in ((penalty.l2, "w²"), (penalty.l1, "|w|")) if value]
        lines.append(f"the network has a penalty: the gradients are those of C + {' + '.join(terms)}, biases left out")
    return lines


def formulas(architecture: Architecture, l: int) -> list[str]:
    """What to compute in one layer."""
    L, g, penalty = architecture.L, architecture.program.applied(l), architecture.penalty
    if l == L:
        above = "∂C_i/∂a_j comes from the loss"
    else:
        above = f"∂C_i/∂a_k = Σ_j delta{l + 1}[i,j] w{l + 1}[j,k]"
    if g.elementwise:
        delta = f"delta{l}[i,j] = ∂C_i/∂a_j · g'(z{l}[i,j])"
    else:
        delta = f"delta{l}[i,m] = Σ_j ∂C_i/∂a_j · ∂a_j/∂z_m, for softmax mixes the nodes"
    extra = f" + 2 · {penalty.l2:g} · w{l}[j,k]" if penalty.l2 else ""
    extra += f" + {penalty.l1:g} · sign(w{l}[j,k])" if penalty.l1 else ""
    lines = [f"layer {l}: {above}", delta, f"dw{l}[j,k] = (1/n) Σ_i delta{l}[i,j] a{l - 1}[i,k]{extra}"]
    if "b" in architecture.program.shapes(l):
        lines.append(f"db{l}[j] = (1/n) Σ_i delta{l}[i,j]")
    return lines


def ending(model: str, data: str) -> str:
    """A way to run it without the command line."""
    return f"""

if __name__ == "__main__":
    import pellucid as pc
    from pellucid.check import check_gradients

    net = pc.load({model!r})
    generator = np.random.default_rng(0)
    x = generator.normal(size=(7, net.n[0]))
    y = generator.dirichlet(np.ones(net.n[-1]), size=7) if net.n[-1] > 1 else generator.uniform(size=(7, 1))
    print(check_gradients(net.architecture, net.parameters, x, y, backward))"""
