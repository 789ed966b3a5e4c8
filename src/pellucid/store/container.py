"""Named arrays and a JSON description in one safetensors file. What is read is distrusted: every number of the
header is checked against the file before an array is made, and a checksum over all of it tells damage from data.

Before it: `files`. After it: `models`, the checkpoints of training.

The file: 8 bytes with the length of the header, the header (JSON: for each array its dtype, shape and place,
and under `__metadata__` the checksum and Pellucid's own JSON), then the arrays without gaps. Any reader of
safetensors can open it. The format is described at https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..errors import InputError, ModelFileError, shown
from .files import opened, replacing

FORMAT_VERSION = 1
LONGEST_HEADER = 100_000_000  # bytes, as in the safetensors library
DEEPEST_JSON = 100

# The names of safetensors for the types of NumPy; data on disk is little-endian.
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "|b1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip
NAMES = {np.dtype(numpy_name): name for name, numpy_name in DTYPES.items()}

# How files begin that people take for a model.
OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive (NPZ data, or a PyTorch or Keras model)",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "an NPY array",
    b"\x1f\x8b": "gzipped data",
    b"PAR1": "a Parquet table",
    b"\x80": "a Python pickle",
}


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Write named arrays and a JSON description into one safetensors file, in one step.

    The same arrays and metadata give the same bytes. JSON has no NaN: a number of the metadata that is not finite
    becomes None. Strided, transposed and big-endian arrays are stored as
    what they mean, not as they lie in memory.

    Raises:
        InputError: a name or an array that the format can't hold, metadata that JSON can't express.
        ModelFileError: the file can't be written; what stood there before is untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_arrays(folder + "/a.safetensors", {"m": np.eye(2).T}, {"epoch": 3})
        ...     read_arrays(folder + "/a.safetensors")
        ({'m': array([[1., 0.],
               [0., 1.]])}, {'epoch': 3})
    """
    plain = {name: _plain(name, array) for name, array in arrays.items()}
    header = _header(plain, metadata)
    digest = _digest(header, plain.values())
    header = header.replace(b"0" * 64, digest, 1)
    with replacing(path) as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for array in plain.values():
            file.write(_bytes(array))


def read_arrays(
    path: str | os.PathLike, check: Callable[[dict[str, Any], Mapping[str, Tensor], str], None] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the metadata that `write_arrays` wrote; the arrays are the caller's own, writable.

    Args:
        path: the file.
        check: called with the metadata, what the header says of the arrays, and the words for where it is, before any
            array is made; raises what it refuses.

    Raises:
        ModelFileError: no file, another format, a newer version, or damage.
    """
    with opened(path) as (file, where, size):
        head = read_head(file, where, size)
        if check is not None:
            check(head.metadata, head.tensors, where)
        return read_data(file, where, head), head.metadata


def read_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """The metadata alone, from the header alone; the arrays and the checksum are not looked at.

    Raises:
        ModelFileError: see `read_arrays`.
    """
    with opened(path) as (file, where, size):
        return read_head(file, where, size).metadata


def _plain(name: str, array: Any) -> np.ndarray:
    """The array as little-endian numbers in C order."""
    if not isinstance(name, str) or name == "__metadata__":
        raise InputError("arrays", "expected names other than __metadata__", shown(name))
    try:
        name.encode()
        array = np.asarray(array)
    except ValueError as error:
        raise InputError(f"array {shown(name)}", "expected a name and an array that can be stored", error) from None
    dtype = array.dtype.newbyteorder("<")
    if dtype not in NAMES:
        raise InputError(f"array {name}", f"expected one of the types {', '.join(map(str, NAMES))}", array.dtype)
    return np.asarray(array, dtype=dtype, order="C")


def _bytes(array: np.ndarray) -> memoryview:
    """The bytes of an array in C order, without a copy."""
    return memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def _header(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> bytes:
    """The header, with zeros where the checksum goes."""

    try:
        own = {"format_version": FORMAT_VERSION, "metadata": plain_json(dict(metadata))}
        text = json.dumps(own, allow_nan=False)
        _parsed(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError("metadata", "expected JSON values under names", error) from None
    header: dict[str, Any] = {"__metadata__": {"sha256": "0" * 64, "pellucid": text}}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
    raw = json.dumps(header, separators=(",", ":")).encode()
    if len(raw) > LONGEST_HEADER:
        raise InputError("metadata", f"expected at most {LONGEST_HEADER:,} bytes", f"{len(raw):,}")
    return raw + b" " * (-len(raw) % 8)  # the arrays begin at a multiple of 8


def plain_json(value: Any) -> Any:
    """The value as JSON has it: NumPy's as Python's, and null for a number that is not finite."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _digest(header: bytes, arrays) -> bytes:
    """SHA-256 of the header (with zeros in place of the checksum) and the arrays, as hexadecimal digits."""
    checksum = hashlib.sha256(header)
    for array in arrays:
        checksum.update(_bytes(array))
    return checksum.hexdigest().encode()


@dataclass(frozen=True)
class Tensor:
    """One entry of the header: an array of `dtype` and `shape` that begins `start` bytes into the data."""

    dtype: np.dtype
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Head:
    """A checked header: its bytes, its checksum, Pellucid's metadata, the arrays in the data's order."""

    raw: bytes
    checksum: str
    metadata: dict[str, Any]
    tensors: dict[str, Tensor]


def read_head(file: BinaryIO, where: str, size: int) -> Head:
    """The header, checked against the size of the file."""
    first = file.read(8)
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > min(size - 8, LONGEST_HEADER):
        what = next((what for magic, what in OTHER_FORMATS.items() if first.startswith(magic)), None)
        short = f"a file of {size} bytes" + (f" that announces a header of {length}" if len(first) == 8 else "")
        raise ModelFileError(where, "expected a model of Pellucid (a safetensors file)", what or short)
    raw = file.read(length)
    if len(raw) < length or not raw.startswith(b"{"):
        raise ModelFileError(where, "expected a safetensors file with a JSON header", shown(raw[:20]))
    try:
        header = _parsed(raw.decode())
        comment = header.pop("__metadata__", None)
        if not isinstance(comment, dict) or not isinstance(comment.get("pellucid"), str):
            raise ModelFileError(
                where, "expected a model of Pellucid", "a safetensors file that it did not write",
                "Train a network with `pellucid train`, or save one with net.save(path).",
            )  # fmt: skip
        own = _parsed(comment["pellucid"])
    except (ValueError, RecursionError) as error:
        raise ModelFileError(where, "expected a readable header", error, "The file is damaged.") from None
    version = own.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise ModelFileError(
            where, f"expected format version {FORMAT_VERSION} at most", f"version {version} of a newer Pellucid",
            "Update with `pip install --upgrade pellucid`.",
        )  # fmt: skip
    if type(version) is not int or version != FORMAT_VERSION or not isinstance(own.get("metadata"), dict):
        raise ModelFileError(where, f"expected format version {FORMAT_VERSION} with its metadata", shown(version))
    tensors = {name: _tensor(name, entry, where) for name, entry in header.items()}
    tensors = dict(sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)))
    end = 0
    for name, tensor in tensors.items():
        if tensor.start != end:
            got = f"data from byte {tensor.start}"
            raise ModelFileError(f"{where}: {shown(name)}", f"expected arrays without gap or overlap, next {end}", got)
        end = tensor.end
    if end != size - 8 - length:
        got = f"{size - 8 - length} in the file"
        raise ModelFileError(where, f"expected {end} bytes of arrays", got, "The file is cut or damaged.")
    return Head(raw, str(comment.get("sha256")), own["metadata"], tensors)


