"""The five verdicts, and what the report says with each."""

import html
import json
import re

import numpy as np
import pytest

from pellucid.architecture import Architecture, Penalty
from pellucid.check import MISTAKES, check_gradients
from pellucid.check.bounds import UNIT32, bounds
from pellucid.check.passes import run
from pellucid.check.problem import problem
from pellucid.errors import InputError
from pellucid.layers import Dense, Input
from pellucid.losses import loss

RNG = np.random.default_rng(5)


def net(*sizes, hidden="tanh", output="linear", of="squared_error", **more):
    inner = (Dense(n, hidden) for n in sizes[1:-1])
    return Architecture((Input(sizes[0]), *inner, Dense(sizes[-1], output)), loss(of), **more)


def planted(given, slug, *layers, constant=None):
    edits = [next(iter(MISTAKES[slug].edits(given, l))) for l in layers]
    done = run(given, edits, constants={slug: constant})
    return [(done.w[l], done.b[l]) for l in sorted(done.w)]


def test_float32_is_right_but_less_precise():
    a = net(4, 5, 3)
    x, y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 3))
    right = problem(a, a.initial(0), x, y).gradients
    rounded = [{k: v.astype(np.float32) for k, v in layer.items()} for layer in right]
    report = check_gradients(a, a.initial(0), x, y, rounded)
    assert report.verdict == "right but less precise"
    assert report.ok
    assert [m.slug for m in report.mistakes] == ["float32-noise"]


def test_a_small_penalty_is_found_below_what_float32_would_see():
    a = net(4, 5, 3, penalty=Penalty(l2=1e-8))
    x, y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 3))
    given = problem(a, a.initial(0), x, y)
    report = check_gradients(a, a.initial(0), x, y, planted(given, "penalty-missing", 1, 2))
    assert report.verdict == "wrong"
    assert report.mistakes[0].slug == "penalty-missing"


@pytest.mark.parametrize(
    ("slope", "verdict"), [(0.0, "right"), (0.5, "kink"), (1.0, "kink"), (1.5, "wrong"), (-0.2, "wrong")]
)
def test_a_kink_allows_the_one_sided_derivatives_and_no_more(slope, verdict):
    """z of the hidden layer is exactly 0 in its first node."""
    a = net(2, 2, 1, hidden="relu")
    parameters = (
        {},
        {"w": np.array([[1.0, -1.0], [1.0, 1.0]]), "b": np.zeros(2)},
        {"w": np.ones((1, 2)), "b": np.zeros(1)},
    )
    x, y = np.array([[1.0, 1.0]]), np.array([[0.5]])
    given = problem(a, parameters, x, y)
    delta = 2 * (2.0 - 0.5) * np.array([slope, 1.0])
    candidate = {
        "dW1": np.outer(delta, x[0]),
        "db1": delta,
        "dW2": given.gradients[1]["w"],
        "db2": given.gradients[1]["b"],
    }
    report = check_gradients(a, parameters, x, y, candidate)
    assert report.verdict.startswith(verdict), str(report)
    assert report.ok == (verdict != "wrong")
    if verdict == "kink":
        assert report.kinks == ((1, 0, 0),)
        assert report.entries[0].interval == pytest.approx((0.0, 3.0))
        assert "…" in str(report)


def test_a_kink_of_the_loss():
    a = net(2, 1, of="absolute_error")
    parameters = ({}, {"w": np.array([[1.0, 1.0]]), "b": np.zeros(1)})
    x, y = np.array([[1.0, 1.0]]), np.array([[2.0]])
    for slope, verdict in (
        (0.0, "right"),
        (1.0, "kink, within the interval"),
        (-1.0, "kink, within the interval"),
        (2.0, "wrong"),
    ):
        report = check_gradients(a, parameters, x, y, [slope * x, np.array([slope])])
        assert report.verdict == verdict


