import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import wide
from pellucid.wide import Wide, row_blocks, widened


def test_small_arrays_are_converted_and_float64_is_left_alone():
    small, large = np.ones((2, 3), np.float32), np.ones((600, 600))
    assert widened(small).dtype == np.float64
    assert widened(large) is large
    assert widened(large, copy=True) is not large
    assert widened(small.astype(np.float64)) is not small
    assert widened(large.astype(np.float32), copy=True).dtype == np.float64
    assert isinstance(widened(large.astype(np.float32)), Wide)


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3), st.sampled_from([1, 7, 64, 10_000]), st.booleans())
def test_products_are_those_of_the_float64_matrix(rows, columns, n, block, use_complex):
    rng = np.random.default_rng(rows * 100 + columns)
    array = rng.normal(size=(rows, columns)).astype(np.float32)
    exact = array.astype(np.float64)
    w = Wide(array)
    old, wide.BLOCK = wide.BLOCK, block
    try:
        for left, product, right in [((n, columns), w.T, exact.T), ((n, rows), w, exact)]:
            a = rng.normal(size=left) + (1j * rng.normal(size=left) if use_complex else 0)
            np.testing.assert_allclose(a @ product, a @ right, rtol=1e-13, atol=1e-13)
        assert sum(b.sum() for b in row_blocks(w)) == pytest.approx(exact.sum(), rel=1e-12, abs=1e-12)
        assert sum(b.sum() for b in row_blocks(exact)) == pytest.approx(exact.sum(), rel=1e-12, abs=1e-12)
    finally:
        wide.BLOCK = old
    assert w.shape == exact.shape
    assert w.T.shape == exact.T.shape
    assert w[rows - 1, 0] == exact[-1, 0]
    np.testing.assert_array_equal(w[:, 0], exact[:, 0])
    np.testing.assert_array_equal(w[0], exact[0])


def test_no_array_of_the_matrix_size_is_made():
    array = np.ones((8000, 2000), np.float32)
    w, a, e = Wide(array), np.ones((1, 2000)), np.ones((1, 8000))
    tracemalloc.start()
    try:
        assert [found.shape for found in (a @ w.T, e @ w, w[3], w[:, 3])] == [(1, 8000), (1, 2000), (2000,), (8000,)]
        assert tracemalloc.get_traced_memory()[1] < array.nbytes / 8
    finally:
        tracemalloc.stop()


def test_the_transpose_is_not_indexed():
    with pytest.raises(TypeError, match="not its transpose"):
        Wide(np.ones((2, 2), np.float32)).T[0]
