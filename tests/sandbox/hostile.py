"""Hostile submissions, and a program that runs all of them in one standing and prints what came of each.

A submission that gets something it must not get prints LEAK. Afterwards the program looks whether files, processes and
listening sockets of this machine were touched. `python tests/sandbox/hostile.py STANDING FOLDER` prints JSON.
"""

import contextlib
import ctypes
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NAMESPACES = ("user", "net", "pid", "ipc", "root")
STANDINGS = {  # what each lacks: Docker, for one, lets root make no namespaces
    "as started": (), "user": (), "no CAP_SYS_ADMIN": (), "no namespaces": NAMESPACES, "user, no namespaces": NAMESPACES,
    "user, nothing shut": (*NAMESPACES, "landlock", "calls"),
}  # fmt: skip
HEAD = """
import contextlib, ctypes, os, signal, socket, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def attempt(what, f, fine=lambda got: got is not False):
    try:
        got = f()
    except BaseException as error:
        print('no', what, type(error).__name__)
    else:
        print('LEAK' if fine(got) else 'no', what, ascii(got)[:80])
def must(result):
    if result < 0: raise OSError(ctypes.get_errno(), 'refused')
    return result
def backward(x, y, w, b):
"""

# Attempts: each is an expression; getting a value, other than False, is a LEAK. {names} are filled in.
ATTEMPTS = {
    "a neighbour's file": "open({secret!r}).read()",
    "a file of the checker's own": "open({private!r}).read()",
    "the folder of the class": "os.listdir({folder!r})",
    "passwords": "open('/etc/shadow').read()",
    "homes": "os.listdir('/root') + os.listdir('/home')",
    "a link": "(os.symlink({secret!r}, 'l'), open('l').read())",
    "a hard link": "(os.link({secret!r}, 'h'), open('h').read())",
    "a folder's descriptor": "[open(f'/proc/self/fd/{{n}}/' + '../' * 20 + {secret!r}).read() for n in os.listdir('/proc/self/fd')]",
    "each descriptor": "[t for n in range(3, 60) for t in tried(n)] or False",
    "up from its folder": "open('../' * 20 + {secret!r}).read()",
    "up from /proc": "open('/proc/self/cwd/' + '../' * 20 + {secret!r}).read()",
    "the root of process 1": "open('/proc/1/root' + {secret!r}).read()",
    "the checker's root": "open('/proc/{pid}/root' + {secret!r}).read()",
    "the checker's folder": "os.listdir('/proc/{pid}/cwd')",
    "the checker's memory": "open('/proc/{pid}/mem', 'rb').read(1)",
    "the checker's environment": "open('/proc/{pid}/environ').read()",
    "a token in the environment": "os.environ['SECRET_TOKEN']",
    "a parent's environment": "[f for f in (1, os.getppid()) if 's3cr3t' in open(f'/proc/{{f}}/environ').read()] or False",
    "paths in command lines": "[p for p in os.listdir('/proc') if p.isdigit() and {folder!r} in open(f'/proc/{{p}}/cmdline').read()] or False",
    "a plan in a command line": "[p for p in (1, os.getppid()) if 'readable' in open(f'/proc/{{p}}/cmdline').read()] or False",
    "capabilities": "[l for l in open('/proc/self/status') if l[:6] in ('CapEff', 'CapPrm', 'CapInh') and int(l[8:], 16)] or False",
    "being root": "os.getuid() == 0 or os.setuid(0) or os.getuid() == 0",
    "su": "b'uid=0' in subprocess.run(['su', '-c', 'id'], capture_output=True, stdin=0).stdout",
    "a root of its own": "os.chroot('.')",
    "a mount": "must(libc.mount(b'tmpfs', b'/usr', b'tmpfs', 0, None))",
    "an unmount": "must(libc.umount2(b'/proc', 2))",
    "a writable remount": "must(libc.mount(None, b'/usr', None, 32 | 4096, None))",
    "a device": "os.mknod('d', 0o60600, os.makedev(8, 0))",
    "ptrace": "must(libc.ptrace(16, {victim}, None, None))",
    "another's memory": "must(libc.process_vm_readv({victim}, None, 0, None, 0, 0))",
    "a signal": "os.kill({victim}, 0)",
    "another's priority": "os.setpriority(os.PRIO_PROCESS, {victim}, 19)",
    "another's processors": "os.sched_setaffinity({victim}, [0])",
    "another's limits": "__import__('resource').prlimit({victim}, 7, (10, 10))",
    "writing a file": "open({secret!r}, 'a').write('x')",
    "removing a file": "os.remove({secret!r})",
    "moving a file": "os.rename({secret!r}, {secret!r} + '2')",
    "cutting a file": "os.truncate({secret!r}, 0)",
    "permissions of a file": "os.chmod({secret!r}, 0)",
    "times of a file": "os.utime({secret!r})",
    "attributes of a file": "os.setxattr({secret!r}, 'user.a', b'1')",
    "a file beside it": "open({folder!r} + '/new', 'w')",
    "permissions of /": "os.chmod('/', 0o777)",
    "permissions of /tmp": "os.chmod('/tmp', 0o700)",
    "shared memory": "open('/dev/shm/pellucid_was_here', 'w')",
    "its own source": "open(__file__, 'w')",
    "NumPy": "open(__import__('numpy').__file__, 'a')",
    "the interpreter": "open(os.path.realpath(sys.executable), 'r+b')",
    "the kernel's settings": "open('/proc/sys/kernel/hostname', 'w').write('x')",
    "the magic key": "open('/proc/sysrq-trigger', 'w').write('h')",
    "being spared": "open('/proc/self/oom_score_adj', 'w').write('-1000')",
    "more memory": "__import__('resource').setrlimit(2, (-1, -1))",
    "the host's name": "must(libc.sethostname(b'x', 1))",
    "the clock": "time.clock_settime(time.CLOCK_REALTIME, 0)",
    "TCP": "socket.create_connection(('127.0.0.1', {tcp}), 1)",
    "UDP": "socket.socket(2, 2).sendto(b'hello', ('127.0.0.1', {udp}))",
    "a local socket": "socket.socket(1, 2).sendto(b'hello', {local!r})",
    "a nameless local socket": "socket.socket(1, 2).sendto(b'hello', chr(0) + {abstract!r})",
    "raw packets": "socket.socket(2, 3, 1)",
    "frames": "socket.socket(17, 3)",
    "netlink": "socket.socket(16, 3, 0)",
    "virtual machines": "socket.socket(40, 1)",
    "the kernel's ciphers": "socket.socket(38, 5)",
    "a name": "socket.gethostbyname('localhost.localdomain')",
    "a pair of sockets": "socket.socketpair()",
    "io_uring": "must(libc.syscall(425, 1, ctypes.create_string_buffer(120)))",
    "shared memory of System V": "must(libc.shmget(0, 10**6, 0o1600))",
    "keys": "must(libc.syscall({keyctl}, 0, -3, 1))",
    "bpf": "must(libc.syscall({bpf}, 0, ctypes.create_string_buffer(120), 120))",
    "Pellucid": "clean() or __import__('pellucid').Network",
    "Pellucid by its file": "clean() or load({package!r} + '/__init__.py')",
    "Pellucid's sources": "open({package!r} + '/backward.py').read()",
}  # fmt: skip
HELPERS = """
    def tried(n):
        with contextlib.suppress(OSError):
            at = os.open('../' * 20 + {secret!r}[1:], 0, dir_fd=n)
            return [os.read(at, 10)]
        return []
    def clean():
        sys.modules.pop('pellucid', None)
        sys.meta_path[:] = [f for f in sys.meta_path if 'Frozen' in str(f) or 'Path' in str(f) or 'Built' in str(f)]
        sys.path.append(os.path.dirname({package!r}))
    def load(path):
        import importlib.util
        spec = importlib.util.spec_from_file_location('p', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
"""

