"""A folder of its own for each test, and small models that are trained once."""

import numpy as np
import pytest

from .running import done

IRIS = ("train", "iris", "--epochs", 40, "--patience", 0, "--seed", 1, "--quiet")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The test's own folder, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def iris(tmp_path_factory):
    """A model of three classes."""
    path = tmp_path_factory.mktemp("iris") / "iris.safetensors"
    done(*IRIS, "--out", path)
    return path


def houses(n=60, seed=0) -> str:
    """A table with two numbers, one category, and a price."""
    generator = np.random.default_rng(seed)
    rows = ["area,rooms,town,price"]
    for _ in range(n):
        area, rooms, town = generator.uniform(30, 200), generator.integers(1, 7), generator.integers(3)
        price = 1000 * area + 20_000 * rooms + 50_000 * town
        rows.append(f"{area:.1f},{rooms},{('Ulm', 'Bonn', 'Köln')[town]},{price:.0f}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="session")
def prices(tmp_path_factory):
    """A table of houses and a model of their price."""
    folder = tmp_path_factory.mktemp("houses")
    (folder / "houses.csv").write_text(houses(), encoding="utf-8")
    done("train", folder / "houses.csv", "--target", "price", "--epochs", 60, "-q", "-o", folder / "m.safetensors")
    return folder / "houses.csv", folder / "m.safetensors"
