"""Mistakes that are not in the table are never given a name; what they look like is said."""

import numpy as np
import pytest

from pellucid.check import check_gradients

from .planting import random_problem


def copied(given):
    return [{name: v.copy() for name, v in layer.items()} for layer in given.gradients]


def squared(given, generator):
    out = copied(given)
    out[-1]["w"] **= 2
    return out


def cubed_everywhere(given, generator):
    return [{name: np.cbrt(v) for name, v in layer.items()} for layer in given.gradients]


def noise(given, generator):
    return [{n: v + generator.normal(size=v.shape) * (abs(v).max() + 0.1) for n, v in layer.items()}
            for layer in given.gradients]  # fmt: skip


def one_entry(given, generator):
    out = copied(given)
    out[0]["w"].flat[0] = 3 * out[0]["w"].flat[0] + 0.7
    return out


def shifted(given, generator):
    return [{name: v + 0.123 for name, v in layer.items()} for layer in given.gradients]


def permuted(given, generator):
    out = copied(given)
    w = out[0]["w"]
    out[0]["w"] = w.ravel()[generator.permutation(w.size)].reshape(w.shape)
    return out


def clipped(given, generator):
    limit = 0.5 * max(float(abs(layer["w"]).max()) for layer in given.gradients)
    return [{name: v.clip(-limit, limit) for name, v in layer.items()} for layer in given.gradients]


def normalised(given, generator):
    """Each array divided by its own norm: a factor, but another one everywhere."""
    return [{name: v / np.linalg.norm(v) ** 0.37 for name, v in layer.items()} for layer in given.gradients]


def mixed_rows(given, generator):
    out = copied(given)
    for layer in out:
        layer["w"] = layer["w"] * np.linspace(0.5, 1.7, layer["w"].shape[0])[:, None] + 0.01
    return out


def of_other_weights(given, generator):
    from dataclasses import replace

    moved = tuple({n: v + 0.1 * generator.normal(size=v.shape) for n, v in layer.items()} for layer in given.parameters)
    return list(replace(given, parameters=moved).gradients)


def dropout(given, generator):
    """δ of the hidden layer masked at random."""
    out = copied(given)
    mask = generator.random(given.widths[1]) < 0.5
    mask[0], mask[-1] = True, False
    out[0]["w"] *= mask[:, None] * 1.37
    return out


def wrong_targets(given, generator):
    from dataclasses import replace

    return list(replace(given, y=given.y + generator.normal(size=given.y.shape)).gradients)


MADE_UP = [squared, cubed_everywhere, noise, one_entry, shifted, permuted, clipped, normalised, mixed_rows,
           of_other_weights, dropout, wrong_targets]  # fmt: skip


@pytest.mark.parametrize("wrong", MADE_UP, ids=[f.__name__ for f in MADE_UP])
def test_no_name_for_what_is_not_known(wrong):
    looked = 0
    for seed in range(12):
        generator = np.random.default_rng([seed, 77])
        given = random_problem(generator)
        if min(given.widths) < 2 or not all(layer["w"].all() for layer in given.gradients):
            continue  # a single number, or zeros: there anything equals anything up to a factor
        if given.architecture.loss.name == "absolute_error":
            continue  # its derivative is ±1, which other targets may leave as it is
        report = check_gradients(given.architecture, given.parameters, given.x, given.y, wrong(given, generator))
        if report.ok:
            continue  # the made-up mistake does nothing here
        looked += 1
        assert report.mistakes == (), (seed, [m.to_dict() for m in report.mistakes])
        assert report.pattern is not None
        assert "No known mistake explains this" in str(report)
    assert looked >= 3
