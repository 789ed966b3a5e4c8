"""A zip for Gradescope: the model, the data, and the two programs that Gradescope runs.

Before it: the arguments of `pellucid check`. After it: Gradescope unpacks it to /autograder/source.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

SETUP = """#!/usr/bin/env bash
# Runs once: an interpreter (3.11 or newer) with Pellucid in a folder that every user can read.
set -e
apt-get update
apt-get install -y python3 python3-venv
python3 -m venv /opt/pellucid
cd /autograder/source
if compgen -G "*.whl" > /dev/null; then
    /opt/pellucid/bin/pip install ./*.whl
else
    /opt/pellucid/bin/pip install "pellucid==VERSION"
fi
"""
RUN = '''#!/usr/bin/env python3
"""Runs for each submission: grades the one Python file or notebook that was handed in."""

import json
import os
import subprocess
import sys

BASE = os.environ.get("AUTOGRADER", "/autograder")
PROGRAM = os.environ.get("PELLUCID", "/opt/pellucid/bin/pellucid")
OPTIONS = OPTIONS_HERE
results, folder = os.path.join(BASE, "results", "results.json"), os.path.join(BASE, "submission")
found = sorted(n for n in os.listdir(folder) if n.lower().endswith((".py", ".ipynb")) and not n.startswith((".", "__")))
usual = [n for n in found if os.path.splitext(n)[0] == "backward"]
if len(found) != 1 and len(usual) != 1:
    output = f"Hand in one Python file or notebook, or call it backward.py; {len(found)} came."
    with open(results, "w") as file:
        json.dump({"score": 0, "output": output}, file)
    sys.exit()
name = usual[0] if len(usual) == 1 else found[0]
command = [PROGRAM, "check", "model.safetensors", os.path.join(folder, name), *OPTIONS, "--gradescope", results]
done = subprocess.run(command, cwd=os.path.join(BASE, "source"), stdout=subprocess.DEVNULL)
sys.exit(0 if done.returncode in (0, 1) else done.returncode)
'''


def autograder(model: Path, data: str | None, options: Sequence[str], version: str) -> bytes:
    """The zip's bytes.

    Args:
        model: the model's file.
        data: a file of data, which is put in, or the name of a set.
        options: more options of `pellucid check`.
        version: of Pellucid, which the zip installs.
    """
    given, files = list(options), {"model.safetensors": model.read_bytes()}
    if data is not None:
        path = Path(data)
        name = "data" + "".join(path.suffixes)
        if path.is_file():
            files[name] = path.read_bytes()
        given += ["--data", name if path.is_file() else data]
    files["setup.sh"] = SETUP.replace("VERSION", version).encode()
    files["run_autograder"] = RUN.replace("OPTIONS_HERE", json.dumps(given)).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o755 if name in ("setup.sh", "run_autograder") else 0o644) << 16
            zipped.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return written.getvalue()
