"""A network's quantities in the order in which they are computed: every layer unfolded into its operations.

Before it: `layers`, each of which tells its arrays and quantities. After it: `forward` runs the program, `backward`
walks it in reverse, `records` and `explain` read its names, letters and sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from .activations import Activation
from .arrays import Array, Parameters
from .errors import InputError, ShapeError, shown
from .layers import Input, Layer
from .operations import Applied, Operation
from .spaces import Space
from .symbols import Known

GIVEN = Operation()  # of what nothing computes


@dataclass(frozen=True)
class Slot:
    """One named array of a network: its input, an array of weights, or a quantity that an operation computes.

    Attributes:
        l, name: its address: z[2] is layer 2's z.
        space: its letters and sizes, without the samples.
        per_sample: whether each sample has its own.
        operation: what computes it.
        reads: the slots that the operation reads.
        number: its place in the program's record.
        inputs: of each read slot: which input it is, its number, whether it is the same for all samples (weights), and
            whether some weight takes part in it, so that training wants its derivative.
        trained: whether some weight takes part in it.
    """

    l: int
    name: str
    space: Space
    per_sample: bool
    number: int
    operation: Operation = GIVEN
    reads: tuple[int, ...] = ()
    inputs: tuple[tuple[int, int, bool, bool], ...] = ()
    trained: bool = False


class Program:
    """The quantities of layers 0 … L.

    Attributes:
        layers: layers 0 … L, layer 0 the input.
        slots: x first, then the arrays of weights, then the quantities in order.
        arrays: (l, name) of each array of weights, as they stand behind x.
        steps: the quantities: those slots that an operation computes.
        outputs: for each layer the slot that other layers read; last: the network's output.

    Raises:
        InputError, ShapeError: layers that don't fit each other.

    Example:
        >>> from pellucid.layers import Dense
        >>> program = Program((Input(4), Dense(3, "tanh"), Dense(2)))
        >>> [f"{s.name}[{s.l}]" for s in program.steps], program.n
        (['z[1]', 'a[1]', 'z[2]', 'a[2]'], (4, 3, 2))
    """

    def __init__(self, layers: Sequence[Layer]):
        self.layers = tuple(layers)
        self.reads, self.below = wired(self.layers)
        x = self.layers[0]
        slots = [Slot(0, "a", x.space, True, 0)]  # type: ignore[attr-defined]
        by_name: list[dict[str, int]] = [{"a": 0, "x": 0}]
        for l, layer in enumerate(self.layers[1:], 1):
            names = {}
            for name, shape in layer.arrays(*self.below[l]).items():
                names[name] = len(slots)
                letters = layer.letters(*self.below[l])[name]
                slots.append(Slot(l, name, Space(letters, shape), False, len(slots), trained=True))
            by_name.append(names)
        self.arrays = tuple((slot.l, slot.name) for slot in slots[1:])
        self.outputs = [0]
        for l, layer in enumerate(self.layers[1:], 1):
            for defined in layer.quantities(*self.below[l]):
                reads = tuple(
                    self.outputs[self.reads[l][r]] if isinstance(r, int) else by_name[l][r] for r in defined.reads
                )
                space = defined.operation.space(*(slots[r].space for r in reads))
                per_sample = any(slots[r].per_sample for r in reads)
                trained = any(slots[r].trained for r in reads)
                by_name[l][defined.name] = len(slots)
                inputs = tuple((m, r, not slots[r].per_sample, slots[r].trained) for m, r in enumerate(reads))
                slots.append(
                    Slot(l, defined.name, space, per_sample, len(slots), defined.operation, reads, inputs, trained)
                )
            self.outputs.append(len(slots) - 1)
        self.slots: tuple[Slot, ...] = tuple(slots)
        self.names: tuple[dict[str, int], ...] = tuple(by_name)
        self.last = slots[-1]
        self._known: dict[tuple[str, int | None], Known | None] = {}
        self.steps = tuple(slot for slot in slots if slot.reads)
        # What the loops of `forward` and `backward` need of each step, so that they look nothing up.
        self.forwards = tuple((slot.operation.direct(), slot.reads) for slot in self.steps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self.layers == other.layers

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self):
        return program, (self.layers,)

    @cached_property
    def _hash(self) -> int:
        return hash(self.layers)

    @property
    def L(self) -> int:
        """Index of the output layer."""
        return len(self.layers) - 1

    @cached_property
    def n(self) -> tuple[int, ...]:
        """n_l, the number of nodes of each layer 0 … L: how many numbers it hands on."""
        return tuple(self.slots[s].space.size for s in self.outputs)

    @cached_property
    def readers(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each slot, which slots read it, and as which of their inputs."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.slots]
        for slot in self.steps:
            for m, read in enumerate(slot.reads):
                found[read].append((slot.number, m))
        return tuple(tuple(f) for f in found)

    @cached_property
    def first_reader(self) -> tuple[int, ...]:
        """For each slot the first step that reads it; behind the last one where nothing does."""
        return tuple(min((reader for reader, _ in found), default=len(self.slots)) for found in self.readers)

    @cached_property
    def ancestors(self) -> tuple[frozenset[int], ...]:
        """For each slot all those from which it is computed."""
        found: list[frozenset[int]] = []
        for slot in self.slots:
            found.append(frozenset(slot.reads).union(*(found[r] for r in slot.reads)))
        return tuple(found)

    def slot(self, l: int, name: str) -> Slot | None:
        """The slot of a name in a layer; None where the layer has none."""
        number = self.names[l].get(name) if 0 <= l <= self.L else None
        return None if number is None else self.slots[number]

    def words(self) -> tuple[str, ...]:
        """All names of the network's arrays and quantities, and those that go with them; `symbols` reads by them."""
        return self._words

    @cached_property
    def _words(self) -> tuple[str, ...]:
        own = dict.fromkeys(name for names in self.names[1:] for name in names)
        arrays = dict.fromkeys(name for _, name in self.arrays)
        more = ["g", "g'"] if any(self.activation(l) for l in range(self.L + 1)) else []
        return (*own, *more, *(["delta"] if "z" in own else []), *(f"{name}+" for name in arrays), "x", "y", "C", "R")

    def known(self, name: str, l: int | None) -> Known | None:
        """What a name stands for in a layer; None where the layer has none."""
        if (name, l) not in self._known:
            self._known[name, l] = self._looked_up(name, l)
        return self._known[name, l]

    def _looked_up(self, name: str, l: int | None) -> Known | None:
        if name in ("C", "R"):
            return Known("", (), name == "R", (), computed=True) if l is None else None
        if name in ("x", "y"):
            if l is not None:
                return None
            slot = self.output(0 if name == "x" else self.L)
        else:
            given = {"delta": "z", "g": "a", "g'": "a"}.get(name, name.removesuffix("+"))
            if l is None or (name[:1] == "g" and name in ("g", "g'") and not (0 <= l <= self.L and self.activation(l))):
                return None
            slot = self.slot(l, given)
            if slot is None or given == "x":
                return None
        return self.described(slot, name)

    def described(self, slot: Slot, name: str) -> Known:
        """What is to be known of a slot under one of its names."""
        letters, sizes = slot.space.letters, slot.space.shape
        one = len(self.output(slot.l).space.shape) == 1
        below = next((r for r in self.reads[slot.l] if len(self.output(r).space.shape) == 1), None)
        layers = tuple(slot.l if c == "j" and one else below if c == "k" else None for c in letters)
        derived = name in ("delta", "g'") or name.endswith("+")
        computed = bool(slot.reads) and not derived and name not in ("x", "y")
        return Known(letters, sizes, not slot.per_sample, layers, computed, variable=not derived)

    def where(self, l: int) -> str:
        """Layer l as an error message names it."""
        g = self.activation(l)
        return f"layer {l} ({self.layers[l].kind}{f', {g.name}' if g else ''})"

    def output(self, l: int) -> Slot:
        """What layer l hands on."""
        return self.slots[self.outputs[l]]

    def activation(self, l: int) -> Activation | None:
        """g of layer l: the activation whose output it hands on, or None."""
        operation = self.output(l).operation
        return operation.g if isinstance(operation, Applied) else None

    def applied(self, l: int) -> Activation:
        """g of a layer that has one."""
        g = self.activation(l)
        assert g is not None, f"layer {l} applies no activation"
        return g

    def shapes(self, l: int) -> dict[str, tuple[int, ...]]:
        """The shape of each array of weights of layer l."""
        return {s.name: s.space.shape for s in self.slots[1 : 1 + len(self.arrays)] if s.l == l}

    def values(self, parameters: Parameters, x: Array) -> list[Array]:
        """The record before the first step: x and the arrays of weights in their slots."""
        return [x, *(parameters[l][name] for l, name in self.arrays)]

    @cached_property
    def multiplications(self) -> tuple[int, ...]:
        """For each step that weighs its input, how many multiplications a sample takes."""
        return tuple(
            self.slots[slot.reads[0]].space.size
            * max(1, slot.space.size // max(1, self.slots[slot.reads[0]].space.shape[0]))
            for slot in self.steps
            if slot.operation.sums and 0 < slot.reads[0] <= len(self.arrays)
        )


@lru_cache(maxsize=256)
def program(layers: tuple[Layer, ...]) -> Program:
    """The program of these layers, made once."""
    return Program(layers)


def wired(layers: tuple[Layer, ...]) -> tuple[list[tuple[int, ...]], list[tuple[Space, ...]]]:
    """Which layers each layer reads, and the spaces of these.

    Raises:
        InputError: a layer that reads itself or a later one, or that none reads.
        ShapeError: a layer that does not fit those that it reads.
    """
    reads: list[tuple[int, ...]] = [()]
    below: list[tuple[Space, ...]] = [()]
    out: list[Space] = [layers[0].space]  # type: ignore[attr-defined]
    for l, layer in enumerate(layers[1:], 1):
        found = tuple(r if r >= 0 else l + r for r in layer.reads or (l - 1,))
        if not all(0 <= r < l for r in found):
            raise InputError(f"layer {l} ({layer.kind})", f"expected to read layers 0 … {l - 1}", shown(layer.reads))
        reads.append(found)
        below.append(tuple(out[r] for r in found))
        try:
            out.append(handed_on(layer, below[-1]))
        except ShapeError as error:
            raise ShapeError(f"layer {l} ({layer.kind})", error.expected, error.got, error.do) from None
    read = {r for found in reads for r in found}
    for l, layer in enumerate(layers[:-1]):
        if l not in read:
            do = f"Leave it out, or let a later layer read it: reads={l}."
            raise InputError(f"layer {l} ({layer.kind})", "expected a later layer that reads it", "none", do)
    return reads, below


def handed_on(layer: Layer, below: tuple[Space, ...]) -> Space:
    """The space of what a layer hands on."""
    shapes, letters = layer.arrays(*below), layer.letters(*below)
    spaces: dict[str, Space] = {name: Space(letters[name], shape) for name, shape in shapes.items()}
    space = below[0]
    for defined in layer.quantities(*below):
        space = defined.operation.space(*(below[r] if isinstance(r, int) else spaces[r] for r in defined.reads))
        spaces[defined.name] = space
    return space


__all__ = ["Input", "Program", "Slot", "program"]
