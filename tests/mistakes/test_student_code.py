"""Backward passes as students write them, each with one mistake, none of it made by Pellucid's own code.

The table plants its mistakes in the same pass that the search uses; here they are typed by hand, in the
layouts of textbooks and courses, so that a row that means something else than its name would be seen.
"""

import numpy as np
import pytest

from pellucid.architecture import Architecture, Penalty
from pellucid.check import check_gradients
from pellucid.layers import Dense, Input
from pellucid.losses import loss


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


RNG = np.random.default_rng(42)
SIZES = [5, 4, 3]
NET = Architecture((Input(5), Dense(4, "sigmoid"), Dense(3, "sigmoid")), loss("squared_error"))
W1, W2 = RNG.normal(size=(4, 5)), RNG.normal(size=(3, 4))
B1, B2 = RNG.normal(size=4), RNG.normal(size=3)
PARAMETERS = ({}, {"w": W1, "b": B1}, {"w": W2, "b": B2})
X, Y = RNG.normal(size=(6, 5)), RNG.random((6, 3))
M = 6


def forward(x=X, w1=W1, b1=B1, w2=W2, b2=B2):
    z1 = x @ w1.T + b1
    a1 = sigmoid(z1)
    z2 = a1 @ w2.T + b2
    return z1, a1, z2, sigmoid(z2)


