"""What a submission's process wrote, read without trusting it: lines of JSON, then the bytes of its arrays.

A hostile process can write anything here. Nothing is unpickled, sizes and depths are limited, and whatever is not
exactly as expected is Unreadable. Before it: `start` collected the bytes. After it: `outcome` words them.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import readable

LINE, LINES, DEPTH, NODES = 8_000_000, 8, 25, 110_000
KINDS = frozenset(("<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"))
FRAME = re.compile(rb'File "[^"\n]*submission\.py", line (\d{1,9}) in ([^\s]{1,100})')


class Unreadable(Exception):
    """Bytes that are no answer."""


@dataclass(frozen=True)
class Message:
    """What came through the channel.

    Attributes:
        setup: the lines before the submission began, which are the launcher's own.
        phase: how far the submission says it came: "", "import" or "call".
        function: the name of the function that was called.
        failure: how it failed, by its own account.
        value: the answer, or None.
        again: how the second call failed, by its own account; None where it did not.
        answered: whether there was one.
        imported: libraries that differentiate or train, which it had loaded.
        calls: the function of its own that it called most in the second call, and how often.
        place: line and function where it stood when its time was over, or where it crashed.
        unreadable: why it can't be read further; empty where it can.
    """

    setup: dict[str, Any] = field(default_factory=dict)
    phase: str = ""
    function: str = ""
    failure: dict[str, Any] | None = None
    value: Any = None
    answered: bool = False
    again: dict[str, Any] | None = None
    imported: tuple[str, ...] = ()
    calls: tuple[str, int] = ("", 0)
    place: tuple[int, str] | None = None
    unreadable: str = ""


def read(data: bytes) -> Message:
    """The message in the channel's bytes.

    Example:
        >>> read(b'{"phase": "import"}' + bytes([10]) + b'{"answer": [1], "bytes": 0}' + bytes([10])).unreadable
        'the answer is not in the agreed form'
    """
    found: dict[str, Any] = {"setup": {}}
    try:
        at = lines(data, found)
    except Unreadable as unreadable:
        return Message(**found, unreadable=str(unreadable))
    if not found.get("answered"):
        place = FRAME.search(data, at)
        if place:
            found["place"] = int(place[1]), readable(place[2].decode("utf8", "replace"))
    return Message(**found)


def lines(data: bytes, found: dict[str, Any]) -> int:
    """Take in one line after the other; returns where they end.

    Raises:
        Unreadable: bytes that no runner of ours writes.
    """
    at = 0
    for _ in range(LINES):
        end = data.find(b"\n", at, at + LINE)
        if end < 0 or data[at : at + 1] != b"{":  # nothing more, or the place that a time-out or a crash reports
            return at
        line = parse(data[at:end])
        at = end + 1
        if "phase" not in found and line.keys() & {"ready", "failed"}:
            found["setup"].update(line)
        elif line.get("phase") in ("import", "call"):
            found["phase"], found["function"] = line["phase"], text(line.get("function", ""), 100)
        elif "failure" in line:
            found["failure"] = failure(line["failure"])
            return at
        elif "answer" in line:
            size = line.get("bytes")
            if not isinstance(size, int) or size != len(data) - at:
                raise Unreadable("it has not as many bytes as it announces")
            reader = Reader(memoryview(data)[at:])
            value = reader.decode(line["answer"])
            if reader.at != size:
                raise Unreadable("there are numbers that belong to no array")
            found["value"], found["answered"] = value, True
            if line.get("again") is not None:
                found["again"] = failure(line["again"])
            imported, calls = line.get("imported"), line.get("calls")
            if isinstance(imported, list):
                found["imported"] = tuple(text(name, 30) for name in imported[:20])
            if isinstance(calls, list) and len(calls) == 2 and type(calls[1]) is int:
                found["calls"] = text(calls[0], 100), min(max(calls[1], 0), 10**9)
            return at
        else:
            raise Unreadable("a line is not in the agreed form")
    return at


def parse(line: bytes) -> dict[str, Any]:
    """One line of JSON, which must be an object."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise Unreadable("a line is no JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("a line is no JSON object")
    return value


