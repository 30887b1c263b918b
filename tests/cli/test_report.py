"""`anew report`: which experiments go into the page, and where it is written."""

from __future__ import annotations

import json

REF = "alice/vision/sweep/run-0"


def test_a_filter_and_names_together_choose_the_experiments(run, tmp_path):
    target = tmp_path / "new" / "report.html"
    outcome = run("report", "-f", "'sweep' in tags", "bob/nlp/diverged", "-o", target, "--json")
    assert outcome.code == 0
    document = json.loads(outcome.out)
    assert len(document["experiments"]) == 4
    assert document["bytes"] == target.stat().st_size
    assert "alice/vision/sweep/run-1" in target.read_text()


def test_the_path_alone_is_printed_when_quiet(run, tmp_path):
    target = tmp_path / "report.html"
    assert run("report", REF, "-o", target, "-q").lines == [str(target)]


def test_nothing_chosen_nothing_found_and_another_ending_are_told_apart(run, tmp_path):
    assert run("report", "-o", tmp_path / "r.html").code == 2
    assert run("report", REF, "-o", tmp_path / "r.pdf").code == 2
    assert run("report", "-f", "name == 'nobody'", "-o", tmp_path / "r.html").code == 3
    assert list(tmp_path.glob("*.html")) == []
