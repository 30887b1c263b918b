"""The table of verdicts and refusals has each of them, with its exit code, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args, get_type_hints

from anew.cli.errors import explain
from anew.errors import ReproduceError
from anew.reproduce.equivalence import Equivalence
from anew.reproduce.judgement import Explanation
from anew.reproduce.verdict import Verdict

TOP = Path(__file__).resolve().parents[2]
RAISED = ("ReproduceError", "NotConfirmed", "Interrupted")
PAGE = (TOP / "docs" / "reference" / "verdicts.md").read_text()


def rows(title: str) -> list[list[str]]:
    """The cells of each row of the table below a heading."""
    part = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_verdict_has_its_exit_code():
    told = {row[0].strip("`"): int(row[-1]) for row in rows("Verdicts")}
    assert told == {one.value: one.exit_code for one in (*Verdict, *Equivalence)}


def test_every_cause_has_a_row():
    told = {row[0].strip("`") for row in rows("Causes")}
    assert told == set(get_args(get_type_hints(Explanation)["cause"]))


def test_every_refusal_says_why_and_has_a_row():
    told = {row[0].strip("`"): row[-1] for row in rows("Refusals")}
    raised = set()
    for file in (TOP / "src" / "anew").rglob("*.py"):
        text = file.read_text()
        if not any(name in text for name in RAISED):
            continue  # to parse all files takes seconds
        for node in ast.walk(ast.parse(text)):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in RAISED:
                whys = [one.value for one in node.keywords if one.arg == "why"]
                assert whys, f"{file}:{node.lineno} does not say why"
                (why,) = whys
                assert isinstance(why, ast.Constant), f"{file}:{node.lineno}"
                raised.add(why.value)
    assert set(told) == raised
    others = {"interrupted", "not confirmed"}
    code = explain(ReproduceError("no", why="strict")).code
    assert {told[why] for why in raised - others} == {str(code)}


def test_no_other_page_or_help_says_another_code_for_a_verdict():
    told = {row[0].strip("`"): int(row[-1]) for row in rows("Verdicts")}
    for file in ("reproduce", "diff", "check"):
        text = (TOP / "src" / "anew" / "cli" / f"{file}.py").read_text()
        for code, words in re.findall(r"(\d) ([A-Z]{4,}(?: [A-Z]+)*(?: or [A-Z]{4,}(?: [A-Z]+)*)?)", text):  # fmt: skip
            for word in words.split(" or "):
                assert told[word] == int(code), file
