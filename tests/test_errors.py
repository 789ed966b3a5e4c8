"""The wording of errors, and their tree."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import errors
from pellucid.errors import (
    AddressError,
    DataError,
    InputError,
    MissingDependencyError,
    ModelFileError,
    NonFiniteError,
    PellucidError,
    ShapeError,
    TrainingError,
    number,
    one_of,
    readable,
    shown,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PellucidError)]


def test_wording():
    given = ("x", "expected 784 columns", (32, 780), "Cut or pad the rows.")
    assert str(PellucidError(*given)) == "x: expected 784 columns, got (32, 780). Cut or pad the rows."
    assert str(PellucidError(*given[:3])) == "x: expected 784 columns, got (32, 780)."
    assert str(PellucidError("x", "the file is empty")) == "x: the file is empty."
    assert str(PellucidError("x", "expected 1", 0)) == "x: expected 1, got 0."  # 0 is a value that came


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_prints_one_sentence_and_survives_pickling(kind):
    error = kind("w[2]", "expected (10, 784)", (784, 10), "Transpose it.")
    assert str(error) == "w[2]: expected (10, 784), got (784, 10). Transpose it."
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.where, again.expected, again.got, again.do) == (
        "w[2]",
        "expected (10, 784)",
        (784, 10),
        "Transpose it.",
    )


def test_tree():
    for kind, above in [
        (InputError, ValueError), (ShapeError, InputError), (DataError, InputError), (AddressError, InputError),
        (AddressError, KeyError), (NonFiniteError, TrainingError), (MissingDependencyError, ImportError),
        (ModelFileError, PellucidError),
    ]:  # fmt: skip
        assert issubclass(kind, above)
    assert not issubclass(ModelFileError, InputError)
    for kind in KINDS:
        assert kind.__name__ in errors.__doc__


def test_shown():
    assert shown(np.zeros((2, 3), np.float32)) == "an array (2, 3) of float32"
    assert shown("relu6") == "'relu6'"
    long = shown("x" * 500)
    assert len(long) == 60
    assert long.endswith("…")


def test_number():
    for value in (0.5, 3, Fraction(1, 2)):
        assert number("x", value) is value
    assert type(number("x", np.float32(0.5))) is type(number("x", np.array(0.5))) is float
    for value in (float("nan"), float("inf"), "1", None, True, 1j, [1], np.ones(2)):
        with pytest.raises(InputError, match="x: expected a finite number, got "):
            number("x", value)
    with pytest.raises(InputError, match=r"x: expected more, got 1\. Add some\."):
        number("x", 1, "more", 2, "Add some.")


def test_one_of():
    assert one_of({"b": 1, "a": 2}) == "one of a, b"


@given(st.text(st.characters()), st.integers(3, 80))
def test_any_text_becomes_one_readable_line(text, most):
    line = readable(text, most)
    assert line.isprintable()
    assert len(line) <= most
    line.encode()  # no lone surrogate
    if text.isprintable() and len(text) <= most:
        assert line == text
