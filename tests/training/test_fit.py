"""`fit` against the update written out by hand, on both engines: batches, weights, penalties, order, history."""

import math
import sys

import numpy as np
import pytest

import pellucid as pc
from pellucid.backward import backward, losses
from pellucid.forward import forward
from pellucid.training import InChunks
from pellucid.training.sources import visiting_order

BACKENDS = ["numpy", "jax"]


def made(n=23, seed=0, **options):
    generator = np.random.default_rng(seed)
    net = pc.mlp([4, 5, 3], "tanh", output="softmax", loss="cross_entropy", seed=3, **options)
    return net, generator.normal(size=(n, 4)), generator.integers(0, 3, n)


def by_hand(net, x, y, *, epochs, batch, rate, seed=0, weights=None, shuffle=True, clip=None):
    """Plain mini-batch gradient descent over the public forward and backward passes."""
    parameters = tuple({k: v.copy() for k, v in layer.items()} for layer in net.parameters)
    history = []
    for epoch in range(1, epochs + 1):
        order, total = visiting_order(len(x), seed, epoch, shuffle), 0.0
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            record = forward(net.architecture.program, parameters, x[rows])
            C = losses(net.architecture.program, net.loss, record, y[rows])
            s = np.ones(len(rows)) if weights is None else weights[rows]
            total += (s * C).sum()
            per_sample = backward(net.architecture.program, net.loss, record, y[rows]).factors
            gradient = [
                {k: np.tensordot(s / s.sum(), f.per_sample(), 1) for k, f in layer.items()} for layer in per_sample
            ]
            for layer, old in zip(gradient[1:], parameters[1:], strict=True):
                w = old["w"]
                layer["w"] = layer["w"] + 2 * net.architecture.penalty.l2 * w + net.architecture.penalty.l1 * np.sign(w)
            if clip:
                norm = math.sqrt(sum((g**2).sum() for layer in gradient for g in layer.values()))
                gradient = [{k: g * min(1, clip / norm) for k, g in layer.items()} for layer in gradient]
            parameters = tuple(
                {k: old[k] - rate * g[k] for k in old} for old, g in zip(parameters, gradient, strict=True)
            )
        history.append(total / (len(x) if weights is None else weights.sum()))
    return parameters, history


