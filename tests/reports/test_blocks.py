"""What a block says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anew.errors import InvalidValue
from anew.reports.blocks import PARTS, look_of, read_block

STATE = Path(__file__).parents[2] / "web" / "src" / "state.ts"


def test_the_parts_of_a_view_are_those_of_the_page():
    text = STATE.read_text()
    fields = re.findall(r"^  (\w+): \w+\(\"", text[text.index("export const FIELDS") :], re.M)
    passing = {"view", "selected", "eye", "baseline", "apart", "full", "ids", "at"}
    names = {re.sub(r"[A-Z]", lambda one: "_" + one[0].lower(), field) for field in fields}
    assert names - passing == PARTS


@pytest.mark.parametrize(
    ("text", "kind", "named"),
    [
        ("figure: val/loss", "figure", ("val/loss",)),
        ("figure: [a, 'b*']\nlimit: 3\ncaption: Below", "figure", ("a", "b*")),
        ("table: true\nfilter: params.lr < 1", "table", ()),
        ("table: [name, params.lr]\nexperiments: k7f3", "table", ("name", "params.lr")),
        ("verdict: [a, b]", "verdict", ("a", "b")),
        ("view: overview\nsmooth: 0.5", "view", ()),
        ("panels: [{name: Loss, panels: [loss]}]", "view", ()),
    ],
)
def test_a_block_is_a_view_a_figure_a_table_or_a_verdict(text, kind, named):
    asked = read_block(text)
    assert (asked.kind, asked.named) == (kind, named)


@pytest.mark.parametrize(
    "text",
    [
        "", "- a", "figure: loss\ntable: true", "figure: {a: 1}", "figure: [1]", "verdict: a", "verdict: [a, b, c]", "filtr: x",
        "view: [a]", "figure: x\nlimit: 0", "figure: x\nlimit: true", "figure: x\ncaption: [a]", "a: &x [*x]", "figure: x\nexperiments: [[a]]",
        "figure: [" + "a, " * 300 + "]",
    ],
)  # fmt: skip
def test_what_a_block_cannot_say_is_told(text):
    with pytest.raises(InvalidValue):
        read_block(text)


@pytest.mark.parametrize(
    "parts",
    [{"smooth": 1}, {"smooth": "much"}, {"range": [2, 1]}, {"band": "wide"}, {"group": "lr"}, {"x_log": 1}],
)  # fmt: skip
def test_a_look_that_cannot_be_is_told(parts):
    with pytest.raises(InvalidValue):
        look_of(parts)
    assert look_of({"smooth": 0, "range": [1, 2], "unheard": 1}).range == (1.0, 2.0)
