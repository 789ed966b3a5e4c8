"""What is drawn of a network: nodes, boxes, connections and arrows at their places.

Before it: nothing but addresses. After it: `svg` and `tikz` print it, `drawing` places it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...addresses import Quantity

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """Node j of layer l at (x, y), in steps of columns and rows; j is None for the dots of a gap."""

    l: int
    j: int | None
    x: float
    y: float
    value: float | None = None
    name: str = "a"

    @property
    def address(self) -> Quantity:
        """The symbol that stands in it."""
        return Quantity(self.name, self.l, (self.j,))


@dataclass(frozen=True)
class Box:
    """A whole layer at (x, y): one that is not drawn node by node."""

    l: int
    x: float
    y: float
    shape: Shape
    name: str = "a"

    @property
    def address(self) -> Quantity:
        """The array that stands in it."""
        return Quantity(self.name, self.l)


@dataclass(frozen=True)
class Edge:
    """The connection from node k of the layer below to node j of layer l, with its weight w[l][j,k].

    `chosen` where the example speaks of it; `name` is the weighing matrix's.
    """

    l: int
    j: int
    k: int
    weight: float
    chosen: bool
    name: str = "w"

    @property
    def address(self) -> Quantity:
        """Its weight."""
        return Quantity(self.name, self.l, (self.j, self.k), None, True)


@dataclass(frozen=True)
class Arrow:
    """Layer l reads layer `below`, where no connections between nodes say so."""

    below: int
    l: int

    @property
    def skips(self) -> bool:
        """Whether layers lie between."""
        return self.l - self.below > 1


@dataclass(frozen=True, repr=False)
class Picture:
    """What is drawn; y points downwards.

    Attributes:
        sizes: how many numbers each layer 0 … L hands on.
        labels: what stands behind the size of layers 1 … L: the activation, or the kind of layer.
        height: how many rows there are.
    """

    sizes: tuple[int, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    labels: tuple[str, ...]
    height: float
    boxes: tuple[Box, ...] = ()
    arrows: tuple[Arrow, ...] = ()

    def widths(self) -> dict[Edge, float]:
        """The width of each line: by the size of its weight against the largest of the picture."""
        top = max((abs(e.weight) for e in self.edges), default=0.0) or 1.0
        return {e: 0.4 + 2.6 * abs(e.weight) / top if abs(e.weight) < float("inf") else 3.0 for e in self.edges}

    def lowest(self, l: int) -> tuple[float, bool]:
        """The row of the lowest thing in a layer's column, and whether it is a node."""
        box = next((box for box in self.boxes if box.l == l), None)
        return (box.y, False) if box else (max(node.y for node in self.nodes if node.l == l), True)

    def head(self, l: int) -> tuple[str, str]:
        """What stands above a layer's column: its place, and what it is."""
        name = "input" if l == 0 else "output" if l == len(self.sizes) - 1 else f"layer {l}"
        return name, "" if l == 0 else f", {self.labels[l - 1]}"


def shape_text(shape: Shape) -> str:
    """A shape in words.

    Example:
        >>> shape_text((28, 28, 8))
        '28 × 28 × 8'
    """
    return " × ".join(map(str, shape))
