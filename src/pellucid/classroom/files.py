"""What was handed in: the files of a folder, none reached through a link, and why the others can't be graded.

Before it: the paths on the command line. After it: `classroom` runs what was found, and lists the rest.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, readable, shown
from .notebooks import code_cells

MOST_SOURCE = 2_000_000  # bytes of a submission; a notebook may have ten times as many, for its pictures
MOST_ENTRIES, DEEPEST = 1000, 10  # of a folder below the first
REFUSED, SKIPPED = "refused", "skipped"
KINDS = {
    stat.S_ISLNK: "a link", stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device", stat.S_ISBLK: "a device",
}  # fmt: skip


class NotGraded(Exception):
    """A reason, in one sentence, why a file is not run."""


@dataclass(frozen=True)
class Source:
    """Python source that was handed in.

    Attributes:
        places: what each line is called where it is not just its number: "code cell 2, line 1".
    """

    code: bytes
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handed:
    """One file that was handed in.

    Attributes:
        top: the folder from which on no link is followed.
        parts: the way from there to the file.
        name: how it is called in every list; one readable line.
        function: the function asked for, or None.
        status: "" for a submission, "refused" for one that must not be read, "skipped" for what is none.
        reason: why, in one sentence.
    """

    top: Path
    parts: tuple[str, ...]
    name: str
    function: str | None = None
    status: str = ""
    reason: str = ""

    def source(self) -> Source:
        """Its Python source; of a notebook, its code cells.

        Raises:
            NotGraded: it can't be read, is no plain file, or is too large.
        """
        notebook = self.parts[-1].lower().endswith(".ipynb")
        most = MOST_SOURCE * (10 if notebook else 1)
        try:
            data = contents(self.top, self.parts, most + 1)
        except OSError as error:
            raise NotGraded(f"It could not be read ({(error.strerror or str(error)).lower()}).") from None
        if len(data) > most:
            raise NotGraded(f"The file has more than {most:,} bytes.")
        if not notebook:
            return Source(data)
        try:
            return Source(*code_cells(data))
        except ValueError:
            raise NotGraded("It is no Jupyter notebook, though it is called one.") from None


def contents(top: Path, parts: Sequence[str], most: int) -> bytes:
    """The first bytes of a plain file; no link below `top` is followed, whoever puts one there meanwhile.

    Raises:
        NotGraded: no plain file.
        OSError: a link, or a file that can't be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with ExitStack() as stack:
        at: int | None = None
        if os.open in os.supports_dir_fd:
            for folder in (top, *parts[:-1]):
                at = os.open(folder, (flags if at is not None else os.O_RDONLY) | os.O_DIRECTORY, dir_fd=at)
                stack.callback(os.close, at)
            file = os.open(parts[-1], flags, dir_fd=at)
        else:
            file = os.open(top.joinpath(*parts), flags)
        stack.callback(os.close, file)
        check_kind(os.fstat(file).st_mode)
        found = b""
        while len(found) < most and (part := os.read(file, most - len(found))):
            found += part
        return found


def check_kind(mode: int) -> None:
    """Refuse what is no plain file.

    Raises:
        NotGraded: with what it is.
    """
    if not stat.S_ISREG(mode):
        kind = next((said for test, said in KINDS.items() if test(mode)), "something else")
        raise NotGraded(f"It is {kind}, not a file of its own.")


def files_in(paths: Sequence[str | Path]) -> list[Handed]:
    """All that is in files and folders, each submission, and each thing that is none with the reason.

    `FILE.py:function` asks for a function. A folder stands for the Python files and notebooks in it and below it.

    Raises:
        InputError: no such file, or nothing that could be a submission.

    Example:
        >>> files_in(["here.py:gradients"])
        Traceback (most recent call last):
        pellucid.errors.InputError: here.py: expected a Python file or a folder of them, got no such file.
    """
    found: list[Handed] = []
    for given in paths:
        path, function = Path(given), None
        if not os.path.lexists(path) and ":" in path.name:
            stem, _, function = str(given).rpartition(":")
            path = Path(stem)
            if not function.isidentifier():
                raise InputError(readable(str(given)), "expected FILE.py or FILE.py:function", shown(function))
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            where, expected = readable(str(path)), "expected a Python file or a folder of them"
            raise InputError(where, expected, "no such file") from None
        if stat.S_ISDIR(mode):
            inside = list(walk(path, (), function))
            if all(handed.status == SKIPPED for handed in inside):
                raise InputError(readable(str(path)), "expected Python files or notebooks in the folder", "none")
            found += inside
        else:
            found.append(one(path.parent, (path.name,), function, mode))
    return found


def walk(top: Path, parts: tuple[str, ...], function: str | None) -> Iterator[Handed]:
    """What is in a folder and below it, in the order of the names."""
    try:
        entries = sorted(os.scandir(top.joinpath(*parts)), key=lambda entry: entry.name)
    except OSError as error:
        reason = f"The folder could not be read ({(error.strerror or str(error)).lower()})."
        yield none(top, parts, REFUSED, reason)
        return
    if parts and len(entries) > MOST_ENTRIES:
        yield none(top, parts, REFUSED, f"The folder has more than {MOST_ENTRIES:,} entries.")
        return
    for entry in entries:
        below = (*parts, entry.name)
        if entry.name.startswith((".", "__")):
            yield none(top, below, SKIPPED, "Its name begins with . or __.")
        elif not entry.is_dir(follow_symlinks=False):
            if entry.is_symlink() or entry.name.lower().endswith((".py", ".ipynb")):
                yield one(top, below, function, entry.stat(follow_symlinks=False).st_mode)
            else:
                yield none(top, below, SKIPPED, "It is no Python file or notebook.")
        elif len(below) > DEEPEST:
            yield none(top, below, REFUSED, f"It lies more than {DEEPEST} folders deep.")
        else:
            yield from walk(top, below, function)


def one(top: Path, parts: tuple[str, ...], function: str | None, mode: int) -> Handed:
    """A file that is called a submission."""
    try:
        "/".join(parts).encode()
    except UnicodeEncodeError:
        return none(top, parts, REFUSED, "Its name is not UTF-8: rename it, and grade it again.")
    try:
        check_kind(mode)
    except NotGraded as why:
        return none(top, parts, REFUSED, str(why))
    return Handed(top, parts, readable("/".join(parts)), function)


def none(top: Path, parts: tuple[str, ...], status: str, reason: str) -> Handed:
    """What is not run."""
    return Handed(top, parts, readable("/".join(parts) or str(top)), None, status, reason)
