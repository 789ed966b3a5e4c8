"""Hostile and careless submissions: each is stopped at its limits, gets a sentence, and leaves nothing behind.

What a platform lets nobody enforce must be said in the report; then, and only then, a test accepts that it happened.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid.errors import InputError
from pellucid.sandbox import Limits, environment, run, start
from pellucid.sandbox.protection import DOORS

LINUX = sys.platform == "linux"
ONE = np.ones((1, 1))
ARRAYS = {"x": ONE, "y": ONE, "w1": ONE}
SMALL = Limits(time=8, memory=300_000_000, processes=16, files=4_000_000)
HEAD = "import os, sys, time\ndef backward(x, y, w, b):\n"


@pytest.fixture(autouse=True)
def nothing_left(tmp_path, monkeypatch):
    """The boxes stand in the test's own folder; after it, no process has one in its command line."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    for _ in range(100):  # a process that was killed is listed until the system has put it away
        if not left(tmp_path):
            break
        time.sleep(0.05)
    assert left(tmp_path) == []
    assert list(tmp_path.glob("pellucid-*")) == []


def left(folder):
    """The processes that run from a folder's boxes."""
    if not LINUX:
        return []
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if f"{folder}/pellucid-".encode() in line:
            found.append(line)
    return found


def body(*lines):
    """A submission with these lines in its function."""
    return HEAD + "".join(f"    {line}\n" for line in lines)


def test_a_right_answer_comes_through():
    outcome = run(
        body("print('hello', len(x))", "return {'dw1': 2 * x, 'rest': [None, (1, True)], 3: [[1, 2], [3, 4]]}"), ARRAYS
    )
    assert (outcome.status, outcome.sentence, outcome.function) == ("answered", "", "backward")
    assert list(outcome.value) == ["dw1", "rest", 3]
    assert outcome.value["dw1"].tolist() == [[2.0]]
    assert outcome.value["rest"][0] is None
    assert outcome.value["rest"][1].tolist() == [1, 1]
    assert outcome.value[3].tolist() == [[1, 2], [3, 4]]
    assert outcome.printed == "hello 1\n"
    assert outcome.seconds < 8


SENTENCES = {
    "syntax": ("def backward(x, y:\n  pass", "syntax", "The file is not valid Python: '(' was never closed (line 1: def backward(x, y:)."),
    "no function": ("def f(a, b): pass\ndef h(): pass", "missing", "The file has no function backward(): it defines f(), h()."),
    "nothing": ("", "missing", "The file has no function backward(): it defines no function."),
    "parameters": ("def backward(net): pass", "arguments", "backward(net) has parameters that can't be filled: expected some of x, y, w, b, or parameters."),
    "exception": (body("z = 0", "return 1 / z"), "exception", "backward() raised ZeroDivisionError: division by zero (line 4: return 1 / z)."),
    "on import": ("x = [][3]", "exception", "The file raised IndexError: list index out of range (line 1: x = [][3])."),
    "exit": (body("sys.exit(3)"), "exit", "backward() ends the program with sys.exit(3) (line 3: sys.exit(3)); it must return its gradients instead."),
    "hard exit": (body("os._exit(0)"), "exit", "backward() ended its process (exit status 0) before there was an answer."),
    "input": (body("input()"), "exception", "backward() raised EOFError: EOF when reading a line (it asks for input, and there is none here) (line 3: input())."),
    "import": (body("import pellucid"), "exception", "It imports pellucid, which is not allowed here (line 3: import pellucid)."),
    "text": (body("return {'dw1': 'much'}"), "value", "What backward() returned has a text, 'much', where numbers are wanted (its answer['dw1'])."),
}  # fmt: skip


