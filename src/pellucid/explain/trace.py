"""The record of some samples as people use it: t.z[2], t.dC_dw[2], t["dC0/dw[2][1,2]"], t.explain(…).

Before it: `Network.trace` hands over the network and the samples. Each number is computed when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..addresses import Quantity
from ..architecture import Architecture
from ..arrays import Parameters
from ..errors import AddressError, shown
from ..records import Records, read_only
from .derivation import Derivation, Paths
from .explainer import TERMS, Explainer
from .nudge import Nudge, nudge
from .render import blocks as b
from .render.display import bundle
from .render.picture import shape_text
from .sentences import joined, say
from .update import update
from .worked import WorkedExample, worked_example


class ByLayer:
    """Arrays by the number of their layer, computed when they are asked for: t.z[2].

    Example:
        >>> z = ByLayer("z", 1, 2, lambda l: np.full(2, l))
        >>> z[2], list(z)
        (array([2, 2]), [array([1, 1]), array([2, 2])])
    """

    def __init__(self, name: str, first: int, last: int, get: Callable[[int], np.ndarray]):
        self._name, self._first, self._last, self._get = name, first, last, get

    def __getitem__(self, l: int) -> np.ndarray:
        if not isinstance(l, int | np.integer) or not self._first <= l <= self._last:
            raise AddressError(f"{self._name}[{shown(l)}]", f"the layers that have it are {self._first} … {self._last}")
        return read_only(self._get(int(l)))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[l] for l in range(self._first, self._last + 1))

    def __repr__(self) -> str:
        return f"{self._name}[{self._first} … {self._last}]"


class Trace:
    """What a network computes for some samples, in float64.

    Attributes:
        z, a: z^(l) for l = 1 … L and a^(l) for l = 0 … L, each (n, n_l).
        dC_da, delta: ∂C_i/∂a^(l) (0 … L) and δ^(l) (1 … L), each (n, n_l).
        dC_dw, dC_db: the mean gradients ∂C/∂w^(l) (n_l, n_(l−1)) and ∂C/∂b^(l) (n_l,), without the penalty.
        C: C_i of each sample, (n,).
        records: what explanations are made of.

    Args:
        architecture, parameters: the network.
        x: (n, n_0).
        y: (n, n_L), or labels (n,).

    Raises:
        ShapeError, InputError: arrays that don't fit the network.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(1), Dense(1)), SquaredError())
        >>> t = Trace(net, ({}, {"w": np.array([[3.0]]), "b": np.array([1.0])}), [[2.0]], [[5.0]])
        >>> t.z[1], t.C, t.dC_dw[1], t["dC0/dw[1][0,0]"]
        (array([[7.]]), array([4.]), array([[8.]]), 8.0)
    """

    def __init__(self, architecture: Architecture, parameters: Parameters, x: Any, y: Any):
        self.records = r = Records(architecture, parameters, x, y)
        loss = Quantity("C")
        L = r.L
        self.z = ByLayer("z", 1, L, lambda l: r.forward.z[l])
        self.a = ByLayer("a", 0, L, lambda l: r.forward.a[l])
        self.dC_da = ByLayer("dC_da", 0, L, lambda l: r.adjoint(loss).da(l))
        self.delta = ByLayer("delta", 1, L, lambda l: r.adjoint(loss).dz(l))
        self.dC_dw = ByLayer("dC_dw", 1, L, lambda l: self._factors(l, "w").mean())
        self.dC_db = ByLayer("dC_db", 1, L, lambda l: self._factors(l, "b").mean())

    @property
    def L(self) -> int:
        """The number of the output layer."""
        return self.records.L

    @property
    def n(self) -> tuple[int, ...]:
        """n_l of each layer."""
        return self.records.n

    @property
    def C(self) -> np.ndarray:
        """C_i of each sample, (n,)."""
        return read_only(self.records.C)

    @property
    def y(self) -> np.ndarray:
        """The targets as numbers, (n, n_L)."""
        return read_only(self.records.targets)

    def __reduce__(self):
        r = self.records
        return type(self), (r.architecture, r.parameters, r.x, r.y)

    def __len__(self) -> int:
        return self.records.samples

    def __repr__(self) -> str:
        return f"Trace of {len(self)} samples through {'-'.join(map(str, self.n))}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """How a notebook shows it: what can be asked for."""
        r = self.records
        rows = []
        for l, layer in enumerate(r.program.layers):
            own = [slot for slot in r.program.slots if slot.l == l]
            names = joined([say("{}", Quantity(slot.name, l, shared=not slot.per_sample)) for slot in own], ", ")
            kind = layer.kind + (f", {g.name}" if (g := r.g(l)) else "")
            rows.append((str(l), kind, shape_text(r.program.output(l).space.shape), names))
        mean = say("The mean loss {} is {}.", Quantity("C"), float(r.C.mean()))
        return bundle(
            repr(self),
            [b.Text(f"{self!r}."), b.Table(("layer", "kind", "shape", "numbers"), tuple(rows)), b.Text(mean)],
        )

    def __getitem__(self, address: str) -> Any:
        return self.records.value(address)

    def per_sample_dC_dw(self, l: int) -> np.ndarray:
        """∂C_i/∂w^(l) of each sample, (n, n_l, n_(l−1))."""
        return self._factors(l, "w").per_sample()

    def per_sample_dC_db(self, l: int) -> np.ndarray:
        """∂C_i/∂b^(l) of each sample, (n, n_l)."""
        return self._factors(l, "b").per_sample()

    def explain(self, address: str, *, terms: int | None = TERMS, depth: int = 1) -> Derivation:
        """Where a number comes from; see `pellucid.explain.explain`."""
        return Explainer(self.records, terms, depth).explain(address)

    def paths(self, address: str, top: int = 5) -> Paths:
        """A derivative as a sum over paths; see `pellucid.explain.paths`."""
        return self.explain(address).paths(top)

    def nudge(self, address: str, eps: float, of: str | None = None) -> Nudge:
        """What a small change of one number does; see `pellucid.explain.nudge`."""
        return nudge(self.records, address, eps, of)

    def update(
        self, address: str, optimiser: Any = "sgd", *, state: Mapping[str, float] | None = None, **constants: Any
    ) -> Derivation:
        """What a weight becomes in an update; see `pellucid.explain.update`."""
        return update(self.records, address, optimiser, state=state, **constants)

    def worked_example(self, sample: int = 0, **options: Any) -> WorkedExample:
        """One sample followed through the network and back; see `pellucid.explain.worked.worked_example`."""
        return worked_example(self.records, sample, **options)

    def _factors(self, l: int, name: str) -> Any:
        """The factors of ∂C_i/∂(array) of layer l."""
        r = self.records
        _ = ByLayer(f"dC_d{name}", 1, r.L, lambda l: r.forward.a[l - 1])[l]
        number = r.program.names[l].get(name)
        if number is None:
            raise AddressError(f"dC_d{name}[{l}]", f"{r.architecture.where(l)} has no {name}")
        return r.adjoint(Quantity("C")).pull.factors(number)
