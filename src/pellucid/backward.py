"""The way back: ∂T/∂q of every quantity q, from what is known at the end of the program; factors for every weight.

Before it: `forward`. After it: `factors` contracts, the optimiser updates. The whole pass reads the old weights.
T is the loss, or any other quantity that somebody asks about: only the start differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from .arrays import Array, Parameters, namespace
from .factors import Factors, Through, Together
from .forward import Forward
from .losses import Fused, Loss, fused
from .operations import Applied, Operation
from .program import Program, Slot


def stable_form(program: Program, loss: Loss) -> Fused | None:
    """The fused form of the output's activation and the loss, where there is one."""
    operation = program.last.operation
    return fused(operation.g, loss) if isinstance(operation, Applied) else None


def losses(program: Program, loss: Loss, record: Forward, y: Array, *, stable: bool = True) -> Array:
    """C_i of each sample, (n,); in the fused form where there is one, unless `stable` is False."""
    form = stable_form(program, loss) if stable else None
    with np.errstate(all="ignore"):
        return form.C(record.values[program.last.reads[0]], y) if form else loss.C(record.output, y)


class Pull:
    """∂T/∂q for every slot below T, each computed when the walk first comes to it.

    Args:
        record: the forward pass.
        known: ∂T/∂q where it is known: at the output for a loss, 1 at T itself for a quantity.
        until: the last slot whose own operation is walked through; by default the program's last.
        to_input: also through what no weight takes part in, down to x.
    """

    def __init__(self, record: Forward, known: Mapping[int, Array], until: int | None = None, to_input: bool = True):
        self.record, self.program, self.to_input = record, record.program, to_input
        self.d: dict[int, Array] = dict(known)
        self.at = len(self.program.slots) - 1 if until is None else until
        self.kept: dict[int, list[Factors]] = {}

    def walk(self, first: int) -> None:
        """Back through all operations down to `first`: what comes to a result is handed on to all that it reads."""
        slots, values, d, kept = self.program.slots, self.record.values, self.d, self.kept
        while self.at >= first:
            slot = slots[self.at]
            self.at -= 1
            number, operation = slot.number, slot.operation
            if number in d:
                x, out, dT = tuple([values[r] for r in slot.reads]), values[number], d[number]
                for m, read, weighs, trained in slot.inputs:
                    if weighs:
                        kept.setdefault(read, []).append(operation.factors(m, x, out, dT))
                    elif trained or self.to_input:
                        back = operation.pull_back(m, x, out, dT)
                        d[read] = d[read] + back if read in d else back
            elif number in kept:
                self.through_weights(slot, tuple([values[r] for r in slot.reads]), values[number])

    def through_weights(self, slot: Slot, x: tuple[Array, ...], out: Array) -> None:
        """Through an operation on weights alone: each sample's derivative goes on to the weights that it reads."""
        outer = self.factors(slot.number)
        assert outer is not None
        for m, read in enumerate(slot.reads):
            back = Back(slot.operation, m, x, out)
            self.kept.setdefault(read, []).append(Through(outer, back, outer.delta))

    def down_to(self, number: int) -> None:
        """Walk until everything that reads this slot has handed down its share."""
        first = self.program.first_reader[number]
        if self.at >= first:
            with np.errstate(all="ignore"):
                self.walk(first)

    def of(self, number: int) -> Array | None:
        """∂T/∂(slot), (n, …); None where nothing comes back."""
        self.down_to(number)
        return self.d.get(number)

    def factors(self, number: int) -> Factors | None:
        """The factors of ∂T_i/∂(weights); None where nothing comes back."""
        if self.at >= self.program.first_reader[number]:
            self.down_to(number)
        places = self.kept.get(number)
        if not places:
            return None
        return places[0] if len(places) == 1 else Together(tuple(places))


class Back:
    """The adjoint of an operation on weights, applied to each sample's derivative."""

    def __init__(self, operation: Operation, m: int, x: tuple[Array, ...], out: Array):
        self.operation, self.m, self.out = operation, m, out[None]
        self.x = tuple(array[None] for array in x)

    def __call__(self, d: Array) -> Array:
        """∂T_i/∂(its input) for each sample."""
        return self.operation.pull_back(self.m, self.x, self.out, d)


