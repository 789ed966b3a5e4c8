"""Start a submission behind shut doors, collect what it writes, end it when it takes too much.

Before it: a file and the arrays for its function. After it: an `Outcome`, whatever the file did.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import InputError, PellucidError, readable, shown
from . import environment
from .answer import Message, read
from .outcome import Limits, Outcome, Story, words
from .protection import DOORS, protection
from .watch import ProcessWatch

SUBMISSION, TASK = "submission.py", "task.npz"
BEGUN, START = b'{"phase"', 60  # the runner's word that the submission begins; seconds until then
KEPT = 64_000  # bytes of what was printed
FIRST_ID, IDS = 61_184, 4_000  # user numbers that no account has
KILL, SETGID, SETUID, SYS_ADMIN = 5, 6, 7, 21  # capabilities, by Linux's numbers

# Doors that this machine can't shut, and why; found out once per process, for each choice of doors left out
_gave_up: dict[frozenset[str], dict[str, str]] = {}
_numbers = itertools.count(os.getpid())


def run(
    source: bytes | str,
    arrays: Mapping[str, np.ndarray],
    *,
    function: str | None = None,
    architecture: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    forbidden: Sequence[str] = ("pellucid",),
    without: Sequence[str] = (),
    as_root: bool = False,
    places: Sequence[str] = (),
) -> Outcome:
    """Run a Python file in a process of its own and call one of its functions.

    Args:
        source: the file's content.
        arrays: x, y, w1 … wL and, for layers with biases, b1 … bL.
        function: its name; None looks for the usual ones (backward, backprop, gradients, …), or the only one.
        architecture: handed over to a function that asks for it.
        limits: time, memory, processes, files, output.
        forbidden: modules that it must not import.
        without: protections to leave out (of `protection.DOORS`).
        as_root: whether root may run it as root where it can't be run as another user.
        places: what the lines of the source are called in messages, where it was put together from several texts.

    Raises:
        InputError: limits that are no positive numbers.
        SandboxError: no process could be started at all, or only as root.

    Example:
        >>> one = np.ones((1, 1))
        >>> outcome = run("def backward(x, y, w, b): return {'dw1': 2 * x}", {"x": one, "y": one, "w1": one})
        >>> outcome.value
        {'dw1': array([[2.]])}
    """
    limits = checked(limits or Limits())
    data = source.encode() if isinstance(source, str) else source
    open_doors = _gave_up.setdefault(frozenset(without), dict.fromkeys(without, "it was left out on purpose"))
    for _ in range(len(DOORS) + 1):
        doors = [d for d in DOORS if d not in open_doors and possible(d)]
        if root() and "uid" not in (*doors, *without) and not as_root:
            why = open_doors.get("uid", "this root may not change users")
            do = "Run it as an ordinary user, or allow root (--as-root): a submission can then change this machine."
            raise SandboxError("sandbox", "expected to run submissions as another user than root", why, do)
        with box() as folder:
            ended = Run(data, arrays, folder, function, architecture or {}, limits, forbidden, doors)
            try:
                ended.share()
            except OSError as error:  # a root that may not give files away
                open_doors["uid"] = (error.strerror or str(error)).lower()
                continue
            ended.go()
        message = read(bytes(ended.channel.data))
        failed = message.setup.get("failed")
        why = str(message.setup.get("why", ""))
        if failed is None and not ended.began and not message.phase:
            if ended.broke == "timeout":
                raise SandboxError("sandbox", f"expected an interpreter to start within {START} s", "none")
            failed, why = "start", bytes(ended.printed.data[-300:]).decode("utf8", "replace")
        if failed is None:
            return finish(ended, message, data, open_doors, places)
        why = readable(why.strip())
        door = (
            failed if failed in doors else next((d for d in ("root", "uid", "landlock", "calls") if d in doors), None)
        )
        if door is None:
            raise SandboxError("sandbox", f"expected to start {sys.executable} for a submission", why)
        open_doors[door] = why
    raise SandboxError("sandbox", "expected to start a process for a submission", "only failures")


def checked(limits: Limits) -> Limits:
    """Limits that are all positive numbers."""
    for name, value in vars(limits).items():
        if not isinstance(value, int | float) or not 0 < value < math.inf:
            raise InputError(f"limit of {name}", "expected a number > 0", shown(value))
    return limits


def possible(door: str) -> bool:
    """Whether a door makes sense for this platform and user."""
    if sys.platform != "linux":
        return False
    if door == "user":
        return not (root() and capable(SYS_ADMIN))
    return door != "uid" or (root() and all(map(capable, (KILL, SETGID, SETUID))))


def root() -> bool:
    """Whether this is the user who may do everything."""
    return hasattr(os, "getuid") and os.getuid() == 0


def capable(number: int) -> bool:
    """Whether this process has a capability; containers leave some out."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> number & 1)


