"""Which protections there are, and the sentences for those that could not be had.

Before it: `start` knows which doors were shut. After it: every report says both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from .outcome import Limits, Protection, size

# "user": a user namespace, for an ordinary user and for a root that may make no other; "net", "pid", "ipc": namespaces;
# "root": a mount namespace with a root of its own; "uid": another user, for root; "landlock": Landlock;
# "calls": a filter that refuses calls to the kernel.
DOORS = ("user", "net", "pid", "ipc", "root", "uid", "landlock", "calls")


def protection(doors: Sequence[str], ready: Mapping, limits: Limits, gave_up: Mapping[str, str]) -> Protection:
    """What was enforced and by what, from the doors that were shut and what the launcher said.

    Example:
        >>> found = protection(("landlock",), {"landlock": 3, "limits": ["CPU", "DATA"]}, Limits(), {"net": "why"})
        >>> found.missing[0]
        'The network could not be cut off (why).'
    """
    version = ready.get("landlock", 0)
    kernel = set(ready.get("limits", ()))
    linux = sys.platform == "linux"
    enforced: dict[str, str] = {"time": f"{limits.time:g} s by the clock"}
    missing = []

    def because(*wanted: str) -> str:
        reasons = [gave_up[door] for door in wanted if gave_up.get(door)]
        return f" ({reasons[0]})" if reasons else "" if linux else f" on {sys.platform}"

    if "calls" in doors:
        enforced["network"] = "none: sockets are refused"
    elif "net" in doors:
        enforced["network"] = "none but of virtual machines: a network namespace of its own"
        missing.append(f"Sockets of virtual machines (AF_VSOCK) could not be cut off{because('calls')}.")
        if "root" not in doors:
            missing.append(f"Local sockets that are files could not be cut off{because('root')}.")
    elif version >= 4:
        enforced["network"] = "no TCP, by Landlock"
        missing.append(f"Only TCP could be cut off, not UDP, raw, local and other sockets{because('net', 'user')}.")
    else:
        missing.append(f"The network could not be cut off{because('net', 'user', 'landlock')}.")

    means = [name for name, there in (("a root of its own", "root" in doors), ("Landlock", version)) if there]
    if means:
        enforced["files"] = f"reads the Python environment only, writes in a temporary folder only: {', '.join(means)}"
        if "root" not in doors:
            missing.append(
                f"Whether files exist, and their sizes and times, could be asked for{because('root', 'user')}."
            )
        if "root" not in doors and "calls" not in doors:
            missing.append(
                f"Changes of permissions and times of files could not be prevented{because('root', 'user')}."
            )
    else:
        missing.append(f"Reading and writing files elsewhere could not be prevented{because('root', 'landlock')}.")
        missing.append(
            f"Pellucid, which knows the answers, could only be barred from imports{because('root', 'user')}."
        )
    if linux:
        enforced["rights"] = "none of root's"
    if "uid" in doors:
        enforced["user"] = "another one"
    elif linux and os.getuid() == 0:
        missing.append(f"It ran as root, who owns this machine's files{because('uid')}.")
    if "root" not in doors and "FSIZE" not in kernel:
        missing.append(f"The size of files could only be watched{because()}.")

    if "CPU" in kernel:
        enforced["time"] += " and by the processor"
    if "DATA" in kernel and linux:
        enforced["memory"] = f"{size(limits.memory)} for each process by the kernel; all together are watched"
        if "calls" not in doors:
            missing.append(f"Memory of sockets and System V IPC could not be limited{because('calls')}.")
    else:
        missing.append(f"Memory could not be limited{because()}.")
    if "NPROC" in kernel and ("uid" in doors or "user" in doors):
        enforced["processes"] = f"{limits.processes} by the kernel"
    elif linux:
        enforced["processes"] = f"{limits.processes}, watched"
        missing.append(f"The number of processes could only be watched{because('uid', 'user')}.")
    else:
        missing.append(f"The number of processes could not be limited{because()}.")
    if "pid" in doors:
        enforced["other processes"] = "out of sight: a process namespace of its own"
    elif version >= 6:
        enforced["other processes"] = "out of reach of its signals, by Landlock"
    elif "uid" in doors:
        enforced["other processes"] = "out of reach: it runs as another user"
    else:
        missing.append(f"Signals to other processes of yours could not be prevented{because('pid', 'user')}.")
    if not {"pid", "uid"} & set(doors):
        missing.append(f"Priorities and limits of other processes of yours could be changed{because('pid', 'user')}.")
    if "pid" not in doors and not version:
        missing.append(f"Command lines of other processes could be read{because('pid', 'user')}.")
    enforced["output"] = f"{size(limits.output)} printed, {size(limits.answer)} returned"
    return Protection(enforced, tuple(missing))
