import gc
import threading

import numpy as np

from pellucid.training import sources
from pellucid.training.engines import NumPyEngine
from pellucid.training.sources import WORTH_A_THREAD, InMemory, visiting_order


class Placing(NumPyEngine):
    """An engine that only places arrays."""

    def __init__(self):
        self.dtype = np.dtype("float32")


def order(source, epoch, seed=0, shuffle=True):
    ((_, found),) = source.chunks(Placing(), 10, epoch, seed, shuffle)
    return found


def test_an_order_drawn_ahead_is_the_epochs_own(monkeypatch):
    drawn = []
    draw = sources.visiting_order
    monkeypatch.setattr(sources, "visiting_order", lambda *a: drawn.append(threading.current_thread().name) or draw(*a))
    n = WORTH_A_THREAD
    source = InMemory(np.zeros((n, 1)), np.zeros(n))
    # Also another epoch than the next (a training resumed), another seed, and no shuffling.
    for epoch, seed, shuffle in [(1, 0, True), (2, 0, True), (7, 0, True), (8, 1, True), (9, 1, False), (10, 1, True)]:
        np.testing.assert_array_equal(order(source, epoch, seed, shuffle), visiting_order(n, seed, epoch, shuffle))
    assert sum(name.startswith("order") for name in drawn) == 5
    drawn.clear()
    small = InMemory(np.zeros((5, 1)), np.zeros(5))
    assert [list(order(small, epoch)) for epoch in (1, 2)] == [list(visiting_order(5, 0, e, True)) for e in (1, 2)]
    assert not any(name.startswith("order") for name in drawn)


def test_the_drawing_thread_ends_with_its_source():
    n = WORTH_A_THREAD
    source = InMemory(np.zeros((n, 1)), np.zeros(n))
    order(source, 1)
    (thread,) = [thread for thread in threading.enumerate() if thread.name.startswith("order")]
    del source
    gc.collect()
    thread.join(timeout=60)
    assert not thread.is_alive()
