"""Formulas as text become the same trees as formulas built by hand, and training builds none."""

import math
import subprocess
import sys

import pytest

import pellucid as pc
from pellucid.activations import Activation
from pellucid.expressions import Cases, Function, Number, Symbol, evaluate, exp
from pellucid.formulas import Formula, read

A, Y, Z = Symbol("a"), Symbol("y"), Symbol("z")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1 / (1 + exp(-z))", 1 / (1 + exp(-Z))),
        ("-z**2 / 2", -(Z**2) / 2),
        ("2 * (a - y)", 2 * (A - Y)),
        ("a - y - 1", A - Y - 1),
        ("z if z > 0 else 0", Cases(Z, Z, Number(0))),
        ("1 if abs(a - y) > kappa else 0", Cases(Function("abs", A - Y) - Symbol("kappa"), Number(1), Number(0))),
        ("pi", Number(math.pi)),
        ("0.1", Number(0.1)),
    ],
)
def test_text_is_the_tree_built_by_hand(text, tree):
    assert read(text) == tree


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a +", "a +"), ("1 + softplus(z)", "softplus(z)"), ("a @ y", "a @ y"), ("z if z < 0 else 1", "z < 0"),
        ("z.real", "z.real"), ("exp(a, y)", "exp(a, y)"), ("'z'", "'z'"), ("True", "True"), ("", "got nothing"),
        ("__import__('os').abort()", "abort"),
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused_with_the_part_that_is_not(text, part):
    with pytest.raises(pc.InputError, match="expected numbers, letters") as caught:
        read(text)
    assert part in str(caught.value) and "Phi" in str(caught.value)


def test_a_formula_is_a_text():
    with pytest.raises(pc.InputError, match="expected a text such as"):
        Formula(3)  # pyright: ignore[reportArgumentType]


def test_an_activation_of_ones_own_brings_its_formulas_as_text():
    class Cubed(Activation):
        name = "cubed"
        equation = Formula("z**3")
        derivative_equation = Formula("3 * z**2")

    assert evaluate(Cubed().equation, {"z": 2.0}) == 8
    assert evaluate(Cubed.derivative_equation, {"z": 2.0}) == 12


def test_training_builds_no_formula():
    program = """
import numpy as np, pellucid as pc
from pellucid.formulas import read
pc.mlp([2, 3, 1], "relu", loss="huber").fit(np.ones((4, 2)), np.ones((4, 1)), epochs=1, progress=False, backend="numpy")
assert not read.cache_info().misses, "built"
"""
    subprocess.run([sys.executable, "-c", program], check=True)
