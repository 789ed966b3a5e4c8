"""The networks that were calculated by hand: every number of each JSON file, from the NumPy code and from plain loops.

The files are shown in the docs too. Numbers stand there as text, with the digits that are known; the calculated
ones are rounded to 14 digits, the published ones to those that were printed.
"""

import json
import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pellucid import scalar
from pellucid.architecture import Architecture
from pellucid.backward import backward, losses
from pellucid.forward import forward
from pellucid.layers import Dense, Input
from pellucid.losses import loss

FILES = sorted(Path(__file__).parent.glob("*.json"))
EXAMPLES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES}


def with_numpy(example):
    """Everything that an address of the files may name, from the NumPy code: by name, then [l][…]."""
    layers = (Dense(n, g) for n, g in zip(example["n"][1:], example["activations"], strict=True))
    net = Architecture((Input(example["n"][0]), *layers), loss(example["loss"]))
    x, y = np.array([example["x"]]), np.array([example["y"]])

    def run(w, b):
        parameters = ({}, *({"w": np.array(w_l), "b": np.array(b_l)} for w_l, b_l in zip(w[1:], b[1:], strict=True)))
        record = forward(net.program, parameters, x)
        back = backward(net.program, net.loss, record, y)
        gradient = (None, *back.gradient()[1:])
        first = lambda arrays: [None if array is None else array[0] for array in arrays]  # noqa: E731
        g = [None, *(net.program.activation(l).derivative(record.z[l])[0] for l in range(1, net.L + 1))]
        return {
            "w": w, "b": b, "z": first(record.z), "a": first(record.a), "da/dz": g,
            "C": losses(net.program, net.loss, record, y), "dC0/da": first(back.dC_da), "delta": first(back.delta),
            "dC0/dw": [layer and layer["w"] for layer in gradient], "dC0/db": [layer and layer["b"] for layer in gradient],
        }  # fmt: skip

    return run


def with_loops(example, number=float):
    """The same from plain loops."""

    def numbers(tree):
        return [numbers(branch) for branch in tree] if isinstance(tree, list) else tree and number(str(tree))

    def run(w, b):
        net = scalar.Network(numbers(w), numbers(b), [None, *example["activations"]], example["loss"])
        y = numbers(example["y"])
        record = scalar.forward(net, numbers(example["x"]))
        back = scalar.backward(net, record, y)
        g = [None] + [
            [scalar.ACTIVATIONS[net.g[l]][1](z_j) for z_j in record.z[l]] for l in range(1, net.L + 1)
        ]  # fmt: skip
        return {
            "w": net.w, "b": net.b, "z": record.z, "a": record.a, "da/dz": g, "C": [scalar.C(net, record, y)],
            "dC0/da": back.dC_da, "delta": back.delta, "dC0/dw": back.dC_dw, "dC0/db": back.dC_db,
        }  # fmt: skip

    return run


WAYS = {"numpy": with_numpy, "loops": with_loops}


def at(values, address):
    """The number at an address: a[1][0], dC0/dw[2][1,2], da[1][0]/dz[1][0], C[0]."""
    name = re.sub(r"\[[^]]*\]", "", address)
    places = re.findall(r"\[([^]]*)\]", address)
    if name == "da/dz":
        places = places[:2]
    value = values[name]
    for place in ",".join(places).split(","):
        value = value[int(place)]
    return value


def moved(example, values):
    """The weights and biases after one step, from the derivatives of the old ones."""
    lr = example["lr"]
    step = lambda old, slope: (np.array(old, float) - lr * np.array(slope, float)).tolist()  # noqa: E731
    w = [None] + [step(example["w"][l], values["dC0/dw"][l]) for l in range(1, len(example["n"]))]
    b = [None] + [step(example["b"][l], values["dC0/db"][l]) for l in range(1, len(example["n"]))]
    return w, example["b"] if example["biases_fixed"] else b


def check_calculated(values, numbers):
    for address, digits in numbers.items():
        assert float(at(values, address)) == pytest.approx(float(digits), rel=1e-13, abs=1e-15), address


def check_published(values, numbers):
    """Every printed digit is right: half a unit of the last one."""
    for address, digits in numbers.items():
        unit = Decimal(1).scaleb(Decimal(digits).as_tuple().exponent)
        assert abs(Decimal(float(at(values, address))) - Decimal(digits)) <= unit / 2 + Decimal("1e-15"), address


def test_the_files_are_found():
    assert set(EXAMPLES) == {"two_two_two", "two_three_two", "six_to_four"}
    for name, example in EXAMPLES.items():
        assert example["name"] == name


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_number(name, way):
    example = EXAMPLES[name]
    run = WAYS[way](example)
    values = run(example["w"], example["b"])
    check_calculated(values, example["numbers"])
    check_published(values, example.get("published", {}))
    after = run(*moved(example, values))
    check_calculated(after, example["after_update"])
    check_published(after, example.get("published_after_update", {}))


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_number_is_missing(name):
    example, n = EXAMPLES[name], EXAMPLES[name]["n"]
    nodes, weights = sum(n[1:]), sum(above * below for below, above in pairwise(n))
    # z, a, ∂C/∂a, ∂a/∂z, δ, ∂C/∂b per node; ∂C/∂w per weight; ∂C/∂x; C
    assert len(example["numbers"]) == 6 * nodes + weights + n[0] + 1
    assert len(example["after_update"]) == weights + 1 + (0 if example["biases_fixed"] else nodes)


def test_the_short_decimals_are_exact():
    """No rounding at all: fractions give the very decimals of the file."""
    example = EXAMPLES["two_three_two"]
    values = with_loops(example, Fraction)(example["w"], example["b"])
    for address, digits in example["numbers"].items():
        assert at(values, address) == Fraction(digits), address


def test_three_terms():
    terms, numbers = EXAMPLES["six_to_four"]["terms"], EXAMPLES["six_to_four"]["numbers"]
    product = Decimal(1)
    for address in terms["product"]:
        product *= Decimal(numbers[address])
    assert float(product) == pytest.approx(float(numbers[terms["of"]]), rel=1e-13)


def test_update_of_plain_loops():
    """`scalar.gradient` and `scalar.update` take the same step."""
    example = EXAMPLES["six_to_four"]
    net = scalar.Network(example["w"], example["b"], [None, *example["activations"]], example["loss"])
    net = scalar.update(net, *scalar.gradient(net, [example["x"]], [example["y"]]), lr=example["lr"])
    check_calculated(with_loops(example)(net.w, net.b), example["after_update"])


def test_the_known_mistake():
    """0.291027924, which is printed in many places, comes of output weights that are updated too early."""
    example = EXAMPLES["two_two_two"]
    w, b = moved(example, with_loops(example)(example["w"], example["b"]))
    record_of = with_loops(example)
    # the hidden layer's derivatives, read through the new output weights
    old = record_of(example["w"], example["b"])
    delta_1 = [
        sum(old["delta"][2][j] * w[2][j][k] for j in range(2)) * old["da/dz"][1][k] for k in range(2)
    ]  # fmt: skip
    wrong = [[example["w"][1][j][k] - example["lr"] * delta_1[j] * example["x"][k] for k in range(2)] for j in range(2)]
    values = record_of([None, wrong, w[2]], b)
    check_published(values, example["mistake"]["after_update"])
    right = float(example["published_after_update"]["C[0]"])
    assert abs(values["C"][0] - right) > 1e-7  # they can be told apart
