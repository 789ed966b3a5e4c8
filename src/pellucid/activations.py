"""The activation functions g with their derivatives g′, each beside its equation.

A layer's forward pass makes a = g(z); the backward pass turns ∂C_i/∂a into δ = ∂C_i/∂z with
`pull_back`. Theory differentiates at z (`derivative`); where the derivative is cheaper from the
output, `derivative_from_output` gives the same number from a, and `pull_back` uses it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from .arrays import Array, erfc, namespace
from .errors import InputError, number, one_of, shown
from .formulas import Formula

TINY = 1e-30  # a positive constant's lower end: smaller ones vanish in float32


@dataclass(frozen=True)
class Activation:
    """g with g′. Subclasses compute element by element unless `elementwise` is False.

    A subclass is a dataclass again only if it has constants: two of one kind are equal anyway.

    Attributes:
        name: the name by which it is asked for and stored.
        equation: g(z) as a formula in the symbol z; where g mixes its nodes also in S = Σ_m summand(z_m) and n_l.
        derivative_equation: g′ as a formula in z and a = g(z).
        kinks: the z at which g′ jumps; there `derivative` gives the value from below.
        first_weights: the initialiser that suits it. Rectifiers get He (they lose half of the variance), SELU LeCun
            (its fixed point assumes it), the rest Glorot.
        off: whether g′ = 0 means that the node is off, and not that it is saturated.
        flat_parts: whether a small g′ is worth a word: it is none where the activation is made so.
        summand: of S, a formula in z; only where g mixes its nodes and brings its equation.
        shifts: whether g stays the same when all z are moved by one number, so that e^z need not overflow.
        own_slope, other_slope: ∂a_j/∂z_j and ∂a_m/∂z_j of a g that mixes, as formulas in a = a_j and am = a_m; left
            out they follow from the equation.
        mixing: why every output depends on every z, one sentence.
        usual_loss: the loss that belongs to it in an output layer.
        reach: the ends of the interval in which its outputs lie.
        alone: what to do instead where its layer has one node, for there it would always give the same number.
        cancels: whether g subtracts a 1 that is large against what is left, as exp(z) − 1 does.

    Example:
        >>> import numpy as np
        >>> class Cubed(FromZ):
        ...     name = "cubed"
        ...     equation, derivative_equation = Formula("z**3"), Formula("3 * z**2")
        ...     def g(self, z):
        ...         return z**3
        ...     def derivative(self, z):
        ...         return 3 * z**2
        >>> from pellucid import Dense, Input, Network
        >>> net = Network(Input(2), Dense(3, Cubed()), Dense(1), seed=0)
        >>> t = net.trace(np.ones((1, 2)), np.ones((1, 1)))
        >>> print(t.explain("a[1][0]@0").to_text(depth=0, checks=False).splitlines()[3].strip())
        aⱼ⁽ˡ⁾ = (zⱼ⁽ˡ⁾)³
    """

    name: ClassVar[str]
    elementwise: ClassVar[bool] = True
    first_weights: ClassVar[str] = "glorot_uniform"
    off: ClassVar[bool] = False
    flat_parts: ClassVar[bool] = True
    equation: ClassVar[Formula]
    derivative_equation: ClassVar[Formula]
    kinks: ClassVar[tuple[float, ...]] = ()
    cancels: ClassVar[bool] = False
    shifts: ClassVar[bool] = False
    mixing: ClassVar[str] = ""
    usual_loss: ClassVar[str] = "squared_error"
    reach: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    alone: ClassVar[str] = ""

    def g(self, z: Array) -> Array:
        """a = g(z), any shape."""
        raise NotImplementedError

    def derivative(self, z: Array) -> Array:
        """g′(z), the derivative with respect to z at z."""
        return self.derivative_from_output(self.g(z))

    def derivative_from_output(self, a: Array) -> Array:
        """g′ computed from a = g(z); the same number as `derivative(z)`."""
        raise NotImplementedError

    def pull_back(self, z: Array, a: Array, dC_da: Array) -> Array:
        """δ_j = ∂C/∂a_j · g′(z_j), all arrays (n, n_l)."""
        return dC_da * self.derivative_from_output(a)

    def jacobian_column(self, z: Array, a: Array, j: int) -> Array:
        """∂a_m/∂z_j for all m of one position, (1, n_l), where g mixes its nodes: from `pull_back`, node by node."""
        xp, n = namespace(a), a.shape[-1]
        units = xp.eye(n, dtype=a.dtype)
        z, a = (xp.broadcast_to(array, (n, n)) for array in (z, a))
        return self.pull_back(z, a, units)[:, j][None]

    @property
    def parameters(self) -> dict[str, float]:
        """The constants of this activation by name, such as a slope."""
        return asdict(self)


class FromZ(Activation):
    """An activation whose derivative needs z itself: a does not determine it."""

    def derivative(self, z: Array) -> Array:
        raise NotImplementedError

    def pull_back(self, z: Array, a: Array, dC_da: Array) -> Array:
        return dC_da * self.derivative(z)


class Linear(Activation):
    """g(z) = z, g′ = 1."""

    name = "linear"
    equation = Formula("z")
    derivative_equation = Formula("1")

    def g(self, z):
        return z

    def derivative_from_output(self, a):
        return namespace(a).ones_like(a)

    def pull_back(self, z, a, dC_da):
        return dC_da


class Sigmoid(Activation):
    """σ(z) = 1/(1 + e^(−z)), σ′(z) = a(1 − a)."""

    name = "sigmoid"
    reach = (0.0, 1.0)
    usual_loss = "binary_cross_entropy"
    equation = Formula("1 / (1 + exp(-z))")
    derivative_equation = Formula("a * (1 - a)")

    def g(self, z):
        return 1 / (1 + namespace(z).exp(-z))

    def derivative_from_output(self, a):
        return a * (1 - a)


class Tanh(Activation):
    """tanh z, tanh′(z) = 1 − a²."""

    name = "tanh"
    reach = (-1.0, 1.0)
    equation = Formula("tanh(z)")
    derivative_equation = Formula("1 - a**2")

    def g(self, z):
        return namespace(z).tanh(z)

    def derivative_from_output(self, a):
        return 1 - a * a


class ReLU(Activation):
    """max(z, 0); g′ = 1 for z > 0, else 0, at the kink z = 0 too."""

    name = "relu"
    reach = (0.0, math.inf)
    off = True
    first_weights = "he_normal"
    equation = Formula("z if z > 0 else 0")
    derivative_equation = Formula("1 if z > 0 else 0")
    kinks = (0.0,)

    def g(self, z):
        return namespace(z).maximum(z, 0)  # a NaN stays one, or a broken training would look healthy

    def derivative_from_output(self, a):
        return namespace(a).where(a.real > 0, namespace(a).ones_like(a), 0)

    def pull_back(self, z, a, dC_da):
        return dC_da * (a.real > 0)  # on NumPy several times as fast as a choice between two


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """z for z > 0, else slope · z; g′ = 1 for z > 0, else slope, at the kink too."""

    slope: float = 0.01

    name = "leaky_relu"
    flat_parts = False
    first_weights = "he_normal"
    equation = Formula("z if z > 0 else slope * z")
    derivative_equation = Formula("1 if z > 0 else slope")
    kinks = (0.0,)

    def g(self, z):
        return namespace(z).where(z.real > 0, z, self.slope * z)

    def derivative(self, z):
        xp = namespace(z)
        return xp.where(z.real > 0, xp.ones_like(z), self.slope)

    def derivative_from_output(self, a):
        return self.derivative(a)  # slope > 0 keeps the sign

    def __post_init__(self):
        slope = number("leaky_relu", self.slope, "a slope > 0", TINY, "Use relu for a slope of 0.")
        object.__setattr__(self, "slope", slope)


@dataclass(frozen=True)
class ELU(Activation):
    """z for z > 0, else α(e^z − 1); g′ = 1 for z > 0, else α e^z = a + α. Clevert et al. 2015."""

    alpha: float = 1.0

    name = "elu"
    cancels = True
    first_weights = "he_normal"
    equation = Formula("z if z > 0 else alpha * (exp(z) - 1)")
    derivative_equation = Formula("1 if z > 0 else a + alpha")
    kinks = (0.0,)  # smooth there for α = 1

    def g(self, z):
        xp = namespace(z)
        return xp.where(z.real > 0, z, self.alpha * xp.expm1(xp.where(z.real > 0, 0, z)))

    def derivative_from_output(self, a):
        xp = namespace(a)
        return xp.where(a.real > 0, xp.ones_like(a), a + self.alpha)

    def __post_init__(self):
        object.__setattr__(self, "alpha", number("elu", self.alpha, "alpha > 0", TINY, "Use relu for alpha 0."))


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017, section 2


class SELU(Activation):
    """λz for z > 0, else λα(e^z − 1) with α ≈ 1.6733, λ ≈ 1.0507; g′ = λ, else a + λα. Klambauer et al. 2017."""

    name = "selu"
    cancels = True
    first_weights = "lecun_normal"
    equation = Formula(f"{SELU_SCALE} * z if z > 0 else {SELU_SCALE * SELU_ALPHA} * (exp(z) - 1)")
    derivative_equation = Formula(f"{SELU_SCALE} if z > 0 else a + {SELU_SCALE * SELU_ALPHA}")
    kinks = (0.0,)

    def g(self, z):
        xp = namespace(z)
        below = SELU_SCALE * SELU_ALPHA * xp.expm1(xp.where(z.real > 0, 0, z))
        return xp.where(z.real > 0, SELU_SCALE * z, below)

    def derivative_from_output(self, a):
        xp = namespace(a)
        return xp.where(a.real > 0, SELU_SCALE * xp.ones_like(a), a + SELU_SCALE * SELU_ALPHA)


class GELU(FromZ):
    """z Φ(z), Φ the normal distribution function; g′ = Φ(z) + z φ(z). The exact form. Hendrycks & Gimpel 2016."""

    name = "gelu"
    cancels = True
    first_weights = "he_normal"
    equation = Formula("z * Phi(z)")
    derivative_equation = Formula("Phi(z) + z * exp(-(z**2) / 2) / sqrt(2 * pi)")

    def g(self, z):
        return z * (0.5 * erfc(-z * math.sqrt(0.5)))

    def derivative(self, z):
        xp = namespace(z)
        return 0.5 * erfc(-z * math.sqrt(0.5)) + z * (xp.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))


class SiLU(FromZ):
    """z σ(z), also called swish; g′ = σ(z)(1 + z(1 − σ(z))). Elfwing et al. 2017."""

    name = "silu"
    first_weights = "he_normal"
    equation = Formula("z / (1 + exp(-z))")
    derivative_equation = Formula("1 / (1 + exp(-z)) * (1 + z * (1 - 1 / (1 + exp(-z))))")

    def g(self, z):
        return z / (1 + namespace(z).exp(-z))

    def derivative(self, z):
        s = 1 / (1 + namespace(z).exp(-z))
        return s * (1 + z * (1 - s))


class Softplus(Activation):
    """log(1 + e^z); g′ = σ(z) = 1 − e^(−a)."""

    name = "softplus"
    reach = (0.0, math.inf)
    cancels = True
    first_weights = "he_normal"
    equation = Formula("log(1 + exp(z))")
    derivative_equation = Formula("1 - exp(-a)")

    def g(self, z):
        xp = namespace(z)
        above = z.real > 0
        return xp.where(above, z, 0) + xp.log1p(xp.exp(-xp.where(above, z, -z)))

    def derivative_from_output(self, a):
        return -namespace(a).expm1(-a)


class Exponential(Activation):
    """e^z; g′ = e^z = a. The output of a Poisson regression, its inverse log link. Nelder & Wedderburn 1972."""

    name = "exponential"
    reach = (0.0, math.inf)
    usual_loss = "poisson"
    equation = Formula("exp(z)")
    derivative_equation = Formula("a")

    def g(self, z):
        return namespace(z).exp(z)

    def derivative_from_output(self, a):
        return a


class Softsign(Activation):
    """z/(1 + |z|); g′ = 1/(1 + |z|)² = (1 − |a|)²."""

    name = "softsign"
    reach = (-1.0, 1.0)
    equation = Formula("z / (1 + abs(z))")
    derivative_equation = Formula("(1 - abs(a)) ** 2")

    def g(self, z):
        return z / (1 + namespace(z).where(z.real > 0, z, -z))

    def derivative_from_output(self, a):
        s = 1 - namespace(a).where(a.real > 0, a, -a)
        return s * s


class Softmax(Activation):
    """a_j = e^(z_j)/Σ_i e^(z_i); ∂a_j/∂z_i = a_j([i = j] − a_i): it mixes the nodes of its layer."""

    name = "softmax"
    reach = (0.0, 1.0)
    usual_loss = "cross_entropy"
    alone = "Take sigmoid with binary_cross_entropy for two classes, linear with squared_error for a number."
    elementwise = False
    equation = Formula("exp(z) / S")
    summand = Formula("exp(z)")
    shifts = True
    own_slope, other_slope = Formula("a * (1 - a)"), Formula("-(am * a)")
    mixing = "softmax divides by the sum over the layer, so every output depends on every z of it."

    def g(self, z):
        xp = namespace(z)
        powers = xp.exp(z - z.real.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    def jacobian_column(self, z, a, j):
        xp = namespace(a)
        own = xp.arange(a.shape[-1]) == j
        return xp.where(own, a * (1 - a), -a * a[:, j : j + 1])  # 1 − a_j loses nothing, a_j − a_j² would

    def pull_back(self, z, a, dC_da):
        # δ_i = Σ_j ∂C/∂a_j a_j([i = j] − a_i), without forming the Jacobian
        return a * (dC_da - namespace(a).sum(dC_da * a, axis=-1, keepdims=True))


ACTIVATIONS: dict[str, type[Activation]] = {
    g.name: g
    for g in (
        Linear, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Softplus, Exponential, Softsign, Softmax,
    )
}  # fmt: skip


def activation(given: str | Activation | Mapping[str, Any]) -> Activation:
    """An activation from its name, from its stored form, or itself.

    Raises:
        InputError: an unknown name, or constants that the activation does not have.

    Example:
        >>> activation("leaky_relu"), activation({"name": "elu", "alpha": 0.5})
        (LeakyReLU(slope=0.01), ELU(alpha=0.5))
    """
    if isinstance(given, Activation):
        return given
    constants = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = constants.pop("name", None)
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise InputError("activation", f"expected {one_of(ACTIVATIONS)}", shown(given))
    try:
        return ACTIVATIONS[name](**constants)
    except TypeError:
        raise InputError(f"activation {name}", "expected its own constants only", shown(constants)) from None
