"""Keep an eye on what the kernel does not limit: all processes of a submission together. Linux, by /proc.

Before it: `inside.tree` lists the processes. After it: `start` looks every few milliseconds, and ends what is too much.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from .inside import tree

LOOK, MOST_FILES, DEEPEST = 0.02, 10_000, 100


class ProcessWatch:
    """Looks at the processes below one.

    Args:
        root: the launcher; it and the keeper don't count.
        processes, memory, files: how many, how many bytes, how many bytes in the folder.
        work: the folder that the submission can write to.
    """

    def __init__(self, root: int, processes: int, memory: int, files: int, work: Path, own: int = 2):
        self.root, self.processes, self.memory, self.files, self.work, self.own = (
            root, processes, memory, files, work, own,
        )  # fmt: skip
        self.possible = sys.platform == "linux" and os.path.isdir("/proc/self")
        self.next = self.next_files = 0.0

    def look(self) -> str | None:
        """What is too much: "processes", "memory", "files" or None. Costs a tenth of the time at most."""
        started = time.monotonic()
        if started < self.next:
            return None
        found = None
        if self.possible:
            pids = tree.descendants(self.root)
            if len(pids) - (self.own - 1) > self.processes:
                found = "processes"
            elif resident(pids) > self.memory and used(pids) > self.memory:
                found = "memory"
        if found is None and started >= self.next_files:
            self.next_files = started + 0.5
            if folder_size(self.work) > self.files:
                found = "files"
        self.next = time.monotonic() + max(LOOK, 9 * (time.monotonic() - started))
        return found

    def end(self) -> None:
        """Kill all of them."""
        if self.possible:
            tree.end(self.root)


def resident(pids: Iterable[int]) -> int:
    """The pages in memory, those that are shared counted for each process; quick. And files without a name."""
    total, seen, page = 0, set(), os.sysconf("SC_PAGE_SIZE")
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * page
        except (OSError, ValueError, IndexError):
            continue
        total += nameless(pid, seen)
    return total


def used(pids: Iterable[int]) -> int:
    """The same, with shared pages divided among those who share them."""
    total, seen = 0, set()
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        except (OSError, ValueError, IndexError):
            total += resident((pid,))
        total += nameless(pid, seen)
    return total


def nameless(pid: int, seen: set[tuple[int, int]]) -> int:
    """What a process holds in open files that have no name (memfd, deleted files): memory that no map shows."""
    total = 0
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            found = os.stat(f"/proc/{pid}/fd/{fd}")
            key = found.st_dev, found.st_ino
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 0 and key not in seen:
                seen.add(key)
                total += found.st_blocks * 512
    except OSError:
        pass
    return total


def folder_size(folder: Path) -> int:
    """The bytes in a folder; more than any limit where it has very many files, or folders in folders without end."""
    total = count = 0
    left = [(str(folder), 0)]
    while left:
        path, depth = left.pop()
        try:
            entries = list(os.scandir(path))
        except OSError:
            continue
        count += len(entries)
        if count > MOST_FILES or depth > DEEPEST:
            return 2**63
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    left.append((entry.path, depth + 1))
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
            except (OSError, AttributeError):
                continue
    return total
