"""A worked example as a page: network, notation, sample, forward pass, loss, derivatives, update, loss afterwards.

Before it: the example's `numbers` and their `code`. After it: the renderers, and `notebook`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...addresses import Address, Derivative, Letter, Name, Quantity
from ...expressions import Equation, Expression, MatrixProduct, Negative, Number, Product, Sum, Symbol, Transpose
from ...operations import Applied
from ...program import Slot
from ..derivation import Derivation
from ..phrases import phrase
from ..render import blocks as b
from ..render.drawing import Drawing, Drawn, chosen_nodes, draw
from ..render.picture import shape_text
from ..sentences import Text, joined, say
from . import code
from .numbers import COMPLETE, LOSS, Index, Numbers, groups, plain, steps, textbook, weighing

WIDE = 16  # up to so many nodes a layer's numbers are all listed in an incomplete example
FEW = 4  # how many nodes of a wide layer are followed, beside those of the chosen weights
ROOM = 8  # how many rows and columns of a large array are shown
ETA = Name("eta")


def page(e: Numbers) -> b.Page:
    """The whole example."""
    sections = [network(e), notation(e), sample(e), forward(e), loss(e)]
    sections += [backward(e, l) for l in range(e.records.L, 0, -1) if chosen_of(e, l) or l in e.layers]
    if e.further:
        sections.append(further(e))
    return b.Page(e.title, lead(e), (*sections, update(e), afterwards(e), proof(e)))


def lead(e: Numbers) -> str:
    """What the page is."""
    what = "Every number" if e.complete else "The network is large, so the chosen numbers and the small layers"
    return (
        f"One sample goes through the network and its loss comes back as derivatives. {what} of it "
        f"{'is' if e.complete else 'are'} here. Layers, nodes and samples are counted from 0, and all numbers are "
        f"rounded to {e.digits} digits only where they are printed."
    )


def header(address: Address) -> Text:
    """A symbol as a heading."""
    return say("{}", address)


def comma(index: Index) -> str:
    """An index as a row's name."""
    return ",".join(map(str, index))


# ── what is given ─────────────────────────────────────────────────────────────────────────────────


def network(e: Numbers) -> b.Section:
    """Sizes, activations, loss, and the drawing."""
    r = e.records
    penalty: Any = ""
    if r.penalty.any:
        parts = Quantity("R"), r.penalty.l2, r.penalty.l1
        penalty = say(" Training adds the penalty {}, with λ₂ = {} and λ₁ = {}.", *parts)
    text = (
        f"L = {r.L}, so that layer {r.L} is the output; layer 0 is the input. "
        f"The loss of a sample is the {r.loss.name.replace('_', ' ')}."
    ) + penalty
    picture = drawing(e)
    caption = (
        "A line for each weight: the thicker, the larger; blue is positive, orange negative. "
        "The strong lines are the weights whose derivatives are explained below."
    )
    if picture.arrows:
        caption = f"{caption if picture.edges else ''} An arrow for each layer that another one reads.".strip()
    blocks = (b.Text(text), table_of_layers(e), b.Figure(picture, caption))
    return b.Section("network", "The network", blocks, code.network(e))


def table_of_layers(e: Numbers) -> b.Table:
    """What each layer is: of the textbook's layers the sizes, of others what they read and have too."""
    r = e.records
    rows: list[tuple[b.Cell, ...]] = []
    if plain(r.program):
        rows.append(("0", str(r.n[0]), "", "", ""))
        for l in range(1, r.L + 1):
            shapes = {name: "×".join(map(str, shape)) for name, shape in r.program.shapes(l).items()}
            rows.append((str(l), str(r.n[l]), activation(e, l), shapes.get("w", ""), shapes.get("b", "none")))
        return b.Table(("layer", "nodes", "activation", "weights", "biases"), tuple(rows))
    for l, layer in enumerate(r.program.layers):
        arrays = [say("{} " + shape_text(shape), e.array(l, name)) for name, shape in r.program.shapes(l).items()]
        names = [header(e.explainer.context.array(slot)) for slot in steps(r.program, l)]
        kind = layer.kind + (f", {activation(e, l)}" if r.g(l) else "")
        reads = ", ".join(map(str, r.program.reads[l]))
        shape = shape_text(r.program.output(l).space.shape)
        rows.append((str(l), kind, reads, shape, joined(names, ", "), joined(arrays, ", ")))
    return b.Table(("layer", "kind", "reads layer", "shape", "quantities", "arrays"), tuple(rows))


