"""The compiled program's forms: small data put in order first, large weights written in place; the numbers stay."""

import re

import numpy as np
import pytest

import pellucid as pc

SIZES = [70, 600, 500, 5]  # 345,000 weights, 1.4 MB in float32


@pytest.fixture
def compiled():
    from pellucid.training.engines import compiled

    return compiled


def trained(optimiser, **options):
    generator = np.random.default_rng(3)
    x, y = generator.normal(size=(90, SIZES[0])), generator.integers(0, SIZES[-1], 90)
    net = pc.mlp(SIZES, "tanh", output="softmax", loss="cross_entropy", seed=1)
    net.fit(x, y, epochs=3, batch_size=16, optimiser=optimiser, dtype="float64", **options)
    return net


@pytest.mark.parametrize("optimiser", ["sgd", "nesterov", "adam", "adamw"])
def test_the_same_numbers_as_with_copies(compiled, monkeypatch, optimiser):
    before = compiled.run_in_place._cache_size()
    in_place = trained(optimiser, backend="jax")
    assert compiled.run_in_place._cache_size() == before + 1
    monkeypatch.setattr(compiled, "MANY_BYTES", 10**9)
    copied = trained(optimiser, backend="jax")
    assert compiled.run_in_place._cache_size() == before + 1
    for l in range(1, in_place.L + 1):
        np.testing.assert_allclose(in_place.w[l], copied.w[l], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_no_copy_of_a_weight_matrix_within_the_loop(compiled, monkeypatch, optimiser):
    import jax

    def copies(program):
        """How many matrices of weights are copied in the body of the loop over the batches."""
        calls = []
        monkeypatch.setattr(compiled, "runner", lambda size: lambda *given: calls.append(given) or program(*given))
        trained(optimiser, backend="jax")
        with jax.enable_x64(True):
            text = program.lower(*calls[0]).compile().as_text()
        body = re.search(r"body=%?([\w.\-]+)", text)[1]
        lines = re.search(rf"%?{re.escape(body)} \(.*?\n}}", text, re.S)[0].splitlines()
        matrices = {f"f64[{i},{j}]" for i in SIZES for j in SIZES}
        return sum(any(f"= {matrix}" in line for matrix in matrices) for line in lines if " copy(" in line)

    assert copies(compiled.run_in_place) == 0
    assert copies(compiled.run) > 0  # or this test could not see one


def test_an_xla_without_the_option_trains_with_copies(compiled, monkeypatch):
    monkeypatch.setattr(compiled, "IN_PLACE", {"xla_cpu_no_such_option": True})
    compiled.has_in_place.cache_clear()
    try:
        assert compiled.runner(2**30) is compiled.run
    finally:
        compiled.has_in_place.cache_clear()
    monkeypatch.undo()
    assert compiled.runner(2**30) is compiled.run_in_place
    assert compiled.runner(2**10) is compiled.run


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_put_in_order_first_or_gathered_batch_by_batch(compiled, monkeypatch, weighted):
    generator = np.random.default_rng(0)
    x, y, s = generator.normal(size=(107, 4)), generator.integers(0, 3, 107), generator.uniform(size=107)

    def trained():
        compiled.run.clear_cache()
        net = pc.mlp([4, 5, 3], "tanh", output="softmax", loss="cross_entropy", seed=1)
        weights = s if weighted else None
        net.fit(x, y, epochs=3, batch_size=8, sample_weight=weights, dtype="float64", backend="jax")
        return net

    ordered = trained()
    monkeypatch.setattr(compiled, "SMALL_BYTES", 0)
    gathered = trained()
    for l in range(1, 3):
        np.testing.assert_array_equal(ordered.w[l], gathered.w[l])
    assert list(ordered.history["loss"]) == list(gathered.history["loss"])
    compiled.run.clear_cache()
