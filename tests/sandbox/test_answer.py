"""Whatever bytes come out of a submission's process, reading them gives a message and nothing else happens."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import readable
from pellucid.sandbox.answer import read
from pellucid.sandbox.inside import runner

runner.NUMPY.append(np)


def message(value):
    """The bytes that the runner writes for a value."""
    parts: list[bytes] = []
    tree = runner.encode(value, parts)
    blob = b"".join(parts)
    return head() + json.dumps({"answer": tree, "bytes": len(blob)}).encode() + b"\n" + blob


def head(**ready):
    """The lines before an answer."""
    lines = [{"ready": ready}, {"phase": "import"}, {"phase": "call", "function": "f"}]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


TYPES = [np.float16, np.float32, np.float64, np.int8, np.int64, np.uint16, np.bool_]
arrays = st.builds(
    lambda dtype, shape, seed: np.random.default_rng(seed).integers(0, 2, shape).astype(dtype),
    st.sampled_from(TYPES), st.lists(st.integers(0, 3), max_size=3), st.integers(0, 9),
)  # fmt: skip
values = st.recursive(
    arrays | st.none() | st.booleans() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(-5, 5), inner, max_size=3)
    ),
    max_leaves=5,
)


def same(got, sent):
    """Equal, with numbers as floats and nested lists of numbers as arrays."""
    if isinstance(sent, np.ndarray):
        return got.dtype == sent.dtype and got.shape == sent.shape and (got == sent).all()
    if isinstance(got, np.ndarray):
        return np.array_equal(got, np.asarray(sent), equal_nan=True)
    if isinstance(sent, dict):
        sent = {readable(k) if isinstance(k, str) else k: v for k, v in sent.items()}  # as any writer takes it
        return [*got] == [*sent] and all(same(got[k], sent[k]) for k in sent)
    if isinstance(sent, list | tuple):
        return type(got) is type(sent) and len(got) == len(sent) and all(map(same, got, sent))
    return got is sent or got == sent or (got != got and sent != sent)


@given(values)
def test_what_is_sent_is_what_arrives(value):
    got = read(message(value))
    assert got.answered
    assert got.unreadable == ""
    assert same(got.value, value)


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (np.float32(3), 3.0),
        (np.arange(3, dtype=">f8"), [0, 1, 2]),
        (np.asfortranarray(np.arange(6.0).reshape(2, 3)), [[0, 1, 2], [3, 4, 5]]),
        (np.longdouble(1) / 4, 0.25),
        (np.array([1, 2])[::-1], [2, 1]),
    ],
)
def test_unusual_arrays(sent, arrives):
    got = read(message(sent)).value
    assert np.array_equal(got, arrives)
    assert got.dtype.isnative


def test_lists_of_arrays_stay_lists():
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros((2, 3)), np.zeros(4)]
    for value in (ragged, [np.zeros((2, 3)), np.zeros(4)]):
        got = read(message(value)).value
        assert isinstance(got, list)
        assert [v.shape for v in got] == [(2, 3), (4,)]
    assert read(message({"a": [[1, 2], [3]]})).value["a"][1] == [3.0]


class Torch:
    """Like a tensor of PyTorch."""

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return np.ones(2)


def test_tensors():
    assert read(message([Torch()])).value[0].tolist() == [1, 1]


@given(st.binary(max_size=300))
def test_any_bytes(data):
    read(data)
    read(head() + data)
    got = read(head(landlock=7) + b"{" + data)
    assert got.setup == {"ready": {"landlock": 7}}


parts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "phase",
                    "ready",
                    "failed",
                    "failure",
                    "answer",
                    "bytes",
                    "array",
                    "shape",
                    "list",
                    "tuple",
                    "dict",
                    "kind",
                    "frames",
                    "there",
                    "message",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=80)
@given(
    st.lists(st.dictionaries(st.sampled_from(["phase", "failure", "answer", "bytes"]), parts, max_size=3)), st.binary()
)
def test_any_json(lines, blob):
    got = read(head() + b"".join(json.dumps(line).encode() + b"\n" for line in lines) + blob)
    assert got.failure is None or set(got.failure) == {
        "kind",
        "type",
        "message",
        "function",
        "frames",
        "there",
        "bytes",
    }


@settings(max_examples=80)
@given(values, st.data())
def test_a_damaged_message(value, data):
    good = bytearray(message(value))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(len(head()), len(good) - 1))
        good[at] = data.draw(st.integers(0, 255))
    read(bytes(good))


HOSTILE = {
    "deep": "[" * 100_000,
    "deep in order": '{"list": [' * 30 + "1" + "]}" * 30,
    "wide": '{"list": [' + ",".join("1" * 200_000) + "]}",
    "larger than its bytes": '{"array": "<f8", "shape": [1000000000]}',
    "overflowing": '{"array": "<f8", "shape": [4294967295, 4294967295, 4294967295]}',
    "overflowing and empty": '{"array": "<f8", "shape": [4294967295, 4294967295, 0]}',
    "negative": '{"array": "<f8", "shape": [-1]}',
    "objects": '{"array": "|O", "shape": [0]}',
    "a structure": '{"array": "<f8,<f8", "shape": [0]}',
    "a number as a type": '{"array": 8, "shape": [0]}',
    "33 axes": '{"array": "<f8", "shape": [' + ",".join("0" * 33) + "]}",
    "a list as a key": '{"dict": [[[1], 2]]}',
    "text": '"text"',
    "a long number": "1" * 5000,
}


@pytest.mark.parametrize("tree", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answers(tree):
    got = read(head() + b'{"bytes": 0, "answer": ' + tree.encode() + b"}\n")
    assert got.unreadable
    assert not got.answered
    assert got.value is None


def test_nothing_is_trusted_after_the_submission_began():
    got = read(head(landlock=7) + b'{"failed": "landlock"}\n')
    assert got.setup == {"ready": {"landlock": 7}}
    assert got.unreadable


def test_the_place_of_a_time_out():
    trace = b'Timeout (0:00:02)!\nThread 0x01 (most recent call first):\n  File "/usr/x.py", line 9 in g\n'
    trace += b'  File "/tmp/b/submission.py", line 7 in backward\n  File "/tmp/b/submission.py", line 1 in f\n'
    got = read(head() + trace)
    assert (got.place, got.phase, got.function) == ((7, "backward"), "call", "f")


ITSELF: list = []
ITSELF.append(ITSELF)
REFUSED = {
    "text": ({"dw1": "much"}, "has a text, 'much', where numbers are wanted (its answer['dw1'])"),
    "a set": ([{1, 2}], "has a value of the type set where numbers are wanted (its answer[0])"),
    "complex": ([1j * np.ones(2)], "has complex numbers where real numbers are wanted (its answer[0])"),
    "dates": (np.zeros(2, "M8[s]"), "has an array of datetime64[s] where real numbers are wanted (its answer)"),
    "itself": (ITSELF, "is nested more than 20 deep"),
    "many": ([None] * 100_001, "has more than 100,000 single values; arrays are wanted"),
}


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_gradient_is_refused(value, words):
    with pytest.raises(runner.Refused) as refused:
        runner.encode(value, [])
    assert str(refused.value) == words
