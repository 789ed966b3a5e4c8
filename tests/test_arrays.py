"""The few array operations of our own, on both libraries."""

import numpy as np
import pytest

from pellucid.arrays import erfc, is_numpy, log_sum_exp, namespace, take_rows, tree_map


def test_each_array_brings_its_library():
    import jax.numpy as jnp

    assert namespace(np.ones(2)) is np
    assert namespace(jnp.ones(2)) is jnp
    assert is_numpy(np.ones(2))
    assert is_numpy(np.float64(1))
    assert not is_numpy(jnp.ones(2))


def test_erfc():
    import jax
    import jax.numpy as jnp

    z = np.linspace(-4, 4, 9)
    with jax.enable_x64(True):
        np.testing.assert_allclose(np.asarray(erfc(jnp.asarray(z))), erfc(z), rtol=1e-13)
    assert erfc(np.float32([1])).dtype == np.float32
    assert erfc(np.array([0.5 + 1e-30j])).imag / 1e-30 == pytest.approx(-2 / np.sqrt(np.pi) * np.exp(-0.25))


def test_take_rows():
    import jax.numpy as jnp

    rows = np.array([2, 0, 2])
    for array in (np.arange(6).reshape(3, 2), np.arange(3)):
        np.testing.assert_array_equal(take_rows(array, rows), array[rows])
        np.testing.assert_array_equal(np.asarray(take_rows(jnp.asarray(array), jnp.asarray(rows))), array[rows])


def test_log_sum_exp():
    z = np.array([[0.0, np.log(3.0)], [1000.0, 1000.0], [-1000.0, -1000.0]])
    expected = [[np.log(4)], [1000 + np.log(2)], [-1000 + np.log(2)]]
    np.testing.assert_allclose(log_sum_exp(z), expected, rtol=1e-15)
    softmax = np.exp(z[0]) / np.exp(z[0]).sum()
    np.testing.assert_allclose(log_sum_exp(z[:1] + [[0, 1e-30j]]).imag / 1e-30, [[softmax[1]]], rtol=1e-14)


def test_tree_map():
    first, second = ({"w": 1, "b": 2}, {"w": 3}), ({"w": 10, "b": 20}, {"w": 30})
    assert tree_map(lambda *leaves: sum(leaves), first, second, first) == ({"w": 12, "b": 24}, {"w": 36})
    assert tree_map(lambda leaf: -leaf, ()) == ()
