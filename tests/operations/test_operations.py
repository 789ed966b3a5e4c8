"""What every operation promises, the same for all: value, terms, readers, pull_back and factors are of one function."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.operations.base import Products
from pellucid.spaces import Space

from .cases import NAMES, Case, Draw

IDS = [f"{family.__name__}: {name}" for family, name in NAMES]
CLOSE = {"rtol": 1e-11, "atol": 1e-12}


@pytest.fixture(params=NAMES, ids=IDS, scope="module")
def case(request) -> Case:
    family, name = request.param
    return family(Draw(7))[name]


@pytest.fixture(scope="module")
def out(case):
    return np.asarray(case.operation.value(*case.x))


@pytest.fixture(scope="module")
def jacobians(case):
    """∂out/∂x_m by differences of `value`, (…out, …x_m), for each input that has one."""
    return {m: differences(case, m) for m in range(len(case.x)) if m not in case.fixed}


def differences(case: Case, m: int) -> np.ndarray:
    columns = []
    for at in np.ndindex(case.x[m].shape):

        def moved(h, at=at):
            x = list(case.x)
            x[m] = x[m].astype(np.result_type(x[m], type(h)))
            x[m][at] += h
            return case.operation.value(*x)

        columns.append((moved(1e-3) - moved(-1e-3)) / 2e-3 if case.central else np.imag(moved(1e-30j)) / 1e-30)
    return np.stack(columns, axis=-1).reshape((*columns[0].shape, *case.x[m].shape))


def tolerance(case: Case) -> dict[str, float]:
    return {"rtol": 1e-10, "atol": 1e-11} if case.central else CLOSE


def test_value_is_that_of_plain_loops(case, out):
    expected = case.plain(*case.x)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, **CLOSE)


def test_space_tells_the_shape(case, out):
    inputs = [Space("", x.shape[x.ndim - case.letters(m) :]) for m, x in enumerate(case.x)]
    assert case.operation.space(*inputs).shape == out.shape[1 if case.per_sample else 0 :]


def test_terms_are_what_an_entry_is_made_of(case, out, jacobians):
    """Where the operation sums: the terms add up to the value, and their slopes are the Jacobian. Elsewhere nothing
    but what the terms name has a slope."""
    rebuilt = {m: np.zeros_like(jacobian) for m, jacobian in jacobians.items()}
    for index in np.ndindex(out.shape):
        terms = case.operation.terms(case.x, index)
        if case.operation.sums:
            np.testing.assert_allclose(sum(t.values(case.x).sum() for t in terms), out[index], **CLOSE)
        for products in terms:
            assert all(len(column) == products.count for column in products.at)
            for place, (m, entries) in enumerate(products.entries):
                if m in rebuilt:
                    others = products.entries[:place] + products.entries[place + 1 :]
                    slopes = Products(others, products.count, coefficient=products.coefficient).values(case.x)
                    row = tuple(np.full(products.count, i) for i in index)
                    np.add.at(rebuilt[m], (*row, *entries), slopes)
    for m, jacobian in jacobians.items():
        if case.operation.sums:
            np.testing.assert_allclose(rebuilt[m], jacobian, **tolerance(case))
        else:
            assert not jacobian[rebuilt[m] == 0].any()


def test_readers_are_the_terms_the_other_way_round(case, out, jacobians):
    for m, jacobian in jacobians.items():
        rebuilt = np.zeros_like(jacobian)
        samples = range(len(out)) if m in case.alike and case.per_sample else [0]
        for index in np.ndindex(case.x[m].shape):
            for sample in samples:
                readers = case.operation.readers(m, case.x, out, index, sample)
                numbers = readers.numbers(case.x)
                assert len(numbers) == readers.count
                rows = zip(*readers.out, strict=True) if readers.out else [()] * readers.count
                for row, number in zip(rows, numbers, strict=True):
                    rebuilt[(*row, *index)] += number
        np.testing.assert_allclose(rebuilt, jacobian, **tolerance(case))


def test_what_is_fixed_is_read_by_nobody(case, out):
    for m in case.fixed:
        for index in np.ndindex(case.x[m].shape):
            assert not case.operation.readers(m, case.x, out, index, 0).numbers(case.x).any()
        v = Draw(3)(out.shape)
        if m in case.alike:
            assert not case.operation.factors(m, case.x, out, v).per_sample().any()
        else:
            assert not case.operation.pull_back(m, case.x, out, v).any()


def test_pull_back_is_the_adjoint(case, out, jacobians):
    """⟨D f u, v⟩ = ⟨u, (D f)* v⟩ for every u: (D f)* v is the Jacobian summed over the entries of out."""
    v = Draw(3)(out.shape)
    for m, jacobian in jacobians.items():
        if m not in case.alike:
            back = case.operation.pull_back(m, case.x, out, v)
            assert back.shape == case.x[m].shape
            np.testing.assert_allclose(back, np.tensordot(v, jacobian, v.ndim), **tolerance(case))


def test_a_mean_over_samples_adds_up_what_all_samples_send_back(case, out, jacobians):
    if case.operation.mixes_samples:
        v = Draw(3)((len(case.x[0]), *out.shape))
        expected = np.tensordot(v.sum(axis=0), jacobians[0], out.ndim)
        np.testing.assert_allclose(case.operation.pull_back(0, case.x, out, v), expected, **CLOSE)


def test_weights_alone_are_pulled_back_sample_by_sample(case, out, jacobians):
    """As `backward` does it: each sample's derivative of what was computed from weights alone goes on to the weights."""
    if len(case.alike) == len(case.x):
        v = Draw(3)((3, *out.shape))
        for m, jacobian in jacobians.items():
            back = case.operation.pull_back(m, tuple(x[None] for x in case.x), out[None], v)
            expected = np.tensordot(v, jacobian, axes=(tuple(range(1, v.ndim)), tuple(range(out.ndim))))
            np.testing.assert_allclose(back, expected, **tolerance(case))


