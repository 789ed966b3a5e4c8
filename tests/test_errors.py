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
    assert long.count("…") == 1


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


@given(st.text(st.characters()), st.integers(8, 80))
def test_any_text_becomes_one_readable_line(text, most):
    line = readable(text, most)
    assert line.isprintable()
    assert len(line) <= most
    line.encode()  # no lone surrogate
    if text.isprintable() and len(text) <= most:
        assert line == text


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("a\x1b[31mb\x07", "a\\x1b[31mb\\x07"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\ud800\udcff", "\\ud800\\udcff"),  # half a pair, and a byte of a file name that is not UTF-8
        ("user\u202egnp.exe\u200b", "user\\u202egnp.exe\\u200b"),  # the direction reversed, no width
        ("名前 é 🙂", "名前 é 🙂"),
        ("x" * 70_000, "x" * 100 + "…" + "x" * 99),
        (10**30, str(10**30)),
    ],
)
def test_anything_becomes_one_line_that_can_be_printed(text, shown_as):
    assert readable(text) == shown_as
    assert readable(readable(text)) == shown_as
    shown_as.encode()


def test_every_part_of_a_message_is_readable_and_short():
    error = PellucidError("a\x1bb", "expected 'c\n" + "x" * 99_999 + "' here", "\ud800" * 99_999, "do\x00")
    text = str(pickle.loads(pickle.dumps(error)))
    assert text == str(error)
    assert text.isprintable() and len(text) < 1000
    assert (
        text.startswith("a\\x1bb: expected 'c\\nxxx") and "xxx' here, got \\ud800" in text and text.endswith(" do\\x00")
    )


class Unprintable:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float16, "<class 'numpy.float16'>"),
        (10**9999, "a value of type int"),
        (Unprintable(), "a value of type Unprintable"),
        ("\x1b" * 99, "'" + ("\\x1b" * 8)[:29] + "…" + ("\\x1b" * 8)[-28:] + "'"),
    ],
    ids=["a class", "an integer too long to print", "a failing repr", "escapes"],
)
def test_whatever_came_is_shown(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", [10**400, -(10**400), 10**9999], ids=["large", "small", "larger"])
def test_integers_beyond_the_floats_are_refused(value):
    with pytest.raises(InputError, match="expected a finite number"):
        number("c", value)