@pytest.mark.parametrize(("source", "status", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_a_careless_file_gets_a_sentence(source, status, sentence):
    outcome = run(source, ARRAYS, limits=SMALL)
    assert (outcome.status, outcome.sentence) == (status, sentence)
    assert outcome.value is None


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    "second, sentence",
    [
        ("1 / 0", "backward() raised ZeroDivisionError: division by zero (part 6: 1 / 0)."),
        ("return 'no'", "What backward() returned has a text, 'no', where numbers are wanted (its answer)."),
        ("pass", ""),
    ],
)
def test_a_second_call_that_fails_gets_a_sentence(second, sentence):
    source = "CALLS = []\n" + body("CALLS.append(1)", "if len(CALLS) > 1:", f"    {second}", "return [x]")
    outcome = run(source, ARRAYS, limits=SMALL, places=[f"part {n}" for n in range(1, 9)])
    assert (outcome.status, outcome.failed_again) == ("answered", sentence)
    assert (outcome.again is None) == bool(sentence)


def test_a_crash_gets_a_sentence_with_its_line():
    outcome = run(body("import ctypes", "ctypes.string_at(0)"), ARRAYS, limits=SMALL)
    assert outcome.status == "crash"
    assert outcome.sentence == (
        "backward() crashed with SIGSEGV, an access to memory that isn't its own (line 4: ctypes.string_at(0))."
    )


LOOPS = {"busy": ("k = 0", "while k < 3:", "    pass"), "asleep": ("time.sleep(100)",)}


@pytest.mark.parametrize("lines", LOOPS.values(), ids=LOOPS)
def test_a_loop_without_end_is_ended_and_its_line_told(lines):
    started = time.monotonic()
    outcome = run(body(*lines), ARRAYS, limits=replace(SMALL, time=2.5))
    assert time.monotonic() - started < 4
    assert outcome.status == "timeout"
    assert outcome.sentence.startswith("backward() did not finish within 2.5 s (it stood at line ")
    assert outcome.line in range(3, 3 + len(lines))


HUNGRY = {
    "lists": ("a = []", "while True:", "    a.append(bytearray(10**7))"),
    "shared": ("import mmap", "a = []", "while True:", "    a.append(mmap.mmap(-1, 10**7))", "    a[-1].write(bytes(10**7))"),
    "at once": ("import numpy", "return numpy.ones(10**11)"),
    "nameless": (
        "a = []", "while True:", "    a.append(os.memfd_create('m'))", "    os.write(a[-1], bytes(3_900_000))",
        "    if len(a) > 100: time.sleep(0.02)",
    ),
    "many": ("a = bytearray(10**8)", "while os.fork(): time.sleep(0.2)", "a = bytes(range(250)) * 400_000", "time.sleep(100)"),
}  # fmt: skip


@pytest.mark.skipif(not LINUX, reason="memory is limited on Linux only")
@pytest.mark.parametrize("lines", HUNGRY.values(), ids=HUNGRY)
def test_memory_without_end(lines):
    outcome = run(body(*lines), ARRAYS, limits=SMALL)
    assert (outcome.status, outcome.seconds < 8) == ("memory", True), outcome
    assert outcome.sentence.startswith("backward() needs more than the 300 MB of memory that it may use")


def test_printing_without_end():
    started = time.monotonic()
    outcome = run("while True: print('x' * 1000)", ARRAYS, limits=SMALL)
    assert time.monotonic() - started < 6
    assert (outcome.status, outcome.sentence) == ("output", "The file printed more than 1 MB.")
    assert len(outcome.printed) <= 64_000
    assert outcome.printed_bytes < 3_000_000


def test_an_answer_without_end():
    outcome = run(body("return [x + 0 * i for i in range(2000)]"), ARRAYS, limits=replace(SMALL, answer=8000))
    assert (outcome.status, outcome.sentence) == ("large", "backward() returned more than 8 kB of arrays.")


BOMB = body("while True:", "    try:", "        os.fork()", "    except OSError:", "        pass")
SLEEPERS = body(  # 60 at most, each in a session of its own
    "for _ in range(60):", "    if os.fork() == 0:", "        os.setsid()", "        time.sleep(60)", "        os._exit(0)",
    "time.sleep(60)",
)  # fmt: skip


@pytest.mark.skipif(not LINUX, reason="processes are counted on Linux only")
def test_forks_are_refused_and_ended():
    outcome = run(SLEEPERS, ARRAYS, limits=SMALL)
    assert outcome.status in ("processes", "exception")
    assert "started more than 16 processes" in outcome.sentence
    if outcome.protection.enforced["processes"] != "16 by the kernel":
        assert any("processes" in sentence for sentence in outcome.protection.missing)
        return
    outcome = run(BOMB, ARRAYS, limits=replace(SMALL, time=2.5))  # only where the kernel holds it
    assert outcome.status in ("timeout", "processes")
    assert outcome.seconds < 5


@pytest.mark.skipif(not LINUX, reason="processes are followed on Linux only")
@pytest.mark.parametrize("without", [(), ("pid",), DOORS], ids=["", "no namespace", "nothing shut"])
def test_children_that_outlive_an_answer_are_ended(without):
    outcome = run(
        body("if os.fork() == 0:", "    os.setsid()", "    time.sleep(60)", "return [2 * x]"),
        ARRAYS,
        limits=SMALL,
        without=without,
    )
    assert outcome.value[0].tolist() == [[2.0]]
    assert outcome.seconds < 7


def test_no_network(tmp_path):
    heard = []

    def listen(server):
        with contextlib.suppress(OSError):
            while True:
                said = server.recv(10) if server.type == socket.SOCK_DGRAM else server.accept()
                if not said:
                    return
                heard.append(said)

    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
            local.bind(str(tmp_path / "s"))
            os.chmod(tmp_path / "s", 0o777)
            for server in (tcp, udp, local):
                threading.Thread(target=listen, args=(server,), daemon=True).start()
            outcome = run(
                body(
                    "import socket",
                    "for family, kind, place in (",
                    f"    (socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', {tcp.getsockname()[1]})),",
                    f"    (socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', {udp.getsockname()[1]})),",
                    f"    (socket.AF_UNIX, socket.SOCK_DGRAM, {str(tmp_path / 's')!r})):",
                    "    try:",
                    "        s = socket.socket(family, kind)",
                    "        s.connect(place)",
                    "        s.send(b'hello')",
                    "    except OSError as error:",
                    "        print(error)",
                    "return [x]",
                ),
                ARRAYS,
                limits=SMALL,
            )
            time.sleep(0.1)
            for server in (tcp, udp, local):
                with_stop(server)
    assert outcome.ok
    said = " ".join(outcome.protection.missing)
    assert not heard or "cut off" in said
    if not heard:
        assert len(outcome.printed.splitlines()) == 3


def with_stop(server):
    """Wake up whoever waits for a socket."""
    with contextlib.suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)


