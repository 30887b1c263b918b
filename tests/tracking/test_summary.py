"""What is printed at the end, and how little is read for it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from anew.tracking.summary import WHOLE_BYTES, end_lines, last_step, sparkline


def journal(path: Path, count: int) -> str:
    with open(path, "w") as file:
        for i in range(count):
            metrics = {"loss": float(i)} if i % 1000 else {"loss": float(i), "rare": float(i)}
            file.write(json.dumps({"s": i, "t": 1.0, "m": metrics}) + "\n")
    return str(path)


def test_a_sparkline_goes_from_lowest_to_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([1.0, 1.0]) == "▄▄"
    assert sparkline([float("nan")]) == ""
    assert sparkline([0.0, float("inf"), float("nan"), 1.0]) == "▁█"
    assert len(sparkline([float(i) for i in range(1000)])) == 24
    assert sparkline([-1.7e308, 1.7e308]) == "▄▄"


def test_a_short_journal_is_summed_up_exactly(tmp_path: Path) -> None:
    lines = end_lines(journal(tmp_path / "x", 2000), "completed", 61.0, 0, "a/b")
    assert lines[0] == "completed a/b after 1 min 1 s"
    assert lines[1].split()[:2] == ["loss", "1999"]
    assert lines[2].split()[:2] == ["rare", "1000"]
    assert len(lines) == 3


def test_a_long_journal_is_sampled_and_says_so(tmp_path: Path) -> None:
    path = journal(tmp_path / "x", 60_000)
    assert Path(path).stat().st_size > WHOLE_BYTES
    lines = end_lines(path, "completed", 1.0, 3, "a/b")
    assert lines[1].split()[:2] == ["loss", "59999"]
    assert "samples" in lines[-2]
    assert lines[-1].startswith("LOST: 3")


def test_a_journal_that_is_not_there_has_no_curves(tmp_path: Path) -> None:
    assert end_lines(str(tmp_path / "none"), "failed", 1.0, 0, "a/b") == ["failed a/b after 1.0 s"]


def test_the_last_step_is_found_from_the_end_past_a_torn_line(tmp_path: Path) -> None:
    path = journal(tmp_path / "x", 50)
    with open(path, "a") as file:
        file.write('{"t":1.0,"m":{}}\n{"s":5')
    assert last_step(path) == 49
    assert last_step(str(tmp_path / "none")) is None


@pytest.mark.parametrize(
    "given", [None, "elsewhere", "with a space", "../beside", "absolute", "variable"]
)
def test_the_command_printed_at_the_start_finds_the_experiment(
    tmp_path: Path, given: str | None
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    root = str(tmp_path / "abs") if given == "absolute" else given
    program = "import os\n"
    if given == "variable":  # the program sets it for itself alone
        program += f"os.environ['ANEW_ROOT'] = {str(tmp_path / 'var')!r}\n"
        root = None
    program += f"os.chdir({str(tmp_path)!r})\n" if given == "absolute" else ""
    program += f"from anew import Experiment\nwith Experiment('a/b', root={root!r}): pass\n"
    environ = {k: v for k, v in os.environ.items() if k not in ("ANEW_ROOT", "ANEW_QUIET")}
    environ["PWD"] = str(here)
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=here,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    [line] = [line for line in said.splitlines() if "anew show" in line]
    words = shlex.split(line.partition("anew show")[2])
    assert ("--root" in words) == (given is not None)
    shown = subprocess.run(
        [sys.executable, "-m", "anew", "show", *words, "-q"],
        cwd=here, env=environ, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert shown.strip().endswith("a/b")
