"""The picture of a network as SVG.

Before it: `picture`, `style`. After it: `drawing`, and the pages that show it.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

from .picture import Arrow, Picture, shape_text
from .style import PICTURE_STYLE

DX, DY, R, LEFT, TOP = 190, 62, 22, 76, 66  # steps of columns and rows, a node's radius, the margins
WIDE, HIGH = 104, 52  # a box
DEEP = 26  # how far an arc hangs down for each layer that it passes


def to_svg(picture: Picture, number: Callable[[float], str]) -> str:
    """The picture as an SVG element; `number` spells a value. Colours come from the page's style sheet.

    Every node, box and connection carries its address; a title that shows on hovering gives its value.
    """
    wide = LEFT * 2 + DX * (len(picture.sizes) - 1)
    deepest = max((lowest(picture, a.l, a.below) + hang(a) for a in picture.arrows if a.skips), default=0.0)
    high = max(TOP + DY * (picture.height - 1) + 46, deepest)
    out = [f'<svg viewBox="0 0 {wide} {high:g}" role="img" class="network" style="max-width: {wide}px">']
    lines = "a line for each weight" if picture.edges else "an arrow for what each reads"
    out.append(f"<title>The network: {'nodes in columns by layer' if picture.nodes else 'its layers'}, {lines}</title>")
    for l, n in enumerate(picture.sizes):
        name, kind = picture.head(l)
        x = LEFT + DX * l
        out.append(f'<text class="layer" x="{x}" y="18">{name}</text>')
        out.append(f'<text class="size" x="{x}" y="34">l = {l}, n = {n}{escape(kind)}</text>')
    out += connections(picture, number)
    out += (arrow(picture, a) for a in picture.arrows)
    for box in picture.boxes:
        x, y = LEFT + DX * box.x, TOP + DY * box.y
        address = str(box.address)
        out.append(
            f'<g class="node" data-address={quoteattr(address)}><title>{escape(address)}</title>'
            f'<rect x="{x - WIDE / 2:g}" y="{y - HIGH / 2:g}" width="{WIDE}" height="{HIGH}" rx="6"/>'
            f"{symbol(box.name, '', box.l, x, y - 3, 'name')}"
            f'<text class="value" x="{x:g}" y="{y + 15:g}">{shape_text(box.shape)}</text></g>'
        )
    for node in picture.nodes:
        x, y = LEFT + DX * node.x, TOP + DY * node.y
        if node.j is None:
            out.append(f'<text class="gap" x="{x:g}" y="{y + 6:g}">⋮</text>')
            continue
        address = str(node.address)
        value = "" if node.value is None else f" = {number(node.value)}"
        out.append(
            f'<g class="node" data-address={quoteattr(address)}><title>{escape(address)}{value}</title>'
            f'<circle cx="{x:g}" cy="{y:g}" r="{R}"/>{symbol(node.name, str(node.j), node.l, x, y + 5, "name")}</g>'
        )
        if node.value is not None:
            out.append(f'<text class="value" x="{x:g}" y="{y + R + 12:g}">{number(node.value)}</text>')
    return "".join(out) + "</svg>"


def connections(picture: Picture, number: Callable[[float], str]) -> list[str]:
    """The lines between nodes, and the names of the chosen ones."""
    at = {(n.l, n.j): (LEFT + DX * n.x, TOP + DY * n.y) for n in picture.nodes if n.j is not None}
    size = picture.widths()
    out = []
    for e in sorted(picture.edges, key=lambda e: e.chosen):
        (x1, y1), (x2, y2) = at[e.l - 1, e.k], at[e.l, e.j]
        kind = f"edge {'negative' if e.weight < 0 else 'positive'}{' chosen' if e.chosen else ''}"
        address = str(e.address)
        out.append(
            f'<line class="{kind}" x1="{x1 + R:g}" y1="{y1:g}" x2="{x2 - R:g}" y2="{y2:g}" '
            f'stroke-width="{size[e]:.2f}" data-address={quoteattr(address)}>'
            f"<title>{escape(address)} = {number(e.weight)}</title></line>"
        )
    for e in picture.edges:
        if e.chosen:
            (x1, y1), (x2, y2) = at[e.l - 1, e.k], at[e.l, e.j]
            out.append(symbol(e.name, f"{e.j},{e.k}", e.l, x1 + 0.7 * (x2 - x1), y1 + 0.7 * (y2 - y1) - 7, "weight"))
    return out


def lowest(picture: Picture, *layers: int) -> float:
    """Where the columns of these layers end, below the value of a node."""
    ends = (picture.lowest(l) for l in layers)
    return max(TOP + DY * row + (R + 18 if node else HIGH / 2 + 4) for row, node in ends)


def hang(a: Arrow) -> float:
    """How far an arc hangs down below the columns that it joins."""
    return DEEP * (a.l - a.below) + 8


def arrow(picture: Picture, a: Arrow) -> str:
    """An arrow between neighbours, an arc below the layers between them."""
    x1, x2 = LEFT + DX * a.below, LEFT + DX * a.l
    title = f"<title>Layer {a.l} reads layer {a.below}</title>"
    if a.skips:
        x1, x2 = x1 + 12, x2 - 12  # what leaves a column and what reaches it stay apart
        y1, y2 = lowest(picture, a.below), lowest(picture, a.l) + 8
        deep = max(y1, y2) + hang(a) * 1.1
        line, head = f"M{x1:g} {y1:g}C{x1 + 30:g} {deep:g} {x2 - 30:g} {deep:g} {x2:g} {y2:g}", tip(x2, y2, 0, -8)
    else:
        y = TOP + DY * (picture.height - 1) / 2
        x1, x2 = (x + side * (WIDE / 2 + 3) for x, side in ((x1, 1), (x2, -1)))
        line, head = f"M{x1:g} {y:g}L{x2 - 8:g} {y:g}", tip(x2 - 8, y, 8, 0)
    return f'<g class="arrow">{title}<path class="line" d="{line}"/><path d="{head}"/></g>'


def tip(x: float, y: float, dx: float, dy: float) -> str:
    """A triangle from (x, y) that points along (dx, dy)."""
    across = dy / 2, dx / 2
    return f"M{x - across[0]:g} {y - across[1]:g}L{x + dx:g} {y + dy:g}L{x + across[0]:g} {y + across[1]:g}z"


def alone(svg: str) -> str:
    """The picture as a file of its own, with its colours, for light and dark surroundings."""
    head = '<svg xmlns="http://www.w3.org/2000/svg"'
    return svg.replace("<svg", head, 1).replace("<title>", f"<style>{PICTURE_STYLE}</style><title>", 1)


def symbol(base: str, below: str, above: int, x: float, y: float, kind: str) -> str:
    """A letter with its indices: the subscript under the superscript's place."""
    back = f'dy="-11" dx="-{0.3 * len(below):.2g}em"' if below else 'dy="-7"'
    under = f'<tspan class="index" dy="4">{below}</tspan>' if below else ""
    return (
        f'<text class="{kind}" x="{x:g}" y="{y:g}"><tspan class="letter">{base}</tspan>'
        f'{under}<tspan class="index" {back}>({above})</tspan></text>'
    )
