"""Every script in examples/ runs as a user would run it, and every line of the tutorial gives what it says."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))
TUTORIAL = sorted((ROOT / "docs" / "tutorial").glob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example(script, tmp_path):
    """It ends well, without a warning, and leaves nothing behind but in the folder where it runs."""
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "examples").iterdir()}
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], cwd=tmp_path, env=environment, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert done.stdout
    assert {path: path.stat().st_mtime_ns for path in (ROOT / "examples").iterdir()} == before


def test_examples_are_numbered_without_a_gap():
    numbers = [int(path.name[:2]) for path in EXAMPLES]
    assert numbers == list(range(1, len(numbers) + 1))


def checked(text, name):
    """What differs between a page's code and its outputs; the number of its examples."""
    source = "\n".join(code for language, code in FENCE.findall(text) if language == "python")
    test = doctest.DocTestParser().get_doctest(source, {}, name, name, 0)
    said = []
    results = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert results.attempted == len(test.examples)
    return "".join(said), len(test.examples)


@pytest.mark.parametrize("page", [path for path in TUTORIAL if path.stem != "README"], ids=lambda path: path.stem)
def test_tutorial(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "jax", raising=False)  # where it is loaded, explanations have one check more
    differs, count = checked(page.read_text(encoding="utf-8"), page.name)
    assert not differs, differs
    assert count > 3


def test_a_wrong_output_is_seen():
    assert checked("```python\n>>> 1 + 1\n2\n```\n", "right") == ("", 1)
    differs, _ = checked("```python\n>>> 1 + 1\n3\n```\n", "wrong")
    assert "Expected:\n    3\nGot:\n    2" in differs


def test_the_tutorial_answers_every_question_and_its_links_lead_somewhere():
    index = (ROOT / "docs" / "tutorial" / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", index)
    assert sorted(links) == [path.name for path in TUTORIAL if path.stem != "README"]
    headings = " ".join(re.findall(r"^# (.*)$", "".join(p.read_text(encoding="utf-8") for p in TUTORIAL), re.MULTILINE))
    for question in (
        "Why is the derivative taken at z when the code uses a?",
        "Are weights updated layer by layer during the backward pass, or all at the end?",
        "What if layers have different sizes?",
        "Where is the bias?",
        "Where do the first weights come from?",
        "Which weights lie between layer l and the output?",
        "Where did the factor 2 go, and where the 1/n?",
        'Why "back"?',
        "Why is this gradient zero?",
        "What happens if all weights start equal?",
    ):
        assert question in headings
