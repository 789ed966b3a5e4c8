"""A file is written whole or not at all, and nothing is left beside it."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from pellucid.errors import InputError, ModelFileError
from pellucid.store import check_writable, read_arrays, replacing, write_arrays
from tests.bad_input.judging import permissions


def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")

    def fail(failure):
        with replacing(path) as file:
            file.write(b"half")
            raise failure

    for failure in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(failure):
            fail(failure)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert path.read_text() == "old"


def test_a_full_disk_keeps_the_old_file_and_is_said(tmp_path):
    """A limit on the size of files stands for the full disk."""
    program = """
import resource, sys, numpy as np
from pellucid.errors import ModelFileError
from pellucid.store import write_arrays
write_arrays("a", {"x": np.ones(3)}, {})
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_arrays("a", {"x": np.ones(10_000)}, {})
except ModelFileError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "a: expected to write the file, got file too large.\n"
    assert os.listdir(tmp_path) == ["a"]
    np.testing.assert_array_equal(read_arrays(tmp_path / "a")[0]["x"], np.ones(3))


def test_an_interrupted_rename_leaves_the_old_file(tmp_path, monkeypatch):
    write_arrays(tmp_path / "a", {"x": np.ones(3)}, {})

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_arrays(tmp_path / "a", {"x": np.zeros(3)}, {})
    assert os.listdir(tmp_path) == ["a"]
    np.testing.assert_array_equal(read_arrays(tmp_path / "a")[0]["x"], np.ones(3))


def test_the_data_reach_the_disk_before_the_name(tmp_path, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (steps.append(name), real(*a))[1])
    write_arrays(tmp_path / "a", {"x": np.ones(3)}, {})
    assert steps == ["fsync", "replace", "fsync"]


def test_permissions_are_the_usual_ones_and_stay(tmp_path):
    old = os.umask(0o027)
    try:
        write_arrays(tmp_path / "a", {}, {})
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    (tmp_path / "a").chmod(0o600)
    write_arrays(tmp_path / "a", {}, {})
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_arrays(tmp_path / "link", {}, {"k": 1})
    assert (tmp_path / "link").is_symlink()
    assert read_arrays(tmp_path / "real")[1] == {"k": 1}


def unwritable(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    return {
        "a missing folder": (tmp_path / "no" / "a", "expected a folder that exists, got"),
        "a file as folder": (tmp_path / "file" / "a", "expected a folder that exists, got"),
        "a folder": (tmp_path / "folder", "got a folder or a device"),
        "a device": ("/dev/null", "got a folder or a device"),
        "a name too long": (tmp_path / ("n" * 300), "file name too long"),
        "nothing": ("", "expected the name of a file, got ''"),
        "a zero byte": ("a\0b", "expected the name of a file"),
        "half a character": ("\ud800", "expected the name of a file"),
        "a number": (3, "expected the name of a file, got 3"),
        "None": (None, "expected the name of a file, got None"),
    }


def test_what_cannot_be_written_is_said_beforehand(tmp_path):
    for path, message in unwritable(tmp_path).values():
        before = sorted(p.name for p in tmp_path.rglob("*"))
        for action in (check_writable, lambda path: write_arrays(path, {}, {})):
            with pytest.raises((ModelFileError, InputError), match=message):
                action(path)
        assert sorted(p.name for p in tmp_path.rglob("*")) == before
    check_writable(tmp_path / "new")
    check_writable(tmp_path / "file")
    assert not (tmp_path / "new").exists()


@permissions
def test_closed_folders_and_files_are_said(tmp_path):
    (tmp_path / "read-only").write_text("")
    (tmp_path / "read-only").chmod(0o400)
    with pytest.raises(ModelFileError, match="read-only"):
        check_writable(tmp_path / "read-only")
    tmp_path.chmod(0o500)
    with pytest.raises(ModelFileError, match="permission denied"):
        check_writable(tmp_path / "a")
    tmp_path.chmod(0o700)


def test_what_cannot_be_read_is_said(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in {
        tmp_path / "absent": "expected a model file, got no such file or directory",
        tmp_path: "a folder or a device",
        tmp_path / "pipe": "a folder or a device",
        "/dev/zero": "a folder or a device",
        "a\0b": "expected the name of a file",
        7: "expected the name of a file, got 7",
    }.items():
        with pytest.raises((ModelFileError, InputError), match=message):
            read_arrays(path)


def test_reading_and_writing_need_the_arrays_memory_once(tmp_path):
    array = np.ones(2_000_000)
    for action, most in {
        lambda: write_arrays(tmp_path / "a", {"x": array}, {}): 0.1,
        lambda: read_arrays(tmp_path / "a"): 1.1,
    }.items():
        tracemalloc.start()
        action()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < most * array.nbytes


def test_what_a_killed_run_left_half_written_is_removed_by_the_next(tmp_path):
    left = tmp_path / ".pellucid-0123456789ab.tmp"
    left.write_bytes(b"half")
    (tmp_path / ".pellucid-notes").write_text("not ours")
    with (
        replacing(tmp_path / "first") as first,
        replacing(tmp_path / "second") as second,
    ):  # each leaves the other's alone
        first.write(b"1")
        second.write(b"2")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".pellucid-notes", "first", "second"]
    left.write_bytes(b"half")
    check_writable(tmp_path / "third")
    assert not left.exists()


def test_a_link_that_looks_like_a_left_over_is_not_followed(tmp_path):
    (tmp_path / "kept").write_text("kept")
    (tmp_path / ".pellucid-0123456789ab.tmp").symlink_to(tmp_path / "kept")
    check_writable(tmp_path / "new")
    assert (tmp_path / "kept").read_text() == "kept"


def test_the_name_of_a_file_need_not_be_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/a\xff"
    with replacing(path) as file:
        file.write(b"1")
    with pytest.raises(ModelFileError) as caught:
        read_arrays(path + b"b")
    str(caught.value).encode()
