"""The verdicts that a project holds, by the command, and the file that holds them."""

from __future__ import annotations

import json
import math
import shutil
import xml.etree.ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anew import Experiment
from anew.errors import CorruptData
from anew.reproduce.badge import badge_json, badge_svg
from anew.reproduce.lock import Held, HeldMetric, Lock, find_lock, read_lock, write_lock

from ..cli.conftest import call

TEXT = st.text(max_size=8)
METRIC = st.builds(
    HeldMetric, points=st.integers(0, 9), digest=TEXT, last=st.floats(), min=st.floats(), max=st.floats(),
    rtol=st.floats(0, 1), atol=st.floats(0, 1),
)  # fmt: skip
HELD = st.builds(
    Held, experiment=TEXT, id=TEXT, verdict=st.sampled_from(["IDENTICAL", "WITHIN TOLERANCE"]),
    evidence=st.dictionaries(TEXT, TEXT, max_size=2), metrics=st.dictionaries(TEXT, METRIC, max_size=2),
    files=st.dictionaries(TEXT, TEXT, max_size=2),
)  # fmt: skip


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A store in no repository, a way to record into it, and a way to run `check`."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "experiments"

    def record(*values, prefix="lab/toy/walk", fails=False, file=None):
        try:
            with Experiment(prefix, root=root, quiet=True, console="off", system_metrics=0) as exp:
                for step, value in enumerate(values):
                    exp.log_metrics({"loss": value, "step_seconds": step * 0.1}, step=step)
                if file is not None:
                    exp.files().save_text(file, "notes.txt")
                if fails:
                    raise RuntimeError
        except RuntimeError:
            pass

    def check(*arguments):
        done = call("--root", root, "check", *arguments, "--json")
        return done.code, done.json if done.code in (0, 1, 2) and done.out else None

    return record, check, root


def test_what_is_held_is_reached_by_the_same_curve_and_missed_by_another(made):
    record, check, _ = made
    record(1.0, 0.5, math.nan)
    assert check("--update", "lab/toy/walk")[0] == 0
    record(1.0, 0.5, math.nan)
    code, found = check()
    (row,) = found["experiments"]
    assert (code, row["verdict"], row["metrics"]["loss"]) == (0, "IDENTICAL", "IDENTICAL")
    assert row["run"] != row["held_id"]
    record(1.0, 0.5, 0.25)
    code, found = check("lab/toy/walk")
    assert (code, found["verdict"], found["missed"]) == (1, "DIVERGED", 1)
    assert check("--update")[0] == 0
    assert check()[0] == 0


def test_it_needs_no_store_but_the_one_with_the_new_run(made):
    record, check, root = made
    record(1.0, 0.5)
    check("--update", "lab/toy/walk", "--rtol", "0.01")
    shutil.rmtree(root)
    record(1.0, 0.501)
    code, found = check()
    assert (code, found["experiments"][0]["verdict"]) == (0, "WITHIN TOLERANCE")
    shutil.rmtree(root)
    record(1.0, 0.6)
    assert check()[0] == 1
    shutil.rmtree(root)
    record(1.0, prefix="lab/toy/other")
    code, found = check()
    assert (code, found["experiments"][0]["run"]) == (2, None)


def test_a_run_that_failed_reaches_nothing_and_is_not_held(made):
    record, check, _ = made
    record(1.0)
    check("--update", "lab/toy/walk")
    record(1.0, fails=True)
    assert check()[0] == 1
    assert check("--update", "lab/toy/walk")[0] == 5


def test_files_are_held_where_no_metric_was_logged(made):
    record, check, _ = made
    record(file="weights")
    check("--update", "lab/toy/walk")
    record(file="weights")
    assert check()[0] == 0
    record(file="other weights")
    assert check()[0] == 1


def test_a_badge_is_an_image_or_an_answer_for_shields(made, tmp_path):
    record, check, _ = made
    record(1.0)
    check("--update", "lab/toy/walk", "--badge", "held.svg")
    record(2.0)
    check("--badge", "held.json")
    assert ET.fromstring((tmp_path / "held.svg").read_text()).get("aria-label") == "reproduced: 1 of 1"  # fmt: skip
    assert json.loads((tmp_path / "held.json").read_text())["message"] == "0 of 1"
    assert json.loads(badge_json(0, 0))["schemaVersion"] == 1
    assert badge_svg(2, 0) != badge_svg(2, 2)


def test_nothing_held_is_not_found_and_the_options_do_not_mix(made):
    record, check, _ = made
    record(1.0)
    assert check()[0] == 3
    assert check("lab/toy/walk", "--baseline", "lab/toy/walk", "--update")[0] == 2
    assert check("--rtol", "1")[0] == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(HELD, max_size=3, unique_by=lambda held: held.experiment))
def test_what_is_written_is_read_again(tmp_path_factory, held):
    path = str(tmp_path_factory.getbasetemp() / "round.lock")
    write_lock(path, Lock(held=held))

    def plain(rows):  # NaN is not itself
        rows = sorted(rows, key=lambda one: one.experiment)
        return json.dumps(msgspec.to_builtins(rows), sort_keys=True)

    assert plain(read_lock(path).held) == plain(held)


@pytest.mark.parametrize("text", ["[", "version = 2", "held = 3", "[[held]]\nid = 1", "\xff", "other = 1"])  # fmt: skip
def test_what_is_no_such_file_is_refused(tmp_path, text):
    path = tmp_path / "anew.lock"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CorruptData):
        read_lock(str(path))


def test_the_file_is_found_from_below_and_never_above_the_repository(tmp_path):
    (tmp_path / "anew.lock").write_text("")
    top = tmp_path / "project"
    (top / ".git").mkdir(parents=True)
    (top / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (top / "sub").mkdir()
    assert find_lock(str(top / "sub")) == str(top / "anew.lock")
    (top / "sub" / "anew.lock").write_text("")
    assert find_lock(str(top / "sub")) == str(top / "sub" / "anew.lock")
