"""The losses C_i with their derivatives ∂C_i/∂a, each beside its equation and with its constant stated.

Every loss is a sum of one term per output node, C_i = Σ_j term(a_ij, y_ij), so a loss is a term and its
derivative. Targets are numbers (n, n_L), or integer labels (n,), which stand for one-hot rows and are
expanded one batch at a time.

Where an activation and a loss undo each other (softmax with cross-entropy, sigmoid with binary
cross-entropy, the exponential with poisson) `fused` names the stable form: C from z, and
δ = a − y. It is tested equal to the long way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from .activations import TINY, Activation, Exponential, Sigmoid, Softmax, Softplus
from .arrays import Array, log_sum_exp, namespace
from .errors import InputError, number, one_of, shown
from .formulas import Formula


@dataclass(frozen=True)
class Loss:
    """C_i = Σ_j term(a_ij, y_ij).

    Attributes:
        name: the name by which it is asked for and stored.
        equation: one node's term as a formula in a, y (and n_L, kappa).
        derivative_equation: ∂C_i/∂a_j as a formula in the same symbols.
        classes: whether the targets are classes or probabilities in [0, 1].
        one_of_classes: whether they are one class of several, so that a sample's targets sum to 1.
        yes_or_no: whether each output node answers a question of its own.
        counts: whether the targets are numbers ≥ 0, as counts are, and the outputs > 0.
        fits: the activations of an output layer that this loss can read, the usual one first; () for all.
        kinks: the residuals a − y at which the derivative jumps.
    """

    name: ClassVar[str]
    equation: ClassVar[Formula]
    derivative_equation: ClassVar[Formula]
    classes: ClassVar[bool] = False
    one_of_classes: ClassVar[bool] = False
    yes_or_no: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    fits: ClassVar[tuple[str, ...]] = ()
    kinks: ClassVar[tuple[float, ...]] = ()

    def term(self, a: Array, y: Array) -> Array:
        """Each node's share of C_i, (n, n_L) → (n, n_L)."""
        raise NotImplementedError

    def term_derivative(self, a: Array, y: Array) -> Array:
        """∂C_i/∂a_j, (n, n_L) → (n, n_L)."""
        raise NotImplementedError

    def C(self, a: Array, y: Array) -> Array:
        """C_i of each sample, (n,), from the outputs a (n, n_L) and the targets y (n, n_L) or (n,) labels."""
        return added(self.term(a, targets(y, a)))

    def dC_da(self, a: Array, y: Array) -> Array:
        """∂C_i/∂a_j of each sample and output node, (n, n_L)."""
        return self.term_derivative(a, targets(y, a))

    @property
    def parameters(self) -> dict[str, float]:
        """The constants of this loss by name."""
        return asdict(self)


def added(terms: Array) -> Array:
    """Each sample's sum over all nodes, whatever their indices: (n, …) → (n,)."""
    return terms.sum(axis=-1) if terms.ndim == 2 else terms.reshape((terms.shape[0], -1)).sum(axis=-1)


def targets(y: Array, a: Array) -> Array:
    """Targets in the shape of the outputs: labels (n,) become one-hot rows (n, n_L), numbers stay.

    A single output node has no classes to choose from: there (n,) is that node's target.
    """
    if y.ndim == a.ndim:
        return y
    xp = namespace(a)
    if a.shape[-1] == 1:
        return xp.astype(y[:, None], a.real.dtype)
    return xp.astype(y[:, None] == xp.arange(a.shape[-1])[None, :], a.real.dtype)


class SquaredError(Loss):
    """C_i = Σ_j (a_j − y_j)²: no ½, no division. ∂C_i/∂a_j = 2(a_j − y_j). The default."""

    name = "squared_error"
    equation = Formula("(a - y) ** 2")
    derivative_equation = Formula("2 * (a - y)")

    def term(self, a, y):
        return (a - y) ** 2

    def term_derivative(self, a, y):
        return 2 * (a - y)


class HalfSquaredError(Loss):
    """C_i = ½ Σ_j (a_j − y_j)². ∂C_i/∂a_j = a_j − y_j."""

    name = "half_squared_error"
    equation = Formula("(a - y) ** 2 / 2")
    derivative_equation = Formula("a - y")

    def term(self, a, y):
        return (a - y) ** 2 / 2

    def term_derivative(self, a, y):
        return a - y


