"""Where the first weights come from: seeded draws whose spread fits the activation behind them.

A weight matrix is W[j, k], (n_l, n_(l−1)): fan-in is n_(l−1), fan-out is n_l. Equal first weights would
keep all nodes of a layer equal for ever; too wide a spread saturates, too narrow a one vanishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from .activations import Activation
from .errors import InputError, number, one_of, shown


@dataclass(frozen=True)
class Initialiser:
    """Draws an array of first weights from a generator."""

    name: ClassVar[str]

    def __post_init__(self):
        for constant, value in self.parameters.items():
            object.__setattr__(self, constant, number(f"{self.name}: {constant}", value))

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        """A float64 array of `shape`, (n_l, n_(l−1)) for weights or (n_l,) for biases."""
        raise NotImplementedError

    @property
    def parameters(self) -> dict[str, float]:
        """The constants of this initialiser by name."""
        return asdict(self)


@dataclass(frozen=True)
class Constant(Initialiser):
    """Every weight equal to `value`."""

    value: float = 0.0
    name = "constant"

    def draw(self, shape, generator):
        return np.full(shape, float(self.value))


class Zeros(Initialiser):
    """Every weight 0."""

    name = "zeros"

    def draw(self, shape, generator):
        return np.zeros(shape)


@dataclass(frozen=True)
class Uniform(Initialiser):
    """Uniform on [low, high)."""

    low: float = -0.05
    high: float = 0.05
    name = "uniform"

    def __post_init__(self):
        super().__post_init__()
        if self.low > self.high:
            raise InputError("uniform", "expected low ≤ high", (self.low, self.high))

    def draw(self, shape, generator):
        return generator.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Normal(Initialiser):
    """Normal with the given mean and standard deviation."""

    mean: float = 0.0
    standard_deviation: float = 0.05
    name = "normal"

    def __post_init__(self):
        super().__post_init__()
        number("normal: standard_deviation", self.standard_deviation, "a finite number ≥ 0", 0.0)

    def draw(self, shape, generator):
        return generator.normal(self.mean, self.standard_deviation, shape)


class Scaled(Initialiser):
    """Mean 0, with a variance that depends on fan-in and fan-out."""

    normal: ClassVar[bool] = False

    def variance(self, fan_in: int, fan_out: int) -> float:
        """The variance of one weight."""
        raise NotImplementedError

    def draw(self, shape, generator):
        deviation = np.sqrt(self.variance(shape[-1], shape[0]))
        if self.normal:
            return generator.normal(0.0, deviation, shape)
        limit = np.sqrt(3.0) * deviation  # a uniform draw on [−c, c) has variance c²/3
        return generator.uniform(-limit, limit, shape)


class GlorotUniform(Scaled):
    """Variance 2/(fan-in + fan-out), uniform. Glorot & Bengio 2010."""

    name = "glorot_uniform"

    def variance(self, fan_in, fan_out):
        return 2.0 / (fan_in + fan_out)


class GlorotNormal(GlorotUniform):
    """Variance 2/(fan-in + fan-out), normal. Glorot & Bengio 2010."""

    name, normal = "glorot_normal", True


class HeUniform(Scaled):
    """Variance 2/fan-in, uniform. He et al. 2015."""

    name = "he_uniform"

    def variance(self, fan_in, fan_out):
        return 2.0 / fan_in


class HeNormal(HeUniform):
    """Variance 2/fan-in, normal. He et al. 2015."""

    name, normal = "he_normal", True


class LeCunUniform(Scaled):
    """Variance 1/fan-in, uniform. LeCun et al. 1998."""

    name = "lecun_uniform"

    def variance(self, fan_in, fan_out):
        return 1.0 / fan_in


class LeCunNormal(LeCunUniform):
    """Variance 1/fan-in, normal. LeCun et al. 1998."""

    name, normal = "lecun_normal", True


@dataclass(frozen=True)
class Orthogonal(Initialiser):
    """Rows (or columns, where there are fewer) orthogonal and of length `gain`. Saxe et al. 2013."""

    gain: float = 1.0
    name = "orthogonal"

    def draw(self, shape, generator):
        rows, columns = shape[0], int(np.prod(shape[1:], dtype=int))
        q, r = np.linalg.qr(generator.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diagonal(r))  # makes the draw uniform among the orthogonal matrices
        return self.gain * np.ascontiguousarray(q.T if rows < columns else q).reshape(shape)


INITIALISERS: dict[str, type[Initialiser]] = {
    i.name: i
    for i in (
        Zeros, Constant, Uniform, Normal, GlorotUniform, GlorotNormal, HeUniform, HeNormal, LeCunUniform, LeCunNormal,
        Orthogonal,
    )
}  # fmt: skip


def initialiser(given: str | Initialiser | Mapping[str, Any] | None, g: Activation | None = None) -> Initialiser:
    """An initialiser from its name, from its stored form, or itself; None chooses by the activation.

    Raises:
        InputError: an unknown name, or constants that the initialiser does not have.

    Example:
        >>> from pellucid.activations import activation
        >>> initialiser(None, activation("relu")).name
        'he_normal'
    """
    if given is None:
        given = Activation.first_weights if g is None else g.first_weights
    if isinstance(given, Initialiser):
        return given
    constants = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = constants.pop("name", None)
    if not isinstance(name, str) or name not in INITIALISERS:
        raise InputError("initialiser", f"expected {one_of(INITIALISERS)}", shown(given))
    try:
        return INITIALISERS[name](**constants)
    except TypeError:
        raise InputError(f"initialiser {name}", "expected its own constants only", shown(constants)) from None
