import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import InputError
from pellucid.explain import explain
from pellucid.explain.render.base import digits_of
from pellucid.explain.render.text import TextWriter, paths_to_text, shown_width, wrapped
from pellucid.expressions import Negative, Number, Product, Quotient, Sum, Symbol, evaluate, exp
from pellucid.records import Records
from pellucid.symbols import parse

from .networks import network, quantities, records, slope

TEXTBOOK = """\
∂C₀/∂w₀‚₁⁽¹⁾ = 2
  How the loss of sample 0 changes with the weight from node 1 of layer 0 to node 0 of layer 1.
  ∂C₀/∂wⱼₖ⁽ᴸ⁾ = ∂C₀/∂aⱼ⁽ᴸ⁾ · ∂aⱼ⁽ᴸ⁾/∂zⱼ⁽ᴸ⁾ · ∂zⱼ⁽ᴸ⁾/∂wⱼₖ⁽ᴸ⁾
  ∂C₀/∂w₀‚₁⁽¹⁾ = ∂C₀/∂a₀⁽¹⁾ · ∂a₀⁽¹⁾/∂z₀⁽¹⁾ · ∂z₀⁽¹⁾/∂w₀‚₁⁽¹⁾
  ∂C₀/∂w₀‚₁⁽¹⁾ = 4 · 1 · 0.5
  δ, and what the connection carries: δ₀⁽¹⁾ · x₁ = 4 · 0.5 = 2
  whole layer: ∂C₀/∂W⁽¹⁾ = δ⁽¹⁾ a⁽⁰⁾ᵀ   (∂C₀/∂W⁽¹⁾ 2×2, δ⁽¹⁾ 2×1, a⁽⁰⁾ 2×1)
│
│  ∂C₀/∂a₀⁽¹⁾ = 4
│    How the loss of sample 0 changes with the output a of node 0 of output layer 1.
│    ∂C₀/∂aⱼ⁽ᴸ⁾ = 2 · (aⱼ⁽ᴸ⁾ − yⱼ)
│    ∂C₀/∂a₀⁽¹⁾ = ∂/∂a₀⁽¹⁾ [(a₀⁽¹⁾ − y₀)² + (a₁⁽¹⁾ − y₁)²]   the whole loss
│    ∂C₀/∂a₀⁽¹⁾ = 2 · (a₀⁽¹⁾ − y₀) + 0   term by term: only the term of node 0 contains a₀⁽¹⁾, the
│                 others are 0
│    ∂C₀/∂a₀⁽¹⁾ = 2 · (a₀⁽¹⁾ − y₀)
│    ∂C₀/∂a₀⁽¹⁾ = 2 · (3 − 1)
│    whole layer: ∂C₀/∂a⁽¹⁾ = 2 · (a⁽¹⁾ − y)   (∂C₀/∂a⁽¹⁾ 2×1, a⁽¹⁾ 2×1, y 2×1)
│
│  ∂a₀⁽¹⁾/∂z₀⁽¹⁾ = 1
│    How the output a of node 0 of output layer 1 changes with the input z of node 0 of output layer
│      1: g′ of linear, taken at z.
│    ∂aⱼ⁽ᴸ⁾/∂zⱼ⁽ᴸ⁾ = g′⁽ᴸ⁾(zⱼ⁽ᴸ⁾)
│    ∂a₀⁽¹⁾/∂z₀⁽¹⁾ = g′⁽¹⁾(z₀⁽¹⁾)   the derivative of the activation function at z
│    ∂a₀⁽¹⁾/∂z₀⁽¹⁾ = 1
│
│  ∂z₀⁽¹⁾/∂w₀‚₁⁽¹⁾ = 0.5
│    How the input z of node 0 of output layer 1 changes with the weight from node 1 of layer 0 to
│      node 0 of layer 1.
│    ∂zⱼ⁽ᴸ⁾/∂wⱼₖ⁽ᴸ⁾ = aₖ⁽ᴸ⁻¹⁾
│    ∂z₀⁽¹⁾/∂w₀‚₁⁽¹⁾ = ∂/∂w₀‚₁⁽¹⁾ [w₀‚₀⁽¹⁾ · x₀ + w₀‚₁⁽¹⁾ · x₁ + b₀⁽¹⁾]   the whole sum
│    ∂z₀⁽¹⁾/∂w₀‚₁⁽¹⁾ = 0 + x₁ + 0   term by term: only the term with w₀‚₁⁽¹⁾ is not constant, the
│                    others are 0
│    ∂z₀⁽¹⁾/∂w₀‚₁⁽¹⁾ = x₁"""


