"""The benchmarks run: scaled down, no figure judged (a timing is never a test)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import GROUPS, measure
from benchmarks.environments import peers
from benchmarks.harness import Bench, Pair, Row, table
from benchmarks.peer_writers import WRITERS
from benchmarks.results import Group, save, sections

CHECKOUT = Path(__file__).resolve().parents[2]


# What starts other trackers or imports PyTorch, and takes ten seconds and more; and what starts interpreters.
SLOW = {"accepting", "capture", "exit_and_memory", "first_look", "forwarding", "group", "group_catalog", "importing", "light", "mlflow_server", "page", "peers", "server", "syncing", "uploads", "verdict"}  # fmt: skip
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in GROUPS
    if name != "throughput"  # the test below runs it
]


@pytest.mark.parametrize("name", NAMES)
def test_each_group_measures_something_and_reaches_its_end(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANEW_QUIET", "1")
    monkeypatch.chdir(CHECKOUT)
    scratch = (
        tmp_path / "scratch"
    )  # beside it lies what programs keep for their user, such as a browser's settings
    scratch.mkdir()
    group = measure(name, Bench(scratch, quick=True))
    assert not group.failed, [row.what for row in group.rows]
    assert group.rows
    assert list(scratch.iterdir()) == []


def test_nothing_is_lost_and_nothing_fails_in_any_arrangement(tmp_path: Path) -> None:
    group = measure("throughput", Bench(tmp_path, quick=True))
    rows = group.rows
    assert not group.failed, [row.what for row in rows]
    assert list(tmp_path.iterdir()) == []
    assert [row.ours for row in rows if "lost" in row.what] == ["0 and 0"] * 3


def test_a_group_that_breaks_off_is_named_in_the_table_and_fails_the_run() -> None:
    group = measure("no_such_group", Bench(Path(), quick=True))
    assert group.failed
    assert group.rows[-1].what == "no_such_group: not measured"
    assert group.rows[-1].reached is False


def test_ratios_are_medians_over_paired_rounds() -> None:
    pair = Pair([[10, 20, 30], [100, 200, 300], [20, 40, 60]], [[10] * 3, [100] * 3, [20] * 3])
    assert pair.at(0.5) == (40, 20, 2.0)


def test_a_group_that_is_measured_again_takes_the_place_of_its_last_run_alone(tmp_path) -> None:
    place = tmp_path / "RESULTS.md"
    for name, ours, reached in (("page", "1 s", True), ("log_call", "9 µs", False), ("page", "2 s", False)):  # fmt: skip
        save(Group(name, [Row(name, ours, target="≤ 1", reached=reached)]), place)
    kept = sections(place.read_text())
    assert list(kept) == ["log_call", "page"]
    assert "9 µs" in kept["log_call"]
    assert "2 s" in kept["page"]
    assert "1 s" not in kept["page"]
    assert "0 of 2 targets reached" in place.read_text()


def test_the_page_names_the_machine_and_nothing_of_where_it_was_measured(tmp_path) -> None:
    place = tmp_path / "RESULTS.md"
    save(Group("log_call", [Row("log call", "1 µs", "1 µs", "1.00×", "≤ 2×", True)]), place)
    text = place.read_text()
    assert "1 of 1 targets reached" in text
    assert "cores" in text
    assert os.uname().nodename not in text
    assert str(CHECKOUT) not in text


def test_the_table_has_a_column_for_every_fact() -> None:
    head, rule, row = table([Row("a", "b", "c", "d", "e", False)]).splitlines()
    assert head.count("|") == rule.count("|") == row.count("|") == 7
    assert "**no**" in row


def test_every_pinned_peer_has_a_writer() -> None:
    assert set(peers()) | {"anew", "floor"} == set(WRITERS)
    assert all("==" in what for pins in peers().values() for what in pins)


def test_an_unknown_group_is_refused_with_the_names_there_are() -> None:
    command = [sys.executable, "-m", "benchmarks", "log_cal"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there are log_call" in done.stderr