def right(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    n = len(x)
    return {"dW1": d1.T @ x / n, "db1": d1.mean(0), "dW2": d2.T @ a1 / n, "db2": d2.mean(0)}


def no_two(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def no_mean(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return [d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0)]


def nielsen_no_prime_in_hidden(x, y):
    """Samples in columns, one by one, biases (n, 1), as (nabla_b, nabla_w)."""
    nabla_w, nabla_b = [np.zeros(W1.shape), np.zeros(W2.shape)], [np.zeros((4, 1)), np.zeros((3, 1))]
    for xi, yi in zip(x, y, strict=True):
        a0, t = xi[:, None], yi[:, None]
        z1 = W1 @ a0 + B1[:, None]
        a1 = sigmoid(z1)
        z2 = W2 @ a1 + B2[:, None]
        delta = 2 * (sigmoid(z2) - t) * sigmoid_prime(z2)
        nabla_w[1] += delta @ a1.T / M
        nabla_b[1] += delta / M
        delta = W2.T @ delta
        nabla_w[0] += delta @ a0.T / M
        nabla_b[0] += delta / M
    return nabla_b, nabla_w


def prime_of_activation(x, y):
    _z1, a1, _z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(a2)
    d1 = d2 @ W2 * sigmoid_prime(a1)
    return [(d1.T @ x / M, d1.mean(0)), (d2.T @ a1 / M, d2.mean(0))]


def z_into_output_formula(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * (z2 * (1 - z2))
    d1 = d2 @ W2 * (z1 * (1 - z1))
    return [(d1.T @ x / M, d1.mean(0)), (d2.T @ a1 / M, d2.mean(0))]


def target_minus_output(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (y - a2) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"W1": d1.T @ x / M, "b1": d1.mean(0), "W2": d2.T @ a1 / M, "b2": d2.mean(0)}


def updates_the_output_layer_first(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    dw2 = d2.T @ a1 / M
    w2 = W2 - 0.5 * dw2
    d1 = d2 @ w2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": dw2, "db2": d2.mean(0)}


def inner_loop_assigns(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    da1 = np.zeros_like(a1)
    for i in range(M):
        for k in range(4):
            for j in range(3):
                da1[i, k] = d2[i, j] * W2[j, k]
    d1 = da1 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def forgets_the_input(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    dw1 = np.repeat(d1.mean(0)[:, None], 5, axis=1)
    return {"dW1": dw1, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def z_as_input(x, y):
    z1, _a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ z1 / M, "db2": d2.mean(0)}


def bias_summed(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.sum(0), "dW2": d2.T @ a1 / M, "db2": d2.sum(0)}


def bias_over_the_nodes(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.sum(1) / M, "dW2": d2.T @ a1 / M, "db2": d2.sum(1) / M}


def bias_not_summed(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1, "dW2": d2.T @ a1 / M, "db2": d2}


def means_first(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {
        "dW1": np.outer(d1.mean(0), x.mean(0)),
        "db1": d1.mean(0),
        "dW2": np.outer(d2.mean(0), a1.mean(0)),
        "db2": d2.mean(0),
    }


def tanh_prime(x, y):
    _z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * (1 - a1**2)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def mean_over_all_entries(x, y):
    """np.mean over samples and outputs in the loss."""
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) / a2.size * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x, "db1": d1.sum(0), "dW2": d2.T @ a1, "db2": d2.sum(0)}


def derivative_of_the_output(x, y):
    z1, a1, z2, _a2 = forward(x)
    d2 = sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def shuffled_inputs(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ np.roll(x, 1, 0) / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def only_the_diagonal(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    dw2 = d2.T @ a1 / M
    d1 = (d2 @ W2) * sigmoid_prime(z1)
    return {"dW1": np.zeros_like(W1), "db1": d1.mean(0), "dW2": dw2, "db2": d2.mean(0)}


def hands_down_without_weights(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2.sum(axis=1, keepdims=True) * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def forgets_the_target(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * a2 * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def sigmoid_for_its_derivative(x, y):
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid(z2)
    d1 = d2 @ W2 * sigmoid(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def one_minus_a(x, y):
    _z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * (1 - a1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def dot_for_star(x, y):
    """np.dot of two vectors where * was meant, sample by sample."""
    z1, a1, z2, a2 = forward(x)
    d2 = 2 * (a2 - y) * sigmoid_prime(z2)
    dw1, db1 = np.zeros_like(W1), np.zeros_like(B1)
    for i in range(M):
        d1 = np.dot(W2.T @ d2[i], sigmoid_prime(z1[i])) * np.ones(4)
        dw1 += np.outer(d1, x[i]) / M
        db1 += d1 / M
    return {"dW1": dw1, "db1": db1, "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


def loss_at_z(x, y):
    z1, a1, z2, _a2 = forward(x)
    d2 = 2 * (z2 - y) * sigmoid_prime(z2)
    d1 = d2 @ W2 * sigmoid_prime(z1)
    return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}


CASES = [
    (no_two, "factor-two-missing", (2,)),
    (no_mean, "sum-instead-of-mean", (1, 2)),
    (nielsen_no_prime_in_hidden, "missing-activation-derivative", (1,)),
    (prime_of_activation, "derivative-at-activation", (1, 2)),
    (z_into_output_formula, "output-formula-at-z", (1, 2)),
    (target_minus_output, "target-and-output-swapped", (2,)),
    (updates_the_output_layer_first, "updated-weights-used", (1,)),
    (inner_loop_assigns, "one-path-only", (1,)),
    (forgets_the_input, "missing-input-factor", (1,)),
    (z_as_input, "wrong-layer-input", (2,)),
    (bias_summed, "bias-not-divided", (1, 2)),
    (bias_over_the_nodes, "bias-reduced-over-wrong-axis", (1, 2)),
    (bias_not_summed, "bias-not-reduced", (1, 2)),
    (means_first, "averaged-too-early", (1, 2)),
    (tanh_prime, "wrong-activation-derivative", (1,)),
    (mean_over_all_entries, "mean-over-outputs", (2,)),
    (derivative_of_the_output, "derivative-of-output-not-of-loss", (2,)),
    (shuffled_inputs, "samples-misaligned", (1,)),
    (only_the_diagonal, "left-at-zero", (1,)),
    (hands_down_without_weights, "weights-left-out", (1,)),
    (forgets_the_target, "target-not-subtracted", (2,)),
    (sigmoid_for_its_derivative, "activation-instead-of-derivative", (1, 2)),
    (one_minus_a, "slip-in-derivative", (1,)),
    (dot_for_star, "product-not-elementwise", (1,)),
    (loss_at_z, "loss-derivative-at-z", (2,)),
]


@pytest.mark.parametrize(("candidate", "slug", "layers"), CASES, ids=[c[0].__name__ for c in CASES])
@pytest.mark.parametrize("as_function", [True, False])
def test_a_students_mistake_is_named_and_located(candidate, slug, layers, as_function):
    given = candidate if as_function else candidate(X, Y)
    report = check_gradients(NET, PARAMETERS, X, Y, given, again=False)
    first = report.explanations[0]
    assert first.slugs == (slug,), str(report)
    assert first.mistakes[0].layers == layers
    assert slug in str(report)
    assert report.to_dict()["mistakes"][0]["slug"] == slug


def test_the_right_one_is_right():
    report = check_gradients(NET, PARAMETERS, X, Y, right)
    assert report.verdict == "right"
    assert report.mistakes == ()
    assert report.first_wrong is None


def test_the_learning_rate_of_the_early_update_is_found():
    report = check_gradients(NET, PARAMETERS, X, Y, updates_the_output_layer_first)
    assert report.mistakes[0].name == "learning rate"
    assert report.mistakes[0].constant == pytest.approx(0.5, rel=1e-9)


def test_in_out_layout_with_samples_in_columns():
    """W as (in, out), every gradient transposed, biases as (1, n)."""

    def candidate(x, y):
        got = no_two(x.T, y.T)
        return [got["dW1"].T, got["db1"][None], got["dW2"].T, got["db2"][None]]

    report = check_gradients(NET, PARAMETERS, X, Y, candidate, samples="columns", again=False)
    assert report.mistakes[0].slug == "factor-two-missing"
    assert any("(in, out)" in note for note in report.notes)


def test_softmax_with_cross_entropy_written_out():
    net = Architecture((Input(5), Dense(4, "relu"), Dense(3, "softmax")), loss("cross_entropy"), Penalty(l2=0.01))
    labels = np.array([0, 2, 1, 1, 0, 2])
    onehot = np.eye(3)[labels]

    def passes(output, penalty=True):
        z1 = X @ W1.T + B1
        a1 = np.maximum(z1, 0)
        z2 = a1 @ W2.T + B2
        a2 = np.exp(z2) / np.exp(z2).sum(1, keepdims=True)
        d2 = output(a2)
        d1 = d2 @ W2 * (z1 > 0)
        r = 0.02 if penalty else 0.0
        return {"dW1": d1.T @ X / M + r * W1, "db1": d1.mean(0), "dW2": d2.T @ a1 / M + r * W2, "db2": d2.mean(0)}

    def slugs(candidate):
        report = check_gradients(net, PARAMETERS, X, labels, candidate)
        return report.explanations[0].slugs if report.explanations else ()

    assert slugs(passes(lambda a: a - onehot)) == ()
    assert slugs(passes(lambda a: a - onehot, penalty=False)) == ("penalty-missing",)
    assert slugs(passes(lambda a: a)) == ("target-not-subtracted",)
    assert slugs(passes(lambda a: (a - onehot) * a * (1 - a))) == ("fused-and-unfused-mixed",)
    assert slugs(passes(lambda a: -onehot / a * a * (1 - a))) == ("softmax-jacobian-elementwise",)

    def twice(a):
        e = np.exp(a)
        return e / e.sum(1, keepdims=True) - onehot

    assert slugs(passes(twice)) == ("softmax-applied-twice",)


def test_broadcasting_outputs_against_targets():
    net = Architecture((Input(5), Dense(4, "tanh"), Dense(1)), loss("half_squared_error"))
    parameters = ({}, {"w": W1, "b": B1}, {"w": W2[:1], "b": B2[:1]})
    y = RNG.normal(size=6)

    def candidate(x, y):
        a1 = np.tanh(x @ W1.T + B1)
        a2 = a1 @ W2[:1].T + B2[:1]
        d2 = (a2 - y.ravel()).mean(1, keepdims=True)  # (n, 1) − (n,) is (n, n)
        d1 = d2 @ W2[:1] * (1 - a1**2)
        return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}

    assert check_gradients(net, parameters, X, y, candidate).mistakes[0].slug == "wrong-broadcast"


def test_a_function_that_does_not_start_from_zero():
    kept = {}

    def candidate(x, y):
        for name, v in right(x, y).items():
            kept[name] = kept.get(name, 0) + v
        return {name: v.copy() for name, v in kept.items()}

    report = check_gradients(NET, PARAMETERS, X, Y, candidate)
    assert report.mistakes[0].slug == "stale-accumulation"
    assert not report.ok


def test_the_batch_before_is_still_there():
    before = RNG.normal(size=(4, 5)), RNG.random((4, 3))

    def sums(x, y):
        got = right(x, y)
        return {name: v + right(*before)[name] for name, v in got.items()}

    report = check_gradients(NET, PARAMETERS, X, Y, sums(X, Y), previous=before)
    assert report.mistakes[0].slug == "stale-accumulation"


def test_a_function_is_asked_where_mistakes_agree():
    """With 3 samples and 3 outputs a factor 1/3 has two names; on other data it has one."""
    x, y = X[:3], Y[:3]

    def candidate(x, y):
        return {name: v / 3 for name, v in right(x, y).items()}

    def by_n(x, y):
        return {name: v / len(x) for name, v in right(x, y).items()}

    arrays = check_gradients(NET, PARAMETERS, x, y, candidate(x, y))
    assert {"mean-over-outputs", "divided-twice"} <= {m.slug for m in arrays.mistakes}
    assert arrays.proposal is not None
    asked = check_gradients(NET, PARAMETERS, x, y, candidate)
    assert asked.mistakes[0].slug == "mean-over-outputs"
    assert "divided-twice" not in {m.slug for m in asked.mistakes}
    asked = check_gradients(NET, PARAMETERS, x, y, by_n)
    assert {m.slug for m in asked.mistakes} == {"divided-twice"}


def test_one_array_three_times_is_a_factor_not_something_left_over():
    def one(x, y):
        return right(x, y) | {"dW1": 3 * right(x, y)["dW1"]}

    assert check_gradients(NET, PARAMETERS, X, Y, one).mistakes[0].slug == "wrong-constant-factor"
    assert check_gradients(NET, PARAMETERS, X, Y, one(X, Y)).mistakes[0].slug == "wrong-constant-factor"

    def all_(x, y):
        return {name: 3 * v for name, v in right(x, y).items()}

    assert check_gradients(NET, PARAMETERS, X, Y, all_(X, Y)).mistakes[0].slug == "stale-accumulation"
    twice = check_gradients(NET, PARAMETERS, X, Y, all_)  # called twice it gives the same: nothing is left over
    assert twice.mistakes[0].slug == "wrong-constant-factor"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_the_same_again(bad):
    def candidate(x, y):
        got = right(x, y)
        got["dW1"][1, 2] = bad
        return got

    report = check_gradients(NET, PARAMETERS, X, Y, candidate)
    assert report.verdict == "wrong"
    assert not any("other gradients" in note for note in report.notes)
    assert "infinite or not a number" in str(report)


def test_a_fitted_number_is_no_evidence():
    """A sum over the wrong axis with a factor that nobody would write fits by chance."""

    def candidate(x, y):
        z1, a1, z2, a2 = forward(x)
        d2 = 2 * (a2 - y) * sigmoid_prime(z2)
        d1 = 2.600445992 * (d2 @ W2) * np.cos(z1)
        return {"dW1": d1.T @ x / M, "db1": d1.mean(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}

    assert check_gradients(NET, PARAMETERS, X, Y, candidate).mistakes == ()
    times = {name: v * 2.600445992 for name, v in updates_the_output_layer_first(X, Y).items()}
    found = check_gradients(NET, PARAMETERS, X, Y, times).explanations
    assert not any(len(e.slugs) == 2 and "wrong-constant-factor" in e.slugs for e in found)


def test_the_order_of_the_remainder_agrees_with_the_verdict():
    """Biases that start at 0, and a wrong gradient of one of them alone."""
    parameters = ({}, {"w": W1, "b": 0 * B1}, {"w": W2, "b": 0 * B2})
    z1 = X @ W1.T
    a1, a2 = sigmoid(z1), sigmoid(sigmoid(z1) @ W2.T)
    d2 = 2 * (a2 - Y) * a2 * (1 - a2)
    d1 = d2 @ W2 * a1 * (1 - a1)
    candidate = {"dW1": d1.T @ X / M, "db1": d1.sum(0), "dW2": d2.T @ a1 / M, "db2": d2.mean(0)}
    report = check_gradients(NET, parameters, X, Y, candidate)
    assert report.first_wrong == "dC/db[1]"
    yours, exact = report.orders
    assert yours == pytest.approx(1, abs=0.1)
    assert exact == pytest.approx(2, abs=0.1)
