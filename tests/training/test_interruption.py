"""What ends a training early: Ctrl-C, numbers that are not finite; and going on from a checkpoint."""

import os
import signal
import threading
import time

import numpy as np
import optax
import pytest

import pellucid as pc
from pellucid.store import read_arrays, write_arrays

BACKENDS = ["numpy", "jax"]


def made(n=40, **options):
    generator = np.random.default_rng(0)
    net = pc.mlp([4, 6, 3], "relu", output="softmax", loss="cross_entropy", seed=3, **options)
    return net, generator.normal(size=(n, 4)), generator.integers(0, 3, n)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_keeps_weights_and_history(backend):
    net, x, y = made(n=4000)
    first = net.w[1].copy()

    def press(epoch, knobs):
        if epoch.epoch == 3:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    history = net.fit(x, y, epochs=100, batch_size=10, on_epoch=press, backend=backend)
    assert history.interrupted and len(history) == 3
    assert history.stopped.startswith("interrupted in epoch 4 before batch 0 of 400")
    assert np.isfinite(net.w[1]).all() and not np.array_equal(net.w[1], first)
    assert signal.getsignal(signal.SIGINT) is before
    same, *_ = made()
    same.fit(x, y, epochs=3, batch_size=10, backend=backend)
    np.testing.assert_array_equal(net.w[1], same.w[1])


def test_ctrl_c_in_the_middle_of_a_long_epoch():
    net, x, y = made(n=20000)
    timer = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    began = time.perf_counter()
    history = net.fit(x, y, epochs=1000, batch_size=1, backend="numpy")
    assert history.interrupted and time.perf_counter() - began < 10
    assert len(history) == 0 and "in epoch 1 before batch" in history.stopped
    assert np.isfinite(net.w[1]).all()


def test_a_training_in_another_thread_leaves_signals_alone():
    net, x, y = made()
    thread = threading.Thread(target=lambda: net.fit(x, y, epochs=2))
    thread.start()
    thread.join()
    assert len(net.history) == 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [10, 40])