@contextmanager
def box() -> Iterator[Path]:
    """A temporary folder, removed whatever was left in it."""
    folder = tempfile.mkdtemp(prefix="pellucid-")
    try:
        yield Path(folder).resolve()
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        except RecursionError:  # folders in folders in folders …
            subprocess.run(["rm", "-rf", "--", folder], check=False)


class SandboxError(PellucidError):
    """No submission at all can be run here."""


class Run:
    """One attempt: the process, what it wrote, and how it ended."""

    def __init__(
        self,
        source: bytes,
        arrays: Mapping[str, np.ndarray],
        folder: Path,
        function: str | None,
        architecture: Mapping[str, Any],
        limits: Limits,
        forbidden: Sequence[str],
        doors: Sequence[str],
    ):
        self.limits, self.doors, self.wanted = limits, tuple(doors), function
        self.channel, self.printed = Collected(limits.answer + 20_000_000), Collected(KEPT, limits.output)
        self.broke: str | None = None
        self.status, self.began, self.seconds = 0, False, 0.0
        self.since = time.monotonic()  # the start; from the submission's first line on, that
        inside, work, root = folder / "box" / "inside", folder / "box" / "work", folder / "root"
        for made in (work, root):
            made.mkdir(parents=True)
        shutil.copytree(Path(__file__).parent / "inside", inside, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "box" / SUBMISSION).write_bytes(source)
        task = {
            "function": function,
            "L": sum(name[0] == "w" for name in arrays),
            "architecture": dict(architecture),
            "forbidden": list(forbidden),
            "time": limits.time,
            "answer": limits.answer,
        }
        text = np.frombuffer(json.dumps(task).encode(), np.uint8)
        np.savez(folder / "box" / TASK, task=text, **{k: np.asarray(v) for k, v in arrays.items()})  # type: ignore[arg-type]
        uid = FIRST_ID + next(_numbers) % IDS if "uid" in doors else None
        self.folder, self.work, self.uid = folder, work, uid
        listable, allowed = environment.allowed()
        packages = environment.packages()
        self.plan = {
            "doors": list(doors),
            "parent": os.getpid(),
            "python": sys.executable,
            "base_python": environment.base_python(),
            "packages": packages,
            "libraries": str(Path(sys.base_prefix) / "lib"),
            "inside": str(inside),
            "folder": str(folder),
            "box": str(folder / "box"),
            "root": str(root),
            "work": str(work),
            "task": str(folder / "box" / TASK),
            "readable": environment.readable(),
            "listable": listable,
            "allowed": allowed,
            "hidden": environment.hidden(),
            "needed": [environment.base_python(), sys.prefix, *packages, str(folder / "box")],
            "environment": environment.variables(str(work)),
            "uid": uid,
            "time": limits.time,
            "memory": int(limits.memory),
            "processes": int(limits.processes),
            "files": int(limits.files),
        }

    def share(self) -> None:
        """Let the other user, if it is to be one, read the box and write in the work folder."""
        if self.uid is None:
            return
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, 0, self.uid)
            path.chmod(0o750 if path.is_dir() else 0o640)
        os.chown(self.work, self.uid, self.uid)
        self.work.chmod(0o700)

    def go(self) -> None:
        """Start, watch, end."""
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", self.plan["inside"], "launch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.plan["environment"],
            start_new_session=True,
            close_fds=True,
        )
        readers = [
            threading.Thread(target=collected.read, args=(stream,), daemon=True)
            for stream, collected in ((process.stdout, self.channel), (process.stderr, self.printed))
        ]
        for reader in readers:
            reader.start()
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(self.plan).encode())
        watch = ProcessWatch(process.pid, self.limits.processes, self.limits.memory, self.limits.files, self.work)
        pause = 0.002
        try:
            while process.poll() is None and self.broke is None:
                if not self.began and BEGUN in self.channel.data[:4096]:
                    self.began, self.since = True, time.monotonic()
                self.broke = self.exceeded() or watch.look()
                time.sleep(pause)
                pause = min(0.02, pause * 1.2)
        finally:
            self.seconds = time.monotonic() - self.since
            if process.poll() is None:
                watch.end()
                end_session(process)
            elif sys.platform != "linux":  # there the launcher leaves nobody behind
                end_session(process)
            self.status = process.wait()
            for reader in readers:
                reader.join(1)
        if self.broke is None:
            self.broke = self.exceeded(over=False)

    def exceeded(self, over: bool = True) -> str | None:
        """What this side counts: the time and what is written."""
        if self.printed.total > self.limits.output:
            return "output"
        if self.channel.total > self.channel.keep:
            return "large"
        allowed = self.limits.time if self.began else START
        return "timeout" if over and time.monotonic() - self.since > allowed else None


