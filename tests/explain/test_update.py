import numpy as np
import pytest

from pellucid.backward import backward
from pellucid.errors import AddressError, InputError
from pellucid.explain import Trace, update
from pellucid.forward import forward
from pellucid.optimisers import SGD, Adam
from pellucid.records import Records

from .networks import network
from .test_explainer import agrees

OPTIMISERS = [
    SGD(0.5), SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.8, nesterov=True), Adam(0.01), Adam(0.1, beta_1=0.5, beta_2=0.9),
    Adam(0.1, epsilon=0.01, constant_epsilon=True),
]  # fmt: skip


def samples(l2=0.0, l1=0.0):
    rng = np.random.default_rng(0)
    net = network([3, 4, 2], ["tanh", "sigmoid"], l2=l2, l1=l1)
    parameters = tuple({k: rng.normal(size=s) for k, s in net.program.shapes(l).items()} for l in range(net.L + 1))
    return net, parameters, rng.normal(size=(5, 3)), rng.uniform(size=(5, 2))


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=repr)
@pytest.mark.parametrize("l2, l1", [(0.0, 0.0), (0.1, 0.01)])
def test_three_updates_are_those_of_the_optimiser(optimiser, l2, l1):
    net, parameters, x, y = samples(l2, l1)
    state = optimiser.start(parameters)
    for _ in range(3):
        back = backward(net.program, net.loss, forward(net.program, parameters, x), y)
        gradient = tuple(
            g and g | {"w": g["w"] + net.penalty.dR_dw(p["w"])}
            for g, p in zip(back.gradient(), parameters, strict=True)
        )
        new, after = optimiser.update(parameters, gradient, state, optimiser.learning_rate)
        for name, nodes in (("w", (1, 2)), ("b", (1,))):
            own = {key: float(value) if key == "t" else float(value[2][name][nodes]) for key, value in state.items()}
            address = f"{name}[2][{','.join(map(str, nodes))}]"
            d = update(Records(net, parameters, x, y), address, optimiser, state=own)
            assert d.value == pytest.approx(float(new[2][name][nodes]), rel=1e-14)
            assert str(d.address) == f"{name}+{address[1:]}"
            check(d)
        parameters, state = new, after


def check(d):
    """Each line's formula gives its number, down to the gradient."""
    assert agrees(d.value, d.numbers), d
    for child in d.children:
        if not str(child.address).startswith("d"):
            check(child)


def test_the_lines_of_momentum():
    net, parameters, x, y = samples()
    t = Trace(net, parameters, x, y)
    d = t.update("w[1][0,1]", "momentum", learning_rate=0.5, momentum=0.5, state={"v": 2.0})
    slope = t["dC/dw[1][0,1]"]
    assert d.value == t["w[1][0,1]"] + (0.5 * 2.0 - 0.5 * slope)
    assert [str(child.address) for child in d.children] == ["v_new"]
    assert [str(child.address) for child in d.children[0].children] == ["dC/dw[1][0,1]"]
    assert "μ · v − η · ∂C/∂w₀‚₁⁽¹⁾" in d.to_text()
    d.to_text(ascii=True).encode("ascii")
    nesterov = t.update("w[1][0,1]", "nesterov", learning_rate=0.5, momentum=0.5, state={"v": 2.0})
    assert [str(child.address) for child in nesterov.children] == ["v_new", "dC/dw[1][0,1]"]


def test_the_penalty_has_its_own_part():
    net, parameters, x, y = samples(l2=0.1)
    d = Trace(net, parameters, x, y).update("w[1][0,1]", learning_rate=0.5)
    assert [str(child.address) for child in d.children] == ["dC/dw[1][0,1]", "dR/dw[1][0,1]"]
    assert [str(child.address) for child in Trace(net, parameters, x, y).update("b[1][0]").children] == ["dC/db[1][0]"]


def test_json_reads_back():
    from pellucid.explain import Derivation

    net, parameters, x, y = samples()
    d = Trace(net, parameters, x, y).update("w[1][0,1]", "adam")
    assert Derivation.from_dict(d.to_dict(depth=3)).to_dict() == d.to_dict(depth=3)


@pytest.mark.parametrize("address", ["w[1]", "a[1][0]", "dC0/dw[1][0,1]", "w[1][0]"])
def test_only_single_parameters_are_updated(address):
    with pytest.raises(AddressError, match="expected one weight or bias"):
        Trace(*samples()).update(address)


@pytest.mark.parametrize("optimiser, constants, message", [
    ("lion", {}, "expected one of .*momentum, nesterov, sgd, got 'lion'"),
    ("sgd", {"beta_1": 0.5}, r"expected its constants \(eta\), got beta_1"),
    (3, {}, "expected one of"),
])  # fmt: skip
def test_what_has_no_rule_is_refused(optimiser, constants, message):
    with pytest.raises(InputError, match=message):
        Trace(*samples()).update("w[1][0,0]", optimiser, **constants)
