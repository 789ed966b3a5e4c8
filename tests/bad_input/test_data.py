"""Every entry point of the data: what can't be used is refused with file, row and column, or with name and value."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pellucid.data import Preparation, load_data, open_stream, split
from pellucid.errors import shown
from tests.bad_input.files import FILES
from tests.bad_input.judging import contents, permissions, refuse

X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.arange(12) % 2


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(name, content) -> str:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


@pytest.mark.parametrize(("name", "content", "fragments"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("verb", [load_data, split])
def test_files(folder, verb, name, content, fragments):
    written(name, content)
    before = contents(folder)
    refuse(lambda: verb(name), fragments)
    assert contents(folder) == before


STREAMED = [what for what, (name, _, _) in FILES.items() if not name.endswith((".csv", ".gz"))]


@pytest.mark.parametrize("what", STREAMED)
def test_files_that_are_read_by_rows(what):
    name, content, _ = FILES[what]
    written(name, content)

    def all_of_it():
        stream = open_stream(name)
        stream.read(0, stream.n)

    if what == "NPZ that is damaged":  # no checksum is looked at where a file is mapped: the numbers are what they are
        return
    refuse(all_of_it, [])


PATHS = {
    "absent": ("absent.csv", ["no such file"]),
    "nearly a name": ("iri", ["Did you mean 'iris'?"]),
    "a part that is not there": ("mnist:bad", ["mnist:test"]),
    "a part of a set without parts": ("digits:x", ["digits"]),
    "a folder": (".", ["train-images"]),
    "empty": ("", []),
    "a zero byte": ("a\0b.csv", []),
    "a device": ("/dev/null", ["a pipe or a device"]),
    "a name too long": ("n" * 300, ["no such file"]),
    "somebody else's home": ("~nobody-at-all/a.csv", ["no such file"]),
}


@pytest.mark.parametrize(("path", "fragments"), PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("verb", [load_data, split, open_stream])
def test_paths(verb, path, fragments):
    refuse(lambda: verb(path), fragments if verb is not open_stream else [])


@pytest.mark.parametrize("verb", [load_data, split, open_stream])
def test_a_pipe_is_not_waited_for(verb):
    os.mkfifo("pipe")
    refuse(lambda: verb("pipe"), ["pipe"])


@permissions
@pytest.mark.parametrize("verb", [load_data, split, open_stream])
def test_a_file_that_may_not_be_read(verb):
    Path(written("a.csv", "a,y\n1,2\n")).chmod(0)
    refuse(lambda: verb("a.csv"), ["ermission denied"])


SOURCES = {
    "None": (None, []),
    "a number": (5, []),
    "a set": ({1}, []),
    "a generator": ((i for i in "ab"), []),
    "bytes": (b"x", []),
    "rows of different lengths": ([[1, 2], [3]], ["row 2"]),
    "objects": (np.array([[None]]), []),
    "text": (np.array([["a"]]), ["numbers"]),
    "complex": (X + 1j, ["real numbers"]),
    "dates": (np.array([["2020"]], dtype="M8[Y]"), ["dates"]),
    "no samples": (X[:0], ["(0, 3)"]),
    "one sample without its axis": (X[0], ["(n, n_0)"]),
    "three arrays": ((X, Y, Y), ["pair"]),
    "different lengths": ((X, Y[:3]), ["12 targets", "(3,)"]),
    "no inputs": ((None, Y), []),
    "a mapping of different lengths": ({"x": X, "y": Y[:2]}, ["12 targets"]),
    "an empty mapping": ({}, []),
    "NaN": ((np.where(X.max() - 1e-9 < X, np.nan, X), Y), ["column", "missing"]),
    "infinity": ((np.where(X.max() - 1e-9 < X, np.inf, X), Y), ["column", "inf"]),
    "NaN among targets": ((X, np.where(Y, np.nan, 1)), ["row 2", "nan"]),
    "one class only": ((X, Y * 0), ["two classes"]),
    "one sample": ((X[:1], Y[:1]), ["two classes"]),
    "targets that are None": ((X, np.array([None] * 12)), ["row 1", "missing"]),
    "targets of text and numbers": ((X, np.array(["a", 1] * 6, dtype=object)), ["row 2"]),
    "numbers whose squares overflow": ((np.arange(1, 13)[:, None] * np.full((12, 2), 1e200), Y), ["squared"]),
    "a frame of lists": (pl.DataFrame({"a": [[1], [2]] * 6, "y": [0, 1] * 6}), ["column 'a'"]),
    "a frame without rows": (pl.DataFrame({"a": [], "y": []}), ["rows"]),
    "a masked value": (np.ma.masked_greater(X, 1), ["row 3", "missing"]),
}


@pytest.mark.parametrize(("source", "fragments"), SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("verb", [load_data, split])
def test_sources(verb, source, fragments):
    refuse(lambda: verb(source), fragments)


TABLE = "size,town,price\n" + "".join(f"{i},{'AB'[i % 2]},{i * 1.5}\n" for i in range(20))
OPTIONS = {
    "target": ["prize", 5, ["price", "zz"], object(), ""],
    "features": ["sise", 5],
    "drop": ["zz", 5, ["size", "town"]],
    "categories": ["zz", 5],
    "impute": ["x", 5, True],
    "scale": ["x", -1, 0, np.nan, True, None],
    "task": ["x", 5],
    "preparation": [5, "x"],
}
CASES = [(name, value) for name, values in OPTIONS.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=[f"{name}={shown(value, 30)}" for name, value in CASES])
def test_options_of_reading(name, value):
    written("t.csv", TABLE)
    refuse(lambda: load_data("t.csv", **{name: value}), [])
    refuse(lambda: split("t.csv", **{name: value}), [])


def test_the_nearest_column_is_named():
    written("t.csv", TABLE)
    refuse(lambda: load_data("t.csv", target="prize"), ["'prize'", "Did you mean 'price'"])


PARTS = {
    "validation": [-1, 1.0, 1.5, "a", True, np.nan, 1000],
    "test": [-1, "a", None, 0.95],
    "seed": [-1, 1.5, "a", None],
}
PART_CASES = [(name, value) for name, values in PARTS.items() for value in values]


@pytest.mark.parametrize(
    ("name", "value"), PART_CASES, ids=[f"{name}={shown(value, 30)}" for name, value in PART_CASES]
)
def test_parts(name, value):
    refuse(lambda: split((X, Y), **{name: value}), [])


@pytest.fixture(scope="module")
def preparation():
    return load_data("iris").preparation


APPLIED = {
    "None": None,
    "a number": 5,
    "other columns": X,
    "absent": "absent.csv",
    "another frame": pl.DataFrame({"a": [1]}),
    "NaN": np.full((2, 4), np.nan),
    "no samples": np.zeros((0, 4)),
}


@pytest.mark.parametrize("source", APPLIED.values(), ids=APPLIED)
def test_a_preparation_applied(preparation, source):
    refuse(lambda: preparation.apply(source), [])


STORED = {
    "None": None,
    "a list": [],
    "nothing": {},
    "no columns": {"format": 1, "columns": []},
    "a newer format": {"format": 9, "columns": [{"name": "a"}]},
    "a scale of 0": {"format": 1, "columns": [{"name": "a", "scale": 0}]},
    "text": "x",
}


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_a_preparation_from_json(stored):
    refuse(lambda: Preparation.from_dict(stored), [])


@pytest.mark.parametrize("outputs", [np.ones((2, 7)), "a", None, [[]]], ids=["width", "text", "None", "empty"])
def test_outputs_decoded(preparation, outputs):
    refuse(lambda: preparation.decode(outputs), [])


@pytest.mark.parametrize(("start", "stop"), [(3, 1), (0, 99), (-1, 2), (2, 2)])
def test_rows_of_a_stream(start, stop):
    np.save("x.npy", np.ones((5, 2)))
    refuse(lambda: open_stream("x.npy").read(start, stop), ["between 0 and 5"])
