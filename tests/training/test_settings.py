"""The record of settings: the same as `fit`'s signature, and what it refuses, each by its name."""

import inspect
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

import pellucid as pc
from pellucid.cli.train import train
from pellucid.training import Settings

DATA = {"self", "x", "y", "validation", "sample_weight", "class_weight", "unknown"}  # what is no setting


def test_fit_has_just_these_settings_with_these_types_and_defaults():
    given = {name: (p.annotation, p.default) for name, p in inspect.signature(pc.Network.fit).parameters.items()}
    assert {name: given[name] for name in given if name not in DATA} == {
        f.name: (f.type, f.default) for f in fields(Settings)
    }


def test_fit_hands_every_setting_on(monkeypatch):
    net, seen = pc.mlp([1, 1], "linear"), []
    monkeypatch.setattr("pellucid.network.verbs.Settings", lambda **given: seen.append(given) or Settings())
    marks = {f.name: object() for f in fields(Settings)}
    net.fit([[1.0], [2.0]], [[1.0], [2.0]], **marks)
    assert seen == [marks]


def test_help_has_the_sentence_of_every_setting():
    told = " ".join(pc.Network.fit.__doc__.split())
    for each in fields(Settings):
        assert f"{each.name}: {each.metadata['sentence']}" in told


@pytest.mark.parametrize("name", ["dtype", "backend", "schedule", "clip", "batch_size", "seed", "resume", "checkpoint"])
def test_the_command_line_has_the_same_defaults(name):
    assert inspect.signature(train).parameters[name].default == getattr(Settings, name)


REFUSED = [
    ("epochs", 0), ("epochs", True), ("epochs", 2**63), ("batch_size", 0), ("batch_size", 1.5), ("optimiser", 3),
    ("optimiser", "no"), ("learning_rate", "x"), ("schedule", "no"), ("clip", -1), ("clip", 10**400), ("metrics", 3),
    ("metrics", "no"), ("patience", 0), ("tolerance", -1), ("tolerance", None), ("restore_best", "yes"),
    ("shuffle", 2), ("seed", -1), ("seed", "a"), ("dtype", "int8"), ("dtype", None), ("backend", "gpu"),
    ("backend", None), ("progress", "yes"), ("checkpoint_every", 0), ("resume", True), ("resume", 1), ("on_epoch", 3),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_cannot_be_used_is_refused_by_name(name, value):
    with pytest.raises(pc.InputError) as error:
        Settings(**{name: value})
    assert error.value.where.startswith({"learning_rate": "optimiser"}.get(name, name)) or name in str(error.value)


def test_the_record_is_checked_frozen_and_can_be_changed_into_another():
    given = Settings(optimiser="adam", learning_rate=np.float32(0.5), dtype=np.float64, metrics="accuracy", seed=None)
    assert (given.optimiser.learning_rate, given.dtype, given.metrics) == (0.5, "float64", ("accuracy",))
    assert 0 <= given.drawn < 2**32
    other = replace(given, epochs=3)
    assert (other.epochs, other.optimiser, other.seed) == (3, given.optimiser, given.seed)
    with pytest.raises(FrozenInstanceError):
        other.epochs = 4
    assert (given.batch(20), given.updates(20), given.updates(65)) == (20, 100, 300)
