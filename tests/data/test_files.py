"""Files of arrays: what a file holds, NPY, NPZ and IDX there and back, and files that are damaged."""

import gzip
import io
import pickle
import struct
import zipfile

import numpy as np
import polars as pl
import pytest

from pellucid.data import load_data, split
from pellucid.data.files import choose, idx_labels, npy_targets, read_idx, sniff
from pellucid.errors import DataError, ShapeError

X = np.arange(24.0).reshape(8, 3) ** 2
Y = np.array([0, 1, 0, 1, 1, 0, 1, 0])
IMAGES = np.random.default_rng(0).integers(0, 256, (8, 5, 4)).astype(np.uint8)
IDX_CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx_bytes(array):
    code = IDX_CODES[array.dtype.str[1:]]
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def test_npz(folder):
    np.savez(folder / "d.npz", x=X, y=Y)
    data = load_data(folder / "d.npz")
    assert data.y is not None
    assert (data.y == Y).all()
    assert data.classes == (0, 1)
    np.testing.assert_allclose(data.x, (X - X.mean(0)) / X.std(0), rtol=1e-13)
    np.savez_compressed(folder / "c.npz", X=X, target=Y)
    assert (load_data(str(folder / "c.npz")).x == data.x).all()


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["x", "y"], {"x": "x", "y": "y"}),
        (["X", "y"], {"x": "X", "y": "y"}),
        (["data", "target", "feature_names"], {"x": "data", "y": "target"}),
        (["X_train", "y_train", "X_test", "y_test"], {"x": "X_train", "y": "y_train", "x_test": "X_test", "y_test": "y_test"}),
        (["train_images", "train_labels", "test_images", "test_labels"], {"x": "train_images", "y": "train_labels", "x_test": "test_images", "y_test": "test_labels"}),
        (["arr_0"], {"x": "arr_0"}),
        (["faces", "labels"], {"x": "faces", "y": "labels"}),
        (["x", "y", "x_test", "y_test"], {"x": "x", "y": "y", "x_test": "x_test", "y_test": "y_test"}),
    ],
)  # fmt: skip
def test_arrays_are_found_by_their_names(names, roles):
    assert choose(names, None, "d.npz") == roles


def test_npz_with_a_test_part_keeps_it(folder):
    np.savez(folder / "d.npz", x_train=X, y_train=Y, x_test=X[:2] + 1, y_test=Y[:2])
    train, validation, test = split(folder / "d.npz", validation=0.25)
    assert (train.n, validation.n, test.n) == (6, 2, 2)
    assert test.y.tolist() == Y[:2].tolist()
    assert load_data(folder / "d.npz").n == 8
    assert split(folder / "d.npz", validation=0, test=0).test is None


def test_a_test_part_of_one_class_is_no_error(folder):
    np.savez(folder / "d.npz", x_train=X, y_train=Y, x_test=X[:1], y_test=Y[1:2])
    test = split(folder / "d.npz").test
    assert test.y.tolist() == [1]


def test_npz_target_by_name_and_text_labels(folder):
    np.savez(folder / "d.npz", x=X, kind=np.array(list("abababab")), y=Y)
    assert load_data(folder / "d.npz", target="kind").classes == ("a", "b")
    with pytest.raises(DataError, match=r"d\.npz: expected an array 'colour' as target, got x, kind, y"):
        load_data(folder / "d.npz", target="colour")


def test_npy_with_its_targets_beside_it(folder):
    np.save(folder / "x_train.npy", X)
    assert load_data(folder / "x_train.npy").y is None
    np.save(folder / "y_train.npy", Y)
    data = load_data(folder / "x_train.npy")
    assert data.classes == (0, 1)
    assert "targets from y_train.npy" in data.notes
    (folder / "x.npy.gz").write_bytes(gzip.compress((folder / "x_train.npy").read_bytes()))
    assert (load_data(folder / "x.npy.gz").x == data.x).all()


def test_npy_targets_names(folder):
    for x, y in [
        ("x.npy", "y.npy"),
        ("train-images.npy", "train-labels.npy"),
        ("data.npy", "target.npy"),
        ("X_2.npy", "y_2.npy"),
    ]:
        (folder / y).touch()
        assert npy_targets(folder / x) == folder / y
    assert npy_targets(folder / "max.npy") is None


def test_npy_with_the_target_as_a_column(folder):
    np.save(folder / "table.npy", np.column_stack([X, Y]))
    data = load_data(folder / "table.npy", target="-1")
    assert data.n_inputs == 3
    assert data.classes == (0, 1)
    with pytest.raises(DataError, match=r"expected as target the number of a column"):
        load_data(folder / "table.npy", target="price")
    with pytest.raises(DataError, match=r"expected as target the number of a column"):
        load_data(folder / "table.npy", target="4")


