"""Numbers worked out by hand: judged by the digits that were written, named where a known mistake gives them all."""

import json

import numpy as np
import pytest

import pellucid as pc
from pellucid.check.candidate import grain
from pellucid.check.numbers import Written

RNG = np.random.default_rng(0)
NET = pc.mlp([3, 4, 2], "sigmoid", seed=1)
NET.b[1], NET.b[2] = RNG.normal(size=4), RNG.normal(size=2)
X, Y = RNG.normal(size=(5, 3)), RNG.random((5, 2))
T = NET.trace(X, Y)


def text(address, digits=6, times=1.0):
    return f"{T[address] * times:.{digits}f}"


ADDRESSES = ["dC0/dw[L][1,2]", "dC3/dw[1][2,0]", "dC/dw[2][0,0]", "dC/db[1][3]", "a[1][0]", "z[2][1]@4", "C", "C[2]",
             "delta[1][2]@1", "dC0/dx[1]", "dC2/da[1][1]", "da[2][1]/dz[2][1]", "w[1][0,0]", "x[2]", "y[1]"]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_any_address_is_judged_by_its_digits(address):
    for digits in (3, 5, 8):
        assert pc.check(NET, X, Y, {address: text(address, digits)}).verdict == "right"
    assert pc.check(NET, X, Y, {address: float(T[address])}).verdict == "right"
    wrong = pc.check(NET, X, Y, {address: f"{T[address] + 0.4321:.4f}"})
    assert wrong.verdict == "wrong"
    assert "should be" in str(wrong)
    json.dumps(wrong.to_dict(), allow_nan=False)


def test_half_of_it_is_named():
    report = pc.check(NET, X, Y, {"dC0/dw[L][1,2]": float(text("dC0/dw[2][1,2]", 6, 0.5)), "a[1][0]": text("a[1][0]")})
    assert not report.ok
    assert report.first_wrong == "dC0/dw[2][1,2]"
    assert report.mistakes[0].slug == "factor-two-missing"
    assert "exactly half" in str(report)
    assert "right to the 6 digits you wrote" in str(report)


@pytest.mark.parametrize(("numbers", "slug"), [
    ({"dC/dw[2][0,0]": ("dC/dw[2][0,0]", 5), "dC3/dw[2][0,0]": ("dC3/dw[2][0,0]", 1)}, "sum-instead-of-mean"),
    ({"delta[1][2]@1": ("dC1/da[1][2]", 1), "dC1/da[1][2]": ("dC1/da[1][2]", 1)}, "missing-activation-derivative"),
    ({"dC0/dw[1][0,0]": ("dC0/dw[1][0,0]", -1), "dC0/dw[2][0,0]": ("dC0/dw[2][0,0]", -1)}, "target-and-output-swapped"),
    ({"dC0/dw[2][1,0]": ("dC0/db[2][1]", 1)}, "missing-input-factor"),
])  # fmt: skip
def test_a_mistake_is_found_among_rounded_numbers(numbers, slug):
    report = pc.check(NET, X, Y, {address: text(source, 6, times) for address, (source, times) in numbers.items()})
    assert report.mistakes[0].slug == slug, str(report)


@pytest.mark.parametrize(("address", "number", "said"), [
    ("a[1][0]", lambda: T["z[1][0]"], "that is z: the activation is missing"),
    ("z[1][0]", lambda: T["z[1][0]"] - NET.b[1][0], "the bias is missing"),
    ("z[1][0]", lambda: T["z[1][2]"], "that is node 2's"),
    ("a[2][0]", lambda: np.tanh(T["z[2][0]"]), "that is tanh of z"),
    ("C[1]", lambda: T["C[1]"] / 2, "half of it"),
    ("C", lambda: T["C"] * 5, "the sum over the samples"),
])  # fmt: skip
def test_a_wrong_value_of_the_forward_pass_is_recognised(address, number, said):
    assert said in str(pc.check(NET, X, Y, {address: f"{number():.5f}"}))


def test_updated_weights():
    right = NET.w[2][0, 0] - 0.5 * T["dC/dw[2][0,0]"]
    assert pc.check(NET, X, Y, {"w+[L][0,0]": f"{right:.5f}"}, learning_rate=0.5).ok
    up = NET.w[2][0, 0] + 0.5 * T["dC/dw[2][0,0]"]
    assert pc.check(NET, X, Y, {"w+[2][0,0]": f"{up:.7f}"}, learning_rate=0.5).mistakes[0].slug in (
        "wrong-sign", "target-and-output-swapped",
    )  # fmt: skip
    with pytest.raises(pc.PellucidError, match="learning rate"):
        pc.check(NET, X, Y, {"w+[2][0,0]": "1.0"})


def test_rows_and_arrays_of_one_sample():
    report = pc.check(NET, X, Y, {"dC2/dw[1]": np.round(T["dC2/dw[1]"], 5), "a[1]@3": np.round(T["a[1]@3"], 4)})
    assert report.verdict == "right"
    assert len(report.entries) == 16
    assert report.entries[-1].address == "a[1][3]@3"


@pytest.mark.parametrize("digits", [4, 6])
def test_whole_arrays_rounded_to_a_few_digits(digits):
    right = {f"d{kind}{l}": getattr(T, f"dC_d{kind}")[l] for l in (1, 2) for kind in "wb"}

    def check(times, **other):
        return pc.check(NET, X, Y, {name: np.round(v * times, digits) for name, v in right.items()} | other)

    assert check(1).verdict == "right but less precise"
    assert check(1).mistakes == ()
    assert check(0.5).mistakes[0].slug == "factor-two-missing"
    assert check(5).mistakes[0].slug == "sum-instead-of-mean"
    assert not check(1, db2=np.round(right["db2"] + 3 * 10.0**-digits, digits)).ok


def test_what_a_function_computes_is_no_rounded_number():
    def candidate(x, y):
        return {f"d{kind}{l}": np.round(getattr(T, f"dC_d{kind}")[l], 4) for l in (1, 2) for kind in "wb"}

    assert not pc.check(NET, X, Y, candidate).ok


def test_the_digits_that_were_written():
    assert Written.of("0.50", "").digits == 2
    assert Written.of("1.5e-3", "").half == pytest.approx(0.5e-4)
    assert not Written.of(2, "").holds(2.4)
    assert Written.of("−0.5", "").value == -0.5
    assert grain(np.array([0.125, 12.25]), "") is not None
    assert grain(np.array([2.0, 4.0]), "") is None
    assert grain(np.array([1 / 3, 0.5]), "") is None


@pytest.mark.parametrize(("numbers", "message"), [
    ({"dC0/dw[2][7,1]": 1.0}, "layer 2 has 2 nodes"),
    ({"a[1][0]": "abc"}, "expected a number such as"),
    ({"a[1][0]": float("nan")}, "expected a number such as"),
    ({"q[1][0]": 1.0}, "expected one of the symbols"),
    ({"a[1]": 1.0}, r"expected \(4,\) numbers, got one"),
    ({"dC0/da[1]": [1.0, 2.0]}, r"expected \(4,\) numbers"),
    ({"a[1][0]@9": 1.0}, "sample"),
])  # fmt: skip
def test_what_cannot_be_judged_is_said(numbers, message):
    with pytest.raises(pc.PellucidError, match=message):
        pc.check(NET, X, Y, numbers)