class MeanSquaredError(Loss):
    """C_i = (1/n_L) Σ_j (a_j − y_j)², the MSE of PyTorch and Keras. ∂C_i/∂a_j = 2(a_j − y_j)/n_L."""

    name = "mean_squared_error"
    equation = Formula("(a - y) ** 2 / n_L")
    derivative_equation = Formula("2 * (a - y) / n_L")

    def term(self, a, y):
        return (a - y) ** 2 / a.shape[-1]

    def term_derivative(self, a, y):
        return 2 * (a - y) / a.shape[-1]


class AbsoluteError(Loss):
    """C_i = Σ_j |a_j − y_j|. ∂C_i/∂a_j = sign(a_j − y_j), 0 at the kink."""

    name = "absolute_error"
    equation = Formula("abs(a - y)")
    derivative_equation = Formula("sign(a - y)")
    kinks = (0.0,)

    def term(self, a, y):
        r = a - y
        return namespace(a).where(r.real > 0, r, -r)

    def term_derivative(self, a, y):
        return namespace(a).sign(a - y)


@dataclass(frozen=True)
class Huber(Loss):
    """C_i = Σ_j ½r² where |r| ≤ κ, else κ(|r| − ½κ), with r = a_j − y_j. Derivative r cut to [−κ, κ]. Huber 1964."""

    kappa: float = 1.0

    name = "huber"
    equation = Formula("kappa * (abs(a - y) - kappa / 2) if abs(a - y) > kappa else (a - y) ** 2 / 2")
    derivative_equation = Formula("kappa * sign(a - y) if abs(a - y) > kappa else a - y")

    def term(self, a, y):
        r = a - y
        size = namespace(a).where(r.real > 0, r, -r)
        return namespace(a).where(size.real <= self.kappa, r * r / 2, self.kappa * (size - self.kappa / 2))

    def term_derivative(self, a, y):
        return namespace(a).clip(a - y, -self.kappa, self.kappa)

    def __post_init__(self):
        object.__setattr__(self, "kappa", number("huber", self.kappa, "kappa > 0", TINY))


class CrossEntropy(Loss):
    """C_i = −Σ_j y_j log a_j (natural logarithm). ∂C_i/∂a_j = −y_j/a_j; 0 where y_j = 0."""

    name = "cross_entropy"
    classes = one_of_classes = True
    fits = ("softmax",)
    equation = Formula("-y * log(a) if y > 0 else 0")
    derivative_equation = Formula("-y / a if y > 0 else 0")

    def term(self, a, y):
        xp = namespace(a)
        return -xp.where(y == 0, 0, y * xp.log(xp.where(y == 0, 1, a)))

    def term_derivative(self, a, y):
        xp = namespace(a)
        return -xp.where(y == 0, 0, y / xp.where(y == 0, 1, a))


class BinaryCrossEntropy(Loss):
    """C_i = −Σ_j [y_j log a_j + (1 − y_j) log(1 − a_j)]. ∂C_i/∂a_j = (1 − y_j)/(1 − a_j) − y_j/a_j."""

    name = "binary_cross_entropy"
    classes = yes_or_no = True
    fits = ("sigmoid", "softmax")
    equation = Formula("(-y * log(a) if y > 0 else 0) + (-(1 - y) * log(1 - a) if 1 - y > 0 else 0)")
    derivative_equation = Formula("((1 - y) / (1 - a) if 1 - y > 0 else 0) - (y / a if y > 0 else 0)")

    def term(self, a, y):
        xp = namespace(a)
        one = xp.where(y == 0, 0, y * xp.log(xp.where(y == 0, 1, a)))
        zero = xp.where(y == 1, 0, (1 - y) * xp.log1p(-xp.where(y == 1, 0, a)))
        return -(one + zero)

    def term_derivative(self, a, y):
        xp = namespace(a)
        zero = xp.where(y == 1, 0, (1 - y) / (1 - xp.where(y == 1, 0, a)))
        return zero - xp.where(y == 0, 0, y / xp.where(y == 0, 1, a))


class Poisson(Loss):
    """C_i = Σ_j [y_j log(y_j/a_j) − y_j + a_j], half the Poisson deviance. ∂C_i/∂a_j = 1 − y_j/a_j.

    For targets y_j ≥ 0 (0 · log 0 = 0) and outputs a_j > 0. McCullagh & Nelder 1989, section 2.3.
    """

    name = "poisson"
    counts = True
    fits = ("exponential", "softplus", "sigmoid", "softmax")
    equation = Formula("(y * log(y / a) if y > 0 else 0) - y + a")
    derivative_equation = Formula("1 - (y / a if y > 0 else 0)")

    def term(self, a, y):
        xp = namespace(a)
        return xp.where(y == 0, 0, y * xp.log(xp.where(y == 0, 1, y) / xp.where(y == 0, 1, a))) - y + a

    def term_derivative(self, a, y):
        xp = namespace(a)
        return 1 - xp.where(y == 0, 0, y / xp.where(y == 0, 1, a))