def test_structured_npy_is_a_table(folder):
    rows = np.array([(1, 0.5, "a"), (2, 1.5, "b"), (4, 2.5, "a")], dtype=[("i", "i4"), ("f", "f8"), ("kind", "U3")])
    np.save(folder / "s.npy", rows)
    data = load_data(folder / "s.npy")
    assert data.feature_names == ("i", "f")
    assert data.classes == ("a", "b")


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("gzipped", [False, True])
def test_idx_of_every_type(folder, dtype, gzipped):
    array = (np.arange(60).reshape(5, 3, 4) - 20).astype(dtype)
    data = idx_bytes(array)
    path = folder / "a.idx"
    path.write_bytes(gzip.compress(data, mtime=0) if gzipped else data)
    assert sniff(path) == ("idx", gzipped)
    got = read_idx(path, gzipped)
    assert got.dtype == array.dtype
    assert (got == array).all()


@pytest.mark.parametrize(
    "names", [("t-images-idx3-ubyte", "t-labels-idx1-ubyte"), ("t-images.idx3-ubyte.gz", "t-labels.idx1-ubyte")]
)
def test_idx_images_find_their_labels(folder, names):
    images, labels = (folder / name for name in names)
    data = idx_bytes(IMAGES)
    images.write_bytes(gzip.compress(data, mtime=0) if names[0].endswith(".gz") else data)
    assert idx_labels(images) is None
    labels.write_bytes(idx_bytes(Y.astype(np.uint8)))
    read = load_data(images)
    assert read.x.dtype == np.float32
    assert read.shape == (5, 4)
    np.testing.assert_array_equal(read.x, (IMAGES.reshape(8, -1) / 255).astype(np.float32))
    assert read.y is not None
    assert (read.y == Y).all()
    assert read.feature_names[5] == "x[1,1]"


