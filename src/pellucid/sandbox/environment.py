"""What the interpreter of a submission needs to see of this machine, and which variables it gets.

Before it: nothing. After it: `start` puts both into the plan.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/alternatives",
    "/sys/devices/system/cpu", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
)  # fmt: skip
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def packages() -> list[str]:
    """The folders with the packages of this interpreter."""
    return [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages") and os.path.isdir(p)]


def readable() -> list[str]:
    """The paths that the interpreter needs: itself, its packages, the system's libraries; nothing of the user's own."""
    paths = {*SYSTEM, *packages(), sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    step = Path(sys.executable)
    for _ in range(10):  # a link to a link to …
        paths.add(str(step.parent))
        if not step.is_symlink():
            break
        step = Path(os.path.normpath(step.parent / step.readlink()))
    paths |= {os.path.join("/", os.readlink(path)) for path in SYSTEM if os.path.islink(path)}
    return sorted(os.path.abspath(path) for path in paths if os.path.exists(path) and os.path.abspath(path) != "/")


def hidden() -> list[str]:
    """Pellucid itself, which knows every right answer; also where it is installed a second time."""
    found = {Path(__file__).resolve().parents[2]}
    found |= {Path(folder) / "pellucid" for folder in packages()}
    for prefix in {sys.prefix, sys.base_prefix}:
        found |= set(Path(prefix).glob("lib/python*/*-packages/pellucid"))
    return sorted(str(path) for path in found if path.is_dir())


def allowed() -> tuple[list[str], list[str]]:
    """What may be read for Landlock, which can only allow: folders whose names may be listed, and what may be read.

    A folder that has something hidden in it is listable, and its other entries are readable.
    """
    secret, listable, whole = hidden(), [], []
    left = readable()
    while left:
        path = left.pop()
        if path in secret:
            continue
        if any(other.startswith(path.rstrip("/") + "/") for other in secret) and not os.path.islink(path):
            listable.append(path)
            left += [entry.path for entry in os.scandir(path)]
        else:
            whole.append(path)
    return sorted(listable), sorted(whole)


def base_python() -> str:
    """The interpreter itself, without links."""
    return os.path.realpath(sys.executable)


def variables(work: str) -> dict[str, str]:
    """The variables of the submission's process: none of the user's own."""
    own = {
        name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ
    }
    fixed = {"PATH": "/usr/bin:/bin", "HOME": work, "TMPDIR": work, "TEMP": work, "TMP": work, "LANG": "C.UTF-8"}
    return {**own, **fixed, **dict.fromkeys(ONE_THREAD, "1"), "JAX_PLATFORMS": "cpu", "MPLBACKEND": "agg"}
