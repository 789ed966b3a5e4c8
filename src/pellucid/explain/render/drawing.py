"""A network drawn with its indices: nodes with their connections where layers weigh nodes, else a box for each layer.

Before it: a network's layers and numbers. After it: the pages that show it, and notebooks.
Layers with many nodes show the first few and the last, and those that are spoken of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .picture import Arrow, Box, Edge, Node, Picture, Shape
from .svg import alone, to_svg
from .text import TextWriter

ROOM = 8  # how many nodes of a layer are drawn at most


@dataclass(frozen=True)
class Drawn:
    """A layer as it is to be drawn.

    Attributes:
        shape: of what it hands on.
        label: its activation, or its kind.
        reads: the layers that it reads.
        weights: the matrix by which it weighs the nodes of the layer below, (n_l, n_(l−1)); None where it does not.
        matrix: the matrix's name.
        values: what it hands on for one sample, for the nodes' labels.
        name: what that is called.
    """

    shape: Shape
    label: str = ""
    reads: tuple[int, ...] = ()
    weights: Any = None
    matrix: str = "w"
    values: Any = None
    name: str = "a"


@dataclass(frozen=True, repr=False)
class Drawing(Picture):
    """A network's picture, to be shown."""

    def to_svg(self, digits: int = 4) -> str:
        """An SVG element for a page that has the style sheet."""
        return to_svg(self, TextWriter(digits).number)

    def _repr_svg_(self) -> str:
        """How a notebook shows it."""
        return alone(self.to_svg())

    def __repr__(self) -> str:
        return f"<Drawing of a {'-'.join(map(str, self.sizes))} network>"


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


def draw(layers: Sequence[Drawn], chosen: Sequence[tuple[int, int, int]] = ()) -> Drawing:
    """Place the nodes, boxes, connections and arrows.

    Args:
        layers: layers 0 … L.
        chosen: (l, j, k) of the weights that are spoken of.
    """
    joined = {l for l, layer in enumerate(layers) if layer.weights is not None}
    single = joined | {l - 1 for l in joined}  # layers of which every node has a line
    single |= {l for l, layer in enumerate(layers) if len(layer.shape) == 1 and layer.shape[0] <= ROOM}
    columns: dict[int, list[int | None]] = {}
    for l in sorted(single):
        wanted = [j for m, j, _ in chosen if m == l] + [k for m, _, k in chosen if m == l + 1]
        columns[l] = chosen_nodes(layers[l].shape[0], wanted)
    height = max(map(len, columns.values()), default=1)
    nodes = tuple(
        Node(l, j, l, (height - len(column)) / 2 + row, number(layers[l], j), layers[l].name)
        for l, column in columns.items()
        for row, j in enumerate(column)
    )
    boxes = tuple(
        Box(l, l, (height - 1) / 2, layer.shape, layer.name) for l, layer in enumerate(layers) if l not in columns
    )
    edges = tuple(
        Edge(l, j, k, float(layers[l].weights[j, k]), (l, j, k) in set(chosen), layers[l].matrix)
        for l in sorted(joined)
        for j in columns[l]
        if j is not None
        for k in columns[l - 1]
        if k is not None
    )
    arrows = tuple(
        Arrow(below, l)
        for l, layer in enumerate(layers)
        for below in dict.fromkeys(layer.reads)
        if not (l in joined and below == l - 1)
    )
    sizes = tuple(math.prod(layer.shape) for layer in layers)
    return Drawing(sizes, nodes, edges, tuple(layer.label for layer in layers[1:]), height, boxes, arrows)


def number(layer: Drawn, j: int | None) -> float | None:
    """The number in a node."""
    return None if j is None or layer.values is None else float(layer.values[j])
