"""The references. Each takes a case and returns ∂C/∂w of the mean loss, layer by layer, {"w": …, "b": …}."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from pellucid import scalar
from pellucid.backward import losses
from pellucid.forward import forward

from .cases import Case


@cache
def jax_program():
    """C_i of each sample as JAX's own library computes it, and the compiled jax.grad of its mean.

    Activations and loss are chosen by number inside the program, so that one compilation for each depth serves
    all combinations. `constants` holds the slope or α of each layer, and κ last.
    """
    import jax
    import jax.numpy as jnp

    def cross_entropy(a, y):
        return -jax.scipy.special.xlogy(y, a)

    activations = {
        "linear": lambda z, _: z,
        "sigmoid": lambda z, _: jax.nn.sigmoid(z),
        "tanh": lambda z, _: jnp.tanh(z),
        "relu": lambda z, _: jax.nn.relu(z),
        "leaky_relu": lambda z, slope: jax.nn.leaky_relu(z, slope),
        "elu": lambda z, alpha: jax.nn.elu(z, alpha),
        "selu": lambda z, _: jax.nn.selu(z),
        "gelu": lambda z, _: jax.nn.gelu(z, approximate=False),
        "silu": lambda z, _: jax.nn.silu(z),
        "softplus": lambda z, _: jax.nn.softplus(z),
        "exponential": lambda z, _: jnp.exp(z),
        "softsign": lambda z, _: jax.nn.soft_sign(z),
        "softmax": lambda z, _: jax.nn.softmax(z),
    }
    terms = {
        "squared_error": lambda a, y, _: (a - y) ** 2,
        "half_squared_error": lambda a, y, _: (a - y) ** 2 / 2,
        "mean_squared_error": lambda a, y, _: (a - y) ** 2 / a.shape[-1],
        "absolute_error": lambda a, y, _: jnp.abs(a - y),
        "huber": lambda a, y, kappa: jnp.where(
            jnp.abs(a - y) <= kappa, (a - y) ** 2 / 2, kappa * (jnp.abs(a - y) - kappa / 2)
        ),
        "cross_entropy": lambda a, y, _: cross_entropy(a, y),
        "binary_cross_entropy": lambda a, y, _: cross_entropy(a, y) + cross_entropy(1 - a, 1 - y),
        "poisson": lambda a, y, _: jax.scipy.special.xlogy(y, y) + cross_entropy(a, y) - y + a,
    }

    def C(parameters, x, y, numbers, constants):
        a = x
        for l, arrays in enumerate(parameters):
            z = a @ arrays["w"].T + arrays["b"][None, :]
            a = jax.lax.switch(numbers[l], list(activations.values()), z, constants[l])
        return jax.lax.switch(numbers[-1], list(terms.values()), a, y, constants[-1]).sum(axis=-1)

    def numbered(net):
        """The numbers and constants of a network's functions."""
        functions = [net.program.activation(l) for l in range(1, net.L + 1)] + [net.loss]
        names = [list(activations).index(g.name) for g in functions[:-1]] + [list(terms).index(net.loss.name)]
        return np.array(names), np.array([next(iter(f.parameters.values()), 0.0) for f in functions])

    gradient = jax.jit(jax.grad(lambda parameters, *rest: C(parameters, *rest).mean()))
    one = jax.grad(lambda parameters, x_i, y_i, *rest: C(parameters, x_i[None], y_i[None], *rest)[0])
    per_sample = jax.jit(jax.vmap(one, in_axes=(None, 0, 0, None, None)))
    return gradient, per_sample, numbered


def by_jax(case: Case, per_sample: bool):
    import jax

    gradient, of_each, numbered = jax_program()
    no_bias = [{"b": np.zeros(n)} for n in case.architecture.n[1:]]  # the same as a bias of 0
    parameters = tuple({**b, **arrays} for b, arrays in zip(no_bias, case.parameters[1:], strict=True))
    with jax.enable_x64(True):
        found = (of_each if per_sample else gradient)(parameters, case.x, case.y, *numbered(case.architecture))
    layers = zip(({}, *found), case.parameters, strict=True)
    return [{name: np.asarray(layer[name]) for name in arrays} for layer, arrays in layers]


def jax_grad(case: Case):
    """Automatic differentiation in float64; the switch holds for this call only."""
    return by_jax(case, per_sample=False)


def jax_vmap_grad(case: Case):
    """Each sample's gradient by automatic differentiation, (n, …)."""
    return by_jax(case, per_sample=True)


def mean_loss(case: Case, l: int, name: str, array: np.ndarray):
    """C with one array of layer l replaced."""
    net = case.architecture
    parameters = list(case.parameters)
    parameters[l] = {**parameters[l], name: array}
    return np.mean(losses(net.program, net.loss, forward(net.program, parameters, case.x), case.y))


