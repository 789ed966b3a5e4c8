"""Data larger than memory: the same numbers as in memory, read by rows, without a full-size copy."""

import gzip
import struct
import tracemalloc
import zipfile

import numpy as np
import polars as pl
import pytest

from pellucid.data import load_data, open_stream, sources, split
from pellucid.data.streams import pieces
from pellucid.errors import DataError, ShapeError

GENERATOR = np.random.default_rng(5)
X = GENERATOR.standard_normal((101, 6)) * [1, 10, 100, 1, 1, 1] + 5
LABELS = GENERATOR.integers(0, 3, 101)
NUMBERS = GENERATOR.standard_normal((101, 2)) * 30
IMAGES = GENERATOR.integers(0, 256, (101, 5, 4)).astype(np.uint8)


def idx_bytes(array):
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return (
        bytes([0, 0, {1: 8, 4: 13}[array.itemsize], array.ndim])
        + sizes
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


def write_npy(folder, x, y):
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return folder / "x.npy"


def write_npz(folder, x, y):
    np.savez(folder / "d.npz", first=np.ones(3), x=x, y=y)
    return folder / "d.npz"


def write_idx(folder, x, y):
    (folder / "a-images-idx3-ubyte").write_bytes(idx_bytes(x))
    (folder / "a-labels-idx1-ubyte").write_bytes(idx_bytes(y.astype(np.uint8)))
    return folder / "a-images-idx3-ubyte"


def write_parquet(folder, x, y):
    y = y if y.ndim == 1 else y[:, 0]
    pl.DataFrame({f"x{i}": x[:, i] for i in range(x.shape[1])} | {"y": y}).write_parquet(
        folder / "t.parquet", row_group_size=20
    )
    return folder / "t.parquet"


CASES = [
    (write_npy, X, LABELS),
    (write_npy, X.astype(np.float32), LABELS.astype(float)),
    (write_npy, X.astype(">f4"), NUMBERS),
    (write_npy, np.asfortranarray(X), NUMBERS[:, 0]),
    (write_npy, IMAGES, LABELS),
    (write_npy, IMAGES, np.array(["cat", "dog", "eel"])[LABELS]),
    (write_npz, X, LABELS),
    (write_npz, IMAGES, LABELS),
    (write_npz, X, NUMBERS),
    (write_idx, IMAGES, LABELS),
    (write_parquet, X, LABELS),
    (write_parquet, X, NUMBERS),
]


@pytest.mark.parametrize(("write", "x", "y"), CASES)
def test_a_stream_gives_what_loading_gives(tmp_path, monkeypatch, write, x, y):
    monkeypatch.setattr(sources, "PIECE", 150)  # many pieces
    monkeypatch.setattr("pellucid.data.streams.PIECE", 150)
    path = write(tmp_path, x, y)
    stream, data = open_stream(path), load_data(path)
    assert (stream.n, stream.n_inputs, stream.n_outputs) == (data.n, data.n_inputs, data.n_outputs)
    assert stream.classes == data.classes
    assert stream.feature_names == data.feature_names
    assert stream.target_names == data.target_names
    assert stream.shape == data.shape
    assert len(stream) == 101
    read = list(pieces(stream, 17))
    got = np.concatenate([piece[0] for piece in read])
    assert got.dtype == data.x.dtype
    np.testing.assert_allclose(got, data.x, rtol=1e-12 if got.dtype == np.float64 else 1e-6, atol=1e-7)
    np.testing.assert_allclose(np.concatenate([piece[1] for piece in read]), data.y, rtol=1e-12)


def test_tables_with_text_stream_too(tmp_path):
    frame = pl.DataFrame(
        {
            "v": GENERATOR.standard_normal(60),
            "c": GENERATOR.choice(["a", "b", "c"], 60).tolist(),
            "b": GENERATOR.choice([True, False], 60).tolist(),
            "junk": [f"id {i}" for i in range(60)],
            "kind": GENERATOR.choice(["p", "q"], 60).tolist(),
        }
    )
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=13)
    stream = open_stream(tmp_path / "t.parquet", drop="junk")
    data = load_data(frame, drop="junk")
    assert stream.preparation.columns[1].values == ("a", "b", "c")
    x, y = stream.read(5, 55)
    np.testing.assert_allclose(x, data.x[5:55], rtol=1e-12)
    assert (y == data.y[5:55]).all()
    assert stream.classes == ("p", "q")
    with pytest.raises(DataError, match="column 'junk': expected categories, each in several rows, got 60 different"):
        open_stream(tmp_path / "t.parquet").read(0, 1)


