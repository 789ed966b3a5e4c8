"""Hostile submissions get nothing and leave nothing, whoever runs the checker; what can't be enforced is said."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.sandbox import hostile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux")


@pytest.fixture
def folder():
    """A folder that other users reach, too."""
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield made


def ran(standing, folder):
    """What became of all submissions in a standing."""
    root = Path(__file__).parents[2]
    command = [sys.executable, hostile.__file__, standing, folder]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=300, check=False)
    if done.returncode == 77:
        pytest.skip(f"{standing}: {done.stdout}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    if found["results"]["attempts"]["missing"] and standing in ("as started", "no CAP_SYS_ADMIN"):
        pytest.skip(f"{standing}: this machine can't shut {found['results']['attempts']['missing']}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("standing", [s for s in hostile.STANDINGS if s != "user, nothing shut"])
def test_nothing_is_got_and_nothing_left(standing, folder):
    found = ran(standing, folder)
    attempts = found["results"].pop("attempts")
    lines = attempts["printed"].splitlines()
    leaks = {line.removeprefix("LEAK ") for line in lines if not line.startswith("no ")}
    said = any(sentence.startswith("Priorities and limits") for sentence in attempts["missing"])
    assert (len(lines), (said and len(leaks) == 3) or not leaks) == (len(hostile.ATTEMPTS), True), (leaks, attempts)
    ends = {name: o["status"] for name, o in found["results"].items()}
    assert {n: s for n, s in ends.items() if s not in hostile.GREEDY[n][1].split()} == {}
    assert [h for h in found["harm"] if not (said and h.startswith("victim"))] == found["left"] == []
    for outcome in found["results"].values():
        words = (outcome["sentence"], *outcome["trace"], *outcome["printed"].split("\n"))
        assert all(word.isprintable() for word in words), words


def test_the_attempts_are_real(folder):
    attempts = ran("user, nothing shut", folder)["results"]["attempts"]
    assert attempts["printed"].count("LEAK") > 25
    assert len(attempts["missing"]) >= 8