def activation(e: Numbers, l: int) -> str:
    """The activation of a layer with its constants."""
    g = e.records.g(l)
    constants = ", ".join(f"{name} {value:g}" for name, value in g.parameters.items())
    return g.name + (f" ({constants})" if constants else "")


def drawing(e: Numbers) -> Drawing:
    """The network with the sample's numbers."""
    r, program = e.records, e.records.program
    layers = []
    for l, layer in enumerate(program.layers):
        out, matrix = program.output(l), weighing(program, l) if l else None
        label = r.g(l).name if l and textbook(program, l) else layer.kind
        weights = r.forward.values[matrix.number] if matrix else None
        values = r.forward.values[out.number][0] if len(out.space.shape) == 1 else None
        reads = program.reads[l]
        layers.append(Drawn(out.space.shape, label, reads, weights, matrix.name if matrix else "", values, out.name))
    return draw(layers, e.connections)


def notation(e: Numbers) -> b.Section:
    """The symbols, with this network's own as examples."""
    r = e.records
    items: list[Any]
    if plain(r.program):
        l, j, k = next(iter(e.connections), (r.L, 0, 0))
        z, a, y = Quantity("z", l, (j,)), Quantity("a", l, (j,)), min(j, r.n[-1] - 1)
        over = say("{}: the input of node " + f"{j} of layer {l}: what comes in over its weights", z)
        biased = "b" in r.parameters[l]
        items = [
            say("{}: the weight of the connection from node " + f"{k} of layer {l - 1} to node {j} of layer {l}. "
                "Destination first.", e.array(l, "w", (j, k))),
            over + (say(", and its bias {}.", e.array(l, "b", (j,))) if biased else "."),
            say("{}: its output, the activation function of {}. {} is {}.", a, z, x_at(k), Quantity("a", 0, (k,))),
            say(f"{{}}: the target of output node {y}. {{}}: the loss.", Quantity("y", None, (y,)), LOSS),
            say("{} = {}: how the loss changes with {}.", Quantity("delta", l, (j,)), Derivative(LOSS, z), z),
        ]  # fmt: skip
    else:
        chosen = [a.by for a in e.chosen]
        slots = [slot for l in range(1, r.L + 1) for slot in steps(r.program, l)]
        first = {slot.name: e.explainer.context.name(slot, (0,) * len(slot.space.shape)) for slot in reversed(slots)}
        zero = (0,) * len(r.program.output(r.L).space.shape)
        items = [say(f"{{}}: {phrase(q, r.L)}.", q) for q in (*chosen, *reversed(first.values()))]
        items.append(say("{}: one number of the target. {}: the loss.", Quantity("y", None, zero), LOSS))
        if "z" in first:
            delta = Quantity("delta", first["z"].layer, first["z"].nodes)
            items.append(say("{} = {}: how the loss changes with {}.", delta, Derivative(LOSS, first["z"]), first["z"]))
    items.append(say("{} = {}: the learning rate.", ETA, e.learning_rate))
    return b.Section("notation", "Notation", (b.Items(tuple(items)),))


def x_at(*index: int) -> Quantity:
    """One number of the input."""
    return Quantity("x", None, index)


def sample(e: Numbers) -> b.Section:
    """Input, target, weights and biases."""
    r = e.records
    blocks: list[Any] = [*array(Quantity("x"), r.x[0]), *array(Quantity("y"), r.targets[0])]
    for l, arrays in enumerate(r.parameters):
        wanted = [a.by for a in e.chosen if a.by.layer == l]
        for name, values in arrays.items():
            rows = [q.nodes[: len(values.shape)] for q in wanted if len(q.nodes) >= len(values.shape)]
            blocks += array(e.array(l, name), values, rows)
    return b.Section("given", "The sample and the weights", tuple(blocks), code.sample(e))


def array(symbol: Address, values: Any, wanted: Sequence[Index] = ()) -> list[Any]:
    """An array as rows; of a large one the first few rows and columns, the last, and those that are wanted.

    Of one with more than two axes each matrix of the last two.
    """
    shape = tuple(values.shape)
    if len(shape) == 1:  # a vector lies, to save room
        places = chosen_nodes(shape[0], tuple(at[0] for at in wanted), ROOM + 4)
        return [b.Array(symbol, (tuple(None if k is None else float(values[k]) for k in places),), True)]
    above, (rows, columns) = shape[:-2], shape[-2:]
    down = chosen_nodes(rows, tuple(at[-2] for at in wanted), ROOM)
    across = chosen_nodes(columns, tuple(at[-1] for at in wanted), ROOM)
    count = math.prod(above)
    flat = [int(np.ravel_multi_index(at[:-2], above)) for at in wanted] if above else []
    shown = [m for m in chosen_nodes(count, flat, FEW) if m is not None]
    found: list[Any] = []
    for m in shown:
        at = tuple(int(i) for i in np.unravel_index(m, above)) if above else ()
        part = values[at]
        lines = tuple(tuple(None if None in (j, k) else float(part[j, k]) for k in across) for j in down)
        found.append(b.Array(part_of(symbol, at), lines))
    if count > len(shown):
        found.append(b.Text(say(f"{count - len(shown)} more such parts of {{}} are not shown.", symbol)))
    return found


