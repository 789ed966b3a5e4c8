"""The value of any address, on the forward and backward records of some samples.

Before it: a network and samples. After it: `explain` derives what is looked up here, and `Trace` shows it.
All numbers are float64, whatever the weights are stored in; each pass runs when something first needs it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from .addresses import Address, Derivative, Quantity
from .architecture import Architecture
from .arrays import Parameters
from .backward import Pull, losses, pull, stable_form
from .errors import AddressError, InputError, ShapeError, shown
from .expressions import differentiate, evaluate
from .factors import Each, Factors
from .forward import Forward, forward
from .inputs import as_inputs
from .losses import targets
from .program import Program, Slot
from .symbols import Known, parse, resolve
from .wide import row_blocks, widened

LOSS = Quantity("C")
COPIED = 4_000_000  # numbers: the weights of smaller networks are copied, so that training on changes no record


class Records:
    """What a network computes for some samples.

    Args:
        architecture: layers, loss and penalty.
        parameters: their arrays, in any precision. Those of small networks are copied; more than COPIED numbers
            are read where they are, so read what you need before you train on.
        x: (n, n_0), or one sample (n_0,).
        y: targets (n, n_L), one sample's (n_L,) with one x, or integer labels (n,).

    Raises:
        ShapeError, InputError: arrays that don't fit the network.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(1), Dense(1)), SquaredError())
        >>> r = Records(net, ({}, {"w": np.array([[3.0]]), "b": np.array([1.0])}), [[2.0]], [[5.0]])
        >>> r.value("z[1][0]"), r.value("C0"), r.value("dC0/dw[1][0,0]"), r.value("da[1][0]/dx[0]")
        (7.0, 4.0, 8.0, 3.0)
    """

    def __init__(self, architecture: Architecture, parameters: Parameters, x: Any, y: Any):
        architecture.check(parameters)
        self.architecture = architecture
        self.program, self.loss, self.penalty = architecture.program, architecture.loss, architecture.penalty
        self.L, self.n = architecture.L, architecture.n
        copy = sum(array.size for layer in parameters for array in layer.values()) <= COPIED
        self.parameters = tuple({name: widened(array, copy) for name, array in layer.items()} for layer in parameters)
        self.x, self.y = _samples(x, y, self.program)
        self._adjoints: dict[Quantity, Adjoint] = {}
        self._addresses: dict[Any, Any] = {}  # what was asked for already, resolved
        self._values: dict[Any, float] = {}

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.x)

    @cached_property
    def forward(self) -> Forward:
        """Every z^(l) and a^(l), (n, n_l)."""
        return forward(self.program, self.parameters, self.x)

    @cached_property
    def targets(self) -> np.ndarray:
        """y as numbers (n, n_L)."""
        return targets(self.y, self.forward.a[-1])

    @cached_property
    def C(self) -> np.ndarray:
        """C_i of each sample, (n,)."""
        return losses(self.program, self.loss, self.forward, self.targets)

    @cached_property
    def R(self) -> float:
        """The penalty."""
        blocks = (block for array in self.architecture.penalised(self.parameters) for block in row_blocks(array))
        return float(sum(self.penalty.R((block,)) for block in blocks)) if self.penalty.any else 0.0

    @cached_property
    def fused(self):
        """The fused form of the output layer's δ, where there is one."""
        return stable_form(self.program, self.loss)

    def g(self, l: Any) -> Any:
        """The activation of layer l."""
        return self.program.activation(l)

    def adjoint(self, of: Quantity) -> Adjoint:
        """The derivatives of a quantity (C_i, z or a of a node) in everything below it. Kept: asked for once."""
        key = LOSS if of.name == "C" else of
        if key not in self._adjoints:
            self._adjoints[key] = Adjoint(self, key)
        return self._adjoints[key]

    def address(self, address: str | Address) -> Any:
        """The address with numbers for L and i, checked against this network and these samples.

        Raises:
            AddressError: it names nothing here.
        """
        if address in self._addresses:
            return self._addresses[address]
        found: Any = parse(address, self.program) if isinstance(address, str) else address
        found = resolve(found, self.program, self.samples)
        for q in (found.of, found.by) if isinstance(found, Derivative) else (found,):
            if q.name.endswith("+"):
                raise AddressError(
                    str(address), "what it becomes depends on the optimiser", None, "Ask for its update."
                )
        if isinstance(found, Derivative):
            self._check_derivative(found)
        self._addresses[address] = found
        return found

    def known(self, q: Quantity) -> Known:
        """Letters, sizes and kind of a symbol."""
        found = self.program.known(q.name, q.layer)
        assert found is not None  # its address is resolved
        return found

    def scalar(self, address: Quantity | Derivative) -> bool:
        """Whether an address names one number, not a row or an array."""
        if isinstance(address, Derivative):
            return self.scalar(address.of) and self.scalar(address.by)
        return len(address.nodes) == len(self.known(address).letters)

    def slot(self, q: Quantity) -> Slot:
        """The slot in which a canonical quantity's value stands."""
        found = self.program.slot(q.layer, q.name)
        assert found is not None
        return found

    def value(self, address: str | Address) -> Any:
        """The number at an address; an array where the address names a row or a whole array.

        Raises:
            AddressError: it names nothing in this network.
        """
        return self.number(self.address(address))

    def number(self, found: Any) -> Any:
        """The same for an address that is resolved already."""
        if found in self._values:
            return self._values[found]
        with np.errstate(all="ignore"):  # what is not finite is said where it is shown
            value = self.derivative(found) if isinstance(found, Derivative) else self.quantity(found)
        if np.ndim(value):
            return read_only(value)
        self._values[found] = float(value)
        return self._values[found]

    def quantity(self, q: Quantity) -> Any:
        """The value of a symbol (its address already resolved)."""
        i = q.sample
        match q.name:
            case "C":
                return self.C.mean() if i is None else self.C[i]
            case "R":
                return self.R
            case "y":
                values = self.targets[i]
            case "delta":
                return self.derivative(Derivative(Quantity("C", sample=i), q.called("z")))
            case "g'":
                if not self.g(q.layer).elementwise:
                    l = q.layer
                    raise AddressError(
                        str(q), f"{self.program.where(l)} mixes its nodes, so g′ is a matrix", None,
                        f"Ask for da[{l}][j]/dz[{l}][i].",
                    )  # fmt: skip
                values = self.slope(q.layer)[i]
            case _:
                q = canonical(q)
                values = self.forward.values[self.slot(q).number]
                if not q.shared:
                    values = values[i]
                elif not q.nodes:
                    return values[...]
        return values[q.nodes] if q.nodes else values

    def slope(self, l: Any) -> np.ndarray:
        """g′(z^(l)) of all samples, (n, …)."""
        with np.errstate(all="ignore"):
            return self.g(l).derivative(self.forward.inputs(self.program.outputs[l])[0])

    def derivative(self, d: Derivative) -> Any:
        """∂of/∂by (its addresses already resolved): one number, or an array where some of `by`'s indices are open."""
        of, by = canonical(d.of), canonical(d.by)
        if not self.depends(of, by):
            return np.zeros(self.known(by).sizes[len(by.nodes) :])[()]
        if of.name == "R":
            return self.penalty.dR_dw(np.asarray(self.quantity(by)))
        if by.name == "y":
            return self._by_target(of, by)
        mean = of.name == "C" and of.sample is None
        adjoint, slot = self.adjoint(of), self.slot(by)
        if by.shared:
            factors = adjoint.factors(slot.number)
            if of.name == "C" and of.sample is not None:
                factors = factors.of_sample(of.sample)
            return factors.part(by.nodes)
        row = adjoint.d(slot.number)[adjoint.row(by.sample)]
        row = row / self.samples if mean else row
        return row[by.nodes] if by.nodes else row

    def depends(self, of: Quantity, by: Quantity) -> bool:
        """Whether `of` is computed from `by`, both canonical and of one sample; its value may still not change."""
        if by.name == "y":
            return of.name == "C"
        if of.name == "R":
            return by.shared and by.name in self.program.layers[by.layer].penalised
        below = self.slot(by).number
        end = self.program.outputs[-1] if of.name == "C" else self.slot(of).number
        return below == end or below in self.program.ancestors[end]

    def _by_target(self, of: Quantity, by: Quantity) -> Any:
        slope = differentiate(self.loss.equation, "y")
        constants = self.loss.parameters | {"n_L": self.n[-1]}
        i = by.sample
        shape = self.targets.shape[1:]
        found = []
        for nodes in [by.nodes] if len(by.nodes) == len(shape) else np.ndindex(*shape):
            a, y = float(self.forward.output[(i, *nodes)]), float(self.targets[(i, *nodes)])
            try:
                found.append(evaluate(slope, constants | {"a": a, "y": y}))
            except (ValueError, ZeroDivisionError):  # log 0, 1/0: the loss is infinite there
                found.append(float("nan"))
        row = np.array(found, dtype=float) / (self.samples if of.sample is None else 1)
        return row[0] if len(by.nodes) == len(shape) else row.reshape(shape)

    def _check_derivative(self, d: Derivative) -> None:
        """Raise an AddressError unless ∂of/∂by means something."""
        where, of, by = str(d), d.of, d.by
        if of.name in ("delta", "g'"):
            raise AddressError(where, f"{of} is a derivative already, so this would be a second derivative")
        if not self.known(of).computed:
            raise AddressError(where, f"the network does not compute {of}", None, "Differentiate z, a, g, C or R.")
        if not self.known(by).variable:
            raise AddressError(where, "expected w, b, z, a, g, x or y below the line", by.name)
        if not self.scalar(of):
            raise AddressError(where, f"{of} is an array", None, "Name one of its nodes.")
        if of.sample is not None and by.sampled and of.sample != by.sample:
            raise AddressError(
                where, f"{of} belongs to sample {of.sample}, {by} to sample {by.sample}: samples do not mix"
            )


