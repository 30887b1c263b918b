"""Showing one of the values and files of an experiment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anew import Histogram, Image, Table, Text
from anew.cli import open as opening
from anew.reading.remote.backend import RemoteBackend
from serving import over_a_socket

from .conftest import Outcome, call, recorded

REF = "alice/vision/media"


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("open") / "experiments"
    with recorded(root, REF) as exp:
        for step in (1, 5, 9):
            exp.log_value("samples/wrong", Image(np.full((4, 4), step, np.uint8)), step=step)
        exp.log_value("confusion", Table({"name": ["cat", "dog"], "hits": [3, 12]}), step=9)
        exp.log_value("answer", Text("Forty-two.\nTruly."))
        exp.log_value("weights", Histogram(np.linspace(-1, 1, 1000)), step=9)
        exp.files("notes").save_text("hello\n", "a.txt")
        exp.files("notes").save(b"\x00\x01", "raw.bin")
        exp.files("notes").save(b"<script>alert(1)</script>" + b"\xff", "page.html")
    return root


@pytest.fixture
def run(media: Path):
    def run(*words: object) -> Outcome:
        return call("--root", media, *words)

    return run


def test_without_a_name_everything_logged_is_listed(run):
    lines = run("open", REF).lines
    (row,) = [line.split() for line in lines if "samples/wrong" in line]
    assert row[:3] == ["samples/wrong", "image", "3"]
    assert "1, 5, 9" in next(line for line in lines if "samples/wrong" in line)
    document = run("open", REF, "--json").json
    assert {one["name"] for one in document["values"]} == {
        "samples/wrong", "confusion", "answer", "weights",
    }  # fmt: skip
    assert [one["name"] for one in document["files"]] == [
        "notes/a.txt", "notes/raw.bin", "notes/page.html",
    ]  # fmt: skip


def test_values_are_seen_in_files_and_show(run):
    for command in ("files", "show"):
        out = run(command, REF).out
        for name in ("samples/wrong", "confusion", "answer", "weights"):
            assert name in out, command
        document = run(command, REF, "--json").json
        assert len(document["values"]) == 6
        assert [v["step"] for v in document["values"] if v["kind"] == "image"] == [1, 5, 9]
    assert run("files", REF, "confusion").code == 0
    assert run("files", REF, "nothing").code == 3


def test_a_table_prints_as_a_table(run):
    lines = [line.split() for line in run("open", REF, "confusion").lines]
    assert lines == [["name", "hits"], ["cat", "3"], ["dog", "12"]]
    assert len(run("open", REF, "confusion", "--limit", "1").lines) == 2
    assert run("open", REF, "confusion", "--json").json["data"] is not None


def test_a_text_and_a_readable_file_are_printed(run):
    assert run("open", REF, "answer").out == "Forty-two.\nTruly.\n"
    assert run("open", REF, "notes/a.txt").out == run("open", REF, "a.txt").out == "hello\n"


def test_a_histogram_is_a_line_of_bars(run):
    (line,) = run("open", REF, "weights").lines
    assert line.startswith("-1 ")
    assert line.endswith(" 1")
    assert len(line) > 10


def test_an_image_is_where_it_says_and_a_step_chooses(run):
    newest = run("open", REF, "samples/*").out.strip()
    first = run("open", REF, "samples/wrong", "--step", "1", "-q").out.strip()
    assert Path(newest).is_file()
    assert Path(first).is_file()
    assert first != newest
    document = run("open", REF, "samples/wrong", "--json").json
    assert (document["step"], document["steps"], document["path"]) == (9, [1, 5, 9], newest)
    assert run("open", REF, "samples/wrong", "--step", "2").code == 3


def test_a_name_that_is_not_there_is_not_found_with_the_nearest(run):
    outcome = run("open", REF, "confusoin", "--json")
    assert outcome.code == 3
    assert "confusion" in outcome.err
    assert run("open", REF, "*").code == 2


def test_a_viewer_gets_pictures_and_never_a_page(
    media: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(opening.subprocess, "Popen", lambda command, **_: started.append(command))
    monkeypatch.setattr(opening, "_viewer", lambda: ["viewer"])
    from anew.cli.output import Output

    made = Output.__init__

    def on_a_terminal(self: Output, *args: object, **options: object) -> None:
        made(self, *args, **options)  # type: ignore[arg-type]
        self.terminal = True

    monkeypatch.setattr(Output, "__init__", on_a_terminal)
    for name in ("samples/wrong", "page.html", "raw.bin"):
        assert call("--root", media, "open", REF, name).code == 0
    assert [Path(command[1]).suffix for command in started] == [".png"]


def test_what_has_neither_says_so(tmp_path: Path) -> None:
    with recorded(tmp_path, "a/b/empty"):
        pass
    assert call("--root", tmp_path, "open", "a/b/empty").code == 0
    assert call("--root", tmp_path, "open", "a/b/empty", "--json").json["values"] == []


def test_a_large_table_comes_from_a_server_by_its_first_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    root = tmp_path / "experiments"
    with recorded(root, REF) as exp:
        for step in (0, 7):
            exp.log_value("scores", Table({"id": np.arange(3000) + step, "share": [np.nan, 0.5] * 1500}), step=step)  # fmt: skip
    with over_a_socket(str(root)) as url:
        monkeypatch.delattr(RemoteBackend, "open")  # no byte of the file is asked for
        for where in (root, url):
            told = call("--root", where, "open", REF, "scores", "--limit", 2)
            assert [line.split() for line in told.lines] == [["id", "share"], ["7", "NaN"], ["8", "0.5"]]  # fmt: skip
            assert "3,000" in told.err
            first = call("--root", where, "open", REF, "scores", "--step", 0, "--limit", 2500).out
            assert [line.split()[0] for line in first.splitlines()] == ["id", *map(str, range(2500))]  # fmt: skip
