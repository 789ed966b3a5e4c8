import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import AddressError, InputError
from pellucid.explain import nudge
from pellucid.records import Records

from .networks import network, quantities, records


@given(records(), st.data())
def test_what_happens_is_what_a_new_pass_gives(r, data):
    """The number is really changed and everything is computed anew from the start."""
    _, variable = quantities(r)
    by = data.draw(st.sampled_from([v for v in variable if v[0] in "wbx"]))
    n = nudge(r, by, 0.25)
    q = r.address(by)
    parameters = [{k: a.copy() for k, a in p.items()} for p in r.parameters]
    x = r.x.copy()
    if q.name == "x":
        x[0, q.nodes[0]] += 0.25
    else:
        parameters[q.layer][q.name][q.nodes] += 0.25
    again = Records(r.architecture, tuple(parameters), x, r.y)
    assert n.after == pytest.approx(again.value("C0"), rel=1e-11, abs=1e-12, nan_ok=True)
    assert n.before == pytest.approx(r.value("C0"), rel=1e-11, abs=1e-12, nan_ok=True)
    np.testing.assert_equal(n.predicted, 0.25 * r.value(f"dC0/d{by}"))
    np.testing.assert_equal(n.difference, n.actual - n.predicted)
    json.dumps(n.to_dict(), allow_nan=False)
    n.to_text(ascii=True).encode("ascii")


def small(l2=0.0):
    net = network([1, 1], ["linear"], l2=l2)
    return Records(net, ({}, {"w": np.array([[3.0]]), "b": np.array([1.0])}), [[2.0], [1.0]], [[5.0], [0.0]])


def test_a_square_by_hand():
    n = nudge(small(), "b[1][0]", 0.5)  # (7 − 5)² = 4 becomes (7.5 − 5)² = 6.25; the slope is 4
    assert (n.before, n.after, n.predicted, n.actual, n.difference) == (4, 6.25, 2, 2.25, 0.25)
    assert str(n) == "\n".join([
        "b₀⁽¹⁾       1 → 1.5",
        "C₀          4 → 6.25",
        "predicted   2         ∂C₀/∂b₀⁽¹⁾ · eps = 4 · 0.5",
        "really      2.25",
        "difference  0.25      11.1111 % of what happens",
    ])  # fmt: skip


def test_what_is_watched_can_be_chosen():
    assert nudge(small(), "b[1][0]", 0.5, "C").before == (4 + 16) / 2
    assert nudge(small(), "dC/db[1][0]", 0.5).after == (2.5**2 + 4.5**2) / 2
    assert nudge(small(), "dC1/db[1][0]", 0.5).before == 16
    assert nudge(small(), "x[0]@1", 0.5).of == "C[1]"
    assert nudge(small(), "b[1][0]", 0.5, "a[1][0]").actual == 0.5
    assert nudge(small(), "y[0]", 1.0).actual == 1 - 4
    assert nudge(small(), "z[1][0]", 1.0).actual == 9 - 4
    assert nudge(small(), "a[1][0]@1", 1.0, "C").actual == (25 - 16) / 2
    assert nudge(small(0.5), "w[1][0,0]", 1.0, "R").actual == pytest.approx(0.5 * 7)
    assert nudge(small(), "dz[1][0]/dy[0]", 1.0).actual == 0


@pytest.mark.parametrize("eps", [0.0, float("nan"), float("inf")])
def test_eps_is_checked(eps):
    with pytest.raises(InputError, match="eps"):
        nudge(small(), "b[1][0]", eps)


@pytest.mark.parametrize("address", ["C0", "delta[1][0]", "w[1]", "dC0/ddelta[1][0]", "dC0/dw[1]"])
def test_what_can_not_be_changed_is_refused(address):
    with pytest.raises(AddressError):
        nudge(small(), address, 0.5)