def test_what_rounding_hides_is_below_what_the_test_can_see():
    """1e16 + 1 − 1e16: the sum's rounding is larger than the derivative's own size."""
    a = net(2, 1, 1, hidden="sigmoid")
    parameters = ({}, {"w": np.array([[1e17, -1e17]]), "b": np.array([0.3])}, {"w": np.ones((1, 1)), "b": np.zeros(1)})
    x, y = np.array([[1.0, 1.0]]), np.array([[2.0]])
    right = problem(a, parameters, x, y).gradients
    report = check_gradients(
        a, parameters, x, y, [right[0]["w"] * 1.2, right[0]["b"] * 1.2, right[1]["w"], right[1]["b"]]
    )
    assert {q.address: q.verdict for q in report.quantities}["dC/dw[1]"] == "below what this test can see"
    assert report.ok


def test_zeros_are_right_and_said_to_show_little():
    a = net(3, 4, 2, hidden="relu")
    parameters = tuple({k: -abs(v) - 0.1 for k, v in layer.items()} for layer in a.initial(0))
    x, y = abs(RNG.normal(size=(5, 3))), RNG.normal(size=(5, 2))
    report = check_gradients(a, parameters, x, y, problem(a, parameters, x, y).gradients)
    assert report.verdict == "right"
    assert any("0 everywhere" in note for note in report.notes)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_wrong_and_said(bad):
    a = net(3, 4, 2)
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    right = [dict(layer) for layer in problem(a, a.initial(0), x, y).gradients]
    right[0]["w"] = right[0]["w"].copy()
    right[0]["w"][1, 2] = bad
    report = check_gradients(a, a.initial(0), x, y, right)
    assert report.verdict == "wrong"
    assert report.entries[0].address == "dC/dw[1][1,2]"
    assert report.pattern is not None
    assert report.pattern.kind == "not finite"
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_wrong_shape_is_said():
    a = net(3, 4, 2)
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    right = problem(a, a.initial(0), x, y).gradients
    candidate = {"dW1": right[0]["w"], "db1": right[0]["b"], "dW2": np.zeros((7, 7)), "db2": right[1]["b"]}
    report = check_gradients(a, a.initial(0), x, y, candidate)
    assert report.first_wrong == "dC/dw[2]"
    assert "its shape is (7, 7), expected (2, 4)" in str(report)


def test_the_report_as_text_json_and_page():
    a = net(3, 4, 4, 2, hidden="sigmoid", output="sigmoid")
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    given = problem(a, a.initial(0), x, y)
    report = check_gradients(a, a.initial(0), x, y, planted(given, "missing-activation-derivative", 2))
    text = str(report)
    assert text.startswith("Wrong. First wrong: dC/dw[2].")
    assert "right gradient with the activation's derivative left out" in text
    assert "⟦∂a" in text  # the marked factor
    assert "Taylor remainder: order 1.0" in text
    assert [q.inherited for q in report.quantities] == [False, False, False, False, True, True]
    stored = report.to_dict()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert stored["mistakes"][0]["layers"] == [2]
    assert stored["mistakes"][0]["where"] == ["delta[2]"]
    assert any(piece["marked"] for line in stored["derivation"]["lines"] for piece in line)
    page = report.to_html()
    assert page.startswith("<!DOCTYPE html>")
    assert "<mark>" in page
    assert "http" not in page.replace("http://www.w3.org/", "")


@pytest.mark.parametrize("slug", [s for s in MISTAKES if s != "float32-noise"])
def test_every_row_is_told_in_sentences(slug):
    row = MISTAKES[slug]
    for sentence in (row.what, row.mend, row.formula):
        assert 15 <= len(sentence) < 160
    assert row.what.endswith(".")
    assert row.mend.endswith(".")
    assert not row.phrase.endswith(".")


def test_evidence_stands_beside_the_entries():
    a = net(3, 4, 2)
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    given = problem(a, a.initial(0), x, y)
    report = check_gradients(a, a.initial(0), x, y, planted(given, "missing-activation-derivative", 1))
    for found in report.evidence:
        assert found.central.value == pytest.approx(found.entry.right, rel=1e-7)
        assert found.complex_step == pytest.approx(found.entry.right, rel=1e-13)
    yours, right = report.orders
    assert yours == pytest.approx(1, abs=0.1)
    assert right == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("g", ["tanh", "sigmoid", "relu", "elu", "gelu", "softplus"])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 10.0])