def differences(case: Case, difference):
    """For each number of each array, `difference(C)` where C(h) is the mean loss with h added to that number."""
    gradient = []
    for l, arrays in enumerate(case.parameters):
        layer = {}
        for name, array in arrays.items():
            layer[name] = np.empty_like(array)
            for index in np.ndindex(array.shape):

                def C(h, l=l, name=name, array=array, index=index):
                    moved = array.astype(np.result_type(array, type(h)))
                    moved[index] += h
                    return mean_loss(case, l, name, moved)

                layer[name][index] = difference(C)
        gradient.append(layer)
    return gradient


def complex_step(case: Case):
    """Im C(w + ih)/h: no subtraction, so no rounding to speak of. Squire & Trapp 1998."""
    return differences(case, lambda C: C(1e-30j).imag / 1e-30)


def central_differences(case: Case):
    """(C(w + h) − C(w − h))/2h."""
    h = 6e-6
    return differences(case, lambda C: (C(h) - C(-h)) / (2 * h))


def scalar_gradient(case: Case, number=float):
    """The plain loops of `pellucid.scalar`, on numbers of the given kind."""
    net = scalar.convert(scalar.network(case.architecture.to_dict(), case.parameters), number)
    x = [[number(x_ik) for x_ik in x_i] for x_i in case.x.tolist()]
    y = [[number(y_ij) for y_ij in y_i] for y_i in case.y.tolist()]
    dC_dw, dC_db = scalar.gradient(net, x, y)
    return [
        {name: np.array(array[l]) for name, array in (("w", dC_dw), ("b", dC_db)) if array[l] is not None}
        for l in range(net.L + 1)
    ]


def scalar_fractions(case: Case):
    """The plain loops on exact fractions: arrays of Fraction."""
    return scalar_gradient(case, Fraction)


def scalar_mpmath(case: Case):
    """The plain loops with 30 digits, then rounded to float64."""
    import mpmath

    with mpmath.workdps(30):
        return [
            {name: array.astype(float) for name, array in layer.items()} for layer in scalar_gradient(case, mpmath.mpf)
        ]


class Dual:
    """value + slope·ε with ε² = 0, in fractions: f(x + ε) = f(x) + f′(x) ε, exactly, with no backward pass at all."""

    def __init__(self, value, slope=0):
        self.real, self.slope = Fraction(value), Fraction(slope)

    @staticmethod
    def of(x):
        return x if isinstance(x, Dual) else Dual(x)

    def __add__(self, other):
        other = Dual.of(other)
        return Dual(self.real + other.real, self.slope + other.slope)

    def __mul__(self, other):
        other = Dual.of(other)
        return Dual(self.real * other.real, self.slope * other.real + self.real * other.slope)

    def __truediv__(self, other):
        other = Dual.of(other)
        value = self.real / other.real
        return Dual(value, (self.slope - value * other.slope) / other.real)

    def __pow__(self, exponent):
        assert exponent == 2
        return self * self

    def __neg__(self):
        return Dual(-self.real, -self.slope)

    def __sub__(self, other):
        return self + -Dual.of(other)

    def __rsub__(self, other):
        return Dual.of(other) - self

    def __rtruediv__(self, other):
        return Dual.of(other) / self

    __radd__, __rmul__ = __add__, __mul__


def dual_numbers(case: Case):
    """Forward-mode differentiation of the plain loops' forward pass, on exact fractions."""
    net = scalar.convert(scalar.network(case.architecture.to_dict(), case.parameters), Dual)
    x, y = case.x.tolist(), case.y.tolist()
    gradient = [{}]
    for l in range(1, net.L + 1):
        layer = {}
        for name, rows in (("w", net.w[l]), ("b", [net.b[l]])):
            if rows == [None]:
                continue
            slopes = []
            for row in rows:
                for place, number in enumerate(row):
                    row[place] = Dual(number.real, 1)
                    total = sum(
                        (scalar.C(net, scalar.forward(net, x_i), y_i) for x_i, y_i in zip(x, y, strict=True)), Dual(0)
                    )
                    slopes.append(total.slope / len(x))
                    row[place] = number
            layer[name] = np.array(slopes, dtype=object).reshape(case.parameters[l][name].shape)
        gradient.append(layer)
    return gradient


# name: (reference, tolerance relative to the largest derivative of the array). Central differences reach 6e-11 at best.
ORACLES = {
    "jax.grad": (jax_grad, 1e-12),
    "complex step": (complex_step, 1e-12),
    "central differences": (central_differences, 1e-7),
    "scalar": (scalar_gradient, 1e-12),
    "scalar, mpmath": (scalar_mpmath, 1e-12),
}
EXACT = {"scalar, fractions": scalar_fractions, "dual numbers": dual_numbers}
