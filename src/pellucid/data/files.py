"""Files of arrays: NPY, NPZ and IDX, plain or in gzip; and which kind of file a path holds.

A file's kind follows from its content; an ending that says something else is refused. Before it: paths.
After it: arrays.py and frames.py. Nothing is unpickled.
"""

from __future__ import annotations

import gzip
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError

# ending → kind; what follows "." before an optional .gz
ENDINGS = {
    "csv": "text", "tsv": "text", "txt": "text", "tab": "text", "parquet": "parquet", "pq": "parquet",
    "npz": "npz", "npy": "npy", "idx": "idx", "idx1": "idx", "idx3": "idx",
}  # fmt: skip
HOLDS = {
    "text": "a table as text", "parquet": "Parquet", "npz": "NumPy arrays in a zip (NPZ)", "npy": "a NumPy array (NPY)",
    "idx": "an IDX array", "excel": "an Excel or other Office document", "zip": "a zip archive",
    "sqlite": "an SQLite database", "hdf5": "HDF5", "pickle": "a pickle", "html": "a web page", "binary": "binary data",
    "safetensors": "a safetensors file", "image": "a picture",
}  # fmt: skip
ADVICE = {
    "excel": "Save the sheet as CSV.",
    "zip": "Unpack it first.",
    "html": "Fetch the file itself instead of a page about it.",
    "pickle": "Pickles run code when opened; save the arrays with numpy.savez.",
    "hdf5": "Save the arrays with numpy.savez.",
    "sqlite": "Export the table as CSV or Parquet.",
}
MOST_AXES = 64  # of a NumPy array
IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# names of inputs and targets in an NPZ file; the same with _train and _test, train_ and test_
INPUTS = ("x", "data", "inputs", "images", "features")
TARGETS = ("y", "target", "targets", "labels", "label")
GZIP_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile)


MOST_UNPACKED, RATIO = 256 << 20, 100  # what compressed data may become: so many bytes, or so many times their size


def unpacked_limit(stored: int, asked: float | None) -> float:
    """How many bytes `stored` compressed bytes may become: what the user asked for, or else 100 times, 256 MB at least.

    Deflate makes 1 MB of zeros out of 1 kB, so a file of any size can fill any memory.
    """
    return max(MOST_UNPACKED, RATIO * stored) if asked is None else asked


def check_unpacked(where: str, size: int, stored: int, asked: float | None) -> None:
    """Refuse data that would become much larger in memory than the file is.

    Raises:
        DataError: with the limit, and the option that raises it.
    """
    if size > (limit := unpacked_limit(stored, asked)):
        raise too_large(where, limit, f"{size:,} from {stored:,} in the file")


def too_large(where: str, limit: float, got: str) -> DataError:
    """The error for compressed data that become too large."""
    return DataError(
        where, f"expected data that unpack to at most {limit:,.0f} bytes", got,
        "If you trust the file, say how many bytes it may fill: max_unpacked=4e9, --max-unpacked 4e9.",
    )  # fmt: skip


