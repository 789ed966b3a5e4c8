"""The numbers of a worked example: what it explains, the update of all weights, the loss afterwards.

Before it: `records` and the explainer. After it: `code`, `data` and `layout`, which say them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ...addresses import Address, Derivative, Quantity
from ...operations import Applied, Contraction
from ...program import Program, Slot
from ...records import Records
from ..derivation import Derivation
from ..explainer import TERMS, Explainer

COMPLETE = 150  # up to so many weights and biases everything is shown
LOSS = Quantity("C", sample=0)

Index = tuple[int, ...]
Parameters = tuple[dict[str, np.ndarray], ...]


@dataclass(frozen=True, repr=False)
class Numbers:
    """One sample, followed through the network and back.

    Attributes:
        records: the network's numbers for this one sample, which is sample 0.
        chosen: the derivatives that are explained in full, output layer first.
        further: what else was asked for.
        layers: the layers whose derivatives are listed one by one, output layer first.
        complete: whether every number is shown; else only those of small layers, and the chosen ones.
        learning_rate: η of the update.
        title: the heading.
        terms, depth, digits: see `explain` and `Derivation.to_text`.
        model: the model's file, from which the notebook of a large network loads it.
    """

    records: Records
    chosen: tuple[Derivative, ...]
    further: tuple[Address, ...]
    layers: tuple[int, ...]
    complete: bool
    learning_rate: float
    title: str
    terms: int | None = TERMS
    depth: int = 2
    digits: int = 6
    model: str = ""
    explainer: Explainer = field(init=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "explainer", Explainer(self.records, self.terms, self.depth))

    @property
    def addresses(self) -> tuple[str, ...]:
        """The explained derivatives, as one types them."""
        return tuple(map(str, self.chosen))

    @property
    def others(self) -> tuple[str, ...]:
        """What else was asked for, as one types it."""
        return tuple(map(str, self.further))

    def explain(self, address: str | Address) -> Derivation:
        """The derivation of one number."""
        return self.explainer.explain(address)

    def array(self, l: int, name: str, index: Index = ()) -> Quantity:
        """An array of weights of a layer, or one number of it."""
        return Quantity(name, l, index, None, True)

    def slope(self, l: int, name: str, index: Index = ()) -> Derivative:
        """∂C_0/∂(array)."""
        return Derivative(LOSS, self.array(l, name, index))

    @cached_property
    def gradient(self) -> Parameters:
        """∂C_0/∂(each array) of each layer, with the penalty's derivative."""
        r = self.records
        found = []
        for l, arrays in enumerate(r.parameters):
            of_layer = {name: np.asarray(r.value(self.slope(l, name)), float) for name in arrays}
            for name in r.program.layers[l].penalised if r.penalty.any else ():
                if name in of_layer:
                    penalty = r.value(Derivative(Quantity("R"), self.array(l, name)))
                    of_layer[name] = of_layer[name] + np.asarray(penalty)
            found.append(of_layer)
        return tuple(found)

    @cached_property
    def updated(self) -> Records:
        """The same sample after one update of all arrays: w − η ∂C_0/∂w, all from the old numbers."""
        new = tuple(
            {name: np.asarray(array[...]) - self.learning_rate * gradient[name] for name, array in arrays.items()}
            for arrays, gradient in zip(self.records.parameters, self.gradient, strict=True)
        )
        return Records(self.records.architecture, new, self.records.x, self.records.y)

    @cached_property
    def predicted(self) -> float:
        """What the derivatives say the update does to C_0 + R: −η Σ (∂C/∂w)²."""
        with np.errstate(over="ignore"):
            squares = sum(float((array**2).sum()) for arrays in self.gradient for array in arrays.values())
        return -self.learning_rate * squares

    def objective(self, records: Records) -> float:
        """C_0, with the penalty where there is one."""
        return float(records.C[0]) + records.R

    def listed(self, l: int) -> list[tuple[str, Index]]:
        """The entries of a layer's arrays that are listed one by one: all of a small layer, else the chosen ones."""
        arrays = self.records.parameters[l]
        if l in self.layers:
            return [(name, index) for name in arrays for index in np.ndindex(*arrays[name].shape)]
        return [(a.by.name, a.by.nodes) for a in self.chosen if a.by.layer == l and a.by.name in arrays]

    @property
    def connections(self) -> tuple[tuple[int, int, int], ...]:
        """(l, j, k) of the chosen weights that connect two nodes."""
        found = (a.by for a in self.chosen if a.by.shared and len(a.by.nodes) == 2)
        return tuple((by.layer, *by.nodes) for by in found if weighing(self.records.program, by.layer))  # type: ignore[misc]


# ── what kind of layer it is ──────────────────────────────────────────────────────────────────────


def steps(program: Program, l: int) -> list[Slot]:
    """The quantities of a layer in order."""
    return [slot for slot in program.steps if slot.l == l]


def groups(program: Program, l: int) -> list[list[Slot]]:
    """The quantities of a layer; those with the same indices that follow each other stand together: z and a."""
    found: list[list[Slot]] = []
    for slot in steps(program, l):
        same = found and found[-1][-1].space == slot.space and found[-1][-1].per_sample == slot.per_sample
        if same:
            found[-1].append(slot)
        else:
            found.append([slot])
    return found


def weighing(program: Program, l: int) -> Slot | None:
    """The matrix by which layer l weighs the nodes of the layer below, (j, k) for a connection; None elsewhere."""
    for slot in steps(program, l):
        operation = slot.operation
        if isinstance(operation, Contraction) and operation.dense and len(slot.space.shape) == 1:
            left, right = (program.slots[r] for r in slot.reads[:2])
            below = right.number == program.outputs[l - 1] and slot.space.shape == program.output(l).space.shape
            if below and not left.per_sample:
                return left
    return None


def textbook(program: Program, l: int) -> bool:
    """Whether layer l is z_j = Σ_k w_jk a_k + b_j and a_j = g(z_j) on the layer below it."""
    found, matrix = steps(program, l), weighing(program, l)
    own = matrix is not None and not matrix.reads
    return own and [s.name for s in found] == ["z", "a"] and isinstance(found[1].operation, Applied)


def plain(program: Program) -> bool:
    """Whether all layers are such."""
    return all(textbook(program, l) for l in range(1, program.L + 1))


def usual(records: Records) -> Iterator[Derivative]:
    """One weight of each of the last three layers that have some: w_12 where it exists.

    Example:
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(3), Dense(6), Dense(4)), SquaredError())
        >>> [str(a) for a in usual(Records(net, net.initial(0), np.zeros((1, 3)), np.zeros((1, 4))))]
        ['dC0/dw[2][1,2]', 'dC0/dw[1][1,2]']
    """
    having = [l for l, arrays in enumerate(records.parameters) if arrays]
    for l in reversed(having[-3:]):
        name, array = next(iter(records.parameters[l].items()))
        index = tuple(min(m + 1, size - 1) for m, size in enumerate(array.shape))
        yield Derivative(LOSS, Quantity(name, l, index, None, True))


def count(records: Records) -> int:
    """How many weights and biases there are."""
    return sum(math.prod(array.shape) for arrays in records.parameters for array in arrays.values())
