"""The examples in the docstrings run, in every module of the package."""

import doctest
import importlib
import pkgutil

import pytest

import pellucid

MODULES = [
    "pellucid",
    *(found.name for found in pkgutil.walk_packages(pellucid.__path__, "pellucid.", lambda name: None)),
]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_modules_are_found():
    assert {"pellucid.backward", "pellucid.layers.dense"} <= set(MODULES)