class Unpacking(gzip.GzipFile):
    """A gzip file that ends with an error once it has given more bytes than it may."""

    def __init__(self, path: Path, asked: float | None):
        super().__init__(path, "rb")
        self.where, self.limit = path.name, unpacked_limit(path.stat().st_size, asked)

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, or all that are left."""
        most = int(min(self.limit, 1 << 62)) + 1 - self.tell()
        got = super().read(most if size is None or size < 0 else min(size, most))
        if self.tell() > self.limit:
            raise too_large(self.where, self.limit, "more")
        return got


def open_bytes(path: Path, gzipped: bool, max_unpacked: float | None = None) -> Any:
    """The file as bytes, unpacked on the way where it is gzipped, up to a limit."""
    return Unpacking(path, max_unpacked) if gzipped else open(path, "rb")


def sniff(path: Path) -> tuple[str, bool]:
    """What a file holds, and whether it is gzipped, from its first bytes.

    Raises:
        DataError: absent, a folder, empty, not readable, a gzip file that is cut off.
    """
    where = path.name
    try:
        with open(path, "rb") as file:
            start = file.read(512)
        gzipped = start[:2] == b"\x1f\x8b"
        if gzipped:
            with gzip.open(path, "rb") as file:
                start = file.read(512)
    except GZIP_ERRORS as error:
        raise DataError(where, "expected a whole gzip file", f"{error}", "Copy it again.") from error
    except OSError as error:
        raise DataError(str(path), "expected a file that can be read", error.strerror or str(error)) from error
    if not start:
        raise DataError(where, "expected data", "an empty file", "Copy it again.")
    kind = kind_of(start)
    if kind == "zip":
        with reading(where, "a zip file"), zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        kind = "excel" if "[Content_Types].xml" in names else "npz" if npy_members(names) else "zip"
    return kind, gzipped


def kind_of(start: bytes) -> str:
    """What a file's first bytes say that it holds."""
    marks = (
        (b"PAR1", "parquet"), (b"\x93NUMPY", "npy"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"),
        (b"SQLite format 3", "sqlite"), (b"\x89HDF", "hdf5"), (b"\xd0\xcf\x11\xe0", "excel"), (b"\x89PNG", "image"),
        (b"\xff\xd8\xff", "image"), (b"GIF8", "image"),
    )  # fmt: skip
    for mark, kind in marks:
        if start.startswith(mark):
            return kind
    if start[:2] == b"\0\0" and len(start) >= 4 and start[2] in IDX_TYPES and start[3] > 0:
        return "idx"
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    if start[8:10] == b'{"':
        return "safetensors"
    if re.match(rb"\s*<(!doctype|html)", start, re.IGNORECASE):
        return "html"
    return "binary" if b"\0" in start and start[:2] not in (b"\xff\xfe", b"\xfe\xff") else "text"


def check_kind(path: Path, kind: str) -> None:
    """Refuse a file that holds nothing we read, or something else than its ending says."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix.removeprefix(".")
    said = ENDINGS.get(ending)
    if kind not in ENDINGS.values():
        expected = HOLDS[said] if said else "CSV, TSV, Parquet, NPZ, NPY or IDX"
        raise DataError(path.name, f"expected {expected}", HOLDS[kind], ADVICE.get(kind, ""))
    if said not in (None, kind):
        raise DataError(
            path.name, f"expected {HOLDS[said]}, as its ending says", HOLDS[kind], "Give it the right ending."
        )


def read_npy(path: Path, gzipped: bool = False, max_unpacked: float | None = None) -> np.ndarray:
    """The array of an NPY file.

    Raises:
        DataError: Python objects, a cut-off file.
    """
    with reading(path.name, "an array"), open_bytes(path, gzipped, max_unpacked) as file:
        return np.load(file, allow_pickle=False)


@contextmanager
def reading(where: str, what: str) -> Iterator[None]:
    """Whatever a reader raises over a damaged file becomes one sentence; remarks on old headers are not passed on.

    NumPy's readers raise errors of many kinds over damaged headers (of values, syntax, tokens, systems), so
    every kind is caught here.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except DataError:
        raise
    except Exception as error:
        raise broken(where, what, error) from error


def broken(where: str, what: str, error: Exception) -> DataError:
    """The error for an array that can't be read."""
    if "allow_pickle" in str(error) or "Object arrays" in str(error):
        return DataError(
            where, f"expected {what} of numbers or text", "Python objects", "Convert it with astype before saving it."
        )
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        where, f"expected {what} that can be read, but {text}", do="The file may be cut off; copy it again."
    )


def npy_members(names: Iterable[str]) -> dict[str, str]:
    """The arrays in an NPZ file: name → name of the member."""
    return {name.removesuffix(".npy"): name for name in names if name.endswith(".npy")}


def read_npz(path: Path, wanted: str | None, max_unpacked: float | None = None) -> tuple[dict[str, Any], list[str]]:
    """The arrays x, y, x_test and y_test of an NPZ file by name, and the names of those that were not read.

    Raises:
        DataError: Python objects, a cut-off file, no array, one that unpacks to too much.
    """
    arrays = {}
    with reading(path.name, "arrays"), np.load(path, allow_pickle=False) as archive:
        names = list(archive.files)
        chosen = choose(names, wanted, path.name).values()
        infos = [info for info in archive.zip.infolist() if info.filename.removesuffix(".npy") in chosen]
        check_unpacked(path.name, sum(i.file_size for i in infos), sum(i.compress_size for i in infos), max_unpacked)
        for name in chosen:
            with reading(f"{path.name}, array {name!r}", "an array"):
                arrays[name] = archive[name]
    return arrays, [name for name in names if name not in arrays]