def _tensor(name: str, entry: Any, where: str) -> Tensor:
    """One entry of the header, checked in itself."""
    try:
        if set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ValueError
        shape, (start, end) = entry["shape"], entry["data_offsets"]
        if not all(type(number) is int and number >= 0 for number in (*shape, start, end)) or len(shape) > 32:
            raise ValueError
        dtype = np.dtype(DTYPES[entry["dtype"]])
        if math.prod(shape) * dtype.itemsize != end - start or math.prod(n or 1 for n in shape) * 8 >= 2**63:
            raise ValueError
    except (TypeError, ValueError, KeyError):
        expected = "expected a known dtype, a shape, and as many bytes as they need"
        raise ModelFileError(f"{where}: {shown(name)}", expected, shown(entry, 120)) from None
    return Tensor(dtype, tuple(shape), start, end)


def expect_tensors(
    tensors: Mapping[str, Tensor], needed: Mapping[str, tuple[tuple[int, ...], str]], where: str
) -> None:
    """Refuse all but just the arrays that are needed: by name their shape and the kind of their numbers ("f", "i")."""
    for name, (shape, kind) in needed.items():
        tensor = tensors.get(name)
        if tensor is None:
            raise ModelFileError(where, f"expected the array {name}", "a file without it")
        if tensor.shape != shape:
            raise ModelFileError(f"{where}: {name}", f"expected the shape {shape}", tensor.shape)
        if tensor.dtype.kind != kind:
            numbers = "floating-point numbers" if kind == "f" else f"numbers of the kind {kind}"
            raise ModelFileError(f"{where}: {name}", f"expected {numbers}", tensor.dtype)
    if extra := sorted(set(tensors) - set(needed)):
        raise ModelFileError(where, f"expected {len(needed)} arrays", f"{len(extra)} more, the first {shown(extra[0])}")


def read_data(file: BinaryIO, where: str, head: Head) -> dict[str, np.ndarray]:
    """The arrays, read straight into their memory, once the checksum is right."""
    arrays = {}
    try:
        for name, tensor in head.tensors.items():
            arrays[name] = array = np.empty(tensor.shape, tensor.dtype)
            if file.readinto(_bytes(array)) != array.nbytes:  # type: ignore[attr-defined]
                raise ModelFileError(where, f"expected {array.nbytes} bytes of {shown(name)}", "the end of the file")
    except MemoryError:
        needed = sum(tensor.end - tensor.start for tensor in head.tensors.values())
        raise ModelFileError(where, f"expected memory for {needed:,} bytes of arrays", "too little") from None
    header = head.raw.replace(head.checksum.encode(errors="replace"), b"0" * 64, 1)
    if _digest(header, arrays.values()) != head.checksum.encode(errors="replace"):
        raise ModelFileError(
            where, "expected the checksum that was stored with the data", "another",
            "The file was damaged or changed after it was written; take a copy from where it came.",
        )  # fmt: skip
    return arrays


def _parsed(text: str) -> dict[str, Any]:
    """A JSON object; refuses a key that comes twice, numbers that are not finite, and bottomless nesting."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) != len(pairs):
            (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
            raise ValueError(f"the key {shown(key)} twice")
        return found

    def finite(number: str) -> float:
        if not math.isfinite(value := float(number)):
            raise ValueError(f"the number {number}")
        return value

    value = json.loads(text, object_pairs_hook=unique, parse_float=finite, parse_constant=finite)
    if not isinstance(value, dict):
        raise ValueError(f"{shown(value)} instead of names with values")
    level: list[Any] = [value]
    for _ in range(DEEPEST_JSON):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for group in inner for item in group]
    if level:
        raise ValueError(f"more than {DEEPEST_JSON} levels of nesting")
    if "\\ud" in text.lower():  # half a character, written as an escape, would fail whoever prints it
        json.dumps(value, ensure_ascii=False).encode()
    return value
