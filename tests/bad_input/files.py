"""Files that can't be used, by what is wrong with them: (name, content, fragments of the sentence)."""

import gzip
import io

import numpy as np
import polars as pl

HEAD = "a,b,y\n"


def npy(array, **more) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **more)
    return file.getvalue()


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def parquet(**columns) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


GOOD_NPZ = npz(x=np.arange(24.0).reshape(12, 2), y=np.arange(12) % 2)
GOOD_PARQUET = parquet(a=[1.0, 2.0, 3.0] * 4, y=[0, 1, 0] * 4)
TEXTS = [f"this is sentence number {i}" for i in range(40)]

TABLES = {
    "empty": ("t.csv", b"", ["an empty file"]),
    "a header only": ("t.csv", HEAD, ["rows of data"]),
    "one row": ("t.csv", HEAD + "1,2,x\n", ["two classes", "'x'"]),
    "one class": ("t.csv", HEAD + "1,2,x\n2,3,x\n" * 5, ["two classes", "'x'"]),
    "a constant target": ("t.csv", "a,y\n" + "".join(f"{i},3.5\n" for i in range(9)), ["to vary", "3.5"]),
    "the target alone": ("t.csv", "y\n1\n2\n", ["at least one input column"]),
    "a short row": ("t.csv", HEAD + "1,2,x\n1,2\n3,4,y\n", ["row 2"]),
    "a long row": ("t.csv", HEAD + "1,2,x\n1,2,y,5\n3,4,y\n", ["row 2"]),
    "a column twice": ("t.csv", "a,a,y\n1,2,x\n2,3,y\n", ["'a'", "columns 1 and 2"]),
    "a column without a name": ("t.csv", "a,,y\n1,2,x\n2,3,y\n", ["column 2"]),
    "a full-width header twice": ("t.csv", "幅,幅,y\n1,2,x\n2,3,y\n", ["'幅'"]),
    "a quote that is not closed": ("t.csv", HEAD + '"1,2,x\n3,4,y\n', ["quotes"]),
    "NaN in a row": ("t.csv", HEAD + "1,2,x\n1,NaN,x\n2,3,y\n" * 3, ["row 2 below the header", "column 'b'"]),
    "infinity in a row": ("t.csv", HEAD + "1,2,x\n1,inf,x\n2,3,y\n" * 3, ["row 2 below the header", "column 'b'", "inf"]),
    "a gap": ("t.csv", HEAD + "1,2,x\n1,,x\n2,3,y\n" * 3, ["row 2 below the header", "column 'b'", "impute"]),
    "a gap under a quoted header": (
        "t.csv", '"a, ""b""",ｗｉｄｅ,y\n1,2,x\n,3,y\n' * 1 + "2,2,x\n3,3,y\n" * 3, ["row 2", "column 'a, \"b\"'"],
    ),
    "a target that is missing": ("t.csv", HEAD + "1,2,x\n1,2,\n2,3,y\n" * 3, ["row 2", "column 'y'", "target"]),
    "a word among numbers": ("t.csv", HEAD + "1,2,x\n2,oops,y\n3,4,x\n4,5,y\n" * 3, ["row 2", "column 'b'", "'oops'"]),
    "dates": ("t.csv", HEAD + "2020-01-01,2,x\n2020-01-02,3,y\n" * 3, ["column 'a'", "dates"]),
    "free text": ("t.csv", HEAD + "".join(f"{t},{i},{i % 2}\n" for i, t in enumerate(TEXTS)), ["column 'a'", "drop"]),
    "another encoding": ("t.csv", (HEAD + "1,é,x\n2,ü,y\n" * 3).encode("latin-1"), ["UTF-8"]),
    "zero bytes": ("t.csv", b"a,b\n1,\x002\n", []),
    "a web page": ("t.csv", "<!DOCTYPE html><html>", ["a web page"]),
    "a picture": ("t.csv", b"\x89PNG\r\n\x1a\n" + bytes(50), ["a picture"]),
    "a pickle": ("t.pkl", b"\x80\x04\x95\x00", ["pickle"]),
    "a workbook": ("t.xlsx", b"PK\x03\x04" + bytes(50), []),
    "another ending": ("t.npz", "a,b\n1,2\n", ["ending"]),
    "gzip that is cut": ("t.csv.gz", gzip.compress((HEAD + "1,2,x\n2,3,y\n" * 999).encode(), mtime=0)[:-20], ["gzip"]),
    "Parquet that is cut": ("t.parquet", GOOD_PARQUET[:-10], ["t.parquet"]),
    "Parquet that is damaged": ("t.parquet", GOOD_PARQUET[:20] + bytes(30) + GOOD_PARQUET[50:], ["t.parquet"]),
    "Parquet of lists": ("t.parquet", parquet(a=[1, 2] * 6, l=[[1], [2]] * 6, y=[0, 1] * 6), ["column 'l'", "List"]),
    "Parquet without rows": ("t.parquet", parquet(a=[], y=[]), ["rows of data"]),
}  # fmt: skip

ARRAYS = {
    "NPY that is cut": ("t.npy", npy(np.ones((5, 2)))[:-9], ["t.npy"]),
    "an NPY header that is cut": ("t.npy", npy(np.ones((5, 2)))[:20], ["t.npy"]),
    "objects": ("t.npy", npy(np.array([{1: 2}], dtype=object), allow_pickle=True), ["t.npy"]),
    "complex numbers": ("t.npy", npy(np.ones((5, 2)) * 1j), ["real numbers"]),
    "one number": ("t.npy", npy(np.array(3.0)), ["rows"]),
    "NPZ that is cut": ("t.npz", GOOD_NPZ[:-40], ["zip"]),
    "NPZ that is damaged": ("t.npz", GOOD_NPZ[:200] + b"\xff\xff" + GOOD_NPZ[202:], ["t.npz"]),
    "NPZ without arrays": ("t.npz", npz(), []),
    "x and y of different length": ("t.npz", npz(x=np.ones((6, 2)), y=np.arange(4)), ["6 targets", "(4,)"]),
    "no samples": ("t.npz", npz(x=np.ones((0, 2)), y=np.ones(0)), ["at least one sample"]),
    "NaN": (
        "t.npz",
        npz(x=np.array([[1, 2], [1, np.nan]] * 6), y=np.arange(12) % 2),
        ["row 2, column 'x[1]'", "missing"],
    ),
    "infinity": (
        "t.npz",
        npz(x=np.array([[1, 2], [np.inf, 1]] * 6), y=np.arange(12) % 2),
        ["row 2, column 'x[0]'", "inf"],
    ),
    "NaN among the targets": ("t.npz", npz(x=np.ones((4, 2)), y=np.array([0, 1, np.nan, 1])), ["row 3", "nan"]),
    "one class only": ("t.npz", npz(x=np.ones((6, 2)), y=np.zeros(6, int)), ["two classes"]),
    "IDX that is cut": ("t.idx", b"\0\0\x08\x03\0\0\0\x05\0\0\0\x02\0\0\0\x02123", ["t.idx"]),
    "IDX of an unknown type": ("t.idx", b"\0\0\x07\x03\0\0\0\x05", []),
    "IDX larger than the world": ("t.idx", b"\0\0\x08\x03" + b"\xff" * 12 + b"12", ["t.idx"]),
}

FILES = TABLES | ARRAYS
