"""A worked example as a page: network, notation, sample, forward pass, loss, derivatives, update, loss afterwards.

Before it: `example`. After it: the renderers; `notebook` adds its code to the same page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...expressions import Equation, Expression, MatrixProduct, Negative, Number, Product, Sum, Symbol, Transpose
from ..render import blocks as b
from ..render.drawing import Drawing, chosen_nodes, draw
from ..derivation import Derivation
from . import code
from .example import WIDE, WorkedExample

FEW = 4  # how many nodes of a wide layer are followed, beside those of the chosen weights
ROOM = 8  # how many rows and columns of a large array are shown


def page(e: WorkedExample) -> b.Page:
    """The whole example."""
    sections = [network(e), notation(e), sample(e), forward(e), loss(e)]
    sections += [backward(e, l) for l in range(e.records.L, 0, -1) if addresses_of(e, l) or l in e.layers]
    if e.others:
        sections.append(further(e))
    return b.Page(e.title, lead(e), (*sections, update(e), afterwards(e), proof(e)))


def lead(e: WorkedExample) -> str:
    """What the page is."""
    what = "Every number" if e.complete else "The network is large, so the chosen numbers and the small layers"
    return (
        f"One sample goes through the network and its loss comes back as derivatives. {what} of it "
        f"{'is' if e.complete else 'are'} here. Layers, nodes and samples are counted from 0, and all numbers are "
        f"rounded to {e.digits} digits only where they are printed."
    )


# ── what is given ─────────────────────────────────────────────────────────────────────────────────


def network(e: WorkedExample) -> b.Section:
    """Sizes, activations, loss, and the drawing."""
    r = e.records
    rows: list[tuple[b.Cell, ...]] = [("0", str(r.n[0]), "", "", "")]
    for l in range(1, r.L + 1):
        g, shapes = r.g(l), {name: "×".join(map(str, shape)) for name, shape in r.program.shapes(l).items()}
        constants = ", ".join(f"{name} {value:g}" for name, value in g.parameters.items())
        name = g.name + (f" ({constants})" if constants else "")
        rows.append((str(l), str(r.n[l]), name, shapes.get("w", ""), shapes.get("b", "none")))
    penalty = ""
    if r.penalty.any:
        penalty = f" Training adds the penalty {{R}}, with λ₂ = {{={r.penalty.l2!r}}} and λ₁ = {{={r.penalty.l1!r}}}."
    text = (
        f"L = {r.L}, so that layer {r.L} is the output; layer 0 is the input. "
        f"The loss of a sample is the {r.loss.name.replace('_', ' ')}.{penalty}"
    )
    caption = (
        "A line for each weight: the thicker, the larger; blue is positive, orange negative. "
        "The strong lines are the weights whose derivatives are explained below."
    )
    table = b.Table(("layer", "nodes", "activation", "weights", "biases"), tuple(rows))
    return b.Section("network", "The network", (b.Text(text), table, b.Figure(drawing(e), caption)), code.network(e))


def drawing(e: WorkedExample) -> Drawing:
    """The network with the sample's activation outputs."""
    r = e.records
    names = [r.g(l).name for l in range(1, r.L + 1)]
    values = [r.forward.a[l][0] for l in range(r.L + 1)]
    return draw(r.n, [arrays["w"] for arrays in r.parameters[1:]], names, values, e.chosen_weights)


def notation(e: WorkedExample) -> b.Section:
    """The symbols, with this network's own as examples."""
    r = e.records
    l, j, k = next(iter(e.chosen_weights), (r.L, 0, 0))
    items = [
        f"{{w[{l}][{j},{k}]}}: the weight of the connection from node {k} of layer {l - 1} to node {j} of layer {l}. "
        "Destination first.",
        f"{{z[{l}][{j}]}}: the input of node {j} of layer {l}: what comes in over its weights, and its bias "
        f"{{b[{l}][{j}]}}."
        if "b" in r.parameters[l]
        else f"{{z[{l}][{j}]}}: the input of node {j} of layer {l}: what comes in over its weights.",
        f"{{a[{l}][{j}]}}: its output, the activation function of {{z[{l}][{j}]}}. {{x[{k}]}} is {{a[0][{k}]}}.",
        f"{{y[{min(j, r.n[-1] - 1)}]}}: the target of output node {min(j, r.n[-1] - 1)}. {{C[0]}}: the loss.",
        f"{{delta[{l}][{j}]}} = {{dC0/dz[{l}][{j}]}}: how the loss changes with {{z[{l}][{j}]}}.",
        f"{{eta}} = {{={e.learning_rate!r}}}: the learning rate.",
    ]
    return b.Section("notation", "Notation", (b.Items(tuple(items)),))