def part_of(symbol: Any, at: Index) -> Address:
    """The symbol of a part of an array, or of the derivative by it."""
    if not at:
        return symbol
    if isinstance(symbol, Derivative):
        return Derivative(symbol.of, part_of(symbol.by, at))  # type: ignore[arg-type]
    return Quantity(symbol.name, symbol.layer, at, symbol.sample, symbol.shared)


# ── forwards ──────────────────────────────────────────────────────────────────────────────────────


def entries_of(e: Numbers, slot: Slot) -> list[Index]:
    """The entries of a quantity that are shown: all of a small one, else a few and those of what is chosen."""
    l, shape = slot.l, slot.space.shape
    size = slot.space.size
    if size <= WIDE or (e.complete and textbook(e.records.program, l)):
        return list(np.ndindex(*shape))
    wanted = {(j,) for m, j, _ in e.connections if m == l} | {(k,) for m, _, k in e.connections if m == l + 1}
    wanted |= {a.by.nodes for a in e.chosen if a.by.layer == l}
    if len(shape) == 1:
        wanted |= {at[:1] for at in wanted}
    places = sorted(int(np.ravel_multi_index(at, shape)) for at in wanted if inside(at, shape))
    shown = (m for m in chosen_nodes(size, places, FEW) if m is not None)
    return [tuple(int(i) for i in np.unravel_index(m, shape)) for m in shown]


def inside(at: Index, shape: Sequence[int]) -> bool:
    """Whether an index names an entry of an array of this shape."""
    return len(at) == len(shape) and all(i < n for i, n in zip(at, shape, strict=True))


def forward(e: Numbers) -> b.Section:
    """Every quantity of each layer, entry by entry."""
    r = e.records
    blocks: list[Any] = []
    for l in range(1, r.L + 1):
        blocks.append(b.Text(f"Layer {l}", "heading"))
        for group in groups(r.program, l):
            blocks += computed(e, group)
    return b.Section("forward", "Forward pass", tuple(blocks), code.forward(e))


def computed(e: Numbers, group: list[Slot]) -> Iterator[Any]:
    """The formulas of quantities that have the same indices, and a table of their numbers."""
    context, shown = e.explainer.context, entries_of(e, group[0])
    for slot in group:
        if general := e.explain(context.name(slot, shown[0])).general:
            yield b.Formula(general.left, (b.Line(general.right),))
    for at in shown:
        for slot in group:
            d = e.explain(context.name(slot, at))
            # A sum's symbols are said once; an activation's stand in its general formula.
            symbols = at == shown[0] if slot.operation.sums else not isinstance(slot.operation, Applied)
            lines = [b.Line(d.indexed)] if symbols and d.indexed is not None else []
            yield b.Formula(Symbol(d.address), (*lines, *numbers_of(d)))
    rows = tuple((comma(at), *(float(e.explain(context.name(slot, at)).value) for slot in group)) for at in shown)
    columns = (index_name(group[0]), *(header(context.array(slot)) for slot in group))
    yield b.Table(columns, (*rows, *left_out(group[0].space.size, shown, len(columns))))


def index_name(slot: Slot) -> str:
    """What the rows of a table of entries are called."""
    return "node" if slot.space.letters == "j" else ",".join(slot.space.letters)


def numbers_of(d: Derivation) -> list[b.Line]:
    """The formula with numbers, and the value."""
    lines = [b.Line(d.numbers)] if d.numbers is not None and not isinstance(d.numbers, Number) else []
    return [*lines, b.Line(Number(d.value))]


def left_out(size: int, shown: Sequence[Any], columns: int) -> list[tuple[b.Cell, ...]]:
    """A last row that says how many entries are not shown."""
    others = size - len(shown)
    return [(f"{others} more", *[""] * (columns - 1))] if others else []


def loss(e: Numbers) -> b.Section:
    """C_0 as its sum, and the penalty."""
    found = [b.entry(e.explain(LOSS), 0, checks=False)]
    if e.records.penalty.any:
        found.append(b.entry(e.explain(Quantity("R")), 0, checks=False))
    return b.Section("loss", "The loss", tuple(found), code.value(LOSS))


