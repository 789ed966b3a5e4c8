"""Files that are read as they are or not at all, and written whole or not at all.

Before it: a path that somebody typed. After it: `container`, and whatever else the command line writes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO

from ..errors import InputError, ModelFileError, shown

try:
    import fcntl
except ImportError:  # Windows: what a killed run leaves behind stays there
    fcntl = None

PREFIX, SUFFIX = ".pellucid-", ".tmp"  # of files that are being written


def check_writable(path: str | os.PathLike) -> None:
    """Find out before the work whether `path` can be written after it; nothing is left behind.

    Raises:
        InputError: `path` is no name of a file.
        ModelFileError: the folder is missing or closed, or `path` is no ordinary file.

    Example:
        >>> check_writable("/no/such/folder/model.safetensors")
        Traceback (most recent call last):
        pellucid.errors.ModelFileError: /no/such/folder/model.safetensors: expected a folder that exists, got \
/no/such/folder. Make it first, or give another place.
    """
    with _worded(path, "expected a place to write to"):
        target, _ = _target(path)
        descriptor, temporary = _new(target)
        os.close(descriptor)
        os.unlink(temporary)


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` once all of it is on the disk, and vanishes if anything fails.

    A file that stood there keeps its permissions; a link is followed. What killed runs left half written in the folder
    is removed.

    Raises:
        InputError: `path` is no name of a file.
        ModelFileError: the file can't be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(folder + "/a.csv") as file:
        ...         _ = file.write(b"1,2")
        ...     os.listdir(folder)
        ['a.csv']
    """
    with _worded(path, "expected to write the file"):
        target, mode = _target(path)
        descriptor, temporary = _new(target)
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                if mode is not None:
                    os.chmod(temporary, mode)
                if fcntl is not None:  # else an open file can't be renamed
                    os.replace(temporary, target)
            if fcntl is None:
                os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        with contextlib.suppress(OSError):  # not every system lets a folder be synced; the file is there already
            folder = os.open(os.path.dirname(target), os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[tuple[BinaryIO, str, int]]:
    """An ordinary file open for reading, its name for messages, its size.

    Raises:
        InputError: `path` is no name of a file.
        ModelFileError: no such file, or one that can't be read.
    """
    where = _name(path)
    with _worded(where, "expected a model file"):
        if not stat.S_ISREG(os.stat(where).st_mode):  # opening a pipe would wait for ever
            raise ModelFileError(where, "expected a model file", "a folder or a device")
        with open(where, "rb") as file:
            yield file, where, os.fstat(file.fileno()).st_size


@contextlib.contextmanager
def _worded(path: Any, expected: str) -> Iterator[None]:
    """Turn what the system says about `path` into a ModelFileError."""
    try:
        yield
    except OSError as error:
        raise ModelFileError(os.fsdecode(path), expected, (error.strerror or str(error)).lower()) from None


def _name(path: Any) -> str:
    """A path as text that the system can take."""
    try:
        name = os.fsdecode(path)
        usable = name and b"\0" not in os.fsencode(name)
    except (TypeError, UnicodeEncodeError):
        usable = False
    if not usable:
        raise InputError("path", "expected the name of a file", shown(path))
    return name


def _target(path: Any) -> tuple[str, int | None]:
    """The file that is meant, where a link leads to, and the permissions that it has.

    Refuses what should not be replaced, so that /dev/null stays what it is.
    """
    where = _name(path)
    target = os.path.realpath(where)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise ModelFileError(where, "expected a folder that exists", folder, "Make it first, or give another place.")
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
        if not stat.S_ISREG(mode):
            raise ModelFileError(where, "expected the name of a file to write", "a folder or a device")
        if not os.access(target, os.W_OK):
            raise ModelFileError(where, "expected a file that may be replaced", "a read-only one")
    return target, None if mode is None else stat.S_IMODE(mode)


def _new(target: str) -> tuple[int, str]:
    """A descriptor of a new file beside the target, with the permissions that new files get here, and its name.

    Whoever writes holds a lock, which the system takes from a process that ends: a file without one is left over.
    """
    folder = os.path.dirname(target)
    _sweep(folder)
    while True:
        temporary = os.path.join(folder, f"{PREFIX}{secrets.token_hex(6)}{SUFFIX}")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        if fcntl is None:
            return descriptor, temporary
        with contextlib.suppress(OSError):  # a file system without locks; there nothing is swept away either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.exists(temporary):
            return descriptor, temporary
        os.close(descriptor)  # swept away between the two lines above: once more


def _sweep(folder: str) -> None:
    """Remove the files that killed runs left half written in a folder."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    descriptor = os.open(entry.path, os.O_RDWR | os.O_NOFOLLOW)
                    try:
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        os.unlink(entry.path)
                    finally:
                        os.close(descriptor)
