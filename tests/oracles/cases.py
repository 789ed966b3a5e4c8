"""Small networks with data, for every combination of activation, loss, number of layers and biases."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from pellucid.activations import ACTIVATIONS, Activation, LeakyReLU, activation
from pellucid.architecture import Architecture
from pellucid.arrays import tree_map
from pellucid.forward import forward
from pellucid.layers import Dense, Input
from pellucid.losses import LOSSES, Huber, Loss, loss
from pellucid.program import Program

WIDTHS = {L: (4, 5, 2, 6, 3)[4 - L :] for L in (1, 2, 3, 4)}  # common ends: JAX compiles each shape once
SAMPLES = 5
NARROW = {1: (3, 2), 2: (2, 3, 2), 3: (2, 3, 1, 2), 4: (2, 3, 1, 3, 2)}  # for exact numbers, whose digits grow

RATIONAL_ACTIVATIONS = ("linear", "relu", "leaky_relu", "softsign")
RATIONAL_LOSSES = ("squared_error", "half_squared_error", "mean_squared_error", "absolute_error", "huber")
COMBINATIONS = [(g, C, L, bias) for g in ACTIVATIONS for C in LOSSES for L in WIDTHS for bias in (True, False)]


@dataclass(frozen=True)
class Case:
    """A network with its arrays and its data: what every oracle gets."""

    architecture: Architecture
    parameters: tuple[dict[str, Any], ...]
    x: Any
    y: Any


def architecture(widths, activations, C: str | Loss, bias: bool) -> Architecture:
    layers = (Dense(n, g, bias) for n, g in zip(widths[1:], activations, strict=False))
    return Architecture((Input(widths[0]), *layers), loss(C))


def drawn(net: Architecture, draw) -> tuple[dict[str, Any], ...]:
    """The arrays of layers 0 … L, each drawn by its shape."""
    return tuple({name: draw(shape) for name, shape in net.program.shapes(l).items()} for l in range(net.L + 1))


def distance_to_kinks(case: Case) -> float:
    """How far the nearest z or residual is from a place where its function has no derivative."""
    net = case.architecture
    record = forward(net.program, case.parameters, case.x)
    gaps = [1.0]
    for l in range(1, net.L + 1):
        gaps += [float(np.min(np.abs(record.z[l] - kink))) for kink in net.program.activation(l).kinks]
    gaps += [float(np.min(np.abs(record.a[-1] - case.y - kink))) for kink in net.loss.kinks]
    if isinstance(net.loss, Huber):  # no kink in C, but one in its derivative: central differences stumble
        gaps.append(float(np.min(np.abs(np.abs(record.a[-1] - case.y) - net.loss.kappa))))
    return min(gaps)


def outputs_fit(case: Case) -> bool:
    """Whether the outputs are where the loss can be: in (0, 1) for probabilities, above 0 for counts."""
    outputs, loss = forward(case.architecture.program, case.parameters, case.x).a[-1], case.architecture.loss
    return not (loss.classes or loss.counts) or 0 < outputs.min() <= outputs.max() < (1 if loss.classes else np.inf)


def random_case(g: str | Activation, C: str | Loss, L: int, bias: bool, hidden: str | Activation | None = None) -> Case:
    """Random float64 numbers, away from kinks.

    Cross-entropy needs outputs in (0, 1). Sigmoid and softmax give them always; for every other activation the
    weights and inputs are positive and small, so that the outputs are in (0, 1) too: no combination is left out.
    So they are for poisson, which needs outputs above 0, and for the exponential, whose derivatives grow with it;
    with cross-entropy the exponential's output layer has negative weights.
    """
    g, C = activation(g), loss(C)
    net = architecture(WIDTHS[L], [hidden or g] * (L - 1) + [g], C, bias)
    always = ("sigmoid", "softmax", "softplus") if C.counts else ("sigmoid", "softmax")
    small = g.name == "exponential" or ((C.classes or C.counts) and g.name not in always)
    for seed in range(100):
        generator = np.random.default_rng([seed, L, bias, list(ACTIVATIONS).index(g.name), list(LOSSES).index(C.name)])
        if small:
            draw = partial(generator.uniform, 0.02, 0.12)
        else:
            draw = partial(generator.normal, 0.0, 0.7)
        parameters = drawn(net, lambda shape, draw=draw: draw(size=shape))
        if g.name == "exponential" and C.classes:
            parameters = (*parameters[:-1], {name: -array for name, array in parameters[-1].items()})
        x = np.abs(generator.normal(size=(SAMPLES, net.n[0]))) if small else generator.normal(size=(SAMPLES, net.n[0]))
        if C.classes:
            y = np.eye(3)[generator.integers(0, 3, SAMPLES)]
            y[0] = [0.2, 0.5, 0.3]
        elif C.counts:
            y = generator.poisson(2.0, (SAMPLES, 3)).astype(float)
        else:
            y = generator.normal(size=(SAMPLES, 3))
        case = Case(net, parameters, x, y)
        if distance_to_kinks(case) > 1e-3 and outputs_fit(case):
            return case
    raise AssertionError("no draw away from the kinks and in the domain of the loss")


def dyadic(g: str, C: str, L: int, bias: bool) -> Case:
    """Quarters between −2 and 2: with linear, relu and leaky relu (slope ¼) no float64 operation ever rounds."""
    g = LeakyReLU(0.25) if g == "leaky_relu" else g
    net = architecture(NARROW[L], [g] * L, Huber(0.5) if C == "huber" else C, bias)
    for seed in range(100):
        generator = np.random.default_rng([seed, L, bias, RATIONAL_LOSSES.index(C)])
        quarters = lambda shape: generator.integers(-8, 9, shape) / 4.0  # noqa: B023, E731
        parameters = drawn(net, quarters)
        case = Case(net, parameters, quarters((4, NARROW[L][0])), quarters((4, 2)))
        a = forward(net.program, parameters, case.x).a
        if all(a_l.any() for a_l in a):
            return case
    raise AssertionError("no draw with a living node in each layer")


def fractions(case: Case) -> Case:
    """The same case with every number, the constants too, as a Fraction."""
    exact = lambda array: np.vectorize(Fraction, otypes=[object])(array)  # noqa: E731
    net = case.architecture
    dense = (Dense(layer.n, exact_constants(layer.activation), layer.bias) for layer in net.layers[1:])
    parameters = tree_map(exact, case.parameters)
    exactly = Architecture((net.layers[0], *dense), exact_constants(net.loss))
    # 1/4 equals 0.25, so that the program of floats would be found again: this one is made anew.
    exactly.__dict__["program"] = Program(exactly.layers)
    return Case(exactly, parameters, exact(case.x), exact(case.y))


def exact_constants(function):
    return type(function)(**{name: Fraction(value) for name, value in function.parameters.items()})