# ── backwards ─────────────────────────────────────────────────────────────────────────────────────


def chosen_of(e: Numbers, l: int) -> list[Derivative]:
    """The explained derivatives that belong to layer l."""
    return [a for a in e.chosen if a.by.layer == l or (l == 1 and not a.by.layer)]


def backward(e: Numbers, l: int) -> b.Section:
    """The explained derivatives of a layer, then all of them."""
    r = e.records
    where = "the output layer" if l == r.L else f"layer {l}"
    blocks: list[Any] = [b.Text(way(e, l))]
    blocks += [b.entry(e.explain(address), e.depth, checks=False) for address in chosen_of(e, l)]
    if l in e.layers:
        blocks += every(e, l)
    heading = f"Backward: the derivatives of {where}"
    return b.Section(f"backward-{l}", heading, tuple(blocks), code.values(chosen_of(e, l)))


def way(e: Numbers, l: int) -> str:
    """How a change in a layer reaches the loss."""
    program = e.records.program
    if l == program.L:
        if textbook(program, l) and not e.records.g(l).elementwise:
            return "A weight of the output layer reaches the loss through one z, and from there through every output."
        return "A weight of the output layer reaches the loss through one node: three factors."
    readers = [m for m in range(l + 1, program.L + 1) if l in program.reads[m]]
    if readers == [l + 1] and textbook(program, l + 1):
        through = f"A change in layer {l} reaches the loss through every node of layer {l + 1}"
        return f"{through}: a sum, with one term for each."
    named = f"layer {readers[0]}" if len(readers) == 1 else f"layers {' and '.join(map(str, readers))}"
    return f"A change in layer {l} reaches the loss through {named}: a sum over the numbers there that are made of it."


def every(e: Numbers, l: int) -> Iterator[Any]:
    """∂C_0/∂q of each quantity; then the derivatives by each array one by one, and as arrays."""
    r = e.records
    yield b.Text(f"Every derivative of layer {l}", "heading")
    for group in reversed(groups(r.program, l)):
        yield came_back(e, group)
    if textbook(r.program, l):
        yield products(e, l)
        outer = MatrixProduct((Symbol(Quantity("delta", l)), Transpose(Symbol(Quantity("a", l - 1)))))
        yield b.Formula(Symbol(e.slope(l, "w")), (b.Line(outer),), "all of them at once")
        arrays = ["w"]
    else:
        rows = tuple((Symbol(e.slope(l, *at)), float(r.value(e.slope(l, *at)))) for at in e.listed(l))
        if rows:
            yield b.Table(("derivative", "value"), rows)
        arrays = list(r.parameters[l])
    for name in arrays:
        yield from array(e.slope(l, name), r.value(e.slope(l, name)))


def came_back(e: Numbers, group: list[Slot]) -> b.Table:
    """∂C_0/∂q of each entry of quantities with the same indices; δ of z, and g′ beside what an activation makes."""
    context, r = e.explainer.context, e.records
    columns: list[Address] = []
    for slot in reversed(group):
        q = context.array(slot)
        columns.append(Quantity("delta", slot.l) if slot.name == "z" else Derivative(LOSS, q))
        applied = slot.operation
        if isinstance(applied, Applied) and applied.g.elementwise and slot.number == r.program.outputs[slot.l]:
            columns.append(Quantity("g'", slot.l))
    values = [np.asarray(r.value(address)) for address in columns]
    shape = group[0].space.shape
    all_of_it = textbook(r.program, group[0].l) or group[0].space.size <= COMPLETE
    shown = list(np.ndindex(*shape)) if all_of_it else entries_of(e, group[0])
    rows = tuple((comma(at), *(float(v[at]) for v in values)) for at in shown)
    names = (index_name(group[0]), *map(header, columns))
    return b.Table(names, (*rows, *left_out(group[0].space.size, shown, len(names))))


def products(e: Numbers, l: int) -> b.Table:
    """The derivatives by the weights and biases of a textbook's layer, each as δ times what the connection carries."""
    r = e.records
    delta, below = r.value(Quantity("delta", l)), r.forward.a[l - 1][0]
    table: list[tuple[b.Cell, ...]] = []
    for name, index in e.listed(l):
        address = e.slope(l, name, index)
        factors: list[Expression] = [Number(float(delta[index[0]]))]
        symbols = header(Quantity("delta", l, index[:1]))
        if len(index) == 2:
            factors.append(Number(float(below[index[1]])))
            symbols += say(" · {}", x_at(index[1]) if l == 1 else Quantity("a", l - 1, index[1:]))
        numbers: b.Cell = Product(tuple(factors)) if len(factors) > 1 else factors[0]
        table.append((Symbol(address), symbols, numbers, float(r.value(address))))
    return b.Table(("derivative", "symbols", "numbers", "value"), tuple(table), relations=True)


