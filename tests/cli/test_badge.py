"""`anew badge`."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from anew.reproduce.badge import Badge

ONE = "alice/vision/sweep/run-0"


def words(svg: str) -> list[str]:
    return [
        one.text or ""
        for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([ONE], ["run-0", "completed"]),
        (["bob/nlp/broken"], ["broken", "failed"]),
        ([ONE, "-m", "val/acc"], ["val/acc", "0.75"]),
        ([ONE, "--verdict"], ["reproduced", "not run again"]),
        (["--best", "val/acc", "-p", "alice/vision", "--label", "acc"], ["acc", "0.75 (run-0)"]),
        (["--best", "val/acc", "-f", "params.lr < 0.05"], ["best val/acc", "0.075 (run-1)"]),
        (["--best", "val/acc", "-p", "bob"], ["best val/acc", "none yet"]),
    ],
)
def test_a_badge_says_one_thing(run, tmp_path, arguments, said):
    file = tmp_path / "badge.svg"
    assert run("badge", *arguments, "-o", file).code == 0
    assert words(file.read_text()) == said
    assert words(run("badge", *arguments).out) == said
    assert run("badge", *arguments, "--json").json["badge"]["message"] == said[1]


def test_a_badge_for_shields_and_what_is_no_badge(run, tmp_path):
    file = tmp_path / "badge.json"
    assert run("badge", ONE, "-o", file).code == 0
    assert json.loads(file.read_text())["message"] == "completed"
    assert run("badge").code == 2
    assert run("badge", ONE, "--best", "val/acc").code == 2
    assert run("badge", ONE, "--verdict", "-m", "val/acc").code == 2
    assert run("badge", ONE, "-m", "nothing").code == 3


def test_hostile_words_are_text():
    said = '"><script>alert(1)</script>\n' + "x" * 100
    svg = Badge(said, said, "good").to_svg()
    assert "<script" not in svg
    assert len(words(svg)[0]) == 60
