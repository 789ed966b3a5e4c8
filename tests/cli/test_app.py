"""The program as a whole: help, version, exit status, what is imported, what a terminal is spared."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import pellucid
from pellucid.cli.app import COMMANDS, app
from pellucid.errors import DataError
from tests.cli.running import run

PROGRAM = [sys.executable, "-c", "from pellucid.cli import main; main()"]
NAMES = [command.__name__.replace("_", "-") for command in COMMANDS]


def test_help_names_every_command_in_one_line():
    result = run("--help")
    assert result.exit_code == 0
    for name in NAMES:
        assert re.search(rf"^  {name}  +\S", result.stdout, re.MULTILINE)
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_every_command_has_an_example(name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert re.search(rf"^ *Examples?:\s+pellucid {name} \S", result.stdout, re.MULTILINE)
    assert "--json" in result.stdout


def test_no_command_shows_the_help():
    result = run()
    assert result.exit_code == 2
    assert "Usage: pellucid" in result.output


def test_version():
    assert run("--version").stdout == f"pellucid {pellucid.__version__}\n"


USAGE = {
    "unknown command": ("fly",),
    "unknown option": ("train", "iris", "--wings"),
    "no argument": ("train",),
    "too many arguments": ("info", "a", "b"),
    "a number that is none": ("train", "iris", "--epochs", "many"),
    "an option without its value": ("train", "iris", "--epochs"),
}


@pytest.mark.parametrize("given, meant", [("--lr", "--learning-rate"), ("--optimizer", "--optimiser")])
def test_an_option_of_other_programs_is_told_by_its_name_here(given, meant):
    result = run("train", "iris", given, "1")
    assert result.exit_code == 2
    assert f"No such option: {given} (Possible options: {meant})" in " ".join(result.output.split()) or (
        f"No such option: {given} Did you mean {meant}?" in " ".join(result.output.split())
    )


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_bad_usage_is_status_2(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr


def test_text_from_outside_cannot_steer_the_terminal(monkeypatch):
    def refuse(*_, **__):
        raise DataError("evil\x1b[31m\n\rname", "expected \x07 data")

    monkeypatch.setattr("pellucid.data.read_table", refuse)
    result = run("data", "anything")
    assert result.exit_code == 2
    assert result.stderr == "evil\\x1b[31m\\n\\rname: expected \\x07 data.\n"


@pytest.mark.parametrize(("raised", "status"), [(KeyboardInterrupt, 130), (MemoryError, 2)])
def test_other_ends_are_worded_too(monkeypatch, raised, status):
    def end(*_, **__):
        raise raised

    monkeypatch.setattr("pellucid.data.read_table", end)
    result = run("data", "anything")
    assert result.exit_code == status
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


def test_a_mistake_of_pellucid_is_not_hidden(monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("pellucid.data.read_table", fail)
    with pytest.raises(ZeroDivisionError):
        run("data", "anything")


def test_the_help_imports_nothing_heavy():
    program = (
        "import sys\nfrom pellucid.cli.app import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('jax', 'sklearn', 'polars', 'scipy', 'optax', 'rich', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def start(*arguments, cwd, **more):
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", **more,
    )  # fmt: skip


def test_an_error_in_a_real_process(folder):
    process = start("predict", "absent.safetensors", "iris", cwd=folder)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert errors == "absent.safetensors: expected a model file, got no such file or directory.\n"


def test_a_reader_that_stops_reading_is_no_error(folder):
    with start("data", "digits", "--json", cwd=folder) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert "Traceback" not in errors


def test_a_terminal_without_arrows_is_no_error(folder, iris):
    with start("info", iris, cwd=folder, env={**os.environ, "PYTHONIOENCODING": "ascii"}) as process:
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "515 parameters ? loss cross_entropy" in out


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_saves_the_model(folder):
    """As a user would: start, look at the first line of progress, press Ctrl-C."""
    arguments = ("train", "digits", "--epochs", 100_000, "--patience", 0, "--backend", "numpy", "-o", "m.safetensors")
    process = start(*arguments, cwd=folder)
    line = process.stderr.readline()
    assert line.startswith("epoch 1/100000: loss ")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted in epoch" in out
    assert "saved m.safetensors" in out
    net = pellucid.load(folder / "m.safetensors")
    assert net.history.interrupted
    assert np.isfinite(net.w[1]).all()
    assert sorted(p.name for p in folder.iterdir()) == ["m.safetensors"]


def test_the_app_is_what_the_entry_point_runs():
    from importlib.metadata import entry_points

    (script,) = [e for e in entry_points(group="console_scripts") if e.name == "pellucid"]
    assert script.load() is pellucid.cli.main
    assert app.info.help
