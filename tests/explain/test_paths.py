import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import InputError
from pellucid.explain import explain
from pellucid.explain.render.text import paths_to_text
from pellucid.records import Records

from .networks import agrees, network, quantities, records, slope


def enumerated(r, address):
    """Every path of ∂T/∂by by brute force: a list of products, one per path, made of Jacobians' entries."""
    d = r.address(address)
    of, by, i = d.of, d.by, d.sample
    by = by if by.name != "x" else r.address(f"a[0][{by.nodes[0]}]@{i}")
    L = r.L if of.name == "C" else of.layer
    first = by.layer
    mixing_end = of.name == "C" and not r.g(r.L).elementwise and (by.name, by.layer) != ("a", r.L)
    suffix = f"@{i}"
    nodes = [[by.nodes[0]]]
    start = 1.0
    if by.name == "w":
        start = r.value(f"a[{first - 1}][{by.nodes[1]}]{suffix}")
    at_z = by.name in ("w", "b", "z")
    levels = [("z" if at_z else "a", first)]
    while True:
        kind, l = levels[-1]
        if of.name == "C" and l == L and (kind == "a" or mixing_end):
            break
        if of.name != "C" and (kind, l) == (of.name, L):
            break
        levels.append(("a", l) if kind == "z" else ("z", l + 1))
    for _, l in levels[1:]:
        nodes.append(range(r.n[l]))
    products = []
    for trail in itertools.product(*nodes):
        product, allowed = start, True
        for (kind, l), (_, l2), j, m in zip(levels, levels[1:], trail, trail[1:], strict=False):
            if kind == "z" and r.g(l).elementwise:
                allowed &= j == m
                product *= r.value(f"g'[{l}][{j}]{suffix}")
            elif kind == "z":
                product *= r.value(f"da[{l}][{m}]/dz[{l}][{j}]{suffix}")
            else:
                product *= r.value(f"w[{l2}][{m},{j}]")
        if of.name == "C":
            product *= r.value(f"delta[{L}][{trail[-1]}]{suffix}" if mixing_end else f"dC{i}/da[{L}][{trail[-1]}]")
        else:
            allowed &= trail[-1] == of.nodes[0]
        if allowed:
            products.append(product)
    return products


@settings(max_examples=80)
@given(records(widest=4, samples=2), st.data())
def test_the_largest_are_those_of_full_enumeration(r, data):
    computed, variable = quantities(r, r.samples - 1)
    of, by = data.draw(st.sampled_from(computed)), data.draw(st.sampled_from(variable))
    address = slope(of, by)
    d = r.address(address)
    from pellucid.records import canonical

    if not r.depends(canonical(d.of), canonical(d.by)):
        return
    every = enumerated(r, address)
    if not np.isfinite(every).all():  # an infinite loss: log 0
        return
    top = data.draw(st.sampled_from([0, 1, 3, 10, 10_000]))
    found = explain(r, address).paths(top)
    assert found.count == len(every)
    assert found.nonzero == sum(p != 0 for p in every)
    sizes = sorted((abs(p) for p in every), reverse=True)[:top]
    assert [abs(p.value) for p in found.top] == pytest.approx(sizes, rel=1e-12, abs=1e-300)
    scale = math.fsum(map(abs, every)) + 1e-300
    assert abs(found.positive - math.fsum(p for p in every if p > 0)) < 1e-12 * scale
    assert abs(found.negative - math.fsum(p for p in every if p < 0)) < 1e-12 * scale
    assert abs(found.positive + found.negative - r.value(address)) < 1e-11 * scale
    assert abs(math.fsum(p.value for p in found.top) + found.rest - r.value(address)) < 1e-11 * scale
    assert len({p.nodes for p in found.top}) == len(found.top)
    for path in found.top:
        assert agrees(path.value, path.numbers)
        names = [factor.name for factor in getattr(path.indexed, "factors", ())]
        assert agrees(path.value, path.indexed, {name: r.value(name) for name in names}, factor=16)
    paths_to_text(found)
    assert int(found.to_dict()["count"]) == found.count
    assert len(found.to_dict()["top"]) == len(found.top)


def test_ten_to_the_thirty_paths_are_counted_exactly():
    rng = np.random.default_rng(0)
    net = network([2, *[10] * 30], ["tanh"] * 30, bias=False)
    w = net.initial(3)
    w[15]["w"][3, 4] = 0.0
    r = Records(net, w, rng.normal(size=(1, 2)), rng.normal(size=(1, 10)))
    found = explain(r, "dC0/dw[1][4,1]").paths(3)
    assert found.count == 10**29
    assert found.nonzero == 10**29 - 10**27
    assert found.positive + found.negative == pytest.approx(
        r.value("dC0/dw[1][4,1]"), rel=1e-3, abs=1e-9 * found.positive
    )
    assert explain(r, "dC0/dx[1]").paths(3).count == 10**30
    assert abs(found.top[0].value) >= abs(found.top[1].value) >= abs(found.top[2].value) > 0


def test_equal_weights_tie_everywhere():
    net = network([2, *[6] * 8], ["linear"] * 8, bias=False)
    w = ({}, *({"w": np.full(net.program.shapes(l)["w"], 0.5)} for l in range(1, net.L + 1)))
    r = Records(net, w, [[1.0, 1.0]], np.zeros((1, 6)))
    found = explain(r, "dC0/dw[1][0,0]").paths(20)
    assert len({p.nodes for p in found.top}) == 20
    assert len({p.value for p in found.top}) == 1


def test_dead_paths_are_counted():
    net = network([1, 2, 1], ["relu", "linear"], bias=False)
    r = Records(net, ({}, {"w": np.array([[1.0], [-1.0]])}, {"w": np.array([[2.0, 3.0]])}), [[1.0]], [[0.0]])
    found = explain(r, "dC0/dx[0]").paths(5)
    assert (found.count, found.nonzero) == (2, 1)
    assert [p.value for p in found.top] == [8.0, 0.0]
    assert found.top[0].nodes == ((0, 0), (1, 0), (2, 0))
    assert found.rest == 0


def test_ten_of_a_large_network():
    rng = np.random.default_rng(0)
    net = network([784, 512, 512, 10], ["tanh", "tanh", "softmax"], "cross_entropy")
    r = Records(net, net.initial(0), rng.normal(size=(1, 784)), [3])
    found = explain(r, "dC0/dw[1][5,7]").paths(10)
    assert found.count == 512 * 10
    assert r.value("dC0/dw[1][5,7]") == pytest.approx(found.positive + found.negative, rel=1e-9)


@pytest.mark.parametrize("address", ["C[0]", "w[1][0,0]", "dC/dw[1][0,0]", "dR/dw[1][0,0]", "dC0/dy[0]", "a[1][0]"])
def test_what_is_no_sum_over_paths_is_refused(address):
    net = network([2, 2], ["tanh"], l2=0.1)
    r = Records(net, net.initial(0), np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(InputError):
        explain(r, address).paths()


def test_top_is_checked():
    net = network([2, 2], ["tanh"])
    with pytest.raises(InputError, match="top"):
        explain(Records(net, net.initial(0), np.ones((2, 2)), np.ones((2, 2))), "dC0/dw[1][0,0]").paths(-1)