class Backward:
    """Every derivative of C_i, one row per sample: the samples do not mix.

    Attributes:
        pull: ∂C_i/∂q for every slot.
        dC_da: ∂C_i/∂a^(l), indexed by l = 0 … L, each (n, …). None where it was not asked for.
        delta: δ^(l) = ∂C_i/∂z^(l), indexed by l; None for a layer without z.
        factors: per layer 0 … L the factors of ∂C_i/∂w by the array's name.
    """

    def __init__(self, pull: Pull):
        self.pull = pull

    @cached_property
    def dC_da(self) -> tuple[Array | None, ...]:
        """∂C_i/∂a^(l), indexed by l."""
        return tuple(self.pull.of(number) for number in self.pull.program.outputs)

    @cached_property
    def delta(self) -> tuple[Array | None, ...]:
        """δ^(l), indexed by l."""
        found = (names.get("z") for names in self.pull.program.names)
        return tuple(None if number is None else self.pull.of(number) for number in found)

    @cached_property
    def factors(self) -> tuple[dict[str, Factors], ...]:
        """The factors of every array of weights, by layer and name."""
        layers: tuple[dict[str, Factors], ...] = tuple({} for _ in self.pull.program.layers)
        for number, (l, name) in enumerate(self.pull.program.arrays, 1):
            found = self.pull.factors(number)
            assert found is not None  # the program has no layer that nobody reads
            layers[l][name] = found
        return layers

    def gradient(self, weights: Array | None = None) -> Parameters:
        """∂C/∂w and ∂C/∂b of layers 0 … L, averaged over the samples or with `weights` (n,) of sum 1."""
        pull, layers = self.pull, tuple({} for _ in self.pull.program.layers)
        for number, (l, name) in enumerate(pull.program.arrays, 1):
            found = pull.factors(number)
            w = pull.record.values[number]
            layers[l][name] = found.mean(weights) if found else namespace(w).zeros_like(w)  # nothing reads it
        return layers


def pull(
    program: Program,
    loss: Loss,
    record: Forward,
    y: Array,
    *,
    stable: bool = True,
    to_input: bool = True,
    to_output: bool = True,
) -> Pull:
    """The backward pass from the loss, not yet walked; arguments as in `backward`."""
    last, form = program.last, stable_form(program, loss) if stable else None
    known: dict[int, Array] = {}
    if to_output or not form:
        known[last.number] = loss.dC_da(record.values[last.number], y)  # ∂C_i/∂a^(L)
    if form:
        known[last.reads[0]] = form.delta(record.values[last.number], y)  # a − y
    return Pull(record, known, last.number - bool(form), to_input)


def backward(
    program: Program,
    loss: Loss,
    record: Forward,
    y: Array,
    *,
    stable: bool = True,
    to_input: bool = True,
    to_output: bool = True,
) -> Backward:
    """The backward pass of all samples at once.

    Args:
        program: the network's quantities.
        loss: the loss C_i.
        record: what `forward` returned.
        y: the targets, (n, n_L), or integer labels (n,).
        stable: use the fused form of the output layer's δ where there is one (δ = a − y).
        to_input: also compute ∂C_i/∂x, which training has no use for.
        to_output: also compute ∂C_i/∂a^(L) where the fused form does without it.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> from pellucid.program import program
        >>> net, parameters = program((Input(1), Dense(1))), ({}, {"w": np.array([[3.0]]), "b": np.array([0.0])})
        >>> from pellucid.forward import forward
        >>> record = forward(net, parameters, np.array([[2.0]]))
        >>> back = backward(net, SquaredError(), record, np.array([[5.0]]))
        >>> back.delta[1], back.gradient()[1]["w"]     # 2(a − y) · 1, and that times a^(0) = 2
        (array([[2.]]), array([[4.]]))
    """
    with np.errstate(all="ignore"):
        started = pull(program, loss, record, y, stable=stable, to_input=to_input, to_output=to_output)
        started.walk(len(program.arrays) + 1)
    return Backward(started)
