"""Files that were made, or damaged, to end the process, to fill the memory, or to write on the terminal."""

import gzip
import io
import os
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pellucid.data import files, load_data, open_stream
from pellucid.data.parquet import guarded
from pellucid.errors import DataError, InputError
from tests.bad_input.judging import refuse
from tests.cli.running import run

ROOT = Path(__file__).parents[2]
READERS = [load_data, open_stream]


def parquet() -> bytes:
    file = io.BytesIO()
    pl.DataFrame({"a": [1.5, 2, 3] * 5, "c": ["u", "v", "u"] * 5, "y": [0, 1, 1] * 5}).write_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("read", READERS)
def test_a_bit_that_would_end_the_process(tmp_path, read, which):
    """A page of 15 values, written as 30 (zigzag), says with one bit more that it holds −16."""
    content, place = bytearray(parquet()), -1
    for _ in range(which + 1):
        place = content.index(b"\x2c\x15\x1e\x15", place + 1)
    content[place + 2] |= 1
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    refuse(lambda: read(path), ["t.parquet: expected Parquet that can be read"])


def test_a_panic_of_the_reader_is_a_sentence_and_prints_nothing(tmp_path, capfd):
    """Without a child process: the panic itself is caught, and what it prints is held back."""
    path = tmp_path / "t.parquet"
    path.write_bytes(parquet())

    def panic():
        os.write(2, b"thread panicked")
        raise pl.exceptions.PanicException("called `Option::unwrap()` on a `None` value")

    with pytest.raises(DataError, match="expected Parquet that can be read, but called"), guarded("t.parquet"):
        panic()
    with guarded("t.parquet"):
        os.write(2, b"a warning of the reader")
    assert capfd.readouterr().err == "a warning of the reader"


