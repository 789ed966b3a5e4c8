"""A derivative as the sum over all paths to what is differentiated: their number, the largest, the totals.

Before it: `records`. After it: renderers. Nothing lists the paths: for each quantity, the best product from each entry
onwards is found backwards (as the derivative itself is); going forwards with that bound, the k best beginnings
at each quantity contain the beginnings of the k best paths, because each beginning has a path that reaches its
bound. So a few products per quantity are enough, and the result is exact for 10³⁰ paths as for ten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..addresses import Address, Derivative, Quantity
from ..errors import InputError
from ..expressions import Expression, Number, Product, Symbol
from ..operations import Contraction, Entrywise, Products
from ..program import Slot
from ..records import Records, canonical
from ..wide import row_blocks
from .context import Context, Target, index_at
from .derivation import Paths
from .tree import Path

EXACT = 2**53  # whole numbers up to here are exact in float64


@dataclass
class Onwards:
    """For each entry of a quantity, flat: all paths from it to the end."""

    best: np.ndarray  # the largest |product|
    positive: np.ndarray  # the sum of the positive products
    negative: np.ndarray  # the sum of the negative ones
    count: list[int]  # how many paths
    nonzero: list[int]  # how many of them have no factor 0

    def joined(self, other: Onwards) -> Onwards:
        """Both ways on."""
        counts, nonzero = (
            [a + b for a, b in zip(*pair, strict=True)]
            for pair in ((self.count, other.count), (self.nonzero, other.nonzero))
        )
        return Onwards(
            np.maximum(self.best, other.best), self.positive + other.positive, self.negative + other.negative,
            counts, nonzero,
        )  # fmt: skip


@dataclass(frozen=True)
class Begun:
    """A path as far as it has come: its product, its entries, its factors."""

    product: float
    trail: tuple[tuple[int, int], ...]  # (slot, flat entry) of each quantity that it passes
    factors: tuple[tuple[Address | Expression, float], ...]


def paths(records: Records, address: Any, top: int = 5) -> Paths:
    """The paths of ∂T/∂(anything below), the `top` largest by size listed.

    Raises:
        InputError: no derivative of one sample's loss or of one number, or top < 0.
    """
    if top < 0:
        raise InputError("top", "expected a number ≥ 0", top)
    if isinstance(address, Quantity) and address.name == "delta":
        address = Derivative(Quantity("C", sample=address.sample), address.called("z"))
    if not isinstance(address, Derivative) or address.of.name == "R" or address.by.name == "y":
        raise InputError(str(address), "only derivatives by w, b, z, a and x are sums over paths")
    of, by = canonical(address.of), canonical(address.by)
    if of.name == "C" and of.sample is None:
        raise InputError(str(address), "the paths belong to one sample", None, f"Ask for dC0/d{by}, dC1/d{by}, …")
    if of.shared:
        raise InputError(str(address), "expected a loss or a number of a sample above the line", str(of))
    return Search(records, Target(of), by).run(top)


class Search:
    """The passes over the quantities between a number and T."""

    def __init__(self, records: Records, target: Target, by: Quantity):
        self.r, self.t, self.by, self.i = records, target, by, target.sample
        self.c, self.program = Context(records, None), records.program
        start = records.slot(by)
        self.start = start.number
        of, adjoint = target.of, records.adjoint(target.of)
        if target.is_loss:
            output = self.program.output(records.L)
            mixes = not output.operation.entrywise and start.number != output.number and len(output.reads) == 1
            self.end = output.reads[0] if mixes else output.number
            self.last = adjoint.d(self.end)[self.i].ravel()
        else:
            slot = records.slot(of)
            self.end = slot.number
            self.last = np.zeros(slot.space.size)
            self.last[np.ravel_multi_index(of.nodes, slot.space.shape) if of.nodes else 0] = 1.0
        inside = {self.end, *self.program.ancestors[self.end]}
        self.on_the_way = [
            n for n in sorted(inside) if n == self.start or self.start in self.program.ancestors[n]
        ]  # fmt: skip
        self.onwards: dict[int, Onwards] = {}

    def ways_on(self, number: int) -> list[tuple[Slot, int]]:
        """The readers of a quantity that lie on the way, and as which input they read it."""
        way = set(self.on_the_way)
        return [(self.program.slots[r], m) for r, m in self.program.readers[number] if r in way]

    # ── backwards: bounds and totals ──────────────────────────────────────────────────────────────

    def look_back(self) -> None:
        """Onwards of every quantity, from the end to the start; weights are followed entry by entry."""
        ones = [1] * len(self.last) if self.t.is_loss else [int(v) for v in self.last]
        nonzero = [int(v != 0) for v in self.last]
        self.onwards[self.end] = Onwards(
            abs(self.last), np.maximum(self.last, 0), np.minimum(self.last, 0), ones, nonzero
        )  # fmt: skip
        for number in reversed(self.on_the_way[:-1]):
            if not self.program.slots[number].per_sample:
                continue
            found = [self.through(slot, m, self.onwards[slot.number]) for slot, m in self.ways_on(number)]
            total = found[0]
            for other in found[1:]:
                total = total.joined(other)
            self.onwards[number] = total

    def through(self, slot: Slot, m: int, o: Onwards) -> Onwards:
        """Through one operation, from its result to one of its inputs."""
        size = self.program.slots[slot.reads[m]].space.size
        operation, x = slot.operation, self.c.inputs(slot)
        out = self.r.forward.values[slot.number]
        if isinstance(operation, Contraction) and operation.dense and m == 1 and len(slot.space.shape) == 1:
            return through_blocks(blocks_of(x[0]), o, size)
        if isinstance(operation, Entrywise) and operation.entrywise and operation.sides[0][m] == operation.sides[1]:
            return scaled(np.asarray(operation.slope(m, x, out))[self.i].ravel(), o)
        rows = [self.step(slot, m, entry) for entry in range(size)]
        best, positive, negative = np.zeros(size), np.zeros(size), np.zeros(size)
        count, nonzero = [0] * size, [0] * size
        for entry, (ends, factors) in enumerate(rows):
            up, down = factors * o.positive[ends], factors * o.negative[ends]
            best[entry] = np.max(abs(factors) * o.best[ends], initial=0.0)
            positive[entry], negative[entry] = np.maximum(up, down).sum(), np.minimum(up, down).sum()
            count[entry] = sum(o.count[e] for e in ends.tolist())
            nonzero[entry] = sum(o.nonzero[e] for e, f in zip(ends.tolist(), factors.tolist(), strict=True) if f != 0)
        return Onwards(best, positive, negative, count, nonzero)

    def readers(self, slot: Slot, m: int, entry: int) -> Any:
        """The readers of one entry, by its flat place."""
        read = self.program.slots[slot.reads[m]]
        index = tuple(int(v) for v in np.unravel_index(entry, read.space.shape)) if read.space.shape else ()
        index = (self.i, *index) if read.per_sample else index
        return slot.operation.readers(m, self.c.inputs(slot), self.r.forward.values[slot.number], index, self.i)

    def step(self, slot: Slot, m: int, entry: int) -> tuple[np.ndarray, np.ndarray]:
        """Where one entry goes on to, flat, and with what factors."""
        found = self.readers(slot, m, entry)
        inside = found.out[1:] if slot.per_sample else found.out
        ends = np.ravel_multi_index(inside, slot.space.shape) if inside else np.zeros(found.count, int)
        return ends, np.asarray(found.numbers(self.c.inputs(slot)))

    # ── forwards: the largest ─────────────────────────────────────────────────────────────────────

    def run(self, top: int) -> Paths:
        """Backwards for the bounds and totals, forwards for the largest paths."""
        if not self.r.depends(self.t.of, self.by) or self.start not in self.on_the_way:
            return Paths(0, 0, (), 0.0, 0.0, 0.0)
        with np.errstate(all="ignore"):
            self.look_back()
            begun = self.first()
            count = nonzero = 0
            up, down = [], []
            for number, path in begun:
                o, entry = self.onwards[number], path.trail[-1][1]
                count += o.count[entry]
                nonzero += o.nonzero[entry] if path.product else 0
                signed = sorted((path.product * o.positive[entry], path.product * o.negative[entry]))
                down.append(signed[0])
                up.append(signed[1])
            found = self.look_ahead(begun, min(top, count)) if min(top, count) else []
        negative, positive = float(sum(down)) + 0.0, float(sum(up)) + 0.0
        listed = tuple(map(self.path, found))
        all_listed = sum(p.value != 0 for p in listed) == nonzero
        rest = 0.0 if all_listed else math.fsum([positive, negative, *(-p.value for p in listed)])
        return Paths(count, nonzero, listed, rest, positive, negative)

    def first(self) -> list[tuple[int, Begun]]:
        """Where all paths begin: at the number itself, or, for a weight, at each of its uses."""
        slot = self.program.slots[self.start]
        flat = int(np.ravel_multi_index(self.by.nodes, slot.space.shape)) if slot.space.shape else 0
        if slot.per_sample:
            return [(self.start, Begun(1.0, ((self.start, flat),), ()))]
        found: list[tuple[int, Begun]] = []
        waiting: list[tuple[int, int, float, tuple[Any, ...], tuple[tuple[Address | Expression, float], ...]]]
        waiting = [(self.start, flat, 1.0, (), ())]
        while waiting:
            number, entry, product, before, factors = waiting.pop(0)
            for reader, m in self.ways_on(number):
                for end, names, numbers, seen in self.rows(reader, m, entry):
                    value = product * math.prod(numbers)
                    all_factors = (*factors, *zip(names, numbers, strict=True))
                    if reader.per_sample:
                        found.append((reader.number, Begun(value, (*before, *seen, (reader.number, end)), all_factors)))
                    else:
                        waiting.append((reader.number, end, value, (*before, *seen), all_factors))
        return found

    def rows(self, slot: Slot, m: int, entry: int) -> Iterator[tuple[int, list[Any], list[float], list[Any]]]:
        """The ways on of one entry: where to, the factors by name and number, the entries that they bring along."""
        found, (ends, factors) = self.readers(slot, m, entry), self.step(slot, m, entry)
        for row, end in enumerate(ends.tolist()):
            if isinstance(found.slopes, Products):
                names: list[Any] = list(self.c.factor_names(slot, found.slopes, row, self.i))
                numbers = self.c.factor_numbers(slot, found.slopes, row)
                if found.slopes.coefficient != 1.0:
                    names, numbers = [self.slope(slot, m, entry, end)], [float(factors[row])]
                seen = [self.place(slot, columns, row, k) for k, columns in found.slopes.entries]
                yield end, names, numbers, [s for s in seen if s is not None]
            else:
                yield end, [self.slope(slot, m, entry, end)], [float(factors[row])], []

    def place(self, slot: Slot, columns: Any, row: int, k: int) -> tuple[int, int] | None:
        """The entry of another input that a factor is, where it belongs to the sample."""
        read = self.program.slots[slot.reads[k]]
        if not read.per_sample:
            return None
        index = index_at(columns, row)[1:]
        return read.number, int(np.ravel_multi_index(index, read.space.shape)) if index else 0

    def slope(self, slot: Slot, m: int, entry: int, end: int) -> Address | Expression:
        """∂out/∂in of two entries: g′ where it is an activation's, a formula where the path is one of several."""
        out = self.named(slot, end)
        if slope := None if slot.operation.sums else self.c.direct_slope(slot, m, out.nodes, self.i):
            return slope[0]
        if slot.operation.entrywise and self.program.activation(slot.l) and slot.number == self.program.outputs[slot.l]:
            return out.called("g'")
        return Derivative(out, self.named(self.program.slots[slot.reads[m]], entry))

    def named(self, slot: Slot, flat: int) -> Quantity:
        """One entry by its flat place."""
        return self.c.name(
            slot, tuple(int(v) for v in np.unravel_index(flat, slot.space.shape)) if slot.space.shape else (), self.i
        )

    def look_ahead(self, begun: list[tuple[int, Begun]], top: int) -> list[Begun]:
        """The `top` best paths, whole."""
        waiting: dict[int, list[Begun]] = {}
        for number, path in begun:
            waiting.setdefault(number, []).append(path)
        for number in [n for n in self.on_the_way if n != self.end and self.program.slots[n].per_sample]:
            here = self.best(number, waiting.pop(number, []), top)
            for slot, m in self.ways_on(number):
                onwards = self.onwards[slot.number]
                candidates = []
                for path in here:
                    entry = path.trail[-1][1]
                    ends, factors = self.step(slot, m, entry)
                    scores = abs(path.product * factors) * onwards.best[ends]
                    reach = np.array([onwards.count[e] > 0 for e in ends.tolist()], bool)
                    scores = np.where(reach, scores, -1.0)
                    order = np.argsort(-scores, kind="stable")[:top] if len(scores) > top else np.arange(len(scores))
                    candidates += [(float(scores[row]), path, entry, int(row)) for row in order if scores[row] >= 0]
                candidates.sort(key=lambda found: -found[0])
                for _, path, entry, row in candidates[:top]:
                    waiting.setdefault(slot.number, []).append(self.extended(path, slot, m, entry, row))
        whole = self.best(self.end, waiting.get(self.end, []), top)
        return sorted(whole, key=lambda p: (-abs(p.product * self.last[p.trail[-1][1]]), p.trail))[:top]

    def best(self, number: int, found: list[Begun], top: int) -> list[Begun]:
        """The beginnings that may still lead to one of the best paths."""
        bound = self.onwards[number].best if number in self.onwards else np.ones(1)
        return sorted(found, key=lambda p: -abs(p.product) * bound[p.trail[-1][1]])[:top]

    def extended(self, path: Begun, slot: Slot, m: int, entry: int, row: int) -> Begun:
        """A path one operation further."""
        ends, factors = self.step(slot, m, entry)
        found, end = self.readers(slot, m, entry), int(ends[row])
        if isinstance(found.slopes, Products) and found.slopes.coefficient == 1.0:
            names: list[Any] = list(self.c.factor_names(slot, found.slopes, row, self.i))
            numbers = self.c.factor_numbers(slot, found.slopes, row)
        else:
            names, numbers = [self.slope(slot, m, entry, end)], [float(factors[row])]
        more = tuple(zip(names, numbers, strict=True))
        return Begun(path.product * float(factors[row]), (*path.trail, (slot.number, end)), (*path.factors, *more))

    def path(self, found: Begun) -> Path:
        """One path with its factors."""
        names: list[Any] = [name for name, _ in found.factors]
        numbers = [number for _, number in found.factors]
        if self.t.is_loss:
            end = found.trail[-1][1]
            names.append(self.t.by(self.named(self.program.slots[self.end], end)))
            numbers.append(float(self.last[end]))
        visited: list[tuple[int, ...]] = []
        for number, flat in found.trail:
            slot = self.program.slots[number]
            at = (
                (slot.l, *(int(v) for v in np.unravel_index(flat, slot.space.shape))) if slot.space.shape else (slot.l,)
            )
            if not visited or visited[-1] != at:
                visited.append(at)
        symbols = tuple(name if isinstance(name, Expression) else Symbol(name) for name in names)
        indexed: Expression = Product(symbols) if symbols else Number(1)
        in_numbers: Expression = Product(tuple(map(Number, numbers))) if names else Number(1)
        return Path(tuple(visited), indexed, in_numbers, math.prod(numbers))


def scaled(slopes: np.ndarray, o: Onwards) -> Onwards:
    """Through a formula entry by entry."""
    up, down = slopes * o.positive, slopes * o.negative
    nonzero = [n if s != 0 else 0 for n, s in zip(o.nonzero, slopes.tolist(), strict=True)]
    return Onwards(abs(slopes) * o.best, np.maximum(up, down), np.minimum(up, down), o.count, nonzero)


def blocks_of(w: Any) -> Iterator[tuple[slice, np.ndarray]]:
    """A matrix in blocks of rows."""
    first = 0
    for block in row_blocks(w):
        yield slice(first, first + len(block)), block
        first += len(block)


def through_blocks(blocks: Any, o: Onwards, n_below: int) -> Onwards:
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
