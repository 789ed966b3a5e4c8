"""The network drawn with its indices: nodes and connections placed once, then printed as SVG or TikZ.

Before it: a worked example's numbers. After it: `html`, `latex`, `markdown`.
Layers with many nodes show the first few and the last, and those that the example speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ...addresses import Quantity

ROOM = 8  # how many nodes of a layer are drawn at most


@dataclass(frozen=True)
class Node:
    """Node j of layer l at (x, y), in steps of columns and rows; j is None for the dots of a gap."""

    l: int
    j: int | None
    x: float
    y: float
    value: float | None = None


@dataclass(frozen=True)
class Edge:
    """The connection of weight w[l][j,k]; `chosen` where the example speaks of it."""

    l: int
    j: int
    k: int
    weight: float
    chosen: bool


@dataclass(frozen=True)
class Drawing:
    """What is drawn; y points downwards."""

    sizes: tuple[int, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    activations: tuple[str, ...]
    height: float

    def _repr_svg_(self) -> str:
        """How a notebook shows it."""
        from .text import TextWriter

        return alone(to_svg(self, TextWriter(4).number))


def chosen_nodes(size: int, wanted: Sequence[int], room: int = ROOM) -> list[int | None]:
    """The nodes of a layer that are drawn, None for each gap.

    Example:
        >>> chosen_nodes(4, []), chosen_nodes(100, [50], 5)
        ([0, 1, 2, 3], [0, 1, None, 50, None, 99])
    """
    if size <= room:
        return list(range(size))
    kept = sorted({*wanted, size - 1})[: room - 1]
    for j in range(size):
        if len(kept) >= room - 1:
            break
        if j not in kept:
            kept.append(j)
    out: list[int | None] = []
    for j in sorted(kept):
        if j != (0 if not out else (out[-1] or 0) + 1):
            out.append(None)
        out.append(j)
    return out


def draw(
    sizes: Sequence[int],
    weights: Sequence[Any],
    activations: Sequence[str],
    values: Sequence[Any] | None = None,
    chosen: Sequence[tuple[int, int, int]] = (),
) -> Drawing:
    """Place the nodes and connections.

    Args:
        sizes: n_l.
        weights: the array of each layer 1 … L.
        activations: names, of layers 1 … L.
        values: a^(l) of each layer, for the nodes' labels.
        chosen: (l, j, k) of the weights that the example speaks of.
    """
    columns = []
    for l, size in enumerate(sizes):
        wanted = [j for m, j, _ in chosen if m == l] + [k for m, _, k in chosen if m == l + 1]
        columns.append(chosen_nodes(size, wanted))
    height = max(map(len, columns))
    nodes = tuple(
        Node(l, j, l, (height - len(column)) / 2 + row, None if j is None or values is None else float(values[l][j]))
        for l, column in enumerate(columns)
        for row, j in enumerate(column)
    )
    edges = tuple(
        Edge(l, j, k, float(weights[l - 1][j, k]), (l, j, k) in set(chosen))
        for l in range(1, len(sizes))
        for j in columns[l]
        if j is not None
        for k in columns[l - 1]
        if k is not None
    )
    return Drawing(tuple(sizes), nodes, edges, tuple(activations), height)


def label(node: Node) -> Quantity:
    """The symbol that stands in a node."""
    return Quantity("a", node.l, (node.j,))


def widths(drawing: Drawing) -> dict[Edge, float]:
    """The width of each line: by the size of its weight against the largest of the drawing."""
    top = max((abs(e.weight) for e in drawing.edges), default=0.0) or 1.0
    return {e: 0.4 + 2.6 * abs(e.weight) / top if abs(e.weight) < float("inf") else 3.0 for e in drawing.edges}


def to_svg(drawing: Drawing, number: Any) -> str:
    """The drawing as an SVG element; `number` spells a value. Colours come from the page's style sheet.

    Every node and connection carries its address; a title that shows on hovering gives its value.
    """
    dx, dy, r, left, top = 190, 62, 22, 76, 66
    wide, high = left * 2 + dx * (len(drawing.sizes) - 1), top + dy * (drawing.height - 1) + 46
    at = {(n.l, n.j): (left + dx * n.x, top + dy * n.y) for n in drawing.nodes if n.j is not None}
    size = widths(drawing)
    out = [f'<svg viewBox="0 0 {wide} {high:g}" role="img" class="network" style="max-width: {wide}px">']
    out.append("<title>The network: nodes in columns by layer, a line for each weight</title>")
    for l, n in enumerate(drawing.sizes):
        name = "input" if l == 0 else "output" if l == len(drawing.sizes) - 1 else f"layer {l}"
        kind = "" if l == 0 else f", {drawing.activations[l - 1]}"
        x = left + dx * l
        out.append(f'<text class="layer" x="{x}" y="18">{name}</text>')
        out.append(f'<text class="size" x="{x}" y="34">l = {l}, n = {n}{escape(kind)}</text>')
    for e in sorted(drawing.edges, key=lambda e: e.chosen):
        (x1, y1), (x2, y2) = at[e.l - 1, e.k], at[e.l, e.j]
        kind = f"edge {'negative' if e.weight < 0 else 'positive'}{' chosen' if e.chosen else ''}"
        address = str(Quantity("w", e.l, (e.j, e.k)))
        out.append(
            f'<line class="{kind}" x1="{x1 + r:g}" y1="{y1:g}" x2="{x2 - r:g}" y2="{y2:g}" '
            f'stroke-width="{size[e]:.2f}" data-address={quoteattr(address)}>'
            f"<title>{escape(address)} = {number(e.weight)}</title></line>"
        )
    for e in drawing.edges:
        if e.chosen:
            (x1, y1), (x2, y2) = at[e.l - 1, e.k], at[e.l, e.j]
            out.append(_svg_symbol("w", f"{e.j},{e.k}", e.l, x1 + 0.7 * (x2 - x1), y1 + 0.7 * (y2 - y1) - 7, "weight"))
    for node in drawing.nodes:
        x, y = left + dx * node.x, top + dy * node.y
        if node.j is None:
            out.append(f'<text class="gap" x="{x:g}" y="{y + 6:g}">⋮</text>')
            continue
        address = str(label(node))
        value = "" if node.value is None else f" = {number(node.value)}"
        out.append(
            f'<g class="node" data-address={quoteattr(address)}><title>{escape(address)}{value}</title>'
            f'<circle cx="{x:g}" cy="{y:g}" r="{r}"/>{_svg_symbol("a", str(node.j), node.l, x, y + 5, "name")}</g>'
        )
        if node.value is not None:
            out.append(f'<text class="value" x="{x:g}" y="{y + r + 12:g}">{number(node.value)}</text>')
    return "".join(out) + "</svg>"


def alone(svg: str) -> str:
    """The picture as a file of its own, with its colours, for light and dark surroundings."""
    from .style import PICTURE_STYLE

    head = '<svg xmlns="http://www.w3.org/2000/svg"'
    return svg.replace("<svg", head, 1).replace("<title>", f"<style>{PICTURE_STYLE}</style><title>", 1)


def _svg_symbol(base: str, below: str, above: int, x: float, y: float, kind: str) -> str:
    """A letter with its indices: the subscript under the superscript's place."""
    back = f'dy="-11" dx="-{0.3 * len(below):.2g}em"'
    return (
        f'<text class="{kind}" x="{x:g}" y="{y:g}"><tspan class="letter">{base}</tspan>'
        f'<tspan class="index" dy="4">{below}</tspan><tspan class="index" {back}>({above})</tspan></text>'
    )