def test_labels_of_an_idx_file_are_classes_however_few_there_are(folder):
    (folder / "a-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES))
    (folder / "a-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(8).astype(np.uint8)))
    assert load_data(folder / "a-images-idx3-ubyte").n_outputs == 8


def test_parquet(folder):
    frame = pl.DataFrame({"a": [1.5, 2.5, 4.5], "c": ["u", "v", "u"], "y": [1, 0, 1]})
    frame.write_parquet(folder / "t.parquet")
    data = load_data(folder / "t.parquet")
    assert data.feature_names == ("a", "c=u", "c=v")
    assert data.classes == (0, 1)


def test_content_decides_where_the_ending_says_nothing(folder):
    np.savez(folder / "d.npz", x=X, y=Y)
    (folder / "data").write_bytes((folder / "d.npz").read_bytes())
    assert load_data(folder / "data").n == 8
    (folder / "table").write_text("a,y\n1,0.5\n2,1.5\n")
    assert load_data(folder / "table").n == 2
    pl.DataFrame({"a": [1, 2, 4], "y": [0.5, 1.5, 2.5]}).write_parquet(folder / "p.bin")
    assert load_data(folder / "p.bin").n == 3


def parquet_bytes():
    buffer = io.BytesIO()
    pl.DataFrame({"a": [1, 2], "y": [0.5, 1.5]}).write_parquet(buffer)
    return buffer.getvalue()


def npy_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz_bytes(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zip_bytes(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return buffer.getvalue()


IDX = idx_bytes(IMAGES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("e.csv", b"", "e.csv: expected data, got an empty file. Copy it again."),
        ("w.csv", parquet_bytes(), "w.csv: expected a table as text, as its ending says, got Parquet. Give it the right ending."),
        ("w.parquet", b"a,b\n1,2\n", "w.parquet: expected Parquet, as its ending says, got a table as text."),
        ("w.npz", npy_bytes(X), "w.npz: expected NumPy arrays in a zip (NPZ), as its ending says, got a NumPy array (NPY)."),
        ("b.xlsx", zip_bytes("[Content_Types].xml", "xl/a.xml"), "b.xlsx: expected CSV, TSV, Parquet, NPZ, NPY or IDX, got an Excel or other Office document. Save the sheet as CSV."),
        ("z.npz", zip_bytes("a.csv"), "z.npz: expected NumPy arrays in a zip (NPZ), got a zip archive. Unpack it first."),
        ("p.csv", b"<!DOCTYPE html><html>", "p.csv: expected a table as text, got a web page. Fetch the file itself"),
        ("p.pkl", pickle.dumps([1, 2, 3], protocol=4), "got a pickle. Pickles run code when opened"),
        ("d.h5", b"\x89HDF\r\n\x1a\n", "got HDF5. Save the arrays with numpy.savez."),
        ("m.safetensors", struct.pack("<Q", 2) + b'{"a":1}', "got a safetensors file."),
        ("b.bin", b"\x01\x00\x02\x00\x03", "got binary data."),
        ("t.npy", npy_bytes(X)[:-20], "t.npy: expected an array that can be read, but"),
        ("o.npy", npy_bytes(np.array([1, "a"], dtype=object)), "o.npy: expected an array of numbers or text, got Python objects. Convert it with astype"),
        ("o.npz", npz_bytes(x=np.array([[1, None]], dtype=object)), "o.npz, array 'x': expected an array of numbers or text, got Python objects."),
        ("t.npz", npz_bytes(x=X, y=Y)[:-30], "t.npz: expected a zip file that can be read, but File is not a zip file. The file may be cut off; copy it again."),
        ("n.npz", npz_bytes(a=X, b=Y), "n.npz: expected arrays called x and y (or data and target, x_train and y_train), got a, b."),
        ("t.parquet", parquet_bytes()[:-10], "t.parquet: expected Parquet that can be read, but"),
        ("t.idx", IDX[:-1], "t.idx: expected 160 bytes of values for shape (8, 5, 4), got 159."),
        ("l.idx", IDX + b"\0", "l.idx: expected 160 bytes of values for shape (8, 5, 4), got 161 or more."),
        ("h.idx", IDX[:8], "h.idx: expected 3 sizes in the header, got a file that ends there."),
        ("big.idx", bytes([0, 0, 8, 3]) + b"\xff" * 12, "expected 79228162458924105385300197375 bytes of values"),
        ("big.idx.gz", gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12, mtime=0), "big.idx.gz: expected"),
        ("t.idx.gz", gzip.compress(IDX, mtime=0)[:-20], "t.idx.gz: expected a whole gzip file"),
        ("g.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 1000, mtime=0)[:-12], "g.csv.gz: expected a whole gzip file"),
        ("labels.idx", idx_bytes(Y.astype(np.uint8)), "labels.idx: expected a file of images, got one of labels."),
        ("p.parquet.gz", gzip.compress(parquet_bytes(), mtime=0), "p.parquet.gz: expected CSV, TSV, Parquet, NPZ, NPY or IDX, got a gzip file of parquet. Unpack it first."),
        ("v.npy", npy_bytes(np.ones(3)), "v.npy: expected samples as rows, (n, n_0), got shape (3,)."),
        ("c.npy", npy_bytes(np.ones((3, 2), complex)), "c.npy: expected real numbers, got an array (3, 2) of complex128."),
        ("u.npy", npy_bytes(np.array([["a", "b"]])), "u.npy: expected numbers, got an array (1, 2) of <U1."),
        ("z.npy", npy_bytes(np.ones((0, 2))), "z.npy: expected at least one sample and one input, got shape (0, 2)."),
        ("nan.npy", npy_bytes(np.array([[1.0, 2.0], [3.0, np.nan]])), "nan.npy, row 2, column 'x[1]': the value is missing."),
        ("inf.npy", npy_bytes(np.array([[1.0, 2.0], [3.0, np.inf]])), "inf.npy, row 2, column 'x[1]': expected a finite number, got inf."),
        ("m.npz", npz_bytes(x=X, y=Y[:-1]), "m.npz, y: expected 8 targets, one for each row of m.npz, x, got shape (7,)."),
        ("ny.npz", npz_bytes(x=X, y=np.where(Y, np.nan, 1.0)), "ny.npz, y, row 2: expected a finite number as target, got nan."),
        ("one.npz", npz_bytes(x=X, y=np.zeros(8, int)), "one.npz, y: expected at least two classes in 'y', got only 0 in all 8 rows."),
        ("k.npz", npz_bytes(x_train=X, y_train=Y, x_test=X[:, :2], y_test=Y), "expected 3 columns, got 2"),
        ("q.npz", npz_bytes(x_train=X, y_train=Y, x_test=X, y_test=Y + 1), "expected a known label (0, 1), got 2"),
    ],
)  # fmt: skip
def test_damaged_and_foreign_files(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises((DataError, ShapeError)) as error:
        load_data(folder / name)
    assert message in str(error.value)


def test_paths_that_lead_nowhere(folder):
    (folder / "house.csv").write_text("a,y\n1,2\n")
    with pytest.raises(
        DataError, match=r"houses\.csv: expected a file .* or a named set, got no such file\. Did you mean 'house\.csv'"
    ):
        load_data(folder / "houses.csv")
    with pytest.raises(DataError, match=r"Did you mean 'digits'"):
        load_data("digit")
    with pytest.raises(DataError, match=r"expected a folder with train-images-idx3-ubyte \(or with \.gz\), got none"):
        load_data(folder)
    with pytest.raises(DataError, match="no such file"):
        load_data(folder / "no" / "where.csv")


def test_a_file_that_may_not_be_read(folder, monkeypatch):
    path = folder / "s.csv"
    path.write_text("a,y\n1,2\n")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(DataError, match=r"s\.csv: expected a file that can be read, got Permission denied"):
        sniff(path)


def test_nothing_is_unpickled(folder):
    class Bomb:
        def __reduce__(self):
            return (open, (str(folder / "boom"), "w"))

    np.save(folder / "x.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    np.savez(folder / "x.npz", x=np.array([[Bomb()]], dtype=object))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(DataError, match="Python objects"):
            load_data(folder / name)
    assert not (folder / "boom").exists()