@pytest.fixture
def r():
    net = network([2, 2], ["linear"])
    parameters = ({}, {"w": np.array([[2.0, 1.0], [-1.0, 4.0]]), "b": np.array([0.5, 0.0])})
    return Records(net, parameters, [[1.0, 0.5]], [[1.0, 2.0]])


def test_the_textbooks_derivative(r, monkeypatch):
    monkeypatch.delitem(sys.modules, "jax", raising=False)  # where it is loaded there is one check more
    assert explain(r, "dC0/dw[L][0,1]").to_text(checks=False) == TEXTBOOK
    assert str(explain(r, "dC0/dw[L][0,1]")).count("check: ") == 2


def test_ascii_shows_addresses_as_they_are_typed(r):
    text = explain(r, "dC0/dw[L][0,1]").to_text(ascii=True)
    text.encode("ascii")
    assert "dC0/dw[1][0,1] = dC0/da[1][0] * da[1][0]/dz[1][0] * dz[1][0]/dw[1][0,1]" in text


def test_a_long_word_is_set_further_left_to_fit_the_width():
    net = network([1, 1], ["sigmoid"], "binary_cross_entropy", bias=False)
    r = Records(net, ({}, {"w": np.array([[0.0377190672]])}), [[-0.13210486]], [[0.040973523936194689]])
    text = explain(r, "dC0/dx[0]").to_text(width=60, digits=17, depth=2, checks=False)
    assert max(map(shown_width, text.split("\n"))) <= 60


@settings(max_examples=40)
@given(records(), st.data())
def test_any_derivation_fits_the_width_and_ascii(r, data):
    computed, variable = quantities(r)
    of = data.draw(st.sampled_from(computed))
    address = data.draw(st.sampled_from([slope(of, by) for by in variable] + computed + ["C", "R"]))
    d = explain(r, address, terms=data.draw(st.sampled_from([1, 3, None])))
    width, digits = data.draw(st.integers(60, 140)), data.draw(st.integers(1, 17))
    text = d.to_text(width=width, digits=digits, depth=2, checks=False)
    longest_word = max(map(shown_width, text.split()))
    assert max(map(shown_width, text.split("\n"))) <= max(width, longest_word + 16)
    d.to_text(ascii=True, width=None, depth=2).encode("ascii")


def test_equal_numbers_are_printed_equally_everywhere(r):
    d = explain(r, "dC0/dw[L][0,1]")
    for digits in (2, 6, 17):
        text = d.to_text(digits=digits, checks=False, ascii=True)
        shown = TextWriter(digits, True).number(d.value)
        for line in text.split("\n"):
            if line.startswith("dC0/dw[1][0,1] = "):
                assert line == f"dC0/dw[1][0,1] = {shown}"


@pytest.mark.parametrize("value, digits, spelled", [
    (0.1234567, 4, "0.1235"), (-2.0, 6, "−2"), (1e-7, 6, "1·10⁻⁷"), (-1.5e300, 6, "−1.5·10³⁰⁰"), (0.0, 3, "0"), (-0.0, 3, "0"),
    (math.inf, 3, "∞"), (-math.inf, 3, "−∞"), (math.nan, 3, "nan"), (3, 1, "3"), (0.1, 17, "0.10000000000000001"),
    (123456789, 3, "123456789"), (123456789.0, 3, "1.23·10⁸"),
])  # fmt: skip
def test_numbers(value, digits, spelled):
    assert TextWriter(digits).number(value) == spelled