def choose(names: Iterable[str], wanted: str | None, where: str) -> dict[str, str]:
    """Which arrays of a file (or a mapping) are x, y, x_test and y_test, by the names people give them.

    Args:
        names: the arrays' names.
        wanted: the target's name, where the user gave it.
        where: what messages call the file.

    Raises:
        DataError: no array that is clearly the inputs, or several.

    Example:
        >>> choose(["X_train", "y_train", "X_test", "y_test"], None, "a.npz")
        {'x': 'X_train', 'y': 'y_train', 'x_test': 'X_test', 'y_test': 'y_test'}
    """
    names = list(names)
    folded = {name.lower(): name for name in names}

    def known(plain: Iterable[str], part: str) -> str | None:
        spelled = [[f"{name}{part}", f"{part[1:]}_{name}"] if part else [name] for name in plain]
        return next((folded[name] for pair in spelled for name in pair if name in folded), None)

    part = "_train" if known(INPUTS, "_train") else ""
    x = known(INPUTS, part)
    if wanted is not None and wanted not in names:
        raise DataError(where, f"expected an array {wanted!r} as target", ", ".join(names))
    y = wanted or known(TARGETS, part)
    if x is None:
        others = [name for name in names if name != y]
        if len(others) != 1:
            raise DataError(
                where, "expected arrays called x and y (or data and target, x_train and y_train)",
                ", ".join(names) or "none", "Save them with numpy.savez(file, x=…, y=…).",
            )  # fmt: skip
        x = others[0]
    found = {"x": x, "y": y}
    if part or known(INPUTS, "_test"):
        found |= {"x_test": known(INPUTS, "_test"), "y_test": known(TARGETS, "_test")}
    return {key: name for key, name in found.items() if name is not None}


def idx_header(file: Any, where: str) -> tuple[np.dtype, tuple[int, ...], int]:
    """The type, the shape and the header's length of an IDX file.

    The format: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian
    32-bit number, then the values, big-endian, last dimension fastest (LeCun, Cortes and Burges, MNIST).
    """
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in IDX_TYPES or not start[3]:
        raise DataError(where, "expected an IDX file, which starts with two zero bytes, a type and a rank", start.hex())
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(where, f"expected {start[3]} sizes in the header", "a file that ends there", "Copy it again.")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    if len(shape) > MOST_AXES or not all(shape):
        raise DataError(where, f"expected values along 1 to {MOST_AXES} dimensions", f"shape {shape}", "Copy it again.")
    return np.dtype(IDX_TYPES[start[2]]), shape, 4 + len(sizes)


def read_idx(path: Path, gzipped: bool = False, max_unpacked: float | None = None) -> np.ndarray:
    """The array of an IDX file.

    Raises:
        DataError: a wrong header, too few or too many bytes.
    """
    try:
        with open_bytes(path, gzipped, max_unpacked) as file:
            dtype, shape, _ = idx_header(file, path.name)
            size = dtype.itemsize * int(np.prod(shape, dtype=object))
            if gzipped:
                check_unpacked(path.name, size, path.stat().st_size, max_unpacked)
            else:
                check_size(path.name, shape, size, path.stat().st_size - file.tell())
            values = file.read(size + 1)
    except (*GZIP_ERRORS, MemoryError, OverflowError) as error:
        raise DataError(path.name, "expected a whole gzip file", str(error), "Copy it again.") from error
    check_size(path.name, shape, size, len(values))
    return np.frombuffer(values, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def check_size(where: str, shape: tuple[int, ...], size: int, got: int) -> None:
    """Refuse an IDX file that is shorter or longer than its header says."""
    if size != got:
        more = "or more" if got > size else ""
        raise DataError(
            where, f"expected {size} bytes of values for shape {shape}", f"{got} {more}".strip(), "Copy it again."
        )


def idx_labels(path: Path) -> Path | None:
    """The file of labels that belongs to a file of images: images → labels, idx3 → idx1, with or without .gz.

    Example:
        >>> idx_labels(Path("nowhere/train-images-idx3-ubyte")) is None
        True
    """
    if "images" not in path.name:
        return None
    plain = re.sub(r"idx\d", "idx1", path.name.replace("images", "labels")).removesuffix(".gz")
    candidates = [path.with_name(name) for name in (plain, plain + ".gz")]
    return next((file for file in candidates if file.is_file()), None)


def npy_targets(path: Path) -> Path | None:
    """The NPY file of targets that belongs to one of inputs: x.npy → y.npy, train_images.npy → train_labels.npy."""
    pairs = [
        ("x", "y"),
        ("X", "y"),
        ("data", "target"),
        ("inputs", "targets"),
        ("images", "labels"),
        ("features", "labels"),
    ]
    for inputs, targets in pairs:
        name = re.sub(rf"(?<![a-zA-Z]){inputs}(?![a-zA-Z])", targets, path.name)
        if name != path.name and path.with_name(name).is_file():
            return path.with_name(name)
    return None