def test_no_writing_outside(tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("kept")
    precious.chmod(0o666)
    tmp_path.chmod(0o777)
    before = precious.stat().st_mtime_ns
    at = str(precious)
    attempts = [
        f"open({at!r}, 'w')", f"os.remove({at!r})", f"os.chmod({at!r}, 0)", f"os.utime({at!r})",
        f"os.rename({at!r}, {at + '2'!r})", f"os.symlink('a', {at + '3'!r})", f"os.truncate({at!r}, 0)",
        "open(__file__, 'w')", "open('/usr/x', 'w')", "open('/dev/shm/x', 'w')",
    ]  # fmt: skip
    outcome = run(
        body(
            "open('mine.txt', 'w').write('mine')",
            "print('here', open('mine.txt').read())",
            f"for what in {attempts}:",
            "    try:",
            "        eval(what)",
            "        print('done', what)",
            "    except OSError:",
            "        pass",
            "return [x]",
        ),
        ARRAYS,
        limits=SMALL,
    )
    assert outcome.printed.startswith("here mine\n")
    files = [s for s in outcome.protection.missing if "files" in s]
    if files:
        assert any("could not be prevented" in s for s in files)
        return
    assert outcome.printed == "here mine\n"
    assert (precious.read_text(), precious.stat().st_mtime_ns) == ("kept", before)
    assert precious.stat().st_mode & 0o777 == 0o666


def test_too_much_in_its_own_folder():
    outcome = run(
        body(
            "for i in range(10):",
            "    with open(str(i), 'wb') as f:",
            "        f.write(bytes(10**6))",
            "time.sleep(60)",
        ),
        ARRAYS,
        limits=SMALL,
    )
    assert outcome.status in ("exception", "files")
    assert "No space left" in outcome.sentence or "wrote more than 4 MB into files" in outcome.sentence


@pytest.mark.skipif(not LINUX, reason="Linux")
def test_no_look_at_the_right_answer(tmp_path, monkeypatch):
    source = str(Path(pellucid.__file__).parents[1])  # as if Pellucid were installed beside the other packages
    monkeypatch.setattr(environment, "readable", lambda own=environment.readable: [*own(), source])
    monkeypatch.setenv("SECRET_TOKEN", "s3cr3t")
    (tmp_path / "solution.py").write_text("the solution")
    (tmp_path / "solution.py").chmod(0o644)
    tmp_path.chmod(0o755)
    outcome = run(
        body(
            "sys.modules.pop('pellucid', None)",
            f"sys.path.append({source!r})",
            "def attempt(what, f):",
            "    try:",
            "        print('LEAK', what, str(f())[:50])",
            "    except BaseException:",
            "        pass",
            f"attempt('file', lambda: open({str(tmp_path / 'solution.py')!r}).read())",
            f"attempt('folder', lambda: os.listdir({str(tmp_path)!r}))",
            f"attempt('signal', lambda: os.kill({os.getpid()}, 0))",
            f"for pid in ({os.getpid()}, os.getppid(), 1):",
            "    for name in ('mem', 'environ', 'maps', 'cwd/x', 'root/etc/passwd', 'fd/1'):",
            "        attempt(f'{pid} {name}', lambda: open(f'/proc/{pid}/{name}', 'rb').read(1))",
            "attempt('token', lambda: os.environ['SECRET_TOKEN'])",
            "attempt('home', lambda: os.listdir('/root') + os.listdir('/home'))",
            "attempt('shadow', lambda: open('/etc/shadow').read())" if os.getuid() == 0 else "pass",
            "attempt('import', lambda: __import__('pellucid').Network)",
            "return [x]",
        ),
        ARRAYS,
        limits=SMALL,
    )
    assert outcome.ok
    if not outcome.protection.missing:
        assert "LEAK" not in outcome.printed
    assert "s3cr3t" not in outcome.printed


def test_a_forged_message_opens_no_door():
    before = run(body("return [x]"), ARRAYS, limits=SMALL).protection
    forged = '{"failed": "landlock", "why": "no"}\\n{"ready": {"landlock": 0}}\\n'
    outcome = run(
        body(
            "for fd in range(1, 20):",
            "    try:",
            f"        os.write(fd, b'{forged}')",
            "    except OSError:",
            "        pass",
            "return [x]",
        ),
        ARRAYS,
        limits=SMALL,
    )
    assert outcome.status == "unreadable"
    assert outcome.sentence.endswith("left an answer that can't be read.")
    assert outcome.protection == before == run(body("return [x]"), ARRAYS, limits=SMALL).protection


@pytest.mark.skipif(not LINUX, reason="Linux")
def test_with_every_door_open_it_is_said_and_all_processes_end():
    limits = replace(SMALL, time=4)
    outcome = run(SLEEPERS, ARRAYS, limits=limits, without=DOORS)
    assert outcome.status == "processes" or "processes" in outcome.sentence
    said = " ".join(outcome.protection.missing)
    for thing in ("network", "files elsewhere", "number of processes", "Signals to other processes", "Pellucid"):
        assert thing in said, thing
    assert "left out on purpose" in said
    assert run(body("return [x]"), ARRAYS, limits=limits, without=DOORS).ok


@pytest.mark.skipif(not LINUX, reason="Linux")
@pytest.mark.parametrize("doors", ["landlock", "root", "pid", "net calls", "root calls", "calls"])
def test_a_door_can_be_left_open(doors):
    outcome = run(body("open('/tmp/pellucid_was_here', 'w')"), ARRAYS, limits=SMALL, without=doors.split())
    if "files" in outcome.protection.enforced:
        assert outcome.status == "exception"
        assert "the network and all files but its own are out of reach here" in outcome.sentence
    else:
        os.remove("/tmp/pellucid_was_here")
    wording = {
        "root": "Whether files exist", "root calls": "Changes of permissions", "net calls": "TCP", "calls": "AF_VSOCK",
    }  # fmt: skip
    if doors in wording:
        assert any(wording[doors] in s for s in outcome.protection.missing)


def test_an_interrupted_run_leaves_nothing(monkeypatch):
    looks = []

    def interrupt(self):
        looks.append(1)
        if len(looks) > 20:
            raise KeyboardInterrupt
        time.sleep(0.05)

    monkeypatch.setattr(start.ProcessWatch, "look", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(body("if os.name == 'posix' and os.fork(): os.setsid()", "time.sleep(60)"), ARRAYS, limits=SMALL)


@pytest.mark.skipif(not LINUX, reason="Linux")
def test_a_killed_checker_takes_its_submission_along(tmp_path):
    program = (
        "import numpy as np, tempfile\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "from pellucid.sandbox import run\n"
        "one = np.ones((1, 1))\n"
        "run('while True: pass', {'x': one, 'y': one, 'w1': one})\n"
    )
    checker = subprocess.Popen([sys.executable, "-c", program])
    until = time.monotonic() + 15
    while not any(b"task.npz" in line for line in left(tmp_path)) and time.monotonic() < until:
        time.sleep(0.05)
    assert left(tmp_path)
    checker.send_signal(signal.SIGKILL)
    checker.wait()
    while left(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    assert left(tmp_path) == []
    for box in tmp_path.glob("pellucid-*"):
        subprocess.run(["rm", "-rf", str(box)], check=True)


@pytest.mark.parametrize("name", ["time", "memory", "processes", "files", "output", "answer"])
def test_limits_are_numbers_above_zero(name):
    for value in (0, -1, float("inf"), float("nan"), "1"):
        with pytest.raises(InputError, match=f"limit of {name}: expected a number > 0, got"):
            run("", ARRAYS, limits=replace(Limits(), **{name: value}))
