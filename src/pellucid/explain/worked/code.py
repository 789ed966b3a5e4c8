"""The Python that computes what a worked example says, section by section; a notebook has it in its cells.

Before it: the example's `numbers`. After it: `layout` attaches it to the sections.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ...addresses import Address, Quantity
from .numbers import Numbers, plain, steps

PACKAGE = __name__.partition(".")[0]


def listed(values: Any, indent: str = "") -> str:
    """An array as nested lists that read back the same; of several axes one row per line.

    Example:
        >>> import numpy as np
        >>> print(listed(np.array([[1.0, 2.5], [3.0, 4.0]])))
        [
            [1.0, 2.5],
            [3.0, 4.0],
        ]
    """
    if values.ndim == 1:
        return repr([float(v) for v in values])
    rows = "".join(f"{indent}    {listed(row, indent + '    ')},\n" for row in values)
    return f"[\n{rows}{indent}]"


def named(thing: Any) -> str:
    """An activation or a loss as an argument: its name, or its constructor where it has constants."""
    return f"pc.{thing!r}" if thing.parameters else repr(thing.name)


def written(layer: Any) -> str:
    """A layer as the Python that makes it; where its first weights came from no longer matters.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> written(Input(2)), written(Dense(3, "tanh", bias=False))
        ('pc.Input(2)', "pc.Dense(3, 'tanh', bias=False)")
    """
    parts = []
    for number, field in enumerate(fields(layer)):
        value = getattr(layer, field.name)
        if field.name == "initialiser" or value == field.default or getattr(value, "name", value) == field.default:
            continue
        if hasattr(value, "parameters"):
            text = named(value)
        elif layer.kind == "input":  # takes its sizes one by one
            text = ", ".join(map(repr, value))
        else:
            text = repr(value)
        by_place = number == len(parts) and not isinstance(value, bool)
        parts.append(text if by_place else f"{field.name}={text}")
    return f"{'pc.' if own(layer) else ''}{type(layer).__name__}({', '.join(parts)})"


def own(layer: Any) -> bool:
    """Whether a kind of layer comes with the package."""
    return type(layer).__module__.partition(".")[0] == PACKAGE


def network(e: Numbers) -> str:
    """The network with its weights; a large one comes from its file."""
    r = e.records
    head = "import copy\n\nimport numpy as np\nimport pellucid as pc\n"
    brought = sorted({(type(x).__module__, type(x).__name__) for x in r.program.layers if not own(x)})
    head += "".join(f"from {module} import {name}\n" for module, name in brought) + "\n"
    if not e.complete:
        return f"{head}net = pc.load({e.model or 'model.safetensors'!r})\nnet"
    lines = [f"    {written(layer)}," for layer in r.program.layers]
    p = r.penalty
    penalty = f", l2={p.l2!r}, l1={p.l1!r}" if p.any else ""
    body = "\n".join(lines)
    text = f"{head}net = pc.Network(\n{body}\n    loss={named(r.loss)}{penalty},\n)\n"
    for l, arrays in enumerate(r.parameters):
        for name, array in arrays.items():
            where = f"net.{name}[{l}]" if plain(r.program) else f"net.parameters[{l}][{name!r}][...]"
            text += f"{where} = {listed(array[...])}\n"
    return text + "net"


def sample(e: Numbers) -> str:
    """Input and target, and everything that follows from them."""
    r = e.records
    x, y = listed(r.x[0]), listed(r.targets[0])
    return (
        f"x = np.array({x})\ny = np.array({y})\nt = net.trace(x[None], y[None])\n"
        f"t.worked_example(addresses={list(e.addresses)!r}).drawing"
    )


def forward(e: Numbers) -> str:
    """Every quantity."""
    program = e.records.program
    if plain(program):
        return 'for l in range(1, net.L + 1):\n    print(f"z^({l}) =", t.z[l][0])\n    print(f"a^({l}) =", t.a[l][0])'
    names = [str(Quantity(slot.name, slot.l)) for l in range(1, program.L + 1) for slot in steps(program, l)]
    return f'for address in {names!r}:\n    print(address, "=", t[address])'


def value(address: Address) -> str:
    """One number."""
    return f't["{address}"]'


def values(addresses: Iterable[Address]) -> str:
    """Derivations as text."""
    return "\n".join(f'print(t.explain("{address}", depth=2), end="\\n\\n")' for address in addresses)


def update(e: Numbers) -> str:
    """All derivatives first, then all weights."""
    program, penalised = e.records.program, e.records.penalty.any
    text = f"eta = {e.learning_rate!r}\nnew = copy.deepcopy(net)\nfor l in range(1, net.L + 1):\n"
    if not plain(program):
        text += '    for name in net.parameters[l]:\n        slope = t[f"dC0/d{name}[{l}]"]\n'
        if penalised:
            text += "        if name in net.layers[l].penalised:\n"
            text += '            slope = slope + t[f"dR/d{name}[{l}]"]\n'
        return text + "        new.parameters[l][name] -= eta * slope\nnew"
    penalty = ' + t[f"dR/dw[{l}]"]' if penalised else ""
    biases = [l for l, arrays in enumerate(e.records.parameters) if "b" in arrays]
    text += f"    new.w[l] = net.w[l] - eta * (t.dC_dw[l]{penalty})\n"
    if biases:
        every = len(biases) == e.records.L
        inner = "    " if every else f"    if l in {biases}:\n        "
        text += f"{inner}new.b[l] = net.b[l] - eta * t.dC_db[l]\n"
    return text + f"new.w[{e.records.L}]"


def afterwards(e: Numbers) -> str:
    """The loss before and after."""
    return "after = new.trace(x[None], y[None])\nt.C[0], after.C[0]"


def proof(e: Numbers) -> str:
    """The checks of the explained derivatives."""
    addresses = [*e.addresses, *e.others]
    return (
        f"for address in {addresses!r}:\n    for check in t.explain(address).checks:\n"
        "        print(address, check.method, check.value, check.relative)"
    )
