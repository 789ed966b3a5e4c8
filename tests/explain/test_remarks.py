import numpy as np
import pytest

from pellucid.explain import explain
from pellucid.records import Records

from .networks import network


def one(activation="linear", w=1.0, b=0.0, x=1.0, y=0.0, C="squared_error"):
    net = network([1, 1], [activation], C)
    return Records(net, ({}, {"w": np.array([[w]]), "b": np.array([b])}), [[x]], [[y]])


def kinds(r, address, **options):
    return {remark.kind: str(remark.text) for remark in explain(r, address, **options).remarks}


def test_an_input_of_zero_kills_the_derivative():
    text = kinds(one(x=0.0, y=1.0), "dC0/dw[1][0,0]")["zero"]
    assert text == "Zero because {dz[1][0]/dw[1][0,0]} is 0 (the input that it weighs is 0)."


def test_a_dead_relu_kills_the_derivative():
    r = one("relu", w=-2.0, y=1.0)
    assert kinds(r, "dC0/db[1][0]")["zero"] == "Zero because {da[1][0]/dz[1][0]} is 0 (relu is off at z = {=-2.0})."
    assert kinds(r, "da[1][0]/dz[1][0]")["dead"] == "{z[1][0]} = {=-2.0} is not positive: relu is off here, so g′ is 0."
    assert "dead" in kinds(r, "a[1][0]")
    assert "zero" in kinds(r, "delta[1][0]")


def test_a_saturated_sigmoid():
    assert kinds(one("sigmoid", w=40.0), "da[1][0]/dz[1][0]")["saturated"].endswith("g′ is 0 to all digits.")
    assert "is saturated at z = {=40.0}" in kinds(one("sigmoid", w=40.0), "delta[1][0]")["zero"]
    assert "nearly flat" in kinds(one("tanh", w=4.0), "da[1][0]/dz[1][0]")["saturated"]
    assert "saturated" not in kinds(one("tanh", w=1.0), "da[1][0]/dz[1][0]")
    assert "saturated" not in kinds(one("leaky_relu", w=-1.0), "da[1][0]/dz[1][0]")


def test_a_perfect_output():
    r = one(w=2.0, y=2.0)
    assert kinds(r, "C0")["perfect"].startswith("The outputs are the targets")
    assert "the output is the target" in kinds(r, "dC0/da[1][0]")["zero"]
    assert kinds(r, "dC0/dw[1][0,0]")["zero"] == "Zero because {dC0/da[1][0]} is 0 (the output is the target)."


@pytest.mark.parametrize(
    "activation, below, above", [("relu", 0.0, 1.0), ("leaky_relu", 0.01, 1.0), ("selu", 1.758, 1.0507)]
)
def test_a_kink_gives_both_one_sided_derivatives(activation, below, above):
    import re

    r = one(activation, w=0.0, y=1.0)
    text = kinds(r, "da[1][0]/dz[1][0]")["kink"]
    numbers = [float(n) for n in re.findall(r"\{=([^}]*)\}", text)]
    assert numbers[0] == 0
    assert numbers[1:3] == pytest.approx([below, above], rel=1e-3)
    assert numbers[3] == r.value("da[1][0]/dz[1][0]")
    assert "kink" in kinds(r, "delta[1][0]")
    assert "kink" in kinds(r, "dC0/db[1][0]")


def test_a_smooth_function_has_no_kink():
    assert "kink" not in kinds(one("elu", w=0.0), "da[1][0]/dz[1][0]")  # alpha = 1
    assert "kink" not in kinds(one("relu", w=0.5), "da[1][0]/dz[1][0]")


def test_the_kink_of_the_absolute_error():
    assert "kink" in kinds(one(y=1.0, C="absolute_error"), "dC0/da[1][0]")
    assert "kink" not in kinds(one(y=2.0, C="absolute_error"), "dC0/da[1][0]")


def test_a_vanishing_and_an_exploding_gradient():
    for scale, kind in ((0.3, "vanishing"), (4.0, "exploding")):
        net = network([2, *[3] * 9], ["linear"] * 9, bias=False)
        w = ({}, *({"w": np.eye(*net.program.shapes(l)["w"]) * scale} for l in range(1, net.L + 1)))
        r = Records(net, w, np.ones((1, 2)), np.ones((1, 3)))
        text = kinds(r, "dC0/dw[1][0,0]")[kind]
        assert "layers 9 … 1" in text
        assert kind not in kinds(r, "dC0/dw[8][0,0]")


def test_a_dominating_term_and_a_cancellation():
    net = network([3, 1], ["linear"], bias=False)
    r = Records(net, ({}, {"w": np.array([[100.0, 1.0, 1.0]])}), np.ones((1, 3)), [[0.0]])
    assert kinds(r, "z[1][0]")["dominant"] == "One term dominates: k = 0 is {=98} % of the sum of sizes."
    r = Records(net, ({}, {"w": np.array([[100.0, -60.0, -40.00001]])}), np.ones((1, 3)), [[0.0]])
    assert "nearly cancel" in kinds(r, "z[1][0]")["cancellation"]
    r = Records(net, ({}, {"w": np.array([[1.0, 1.0, 1.0]])}), np.ones((1, 3)), [[0.0]])
    assert kinds(r, "z[1][0]") == {}


def test_the_stable_form_is_told_where_the_long_way_has_lost_its_digits():
    net = network([1, 2], ["softmax"], "cross_entropy", bias=False)
    r = Records(net, ({}, {"w": np.array([[0.0], [800.0]])}), [[1.0]], [0])
    assert r.value("C0") == 800
    assert "{=inf}" in kinds(r, "C0")["stable form"]
    assert r.value("delta[1][0]") == -1
    assert "{=nan}" in kinds(r, "delta[1][0]")["stable form"]
    assert explain(r, "delta[1][0]").equal[0].value == -1
    r.address("C0")
    explain(r, "C0", depth=3).to_text()
    explain(r, "dC0/dw[1][0,0]", depth=3).to_dict()


def test_no_dependence():
    net = network([2, 2, 2], ["tanh", "tanh"])
    r = Records(net, net.initial(0), np.ones((1, 2)), np.ones((1, 2)))
    for address in (
        "da[1][0]/dz[2][0]",
        "da[1][0]/dz[1][1]",
        "dz[2][0]/dw[2][1,0]",
        "dz[1][0]/dz[1][1]",
        "dz[1][0]/dy[0]",
    ):
        d = explain(r, address)
        assert d.value == 0
        assert d.remarks[0].kind == "independent", address


def test_underflow_is_no_zero_factor():
    r = one(w=0.5, x=1e-200, b=1e-200)
    assert "underflow" in kinds(r, "dC0/dw[1][0,0]")
