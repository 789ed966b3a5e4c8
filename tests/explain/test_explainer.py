import json
import math
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import AddressError, InputError
from pellucid.explain import Derivation, Explainer, explain
from pellucid.expressions import Number, Rest, Symbol, symbols_in
from pellucid.losses import fused
from pellucid.records import Records, canonical
from pellucid.symbols import Derivative, Quantity, parse

from .networks import agrees, network, quantities, records, slope


def every_level(d, depth):
    """The derivations of a tree, each once."""
    seen = {}
    for _, node in d.walk(depth):
        seen.setdefault(node.address, node)
    return seen.values()


def check_level(r, d):
    """Re-add and re-multiply one level; returns how many formulas were computed again."""
    np.testing.assert_equal(d.value, r.value(d.address))
    if not math.isfinite(d.value):
        assert any(remark.kind == "not finite" for remark in d.remarks)
        return 0
    lost = any(remark.kind == "stable form" for remark in d.remarks)  # the remark says that the long way is worse
    also = 4 * 2.0**-52 * fused_cancellation(r, d.address)
    formulas = 0
    if d.terms:
        count = sum(term.count for term in d.terms)
        for term in d.terms:
            assert agrees(term.value, term.numbers), (d.address, term)
            if term.count == 1 and not symbols_in_rests(term.indexed):
                assert agrees(term.value, term.indexed, lookup(r, term.indexed)), (d.address, term)
            else:
                assert isinstance(term.indexed, Rest) or str(d.address) == "R"
            formulas += 1
        if not lost and all(math.isfinite(term.value) for term in d.terms):
            size = math.fsum(abs(term.value) for term in d.terms) + softmax_cancellation(r, d.address)
            total = math.fsum(term.value for term in d.terms)
            assert abs(total - d.value) <= 4 * (count + 4) * 2.0**-52 * size + 1e-300, (d.address, total, d.value)
    elif d.numbers is not None and not lost:
        assert agrees(d.value, d.numbers, also=also), (d.address, d.value, d.numbers)
        if not symbols_in_rests(d.indexed):
            assert agrees(d.value, d.indexed, lookup(r, d.indexed), also=also), (d.address, d.value, d.indexed)
        formulas += 1
        for step in d.steps:
            if not symbols_in_rests(step.expression):
                assert agrees(d.value, step.expression, lookup(r, step.expression), also=also), (d.address, step)
                formulas += 1
    for other in d.equal:
        assert agrees(other.value, other.numbers), (d.address, other)
        assert other.value == pytest.approx(d.value, rel=1e-12, abs=max(also, 1e-300)), (d.address, other)
        assert agrees(other.value, other.indexed, lookup(r, other.indexed)), (d.address, other)
        formulas += 1
    return formulas


def softmax_cancellation(r, address):
    """What the pull-back through softmax, a_j (∂T/∂a_j − Σ_m ∂T/∂a_m a_m), subtracts: its rounding is of this size."""
    q = r.address(address)
    of, by = (q.of, q.by) if isinstance(q, Derivative) else (Quantity("C", sample=q.sample), q)
    if by.name not in ("z", "delta") or of.sample is None or r.g(by.layer).elementwise:
        return 0.0
    adjoint = r.adjoint(canonical(of))
    return 2 * r.forward.a[by.layer][of.sample, by.nodes[0]] * abs(adjoint.da(by.layer)[adjoint.row(of.sample)]).max()


def fused_cancellation(r, address):
    """What the stable form δ = a − y of the output layer subtracts: its rounding is of this size, small as δ may be."""
    q = r.address(address)
    of, by = (q.of, q.by) if isinstance(q, Derivative) else (Quantity("C", sample=q.sample), q)
    if by.name not in ("z", "delta") or by.layer != r.L or of.name != "C" or of.sample is None:
        return 0.0
    if fused(r.g(r.L), r.loss) is None:
        return 0.0
    return max(abs(r.forward.a[r.L][of.sample, by.nodes[0]]), abs(r.targets[of.sample, by.nodes[0]]))


