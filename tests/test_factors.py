"""Every contraction of the factors against plain sums, and against jax.vmap(jax.grad)."""

import numpy as np
import pytest

from pellucid.backward import backward
from pellucid.errors import InputError
from pellucid.factors import Bias, Outer, Scale
from pellucid.forward import forward

from .oracles.cases import random_case
from .oracles.references import jax_vmap_grad

N, J, K = 4, 3, 5
USES = [None, 1, 2, 6]


def arrays(generator, uses, width_a):
    shape = (N,) if uses is None else (N, uses)
    return generator.normal(size=(*shape, J)), generator.normal(size=(*shape, width_a))


def outer(generator, uses):
    """The factors of a weight, and each sample's derivative as a plain sum Σ_t δ_itj a_itk."""
    delta, a = arrays(generator, uses, K)
    per_sample = np.zeros((N, J, K))
    for i in range(N):
        for t in range(uses or 1):
            for j in range(J):
                for k in range(K):
                    delta_itj, a_itk = (delta[i, j], a[i, k]) if uses is None else (delta[i, t, j], a[i, t, k])
                    per_sample[i, j, k] += delta_itj * a_itk
    return Outer(delta, a), per_sample


def diagonal(generator, uses, scale):
    """The factors of a bias, or of a weight per node (scale), with Σ_t δ_itj and Σ_t δ_itj a_itj."""
    delta, a = arrays(generator, uses, J)
    per_sample = np.zeros((N, J))
    for i in range(N):
        for t in range(uses or 1):
            for j in range(J):
                delta_itj, a_itj = (delta[i, j], a[i, j]) if uses is None else (delta[i, t, j], a[i, t, j])
                per_sample[i, j] += delta_itj * (a_itj if scale else 1)
    return (Scale(delta, a) if scale else Bias(delta)), per_sample


CASES = {
    "weight": outer,
    "bias": lambda generator, uses: diagonal(generator, uses, scale=False),
    "scale": lambda generator, uses: diagonal(generator, uses, scale=True),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def close(actual, expected):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=1e-12, atol=1e-13)


def contractions(factors, weights):
    return {
        "mean": factors.mean(),
        "weighted": factors.mean(weights),
        "per_sample": factors.per_sample(),
        "squared_norms": factors.squared_norms(),
        "inner": factors.inner(),
    }


def expected_contractions(per_sample, weights):
    rows = per_sample.reshape((N, -1))
    return {
        "mean": per_sample.mean(axis=0),
        "weighted": np.einsum("i,i...->...", weights, per_sample),
        "per_sample": per_sample,
        "squared_norms": (rows**2).sum(axis=1),
        "inner": rows @ rows.T,
    }


@pytest.mark.parametrize("uses", USES)
def test_contractions(case, uses, generator):
    factors, per_sample = case(generator, uses)
    weights = np.array([0.5, 0.2, 0.3, 0.0])
    expected = expected_contractions(per_sample, weights)
    for name, value in contractions(factors, weights).items():
        assert value.shape == expected[name].shape
        close(value, expected[name])
    for index in np.ndindex(per_sample.shape):
        close(factors.entry(*index), per_sample[index])


def test_an_entry_of_a_weight_has_two_nodes(generator):
    factors, _ = outer(generator, None)
    with pytest.raises(InputError, match="entry: expected the nodes j and k, as in w_jk"):
        factors.entry(0, 1)


@pytest.mark.parametrize("uses", [None, 2])
def test_contractions_under_jax(case, uses, generator):
    import jax

    factors, per_sample = case(generator, uses)
    weights = np.array([0.5, 0.2, 0.3, 0.0])
    kind, fields = type(factors), [value for value in (factors.delta, getattr(factors, "a", None)) if value is not None]
    with jax.enable_x64(True):
        found = jax.jit(lambda weights, *fields: contractions(kind(*fields), weights))(weights, *fields)
    expected = expected_contractions(per_sample, weights)
    for name, value in found.items():
        close(value, expected[name])


@pytest.mark.parametrize("uses", [None, 3])
def test_equal_weights_are_the_mean(case, uses, generator):
    factors, _ = case(generator, uses)
    close(factors.mean(np.full(N, 1 / N)), factors.mean())


@pytest.mark.parametrize("uses", [None, 3])
def test_norms_are_the_diagonal_of_the_inner_products(case, uses, generator):
    factors, _ = case(generator, uses)
    inner = factors.inner()
    close(np.diagonal(inner), factors.squared_norms())
    close(inner, inner.T)
    assert (np.linalg.eigvalsh(inner) > -1e-9).all()


def test_float32_stays_float32(case, generator):
    for uses in (None, 2):
        factors, _ = case(generator, uses)
        fields = [
            value.astype(np.float32) for value in (factors.delta, getattr(factors, "a", None)) if value is not None
        ]
        factors = type(factors)(*fields)
        for value in contractions(factors, np.full(N, 0.25, np.float32)).values():
            assert value.dtype == np.float32
        assert factors.entry(0, 1, 2).dtype == np.float32


@pytest.mark.parametrize(("g", "C"), [("tanh", "squared_error"), ("softmax", "cross_entropy"), ("gelu", "huber")])
def test_per_sample_gradients_of_a_network(g, C):
    """Against jax.vmap(jax.grad): each sample's gradient, its norm, the inner products."""
    case = random_case(g, C, 3, bias=True)
    net = case.architecture
    per_sample = jax_vmap_grad(case)
    record = forward(net.program, case.parameters, case.x)
    back = backward(net.program, net.loss, record, case.y)
    for l in range(1, net.L + 1):
        for name, factors in back.factors[l].items():
            expected = per_sample[l][name]
            rows = expected.reshape((len(case.x), -1))
            close(factors.per_sample(), expected)
            close(factors.squared_norms(), (rows**2).sum(axis=1))
            close(factors.inner(), rows @ rows.T)