def test_factors_are_the_adjoint_sample_by_sample(case, out, jacobians):
    if not case.per_sample:
        return
    n, v, s = len(out), Draw(3)(out.shape), np.array([0.7, 0.3])
    for m in jacobians.keys() & set(case.alike):
        each = np.stack([np.tensordot(v[i], jacobians[m][i], v.ndim - 1) for i in range(n)])
        rows = each.reshape((n, -1))
        found = case.operation.factors(m, case.x, out, v)
        np.testing.assert_allclose(found.per_sample(), each, **CLOSE)
        np.testing.assert_allclose(found.mean(), each.mean(axis=0), **CLOSE)
        np.testing.assert_allclose(found.mean(s), np.tensordot(s, each, 1), **CLOSE)
        np.testing.assert_allclose(found.inner(), rows @ rows.T, **CLOSE)
        np.testing.assert_allclose(found.squared_norms(), (rows**2).sum(axis=1), **CLOSE)
        for index in np.ndindex(each.shape):
            np.testing.assert_allclose(found.entry(*index), each[index], **CLOSE)


def test_under_jax(case, out, jacobians):
    """The same lines, traced: the value, what is pulled back, and each sample's derivative by the weights."""
    import jax

    operation, v = case.operation, Draw(3)(out.shape)

    def passes(x, v):
        out = operation.value(*x)
        back = {m: operation.pull_back(m, x, out, v) for m in jacobians if m not in case.alike}
        factors = {m: operation.factors(m, x, out, v) for m in jacobians if m in case.alike and case.per_sample}
        return out, back, {m: (f.mean(), f.per_sample(), f.squared_norms()) for m, f in factors.items()}

    expected = passes(case.x, v)
    with jax.enable_x64(True):
        found = jax.jit(passes)(case.x, v)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(np.asarray(one), other, rtol=1e-11, atol=1e-13)