# Submissions that take too much or lie: lines, and the statuses that they may end with.
GREEDY = {
    "forks": ("while True:\n  with contextlib.suppress(OSError): os.fork()", "timeout processes"),
    "threads": ("import threading\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()", "exception processes memory timeout"),
    "sessions": ("for _ in range(100):\n  if os.fork() == 0: os.setsid(); time.sleep(60); os._exit(0)\ntime.sleep(60)", "exception processes"),
    "left behind": ("if os.fork() == 0: os.setsid(); time.sleep(60)\nreturn [x]", "answered"),
    "memory": ("a = []\nwhile True: a.append(bytearray(10**7))", "memory"),
    "memory at once": ("import numpy\nreturn numpy.ones(10**11)", "memory"),
    "memory without a name": ("a = []\nwhile True: a.append(os.memfd_create('m')); os.write(a[-1], bytes(3_900_000))", "memory exception files"),
    "pipes": ("a = []\nwhile True:\n  a.append(os.pipe()); os.set_blocking(a[-1][1], False)\n  import fcntl\n  with contextlib.suppress(OSError): fcntl.fcntl(a[-1][1], 1031, 10**6)\n  with contextlib.suppress(OSError):\n    while True: os.write(a[-1][1], bytes(65536))", "exception memory"),
    "files": ("for i in range(99): open(str(i), 'wb').write(bytes(10**6))\ntime.sleep(60)", "exception files"),
    "one file": ("f = open('f', 'wb')\nwhile True: f.write(bytes(10**6))", "exception files crash"),
    "many files": ("for i in range(10**6): open(str(i), 'w')", "timeout exception files"),
    "folders in folders": ("for i in range(1500): os.mkdir('d'); os.chdir('d')\nreturn [x]", "answered exception files"),
    "printing": ("while True: print('x' * 1000)", "output"),
    "errors printed": ("while True: os.write(2, bytes(65536))", "output"),
    "a large answer": ("return [x + i for i in range(2 * 10**5)]", "large memory value timeout"),
    "an endless answer": ("a = []\na.append(a)\nreturn a", "value"),
    "a loop": ("while True: pass", "timeout"),
    "sleep": ("time.sleep(60)", "timeout"),
    "deaf": ("for n in range(1, 65):\n  with contextlib.suppress(OSError, ValueError): signal.signal(n, signal.SIG_IGN)\nwhile True: pass", "timeout crash"),
    "stopped": ("os.kill(os.getpid(), signal.SIGSTOP)", "timeout"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "crash"),
    "aborted": ("os.abort()", "crash"),
    "all signalled": ("os.kill(-1, signal.SIGTERM)", "crash exit exception answered"),
    "an end": ("sys.exit(0)", "exit"),
    "a hard end": ("os._exit(0)", "exit"),
    "everything closed": ("os.closerange(0, 200)\nreturn [x]", "exit crash exception unreadable"),
    "a surrogate": ("raise ValueError(chr(0xD800))", "exception"),
    "a module of surrogates": ("__import__(chr(0xD800))", "exception"),
    "a class of surrogates": ("raise type(chr(0xD800) + 'x', (Exception,), {{}})(chr(27) + '[2J')", "exception value unreadable"),
    "keys of surrogates": ("return {{chr(0xDC80) + 'w1': x, chr(7): y}}", "answered value"),
    "control characters": ("print(chr(27) + ']0;x' + chr(7) + chr(0x202E))\nraise ValueError(chr(27) + '[31m' + chr(0x202E))", "exception"),
    "an exception that raises": ("class E(Exception):\n  def __str__(self): raise self\nraise E", "exception"),
    "no recursion limit": ("sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", "timeout crash exception memory"),
    "a forged refusal": ("for n in range(1, 60):\n  with contextlib.suppress(OSError): os.write(n, b'{{\"failed\": \"landlock\", \"why\": \"no\"}}\\n')\nreturn [x]", "unreadable"),
    "a forged answer": ("for n in range(3, 60):\n  with contextlib.suppress(OSError): os.write(n, b'{{\"answer\": 1, \"bytes\": 0}}\\n')\nos._exit(0)", "unreadable"),
    "a deep answer": ("for n in range(3, 60):\n  with contextlib.suppress(OSError): os.write(n, b'{{\"answer\": ' + b'[' * 10**5 + b'\\n')\nos._exit(0)", "unreadable"),
    "noise": ("for n in range(3, 60):\n  with contextlib.suppress(OSError): os.write(n, os.urandom(10**6))\nos._exit(0)", "exit unreadable"),
}  # fmt: skip