def assert_same(left, right, rtol=1e-10):
    for a, b in zip(left, right, strict=True):
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [1, 5, 23, 40, None])
def test_batches_the_smaller_last_one_included(backend, batch):
    net, x, y = made()
    expected, loss = by_hand(net, x, y, epochs=3, batch=batch or 23, rate=0.3)
    history = net.fit(x, y, epochs=3, batch_size=batch, learning_rate=0.3, dtype="float64", backend=backend)
    assert_same(net.parameters, expected)
    np.testing.assert_allclose(history["loss"], loss, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_penalty_clipping_and_weights(backend):
    net, x, y = made(l2=0.01, l1=0.002)
    weights = np.random.default_rng(1).random(23)
    expected, loss = by_hand(net, x, y, epochs=2, batch=4, rate=0.5, weights=weights, clip=0.3, shuffle=False)
    history = net.fit(
        x, y, epochs=2, batch_size=4, learning_rate=0.5, dtype="float64", backend=backend, sample_weight=weights,
        clip=0.3, shuffle=False,
    )  # fmt: skip
    assert_same(net.parameters, expected)
    np.testing.assert_allclose(history["loss"], loss, rtol=1e-12)
    assert history.epochs[-1].penalty == pytest.approx(
        net.architecture.penalty.R(list(net.architecture.penalised(net.parameters)))
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_of_whole_numbers_equal_repeated_rows(backend):
    net, x, y = made()
    other, *_ = made()
    repeats = np.random.default_rng(5).integers(0, 4, len(x))
    options = {"epochs": 5, "batch_size": None, "dtype": "float64", "backend": backend}
    net.fit(x, y, sample_weight=repeats, **options)
    other.fit(np.repeat(x, repeats, axis=0), np.repeat(y, repeats), **options)
    assert_same(net.parameters, other.parameters)


def test_class_weights_are_sample_weights():
    net, x, y = made()
    other, *_ = made()
    net.fit(x, y, epochs=3, class_weight={0: 2.0, 2: 0.5}, dtype="float64")
    other.fit(x, y, epochs=3, sample_weight=np.array([2.0, 1.0, 0.5])[y], dtype="float64")
    assert_same(net.parameters, other.parameters, rtol=0)
    balanced, *_ = made()
    balanced.fit(x, y, epochs=3, class_weight="balanced", dtype="float64")
    other, *_ = made()
    other.fit(x, y, epochs=3, sample_weight=(len(y) / (3 * np.bincount(y)))[y], dtype="float64")
    assert_same(balanced.parameters, other.parameters, rtol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_norms_are_those_of_the_last_update(backend):
    net, x, y = made(n=6)
    record = forward(net.architecture.program, net.parameters, x)
    gradient = backward(net.architecture.program, net.loss, record, y).gradient()
    expected = [math.sqrt(sum((g**2).sum() for g in layer.values())) for layer in gradient[1:]]
    history = net.fit(x, y, epochs=1, batch_size=None, dtype="float64", backend=backend)
    np.testing.assert_allclose(history["gradient_norms"][0], expected, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimiser", ["momentum", "adam"])
def test_the_same_seed_gives_the_same_bits(backend, optimiser):
    runs = []
    for seed in (7, 7, 8):
        net, x, y = made(n=50)
        net.fit(x, y, epochs=3, batch_size=8, optimiser=optimiser, seed=seed, backend=backend)
        runs.append(net.w[1].tobytes())
    assert runs[0] == runs[1] != runs[2]


def test_single_precision_engines_agree():
    nets = []
    for backend in BACKENDS:
        net, x, y = made(n=50)
        net.fit(x, y, epochs=5, optimiser="adam", backend=backend)
        assert net.w[1].dtype == np.float32
        nets.append(net)
    assert_same(nets[0].parameters, nets[1].parameters, rtol=2e-4)


def test_no_python_per_batch(monkeypatch):
    from pellucid.training.engines import compiled

    calls = []
    run = compiled.run
    monkeypatch.setattr(compiled, "run", lambda *a, **k: calls.append(a) or run(*a, **k))
    net, x, y = made(n=5000)
    net.fit(x, y, epochs=2, batch_size=1, backend="jax")
    assert len(calls) < 40  # of 10,000 updates


def test_schedules():
    net, x, y = made(n=20)
    history = net.fit(x, y, epochs=10, batch_size=10, learning_rate=0.5, schedule="linear")
    np.testing.assert_allclose(history["learning_rate"], [0.5 * (1 - t / 20) for t in range(1, 20, 2)], rtol=1e-5)
    history = made(n=20)[0].fit(x, y, epochs=2, learning_rate=0.5, schedule=lambda t: 0.5**t, backend="jax")
    np.testing.assert_allclose(history["learning_rate"], [0.5, 0.25])
    with pytest.raises(pc.InputError, match="schedule: expected a function or one of cosine"):
        net.fit(x, y, schedule="cosinus")


def test_optax_by_name_and_object():
    import optax

    nets = []
    for options in ({"optimiser": "adamw", "learning_rate": 0.01}, {"optimiser": optax.adamw(0.01)}):
        net, x, y = made(n=20)
        history = net.fit(x, y, epochs=3, dtype="float64", **options)
        assert history.backend == "jax"
        nets.append(net)
    assert_same(nets[0].parameters, nets[1].parameters)
    with pytest.raises(pc.InputError, match="Optax's and runs on JAX"):
        net.fit(x, y, optimiser="adamw", backend="numpy")


def test_early_stopping_and_the_best_weights():
    net, x, y = made(n=60)
    xv, yv = np.random.default_rng(9).normal(size=(20, 4)), np.random.default_rng(9).integers(0, 3, 20)
    history = net.fit(
        x, y, epochs=500, optimiser="adam", learning_rate=0.05, validation=(xv, yv), patience=5, restore_best=True,
        metrics=["accuracy"],
    )  # fmt: skip
    assert len(history) < 500
    assert history.stopped == "validation_loss did not improve by more than 0.0001 for 5 epochs"
    best = int(np.argmin(history["validation_loss"]))
    assert history.best_epoch == best + 1
    assert net.evaluate(xv, yv)["loss"] == pytest.approx(history["validation_loss"][best], rel=1e-5)
    assert history["accuracy"][best] == net.score(xv, yv)


def test_a_share_is_held_out():
    net, x, y = made(n=50)
    history = net.fit(x, y, epochs=2, validation=0.2, metrics="accuracy", monitor="accuracy", patience=3)
    assert all(v is not None for v in history["validation_loss"]) and len(history["accuracy"]) == 2


def test_on_epoch_may_change_the_rate_and_stop():
    net, x, y = made()

    def slower(epoch, knobs):
        knobs["rate"] *= 0.5
        return epoch.epoch == 3

    history = net.fit(x, y, epochs=10, learning_rate=0.8, on_epoch=slower)
    assert history["learning_rate"] == [0.8, 0.4, 0.2]
    assert history.stopped == "on_epoch asked to stop after epoch 3"


class Rows:
    """A stream over arrays."""

    def __init__(self, x, y, classes=None):
        self.x, self.y, self.n, self.n_inputs, self.classes, self.reads = x, y, len(x), x.shape[1], classes, []

    def read(self, start, stop):
        self.reads.append((start, stop))
        return self.x[start:stop], self.y[start:stop]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stream_trains_in_chunks(backend):
    net, x, y = made(n=103)
    stream = Rows(x, y.astype(np.int32), (0, 1, 2))
    training_source = InChunks(stream, rows=30)
    from pellucid.training import Settings, Training

    settings = Settings(epochs=2, batch_size=4, dtype="float64", backend=backend)
    training = Training(net.architecture, net.parameters, training_source, settings)
    _, history = training.go()
    assert training.t == 2 * (7 * 3 + 19 // 4 + 1)  # 28 rows a chunk, and 19 left
    assert sorted(stream.reads[:4]) == [(0, 28), (28, 56), (56, 84), (84, 103)]
    assert stream.reads[3] == (84, 103)
    assert history["loss"][1] < history["loss"][0]


def test_a_stream_that_fits_one_chunk_equals_data_in_memory():
    nets = []
    for stream in (True, False):
        net, x, y = made(n=40)
        given = (Rows(x, y.astype(np.int32), (0, 1, 2)),) if stream else (x, y)
        net.fit(*given, epochs=1, shuffle=False, dtype="float64")
        nets.append(net)
    assert_same(nets[0].parameters, nets[1].parameters, rtol=0)
    assert nets[0].classes == nets[1].classes == (0, 1, 2)


def test_progress_lines_where_there_is_no_terminal(capsys):
    net, x, y = made()
    net.fit(x, y, epochs=3, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("epoch 1/3: loss ") and lines[-1].startswith("epoch 3/3: loss ")
    net.fit(x, y, epochs=3)
    assert capsys.readouterr().err == ""


def test_small_work_runs_without_jax():
    import subprocess

    code = (
        "import sys, numpy as np, pellucid as pc\n"
        "net = pc.mlp([2, 3, 1]); net.fit(np.eye(2), [[0.0], [1.0]], epochs=5, optimiser='adam')\n"
        "print(net.history.backend, 'jax' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["numpy", "False"]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_recorded_loss_does_not_depend_on_where_the_runs_of_batches_end(monkeypatch, backend, dtype):
    """How long a run is follows the clock; the history of one seed must not."""
    from pellucid.training import loop

    x, y = np.random.default_rng(0).normal(size=(700, 3)), np.random.default_rng(1).normal(size=(700, 2)) * 100
    losses = []
    for seconds, least in ((0.0, 1), (0.0, 3), (100.0, 10**6)):
        monkeypatch.setattr(loop, "RUN_SECONDS", seconds)
        monkeypatch.setattr(loop, "RUN_LEAST", least)
        net = pc.mlp([3, 4, 2], "tanh", output="linear")
        losses.append(net.fit(x, y, epochs=3, batch_size=2, learning_rate=1e-4, backend=backend, dtype=dtype)["loss"])
    assert losses[0] == losses[1] == losses[2]
