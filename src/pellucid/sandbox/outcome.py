"""How a submission's run ended, in one sentence, and which protections were there meanwhile.

Before it: `start` ran it. After it: `..classroom` grades the answer, or hands on the sentence.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .answer import Message

CUT = 160


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Args:
        time: seconds from the first line of the file on, by the clock; and as many of the processor.
        memory: bytes, of one process and of all together.
        processes: how many processes and threads.
        files: bytes of one file, and of all files in its folder.
        output: bytes that it may print.
        answer: bytes of the arrays that it may return.
    """

    time: float = 10.0
    memory: int = 2_000_000_000
    processes: int = 64
    files: int = 64_000_000
    output: int = 1_000_000
    answer: int = 256_000_000


@dataclass(frozen=True)
class Protection:
    """What was enforced, and what could not be.

    Attributes:
        enforced: what, and by which means.
        missing: one sentence for each thing that this platform did not let an ordinary program enforce.
    """

    enforced: Mapping[str, str]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: "answered", or a slug for what went wrong: "timeout", "memory", "processes", "files", "output",
            "large", "crash", "exit", "syntax", "exception", "missing", "arguments", "value", "unreadable".
        sentence: what went wrong, in one sentence; empty for an answer.
        value: what the function returned: arrays, numbers, lists, tuples, dicts and None.
        again: what it returned when it was called once more with the same arrays; None where that failed.
        failed_again: why it failed then, in one sentence.
        function: the name of the function that was called.
        line: the line of the submission where it happened, 0 if it isn't known.
        trace: the submission's own lines that led there, outermost first.
        printed: the beginning of what it printed.
        printed_bytes: how much it printed, until it was stopped.
        seconds: how long it ran.
        protection: what was enforced.
        imported: libraries that differentiate or train, which it had loaded.
        calls: the function of its own that it called most in the second call, and how often.
    """

    status: str
    sentence: str
    value: Any
    again: Any
    function: str
    line: int
    trace: tuple[str, ...]
    printed: str
    printed_bytes: int
    seconds: float
    protection: Protection
    imported: tuple[str, ...] = ()
    calls: tuple[str, int] = ("", 0)
    failed_again: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.status == "answered"


@dataclass(frozen=True)
class Story:
    """All that is known about a run when it is put into words.

    Attributes:
        lines: of the submission, without their indents.
        places: what its lines are called, where that is not just "line" and the number.
    """

    message: Message
    lines: tuple[str, ...]
    limits: Limits
    status: int
    seconds: float
    printed: int
    wanted: str | None
    places: Sequence[str] = ()

    @property
    def during(self) -> str:
        """What it was doing."""
        function = self.message.function or (self.message.failure or {}).get("function", "")
        if self.message.phase == "call" and function:
            return f"{function}()"
        return "the file"

    def called(self, line: int) -> str:
        """What a line is called."""
        return self.places[line - 1] if 1 <= line <= len(self.places) else f"line {line}"

    def at(self, line: int) -> str:
        """A line by its name and its words."""
        if not 1 <= line <= len(self.lines):
            return ""
        words = self.lines[line - 1]
        return f"{self.called(line)}: {words[:CUT]}" if words else self.called(line)

    @property
    def trace(self) -> tuple[str, ...]:
        """Its own lines that led to where it stood, outermost first."""
        frames = self.failure.get("frames") or ([self.message.place] if self.message.place else [])
        known = [(n, name) for n, name in frames if 1 <= n <= len(self.lines)]
        return tuple(f"{self.called(n)}, in {name}: {self.lines[n - 1]}" for n, name in known)

    def second(self) -> str:
        """How the second call failed; empty where it did not."""
        again = self.message.again
        if again is None:
            return ""
        kind = again["kind"] if again["kind"] in ("memory", "value") else "exception"
        return words(kind, replace(self, message=replace(self.message, failure=again)))

    @property
    def place(self) -> str:
        """Where it stood, in brackets."""
        at = self.at(self.line)
        return f" ({at})" if at else ""

    @property
    def line(self) -> int:
        """The innermost known line of its own."""
        frames = (self.message.failure or {}).get("frames") or ()
        if frames:
            return frames[-1][0]
        return self.message.place[0] if self.message.place else 0

    @property
    def failure(self) -> Mapping[str, Any]:
        """The runner's account, or nothing."""
        return self.message.failure or {}


