"""A candidate is read in every layout that people use; what can't be told is asked for in a sentence."""

import jax.numpy as jnp
import numpy as np
import pytest

from pellucid.architecture import Architecture
from pellucid.check import check_gradients
from pellucid.check.candidate import call, meanings, see
from pellucid.check.problem import problem
from pellucid.errors import InputError, ShapeError
from pellucid.layers import Dense, Input
from pellucid.losses import loss

NET = Architecture((Input(5), Dense(4, "tanh"), Dense(3, "sigmoid"), Dense(2)), loss("squared_error"))
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 5)), RNG.normal(size=(7, 2))
PARAMETERS = NET.initial(3)
P = problem(NET, PARAMETERS, X, Y)
G = P.gradients
W, B = [g["w"] for g in G], [g["b"] for g in G]
PER_SAMPLE = [{name: f.per_sample() for name, f in layer.items()} for layer in P.back.factors[1:]]


def named(weight, bias, w=W, b=B, first=1):
    return {weight.format(l): v for l, v in enumerate(w, first)} | {bias.format(l): v for l, v in enumerate(b, first)}


FORMS = {
    "dW1": named("dW{}", "db{}"),
    "W1": named("W{}", "b{}"),
    "dw_1": named("dw_{}", "db_{}"),
    "grad_W1": named("grad_W{}", "grad_b{}"),
    "dL/dW1": named("dL/dW{}", "dL/db{}"),
    "dC0/dw[1]": named("dC/dw[{}]", "dC/db[{}]"),
    "from zero": named("dW{}", "db{}", first=0),
    "nabla": named("nabla_w{}", "nabla_b{}"),
    "torch sequential": {f"{2 * l}.weight": v for l, v in enumerate(W)} | {f"{2 * l}.bias": v for l, v in enumerate(B)},
    "torch modules": {f"fc{l}.weight": v for l, v in enumerate(W, 1)} | {f"fc{l}.bias": v for l, v in enumerate(B, 1)},
    "layers.0.weight": named("layers.{}.weight", "layers.{}.bias", first=0),
    "flat list": [v for pair in zip(W, B, strict=True) for v in pair],
    "grouped list": [*W, *B],
    "two lists": (W, B),
    "nielsen": (B, W),
    "pairs": list(zip(W, B, strict=True)),
    "dicts": [{"dW": w, "db": b} for w, b in zip(W, B, strict=True)],
    "own": G,
    "dict of lists": {"dW": W, "db": B},
    "dict of lists from 0": {"dW": [None, *W], "db": [None, *B]},
    "dict by number": {1: {"w": W[0], "b": B[0]}, 2: {"w": W[1], "b": B[1]}, 3: {"w": W[2], "b": B[2]}},
    "dict by name": {f"layer{l}": {"W": w, "b": b} for l, (w, b) in enumerate(zip(W, B, strict=True), 1)},
    "backwards": [v for pair in zip(W[::-1], B[::-1], strict=True) for v in pair],
    "in, out": named("dW{}", "db{}", [w.T for w in W]),
    "bias columns": named("dW{}", "db{}", W, [b[:, None] for b in B]),
    "bias rows": named("dW{}", "db{}", W, [b[None] for b in B]),
    "plain lists": {k: v.tolist() for k, v in named("dW{}", "db{}").items()},
    "jax": {k: jnp.asarray(v) for k, v in named("dW{}", "db{}").items()},
    "with the loss": (1.25, named("dW{}", "db{}")),
    "loss last": (named("dW{}", "db{}"), np.float64(1.25)),
    "one vector": [np.concatenate([v.ravel() for pair in zip(W, B, strict=True) for v in pair])],
    "weights only": W,
    "per sample": [(g["w"], g["b"]) for g in PER_SAMPLE],
    "per sample in, out": {f"dW{l}": g["w"].swapaxes(1, 2) for l, g in enumerate(PER_SAMPLE, 1)},
    "per sample, last": {f"dW{l}": np.moveaxis(g["w"], 0, -1) for l, g in enumerate(PER_SAMPLE, 1)},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_as_right(form):
    report = check_gradients(NET, PARAMETERS, X, Y, FORMS[form])
    assert report.verdict in ("right", "right but less precise"), str(report)
    assert (report.verdict == "right") == (form != "jax")  # JAX keeps float32 here
    arrays = 3 if form in ("weights only", "per sample in, out", "per sample, last") else 6
    assert len(report.quantities) == arrays


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_as_wrong_where_it_is(form):
    """The same forms with every number doubled: so each was really compared."""

    def doubled(v):
        if isinstance(v, dict):
            return {k: doubled(w) for k, w in v.items()}
        if isinstance(v, list) and isinstance(v[0], float | int):
            return [2 * w for w in v]
        if isinstance(v, list | tuple):
            return type(v)(doubled(w) for w in v)
        return v if v is None or np.ndim(v) == 0 else 2 * v

    report = check_gradients(NET, PARAMETERS, X, Y, doubled(FORMS[form]))
    assert report.verdict == "wrong"
    assert all(q.verdict == "wrong" for q in report.quantities)
    assert report.mistakes[0].slug == "factor-two-extra"


def test_what_was_assumed_is_said():
    notes = check_gradients(NET, PARAMETERS, X, Y, FORMS["in, out"]).notes
    assert any("(in, out)" in note for note in notes)
    notes = check_gradients(NET, PARAMETERS, X, Y, FORMS["per sample"]).notes
    assert any("each sample's own" in note for note in notes)


def test_reduction_can_be_told():
    sums = named("dW{}", "db{}", [7 * w for w in W], [7 * b for b in B])
    assert check_gradients(NET, PARAMETERS, X, Y, sums).mistakes[0].slug == "sum-instead-of-mean"
    assert check_gradients(NET, PARAMETERS, X, Y, sums, reduction="sum").verdict == "right"


def test_a_square_weight_is_read_the_way_round_in_which_it_is_right():
    net = Architecture((Input(3), Dense(3, "tanh"), Dense(3)), loss("squared_error"))
    x, y = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
    right = problem(net, net.initial(0), x, y).gradients
    turned = [(g["w"].T, g["b"]) for g in right]
    report = check_gradients(net, net.initial(0), x, y, turned)
    assert report.verdict == "right"
    assert any("that way" in note for note in report.notes)
    one = [(right[0]["w"].T, right[0]["b"]), (right[1]["w"], right[1]["b"])]
    assert check_gradients(net, net.initial(0), x, y, one).mistakes[0].slug == "transposed"
    assert not check_gradients(net, net.initial(0), x, y, turned, orientation="out,in").ok


def test_intermediate_values_name_the_first_wrong_one():
    right = named("dW{}", "db{}") | {f"delta{l}": P.delta(l) for l in (1, 2, 3)} | {"z2": P.z(2), "a1": P.a(1)}
    assert check_gradients(NET, PARAMETERS, X, Y, right).verdict == "right"
    wrong = right | {"delta2": P.dC_da(2)}
    report = check_gradients(NET, PARAMETERS, X, Y, wrong)
    assert report.first_wrong == "delta[2]"
    wrong = right | {"dA2": 1.5 * P.dC_da(2), "delta2": 1.5 * P.delta(2)}
    assert check_gradients(NET, PARAMETERS, X, Y, wrong).first_wrong == "dC/da[2]"
    columns = right | {f"dZ{l}": P.delta(l).T for l in (1, 2, 3)}
    columns = {k: v for k, v in columns.items() if not k.startswith("delta")}
    assert check_gradients(NET, PARAMETERS, X, Y, columns).verdict == "right"


def test_a_wrong_forward_pass_comes_first():
    wrong = named("dW{}", "db{}") | {"z1": P.z(1) + 0.1, "a1": P.a(1)}
    assert check_gradients(NET, PARAMETERS, X, Y, wrong).first_wrong == "z[1]"


def test_delta_may_carry_the_mean():
    divided = named("dW{}", "db{}") | {f"dZ{l}": P.delta(l) / 7 for l in (1, 2, 3)}
    assert check_gradients(NET, PARAMETERS, X, Y, divided).verdict == "right"


def test_an_array_that_is_none_is_missing():
    report = check_gradients(NET, PARAMETERS, X, Y, named("dW{}", "db{}") | {"db2": None})
    assert report.first_wrong == "dC/db[2]"
    assert report.mistakes[0].slug == "bias-missing"
    assert report.mistakes[0].layers == (2,)


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        ({"foo1": W[0]}, "names such as dW1"),
        ({"dW7": W[0], "db1": B[0]}, "layers 1 … 3"),
        ({"dW": W[0]}, "layer's number"),
        ([W[0], B[0], W[1]] * 2 + [W[0]], "arrays for 3 layers"),
        ({"dW1": "text"}, "array of numbers"),
        ({"dW1": np.array(["a"])}, "array of numbers"),
        ({"dW1": None}, "at least one array"),
        ([], "at least one array"),
        (None, "at least one array"),
        ({}, "at least one array"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(candidate, message):
    with pytest.raises(InputError, match=message):
        check_gradients(NET, PARAMETERS, X, Y, candidate)


@pytest.mark.parametrize("option", [{"orientation": "sideways"}, {"samples": "diagonal"}, {"reduction": "median"}])
def test_an_unknown_layout_is_an_error(option):
    with pytest.raises(InputError, match="one of"):
        check_gradients(NET, PARAMETERS, X, Y, FORMS["dW1"], **option)


def test_layout_names_the_arrays():
    odd = [B[2], W[0], W[2], B[0], B[1], W[1]]
    names = ["b3", "w1", "w3", "b1", "b2", "w2"]
    assert check_gradients(NET, PARAMETERS, X, Y, odd, layout=names).verdict == "right"
    with pytest.raises(InputError, match="layout"):
        check_gradients(NET, PARAMETERS, X, Y, odd, layout=names[:2])


def test_functions_get_what_their_parameters_ask_for():
    seen = {}

    def plain(x, y):
        seen["x"] = x
        return FORMS["dW1"]

    def full(parameters, x, y):
        assert parameters[1]["w"].shape == (4, 5)
        parameters[1]["w"][:] = 0  # a copy: the network keeps its own
        return FORMS["dW1"]

    def textbook(weights, biases, X, Y):
        assert [w.shape for w in weights] == [(4, 5), (3, 4), (2, 3)]
        assert len(biases) == 4  # as net.b: place 0 is counted
        return FORMS["dW1"]

    def positional(p, q, r):
        return full(p, q, r)

    for function in (plain, full, textbook, positional):
        assert check_gradients(NET, PARAMETERS, X, Y, function).verdict == "right"
    assert (PARAMETERS[1]["w"] != 0).all()
    call(plain, P, samples="columns")
    assert seen["x"].shape == (5, 7)
    assert meanings(textbook) == (["w", "b", "x", "y"], {})
    with pytest.raises(InputError, match="the parameters x, y"):
        check_gradients(NET, PARAMETERS, X, Y, lambda a: None)


@pytest.mark.parametrize("function", [
    lambda x, y, w, b: {f"d{kind}{l}": G[l - 1][kind] * 0 + of[l] * 0 + G[l - 1][kind]
                        for l in range(1, len(w)) for kind, of in (("w", w), ("b", b))},
    lambda x, y, w, b: [None, *({"w": G[l - 1]["w"] + 0 * w[l], "b": G[l - 1]["b"] + 0 * b[l]} for l in (1, 2, 3))],
    lambda parameters, x, y: [(G[l - 1]["w"] + 0 * parameters[f"W{l}"], G[l - 1]["b"] + 0 * parameters[f"b{l}"])
                              for l in (1, 2, 3)],
    lambda parameters, x, y: [{name: G[l][name] + 0 * v for name, v in of.items()} for l, of in enumerate(parameters)],
    lambda x, y, *, weights, biases: [*(g["w"] + 0 * v for g, v in zip(G, weights, strict=True)),
                                      *(g["b"] + 0 * v for g, v in zip(G, biases, strict=True))],
])  # fmt: skip
def test_what_is_handed_over_is_indexed_by_layer(function):
    assert check_gradients(NET, PARAMETERS, X, Y, function).verdict == "right"


@pytest.mark.parametrize(("function", "message"), [
    (lambda x, y, w, b: w[0], r"w\[0\]: layer 0 is the input.*layer 1 is w\[1\], and the last one is w\[3\]"),
    (lambda x, y, w, b: b[-4], r"b\[-4\]: layer 0 is the input"),
    (lambda x, y, w, b: w[4], r"w\[4\]: this network has layers 1 … 3"),
    (lambda parameters, x, y: parameters[0], r"layer 1 is parameters\[1\]"),
    (lambda parameters, x, y: parameters["W0"], "layer 0 is the input"),
    (lambda parameters, x, y: parameters["V1"], "such as W1, b1"),
    (lambda parameters, x, y: parameters["W9"], "layers 1 … 3"),
])  # fmt: skip
def test_who_starts_at_0_is_told(function, message):
    with pytest.raises((IndexError, KeyError), match=message):
        check_gradients(NET, PARAMETERS, X, Y, function)


def test_jax_differentiates_by_what_is_handed_over():
    import jax

    def mean_loss(parameters, x, y):
        a = jnp.tanh(x @ parameters["W1"].T + parameters[1]["b"][None])
        a = jax.nn.sigmoid(a @ parameters["W2"].T + parameters[2]["b"][None])
        return ((a @ parameters["W3"].T + parameters[3]["b"][None] - y) ** 2).sum() / len(x)

    assert check_gradients(NET, PARAMETERS, X, Y, jax.jit(jax.grad(mean_loss))).ok


def test_x_and_y_are_checked():
    with pytest.raises(ShapeError, match="x"):
        check_gradients(NET, PARAMETERS, X[:, :4], Y, G)
    with pytest.raises(ShapeError, match="y"):
        check_gradients(NET, PARAMETERS, X, Y[:3], G)
    with pytest.raises(InputError, match="labels 0 … 1"):
        check_gradients(NET, PARAMETERS, X, np.full(7, 5), G)
    with pytest.raises(InputError, match="x, row 2, column 1"):
        check_gradients(NET, PARAMETERS, np.where(np.arange(35).reshape(7, 5) == 11, np.nan, X), Y, G)
    one = problem(NET, PARAMETERS, X[0], Y[0]).gradients
    assert check_gradients(NET, PARAMETERS, X[0], Y[0], one).verdict == "right"


def test_precision_is_seen():
    assert see(G, P).eps == 2**-53
    assert see([{k: v.astype(np.float32) for k, v in g.items()} for g in G], P).eps == 2**-24
    assert see([{k: v.astype(np.float16) for k, v in g.items()} for g in G], P).eps == 2**-11
