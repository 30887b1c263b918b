"""Tests hold what an error is and what it carries, not how it is worded: words may improve without a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from anew import errors

FILES = sorted(Path(__file__).parent.rglob("test_*.py"))


def worded(source: str) -> list[int]:
    """The lines that expect an error of ours with a message of several words."""
    found: list[int] = []
    if "match=" not in source:
        return found  # to parse all files takes seconds
    for node in ast.walk(ast.parse(source)):
        if not (
            isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises" and node.args
        ):
            continue
        kinds = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else [node.args[0]]
        ours = any(ast.unparse(kind).rpartition(".")[2] in errors.__all__ for kind in kinds)
        for keyword in node.keywords:
            text = keyword.value.value if isinstance(keyword.value, ast.Constant) else ""
            if ours and keyword.arg == "match" and len(re.findall(r"\w+", str(text))) > 2:
                found.append(node.lineno)
    return found


def test_no_test_depends_on_how_an_error_of_ours_is_worded():
    found = {str(file): worded(file.read_text()) for file in FILES}
    assert not {file: lines for file, lines in found.items() if lines}


def test_a_worded_expectation_is_seen():
    assert worded("with pytest.raises(NotFound, match='there is no such folder'): pass") == [1]
    assert not worded("with pytest.raises(NotFound, match='val_acc'): pass")
    assert not worded("with pytest.raises(ValueError, match='of the test itself'): pass")
