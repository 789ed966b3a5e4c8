import gc
import threading
import tracemalloc

import numpy as np
import pytest

import pellucid as pc
from pellucid.arrays import aligned
from pellucid.layers import Dense, Input
from pellucid.losses import HalfSquaredError
from pellucid.program import program
from pellucid.training import sources
from pellucid.training.engines import NumPyEngine
from pellucid.training.sources import WORTH_A_THREAD, InMemory, visiting_order
from pellucid.training.steps import Rule


@pytest.fixture(params=["numpy", "jax"])
def backend(request):
    return request.param


ENGINE = NumPyEngine(Rule(program((Input(1), Dense(1))), HalfSquaredError(), pc.SGD()), "float32", 10, WORTH_A_THREAD)


def order(source, epoch, seed=0, shuffle=True):
    ((_, found),) = source.chunks(ENGINE, 10, epoch, seed, shuffle)
    return found


def unaligned(x):
    """The same float32 numbers, 16 bytes behind an address that JAX could read."""
    raw = aligned((x.size + 4,), np.float32)
    raw[4:] = x.ravel()
    return raw[4:].reshape(x.shape)


@pytest.mark.parametrize("n", [100, 95, 63, 7])
@pytest.mark.parametrize("kind", ["unaligned", "float64", "aligned"])
def test_much_data_is_taken_in_chunks_and_trains_the_same(backend, kind, n, monkeypatch, generator):
    x = generator.normal(size=(n, 5)).astype(np.float32)
    y = generator.integers(0, 3, n)
    weights = generator.uniform(0.5, 2, n)
    given = {"unaligned": unaligned(x), "float64": x.astype(np.float64), "aligned": aligned(x.shape, np.float32)}[kind]
    given[:] = x
    nets, shapes = [], []
    for copied in (10**9, 0):
        monkeypatch.setattr(sources, "COPIED_BYTES", copied)
        monkeypatch.setattr(sources, "CHUNK_BYTES", 45 * 20)  # four batches of ten
        chunks = InMemory.chunks
        monkeypatch.setattr(
            InMemory, "chunks", lambda self, *a, f=chunks: (shapes.append(c[0][0].shape) or c for c in f(self, *a))
        )
        net = pc.mlp([5, 8, 3], "tanh", output="softmax", loss="cross_entropy", seed=1)
        net.fit(given, y, epochs=3, batch_size=10, sample_weight=weights, backend=backend, metrics="accuracy", seed=3)
        monkeypatch.setattr(InMemory, "chunks", chunks)
        nets.append(net)
    for l in (1, 2):
        np.testing.assert_allclose(nets[0].w[l], nets[1].w[l], rtol=2e-6, atol=1e-7)
    assert nets[0].history["loss"] == pytest.approx(nets[1].history["loss"], rel=1e-6)
    assert nets[0].history["accuracy"] == nets[1].history["accuracy"]
    in_place = kind == "aligned" or (kind == "unaligned" and backend == "numpy")
    assert len(shapes) == 3 + 3 * (1 if in_place else -(-n // 40))
    assert len(set(shapes[3:])) == 1  # one shape of chunks is one compiled program


def test_much_data_is_not_copied(backend, monkeypatch):
    x, y = unaligned(np.ones((40_000, 100), np.float32)), np.arange(40_000) % 2
    monkeypatch.setattr(sources, "COPIED_BYTES", 0)
    monkeypatch.setattr(sources, "CHUNK_BYTES", 2**20)
    net = pc.mlp([100, 2], output="softmax", loss="cross_entropy")
    fit = {"epochs": 1, "batch_size": 1000, "backend": backend}
    net.fit(x[:3000], y[:3000], **fit)  # imports and compiles
    tracemalloc.start()
    try:
        net.fit(x, y, **fit)
        assert tracemalloc.get_traced_memory()[1] < x.nbytes / 3
    finally:
        tracemalloc.stop()


def test_an_order_drawn_ahead_is_the_epochs_own(monkeypatch):
    drawn = []
    draw = sources.visiting_order
    monkeypatch.setattr(sources, "visiting_order", lambda *a: drawn.append(threading.current_thread().name) or draw(*a))
    n = WORTH_A_THREAD
    source = InMemory(np.zeros((n, 1)), np.zeros(n))
    # Also another epoch than the next (a training resumed), another seed, and no shuffling.
    for epoch, seed, shuffle in [(1, 0, True), (2, 0, True), (7, 0, True), (8, 1, True), (9, 1, False), (10, 1, True)]:
        np.testing.assert_array_equal(order(source, epoch, seed, shuffle), visiting_order(n, seed, epoch, shuffle))
    source.ahead[1].result()  # the last one may still be at work
    assert sum(name.startswith("order") for name in drawn) == 5
    drawn.clear()
    small = InMemory(np.zeros((5, 1)), np.zeros(5))
    assert [list(order(small, epoch)) for epoch in (1, 2)] == [list(visiting_order(5, 0, e, True)) for e in (1, 2)]
    assert not any(name.startswith("order") for name in drawn)


def test_the_drawing_thread_ends_with_its_source():
    n = WORTH_A_THREAD
    source, before = InMemory(np.zeros((n, 1)), np.zeros(n)), set(threading.enumerate())
    order(source, 1)
    (thread,) = set(threading.enumerate()) - before
    del source
    gc.collect()
    thread.join(timeout=60)
    assert not thread.is_alive()
