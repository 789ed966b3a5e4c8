"""x → a record of every quantity of the program.

Before it: a program and its arrays. After it: `backward`, which walks the record in reverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from .arrays import Array, Parameters
from .program import Program


class Forward:
    """The value of every slot of a program: `values[slot.number]`, samples first.

    Attributes:
        z: z^(l), indexed by l, each (n, …); None for a layer that has none, as the input.
        a: what each layer hands on, indexed by l; a[0] is x.
    """

    def __init__(self, program: Program, values: list[Array]):
        self.program, self.values = program, values

    @cached_property
    def z(self) -> tuple[Any, ...]:
        """z^(l), indexed by l."""
        found = (names.get("z") for names in self.program.names)
        return tuple(None if number is None else self.values[number] for number in found)

    @cached_property
    def a(self) -> tuple[Array, ...]:
        """What each layer hands on, indexed by l."""
        return tuple(self.values[number] for number in self.program.outputs)

    @property
    def output(self) -> Array:
        """What the network hands on, (n, …)."""
        return self.values[self.program.outputs[-1]]

    def inputs(self, number: int) -> tuple[Array, ...]:
        """What a step reads."""
        return tuple([self.values[r] for r in self.program.slots[number].reads])


def forward(program: Program, parameters: Parameters, x: Array) -> Forward:
    """The forward pass of all samples at once.

    Args:
        program: the network's quantities.
        parameters: the arrays of layers 0 … L.
        x: the inputs, (n, …).

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.program import program
        >>> net = program((Input(2), Dense(1)))
        >>> record = forward(net, ({}, {"w": np.array([[2.0, 3.0]]), "b": np.array([1.0])}), np.ones((1, 2)))
        >>> record.z[1], record.a[1]
        (array([[6.]]), array([[6.]]))
    """
    values = program.values(parameters, x)
    # An e^(−z) that overflows to infinity gives the right limit; what stays non-finite is found by those who check.
    with np.errstate(all="ignore"):
        for value, reads in program.forwards:
            values.append(value(*[values[r] for r in reads]))
    return Forward(program, values)


def again(program: Program, before: list[Array], changed: Mapping[int, Array]) -> Forward:
    """The forward pass with some slots given: only what depends on them is computed, the rest is as before.

    Args:
        before: the value of every slot.
        changed: the slots that are given.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.program import program
        >>> net = program((Input(1), Dense(1, "relu"), Dense(1)))
        >>> w = ({}, *[{"w": np.array([[2.0]]), "b": np.array([0.0])}] * 2)
        >>> again(net, forward(net, w, np.ones((1, 1))).values, {net.names[1]["z"]: np.array([[-3.0]])}).output
        array([[0.]])
    """
    values, moved = list(before), set(changed)
    for number, array in changed.items():
        values[number] = array
    with np.errstate(all="ignore"):
        for slot in program.steps:
            if slot.number not in moved and any(r in moved for r in slot.reads):
                values[slot.number] = slot.operation.value(*[values[r] for r in slot.reads])
                moved.add(slot.number)
    return Forward(program, values)