def test_the_preparation_of_a_model(tmp_path):
    preparation = load_data((X, LABELS)).preparation
    path = write_npy(tmp_path, X * 2, LABELS)
    stream = open_stream(path, preparation=preparation)
    x, y = stream.read(0, 101)
    assert (x == preparation.apply(X * 2).x).all()
    assert (y == LABELS).all()
    table = load_data(write_parquet(tmp_path, X, NUMBERS)).preparation
    frame = pl.read_parquet(tmp_path / "t.parquet").select(
        "x3", "y", pl.lit(1).alias("more"), "x0", "x1", "x2", "x4", "x5"
    )
    frame.write_parquet(tmp_path / "again.parquet")
    x, y = open_stream(tmp_path / "again.parquet", preparation=table).read(0, 101)
    np.testing.assert_allclose(x, table.apply(pl.read_parquet(tmp_path / "t.parquet")).x, rtol=1e-14)
    frame.drop("y").write_parquet(tmp_path / "no_y.parquet")
    assert open_stream(tmp_path / "no_y.parquet", preparation=table).read(0, 5)[1] is None


def test_parts_share_the_preparation_of_the_training_rows(tmp_path):
    x = X.copy()
    x[80:] += 1000  # held out: must not move the mean
    train, validation, test = parts = split(open_stream(write_npy(tmp_path, x, LABELS)), validation=0.1, test=0.1)
    assert [part.n for part in parts] == [81, 10, 10]
    assert train.preparation is validation.preparation is test.preparation
    seen = train.read(0, 81)[0]
    np.testing.assert_allclose(seen.mean(0), 0, atol=1e-12)
    assert (test.read(0, 10)[1] == LABELS[91:]).all()
    assert any("cut in the order of the file" in note for note in parts.notes)
    assert split(open_stream(tmp_path / "x.npy"), validation=0, test=0).test is None


def test_targets_can_be_kept_as_they_are(tmp_path):
    counts = np.random.default_rng(0).poisson(5.0, len(X)) / 1.0
    np.save(tmp_path / "y.npy", counts)
    np.save(tmp_path / "x.npy", X)
    stream = open_stream(tmp_path / "x.npy", task="regression", scale_target=False)
    train, _, test = split(stream, validation=0.1, test=0.1)
    assert (train.read(0, 9)[1][:, 0] == counts[:9]).all() and (test.read(0, 1)[1] == counts[-test.n]).all()
    assert not train.preparation.target.moved
    assert open_stream(tmp_path / "x.npy", task="regression").preparation.target.moved


def test_a_part_of_a_part(tmp_path):
    stream = open_stream(write_npy(tmp_path, X, LABELS), scale="none")
    part = stream.part(20, 80).part(10, 30)
    assert part.n == 20
    assert (part.read(5, 9)[0] == X[35:39]).all()
    assert (part.read(5, 9)[1] == LABELS[35:39]).all()


@pytest.mark.parametrize("name", ["x.npy", "d.npz"])
def test_no_full_size_copy_is_made(tmp_path, monkeypatch, name):
    monkeypatch.setattr("pellucid.data.streams.PIECE", 1 << 16)
    n, width = 20_000, 100  # 16 MB
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float64, (n, width))
    x[:] = 3.0
    x[::7] = -1.0
    x.flush()
    np.save(tmp_path / "y.npy", np.arange(n) % 2)
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.write(tmp_path / "x.npy", "x.npy")
        archive.write(tmp_path / "y.npy", "y.npy")
    del x
    tracemalloc.start()
    try:
        stream = open_stream(tmp_path / name)
        for inputs, _ in pieces(stream, 500):
            assert inputs.shape == (500, width)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n * width * 8 / 4, f"{peak / 1e6:.1f} MB"


def test_a_mapped_member_is_where_the_zip_says(tmp_path):
    np.savez(tmp_path / "d.npz", a_long_name_before=np.arange(1000), x=X, y=LABELS)
    with zipfile.ZipFile(tmp_path / "d.npz") as archive:
        mapped = sources.map_member(tmp_path / "d.npz", archive.getinfo("x.npy"))
    assert isinstance(mapped, np.memmap)
    assert (mapped == X).all()