class Adjoint:
    """∂T/∂q of everything below T, each when it is first asked for.

    T is C (one row per sample: the samples do not mix), or one number of a sample's quantity (one row).
    """

    def __init__(self, records: Records, of: Quantity):
        self.records, self.of, r = records, of, records
        if of.name == "C":
            with np.errstate(all="ignore"):
                self.pull = pull(r.program, r.loss, r.forward, r.targets)
            return
        slot = r.slot(of).number
        one = np.zeros((1, *r.program.slots[slot].space.shape))
        one[(0, *of.nodes)] = 1.0
        if of.shared:  # made of weights alone
            self.pull = Pull(r.forward, {}, slot)
            self.pull.kept[slot] = [Each(one)]
            return
        rows = slice(of.sample, of.sample + 1)
        values = [v[rows] if s.per_sample else v for s, v in zip(r.program.slots, r.forward.values, strict=True)]
        self.pull = Pull(Forward(r.program, values), {slot: one}, slot)

    def row(self, sample: Any) -> int:
        """Where a sample's row stands."""
        return sample if self.of.name == "C" else 0

    def d(self, slot: int) -> np.ndarray:
        """∂T/∂(slot), (n, …); 0 where nothing comes back."""
        d = self.pull.of(slot)
        return np.zeros((1, *self.records.program.slots[slot].space.shape)) if d is None else d

    def factors(self, slot: int) -> Factors:
        """The factors of ∂T/∂(weights), of weights from which T is computed."""
        found = self.pull.factors(slot)
        assert found is not None  # `Records.depends` was asked before
        return found

    def da(self, l: int) -> np.ndarray:
        """∂T/∂a^(l), (n, …)."""
        return self.d(self.records.program.outputs[l])

    def dz(self, l: int) -> np.ndarray:
        """∂T/∂z^(l), (n, …)."""
        return self.d(self.records.program.names[l]["z"])


