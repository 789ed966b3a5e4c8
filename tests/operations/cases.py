"""One example of every form that an operation takes, each beside plain loops that compute the same."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.activations import ACTIVATIONS, activation
from pellucid.operations import Applied, Contraction, Gather, Largest, Mean, Move, Operation, Pointwise, Softmax
from pellucid.spaces import Space

N = 2  # samples


@dataclass(frozen=True)
class Case:
    """An operation with its inputs.

    Attributes:
        x: the inputs; those of samples have them first.
        plain: the same value by plain loops.
        alike: which inputs are the same for all samples.
        fixed: inputs without a derivative: a mask, row numbers.
        central: whether differences are central ones and not by a complex step.
    """

    operation: Operation
    x: tuple[np.ndarray, ...]
    plain: Callable[..., np.ndarray]
    alike: tuple[int, ...] = ()
    fixed: tuple[int, ...] = ()
    central: bool = False

    @property
    def per_sample(self) -> bool:
        """Whether out has samples."""
        return len(self.alike) < len(self.x) and not self.operation.mixes_samples

    def letters(self, m: int) -> int:
        """How many indices input m has."""
        return self.x[m].ndim - (m not in self.alike)


def contracted(letters: str, left, right, bias=None, sizes=None):
    """Σ left · right over everything that the letters leave out: a loop over every combination of indices."""
    one, other, out = re.split(",|->", letters)
    axes = re.findall(r"\(([^)]*)\)|([a-z])", other)
    samples = [N] if left.ndim > len(one) or right.ndim > len(axes) else []
    size = dict(sizes or {})
    for c, n in zip(one, left.shape[left.ndim - len(one) :], strict=True):
        size[c] = n
    for (inside, c), n in zip(axes, right.shape[right.ndim - len(axes) :], strict=True):
        if not inside:
            size[c] = n
    names = list(size)
    total = np.zeros((*samples, *(size[c] for c in out)))
    for i in range(samples[0]) if samples else [None]:
        x = left[i] if left.ndim > len(one) else left
        y = right[i] if right.ndim > len(axes) else right
        for values in itertools.product(*(range(size[c]) for c in names)):
            at = dict(zip(names, values, strict=True))
            place = []
            for inside, c in axes:
                text = re.sub(r"(\d)([a-z])", r"\1*\2", inside or c)
                place.append(eval(text, {}, at))
            if any(not 0 <= p < n for p, n in zip(place, y.shape, strict=True)):
                continue  # outside the array there are zeros
            entry = tuple(at[c] for c in out)
            total[entry if i is None else (i, *entry)] += x[tuple(at[c] for c in one)] * y[tuple(place)]
    if bias is not None:
        own = [c for c in out if c in one]
        for entry in itertools.product(*(range(size[c]) for c in out)):
            total[(..., *entry)] += bias[tuple(i for i, c in zip(entry, out, strict=True) if c in own)]
    return total


def contraction(draw, letters: str, left: tuple, right: tuple, bias=(), sizes=(), alike=(0,)) -> Case:
    operation = Contraction(letters, bool(bias), tuple(sizes))
    shapes = [left, right, *([bias] if bias else [])]
    alike = (*alike, *((2,) if bias else ()))
    x = tuple(draw(s if m in alike else (N, *s)) for m, s in enumerate(shapes))
    return Case(operation, x, lambda *x: contracted(letters, *x, sizes=sizes), alike)


def contractions(draw) -> dict[str, Case]:
    def of(*shapes, **more):
        return contraction(draw, *shapes, **more)

    return {
        "dense": of("jk,k->j", (3, 4), (4,)),
        "dense, bias": of("jk,k->j", (3, 4), (4,), (3,)),
        "dense, one below": of("jk,k->j", (3, 1), (1,), (3,)),
        "dense, one node": of("jk,k->j", (1, 4), (4,), (1,)),
        "on positions": of("jk,tk->tj", (3, 4), (2, 4)),
        "on positions, bias": of("jk,tk->tj", (3, 4), (2, 4), (3,)),
        "on rows and columns": of("jk,rck->rcj", (3, 2), (2, 3, 2), (3,)),
        "window": of("juk,(t+u)k->tj", (3, 2, 2), (4, 2), (3,), sizes=[("t", 3)]),
        "window without a channel below": of("ju,(t+u)->tj", (3, 2), (4,), sizes=[("t", 3)]),
        "stride and padding": of("juk,(2t+u-1)k->tj", (2, 3, 2), (5, 2), (2,), sizes=[("t", 3)]),
        "dilation": of("juk,(t+2u-2)k->tj", (2, 3, 2), (4, 2), sizes=[("t", 4)]),
        "stride and dilation": of("juk,(3t+2u-1)k->tj", (2, 2, 1), (6, 1), (2,), sizes=[("t", 2)]),
        "image": of("juvk,(r+u)(c+v)k->rcj", (2, 2, 2, 1), (3, 3, 1), sizes=[("r", 2), ("c", 2)]),
        "image, stride and padding": of(
            "juvk,(2r+u-1)(2c+v-1)k->rcj", (2, 3, 2, 2), (4, 3, 2), (2,), sizes=[("r", 2), ("c", 2)]
        ),
        "groups": of("gjuk,(t+u-1)gk->tgj", (2, 3, 2, 2), (3, 2, 2), sizes=[("t", 3)]),
        "groups, bias": of("gjuk,(t+u-1)gk->tgj", (2, 3, 2, 2), (3, 2, 2), (2, 3), sizes=[("t", 3)]),
        "each channel its own": of("ju,(t+u)j->tj", (3, 2), (4, 3), (3,), sizes=[("t", 3)]),
        "bias before positions": of("jk,kt->jt", (3, 2), (2, 4), (3,)),
        "weights of several indices": of("thk,ik->ith", (2, 3, 2), (2, 2), (2, 3)),
        "queries by keys": of("thd,shd->hts", (3, 2, 2), (4, 2, 2), alike=()),
        "shares by values": of("hts,shd->thd", (2, 3, 4), (4, 2, 2), alike=()),
        "weights by weights": of("jm,mk->jk", (3, 2), (2, 4), alike=(0, 1)),
    }


def looped(formula: Callable[..., Any], letters: str):
    """A function of one entry of each input, entry by entry."""
    inputs, out = letters.split("->")
    sides = inputs.split(",")

    def value(*x):
        samples = [a.shape[0] for a, s in zip(x, sides, strict=True) if a.ndim > len(s)]
        size = {c: n for a, s in zip(x, sides, strict=True) for c, n in zip(s, a.shape[a.ndim - len(s) :], strict=True)}
        shape = tuple(size[c] for c in out)
        total = np.zeros((*samples[:1], *shape))
        for entry in np.ndindex(total.shape):
            at = dict(zip(out, entry[len(samples[:1]) :], strict=True))
            front = entry[: len(samples[:1])]
            total[entry] = formula(
                *(a[(*(front if a.ndim > len(s) else ()), *(at[c] for c in s))] for a, s in zip(x, sides, strict=True))
            )
        return total

    return value


def pointwise(draw) -> dict[str, Case]:
    def of(formula, names, letters, plain, shapes, alike=(), shift=0.0):
        x = tuple(np.asarray(draw(s if m in alike else (N, *s)) + shift) for m, s in enumerate(shapes))
        return Case(Pointwise(formula, names, letters), x, looped(plain, letters), alike)

    one = {
        "sum": of("x + y", "x y", "j,j->j", lambda x, y: x + y, [(3,), (3,)]),
        "state": of(
            "f * before + i * g", "f before i g", "tj,tj,tj,tj->tj", lambda f, c, i, g: f * c + i * g, [(2, 3)] * 4
        ),
        "scale and shift": of(
            "gamma * x + beta", "gamma x beta", "j,rcj,j->rcj", lambda g, x, b: g * x + b, [(2,), (2, 3, 2), (2,)], (0, 2)
        ),
        "scale of another axis": of("s * x", "s x", "r,rcj->rcj", lambda s, x: s * x, [(2,), (2, 3, 2)], (0,)),
        "scale of two axes": of("s * x", "s x", "jr,rcj->rcj", lambda s, x: s * x, [(2, 2), (2, 3, 2)], (0,)),
        "one for all": of("s * x", "s x", ",tj->tj", lambda s, x: s * x, [(), (2, 3)], (0,)),
        "centred": of("x - mu", "x mu", "tj,t->tj", lambda x, m: x - m, [(2, 3), (2,)]),
        "normalised": of(
            "(x - mu) / sqrt(v + 0.1)", "x mu v", "tj,t,t->tj", lambda x, m, v: (x - m) / np.sqrt(v + 0.1),
            [(2, 3), (2,), (2,)], shift=3.0,
        ),
        "cases": of("x * y if x > y else x**2", "x y", "j,j->j", lambda x, y: x * y if x > y else x**2, [(4,), (4,)]),
        "of one input alone": of("x**2", "x y", "j,tj->tj", lambda x, y: x**2, [(3,), (2, 3)]),
        "constant": of("0 * x + 2", "x", "j->j", lambda x: 2.0, [(3,)]),
        "same twice": of("x * y", "x y", "j,i->ji", lambda x, y: x * y, [(3,), (2,)]),
        "weights alone": of("w**2", "w", "jk->jk", lambda w: w**2, [(2, 3)], (0,)),
        "two weights alone": of("u * v", "u v", "j,k->jk", lambda u, v: u * v, [(2,), (3,)], (0, 1)),
    }  # fmt: skip
    named = {
        "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "abs": np.abs,
        "Phi": lambda x: math.erfc(-x / 2**0.5) / 2,
    }  # fmt: skip
    for name, plain in named.items():
        one[name] = of(f"{name}(x) * y", "x y", "tj,j->tj", lambda x, y, p=plain: p(x) * y, [(2, 3), (3,)], (1,), 3.0)
    return one


def applied(draw) -> dict[str, Case]:
    cases = {}
    for name in ACTIVATIONS:
        g = activation(name)
        rows = lambda z, g=g: np.array([g.g(row[None])[0] for row in z.reshape((-1, z.shape[-1]))]).reshape(z.shape)  # noqa: E731
        cases[f"applied {name}"] = Case(Applied(g, "j"), (draw((N, 3)),), rows)
        cases[f"applied {name} on positions"] = Case(Applied(g, "tj"), (draw((N, 2, 3)),), rows)
    return cases


def shares(z, mask=None, axis=-1):
    """e^z over its sum along an axis, by loops over the rows; 0 everywhere where nothing is allowed."""
    z = np.moveaxis(z, axis, -1)
    mask = (
        np.ones_like(z)
        if mask is None
        else np.moveaxis(np.broadcast_to(mask, np.moveaxis(z, -1, axis).shape), axis, -1)
    )
    out = np.zeros_like(z)
    for at in np.ndindex(z.shape[:-1]):
        top = [np.exp(value) * allowed for value, allowed in zip(z[at], mask[at], strict=True)]
        out[at] = np.array(top) / (sum(top) or 1)
    return np.moveaxis(out, -1, axis)


def softmaxes(draw) -> dict[str, Case]:
    causal = np.tril(np.ones((3, 3)))
    each = np.ones((N, 3, 3))
    each[1, :, 2] = each[0, 1] = 0  # a short sequence; a row in which nothing is allowed
    return {
        "softmax": Case(Softmax("j", "j"), (draw((N, 3)),), shares),
        "softmax along the first axis": Case(Softmax("ts", "t"), (draw((N, 3, 2)),), lambda z: shares(z, axis=1)),
        "softmax, one mask": Case(Softmax("hts,ts", "s"), (draw((N, 2, 3, 3)), causal), shares, (1,), (1,)),
        "softmax, a mask each": Case(
            Softmax("hts,ts", "s"), (draw((N, 2, 3, 3)), each), lambda z, m: shares(z, m[:, None]), (), (1,)
        ),
        "softmax of weights": Case(Softmax("jk", "k"), (draw((2, 3)),), shares, (0,)),
    }


def means(draw) -> dict[str, Case]:
    return {
        "mean": Case(Mean("tj->j"), (draw((N, 3, 2)),), lambda x: sum(x[:, t] for t in range(3)) / 3),
        "mean of a map": Case(
            Mean("rcj->j"), (draw((N, 2, 3, 2)),), lambda x: sum(x[:, r, c] for r in range(2) for c in range(3)) / 6
        ),
        "mean of nodes": Case(Mean("tj->t"), (draw((N, 3, 2)),), lambda x: (x[:, :, 0] + x[:, :, 1]) / 2),
        "mean of all": Case(Mean("tj->"), (draw((N, 3, 2)),), lambda x: np.array([sum(i.ravel()) / 6 for i in x])),
        "mean of samples": Case(Mean("j->j", True), (draw((3, 2)),), lambda x: (x[0] + x[1] + x[2]) / 3),
        "mean of samples and positions": Case(
            Mean("tj->j", True), (draw((2, 3, 2)),), lambda x: sum(x[i, t] for i in range(2) for t in range(3)) / 6
        ),
        "mean of weights": Case(Mean("jk->j"), (draw((2, 3)),), lambda w: sum(w[:, k] for k in range(3)) / 3, (0,)),
    }


def moved(places):
    def value(x):
        flat = x.reshape((-1, np.prod(x.shape[1:], dtype=int)))
        out = np.zeros((len(flat), *places.shape))
        for i in range(len(flat)):
            for at in np.ndindex(places.shape):
                out[(i, *at)] = flat[i, places[at]] if places[at] >= 0 else 0.0
        return out

    return value


def moves(draw) -> dict[str, Case]:
    inside = Space("rj", (2, 3))
    tables = {
        "flatten": (np.arange(6), "j"),
        "permute": (np.arange(6).reshape(2, 3).T, "jr"),
        "slice": (np.array([[1, 2], [4, 5]]), "rj"),
        "pad": (np.pad(np.arange(6).reshape(2, 3), 1, constant_values=-1), "rj"),
        "repeat": (np.repeat(np.arange(6).reshape(2, 3), 2, axis=0), "rj"),
        "only a filling": (np.full((2,), -1), "j"),
    }
    cases = {n: Case(Move.of(n, inside, t, l), (draw((N, 2, 3)),), moved(t)) for n, (t, l) in tables.items()}
    table = tables["pad"][0]
    cases["pad weights"] = Case(
        Move.of("pad", inside, table, "rj"), (draw((2, 3)),), lambda w: moved(table)(w[None])[0], (0,)
    )
    return cases


def largest(windows):
    def value(x):
        flat = x.reshape((len(x), -1))
        out = np.zeros((len(x), *windows.shape[:-1]))
        for i in range(len(x)):
            for at in np.ndindex(windows.shape[:-1]):
                out[(i, *at)] = max(flat[i, p] for p in windows[at] if p >= 0)
        return out

    return value


def largests(draw) -> dict[str, Case]:
    flat = np.arange(12).reshape(4, 3)
    apart = np.array([[[0, 1], [2, -1]], [[3, 4], [5, -1]], [[6, 7], [8, -1]], [[9, 10], [11, -1]]])
    over = np.stack([flat[r : r + 2].ravel() for r in range(3)])
    inside = Space("rj", (4, 3))
    distinct = np.stack([draw.generator.permutation(12).reshape(4, 3) - 6.5 for _ in range(N)])
    ties = draw.generator.integers(-1, 1, (N, 4, 3)).astype(float)
    cases = {}
    for name, windows, letters in (("apart, padded", apart, "rj"), ("that overlap", over, "r")):
        operation = Largest.of("maxpool", inside, windows, letters)
        cases[f"largest of windows {name}"] = Case(operation, (distinct,), largest(windows), central=True)
        cases[f"largest of windows {name}, ties"] = Case(operation, (ties,), largest(windows))
    cases["largest of weights"] = Case(
        Largest.of("maxpool", inside, over, "r"),
        (distinct[0],),
        lambda w: largest(over)(w[None])[0],
        (0,),
        central=True,
    )
    return cases


def gathers(draw) -> dict[str, Case]:
    rows = np.array([[1, 0, 1], [3, 3, 3]])

    def value(table, numbers):
        return np.array([[table[int(v)] for v in row] for row in numbers])

    return {
        "rows": Case(Gather(), (draw((4, 2)), rows), value, (0,), (1,)),
        "rows by numbers that are floats": Case(Gather(), (draw((4, 2)), rows.astype(float)), value, (0,), (1,)),
    }


class Draw:
    """Normal numbers of a seed."""

    def __init__(self, seed: int):
        self.generator = np.random.default_rng(seed)

    def __call__(self, shape) -> np.ndarray:
        return self.generator.normal(size=shape)


FAMILIES = (contractions, pointwise, applied, softmaxes, means, moves, largests, gathers)
NAMES = [(family, name) for family in FAMILIES for name in family(Draw(0))]
