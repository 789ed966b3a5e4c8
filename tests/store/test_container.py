"""Arrays in, the same arrays out; anything else in the file is refused with a ModelFileError."""

import hashlib
import json

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid.errors import InputError, ModelFileError
from pellucid.store import read_arrays, read_metadata, write_arrays
from pellucid.store.container import DTYPES

ENTRY = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}


def crafted(path, entries, data=b"\0" * 16, *, own=None, comment=None, header=None, length=None):
    """A file as an attacker would make it: any header, with the checksum that belongs to it."""
    own = json.dumps({"format_version": 1, "metadata": {}}) if own is None else own
    comment = {"sha256": "0" * 64, "pellucid": own} if comment is None else comment
    raw = (json.dumps({"__metadata__": comment, **entries}) if header is None else header).encode()
    raw = raw.replace(b"0" * 64, hashlib.sha256(raw + data).hexdigest().encode(), 1)
    path.write_bytes((len(raw) if length is None else length).to_bytes(8, "little") + raw + data)
    return path


def same(first, second):
    return first.keys() == second.keys() and all(
        first[name].shape == second[name].shape
        and first[name].dtype == second[name].dtype
        and first[name].tobytes() == second[name].tobytes()
        for name in first
    )


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name.isprintable()),
        hnp.arrays(st.sampled_from([np.dtype(d) for d in DTYPES.values()]), hnp.array_shapes(min_dims=0, min_side=0)),
        max_size=4,
    )
)
def test_what_is_written_is_read(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("a") / "a.safetensors"
    write_arrays(path, arrays, {"epoch": 3, "names": ["é", "日本", "a,b"]})
    back, metadata = read_arrays(path)
    assert same(back, arrays)
    assert metadata == {"epoch": 3, "names": ["é", "日本", "a,b"]}
    assert all(array.flags.writeable and array.flags.owndata for array in back.values())


ARRAY = np.arange(24.0).reshape(2, 3, 4)
LAYOUTS = {
    "transposed": ARRAY.T,
    "fortran": np.asfortranarray(ARRAY),
    "strided": ARRAY[:, ::2, ::-1],
    "broadcast": np.broadcast_to(np.arange(3.0), (4, 3)),
    "big-endian": ARRAY.astype(">f8"),
    "scalar": np.float64(3.5),
    "list": [[1.0, 2.0]],
}


@pytest.mark.parametrize("array", LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout_in_memory_does_not_matter(tmp_path, array):
    path = tmp_path / "a.safetensors"
    write_arrays(path, {"a": array}, {})
    np.testing.assert_array_equal(read_arrays(path)[0]["a"], array)
    np.testing.assert_array_equal(safetensors.numpy.load_file(path)["a"], array)


def test_the_library_that_the_format_comes_from_agrees(tmp_path):
    arrays = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array([1, 2], np.int64), "e": np.zeros((0, 2))}
    write_arrays(tmp_path / "a", arrays, {"k": 1})
    assert same(safetensors.numpy.load_file(tmp_path / "a"), arrays)
    with safetensors.safe_open(tmp_path / "a", framework="np") as file:
        assert json.loads(file.metadata()["pellucid"]) == {"format_version": 1, "metadata": {"k": 1}}
    safetensors.numpy.save_file(arrays, tmp_path / "b")
    with pytest.raises(ModelFileError, match="a safetensors file that it did not write"):
        read_arrays(tmp_path / "b")


def test_the_library_still_needs_contiguous_arrays(tmp_path):
    """The reason for copying before each save; when this fails the library has been mended."""
    safetensors.numpy.save_file({"a": ARRAY.T}, tmp_path / "a")
    assert not np.array_equal(safetensors.numpy.load_file(tmp_path / "a")["a"], ARRAY.T)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in "ab":
        write_arrays(tmp_path / name, {"w": ARRAY, "v": ARRAY.T}, {"one": 1, "two": [2.5, None, True]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_metadata(tmp_path / "a") == {"one": 1, "two": [2.5, None, True]}


def test_numpy_values_are_fine_as_metadata(tmp_path):
    write_arrays(tmp_path / "a", {}, {"a": np.float32(1.5), "b": np.arange(2), "c": (np.bool_(True), np.str_("x"))})
    assert read_arrays(tmp_path / "a") == ({}, {"a": 1.5, "b": [0, 1], "c": [True, "x"]})


def test_numbers_that_are_not_finite_become_none_in_metadata(tmp_path):
    """A training must not be lost because one figure of its history was undefined."""
    write_arrays(tmp_path / "a", {}, {"r2": float("nan"), "best": (np.inf, 1.0), "all": np.array([-np.inf, 2.0])})
    assert read_arrays(tmp_path / "a")[1] == {"r2": None, "best": [None, 1.0], "all": [None, 2.0]}


UNSTORABLE = {
    "metadata with an object": ({}, {"f": object()}, "type object is not"),
    "metadata with a date": ({}, {"f": np.datetime64("2020-01-01")}, "date is not"),
    "metadata with half a character": ({}, {"f": "\ud800"}, "expected JSON values"),
    "metadata that says a key twice": ({}, {1: 1, "1": 2}, "twice"),
    "metadata that is no mapping": ({}, 5, "not iterable"),
    "text": ({"a": np.array(["x"])}, {}, "expected one of the types"),
    "objects": ({"a": np.array([None])}, {}, "expected one of the types"),
    "complex": ({"a": np.array([1j])}, {}, "complex128"),
    "ragged": ({"a": [[1], [1, 2]]}, {}, "inhomogeneous"),
    "a reserved name": ({"__metadata__": ARRAY}, {}, "other than __metadata__"),
    "a name that is no text": ({1: ARRAY}, {}, "got 1"),
    "a name of half a character": ({"\udc80": ARRAY}, {}, "expected a name"),
}


@pytest.mark.parametrize(("arrays", "metadata", "message"), UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_the_format_cannot_hold_is_refused(tmp_path, arrays, metadata, message):
    with pytest.raises(InputError, match=message):
        write_arrays(tmp_path / "a", arrays, metadata)
    assert list(tmp_path.iterdir()) == []


def test_metadata_nested_without_end_is_refused(tmp_path):
    deep = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(InputError, match="levels of nesting"):
        write_arrays(tmp_path / "a", {}, {"deep": deep})


BROKEN = {
    "overlap": ({"a": ENTRY, "b": ENTRY}, {}, "without gap or overlap"),
    "gap": ({"a": {**ENTRY, "data_offsets": [8, 24]}}, {"data": b"\0" * 24}, "without gap or overlap"),
    "data without an array": ({}, {}, "expected 0 bytes of arrays"),
    "array beyond the end": ({"a": {**ENTRY, "shape": [3], "data_offsets": [0, 24]}}, {}, "expected 24 bytes"),
    "shape larger than its bytes": ({"a": {**ENTRY, "shape": [2**60]}}, {}, "as many bytes as they need"),
    "sizes that overflow": ({"a": {**ENTRY, "shape": [2**32, 2**32]}}, {}, "as many bytes as they need"),
    "nothing times a huge size": (
        {"a": {"dtype": "F64", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}}, {"data": b""}, "as many bytes",
    ),
    "negative size": ({"a": {**ENTRY, "shape": [-2]}}, {}, "a shape"),
    "negative offset": ({"a": {**ENTRY, "data_offsets": [-16, 0]}}, {}, "a shape"),
    "size that is no whole number": ({"a": {**ENTRY, "shape": [2.0]}}, {}, "a shape"),
    "size that is true": ({"a": {"dtype": "F64", "shape": [True], "data_offsets": [0, 8]}}, {}, "a shape"),
    "too many dimensions": ({"a": {**ENTRY, "shape": [2] + [1] * 70}}, {}, "a shape"),
    "unknown dtype": ({"a": {**ENTRY, "dtype": "F8_E4M3"}}, {}, "a known dtype"),
    "dtype that is a list": ({"a": {**ENTRY, "dtype": []}}, {}, "a known dtype"),
    "one offset": ({"a": {**ENTRY, "data_offsets": [0]}}, {}, "a shape"),
    "entry that is no object": ({"a": 5}, {}, "a known dtype"),
    "entry with more": ({"a": {**ENTRY, "more": 1}}, {}, "a known dtype"),
    "newer version": (
        {"a": ENTRY}, {"own": '{"format_version": 2, "layout": "other"}'},
        "expected format version 1 at most, got version 2 of a newer Pellucid. Update with `pip install --upgrade",
    ),
    "no version": ({"a": ENTRY}, {"own": "{}"}, "expected format version 1"),
    "version that is true": ({"a": ENTRY}, {"own": '{"format_version": true, "metadata": {}}'}, "version 1 with"),
    "own text that is no JSON": ({"a": ENTRY}, {"own": "{"}, "readable header"),
    "own text that is a list": ({"a": ENTRY}, {"own": "[]"}, "readable header"),
    "key twice in the own text": ({"a": ENTRY}, {"own": '{"format_version": 1, "format_version": 1}'}, "twice"),
    "key twice deep in the own text": (
        {"a": ENTRY}, {"own": '{"format_version": 1, "metadata": {"x": [{"k": 1, "k": 2}]}}'}, "the key 'k' twice",
    ),
    "NaN in the own text": ({"a": ENTRY}, {"own": '{"format_version": 1, "metadata": {"x": NaN}}'}, "number NaN"),
    "infinity in disguise": ({"a": ENTRY}, {"own": '{"format_version": 1, "metadata": {"x": 1e999}}'}, "1e999"),
    "whole number without end": (
        {"a": ENTRY}, {"own": '{"format_version": 1, "metadata": {"x": %s}}' % ("9" * 5000)}, "readable header",
    ),
    "deep JSON": ({"a": ENTRY}, {"own": '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}"}, "readable header"),
    "rather deep JSON": ({"a": ENTRY}, {"own": '{"x": ' + "[" * 200 + "]" * 200 + "}"}, "levels of nesting"),
    "half a character": ({"a": ENTRY}, {"own": '{"format_version": 1, "metadata": {"x": "\\ud800"}}'}, "readable"),
    "no metadata": ({"a": ENTRY}, {"comment": 5}, "did not write"),
    "metadata of another program": ({"a": ENTRY}, {"comment": {"format": "pt"}}, "did not write"),
    "no checksum": (
        {"a": ENTRY}, {"comment": {"pellucid": '{"format_version": 1, "metadata": {}}'}}, "expected the checksum",
    ),
    "array twice": (
        {}, {"header": json.dumps({"a": ENTRY, "b": ENTRY}).replace('"b"', '"a"')}, "the key 'a' twice",
    ),
    "header that is a list": ({}, {"header": "[]"}, "with a JSON header"),
    "header that is cut": ({}, {"header": '{"a": '}, "readable header"),
    "header that is longer than the file": ({}, {"length": 10**6}, "announces a header of 1000000"),
    "header of many gigabytes": ({}, {"length": 2**63 + 5}, "announces a header of"),
}  # fmt: skip


@pytest.mark.parametrize(("entries", "more", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_header_is_refused_in_words(tmp_path, entries, more, message):
    path = crafted(tmp_path / "a.safetensors", entries, **more)
    with pytest.raises(ModelFileError) as caught:
        read_arrays(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_the_crafted_file_itself_is_right(tmp_path):
    """Else every refusal above could be for another reason."""
    arrays, metadata = read_arrays(crafted(tmp_path / "a", {"a": ENTRY}))
    assert same(arrays, {"a": np.zeros(2)})
    assert metadata == {}


FOREIGN = {
    "empty": (b"", "a file of 0 bytes"),
    "seven bytes": (b"\x08\0\0\0\0\0\0", "a file of 7 bytes"),
    "pickle": (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94.", "a Python pickle"),
    "zip": (b"PK\x03\x04\x14\0\0\0\x08\0", "a zip archive"),
    "HDF5": (b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file"),
    "NPY": (b"\x93NUMPY\x01\0v\0{", "an NPY array"),
    "gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "gzipped data"),
    "CSV": (b"a,b,c,d,e\n1,2,3,4,5\n", "announces a header"),
    "binary": (bytes(8) + b"1234", "with a JSON header"),
    "not UTF-8": (b"\x03\0\0\0\0\0\0\0{\xff}", "readable header"),
}


@pytest.mark.parametrize(("content", "message"), FOREIGN.values(), ids=FOREIGN)
def test_another_format_is_named(tmp_path, content, message):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        read_arrays(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "a.safetensors"
    write_arrays(path, {"w": np.arange(4.0), "b": np.zeros((1,), np.float32)}, {"classes": ["cat", "dog"]})
    return path.read_bytes()


def test_every_truncation_is_found(tmp_path, small):
    path = tmp_path / "a"
    for length in range(len(small)):
        path.write_bytes(small[:length])
        with pytest.raises(ModelFileError):
            read_arrays(path)


def test_every_flipped_bit_is_found(tmp_path, small):
    path = tmp_path / "a"
    for place in range(len(small)):
        for bit in (0, 3, 7) if place % 7 else range(8):
            changed = bytearray(small)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            with pytest.raises(ModelFileError):
                read_arrays(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_damage_is_either_found_or_none(tmp_path_factory, small, data):
    changed = bytearray(small)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        old = data.draw(st.integers(0, 8))
        changed[at : at + old] = data.draw(st.binary(max_size=8))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(changed)
    try:
        arrays, metadata = read_arrays(path)
    except ModelFileError:
        return
    assert metadata == {"classes": ["cat", "dog"]}
    assert same(arrays, {"w": np.arange(4.0), "b": np.zeros((1,), np.float32)})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ODD_ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from([*DTYPES, "BF16"]) | JSON,
        "shape": st.lists(st.integers(-1, 4), max_size=3) | JSON,
        "data_offsets": st.tuples(st.integers(-1, 40), st.integers(-1, 40)) | JSON,
    }
)


@settings(max_examples=200, deadline=None)
@given(
    entries=st.dictionaries(st.text(max_size=5), ODD_ENTRY | JSON, max_size=3),
    own=JSON | st.fixed_dictionaries({"format_version": st.just(1), "metadata": st.just({}) | JSON}),
    data=st.binary(max_size=40),
)
def test_any_header_is_refused_or_read(tmp_path_factory, entries, own, data):
    path = crafted(tmp_path_factory.getbasetemp() / "odd", entries, data, own=json.dumps(own))
    try:
        read_arrays(path)
    except ModelFileError as error:
        str(error).encode()  # can be printed
