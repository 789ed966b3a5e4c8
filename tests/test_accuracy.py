"""Held-out figures on real data, the mean of three seeds: what the defaults of the command line reach."""

import json

import numpy as np
import pytest

from pellucid.data import split
from tests.cli.running import done

SEEDS = (0, 1, 2)


def held_out(name, tmp_path, metric):
    figures = []
    for seed in SEEDS:
        result = done("train", name, "--seed", seed, "--json", "--out", tmp_path / "m.safetensors")
        figures.append(json.loads(result.stdout)["figures"]["test"][metric])
    return float(np.mean(figures))


@pytest.mark.parametrize("name, least", [("digits", 0.97), ("breast_cancer", 0.96), ("iris", 0.93)])
def test_classes(name, least, tmp_path):
    assert held_out(name, tmp_path, "accuracy") >= least


def test_diabetes_is_no_worse_than_ridge_regression(tmp_path):
    from sklearn.linear_model import RidgeCV

    ridge = []
    for seed in SEEDS:
        train, validation, test = split("diabetes", validation=0.1, test=0.2, seed=seed)
        x, y = np.concatenate([train.x, validation.x]), np.concatenate([train.y, validation.y])
        ridge.append(RidgeCV(np.logspace(-3, 3, 13)).fit(x, y[:, 0]).score(test.x, test.y[:, 0]))
    assert held_out("diabetes", tmp_path, "r2") >= np.mean(ridge) - 0.02