def symbols_in_rests(e):
    """Whether a formula has a rest without a number, or a symbol that is no single number."""
    return "Rest" in repr(e) or "SumOver" in repr(e)


def lookup(r, e):
    """The numbers of the symbols of a formula."""
    constants = {"n_L": r.n[-1], "lambda_1": r.penalty.l1, "lambda_2": r.penalty.l2} | r.loss.parameters
    for l in range(1, r.L + 1):
        constants |= r.g(l).parameters
    return {name: constants[name] if name in constants else r.value(name) for name in symbols_in(e)}


@settings(max_examples=60)
@given(records(), st.data())
def test_every_level_adds_and_multiplies_up(r, data):
    i = data.draw(st.integers(0, r.samples - 1))
    computed, variable = quantities(r, i)
    addresses = [slope(computed[0], by) for by in variable]
    addresses += [f"dC/d{by}" for by in variable if by[0] in "wb"] + [f"dR/d{by}" for by in variable if by[0] == "w"]
    addresses += [slope(data.draw(st.sampled_from(computed)), by) for by in variable]
    addresses += computed + variable + ["C", "R"] + [f"delta[{r.L}][0]@{i}", f"dC{i}/dy[0]"]
    terms = data.draw(st.sampled_from([1, 2, 8, None]))
    explainer = Explainer(r, terms, depth=9)
    seen = set()
    for address in data.draw(st.lists(st.sampled_from(addresses), min_size=1, max_size=4)):
        for d in every_level(explainer.explain(address), 9):
            if d.address not in seen:
                seen.add(d.address)
                check_level(r, d)


@settings(max_examples=40)
@given(records(), st.data())
def test_the_numbers_in_a_formula_are_its_childrens_values(r, data):
    computed, variable = quantities(r)
    d = explain(r, slope(computed[0], data.draw(st.sampled_from(variable))), terms=None)
    for node in every_level(d, 3):
        known = {child.address: child.value for child in node.children}
        numbers = {*numbers_in(node.numbers), *(n for s in node.terms for n in numbers_in(s.numbers))}
        for name in symbols_in(node.indexed) if node.indexed else ():
            if name in known and not math.isnan(known[name]):
                assert known[name] in numbers or -known[name] in numbers or not numbers, (node.address, name)


def numbers_in(e):
    """All numbers of a formula."""
    from pellucid.expressions import parts

    if isinstance(e, Number):
        return [e.value]
    return [n for part in parts(e) for n in numbers_in(part)] if e is not None else []


SCHEMA = json.loads(resources.files("pellucid.explain").joinpath("derivation.schema.json").read_text())


@settings(max_examples=25)
@given(records(), st.data())
def test_json_is_valid_and_reads_back(r, data):
    import jsonschema

    computed, variable = quantities(r)
    address = data.draw(st.sampled_from([slope("C[0]", by) for by in variable] + computed + variable + ["C", "R"]))
    d = explain(r, address, depth=data.draw(st.integers(0, 3)), terms=data.draw(st.sampled_from([1, 3, None])))
    written = json.loads(json.dumps(d.to_dict(), allow_nan=False))
    jsonschema.validate(written, SCHEMA)
    read = Derivation.from_dict(written)
    assert read.to_dict() == written
    assert read.to_text() == d.to_text()


def test_json_of_another_version_is_refused():
    with pytest.raises(InputError, match="expected pellucid-derivation 1, got pellucid-derivation 2"):
        Derivation.from_dict({"format": "pellucid-derivation", "version": 2})


@pytest.fixture
def small():
    rng = np.random.default_rng(3)
    net = network([6, 4], ["sigmoid"])
    parameters = ({}, {"w": rng.normal(size=(4, 6)), "b": rng.normal(size=4)})
    return Records(net, parameters, rng.uniform(size=(2, 6)), rng.uniform(size=(2, 4)))


