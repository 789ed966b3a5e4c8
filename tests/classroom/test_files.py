"""What is in a folder of submissions: no link is followed, and whatever can't be graded is listed with its reason."""

import json
import os
import socket
import sys

import pytest

from pellucid.classroom.files import REFUSED, SKIPPED, Handed, NotGraded, files_in

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and sockets as POSIX has them")


def reasons(folder):
    return {handed.name: (handed.status, handed.reason) for handed in files_in([folder])}


def test_only_plain_files_are_submissions(tmp_path):
    secret = tmp_path / "solution.py"
    secret.write_text("SECRET")
    folder = tmp_path / "class"
    (folder / "ann").mkdir(parents=True)
    (folder / "ann" / "mine.py").write_text("x = 1")
    (folder / "link.py").symlink_to(secret)
    (folder / "nowhere.py").symlink_to(tmp_path / "nothing")
    (folder / "self.py").symlink_to("self.py")
    (folder / "folder.py").mkdir()
    (folder / "elsewhere").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.py")
    (folder / "report.pdf").write_text("")
    (folder / "__pycache__").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        where = os.getcwd()
        os.chdir(folder)  # the path of a socket is short
        server.bind("socket.py")
        os.chdir(where)
        assert reasons(folder) == {
            "__pycache__": (SKIPPED, "Its name begins with . or __."),
            "ann/mine.py": ("", ""),
            "elsewhere": (REFUSED, "It is a link, not a file of its own."),
            "link.py": (REFUSED, "It is a link, not a file of its own."),
            "nowhere.py": (REFUSED, "It is a link, not a file of its own."),
            "pipe.py": (REFUSED, "It is a pipe, not a file of its own."),
            "report.pdf": (SKIPPED, "It is no Python file or notebook."),
            "self.py": (REFUSED, "It is a link, not a file of its own."),
            "socket.py": (REFUSED, "It is a socket, not a file of its own."),
        }
    for given in (folder / "link.py", folder / "elsewhere", "/dev/null"):
        [handed] = files_in([given])
        assert handed.status == REFUSED


def test_a_link_that_appears_later_is_not_followed(tmp_path):
    (tmp_path / "class" / "ann").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    for folder in ("class/ann", "other"):
        (tmp_path / folder / "a.py").write_text(folder)
    [handed] = files_in([tmp_path / "class"])
    assert handed.source().code == b"class/ann"
    os.rename(tmp_path / "class" / "ann", tmp_path / "gone")
    (tmp_path / "class" / "ann").symlink_to(tmp_path / "other")
    with pytest.raises(NotGraded, match="It could not be read"):
        handed.source()
    (tmp_path / "b.py").symlink_to(tmp_path / "other" / "a.py")
    with pytest.raises(NotGraded, match="It could not be read"):
        Handed(tmp_path, ("b.py",), "b.py").source()
    os.mkfifo(tmp_path / "c.py")  # opening it must not wait for a writer
    with pytest.raises(NotGraded, match="It is a pipe"):
        Handed(tmp_path, ("c.py",), "c.py").source()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_that_are_no_text(tmp_path):
    with open(os.fsencode(tmp_path) + b"/\xff\x1b.py", "w") as file:
        file.write("x = 1")
    [(name, (status, reason))] = reasons(tmp_path).items()
    assert (name, status, reason) == (
        "\\udcff\\x1b.py",
        REFUSED,
        "Its name is not UTF-8: rename it, and grade it again.",
    )


def test_folders_without_end(tmp_path):
    at = tmp_path
    for _ in range(12):
        at = at / "d"
        at.mkdir()
    (tmp_path / "many").mkdir()
    for i in range(1001):
        (tmp_path / "many" / f"{i}.py").touch()
    (tmp_path / "a.py").touch()
    found = reasons(tmp_path)
    assert found["many"] == (REFUSED, "The folder has more than 1,000 entries.")
    assert found["/".join("d" * 11)] == (REFUSED, "It lies more than 10 folders deep.")
    assert len(found) == 3


def test_notebooks(tmp_path):
    def cell(kind, source):
        return {"cell_type": kind, "source": source}

    cells = [
        cell("markdown", "# Mine"),
        cell("code", ["%pip install numpy\n", "x = 1\n", "!ls"]),
        cell("code", "y = 2"),
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [*cells, cell("code", "%%bash\nls")]}))
    for name, text in {
        "b": "no JSON",
        "c": "[]",
        "d": '{"cells": [{"cell_type": "code", "source": 1}]}',
        "e": "[" * 99999,
    }.items():
        (tmp_path / f"{name}.ipynb").write_text(text)
    first, *others = files_in([tmp_path])
    source = first.source()
    assert source.code.decode() == "# %pip install numpy\nx = 1\n# !ls\ny = 2\n# %%bash\n# ls\n"
    assert [f"code cell {cell}, line {line}" for cell, line in [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 2)]] == [
        *source.places
    ]
    for handed in others:
        with pytest.raises(NotGraded, match="It is no Jupyter notebook"):
            handed.source()
