"""The kernel's limits for one process and those that it starts.

Before it: nothing. After it: `launch` applies them just before the submission.
"""

import math
import os


def apply(plan, others):
    """Set the limits of a plan.

    Args:
        plan: time in seconds, memory and files in bytes, processes.
        others: how many other processes count as this user's; None to count them.

    Returns:
        The names of the limits that this system knows.
    """
    try:
        import resource
    except ImportError:
        return []
    seconds = math.ceil(plan["time"])
    processes = plan["processes"] + (threads_of_user() if others is None else others)
    wanted = {
        "CORE": (0, 0),
        "CPU": (seconds + 2, seconds + 3),  # 2 to start; first a signal that shows where, then the end
        "FSIZE": (plan["files"], plan["files"]),
        "DATA": (plan["memory"], plan["memory"]),
        "AS": (4 * plan["memory"], 4 * plan["memory"]),  # libraries reserve more than they use
        "NOFILE": (128, 128),
        "NPROC": (processes, processes),
        "SIGPENDING": (256, 256),
        "MSGQUEUE": (0, 0),
        "MEMLOCK": (0, 0),
    }
    done = []
    for name, (soft, hard) in wanted.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is None:
            continue
        most = resource.getrlimit(which)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        try:
            resource.setrlimit(which, (soft, hard))
        except (OSError, ValueError):
            continue
        done.append(name)
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # a machine without memory ends this process first
    except OSError:
        pass
    return done


def threads_of_user():
    """How many threads this user runs, which the limit of processes counts too."""
    total = 0
    try:
        for name in os.listdir("/proc"):
            if name.isdecimal() and os.stat(f"/proc/{name}").st_uid == os.getuid():
                total += len(os.listdir(f"/proc/{name}/task"))
    except OSError:
        pass
    return total