def test_the_textbooks_three_terms(small):
    d = explain(small, "dC0/dw[L][1,2]")
    assert [str(child.address) for child in d.children] == ["dC0/da[1][1]", "da[1][1]/dz[1][1]", "dz[1][1]/dw[1][1,2]"]
    a, y, x = small.value("a[1][1]"), small.value("y[1]"), small.value("x[2]")
    first, second, third = (child.value for child in d.children)
    assert first == 2 * (a - y)
    assert second == a * (1 - a)
    assert third == x
    assert d.value == pytest.approx(first * second * third, rel=1e-15)
    whole, by_terms = (step.expression for step in d.children[0].steps)
    assert len(whole.of.terms) == 4
    assert [term == Number(0) for term in by_terms.terms] == [True, False, True, True]
    whole, by_terms = (step.expression for step in d.children[2].steps)
    assert len(whole.of.terms) == 7  # six products and the bias
    assert [term == Number(0) for term in by_terms.terms] == [True, True, False, True, True, True, True]
    assert by_terms.terms[2] == Symbol(parse("x[2]"))


def test_wide_sums_show_the_largest_terms_and_one_exact_rest():
    rng = np.random.default_rng(0)
    net = network([3, 4, 50, 2], ["tanh", "tanh", "linear"])
    r = Records(net, net.initial(1), rng.normal(size=(1, 3)), rng.normal(size=(1, 2)))
    d = explain(r, "dC0/da[1][2]", terms=5)
    products = r.adjoint(r.address("C[0]")).dz(2)[0] * r.parameters[2]["w"][:, 2]
    order = np.argsort(-abs(products))
    assert [term.label for term in d.terms[:5]] == [f"j = {j}" for j in order[:5]]
    assert d.terms[5].count == 45
    assert d.terms[5].value == math.fsum(products[order[5:]])
    assert [str(child.address) for child in d.children] == [f"delta[2][{j}]" for j in order[:5]]
    everything = explain(r, "dC0/da[1][2]", terms=None)
    assert [term.label for term in everything.terms] == [f"j = {j}" for j in range(50)]


def test_one_term_is_not_hidden_behind_a_line_for_one():
    net = network([3, 4, 4], ["tanh", "linear"])
    r = Records(net, net.initial(1), np.ones((1, 3)), np.ones((1, 4)))
    assert len(explain(r, "dC0/da[1][2]", terms=3).terms) == 4


def test_the_softmax_sum_and_the_fused_form_are_equal():
    rng = np.random.default_rng(0)
    net = network([3, 4], ["softmax"], "cross_entropy")
    r = Records(net, net.initial(1), rng.normal(size=(1, 3)), [2])
    d = explain(r, "delta[1][1]")
    assert len(d.terms) == 4
    assert d.equal[0].value == d.value == r.value("a[1][1]") - 0
    assert math.fsum(term.value for term in d.terms) == pytest.approx(d.value, rel=1e-15)


def test_children_unfold_to_the_inputs_and_the_loss():
    rng = np.random.default_rng(0)
    net = network([2, 3, 3, 2], ["tanh", "relu", "sigmoid"])
    r = Records(net, net.initial(1), rng.normal(size=(1, 2)), rng.normal(size=(1, 2)))
    addresses = {str(d.address) for _, d in explain(r, "dC0/dw[1][0,1]").walk(20)}
    assert {"dC0/da[3][0]", "dC0/da[3][1]", "delta[2][1]", "a[3][1]", "z[1][2]", "a[1][2]"} <= addresses


def test_the_penalty_is_a_term_of_its_own():
    net = network([2, 1], ["linear"], l2=0.5, l1=0.25)
    r = Records(net, ({}, {"w": np.array([[3.0, -2.0]]), "b": np.zeros(1)}), [[1.0, 1.0]], [[0.0]])
    assert explain(r, "dR/dw[1][0,1]").value == 2 * 0.5 * -2.0 - 0.25
    assert explain(r, "R").value == 0.5 * 13 + 0.25 * 5
    remark = explain(r, "dC/dw[1][0,1]").remarks[-1]
    assert remark.kind == "penalty"
    assert "{=-2.25}" in str(remark.text)


