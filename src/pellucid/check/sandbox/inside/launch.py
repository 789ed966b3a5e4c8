"""Shut the doors one after the other, then become the interpreter that runs the submission.

launcher ─ fork ─ keeper (process 1 of its own namespace) ─ fork ─ runner (the submission)
The launcher ends with the runner's exit status. When it is killed, the kernel kills the keeper, and with the
keeper everything in its namespace. A door that can't be shut ends the attempt with one line of JSON, {"failed":
door, "why": …}; the caller then tries again without it, and says so. Otherwise the line is {"ready": …}.
"""

import contextlib
import json
import os
import signal
import sys

FAILED = 97


class Failed(Exception):
    """A door could not be shut."""

    def __init__(self, door, error):
        super().__init__(door)
        self.door, self.why = door, getattr(error, "strerror", None) or str(error) or type(error).__name__


class shutting:
    """With shutting("landlock"): … turns any error into Failed("landlock", …)."""

    def __init__(self, door):
        self.door = door

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        if isinstance(error, Exception) and not isinstance(error, Failed):
            raise Failed(self.door, error) from None


def tell(**line):
    """One line of JSON to the caller."""
    os.write(1, (json.dumps(line) + "\n").encode())


def main(text):
    """Do what the plan says; never returns."""
    plan = json.loads(text)
    try:
        start(plan)
    except Failed as failed:
        tell(failed=failed.door, why=failed.why)
    except Exception as error:
        tell(failed="start", why=f"{type(error).__name__}: {error}")
    sys.stdout.flush()
    os._exit(FAILED)


def start(plan):
    """Launcher, keeper, runner: each fork goes one further."""
    doors, own_id = set(plan["doors"]), os.getuid() if hasattr(os, "getuid") else None
    if not hasattr(os, "fork"):
        become_runner(plan)
    linux = sys.platform == "linux"
    if linux:
        import kernel

        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        if os.getppid() != plan["parent"]:
            os._exit(FAILED)
        enter_namespaces(doors, own_id)
    alive, launcher = os.pipe()  # `alive` reads as ended once the launcher is gone
    heard, said = os.pipe()  # how the runner ended
    keeper = os.fork()
    if keeper:
        os.close(alive)
        os.close(said)
        status = wait_for(keeper)
        if linux:
            import tree

            tree.end(os.getpid())  # whoever the submission left behind
        end_as(int(os.read(heard, 20) or status))
    os.close(launcher)
    if linux:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.set_blocking(alive, False)
        try:
            os.read(alive, 1)
            os._exit(FAILED)
        except BlockingIOError:
            pass
        if "root" in doors:
            with shutting("root"):
                build_root(plan, proc="pid" in doors)
    runner = os.fork()
    if runner:
        if linux:
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # the runner can't look into the keeper
        os.write(said, str(wait_for(runner)).encode())
        os._exit(0)
    settle_down(plan, doors)
    become_runner(plan)


def enter_namespaces(doors, own_id):
    """No network, no view of other processes, shared memory of its own."""
    import kernel

    gid = os.getgid()
    if "user" in doors:
        with shutting("user"):
            kernel.unshare(kernel.NEWUSER, "user namespace")
            for name, line in (
                ("setgroups", "deny"),
                ("uid_map", f"{own_id} {own_id} 1"),
                ("gid_map", f"{gid} {gid} 1"),
            ):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(line)
            with open("/proc/sys/user/max_user_namespaces", "w") as file:
                file.write("0")  # of this namespace: none is made below it
    for door, flag in (("net", kernel.NEWNET), ("pid", kernel.NEWPID), ("ipc", kernel.NEWIPC)):
        if door in doors:
            with shutting(door):
                kernel.unshare(flag, door)


def build_root(plan, proc):
    """A root of all files that has the interpreter, its packages and the box, read-only, and one folder to write in."""
    import kernel

    root, box = plan["root"], plan["box"]
    kernel.unshare(kernel.NEWNS, "mounts")
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=4m")
    for path in sorted(plan["readable"] + [box]):
        show(path, root, kernel.MS_BIND if path == box else kernel.MS_BIND | kernel.MS_REC)
    for path in plan["hidden"]:
        if os.path.isdir(root + path):
            kernel.mount("tmpfs", root + path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=4k")
    os.makedirs(root + "/proc", exist_ok=True)
    kernel.make_read_only(root)
    owner = "" if plan["uid"] is None else f",uid={plan['uid']},gid={plan['uid']}"
    options = f"mode=700,nr_inodes=4096,size={plan['files']}{owner}"
    kernel.mount("tmpfs", root + plan["work"], "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    if proc:
        with contextlib.suppress(OSError):  # then there is none, which is safe
            kernel.mount("proc", root + "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV)
    kernel.enter(root)


def show(path, root, flags):
    """The same path in the new root; a link as a link."""
    import kernel

    target = root + path
    if not os.path.lexists(path) or os.path.lexists(target):
        return  # not here, or within what is shown already
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT))
    kernel.mount(path, target, None, flags)


def settle_down(plan, doors):
    """The last steps before the submission: another user, limits, Landlock. Says "ready"."""
    import limits

    linux = sys.platform == "linux"
    if plan["uid"] is not None:
        with shutting("uid"):
            os.setgroups([])
            os.setresgid(plan["uid"], plan["uid"], plan["uid"])
            os.setresuid(plan["uid"], plan["uid"], plan["uid"])
            for path in plan["needed"]:
                if not os.access(path, os.R_OK):
                    raise PermissionError(f"another user can't read {path}")
    with shutting("start"):
        others = 0 if plan["uid"] is not None else 2 if "user" in doors else None  # 2: launcher and keeper
        set_limits = limits.apply(plan, others)
        os.chdir(plan["work"])
    version = 0
    if linux:
        import kernel

        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if "landlock" in doors:
            with shutting("landlock"):
                proc = ["/proc"] if "pid" in doors and "root" in doors else ["/proc/self"]
                write = [plan["work"], "/dev/null"]
                version = kernel.landlock([*plan["readable"], plan["box"], *proc], write)
    tell(ready={"landlock": version, "limits": set_limits})


def become_runner(plan):
    """The interpreter that runs the submission, in place of this one."""
    command = [plan["python"], "-I", "-B", "-X", "utf8", plan["inside"], "run", plan["task"]]
    if not hasattr(os, "fork"):  # Windows: the same process goes on
        os.chdir(plan["work"])
        tell(ready={"landlock": 0, "limits": []})
        import runner

        runner.main(plan["task"])
    try:
        os.execve(plan["python"], command, plan["environment"])
    except OSError as error:
        raise Failed("environment", error) from None


def wait_for(child):
    """The wait status of a child; orphans are buried meanwhile."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def end_as(status):
    """End as another process ended: with its exit status, or by the same signal."""
    if os.WIFEXITED(status):
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status)
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)