@pytest.mark.parametrize(
    ("write", "options", "message"),
    [
        (lambda f: np.savez_compressed(f / "s.npz", x=X, y=LABELS), {}, "s.npz, array 'x': expected an array that isn't compressed, to read it by rows, got a compressed one. Save it with numpy.savez"),
        (lambda f: np.savez(f / "s.npz", a=X, b=LABELS), {}, "s.npz: expected arrays called x and y"),
        (lambda f: np.savez(f / "s.npz", x=np.array([["a"]])), {}, "s.npz, x: expected numbers, got an array (1, 1) of <U1"),
        (lambda f: np.savez(f / "s.npz", x=np.array([[None]], dtype=object)), {}, "s.npz, array 'x': expected an array of numbers or text, got Python objects"),
        (lambda f: (f / "s.npy").write_bytes(gzip.compress(b"\x93NUMPY1234", mtime=0)), {}, "s.npy: expected a file that isn't compressed, to read it by rows, got gzip. Unpack it first."),
        (lambda f: (f / "s.csv").write_text("a,b\n1,2\n"), {}, "s.csv: expected NPY, NPZ, IDX or Parquet, which can be read by rows, got text. Convert it once: polars.scan_csv"),
        (lambda f: np.save(f / "s.npy", np.ones(5)), {}, "s.npy: expected samples as rows, (n, n_0), got shape (5,)."),
        (lambda f: np.save(f / "s.npy", np.ones((5, 0))), {}, "s.npy: expected samples as rows, (n, n_0), got shape (5, 0)."),
        (lambda f: np.save(f / "s.npy", np.ones((5, 2), complex)), {}, "s.npy: expected real numbers, got an array (5, 2) of complex128."),
        (lambda f: np.save(f / "s.npy", X), {"drop": "x[0]"}, "features: expected a table (Parquet) to choose columns from, got an NPY file."),
        (lambda f: np.save(f / "s.npy", X), {"task": "x"}, "task: expected one of classification, regression, got 'x'."),
        (lambda f: np.savez(f / "s.npz", x=X, y=LABELS[:9]), {}, "s.npz, y: expected 101 targets, one for each row of s.npz, x, got shape (9,)."),
        (lambda f: np.savez(f / "s.npz", x=X, y=LABELS * 0), {}, "s.npz, x, targets: expected at least two classes, got only 0 in all 101 rows."),
        (lambda f: np.savez(f / "s.npz", x=X, y=np.where(LABELS, 1.0, np.nan)), {}, "targets, row "),
        (lambda f: pl.DataFrame({"a": [1], "y": [2]}).clear().write_parquet(f / "s.parquet"), {}, "s.parquet: expected rows of data, got none."),
        (lambda f: pl.DataFrame({"a": [1, 2], "y": [0, 1]}).write_parquet(f / "s.parquet"), {"target": "b"}, "s.parquet: expected the target 'b' among its columns"),
        (lambda f: pl.DataFrame({"y": [0, 1]}).write_parquet(f / "s.parquet"), {}, "s.parquet: expected at least one input column beside the target"),
        (lambda f: pl.DataFrame({"a": [[1], [2]], "y": [0, 1]}).write_parquet(f / "s.parquet"), {}, "s.parquet, column 'a': expected numbers, truth values or categories"),
        (lambda f: (f / "s.parquet").write_bytes(b"PAR1 nothing PAR1"), {}, "s.parquet: expected Parquet that can be read, but"),
        (lambda f: (f / "s.idx").write_bytes(idx_bytes(IMAGES)[:-1]), {}, "s.idx: expected 2020 bytes of values for shape (101, 5, 4), got 2019."),
        (lambda f: (f / "s.idx").write_bytes(idx_bytes(LABELS.astype(np.uint8))), {}, "s.idx: expected a file of images, got one of labels."),
        (lambda f: None, {}, "expected a file (NPY, NPZ, IDX or Parquet), got no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_streamed(tmp_path, write, options, message):
    write(tmp_path)
    path = next(iter(tmp_path.iterdir()), tmp_path / "s.npy")
    with pytest.raises((DataError, ShapeError)) as error:
        open_stream(path, **options)
    assert message in str(error.value)


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_a_bad_value_is_named_with_its_row(tmp_path, kind):
    x = X.copy()
    x[77, 2] = np.nan
    path = (write_npy if kind == "npy" else write_parquet)(tmp_path, x, LABELS)
    column = "x[2]" if kind == "npy" else "x2"
    with pytest.raises(DataError) as error:
        open_stream(path).read(0, 5)
    assert f"{path.name}, row 78, column {column!r}: the value is missing" in str(error.value)
    ready = load_data(
        X if kind == "npy" else pl.DataFrame({f"x{i}": X[:, i] for i in range(6)} | {"y": LABELS})
    ).preparation
    with pytest.raises(DataError, match="row 78, column"):
        open_stream(path, preparation=ready).read(70, 80)


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (7, 5), (0, 102)])
def test_rows_that_are_not_there(tmp_path, start, stop):
    stream = open_stream(write_npy(tmp_path, X, LABELS))
    with pytest.raises(DataError, match="expected rows between 0 and 101"):
        stream.read(start, stop)
    with pytest.raises(DataError, match="expected rows between 0 and 101"):
        stream.part(start, stop)


def test_inputs_alone(tmp_path):
    np.save(tmp_path / "x.npy", X)
    stream = open_stream(tmp_path / "x.npy")
    assert stream.n_outputs == 0
    assert stream.classes is None
    assert stream.target_names == ()
    assert stream.read(0, 3)[1] is None