def test_bounds_hold_what_float32_computes_and_not_much_more(g, scale):
    """The balls are wide enough for a float32 pass, and no wider than is useful."""
    a = net(8, 16, 16, 4, hidden=g)
    parameters = tuple({k: RNG.normal(size=v.shape) * scale for k, v in layer.items()} for layer in a.initial(0))
    x, y = RNG.normal(size=(32, 8)), RNG.normal(size=(32, 4))
    given = problem(a, parameters, x, y)
    balls = bounds(given, UNIT32, kinks=True, cancels=UNIT32).balls
    low = tuple({k: v.astype(np.float32) for k, v in layer.items()} for layer in parameters)
    from pellucid.backward import backward
    from pellucid.forward import forward

    x32, y32 = x.astype(np.float32), y.astype(np.float32)
    done = backward(a.program, a.loss, forward(a.program, low, x32), y32).gradient()
    for l in (1, 2, 3):
        for name in ("w", "b"):
            assert balls[name, l].holds(done[l][name].astype(float)).all(), (l, name)
    if scale == 1.0:
        assert balls["w", 3].radius.max() < 1e-3 * abs(balls["w", 3].middle).max()


def test_a_large_network():
    a = net(784, 512, 10, hidden="relu", output="softmax", of="cross_entropy")
    parameters = a.initial(0)
    x, y = RNG.random((64, 784)), RNG.integers(0, 10, 64)
    given = problem(a, parameters, x, y)
    wrong = [dict(layer) for layer in given.gradients]
    wrong[0]["w"] = wrong[0]["w"] + 0.01 * RNG.normal(size=(512, 784))
    assert check_gradients(a, parameters, x, y, wrong).mistakes == ()


def test_where_the_right_gradient_overflows_there_is_nothing_to_compare():
    a = net(2, 3, 2, hidden="linear")
    parameters = tuple({k: np.full(v.shape, 1e200) for k, v in layer.items()} for layer in a.initial(0))
    x, y = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 2))
    candidate = [(np.ones((3, 2)), np.ones(3)), (np.ones((2, 3)), np.ones(2))]
    report = check_gradients(a, parameters, x, y, candidate)
    assert report.verdict == "below what this test can see"
    assert any("overflow" in note for note in report.notes)
    json.dumps(report.to_dict(), allow_nan=False)


def test_terminal_and_page_say_the_same():
    """Both are printed from one layout: each word of the terminal's report stands in the page, in the same order."""
    a = net(3, 4, 4, 2, hidden="sigmoid", output="sigmoid")
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    given = problem(a, a.initial(0), x, y)
    unnamed = [dict(layer) for layer in given.gradients]
    unnamed[1]["w"] = RNG.normal(size=unnamed[1]["w"].shape)
    for candidate in (planted(given, "missing-activation-derivative", 2), unnamed, given.gradients):
        report = check_gradients(a, a.initial(0), x, y, candidate)
        page = re.sub(r"<nav>.*?</nav>|<style>.*?</style>|<title>.*?</title>", "", report.to_html(), flags=re.DOTALL)
        page = html.unescape(re.sub("<[^>]*>", "", page))
        text = report.to_text(width=200, entries=20)
        assert re.sub(r"[\s⟦⟧]", "", text) == re.sub(r"\s", "", page)
        assert ("⟦" in text) == ("<mark>" in report.to_html())


def test_a_report_keeps_to_its_width():
    a = net(3, 4, 2)
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    report = check_gradients(a, a.initial(0), x, y, problem(a, a.initial(0), x, y).gradients)
    assert max(map(len, report.to_text(width=60).splitlines())) <= 60
    with pytest.raises(InputError, match="width: expected at least 30 columns, got 10"):
        report.to_text(width=10)
