"""The starter file: it computes this network's forward pass, and completed as it says, it is right."""

import re

import numpy as np
import pytest

import pellucid as pc
from pellucid.activations import ACTIVATIONS
from pellucid.check import check_gradients
from pellucid.classroom.exercise import starter
from pellucid.losses import LOSSES

ACTIVATIONS_HERE = [*ACTIVATIONS, pc.ELU(0.3), pc.LeakyReLU(0.2)]


def solved(text, net):
    """The starter with its gaps filled by its own formulas; what it leaves open comes from the library."""
    names = {}
    for l in range(net.L, 0, -1):
        above = f"DC_DA(a{l}, y)" if l == net.L else f"delta{l + 1} @ w{l + 1}"
        names[f"delta{l} = None"] = f"delta{l} = G[{l}].pull_back(z{l}, a{l}, {above})"
        penalty = f" + 2 * {net.architecture.penalty.l2} * w{l} + {net.architecture.penalty.l1} * np.sign(w{l})"
        names[f"dw{l} = None"] = f"dw{l} = delta{l}.T @ a{l - 1} / n" + penalty
        names[f"db{l} = None"] = f"db{l} = delta{l}.mean(axis=0)"
        text = text.replace(
            "    return {", f'    MORE.update({{"z{l}": z{l}, "a{l}": a{l}, "delta{l}": delta{l}}})\n    return {{'
        )
    for gap, line in names.items():
        text = text.replace(gap, line)
    return text


def function_of(text, net):
    """The completed function; the intermediate values come with the gradients."""
    more: dict = {}
    space = {"__name__": "starter", "G": net.g, "DC_DA": net.loss.dC_da, "MORE": more}
    exec(compile(text, "starter.py", "exec"), space)
    return lambda x, y, w, b: space["backward"](x, y, w, b) | more


def samples(net, n=9):
    generator = np.random.default_rng(0)
    y = generator.dirichlet(np.ones(net.n[-1]), size=n) if net.loss.classes else generator.normal(size=(n, net.n[-1]))
    y = abs(y) if net.loss.counts else y
    return generator.normal(size=(n, net.n[0])), y


@pytest.mark.parametrize("g", ACTIVATIONS_HERE, ids=str)
def test_every_activation(g):
    net = pc.Network(
        pc.Input(3), pc.Dense(4, g), pc.Dense(2, g, bias=False), pc.Dense(3, g), loss="huber", l2=0.01, l1=0.02
    )
    function = function_of(solved(starter(net.architecture), net), net)
    report = check_gradients(net.architecture, net.parameters, *samples(net), function)
    assert report.ok, report
    assert len(report.quantities) == 3 * 3 + 5


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss):
    net = pc.mlp([3, 4, 2], "tanh", output="softmax" if LOSSES[loss].classes else "sigmoid", loss=loss)
    text = starter(net.architecture)
    assert "C_i = Σ_j " in text
    report = check_gradients(net.architecture, net.parameters, *samples(net), function_of(solved(text, net), net))
    assert report.ok, report


def test_unsolved_it_runs_and_returns_nothing():
    net = pc.mlp([3, 4, 2], "tanh")
    space = {"__name__": "starter"}
    exec(starter(net.architecture), space)
    w, b = [*net.w], [*net.b]
    assert space["backward"](np.zeros((5, 3)), np.zeros((5, 2)), w, b) == dict.fromkeys(["dw1", "db1", "dw2", "db2"])


def test_it_says_what_to_do():
    net = pc.Network(pc.Input(6), pc.Dense(5, "relu"), pc.Dense(2, "softmax", bias=False), loss="cross_entropy", l2=0.5)
    text = starter(net.architecture, "m.safetensors", "digits")
    for line in (
        "    pellucid check m.safetensors THIS_FILE.py --data digits",
        "    layer 2: 5 -> 2 nodes, softmax",
        "        x: inputs, (n, 6).",
        "    b1, _ = b",
        "    z2 = a1 @ w2.T  # (n, 2)",
        "    # dw1[j,k] = (1/n) Σ_i delta1[i,j] a0[i,k] + 2 · 0.5 · w1[j,k]",
        "    # db1[j] = (1/n) Σ_i delta1[i,j]",
        "    dw1 = None  # (5, 6)",
        "    #     C_i = Σ_j [−y_j · log(a_j) if y_j > 0 else 0]",
    ):
        assert line in text.splitlines(), line
    assert "db2" not in text


def test_many_layers_and_no_bias():
    net = pc.mlp([2] * 20, "tanh", bias=False)
    text = starter(net.architecture)
    compile(text, "starter.py", "exec")
    assert max(map(len, text.splitlines())) <= 120
    assert re.search(r"^    w1, w2, .*, w19 = w$", text, re.MULTILINE)
    assert " b1" not in text


@pytest.mark.parametrize("output", [2, 1])
def test_it_can_be_run_by_itself(tmp_path, capsys, output):
    net = pc.mlp([3, 4, output], "tanh", output="sigmoid", loss="binary_cross_entropy")
    model = net.save(tmp_path / "m.safetensors")
    names = {"__name__": "__main__", "G": net.g, "DC_DA": net.loss.dC_da, "MORE": {}}
    exec(solved(starter(net.architecture, str(model)), net), names)
    assert capsys.readouterr().out.startswith("Right")