def sample(e: WorkedExample) -> b.Section:
    """Input, target, weights and biases."""
    r = e.records
    blocks: list[Any] = [array("x", r.x[0]), array("y", r.targets[0])]
    for l, arrays in enumerate(r.parameters):
        rows = [j for m, j, _ in e.chosen_weights if m == l]
        columns = [k for m, _, k in e.chosen_weights if m == l]
        blocks += [array(f"{name}[{l}]", a, rows, columns) for name, a in arrays.items()]
    return b.Section("given", "The sample and the weights", tuple(blocks), code.sample(e))


def array(symbol: str, values: Any, rows: Any = (), columns: Any = ()) -> b.Array:
    """An array; of a large one the first few rows and columns, the last, and those that are wanted."""
    shape = tuple(values.shape)
    if len(shape) == 1:  # a vector lies, to save room
        shown: list[tuple[int | None, ...]] = [tuple(chosen_nodes(shape[0], tuple(rows), ROOM + 4))]
        return b.Array(
            symbol, tuple(tuple(None if k is None else float(values[k]) for k in row) for row in shown), True
        )
    down, across = chosen_nodes(shape[0], tuple(rows), ROOM), chosen_nodes(shape[1], tuple(columns), ROOM)
    return b.Array(
        symbol,
        tuple(tuple(None if j is None or k is None else float(values[j, k]) for k in across) for j in down),
    )


# ── forwards ──────────────────────────────────────────────────────────────────────────────────────


def nodes_of(e: WorkedExample, l: int) -> list[int]:
    """The nodes of a layer that are shown: all of a small one, else those on the way of the chosen weights."""
    if e.complete or e.records.n[l] <= WIDE:
        return list(range(e.records.n[l]))
    wanted = {j for m, j, _ in e.chosen_weights if m == l} | {k for m, _, k in e.chosen_weights if m == l + 1}
    wanted |= {a.by.nodes[0] for a in e.chosen if a.by.layer == l}
    return [j for j in chosen_nodes(e.records.n[l], sorted(wanted), FEW) if j is not None]


def forward(e: WorkedExample) -> b.Section:
    """z and a of each layer, node by node."""
    r = e.records
    blocks: list[Any] = []
    for l in range(1, r.L + 1):
        nodes = nodes_of(e, l)
        z, a = e.explain(f"z[{l}][{nodes[0]}]"), e.explain(f"a[{l}][{nodes[0]}]")
        blocks.append(b.Text(f"Layer {l}", "heading"))
        blocks += [b.Formula(d.general.left, (b.Line(d.general.right),)) for d in (z, a) if d.general]
        for j in nodes:
            blocks += values_of(e, l, j, first=j == nodes[0])
        rows = tuple((str(j), *(float(r.value(f"{name}[{l}][{j}]")) for name in ("z", "a"))) for j in nodes)
        blocks.append(b.Table(("node", f"{{z[{l}]}}", f"{{a[{l}]}}"), (*rows, *left_out(r.n[l], nodes, 3))))
    return b.Section("forward", "Forward pass", tuple(blocks), code.forward(e))


def values_of(e: WorkedExample, l: int, j: int, first: bool) -> Iterator[Any]:
    """The lines of one node: z with its numbers (with its symbols, for the first node of a layer), and a."""
    z, a = e.explain(f"z[{l}][{j}]"), e.explain(f"a[{l}][{j}]")
    symbols = [b.Line(z.indexed)] if first and z.indexed is not None else []
    yield b.Formula(Symbol(z.address), (*symbols, *numbers_of(z)))
    yield b.Formula(Symbol(a.address), tuple(numbers_of(a)))


