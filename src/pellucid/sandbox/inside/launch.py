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
import stat
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


def main():
    """Do what the plan on standard input says; never returns."""
    plan = json.loads(sys.stdin.buffer.read())  # not an argument: every process can read another's arguments
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
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
    doors = set(plan["doors"])
    if not hasattr(os, "fork"):
        become_runner(plan, Held())
    import limits  # noqa: F401  (all that is needed later, while it can still be reached)

    linux = sys.platform == "linux"
    if linux:
        import resource  # noqa: F401

        import filter  # noqa: F401
        import kernel
        import tree

        kernel.libc()
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != plan["parent"]:
            os._exit(FAILED)
        enter_namespaces(doors, plan["uid"])
    alive, launcher = os.pipe()  # `alive` reads as ended once the launcher is gone
    heard, said = os.pipe()  # how the runner ended
    keeper = os.fork()
    if keeper:
        os.close(alive)
        os.close(said)
        if linux:
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        status = wait_for(keeper)
        if linux:
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
    become_runner(plan, settle_down(plan, doors))


def enter_namespaces(doors, uid):
    """No network, no view of other processes, shared memory of its own."""
    import kernel

    if "user" in doors:
        with shutting("user"):
            if uid is None:
                own, group = os.getuid(), os.getgid()  # inside they are nobody's until they are mapped
                kernel.unshare(kernel.NEWUSER, "user namespace")
                write("/proc/self/setgroups", "deny")
                map_users("self", [own], [group])
            else:
                with mapped_by_another([0, uid]):
                    kernel.unshare(kernel.NEWUSER, "user namespace")
            write("/proc/sys/user/max_user_namespaces", "0")  # of this namespace: none is made below it
    for door, flag in (("net", kernel.NEWNET), ("pid", kernel.NEWPID), ("ipc", kernel.NEWIPC)):
        if door in doors:
            with shutting(door):
                kernel.unshare(flag, door)


def write(path, text):
    """Write a line into one of the kernel's files."""
    with open(path, "w") as file:
        file.write(text)


def map_users(process, users, groups):
    """Let a user namespace have these users and groups, under their own numbers."""
    for name, numbers in (("uid_map", users), ("gid_map", groups)):
        write(f"/proc/{process}/{name}", "".join(f"{number} {number} 1\n" for number in numbers))


@contextlib.contextmanager
def mapped_by_another(ids):
    """Within this, a user namespace is entered; then a process outside of it, as it must be, maps several users."""
    entered, enter = os.pipe()
    process, helper = os.getpid(), os.fork()
    if not helper:
        os.close(enter)
        try:
            if os.read(entered, 1):
                map_users(process, ids, ids)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
    os.close(entered)
    try:
        yield
        os.write(enter, b"1")
    finally:
        os.close(enter)
        status = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if status:
        raise OSError(status, f"users of a namespace: {os.strerror(status)}")


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


class Held:
    """Folders that were opened while they could be reached: another user gets to them by their descriptors.

    An interpreter under /root, or packages in a home that is closed to others, are used so: not the way there, only
    the folder itself has to be readable. Nothing is copied.
    """

    def __init__(self):
        self.folders = {}

    def hold(self, paths):
        """Open all that are no links."""
        for path in paths:
            with contextlib.suppress(OSError):
                at = os.open(path, os.O_PATH | os.O_NOFOLLOW)
                if stat.S_ISLNK(os.fstat(at).st_mode):
                    os.close(at)
                else:
                    self.folders[path] = at

    def let_go(self):
        """Close them."""
        for at in self.folders.values():
            os.close(at)
        self.folders.clear()

    def via(self, path):
        """The path, by way of the uppermost folder above it that is held: an interpreter looks above itself."""
        found = min((f for f in self.folders if path == f or path.startswith(f + "/")), key=len, default=None)
        return path if found is None else f"/proc/self/fd/{self.folders[found]}{path[len(found) :]}"

    def keep(self):
        """Hand them on to the submission, which can't do without."""
        for at in self.folders.values():
            os.set_inheritable(at, True)


def change_user(plan, held):
    """Become another user, who must reach what is needed, by its path or by what is held."""
    uid = plan["uid"]
    with shutting("uid"):
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        if all(os.access(path, os.R_OK) for path in plan["needed"]):
            held.let_go()
        for path in plan["needed"]:
            if not os.access(held.via(path), os.R_OK):
                raise PermissionError(f"another user can't read {path}")


def settle_down(plan, doors):
    """The last steps before the submission: another user, limits, no rights, Landlock, refused calls. Says "ready"."""
    import limits

    linux, held = sys.platform == "linux", Held()
    if linux:
        import kernel

        kernel.bound_capabilities()
    if plan["uid"] is not None:
        if "root" not in doors:  # what is held would lead out of it
            held.hold([*plan["readable"], plan["folder"]])
        change_user(plan, held)
    with shutting("start"):
        set_limits = limits.apply(plan, 0 if plan["uid"] is not None else 2 if "user" in doors else None)
        os.chdir(held.via(plan["work"]))
    version = 0
    if linux:
        import filter

        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.drop_capabilities()
        if "landlock" in doors:
            with shutting("landlock"):
                proc = ["/proc"] if "pid" in doors and "root" in doors else ["/proc/self"]
                version = kernel.landlock(
                    map(held.via, plan["listable"]),
                    map(held.via, [*plan["allowed"], plan["box"], *proc]),
                    map(held.via, [plan["work"], "/dev/null"]),
                )
        if "calls" in doors:
            with shutting("calls"):
                filter.refuse(kernel.prctl, attributes="root" not in doors)
    tell(ready={"landlock": version, "limits": set_limits})
    return held


def become_runner(plan, held):
    """The interpreter that runs the submission, in place of this one."""
    flags, python, packages, environment = ["-I", "-B", "-X", "utf8"], plan["python"], [], plan["environment"]
    if not hasattr(os, "fork"):  # Windows: the same process goes on
        os.chdir(plan["work"])
        tell(ready={"landlock": 0, "limits": []})
        import runner

        runner.main(plan["task"], [])
    elif held.folders:  # then it would not find its packages by itself
        flags, python, packages = [*flags, "-S"], plan["base_python"], list(map(held.via, plan["packages"]))
        work = held.via(plan["work"])
        environment = {name: work if value == plan["work"] else value for name, value in environment.items()}
        environment["LD_LIBRARY_PATH"] = held.via(plan["libraries"])
        held.keep()
    command = [held.via(python), *flags, held.via(plan["inside"]), "run", held.via(plan["task"]), *packages]
    try:
        os.execve(command[0], command, environment)
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