@given(st.floats(), st.integers(1, 17))
def test_the_digits_shown_are_the_number_rounded(value, digits):
    mantissa, exponent = digits_of(value, digits)
    read = float(mantissa) if exponent is None else float(f"{mantissa}e{exponent}")
    assert math.isnan(value) or read == float(f"{value:.{digits}g}")


a, b, c = Symbol(parse("a[1][0]")), Symbol(parse("b[1][0]")), Symbol(parse("w[1][0,0]"))


@pytest.mark.parametrize("formula, spelled", [
    (a + b * c, "a[1][0] + b[1][0] * w[1][0,0]"),
    ((a + b) * c, "(a[1][0] + b[1][0]) * w[1][0,0]"),
    (a - (b - c), "a[1][0] - (b[1][0] - w[1][0,0])"),
    (a - b - c, "a[1][0] - b[1][0] - w[1][0,0]"),
    (-(a + b), "-(a[1][0] + b[1][0])"),
    (a * -b, "a[1][0] * (-b[1][0])"),
    (a / (b * c), "a[1][0]/(b[1][0] * w[1][0,0])"),
    (a / b / c, "a[1][0]/b[1][0]/w[1][0,0]"),
    (a / (b / c), "a[1][0]/(b[1][0]/w[1][0,0])"),
    ((a + b) ** 2, "(a[1][0] + b[1][0])^2"),
    ((-a) ** 2, "(-a[1][0])^2"),
    (Number(-3) ** 2, "(-3)^2"),
    (a * Number(-3), "a[1][0] * (-3)"),
    (Number(-3) * a, "-3 * a[1][0]"),
    (a + Number(-3), "a[1][0] - 3"),
    (a - Number(-3), "a[1][0] - (-3)"),
    (1 / (1 + exp(-a)), "1/(1 + exp(-a[1][0]))"),
])  # fmt: skip
def test_brackets_stand_where_they_must(formula, spelled):
    assert TextWriter(ascii=True).formula(formula) == spelled


numbers = st.integers(-9, 9).filter(bool).map(Number)
formulas = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda t: Sum(tuple(t))),
        st.lists(inner, min_size=2, max_size=3).map(lambda t: Product(tuple(t))),
        st.tuples(inner, inner).map(lambda t: Quotient(*t)),
        inner.map(Negative),
        inner.map(lambda e: e**2),
    ),
    max_leaves=12,
)


@given(formulas)
def test_the_spelling_means_the_formula(formula):
    """Python reads the ASCII spelling back as the same number."""
    try:
        value = evaluate(formula)
    except ZeroDivisionError:
        return
    spelled = TextWriter(17, ascii=True).formula(formula).replace("^", "**")
    assert eval(spelled) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(st.text("ab ", max_size=60), st.integers(5, 30))
def test_wrapping_loses_nothing(text, width):
    lines = wrapped(text, width, "  ", "    ")
    assert " ".join(line.strip() for line in lines).split() == text.split()
    assert all(len(line) <= max(width, 4 + max(map(len, text.split()), default=0)) for line in lines)


@pytest.mark.parametrize("options", [{"digits": 0}, {"digits": 18}, {"width": 20}])
def test_options_are_checked(r, options):
    with pytest.raises(InputError):
        explain(r, "C0").to_text(**options)


def test_paths_as_text(r):
    found = explain(r, "dC0/dx[0]").paths(1)
    assert paths_to_text(found, ascii=True).split("\n") == [
        "2 paths, 2 of them not 0; positive 10, negative 0",
        "0:0 -> 1:0  = 2 * 1 * 4  = 8",
        "1 more: 2",
    ]
    assert re.match("2 paths", paths_to_text(found))