@pytest.mark.parametrize("address", ["w[1]", "a[1]", "dC0/dw[1]", "dC0/dw[1][0]", "delta[1]"])
def test_an_array_is_refused(small, address):
    with pytest.raises(AddressError, match="expected one number"):
        explain(small, address)


def test_matrix_forms(small):
    from pellucid.explain.render.text import TextWriter

    def spelled(address):
        found = explain(small, address).matrix
        for name, shape in found.shapes:
            if not str(name).startswith("g"):
                own = small.value(str(name).replace("@i", "")).shape
                assert shape[: len(own)] == own, name
        return TextWriter(ascii=True).equation(found.equation)

    assert spelled("z[1][0]") == "z[1] = w[1] a[0] + b[1]"
    assert spelled("dC0/dw[1][1,2]") == "dC0/dw[1] = delta[1] a[0]^T"
    assert spelled("dC1/db[1][1]") == "dC1/db[1] = delta[1]@1"
    assert spelled("dC0/dx[1]") == "dC0/da[0] = w[1]^T delta[1]"
    assert spelled("dC0/da[1][1]") == "dC0/da[1] = 2 * (a[1] - y)"
    assert spelled("delta[1][1]") == "delta[1] = dC0/da[1] (.) g'[1]"
    assert spelled("dC/dw[1][1,2]") == "dC/dw[1] = 1/n * (sum_i delta[1]@i a[0]@i^T)"
    assert spelled("dR/dw[1][1,2]") == "dR/dw[1] = 2 * lambda_2 * w[1] + lambda_1 * sign(w[1])"


@pytest.mark.parametrize("address", ["dC0/dg[1][0]", "dg[1][0]/dz[1][0]", "dg[1][0]/dw[1][0,1]", "g[1][0]", "g'[1][0]"])
def test_g_is_a_name_of_a(small, address):
    assert explain(small, address, depth=3).value == small.value(address.replace("g[", "a["))


@pytest.mark.parametrize("options", [{"terms": 0}, {"depth": -1}])
def test_options_are_checked(small, options):
    with pytest.raises(InputError):
        explain(small, "C0", **options)


def test_nothing_imports_jax():
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from pellucid.explain import Trace; from pellucid.architecture import Architecture;"
        "from pellucid.layers import Dense, Input; from pellucid.losses import loss;"
        "n = Architecture((Input(3), Dense(2, 'gelu'), Dense(2, 'softmax')), loss('cross_entropy'));"
        "t = Trace(n, n.initial(0), np.ones((1, 3)), np.array([1]));"
        "d = t.explain('dC0/dw[1][0,1]', depth=5); print(d); d.paths(); d.to_dict(); t.nudge('w[1][0,1]', .1);"
        "t.update('w[1][0,1]', 'adam'); assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("output, C, y", [
    ("softmax", "cross_entropy", [2]),
    ("softmax", "cross_entropy", [[0.2, 0.3, 0.5]]),
    ("softmax", "cross_entropy", [[1.0, 1.0, 0.5]]),
    ("sigmoid", "binary_cross_entropy", [[1.0, 0.0, 0.3]]),
    ("exponential", "poisson", [[3.0, 0.0, 0.7]]),
])  # fmt: skip
@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
def test_the_stable_forms_are_formulas_too(output, C, y, scale):
    rng = np.random.default_rng(4)
    net = network([4, 3], [output], C)
    w = ({}, {"w": scale * rng.normal(size=(3, 4)), "b": rng.normal(size=3)})
    r = Records(net, w, rng.normal(size=(1, 4)), np.array(y))
    loss = explain(r, "C0")
    assert loss.equal[0].value == loss.value
    assert agrees(loss.value, loss.equal[0].numbers)
    for j in range(3):
        d = explain(r, f"delta[1][{j}]")
        assert d.equal[0].value == d.value
        assert agrees(d.value, d.equal[0].numbers)
        if scale == 1.0:
            check_level(r, d)
            check_level(r, loss)
            check_level(r, explain(r, f"a[1][{j}]"))
