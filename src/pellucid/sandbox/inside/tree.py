"""Which processes descend from one, and how to end them all. Linux, by /proc.

Before it: nothing. After it: `launch` inside and `..watch` outside both use it.
"""

import contextlib
import os
import signal
import time


def parents():
    """The parent of every living process, by its number."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    state, parent = file.read().rpartition(b")")[2].split(None, 2)[:2]
            except (OSError, ValueError):
                continue  # it has just ended
            if state not in (b"Z", b"X"):
                found[int(name)] = int(parent)
    return found


def descendants(root):
    """The living processes below `root`, without it."""
    children = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found, below = [], [root]
    while below:
        below = [child for pid in below for child in children.get(pid, ())]
        found += below
    return found


def end(root, patience=5.0):
    """Kill everything below `root`, also what is being started meanwhile; True if nothing is left."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        pids = descendants(root)
        if not pids:
            return True
        for number in (signal.SIGSTOP, signal.SIGKILL):  # none may start another while the rest is killed
            for pid in pids:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
        time.sleep(0.002)
    return False