def further(e: Numbers) -> b.Section:
    """What else was asked for."""
    entries = tuple(b.entry(e.explain(address), e.depth, checks=False) for address in e.further)
    return b.Section("further", "Further numbers", entries, code.values(e.further))


# ── what follows ──────────────────────────────────────────────────────────────────────────────────


def update(e: Numbers) -> b.Section:
    """Old number, derivative, new number, of all that is listed."""
    r = e.records
    eta = Number(e.learning_rate)
    rows: list[tuple[b.Cell, ...]] = []
    new = e.updated.parameters
    for l in range(r.L, 0, -1):
        for name, index in e.listed(l):
            old, slope = float(r.parameters[l][name][index]), float(e.gradient[l][name][index])
            step = Sum((Number(old), Negative(Product((eta, Number(slope))))))
            rows.append((Symbol(e.array(l, name, index)), old, slope, step, float(new[l][name][index])))
    text = (
        "Backpropagation computes, the update changes: all derivatives above use the old weights, and now all "
        "weights and biases change together."
    )
    general = rule(e)
    columns = ("number", "old", "derivative", "old − η · derivative", "new")
    blocks = (b.Text(text), b.Formula(general.left, (b.Line(general.right),)), b.Table(columns, tuple(rows)))
    return b.Section("update", "The update", blocks, code.update(e))


def rule(e: Numbers) -> Equation:
    """w_new = w − η ∂C_0/∂w, with the penalty's derivative where there is one."""
    nodes = (Letter("j"), Letter("k")) if plain(e.records.program) else ()
    w = Quantity("w", Letter("l"), nodes) if nodes else Name("w")
    slopes: list[Expression] = [Symbol(Derivative(LOSS, w) if isinstance(w, Quantity) else Name("dw"))]
    if e.records.penalty.any and isinstance(w, Quantity):
        slopes.append(Symbol(Derivative(Quantity("R"), w)))
    slope = Sum(tuple(slopes)) if len(slopes) > 1 else slopes[0]
    return Equation(Symbol(Name("w_new")), Symbol(w) - Symbol(ETA) * slope)


def afterwards(e: Numbers) -> b.Section:
    """The same sample through the new weights."""
    old, new = e.records, e.updated
    out = old.program.output(old.L)
    shown = entries_of(e, out)
    rows: list[tuple[b.Cell, ...]] = [
        (
            header(e.explainer.context.name(out, at)),
            *(float(values[(0, *at)]) for values in (old.forward.output, new.forward.output, old.targets)),
        )
        for at in shown
    ]
    R = Quantity("R")
    losses: list[tuple[b.Cell, ...]] = [(header(LOSS), float(old.C[0]), float(new.C[0]))]
    if old.penalty.any:
        losses.append((header(R), old.R, new.R))
    actual = e.objective(new) - e.objective(old)
    better = "fell" if actual < 0 else "rose" if actual > 0 else "did not change"
    text = say(
        f"{{}} {better}: it changed by {{}}. The derivatives predict {{}}, which is "
        "−η times the sum of their squares; the difference is the curvature, which shrinks with η.",
        say("{} + {}", LOSS, R) if old.penalty.any else LOSS, actual, e.predicted,
    )  # fmt: skip
    if actual > 0 > e.predicted:
        text += " The step is so large that the curvature wins: a smaller η helps."
    blocks = (
        b.Table(("output", "before", "after", "target"), (*rows, *left_out(out.space.size, shown, 4))),
        b.Table(("loss", "before", "after"), tuple(losses)),
        b.Text(text),
    )
    return b.Section("afterwards", "The loss afterwards", blocks, code.afterwards(e))


def proof(e: Numbers) -> b.Section:
    """The explained derivatives found in other ways."""
    rows: list[tuple[b.Cell, ...]] = []
    for address in (*e.chosen, *e.further):
        d = e.explain(address)
        rows += [
            (header(address), c.method, float(d.value), float(c.value), float(f"{c.relative:.1e}")) for c in d.checks
        ]
    text = "The same derivatives, found without backpropagation, from small changes of the number below the line:"
    columns = ("derivative", "other way", "backpropagation", "other way's value", "relative error")
    return b.Section("proof", "Proof", (b.Text(text), b.Table(columns, tuple(rows))), code.proof(e))
