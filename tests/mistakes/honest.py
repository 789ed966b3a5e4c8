"""Right backward passes written as students write them, without anything of Pellucid's: for false alarms.

Samples in columns or one by one, other formulas for the same derivatives, float32 from end to end, another
convention at kinks. `python -m tests.mistakes.honest 10000 0` runs the long campaign,
`… 500 0 deep` one with deeper and wider networks.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import numpy as np

from pellucid.architecture import Architecture
from pellucid.check import check_gradients
from pellucid.check.problem import problem
from pellucid.layers import Dense, Input
from pellucid.losses import loss

from .planting import random_problem


def erf(z):
    from scipy.special import erf

    return erf(z)


def normal(z):
    return np.exp(-(z**2) / 2) / z.dtype.type(np.sqrt(2 * np.pi))


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
G = {
    "linear": (lambda z: z, lambda z, k: np.ones_like(z)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, k: (lambda s: s * (1 - s))(1 / (1 + np.exp(-z)))),
    "tanh": (np.tanh, lambda z, k: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z, k: np.where(z > 0, 1, np.where(z == 0, k, 0)).astype(z.dtype)),
    "leaky_relu": (
        lambda z: np.where(z > 0, z, z.dtype.type(0.01) * z),
        lambda z, k: np.where(z > 0, 1, np.where(z == 0, 0.01 + 0.99 * k, 0.01)).astype(z.dtype),
    ),
    "elu": (lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1), lambda z, k: np.exp(np.minimum(z, 0))),
    "selu": (
        lambda z: (SCALE * np.where(z > 0, z, ALPHA * (np.exp(np.minimum(z, 0)) - 1))).astype(z.dtype),
        lambda z, k: (SCALE * np.where(z > 0, 1, ALPHA * np.exp(np.minimum(z, 0)))).astype(z.dtype),
    ),
    "gelu": (
        lambda z: z * (1 + erf(z / z.dtype.type(np.sqrt(2)))) / 2,
        lambda z, k: (1 + erf(z / z.dtype.type(np.sqrt(2)))) / 2 + z * normal(z),
    ),
    "silu": (
        lambda z: z * (1 / (1 + np.exp(-z))),
        lambda z, k: (lambda s: s + z * s * (1 - s))(1 / (1 + np.exp(-z))),
    ),
    "softplus": (lambda z: np.maximum(z, 0) + np.log1p(np.exp(-abs(z))), lambda z, k: 1 / (1 + np.exp(-z))),
    "exponential": (np.exp, lambda z, k: np.exp(z)),
    "softsign": (lambda z: z / (1 + abs(z)), lambda z, k: 1 / (1 + abs(z)) ** 2),
}


def loss_derivative(name, a, y, k):
    r = a - y
    return {
        "squared_error": lambda: r + r,
        "half_squared_error": lambda: r,
        "mean_squared_error": lambda: 2 * r / a.dtype.type(a.shape[0]),
        "absolute_error": lambda: np.where(r == 0, 2 * k - 1 if k else 0, np.sign(r)).astype(a.dtype),
        "huber": lambda: np.minimum(1, np.maximum(-1, r)),
        "cross_entropy": lambda: np.where(y > 0, -y / np.where(y > 0, a, 1), 0),
        "poisson": lambda: (a - y) / a,
        "binary_cross_entropy": lambda: -y / a + (1 - y) / (1 - a),
    }[name]()


def gradients(given, dtype=np.float64, k=0.0, fused=True, loop=False):
    """The gradients with samples in columns; None where the formula breaks down."""
    names = [given.g(l).name for l in range(1, given.L + 1)]
    name = given.architecture.loss.name
    w = [given.w(l).astype(dtype) for l in range(1, given.L + 1)]
    b = [None if given.b(l) is None else given.b(l).astype(dtype)[:, None] for l in range(1, given.L + 1)]
    groups = [[i] for i in range(given.n)] if loop else [list(range(given.n))]
    total_w, total_b = [0 * v for v in w], [None if v is None else 0 * v for v in b]
    with np.errstate(all="ignore"):
        for rows in groups:
            a, z = [given.x[rows].T.astype(dtype)], [None]
            y = given.y[rows].T.astype(dtype)
            for weights, bias, g in zip(w, b, names, strict=True):
                z.append(np.dot(weights, a[-1]) if bias is None else np.dot(weights, a[-1]) + bias)
                if g == "softmax":
                    e = np.exp(z[-1] - z[-1].max(axis=0))
                    a.append(e / e.sum(axis=0))
                else:
                    a.append(G[g][0](z[-1]))
            d = loss_derivative(name, a[-1], y, k)
            for l in range(given.L, 0, -1):
                g = names[l - 1]
                if l == given.L and fused and given.fused:
                    delta = a[-1] - y
                elif g == "softmax":
                    delta = a[l] * (d - (d * a[l]).sum(axis=0))
                else:
                    delta = d * G[g][1](z[l], k)
                total_w[l - 1] = total_w[l - 1] + np.dot(delta, a[l - 1].T)
                if b[l - 1] is not None:
                    total_b[l - 1] = total_b[l - 1] + delta.sum(axis=1, keepdims=True)
                d = np.dot(w[l - 1].T, delta)
        penalty, out = given.architecture.penalty, []
        for l in range(given.L):
            dw = total_w[l] / given.n
            if penalty.any:
                dw = dw + (2 * penalty.l2 * w[l] + penalty.l1 * np.sign(w[l])).astype(dtype)
            out.append((dw,) if total_b[l] is None else (dw, total_b[l] / given.n))
    ok = all(np.isfinite(v).all() for pair in out for v in pair)
    return out if ok else None


def random_right(seed):
    """A random problem, some at kinks, some saturated, some with tiny or huge weights, and right gradients."""
    generator = np.random.default_rng(seed)
    way = seed % 4
    scale = 1.0 if way == 0 else 10.0 ** generator.uniform(-8, 8) if way == 1 else generator.choice([5.0, 30.0])
    given = random_problem(generator, scale=scale)
    k = 0.0
    if way == 3:  # whole numbers: z is exactly 0 here and there
        whole = lambda v: np.round(v.clip(-2, 2))  # noqa: E731
        from dataclasses import replace

        parameters = tuple({n: whole(v / scale) for n, v in layer.items()} for layer in given.parameters)
        given = replace(given, parameters=parameters, x=whole(given.x), y=whole(given.y))
        k = float(generator.choice([0.0, 0.5, 1.0]))
    dtype = np.float32 if generator.random() < 0.4 else np.float64
    right = gradients(given, dtype, k, bool(generator.random() < 0.7), bool(generator.random() < 0.3))
    return given, right, dtype, k


def deep_right(seed):
    """A deeper and wider network with more samples, and right gradients."""
    generator = np.random.default_rng([seed, 1])
    L, n = int(generator.integers(4, 10)), int(generator.choice([16, 64, 200]))
    widths = [int(v) for v in generator.integers(10, 65, L + 1)]
    names = [str(generator.choice(list(G))) for _ in range(L)]
    output = str(generator.choice(["softmax", "sigmoid", "linear", "tanh"]))
    of = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}.get(output, "squared_error")
    layers = (Dense(n, g) for n, g in zip(widths[1:], [*names[1:], output], strict=True))
    net = Architecture((Input(widths[0]), *layers), loss(of))
    gain = float(generator.choice([0.3, 1.0, 1.7, 3.0]))
    parameters = tuple({k: v * gain if k == "w" else 0.1 * generator.normal(size=v.shape) for k, v in layer.items()}
                       for layer in net.initial(seed))  # fmt: skip
    x = generator.normal(size=(n, widths[0])) * float(generator.choice([0.1, 1.0, 10.0]))
    if output == "softmax":
        y = generator.integers(0, widths[-1], n)
    elif output == "sigmoid":
        y = generator.integers(0, 2, (n, widths[-1])).astype(float)
    else:
        y = generator.normal(size=(n, widths[-1]))
    given = problem(net, parameters, x, y)
    dtype = np.float32 if generator.random() < 0.5 else np.float64
    return given, gradients(given, dtype, 0.0, True, bool(generator.random() < 0.3)), dtype, 0.0


def campaign(count, seed=0, right_of=None):
    verdicts, alarms = Counter(), []
    for s in range(seed, seed + count):
        given, right, dtype, k = (right_of or random_right)(s)
        if right is None:
            verdicts["not finite"] += 1
            continue
        report = check_gradients(given.architecture, given.parameters, given.x, given.y, right)
        verdicts[report.verdict] += 1
        if not report.ok:
            alarms.append((s, dtype.__name__, k, [m.slug for m in report.mistakes]))
    return verdicts, alarms


if __name__ == "__main__":
    begun = time.perf_counter()
    verdicts, alarms = campaign(int(sys.argv[1]), int(sys.argv[2]), deep_right if "deep" in sys.argv else None)
    print(dict(verdicts), f"{time.perf_counter() - begun:.0f} s")
    for alarm in alarms:
        print("  false alarm", *alarm)
