"""A derivative as the sum over all paths to what is differentiated: their number, the largest, the totals.

Before it: `records`. After it: renderers. Nothing lists the paths: per layer, the best product from each node
onwards is found backwards (as the derivative itself is); going forwards with that bound, the k best beginnings
of each layer contain the beginnings of the k best paths, because each beginning has a path that reaches its
bound. So k·n_l products per layer are enough, and the result is exact for 10³⁰ paths as for ten.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import InputError
from ..expressions import Expression, Number, Product, Symbol
from ..records import Records, canonical
from ..symbols import Derivative, Quantity
from ..wide import row_blocks
from .context import Target
from .ends import jacobian_column
from .tree import Path, Paths

EXACT = 2**53  # whole numbers up to here are exact in float64


@dataclass
class Onwards:
    """For each node of a layer: all paths from it to the end."""

    best: np.ndarray  # the largest |product|
    positive: np.ndarray  # the sum of the positive products
    negative: np.ndarray  # the sum of the negative ones
    count: list[int]  # how many paths
    nonzero: list[int]  # how many of them have no factor 0


def paths(records: Records, address: Any, top: int = 5) -> Paths:
    """The paths of ∂T/∂(anything below), the `top` largest by size listed.

    Raises:
        InputError: no derivative of one sample's loss or of a node, or top < 0.
    """
    if top < 0:
        raise InputError("top", "expected a number ≥ 0", top)
    if isinstance(address, Quantity) and address.name == "delta":
        address = Derivative(Quantity("C", sample=address.sample), Quantity("z", address.layer, address.nodes))
    if not isinstance(address, Derivative) or address.of.name == "R" or address.by.name == "y":
        raise InputError(str(address), "only derivatives by w, b, z, a and x are sums over paths")
    of, by = canonical(address.of), canonical(address.by)
    if of.name == "C" and of.sample is None:
        raise InputError(str(address), "the paths belong to one sample", None, f"Ask for dC0/d{by}, dC1/d{by}, …")
    return Search(records, Target(of), by).run(top)


class Search:
    """The passes over the layers. A node is (kind, l, j) with kind "z" or "a"."""

    def __init__(self, records: Records, target: Target, by: Quantity):
        self.r, self.t, self.by, self.i = records, target, by, target.sample
        of = target.of
        if target.is_loss:
            above_z = by.name == "a" and by.layer == records.L
            mixes = not records.g(records.L).elementwise and not above_z
            self.end = ("z" if mixes else "a", records.L)
            adjoint = records.adjoint(of)
            self.last = (adjoint.dz if mixes else adjoint.da)(records.L)[self.i]
        else:
            self.end = (of.name, of.layer)
            self.last = np.zeros(records.n[of.layer])
            self.last[of.nodes[0]] = 1.0
        if by.name in ("w", "b"):
            self.start = ("z", by.layer)
        else:
            self.start = (by.name, by.layer)
        self.onwards: dict[tuple[str, int], Onwards] = {}

    def levels(self) -> list[tuple[str, int]]:
        """From the start to the end: z^(l), a^(l), z^(l+1), …"""
        order = [(kind, l) for l in range(self.r.L + 1) for kind in ("z", "a")]
        return order[order.index(self.start) : order.index(self.end) + 1]

    def slopes(self, l: int) -> np.ndarray:
        """g′ of the layer's nodes."""
        return self.r.slope(l)[self.i]

    def mixes(self, l: int) -> bool:
        """Whether the layer's activation mixes its nodes."""
        return not self.r.g(l).elementwise

    def jacobian(self, l: int) -> np.ndarray:
        """∂a_m/∂z_j of a layer that mixes its nodes."""
        return np.stack([jacobian_column(self.r, l, j, self.i) for j in range(self.r.n[l])], axis=1)

    def look_back(self) -> None:
        """Onwards of every level, from the end to the start."""
        ones = [1] * len(self.last) if self.t.is_loss else [int(v) for v in self.last]
        nonzero = [int(v != 0) for v in self.last]
        here = Onwards(abs(self.last), np.maximum(self.last, 0), np.minimum(self.last, 0), ones, nonzero)
        levels = self.levels()
        self.onwards[self.end] = here
        for kind, l in reversed(levels[:-1]):
            if kind == "a":
                blocks = self.weight_blocks(l + 1)
                here = through(blocks, here, self.r.n[l])
            elif self.mixes(l):
                here = through([(slice(0, self.r.n[l]), self.jacobian(l))], here, self.r.n[l])
            else:
                here = scaled(self.slopes(l), here)
            self.onwards[kind, l] = here

    def weight_blocks(self, l: int):
        """W^(l) in blocks of rows."""
        first = 0
        for block in row_blocks(self.r.parameters[l]["w"]):
            yield slice(first, first + len(block)), block
            first += len(block)

    def first(self) -> tuple[int, float, list[str]]:
        """The node where all paths begin, the product so far, and its symbols."""
        by = self.by
        if by.name == "w":
            a = float(self.r.forward.a[by.layer - 1][self.i, by.nodes[1]])
            name = f"x[{by.nodes[1]}]" if by.layer == 1 else f"a[{by.layer - 1}][{by.nodes[1]}]"
            return by.nodes[0], a, [name + self.t.suffix]
        return by.nodes[0], 1.0, []

    def run(self, top: int) -> Paths:
        """Backwards for the bounds and totals, forwards for the largest paths."""
        levels_ok = self.start in [(k, l) for l in range(self.r.L + 1) for k in ("z", "a")]
        order = [(kind, l) for l in range(self.r.L + 1) for kind in ("z", "a")]
        if not levels_ok or order.index(self.start) > order.index(self.end):
            return Paths(0, 0, (), 0.0, 0.0, 0.0)
        with np.errstate(all="ignore"):
            self.look_back()
            node, product, names = self.first()
            ahead = self.onwards[self.start]
            count = ahead.count[node]
            found = self.look_ahead(node, product, min(top, count)) if min(top, count) else []
        signed = sorted((product * ahead.positive[node], product * ahead.negative[node]))
        negative, positive = float(signed[0]) + 0.0, float(signed[1]) + 0.0
        listed = tuple(self.path(node, steps, names, product) for steps in found)
        nonzero = ahead.nonzero[node] if product else 0
        all_listed = sum(p.value != 0 for p in listed) == nonzero
        rest = 0.0 if all_listed else math.fsum([positive, negative, *(-p.value for p in listed)])
        return Paths(count, nonzero, listed, rest, positive, negative)

    def look_ahead(self, node: int, product: float, top: int) -> list[tuple[int, ...]]:
        """The nodes of the `top` best paths, one per level."""
        levels = self.levels()
        products, nodes = np.array([product]), np.array([node])
        trails = [(node,)]
        for (kind, l), following in pairwise(levels):
            bound = self.onwards[following].best
            if kind == "z" and not self.mixes(l):
                products = products * self.slopes(l)[nodes]
                trails = [(*trail, j) for trail, j in zip(trails, nodes.tolist(), strict=True)]
                continue
            if kind == "z":
                factors = np.stack([jacobian_column(self.r, l, j, self.i) for j in nodes])
            else:
                w = self.r.parameters[l + 1]["w"]
                factors = np.stack([np.asarray(w[:, k]) for k in nodes.tolist()])
            candidates = products[:, None] * factors
            scores = (abs(candidates) * bound).ravel()
            if not self.t.is_loss:  # only what can still reach the node
                reach = np.array([c > 0 for c in self.onwards[following].count])
                scores = np.where(np.tile(reach, len(nodes)), scores, -1.0)
            best = np.argpartition(-scores, min(top, len(scores)) - 1)[:top]
            best = best[scores[best] >= 0]
            width = candidates.shape[1]
            trails = [(*trails[b // width], b % width) for b in best.tolist()]
            products, nodes = candidates.ravel()[best], best % width
        final = products * self.last[nodes]
        order = sorted(range(len(final)), key=lambda p: (-abs(final[p]), trails[p]))
        return [tuple(int(node) for node in trails[p]) for p in order[:top]]

    def path(self, node: int, trail: tuple[int, ...], names: list[str], product: float) -> Path:
        """One path with its factors."""
        names, numbers = list(names), [product] if names else []
        levels, s = self.levels(), self.t.suffix
        by = self.by
        visited = [(by.layer - 1, by.nodes[1])] if by.name == "w" else []
        for (_, l), j in zip(levels, trail, strict=True):
            if not visited or visited[-1] != (l, j):
                visited.append((l, j))
        for (kind, l), j, m in zip(levels, trail, trail[1:], strict=False):
            if kind == "z" and self.mixes(l):
                names.append(f"da[{l}][{m}]/dz[{l}][{j}]{s}")
                numbers.append(float(jacobian_column(self.r, l, j, self.i)[m]))
            elif kind == "z":
                names.append(f"g'[{l}][{j}]{s}")
                numbers.append(float(self.slopes(l)[j]))
            else:
                names.append(f"w[{l + 1}][{m},{j}]")
                numbers.append(float(self.r.parameters[l + 1]["w"][m, j]))
        if self.t.is_loss:
            kind, l = self.end
            names.append(self.t.dz(l, trail[-1]) if kind == "z" else self.t.da(l, trail[-1]))
            numbers.append(float(self.last[trail[-1]]))
        indexed: Expression = Product(tuple(map(Symbol, names))) if names else Number(1)
        in_numbers: Expression = Product(tuple(map(Number, numbers))) if names else Number(1)
        return Path(tuple(visited), indexed, in_numbers, math.prod(numbers))


def scaled(slopes: np.ndarray, o: Onwards) -> Onwards:
    """Through an activation node by node."""
    up, down = slopes * o.positive, slopes * o.negative
    nonzero = [n if s != 0 else 0 for n, s in zip(o.nonzero, slopes.tolist(), strict=True)]
    return Onwards(abs(slopes) * o.best, np.maximum(up, down), np.minimum(up, down), o.count, nonzero)


def through(blocks: Any, o: Onwards, n_below: int) -> Onwards:
    """Through a matrix from below: node k goes on to every node j."""
    best, positive, negative = np.zeros(n_below), np.zeros(n_below), np.zeros(n_below)
    nonzero: Any = 0
    for part, w in blocks:
        np.maximum(best, (abs(w) * o.best[part, None]).max(axis=0), out=best)
        up, down = np.maximum(w, 0), np.minimum(w, 0)
        positive += o.positive[part] @ up + o.negative[part] @ down
        negative += o.positive[part] @ down + o.negative[part] @ up
        nonzero = nonzero + counted(w != 0, o.nonzero[part])
    return Onwards(best, positive, negative, [sum(o.count)] * n_below, [int(c) for c in nonzero])


def counted(mask: np.ndarray, counts: list[int]) -> np.ndarray:
    """Σ_j [w_jk ≠ 0] count_j for each k, exactly.

    Example:
        >>> counted(np.array([[True, False], [True, True]]), [10**30, 1]).tolist()
        [1000000000000000000000000000001, 1]
    """
    total = sum(counts)
    if total < EXACT:
        return (np.array(counts, dtype=float) @ mask).astype(np.int64).astype(object)
    out = np.array([total] * mask.shape[1], dtype=object)
    for j, k in np.argwhere(~mask):
        out[k] -= counts[j]
    return out
