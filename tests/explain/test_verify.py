import math
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.explain import explain
from pellucid.explain.verify import checks
from pellucid.records import Records

from .networks import network, quantities, records, slope, unsure

SMOOTH = {"linear", "sigmoid", "tanh", "gelu", "silu", "softplus", "softmax", "softsign", "exponential"}


@settings(max_examples=40)
@given(records(), st.data())
def test_right_derivatives_pass(r, data):
    computed, variable = quantities(r, r.samples - 1)
    by = data.draw(st.sampled_from(variable))
    d = explain(r, slope(data.draw(st.sampled_from(computed)), by))
    smooth = all(r.g(l).name in SMOOTH for l in range(1, r.L + 1)) and r.loss.name not in (
        "absolute_error",
        "huber",
    )
    for check in d.checks if math.isfinite(d.value) else ():
        assert check.method in ("central differences", "complex step", "automatic differentiation")
        size = max(abs(d.value), abs(float(r.value(r.address(d.address).of))) * 1e-3, 1e-6)
        if str(check.note).startswith("at a kink"):
            continue  # the convention decides: see below
        if check.method == "complex step":
            assert abs(check.value - d.value) < 1e-10 * size + unsure(r, d.address), (d.address, check)
        elif smooth and check.method == "central differences":
            assert abs(check.value - d.value) < 1e-5 * size, (d.address, check)


def test_a_wrong_number_is_seen():
    net = network([2, 3, 2], ["tanh", "sigmoid"])
    r = Records(net, net.initial(0), np.ones((1, 2)), np.ones((1, 2)))
    address = r.address("dC0/dw[1][0,1]")
    for check in checks(r, address, 2 * r.value(address)):
        assert check.relative == pytest.approx(0.5, rel=1e-6)
        assert check.ulps > 1e12
    exact = checks(r, address, r.value(address))
    assert max(check.relative for check in exact) < 1e-8
    assert min(check.ulps for check in exact) < 32


def test_values_of_the_forward_pass_are_added_up_exactly():
    net = network([2, 3, 2], ["tanh", "sigmoid"])
    r = Records(net, net.initial(0), np.ones((2, 2)), np.ones((2, 2)))
    assert explain(r, "z[1][0]").checks[0].method == "exact sum"
    assert explain(r, "z[1][0]").checks[0].ulps <= 2
    assert explain(r, "C").checks[0].ulps <= 2
    assert explain(r, "w[1][0,0]").checks == ()


def test_a_kink_shows_both_sides():
    net = network([1, 1], ["relu"], bias=False)
    r = Records(net, ({}, {"w": np.array([[0.0]])}), [[1.0]], [[3.0]])
    d = explain(r, "dC0/dw[1][0,0]")
    assert d.value == 0
    note = str(d.checks[0].note)
    assert "at a kink" in note
    below, above = [float(found) for found in re.findall(r"\{=([^}]*)\} from", note)]
    assert below == 0
    assert above == pytest.approx(-6, abs=0.05)


def test_automatic_differentiation_takes_part_where_jax_is_loaded():
    code = (
        "import jax, numpy as np; from pellucid.explain import explain; from pellucid.records import Records;"
        "from tests.explain.networks import network;"
        "n = network([2, 3, 3], ['tanh', 'softmax'], 'cross_entropy');"
        "r = Records(n, n.initial(0), np.ones((2, 2)), np.array([1, 2]));"
        "f = lambda a: {c.method: c.relative for c in explain(r, a).checks}['automatic differentiation'];"
        "print(max(map(f, ['dC0/dw[1][0,1]', 'dC/dw[2][0,1]', 'dC1/db[1][2]', 'dC1/dx[0]', 'da[2][1]/dw[1][1,0]@1',"
        "'dz[1][1]/dx[0]', 'dC/dx[1]@1'])))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-13
