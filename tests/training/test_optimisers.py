"""Each optimiser against Optax, an independent implementation of the same papers."""

import numpy as np
import optax
import pytest

from pellucid import SGD, Adam, InputError, Optax
from pellucid.optimisers import optimiser

PAIRS = [
    (SGD(0.3), optax.sgd(0.3)),
    (SGD(0.3, momentum=0.8), optax.sgd(0.3, momentum=0.8)),
    (SGD(0.3, momentum=0.8, nesterov=True), optax.sgd(0.3, momentum=0.8, nesterov=True)),
    (Adam(0.05), optax.adam(0.05)),
    (Adam(0.05, beta_1=0.7, beta_2=0.9, epsilon=1e-3), optax.adam(0.05, b1=0.7, b2=0.9, eps=1e-3)),
    (Optax(0.05, "rmsprop"), optax.rmsprop(0.05)),
    (Optax(0.05, "adamw", (("weight_decay", 0.1),)), optax.adamw(0.05, weight_decay=0.1)),
    (Optax(factory=optax.chain(optax.clip(0.1), optax.sgd(0.2))), optax.chain(optax.clip(0.1), optax.sgd(0.2))),
]


@pytest.mark.parametrize("ours, theirs", PAIRS, ids=lambda o: type(o).__name__)
def test_ten_updates_equal_optax(ours, theirs, generator):
    import jax

    with jax.enable_x64(True):
        w = ({"w": generator.normal(size=(3, 2)), "b": generator.normal(size=3)},)
        state, v, reference = ours.start(w), w, theirs.init(w)
        for _ in range(10):
            gradient = ({"w": generator.normal(size=(3, 2)), "b": generator.normal(size=3)},)
            w, state = ours.update(w, gradient, state, ours.learning_rate)
            steps, reference = theirs.update(gradient, reference, v)
            v = optax.apply_updates(v, steps)
            for name in ("w", "b"):
                np.testing.assert_allclose(w[0][name], v[0][name], rtol=1e-12)


@pytest.mark.parametrize("ours", [ours for ours, _ in PAIRS], ids=lambda o: type(o).__name__)
def test_a_state_survives_being_taken_apart(ours, generator):
    w = ({"w": generator.normal(size=(3, 2)).astype(np.float32)},)
    _, state = ours.update(w, w, ours.start(w), 0.1)
    leaves = ours.leaves(state)
    again = ours.leaves(ours.rebuild(ours.start(w), leaves))
    assert len(leaves) == len(again)
    for one, other in zip(leaves, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_old_weights_stay_as_they_are(generator):
    w = ({"w": generator.normal(size=(3, 2))},)
    before = w[0]["w"].copy()
    for ours in (SGD(1.0), SGD(1.0, 0.5), Adam(1.0)):
        ours.update(w, w, ours.start(w), 1.0)
    np.testing.assert_array_equal(w[0]["w"], before)


def test_names_and_objects():
    assert optimiser("sgd") == SGD() and optimiser("nesterov", 0.2).learning_rate == 0.2
    assert optimiser("adamw", 0.5).factory == "adamw"
    assert isinstance(optimiser(optax.adam(0.1)), Optax)
    assert optimiser("adam", beta_1=0.5).beta_1 == 0.5


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("sdg",), "optimiser: expected one of adam, momentum, nesterov, sgd or a factory of Optax such as adamw, got 'sdg'."),
        (("softmax",), "optimiser: expected one of"),
        (("adam", -1.0), "adam: learning_rate: expected a finite number ≥ 0, got -1.0."),
        (("sgd", float("nan")), "sgd: learning_rate: expected a finite number ≥ 0, got nan."),
        ((3,), "optimiser: expected a name, an Optimiser or an Optax transformation, got 3."),
        ((SGD(0.1), 0.2), "learning_rate: expected it inside the optimiser object, got 0.2."),
    ],
)  # fmt: skip
def test_what_is_refused(arguments, sentence):
    with pytest.raises(InputError) as error:
        optimiser(*arguments)
    assert str(error.value).startswith(sentence)


def test_momentum_out_of_range():
    with pytest.raises(InputError, match=r"sgd: momentum: expected a number in \[0, 1\), got 1"):
        SGD(0.1, momentum=1.0)
    with pytest.raises(InputError, match="nesterov: expected a momentum > 0"):
        SGD(0.1, nesterov=True)
