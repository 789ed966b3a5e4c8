"""What holds for every test: JAX refuses to guess shapes, hypothesis repeats itself, printed numbers keep their form.

Warnings are errors already (pyproject.toml). Nothing here imports JAX: it reads its setting from the
environment when a test brings it in.
"""

import os

import hypothesis
import numpy as np
import pytest

# (5, 1) − (5,) gives (5, 5) without a word; with this it is an error, also inside the library under test.
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"

# No deadline: the first call of a JAX function compiles. In CI the same examples every time.
hypothesis.settings.register_profile("default", deadline=None, max_examples=50, print_blob=True)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("default"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(autouse=True)
def _stable_printing():
    """NumPy's printing as the doctests expect it, whatever an earlier test set."""
    with np.printoptions(precision=8, threshold=1000, edgeitems=3, linewidth=75, suppress=False, floatmode="maxprec"):
        yield


@pytest.fixture
def generator() -> np.random.Generator:
    """Random numbers, the same for every run of a test."""
    return np.random.default_rng(20240229)