def attempts(places):
    """A submission that makes all attempts, each in a process of its own, so that none spoils the next."""
    lines = HELPERS.format(**places)
    for name, attempt in ATTEMPTS.items():
        lines += "    child = os.fork()\n    if not child:\n"
        lines += f"        attempt({name!r}, lambda: {attempt.format(**places)})\n        os._exit(0)\n"
        lines += "    os.waitpid(child, 0)\n"
    return HEAD + lines + "    return [x]\n"


def greedy(name, places):
    """A submission that takes too much or lies."""
    return HEAD + "".join(f"    {line}\n" for line in GREEDY[name][0].format(**places).splitlines())


# ── the program ─────────────────────────────────────────────────────────────────────────────────────


def stand(standing, folder):
    """Become what a standing says."""
    libc = ctypes.CDLL(None, use_errno=True)

    def must(result):
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    if standing.startswith("user") and os.getuid() == 0:
        must(libc.unshare(0x20000))
        must(libc.mount(None, b"/", None, ctypes.c_ulong(1 << 18 | 16384), None))
        for path in (sys.base_prefix, str(Path(__file__).resolve().parents[2])):
            closed = [p for p in reversed(Path(path).parents) if not p.stat().st_mode & 1]
            if closed:  # a folder with nothing but this path takes its place
                held = folder / f"held{path.count('/')}"
                held.mkdir()
                must(libc.mount(os.fsencode(path), os.fsencode(held), None, ctypes.c_ulong(4096), None))
                must(libc.mount(b"tmpfs", os.fsencode(closed[0]), b"tmpfs", ctypes.c_ulong(0), b"mode=755"))
                Path(path).mkdir(parents=True)
                must(libc.mount(os.fsencode(held), os.fsencode(path), None, ctypes.c_ulong(4096), None))
        for path in (folder, *folder.iterdir()):
            with contextlib.suppress(OSError):
                os.chown(path, 4242, 4242)
        os.setgroups([])
        os.setresgid(4242, 4242, 4242)
        os.setresuid(4242, 4242, 4242)
    elif standing in ("no CAP_SYS_ADMIN", "no namespaces"):
        if os.getuid() != 0:
            raise PermissionError("only root can try it")
        header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        must(libc.capget(header, data))
        for at in (0, 1, 2):
            data[at] &= ~(1 << 21)
        must(libc.prctl(24, ctypes.c_ulong(21), None, None, None))
        must(libc.capset(header, data))