def test_the_first_number_that_is_not_finite_is_named(backend, batch):
    net, x, y = made()
    net = pc.mlp([4, 6, 3], "leaky_relu", output="linear", seed=3)
    good = net.fit(x, y, epochs=2, batch_size=batch, learning_rate=0.01, shuffle=False, backend=backend)
    assert len(good) == 2
    kept = [w.copy() for w in net.w]
    with pytest.raises(pc.NonFiniteError) as error:
        net.fit(x, y, epochs=50, batch_size=batch, learning_rate=1e12, shuffle=False, backend=backend)
    # Reference: the same steps one by one, up to the last whose weights are finite.
    from pellucid.training.engines import NumPyEngine
    from pellucid.training.steps import Rule

    engine = NumPyEngine(Rule(net.architecture.program, net.loss, pc.SGD(1e12)), "float32", batch, 40)
    biases = good_biases(net, x, y, batch, backend)
    parameters = ({}, *({"w": w.copy(), "b": b} for w, b in zip(kept, biases, strict=True)))
    t, xs, ys = 0, engine.place(x), y.astype(np.int32)
    while True:
        epoch, b = divmod(t, 40 // batch)
        with engine.context():
            new, _, total, _ = engine.run(
                parameters, {}, (xs, ys, None), np.arange(40), b, b, batch, {"rate": np.float32(1e12)}, t
            )
        if not np.isfinite(total[0]) or not all(np.isfinite(w).all() for layer in new for w in layer.values()):
            break
        parameters, t = new, t + 1
    assert error.value.where == f"epoch {epoch + 1}, batch {b}"
    assert "[" in error.value.expected or "loss" in error.value.expected
    assert "The last finite weights are kept." in str(error.value)
    for l in (1, 2):
        np.testing.assert_allclose(net.w[l], parameters[l]["w"], rtol=1e-3)
    assert len(net.history) == epoch


def good_biases(net, x, y, batch, backend):
    fresh = pc.mlp([4, 6, 3], "leaky_relu", output="linear", seed=3)
    fresh.fit(x, y, epochs=2, batch_size=batch, learning_rate=0.01, shuffle=False, backend=backend)
    return [b.copy() for b in fresh.b]


def test_where_the_number_broke_is_the_first_layer():
    from pellucid.training.loop import first_non_finite

    net = pc.mlp([2, 2, 1], "linear", seed=0)
    net.w[1] = [[1e200, 0], [0, 1]]
    net.w[2] = [[1e200, 1]]
    x, y = np.array([[1.0, 1.0]]), np.array([[0.0]])
    assert first_non_finite(net.architecture, net.parameters, x, y).startswith("z[2] of layer 2 (dense, linear) is inf")
    net.w[2] = [[1e-10, 1]]
    assert first_non_finite(net.architecture, net.parameters, x, y).startswith("the loss squared_error behind layer 2")
    net.w[2] = [[1e-60, 1]]
    x = np.array([[1e160, 1.0]])
    assert "is inf" in first_non_finite(net.architecture, net.parameters, x, y)


OPTIMISERS = {
    "sgd": lambda: pc.SGD(0.1),
    "momentum": lambda: pc.SGD(0.1, 0.9, nesterov=True),
    "adam": lambda: pc.Adam(0.01),
    "adamw": lambda: pc.Optax(0.01, "adamw"),
    "object": lambda: optax.chain(optax.clip(1.0), optax.adam(0.01)),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_resumed_training_ends_bitwise_as_an_uninterrupted_one(backend, name, tmp_path):
    if backend == "numpy" and name in ("adamw", "object"):
        return  # Optax runs on JAX only, which is another test's business
    path = tmp_path / "run.safetensors"
    options = {
        "batch_size": 7, "optimiser": OPTIMISERS[name](), "backend": backend, "validation": 0.2, "patience": 100,
        "restore_best": True, "seed": 4,
    }  # fmt: skip
    whole, x, y = made(l2=0.001)
    whole.fit(x, y, epochs=9, **options)
    part, *_ = made(l2=0.001)
    part.fit(x, y, epochs=4, checkpoint=path, checkpoint_every=2, **options)
    rest, *_ = made(l2=0.001)
    rest.w[1] = rest.w[1] * 0  # what counts is the checkpoint
    history = rest.fit(x, y, epochs=9, checkpoint=path, resume=True, **options)
    assert len(history) == 9 and history["loss"] == whole.history["loss"]
    for l in (1, 2):
        assert rest.w[l].tobytes() == whole.w[l].tobytes()
        assert rest.b[l].tobytes() == whole.b[l].tobytes()


def test_a_checkpoint_after_ctrl_c_is_that_of_the_last_whole_epoch(tmp_path):
    path = tmp_path / "run.safetensors"

    def press(epoch, knobs):
        if epoch.epoch == 3:
            os.kill(os.getpid(), signal.SIGINT)

    net, x, y = made(n=400)
    net.fit(x, y, epochs=9, batch_size=1, checkpoint=path, on_epoch=press)
    assert len(read_arrays(path)[1]["history"]["epochs"]) == 3
    net.fit(x, y, epochs=9, batch_size=1, checkpoint=path, resume=True)
    whole, *_ = made()
    whole.fit(x, y, epochs=9, batch_size=1)
    assert net.w[1].tobytes() == whole.w[1].tobytes()


def test_the_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    net, x, y = made()
    net.fit(x, y, epochs=2, checkpoint=path)
    with pytest.raises(pc.ModelFileError, match=r"this training, but batch_size is 32 there and 5 here\. Resume"):
        net.fit(x, y, epochs=4, batch_size=5, checkpoint=path, resume=True)
    net.save(tmp_path / "model.safetensors")
    with pytest.raises(pc.ModelFileError, match="expected a checkpoint of a training"):
        net.fit(x, y, epochs=4, checkpoint=tmp_path / "model.safetensors", resume=True)
    with pytest.raises(pc.InputError, match="resume: expected a checkpoint to resume from"):
        net.fit(x, y, resume=True)


def test_another_architecture_is_told_by_what_differs(tmp_path):
    path = tmp_path / "run.safetensors"
    net, x, y = made()
    net.fit(x, y, epochs=1, checkpoint=path)
    other = pc.mlp([4, 9, 3], "tanh", output="softmax", loss="cross_entropy", seed=3)
    with pytest.raises(pc.ModelFileError, match=r"layers 1, activation, name is 'relu' there and 'tanh' here; "):
        other.fit(x, y, epochs=2, checkpoint=path, resume=True)
    deep = pc.mlp([4, 6, 6, 3], "relu", output="softmax", loss="cross_entropy", seed=3)
    with pytest.raises(pc.ModelFileError, match="it has 3 layers there and 4 here"):
        deep.fit(x, y, epochs=2, checkpoint=path, resume=True)


OTHER_DATA = {
    "inputs": lambda x, y, o: (x + (np.arange(x.size) == 7).reshape(x.shape) * 1e-3, y, o),
    "targets": lambda x, y, o: (x, [*y[1:], y[0]], o),
    "sample weights": lambda x, y, o: (x, y, {**o, "sample_weight": np.linspace(1, 2, len(x))}),
    "validation inputs": lambda x, y, o: (x, y, {**o, "validation": (x[:5] + 1, y[:5])}),
    "validation targets": lambda x, y, o: (x, y, {**o, "validation": (x[:5], y[1:6])}),
}


@pytest.mark.parametrize("what", OTHER_DATA)
def test_a_training_on_other_data_is_not_resumed(tmp_path, what):
    path = tmp_path / "run.safetensors"
    net, x, y = made()
    options = {"validation": (x[:5], y[:5]), "checkpoint": path}
    net.fit(x, y, epochs=1, **options)
    x_2, y_2, others = OTHER_DATA[what](x, y, options)
    with pytest.raises(pc.ModelFileError, match=f"but it was trained on other {what}. Resume with"):
        net.fit(x_2, y_2, epochs=2, resume=True, **others)
    net.fit(x.tolist(), y.tolist(), epochs=2, resume=True, **options)  # the same numbers in another form


def test_class_weights_are_part_of_the_data(tmp_path):
    path = tmp_path / "run.safetensors"
    net, x, y = made()
    net.fit(x, y, epochs=1, checkpoint=path, class_weight="balanced")
    with pytest.raises(pc.ModelFileError, match="other sample weights"):
        net.fit(x, y, epochs=2, checkpoint=path, resume=True)


def test_a_checkpoint_that_is_not_there_is_an_error(tmp_path):
    net, x, y = made()
    with pytest.raises(
        pc.InputError, match=r"resume: expected the checkpoint .*typo, got no such file. Look at its name"
    ):
        net.fit(x, y, checkpoint=tmp_path / "typo", resume=True)


def test_a_history_says_where_it_went_on(tmp_path):
    net, x, y = made()
    assert net.fit(x, y, epochs=2, checkpoint=tmp_path / "run").resumed is None
    history = net.fit(x, y, epochs=5, checkpoint=tmp_path / "run", resume=True)
    assert history.resumed == 2 and "gone on after epoch 2" in str(history)


def test_patience_is_that_of_the_training_that_goes_on(tmp_path):
    net, x, y = made()
    net.fit(x, y, epochs=3, checkpoint=tmp_path / "run", patience=100, learning_rate=0.0)
    history = net.fit(x, y, epochs=50, checkpoint=tmp_path / "run", patience=5, resume=True, learning_rate=0.0)
    assert len(history) == 6


def test_a_checkpoint_that_cannot_be_written_is_a_warning_and_the_training_goes_on(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    net, x, y = made()

    def pull_away(epoch, knobs):
        if epoch.epoch == 2:
            (folder / "run").unlink()
            folder.rmdir()

    with pytest.warns(RuntimeWarning, match="The training goes on without this checkpoint") as said:
        history = net.fit(x, y, epochs=6, checkpoint=folder / "run", on_epoch=pull_away)
    assert len(history) == 6 and len(said) == 1
    net.save(tmp_path / "model")


CHANGES = {
    "no weights": lambda a, m: a.pop("layer.1.w"),
    "another shape": lambda a, m: a.update({"layer.1.w": a["layer.1.w"].T.copy()}),
    "a state of another shape": lambda a, m: a.update({"state.0": a["state.0"][:-1]}),
    "a state renamed": lambda a, m: a.update({"state.9": a.pop("state.0")}),
    "half of the best weights": lambda a, m: a.pop("best.1.b"),
    "not finite": lambda a, m: a.update({"best.1.b": a["best.1.b"] * np.nan}),
    "updates beyond int32": lambda a, m: m.update(t=2**40),
    "updates that are text": lambda a, m: m.update(t="4"),
    "rate below zero": lambda a, m: m.update(rate=-1.0),
    "rate beyond floats": lambda a, m: m.update(rate=10**400),
    "no history": lambda a, m: m.pop("history"),
    "a history of text": lambda a, m: m["history"]["epochs"][0].update(loss="low"),
    "epochs out of order": lambda a, m: m["history"]["epochs"].reverse(),
    "best that is a list": lambda a, m: m["stopping"].update(best=[1]),
    "waited below zero": lambda a, m: m["stopping"].update(waited=-3),
    "no stopping": lambda a, m: m.pop("stopping"),
    "no training": lambda a, m: m.pop("training"),
    "training that is a list": lambda a, m: m.update(training=[]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_checkpoint_that_cannot_be_right_is_refused_in_words(tmp_path, change):
    path, options = tmp_path / "run", {"validation": 0.2, "restore_best": True, "optimiser": "adam", "backend": "numpy"}
    net, x, y = made()
    net.fit(x, y, epochs=2, checkpoint=path, **options)
    arrays, metadata = read_arrays(path)
    CHANGES[change](arrays, metadata)
    write_arrays(path, arrays, metadata)
    before = net.w[1].copy()
    with pytest.raises(pc.ModelFileError, match="expected"):
        net.fit(x, y, epochs=4, checkpoint=path, resume=True, **options)
    np.testing.assert_array_equal(net.w[1], before)