LOSSES: dict[str, type[Loss]] = {
    loss.name: loss
    for loss in (
        SquaredError, HalfSquaredError, MeanSquaredError, BinaryCrossEntropy, CrossEntropy, AbsoluteError, Huber,
        Poisson,
    )
}  # fmt: skip


def loss(given: str | Loss | Mapping[str, Any]) -> Loss:
    """A loss from its name, from its stored form, or itself.

    Raises:
        InputError: an unknown name, or constants that the loss does not have.

    Example:
        >>> loss("squared_error"), loss({"name": "huber", "kappa": 2.0})
        (SquaredError(), Huber(kappa=2.0))
    """
    if isinstance(given, Loss):
        return given
    constants = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = constants.pop("name", None)
    if not isinstance(name, str) or name not in LOSSES:
        raise InputError("loss", f"expected {one_of(LOSSES)}", shown(given))
    try:
        return LOSSES[name](**constants)
    except TypeError:
        raise InputError(f"loss {name}", "expected its own constants only", shown(constants)) from None


class Fused:
    """An output activation and a loss whose derivatives cancel to δ_j = a_j − y_j.

    Attributes:
        equation: one node's share of C_i as a formula in z, y and, where it sums over the layer, S = Σ_m e^(z_m).
        written: the same as it is computed, without overflow: also in top = max z, up = max(z, 0), down = −|z|, and
            S = Σ_m e^(z_m − top).
        sums: whether the share contains S; then it is 0 where y is.
    """

    name: ClassVar[str]
    sums: ClassVar[bool] = False
    equation: ClassVar[Formula]
    written: ClassVar[Formula]

    def C(self, z: Array, y: Array) -> Array:
        """C_i (n,) from z^(L) (n, n_L), without the overflow and cancellation of the long way."""
        raise NotImplementedError

    def delta(self, a: Array, y: Array) -> Array:
        """δ^(L) = a − y, (n, n_L)."""
        return a - targets(y, a)


class SoftmaxCrossEntropy(Fused):
    """C_i = Σ_j y_j (log Σ_m e^(z_m) − z_j); δ_j = a_j Σ_m y_m − y_j, which is a_j − y_j where Σ_m y_m = 1."""

    name = "softmax with cross-entropy"
    sums = True
    equation, written = Formula("y * (log(S) - z)"), Formula("y * (top + log(S) - z)")

    def C(self, z, y):
        return (targets(y, z) * (log_sum_exp(z) - z)).sum(axis=-1)

    def delta(self, a, y):
        if y.ndim == a.ndim:  # a label's one-hot row has the sum 1
            a = a * y.sum(axis=-1, keepdims=True)
        return a - targets(y, a)


class SigmoidBinaryCrossEntropy(Fused):
    """C_i = Σ_j [log(1 + e^(z_j)) − y_j z_j]."""

    name = "sigmoid with binary cross-entropy"
    equation, written = Formula("log(1 + exp(z)) - y * z"), Formula("up + log(1 + exp(down)) - y * z")

    def C(self, z, y):
        return (Softplus().g(z) - targets(y, z) * z).sum(axis=-1)


class ExponentialPoisson(Fused):
    """C_i = Σ_j [y_j log y_j − y_j z_j − y_j + e^(z_j)] = Σ_j y_j (e^d_j − 1 − d_j) with d_j = z_j − log y_j.

    Where y_j = 0 the term is e^(z_j). The second form takes the large numbers away before they are multiplied.
    """

    name = "exponential with poisson"
    equation = written = Formula("y * (exp(z - log(y)) - 1 - (z - log(y))) if y > 0 else exp(z)")

    def C(self, z, y):
        xp, y = namespace(z), targets(y, z)
        d = z - xp.log(xp.where(y == 0, 1, y))
        return xp.where(y == 0, xp.exp(z), y * (xp.expm1(d) - d)).sum(axis=-1)


def fused(g: Activation, loss: Loss) -> Fused | None:
    """The fused form of an output activation and a loss, if they have one.

    Example:
        >>> fused(Softmax(), CrossEntropy()).name
        'softmax with cross-entropy'
    """
    if isinstance(g, Softmax) and isinstance(loss, CrossEntropy):
        return SoftmaxCrossEntropy()
    if isinstance(g, Sigmoid) and isinstance(loss, BinaryCrossEntropy):
        return SigmoidBinaryCrossEntropy()
    if isinstance(g, Exponential) and isinstance(loss, Poisson):
        return ExponentialPoisson()
    return None