def read_only(array: np.ndarray) -> np.ndarray:
    """The array, so that nobody changes a record through it."""
    view = array.view()
    view.flags.writeable = False
    return view


def canonical(q: Quantity) -> Quantity:
    """The quantity by its one internal name: x is a^(0), g(z) is a.

    Example:
        >>> str(canonical(Quantity("x", nodes=(3,))))
        'a[0][3]'
    """
    if q.name == "x":
        return replace(q, name="a", layer=0)
    return q.called("a") if q.name == "g" else q


def _samples(x: Any, y: Any, program: Program) -> tuple[np.ndarray, np.ndarray]:
    """x and y as arrays that fit the network."""
    x, y = np.asarray(x), np.asarray(y)
    inside, outside = program.slots[0].space.shape, program.output(program.L).space.shape
    if x.dtype.kind not in "fiub" or y.dtype.kind not in "fiub":
        raise InputError("x and y", "expected numbers", shown(x if x.dtype.kind not in "fiub" else y))
    if x.shape == inside and y.shape in ((), outside):
        y = y[None]
    x = as_inputs(x, inside)
    n_L = outside[-1]
    labels = y.ndim == len(outside) and y.dtype.kind in "iub"
    if y.ndim == len(outside) and not labels and n_L == 1:
        y = y[..., None]
    if len(y) != len(x) or not (labels or y.shape[1:] == outside):
        wanted = ", ".join(map(str, outside))
        raise ShapeError("y", f"expected ({len(x)}, {wanted}) or {len(x)} whole-number labels", y.shape)
    if labels and n_L == 1:
        y, labels = y[..., None], False
    if labels and not (y.min() >= 0 and y.max() < n_L):
        raise InputError("y", f"expected labels 0 … {n_L - 1}", f"{y.min()} … {y.max()}")
    return x.astype(np.float64), y.astype(np.int64 if labels else np.float64)
