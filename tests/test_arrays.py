"""The few array operations of our own, on both libraries."""

import os
import subprocess
import sys
import tempfile

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


# What the flag mends: a product and a sum in one, which jaxlib 0.10.2 gets wrong in the last rows (jax issue 39103), and
# a sum over one of seven axes, which ends the process (40412).
REDUCTIONS = """
import os, numpy as np
from pellucid.arrays import start_jax
before = os.environ.get("XLA_FLAGS")
jax = start_jax()
assert os.environ.get("XLA_FLAGS") == before
for dtype, n in ((np.float64, 16_385), (np.float32, 32_777)):
    with jax.enable_x64(dtype == np.float64):
        m, rows = np.arange(6.0).reshape(2, 3).astype(dtype), np.arange(3.0 * n).reshape(n, 3).astype(dtype) / n
        got = jax.jit(jax.vmap(lambda row: ((m @ row) ** 2).sum()))(rows)
        np.testing.assert_allclose(got, ((rows @ m.T) ** 2).sum(axis=1), rtol=1e-5)
u = np.ones((3, 1, 2, 2, 8, 8, 8), np.float32)
np.testing.assert_array_equal(jax.jit(lambda a, b: (a * b).sum(axis=3))(u, u), np.full((3, 1, 2, 8, 8, 8), 2))
"""


@pytest.mark.parametrize("flags", [None, "--xla_cpu_enable_fast_math=false"], ids=["no flags", "a user's flag"])
def test_sums_are_right_once_jax_is_started(flags):
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    if flags:
        environment["XLA_FLAGS"] = flags
    done = subprocess.run([sys.executable, "-c", REDUCTIONS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


FORKED = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")  # JAX warns of forks
import numpy as np
import pellucid as pc
import jax.numpy as jnp
jnp.ones(3).sum()  # now it has threads
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
signal.alarm(60)  # ends a child that waits
x = np.random.default_rng(0).normal(size=(2000, 300))
net = pc.mlp([300, 500, 300], "tanh")
from pellucid.training.engines import choose
assert net.fit(x, x, epochs=1, batch_size=500).backend == "numpy"
assert choose("auto", type("R", (), {"optimiser": pc.SGD(), "schedule": None, "layers": net.layers}), 500, 10**9) == "numpy"
for options in ({"backend": "jax"}, {"optimiser": "adamw"}, {"schedule": "cosine"}):
    try:
        net.fit(x, x, epochs=1, **options)
    except pc.InputError as error:
        assert "forked" in str(error), error
    else:
        sys.exit("not refused")
os._exit(0)  # as children of multiprocessing end; JAX's own end would wait for its threads
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_process_forked_after_jax_ran_trains_on_numpy_and_never_waits():
    with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open as long as a child that hangs
        done = subprocess.run([sys.executable, "-c", FORKED], stdout=said, stderr=said)
        said.seek(0)
        assert done.returncode == 0, said.read()[-2000:]