def numbers_of(d: Derivation) -> list[b.Line]:
    """The formula with numbers, and the value."""
    lines = [b.Line(d.numbers)] if d.numbers is not None and not isinstance(d.numbers, Number) else []
    return [*lines, b.Line(Number(d.value))]


def left_out(size: int, nodes: list[int], columns: int) -> list[tuple[b.Cell, ...]]:
    """A last row that says how many nodes are not shown."""
    others = size - len(nodes)
    return [(f"{others} more", *[""] * (columns - 1))] if others else []


def loss(e: WorkedExample) -> b.Section:
    """C_0 as its sum, and the penalty."""
    found = [b.entry(e.explain("C[0]"), 0, checks=False)]
    if e.records.penalty.any:
        found.append(b.entry(e.explain("R"), 0, checks=False))
    return b.Section("loss", "The loss", tuple(found), code.value("C[0]"))


# ── backwards ─────────────────────────────────────────────────────────────────────────────────────


def addresses_of(e: WorkedExample, l: int) -> list[str]:
    """The explained derivatives that belong to layer l."""
    lowest = [a for a in e.chosen if a.by.layer == l or (l == 1 and not a.by.layer)]
    return [str(a) for a in lowest]


def backward(e: WorkedExample, l: int) -> b.Section:
    """The explained derivatives of a layer, then all of them."""
    r = e.records
    where = "the output layer" if l == r.L else f"layer {l}"
    blocks: list[Any] = []
    if l == r.L:
        blocks.append(b.Text("A weight of the output layer reaches the loss through one node: three factors."))
    else:
        way = f"A change in layer {l} reaches the loss through every node of layer {l + 1}"
        blocks.append(b.Text(f"{way}: a sum, with one term for each."))
    blocks += [b.entry(e.explain(address), e.depth, checks=False) for address in addresses_of(e, l)]
    if l in e.layers:
        blocks += every(e, l)
    heading = f"Backward: the derivatives of {where}"
    return b.Section(f"backward-{l}", heading, tuple(blocks), code.values(addresses_of(e, l)))


def every(e: WorkedExample, l: int) -> Iterator[Any]:
    """∂C_0/∂a, g′ and δ of each node; then ∂C_0/∂w and ∂C_0/∂b one by one, and as arrays."""
    r = e.records
    yield b.Text(f"Every derivative of layer {l}", "heading")
    simple = r.g(l).elementwise
    names = [f"{{dC0/da[{l}]}}", *([f"{{g'[{l}]}}"] if simple else []), f"{{delta[{l}]}}"]
    kinds = ["dC0/da[{l}][{j}]", *(["g'[{l}][{j}]"] if simple else []), "delta[{l}][{j}]"]
    rows = [(str(j), *(float(r.value(kind.format(l=l, j=j))) for kind in kinds)) for j in range(r.n[l])]
    yield b.Table(("node", *names), tuple(rows))
    delta = r.value(f"delta[{l}]")
    below = r.forward.a[l - 1][0]
    table: list[tuple[b.Cell, ...]] = []
    for name, index in e.listed(l):
        address = f"dC0/d{name}[{l}][{','.join(map(str, index))}]"
        factors: list[Expression] = [Number(float(delta[index[0]]))]
        if name == "w":
            factors.append(Number(float(below[index[1]])))
        numbers: b.Cell = Product(tuple(factors)) if len(factors) > 1 else factors[0]
        table.append(
            (
                Symbol(address),
                f"{{delta[{l}][{index[0]}]}}" + of_input(l, name, index),
                numbers,
                float(r.value(address)),
            )
        )
    yield b.Table(("derivative", "symbols", "numbers", "value"), tuple(table), relations=True)
    yield b.Formula(Symbol(f"dC0/dw[{l}]"), (b.Line(outer(l)),), "all of them at once")
    yield array(f"dC0/dw[{l}]", r.value(f"dC0/dw[{l}]"))


def of_input(l: int, name: str, index: tuple[int, ...]) -> str:
    """The second factor in symbols: what the connection carries."""
    if name != "w":
        return ""
    return f" · {{x[{index[1]}]}}" if l == 1 else f" · {{a[{l - 1}][{index[1]}]}}"


