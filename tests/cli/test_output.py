"""How results look: tables at any width, JSON that every reader takes."""

import json

import pytest

from pellucid.cli.output import number, print_json, printable, some, table


def test_json_has_no_nan(capsys):
    print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": "σ"})
    text = capsys.readouterr().out
    assert json.loads(text, parse_constant=pytest.fail) == {"a": None, "b": [None, 1.5], "c": "σ"}
    assert "σ" in text


def test_a_table_in_a_pipe_has_no_colour_and_is_not_folded(capsys):
    table(("name", "value"), [("x" * 200, 1), ("[red]markup[/red]", None), ("a\x1b[31m", 22)], text=("name",))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert [line.rstrip() for line in out.splitlines()] == [
        "name" + " " * 196 + "  value",
        "x" * 200 + "      1",
        "[red]markup[/red]",
        "a\\x1b[31m" + " " * 191 + "     22",
    ]


def test_words():
    assert printable("Köln 日本\t\u202e") == "Köln 日本\\t\\u202e"
    assert number(123456.0) == "1.235e+05"
    assert some([1, 2]) == "1, 2"
