"""Right gradients, however they were computed, are never called wrong; and a wrong one by a hair is."""

import numpy as np
import pytest

from pellucid.check import check_gradients

from .honest import deep_right, random_right
from .planting import random_problem


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_right_gradients_give_no_finding(first):
    looked = 0
    for seed in range(first, first + 100):
        given, right, dtype, k = random_right(seed)
        if right is None:
            continue
        looked += 1
        report = check_gradients(given.architecture, given.parameters, given.x, given.y, right)
        assert report.ok, (seed, dtype, k, str(report))
        assert [m.slug for m in report.mistakes] in ([], ["float32-noise"]), seed
    assert looked > 80


@pytest.mark.parametrize("seed", range(20))
def test_one_entry_off_by_a_millionth_is_not_right(seed):
    """The verdict has teeth: a millionth of the largest entry is far outside what float64 may lose."""
    generator = np.random.default_rng(seed)
    given = random_problem(generator)
    wrong = [{name: v.copy() for name, v in layer.items()} for layer in given.gradients]
    w = wrong[int(generator.integers(given.L))]["w"]
    if not w.any():
        return
    w.flat[int(np.argmax(abs(w)))] *= 1 + 1e-6
    report = check_gradients(given.architecture, given.parameters, given.x, given.y, wrong)
    assert report.verdict != "right"
    w.flat[int(np.argmax(abs(w)))] *= 1.1
    report = check_gradients(given.architecture, given.parameters, given.x, given.y, wrong)
    assert report.verdict == "wrong"


@pytest.mark.parametrize("first", [0, 10, 20])
def test_deep_networks_are_judged_as_sharply(first):
    """Worst-case radii would grow with every layer until nothing could be wrong any more."""
    sharp = 0
    for seed in range(first, first + 10):
        given, right, dtype, _ = deep_right(seed)
        if right is None:
            continue
        report = check_gradients(given.architecture, given.parameters, given.x, given.y, right)
        assert report.ok, (seed, str(report))
        wrong = [tuple(v.astype(float) for v in pair) for pair in right]
        w = wrong[0][0]
        w.flat[int(np.argmax(abs(w)))] *= 1 + (1e-2 if dtype is np.float32 else 1e-8)
        report = check_gradients(given.architecture, given.parameters, given.x, given.y, wrong)
        sharp += report.verdict == ("wrong" if dtype is np.float32 else "right but less precise")
    assert sharp >= 7