class Collected:
    """What comes through a pipe: the first bytes are kept, the rest only counted, and after `most` it is closed."""

    def __init__(self, keep: int, most: int | None = None):
        self.keep, self.most = keep, keep if most is None else most
        self.data, self.total = bytearray(), 0

    def read(self, stream: IO[bytes]) -> None:
        """Read until the end, or until it is too much."""
        with stream:
            while self.total <= self.most:
                part = os.read(stream.fileno(), 65536)
                if not part:
                    break
                self.data += part[: max(0, self.keep - len(self.data))]
                self.total += len(part)


def end_session(process: subprocess.Popen) -> None:
    """Kill the launcher and its session."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, 9)
        else:
            process.kill()
    except OSError:
        pass


def finish(
    ended: Run, message: Message, source: bytes, gave_up: Mapping[str, str], places: Sequence[str] = ()
) -> Outcome:
    """The outcome of a run whose doors were shut."""
    text = bytes(ended.printed.data).decode("utf8", "replace").expandtabs()
    text = "\n".join(readable(line, KEPT) for line in text.split("\n"))
    lines = tuple(readable(l.strip()) for l in re.split("\r\n|\r|\n", source.decode("utf8", "replace")))
    status = judge(ended, message)
    story = Story(message, lines, ended.limits, ended.status, ended.seconds, ended.printed.total, ended.wanted, places)
    return Outcome(
        status=status,
        sentence=words(status, story),
        value=message.value[0] if status == "answered" else None,
        again=message.value[1] if status == "answered" else None,
        function=message.function,
        line=story.line,
        trace=story.trace,
        printed=text,
        printed_bytes=ended.printed.total,
        seconds=ended.seconds,
        protection=protection(ended.doors, message.setup.get("ready") or {}, ended.limits, gave_up),
        imported=message.imported,
        calls=message.calls,
        failed_again=story.second() if status == "answered" else "",
    )


def judge(ended: Run, message: Message) -> str:
    """The slug of how it ended."""
    if ended.broke is not None:
        return ended.broke
    if message.unreadable:
        return "unreadable"
    if message.answered:
        return "answered" if isinstance(message.value, tuple) and len(message.value) == 2 else "unreadable"
    if message.failure is not None:
        return message.failure["kind"] if message.failure["kind"] in KNOWN else "unreadable"
    if sys.platform != "win32" and ended.status == -24:  # SIGXCPU
        return "timeout"
    return "crash" if ended.status < 0 else "exit"


KNOWN = ("syntax", "exception", "memory", "exit", "missing", "arguments", "value", "large")