def text(value: Any, most: int) -> str:
    """A short text of one line from something that may be anything."""
    return readable(value, most) if isinstance(value, str) else ""


def first_line(value: Any) -> Any:
    """The first line of a text."""
    return value.strip().partition("\n")[0] if isinstance(value, str) else value


def failure(value: Any) -> dict[str, Any]:
    """A failure as the runner describes it, every part of the type it should have."""
    if not isinstance(value, dict):
        raise Unreadable("a failure is not in the agreed form")
    frames, there, size = value.get("frames"), value.get("there"), value.get("bytes")
    frames = frames if isinstance(frames, list) else []
    return {
        "kind": text(value.get("kind"), 20),
        "type": text(value.get("type"), 100),
        "message": text(first_line(value.get("message")), 500),
        "function": text(value.get("function"), 100),
        "frames": [
            (frame[0], text(frame[1], 100))
            for frame in frames[:10]
            if isinstance(frame, list) and len(frame) == 2 and isinstance(frame[0], int) and 0 <= frame[0] < 10**9
        ],
        "there": [text(name, 100) for name in there[:50]] if isinstance(there, list) else text(there, 500),
        "bytes": size if isinstance(size, int) and 0 <= size < 2**63 else 0,
    }


class Reader:
    """Reads an answer from its description and its bytes, which it uses up in their order."""

    def __init__(self, blob: memoryview):
        self.blob, self.at, self.nodes = blob, 0, 0

    def decode(self, node: Any, depth: int = 0) -> Any:
        """The value of a node."""
        self.nodes += 1
        if depth > DEPTH or self.nodes > NODES:
            raise Unreadable("the answer has too many parts")
        if node is None or isinstance(node, bool | float):
            return node
        if isinstance(node, int):
            return float(node) if abs(node) < 2**1000 else math.inf
        if isinstance(node, dict):
            if "array" in node:
                return self.array(node)
            for kind, make in (("list", list), ("tuple", tuple)):
                if isinstance(node.get(kind), list):
                    return make(self.decode(part, depth + 1) for part in node[kind])
            if isinstance(node.get("dict"), list):
                return dict(self.item(item, depth + 1) for item in node["dict"])
        raise Unreadable("the answer is not in the agreed form")

    def item(self, item: Any, depth: int) -> tuple[str | int, Any]:
        """A key and a value."""
        if not (isinstance(item, list) and len(item) == 2 and type(item[0]) in (str, int)):
            raise Unreadable("a dict is not in the agreed form")
        if isinstance(item[0], int) and abs(item[0]) >= 2**63:
            raise Unreadable("a key is too long")
        return (readable(item[0]) if isinstance(item[0], str) else item[0]), self.decode(item[1], depth)

    def array(self, node: dict[str, Any]) -> np.ndarray:
        """An array; a copy that owns its memory."""
        kind, shape, left = node["array"], node.get("shape"), len(self.blob) - self.at
        if not isinstance(kind, str) or kind not in KINDS:
            raise Unreadable("an array has an unknown type")
        if (
            not isinstance(shape, list)
            or len(shape) > 32
            or any(type(m) is not int or not 0 <= m < 2**32 for m in shape)
        ):
            raise Unreadable("an array has no shape")
        dtype = np.dtype("u1" if kind == "|b1" else kind)
        size = math.prod(shape) * dtype.itemsize
        if size > left or math.prod(m for m in shape if m) > 2**48:
            raise Unreadable("an array is larger than its bytes")
        values = np.frombuffer(self.blob[self.at : self.at + size], dtype=dtype).reshape(shape)
        self.at += size
        return values != 0 if kind == "|b1" else values.astype(dtype.newbyteorder("="))