def main(standing, where):
    """Run all submissions and print what became of them."""
    folder = Path(where).resolve()
    try:
        stand(standing, folder)
    except OSError as error:
        print(f"this machine lets nobody try it: {error}")
        sys.exit(77)
    without = STANDINGS[standing]
    os.environ["HOME"] = str(folder)
    import tempfile

    tempfile.tempdir = str(folder / "boxes")
    Path(tempfile.tempdir).mkdir()
    os.chmod(tempfile.tempdir, 0o755)
    import numpy as np

    import pellucid
    from pellucid.sandbox import Limits, run

    os.environ["SECRET_TOKEN"] = "s3cr3t"
    klass = folder / "class"
    klass.mkdir()
    secret, private = klass / "secret.txt", klass / "private.txt"
    secret.write_text("kept")
    private.write_text("kept")
    secret.chmod(0o666)
    private.chmod(0o600)
    klass.chmod(0o777)
    heard, servers = [], []
    abstract = f"pellucid-{os.getpid()}"
    for family, kind, at in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)), (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        (socket.AF_UNIX, socket.SOCK_DGRAM, str(klass / "s")), (socket.AF_UNIX, socket.SOCK_DGRAM, "\0" + abstract),
    ):  # fmt: skip
        server = socket.socket(family, kind)
        server.bind(at)
        if kind == socket.SOCK_STREAM:
            server.listen()
        servers.append(server)
        threading.Thread(target=listen, args=(server, heard), daemon=True).start()
    (klass / "s").chmod(0o777)
    victim = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(1000)"])
    try:
        places = {
            "secret": str(secret), "private": str(private), "folder": str(klass), "pid": os.getpid(),
            "victim": victim.pid, "tcp": servers[0].getsockname()[1], "udp": servers[1].getsockname()[1],
            "local": str(klass / "s"), "abstract": abstract, "package": str(Path(pellucid.__file__).parent),
            "keyctl": 250 if os.uname().machine == "x86_64" else 219,
            "bpf": 321 if os.uname().machine == "x86_64" else 280,
        }  # fmt: skip
        before = state(klass, victim)
        one = np.ones((1, 1))

        def outcome(source, time):
            limits = Limits(time=time, memory=300_000_000, processes=16, files=4_000_000)
            got = run(source, {"x": one, "y": one, "w1": one}, limits=limits, without=without)
            return {
                "status": got.status, "sentence": got.sentence, "printed": got.printed, "seconds": got.seconds,
                "missing": got.protection.missing, "trace": got.trace,
            }  # fmt: skip

        results = {"attempts": outcome(attempts(places), 20.0)}
        with ThreadPoolExecutor(2) as pool:
            seconds = {name: 1.0 if statuses.startswith("timeout") else 6.0 for name, (_, statuses) in GREEDY.items()}
            names = GREEDY if not standing.startswith("user, ") else ()
            ran = pool.map(lambda name: outcome(greedy(name, places), seconds[name]), names)
            results |= dict(zip(names, ran, strict=True))
        after = state(klass, victim)
        harm = [f"{key}: {before[key]} → {after[key]}" for key in before if before[key] != after[key]] + heard
        left = os.listdir(tempfile.tempdir)
    finally:
        victim.kill()
    print(json.dumps({"results": results, "harm": harm, "left": left}, ensure_ascii=False))


def state(folder, victim):
    """What must not change."""
    files = {p.name: (p.lstat().st_mode, p.lstat().st_mtime_ns, p.lstat().st_size) for p in folder.iterdir()}
    fixed = [os.stat(path).st_mode for path in ("/", "/tmp", "/dev/shm")]
    processor = os.sched_getaffinity(victim.pid), os.getpriority(os.PRIO_PROCESS, victim.pid)
    shared = os.path.exists("/dev/shm/pellucid_was_here")
    return {
        "files": repr(files), "modes": repr(fixed), "victim": repr((victim.poll(), *processor)), "shared": repr(shared),
        "host": os.uname().nodename,
    }  # fmt: skip


def listen(server, heard):
    """Note whatever arrives."""
    with contextlib.suppress(OSError):
        for _ in itertools.count():
            heard.append(repr(server.recv(10) if server.type == socket.SOCK_DGRAM else server.accept()[1]))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    main(sys.argv[1], sys.argv[2])