def to_tikz(drawing: Drawing) -> str:
    """The drawing as a tikzpicture; it needs the packages tikz and xcolor."""
    dx, dy = min(3.6, 13 / max(len(drawing.sizes) - 1, 1)), 1.15
    out = [
        r"\begin{tikzpicture}[x=1cm, y=-1cm, every node/.style={font=\small},",
        r"  unit/.style={circle, draw=black!70, fill=white, minimum size=0.92cm, inner sep=0pt}]",
    ]
    for l, n in enumerate(drawing.sizes):
        name = "input" if l == 0 else "output" if l == len(drawing.sizes) - 1 else f"layer {l}"
        kind = "" if l == 0 else f", {drawing.activations[l - 1]}".replace("_", r"\_")
        below = rf"{{\scriptsize $l = {l}$, $n_{l} = {n}${kind}}}"
        out.append(rf"\node[align=center] at ({dx * l:.3g}, -1.2) {{{name}\\[-2pt] {below}}};")
    for node in drawing.nodes:
        where = f"({dx * node.x:.3g}, {dy * node.y:.3g})"
        if node.j is None:
            out.append(rf"\node at {where} {{$\vdots$}};")
        else:
            out.append(rf"\node[unit] (n{node.l}-{node.j}) at {where} {{${label(node).latex()}$}};")
    size = widths(drawing)
    for e in sorted(drawing.edges, key=lambda e: e.chosen):
        colour = "orange!85!black" if e.weight < 0 else "blue!75!black"
        style = f"{colour}, line width={size[e] * 0.55:.2f}pt" + ("" if e.chosen else ", opacity=0.45")
        symbol = Quantity("w", e.l, (e.j, e.k)).latex()
        name = rf" node[pos=0.72, fill=white, inner sep=1pt, text=black, opacity=1] {{\scriptsize ${symbol}$}}"
        out.append(rf"\draw[{style}] (n{e.l - 1}-{e.k}) --{name if e.chosen else ''} (n{e.l}-{e.j});")
    return "\n".join([*out, r"\end{tikzpicture}"])