def size(count: float) -> str:
    """A number of bytes for people.

    Example:
        >>> size(2_000_000_000), size(64_000_000)
        ('2 GB', '64 MB')
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} bytes"


def timeout(s: Story) -> str:
    """Its time was over."""
    where = s.at(s.line)
    stood = f" (it stood at {where})" if where else ""
    return f"{s.during} did not finish within {s.limits.time:g} s{stood}. Is there a loop that never ends?"


def crash(s: Story) -> str:
    """A signal ended it."""
    try:
        name = signal.Signals(-s.status).name
    except ValueError:
        name = f"signal {-s.status}"
    meaning = {"SIGSEGV": ", an access to memory that isn't its own", "SIGKILL": ", possibly for want of memory"}
    return f"{s.during} crashed with {name}{meaning.get(name, '')}{s.place}."


def ended(s: Story) -> str:
    """It ended by itself."""
    if s.failure.get("kind") == "exit":
        code = s.failure["message"] or "0"
        return f"{s.during} ends the program with sys.exit({code}){s.place}; it must return its gradients instead."
    return f"{s.during} ended its process (exit status {s.status}) before there was an answer."


SHUT = "the network and all files but its own are out of reach here"
HINTS = {
    ("EOFError", "reading a line"): "it asks for input, and there is none here",
    ("PermissionError", ""): SHUT,
    ("FileNotFoundError", ""): SHUT,
    ("OSError", "Read-only file system"): SHUT,
    ("OSError", "Network is unreachable"): SHUT,
    ("gaierror", ""): SHUT,
}


def raised(s: Story) -> str:
    """An exception came out of it."""
    f = s.failure
    what = f["type"] + (f": {f['message'][:CUT]}" if f["message"] else "")
    what += next(
        (f" ({hint})" for (kind, part), hint in HINTS.items() if kind == f["type"] and part in f["message"]), ""
    )
    if f["type"] == "BlockingIOError" and "[Errno 11]" in f["message"]:
        what = f"started more than {s.limits.processes} processes, or tried to"
        return f"{s.during} {what}{s.place}."
    if f["type"] in ("ModuleNotFoundError", "ImportError") and "halted; None in sys.modules" in f["message"]:
        module = f["message"].removeprefix("import of ").split()[0]
        what = f"it imports {module}, which is not allowed here"
    return (
        f"{s.during} raised {what}{s.place}."
        if not what.startswith("it ")
        else f"{what[0].upper()}{what[1:]}{s.place}."
    )


def missing(s: Story) -> str:
    """The function isn't there."""
    there = s.failure["there"] or []
    found = f"it defines {', '.join(f'{name}()' for name in there)}" if there else "it defines no function"
    return f"The file has no function {s.wanted or 'backward'}(): {found}."


def syntax(s: Story) -> str:
    """It can't be compiled."""
    message = re.sub(r"\bon line (\d+)", lambda m: f"on {s.called(int(m[1]))}", s.failure["message"])
    return f"The file is not valid Python: {message}{s.place}."


WORDS: dict[str, Callable[[Story], str]] = {
    "timeout": timeout,
    "crash": crash,
    "exit": ended,
    "exception": raised,
    "missing": missing,
    "syntax": syntax,
    "memory": lambda s: (
        f"{s.during} needs more than the {size(s.limits.memory)} of memory that it may use{s.place}. "
        "More can be allowed (--memory)."
    ),
    "processes": lambda s: f"{s.during} started more than {s.limits.processes} processes.",
    "files": lambda s: f"{s.during} wrote more than {size(s.limits.files)} into files.",
    "output": lambda s: f"{s.during} printed more than {size(s.limits.output)}.",
    "large": lambda s: f"{s.during} returned more than {size(s.limits.answer)} of arrays.",
    "value": lambda s: f"What {s.during} returned {s.failure['message']}.",
    "unreadable": lambda s: f"{s.during} left an answer that can't be read.",
    "arguments": lambda s: (
        f"{s.failure['function']}{s.failure['there']} has parameters that can't be filled: "
        "expected some of x, y, w, b, or parameters."
    ),
}


def words(status: str, story: Story) -> str:
    """The sentence for a status."""
    sentence = "" if status == "answered" else WORDS[status](story)
    return sentence[:1].upper() + sentence[1:] if sentence.startswith("the file") else sentence