def test_parquet_that_declares_more_rows_than_it_has_room_for(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": np.zeros(20_000_000), "y": np.ones(20_000_000)}).write_parquet(path, row_group_size=10_000_000)
    assert path.stat().st_size < 100_000
    refuse(lambda: load_data(path), ["unpack to at most", "max_unpacked=4e9"])


def gz(content):
    return gzip.compress(content, mtime=0)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


ZEROS = np.zeros((50_000, 20))  # 8 MB
BOMBS = {
    "t.npy.gz": lambda: gz(npy(ZEROS)),
    "t.idx.gz": lambda: gz(b"\0\0\x08\x03" + struct.pack(">3I", 50_000, 20, 8) + bytes(8_000_000)),
    "t.csv.gz": lambda: gz(b"a,b,y\n" + b"0.5,0.5,1\n" * 800_000),
    "t.npz": lambda: npz(x=ZEROS, y=np.arange(50_000) % 2),
}


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("name", BOMBS)
def test_what_compressed_data_may_become_is_limited(tmp_path, monkeypatch, name):
    monkeypatch.setattr(files, "MOST_UNPACKED", 1 << 20)
    monkeypatch.setattr(files, "RATIO", 20)
    path = tmp_path / name
    path.write_bytes(BOMBS[name]())
    tracemalloc.start()
    refuse(
        lambda: load_data(path), [f"{name}: expected data that unpack to at most", "max_unpacked=4e9", "--max-unpacked"]
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6 or name == "t.npy.gz"  # for which NumPy asks for the declared size, and doesn't touch it
    said = ""
    try:
        load_data(path, max_unpacked=1e9, impute="mean")
    except DataError as error:
        said = str(error)
    assert "unpack" not in said


def test_an_array_that_is_not_used_is_not_unpacked(tmp_path):
    arrays = {"x": np.arange(20.0).reshape(10, 2), "y": np.arange(10) % 2}
    np.savez_compressed(tmp_path / "t.npz", **arrays)
    with zipfile.ZipFile(tmp_path / "t.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("unused.npy", npy(np.zeros(3_000_000)))
    tracemalloc.start()
    data = load_data(tmp_path / "t.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.n == 10 and "arrays that were not used: unused" in data.notes
    assert peak < 5e6


@pytest.mark.parametrize("value", [0, -1, "4e9", True, float("nan")])
def test_a_limit_that_is_none(value):
    with pytest.raises(InputError, match="max_unpacked: expected a number of bytes"):
        load_data("iris", max_unpacked=value)


IDX = {
    "more dimensions than arrays have": b"\0\0\x08\x41" + b"\0\0\0\x01" * 65 + b"7",
    "no values": b"\0\0\x08\x03" + b"\xff" * 8 + b"\0" * 4,
    "larger than the world": b"\0\0\x0e\x03" + b"\xff" * 12,
}


@pytest.mark.parametrize("content", IDX.values(), ids=IDX)
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("pack", [bytes, gz])
def test_idx_headers(tmp_path, read, content, pack):
    path = tmp_path / ("t.idx.gz" if pack is gz else "t.idx")
    path.write_bytes(pack(content))
    refuse(lambda: read(path), [path.name])


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-9], lambda c: c[:-8] + b"\0" * 8, lambda c: c[:40] + b"\xff" * 9 + c[49:]]
)
def test_gzip_that_is_cut_or_changed(tmp_path, damage):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(damage(gz(b"a,y\n" + b"".join(b"%d,%d\n" % (i, i % 2) for i in range(5000)))))
    refuse(lambda: load_data(path), ["t.csv.gz: expected", "gzip"])


CONTENTS = {
    "csv": b"a,y\n" + b"1.5,0\n2.5,1\n" * 5,
    "parquet": None,
    "npy": npy(np.arange(20.0).reshape(10, 2)),
    "absent": None,
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
@pytest.mark.parametrize("ending", CONTENTS)
def test_a_file_name_that_is_not_utf8(tmp_path, ending):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/n\xff\x1b[31m." + ending.encode())
    if ending == "parquet":
        pl.DataFrame({"a": [1.5, 2.5] * 5, "y": [0, 1] * 5}).write_parquet(tmp_path / "t.parquet")
        os.rename(tmp_path / "t.parquet", name)
    elif ending != "absent":
        Path(name).write_bytes(CONTENTS[ending])
    result = run("data", name)
    assert result.exit_code == (2 if ending == "absent" else 0), result.stderr
    for text in (result.stdout, result.stderr):
        assert "\x1b" not in text and "\udcff" not in text
    assert "n\\udcff\\x1b[31m" in result.stdout + result.stderr


def test_a_column_without_values_is_shown(tmp_path):
    x = np.arange(20.0).reshape(10, 2)
    x[:, 1] = np.nan
    np.savez(tmp_path / "t.npz", x=x, y=np.arange(10) % 2)
    result = run("data", str(tmp_path / "t.npz"))
    assert result.exit_code == 0
    assert "x[1]" in result.stdout and "no values" in result.stdout


LONG = {
    "a field": ("t.csv", b"a,y\n" + b"1,0\n2,1\n" * 9 + b"x" * 70_000 + b",1\n"),
    "a name": ("t.csv", b"a" * 99_000 + b",a" + b",y" * 2 + b"\n1,2,3,4\n"),
    "controls": ("t.csv", b"a,y\n" + b"1,0\n2,1\n" * 9 + b"\x1b[31m\x07\xe2\x80\xae,1\n"),
    "labels": ("t.csv", b"a,y\n" + b"".join(b"%d,%s\n" % (i, b"ab"[i % 2 : i % 2 + 1] * 100_000) for i in range(8))),
}


@pytest.mark.parametrize(("name", "content"), LONG.values(), ids=LONG)
@pytest.mark.parametrize("command", ["data", "train"])
def test_what_is_printed_is_short_and_has_no_control_characters(tmp_path, monkeypatch, command, name, content):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    result = run(command, name, *(["--epochs", "1"] if command == "train" else []))
    assert result.exit_code in (0, 2)
    for line in (result.stdout + result.stderr).splitlines():
        assert len(line) < 2500, line[:300]
        assert line.isprintable()


def test_many_columns_take_time_in_proportion(tmp_path):
    def operations(width):
        path = tmp_path / "t.csv"
        path.write_text(
            ",".join(f"c{i}" for i in range(width)) + ",y\n" + ("1.5," * width + "0\n" + "2.5," * width + "1\n") * 3
        )
        calls = [0]

        def count(frame, event, argument):
            calls[0] += 1

        sys.setprofile(count)
        try:
            load_data(path).preparation.apply(path)
        finally:
            sys.setprofile(None)
        return calls[0]

    few, many = operations(300), operations(1200)
    assert many < 6 * few


def test_more_columns_than_can_be(tmp_path, monkeypatch):
    monkeypatch.setattr("pellucid.data.frames.MOST_COLUMNS", 20)
    path = tmp_path / "t.csv"
    path.write_text(",".join(f"c{i}" for i in range(21)) + "\n" + "1," * 20 + "0\n")
    refuse(lambda: load_data(path), ["expected at most 20 columns, got 21", "NPY"])
