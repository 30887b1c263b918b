"""Text from a folder that a terminal would obey: shown, escaped, by every command."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew import Store
from anew.cli.output import as_line
from anew.cli.words import one_line, printable

from .conftest import call, recorded

HOSTILE = "EV\x1b]0;title\x07\x1b[2J\x9b31m\u202egpj.exe"


def is_obeyed(text: str) -> set[str]:
    """The characters in a text that a terminal would obey, or that turn the text around them."""
    return {c for c in text if c not in "\n\t" and (unicodedata.category(c) in ("Cc", "Cf", "Cs"))}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with an experiment that says it everywhere, and a plain one."""
    root = tmp_path_factory.mktemp("hostile") / "experiments"
    with recorded(root, "a/p/e", params={"k": 1}, config={"c": 1}, tags=["t"]) as exp:
        exp.log_metric("loss", 1.0)
        exp.log("message", f="f")
        folder = Path(exp.folder)
    with recorded(root, "a/p/f", params={"k": 1}) as exp:
        exp.log_metric("loss", 1.0)
    (events,) = (folder / "journal").glob("*.jsonl")
    lines = events.read_text().splitlines()
    opened = json.loads(lines[0])
    x, t = HOSTILE, opened["t"]
    opened |= {"host": f"h{x}", "user": f"u{x}"}
    more: list[dict[str, Any]] = [
        {"k": "file", "file_id": f"f{x}", "prefix": f"p{x}", "name": f"n{x}", "path": "files/p/x", "size": 1, "hash": f"h{x}"},
        {"k": "captured", "what": "git", "data": {"commit": f"c{x}", "branch": f"b{x}", "remote": f"r{x}", "dirty": True, "changed": [f"x{x}"], "root": f"/r{x}"}},
        {"k": "captured", "what": "command", "data": {"argv": [f"a{x}"], "cwd": f"/c{x}", "entry": f"e{x}"}},
        {"k": "captured", "what": "problems", "data": {f"p{x}": f"q{x}"}},
        {"k": "captured", "what": "hardware", "data": {"cpu": x, "gpus": [{"name": x}], "driver": x}},
        {"k": "params", "params": {x: x, "k": x, "l": [x]}},
        {"k": "tags", "add": {f"t{x}": f"v{x}"}},
        *({"k": "field", "field": field, "value": f"{field}{x}"} for field in ("description", "notes", "name")),
        {"k": "bindrs", "add": [f"b{x}"]},
        {"k": "linked", "parent": f"p{x}", "relation": f"r{x}"},
        {"k": "lost", "count": 3, "reason": f"l{x}"},
    ]  # fmt: skip
    closed = json.loads(lines[-1]) | {"status": "failed", "reason": f"r{x}", "error": f"e{x}"}
    all_lines = [opened, *({"t": t, **event} for event in more), closed]
    text = "\n".join([*map(json.dumps, all_lines), f"broken{x}"]) + "\n"
    events.write_text(text)
    (points,) = (folder / "metrics").glob("*.jsonl")
    with points.open("a") as file:
        file.write(
            json.dumps({"t": t, "s": 9, "m": {f"m{x}": 1.0, "loss": 3.0}, "x": {x: x}}) + "\n"
        )
    logs = next((folder / "logs").glob("logs-*.jsonl"))
    with logs.open("a") as file:
        line = {"t": t, "level": f"i{x}", "message": f"m{x}", "fields": {x: x}}
        file.write(json.dumps(line) + "\n")
    (folder / "logs" / f"train-{events.stem}.log").write_text(f"raw{x}\n")
    with Store(root) as store:
        store.rebuild()
    return root


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"], ["list", "-c", "name,user,host,git_branch,tags,params.k,description,notes,reason,parent"], ["-q", "list"],
        ["show", "a/p/e"], ["--json", "show", "a/p/e"], ["--json", "list"], ["compare", "a/p/e", "a/p/f"],
        ["logs", "a/p/e"], ["logs", "-q", "a/p/e"], ["logs", "--console", "a/p/e"], ["--json", "logs", "a/p/e"],
        ["--json", "logs", "--console", "a/p/e"], ["files", "a/p/e"], ["-q", "files", "a/p/e"], ["doctor"], ["--json", "doctor"],
        ["du"], ["best", "loss"], ["reproduce", "a/p/e", "--dry-run"], ["diff", "a/p/e", "a/p/f"], ["watch", "--once"],
        ["show", f"nothing{HOSTILE}"], ["list", f"name == '{HOSTILE}"], ["--json", "list", f"name == '{HOSTILE}"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_prints_what_a_terminal_would_obey(hostile: Path, arguments: list[str]) -> None:
    shown = call("--root", hostile, *arguments)
    assert is_obeyed(shown.out) == set()
    assert is_obeyed(shown.err) == set()
    assert shown.out + shown.err


@given(st.text())
def test_lines_and_texts_lose_nothing_but_what_is_obeyed(text: str) -> None:
    assert is_obeyed(printable(text)) == set()
    assert "\n" not in one_line(text)
    if not is_obeyed(text) and text.isprintable():
        assert printable(text) == text


@given(
    st.recursive(
        st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_document_says_the_same_and_is_safe_to_print(document: Any) -> None:
    line = as_line(document)
    dangerous = {
        c for c in is_obeyed(line) if unicodedata.category(c) == "Cc" or "\u200b" <= c <= "\u206f"
    }
    assert dangerous == set()
    assert json.loads(line) == document
