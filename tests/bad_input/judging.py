"""What every refusal must look like."""

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pellucid.errors import PellucidError


def assert_sentence(text: str) -> None:
    """One line in the form of DESIGN.md: where, what was expected or is so, what came, what to do."""
    where, colon, rest = text.partition(": ")
    assert colon, text
    assert where, text
    assert rest, text
    assert text[-1] in ".?)", text
    assert "\n" not in text, text
    assert len(text) < 500, text
    assert " at 0x" not in text, text
    assert "Traceback" not in text, text


def refuse(action: Callable[[], Any], fragments: Iterable[str]) -> None:
    """The action must raise a PellucidError whose sentence holds all of the fragments."""
    with pytest.raises(PellucidError) as caught:
        action()
    assert_sentence(str(caught.value))
    for fragment in fragments:
        assert fragment in str(caught.value)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file of a folder with what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def may_anything() -> bool:
    """Whether this process, like root's, opens files whatever their permissions."""
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return os.access(file.name, os.R_OK)


permissions = pytest.mark.skipif(may_anything(), reason="this user may read and write anything")