def outer(l: int) -> Expression:
    """δ aᵀ."""
    return MatrixProduct((Symbol(f"delta[{l}]"), Transpose(Symbol(f"a[{l - 1}]"))))


def further(e: WorkedExample) -> b.Section:
    """What else was asked for."""
    entries = tuple(b.entry(e.explain(address), e.depth, checks=False) for address in e.others)
    return b.Section("further", "Further numbers", entries, code.values(list(e.others)))


# ── what follows ──────────────────────────────────────────────────────────────────────────────────


def update(e: WorkedExample) -> b.Section:
    """Old number, derivative, new number, of all that is listed."""
    r = e.records
    eta = Number(e.learning_rate)
    rows: list[tuple[b.Cell, ...]] = []
    new = e.updated.parameters
    for l in range(r.L, 0, -1):
        for name, index in e.listed(l):
            old, slope = float(r.parameters[l][name][index]), float(e.gradient[l][name][index])
            step = Sum((Number(old), Negative(Product((eta, Number(slope))))))
            symbol = Symbol(f"{name}[{l}][{','.join(map(str, index))}]")
            rows.append((symbol, old, slope, step, float(new[l][name][index])))
    penalised = r.penalty.any
    slope = Sum((Symbol("dC0/dw[l][j,k]"), Symbol("dR/dw[l][j,k]"))) if penalised else Symbol("dC0/dw[l][j,k]")
    general = Equation(Symbol("w_new"), Symbol("w[l][j,k]") - Symbol("eta") * slope)
    text = (
        "Backpropagation computes, the update changes: all derivatives above use the old weights, and now all "
        "weights and biases change together."
    )
    columns = ("number", "old", "derivative", "old − η · derivative", "new")
    return b.Section(
        "update",
        "The update",
        (b.Text(text), b.Formula(general.left, (b.Line(general.right),)), b.Table(columns, tuple(rows))),
        code.update(e),
    )


def afterwards(e: WorkedExample) -> b.Section:
    """The same sample through the new weights."""
    old, new = e.records, e.updated
    L = old.L
    nodes = nodes_of(e, L)
    rows: list[tuple[b.Cell, ...]] = [
        (f"{{a[{L}][{j}]}}", *(float(v) for v in (old.forward.a[L][0, j], new.forward.a[L][0, j], old.targets[0, j])))
        for j in nodes
    ]
    losses: list[tuple[b.Cell, ...]] = [("{C[0]}", float(old.C[0]), float(new.C[0]))]
    if old.penalty.any:
        losses.append(("{R}", old.R, new.R))
    actual = e.objective(new) - e.objective(old)
    better = "fell" if actual < 0 else "rose" if actual > 0 else "did not change"
    of = "{C[0]} + {R}" if old.penalty.any else "{C[0]}"
    text = (
        f"{of} {better}: it changed by {{={actual!r}}}. The derivatives predict {{={e.predicted!r}}}, which is "
        "−η times the sum of their squares; the difference is the curvature, which shrinks with η."
    )
    if actual > 0 > e.predicted:
        text += " The step is so large that the curvature wins: a smaller η helps."
    return b.Section(
        "afterwards",
        "The loss afterwards",
        (
            b.Table(("output", "before", "after", "target"), (*rows, *left_out(old.n[L], nodes, 4))),
            b.Table(("loss", "before", "after"), tuple(losses)),
            b.Text(text),
        ),
        code.afterwards(e),
    )


def proof(e: WorkedExample) -> b.Section:
    """The explained derivatives found in other ways."""
    rows: list[tuple[b.Cell, ...]] = []
    for address in (*e.addresses, *e.others):
        d = e.explain(address)
        rows += [
            (f"{{{address}}}", c.method, float(d.value), float(c.value), float(f"{c.relative:.1e}")) for c in d.checks
        ]
    text = "The same derivatives, found without backpropagation, from small changes of the number below the line:"
    columns = ("derivative", "other way", "backpropagation", "other way's value", "relative error")
    return b.Section("proof", "Proof", (b.Text(text), b.Table(columns, tuple(rows))), code.proof(e))
