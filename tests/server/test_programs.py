"""What the page draws, told to the server, comes back as a program."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

import numpy as np
import pytest

from anew.commands.programs import figure_of
from anew.server.table import API
from later import later
from serving import InProcess, in_process

plots = later("anew.plots.chart")
CURVE = {
    "name": "a",
    "x": [0, 3600, 7200],
    "y": [1, None, "inf"],
    "color": "#0072b2",
    "dash": [6, 3],
}
CHART = {
    "kind": "curves",
    "title": "loss",
    "x": "relative",
    "y_name": "loss",
    "x_range": [0, 7200],
    "curves": [CURVE],
}
DOTS = {"kind": "dots", "title": "t", "x": {"name": "opt", "kind": "text", "categories": ["adam", "sgd"]}, "y": {"name": "loss", "kind": "log"}, "xs": [0, 1], "ys": [1, None], "colors": ["#0072b2"]}  # fmt: skip
STRANDS = {"kind": "strands", "title": "t", "rulers": [{"name": "lr", "kind": "log"}, {"name": "loss"}], "values": [[0.1, None], [1, 2]]}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[InProcess]:
    with in_process(str(tmp_path_factory.mktemp("root"))) as transport:
        yield transport


def ask(server: InProcess, picture: dict, status: int = 200) -> str:
    body = json.dumps({"name": "a b.py", "picture": picture}).encode()
    answer = server.send("POST", f"{API}/plot/program", {"content-type": "application/json"}, body)
    assert answer.status == status, answer.body
    return json.loads(answer.body)["text"] if status == 200 else answer.body.decode()


def test_each_kind_of_picture_is_a_program(server):
    for picture in (CHART, DOTS, {**DOTS, "front": [0], "rising": False}, STRANDS):
        text = ask(server, picture)
        compile(text, "a b.py", "exec")
        assert "anew" not in text
        assert "figure.savefig('a b.png')" in text


def test_curves_are_drawn_as_they_were_told():
    import msgspec

    from anew.commands.programs import ChartGiven

    figure = figure_of(msgspec.convert(CHART, ChartGiven))
    (chart,) = plots.charts_in(figure)
    (curve,) = chart.curves
    assert (chart.x, chart.x_name, chart.x_range) == (
        "relative",
        "hours since the start",
        (0.0, 2.0),
    )
    assert curve.x.tolist() == [0.0, 1.0, 2.0]
    assert np.isnan(curve.y[1])
    assert curve.y[2] == np.inf
    assert figure.axes[0].get_xlim() == (0.0, 2.0)


@pytest.mark.parametrize(
    "picture",
    [
        {**CHART, "curves": []},
        {**CHART, "curves": [{**CURVE, "y": [1]}]},
        {**CHART, "curves": [{**CURVE, "color": "red; import os"}]},
        {**DOTS, "xs": [0]},
        {**DOTS, "xs": [0, None]},
        {**DOTS, "front": [1]},
        {**DOTS, "front": [2]},
        {**STRANDS, "values": [[1], [1, 2]]},
        {**STRANDS, "values": [[1, 2], [1, None]]},
        {**STRANDS, "kind": "pie"},
    ],
)
def test_what_does_not_fit_together_is_refused(server, picture):
    ask(server, picture, 400)


def test_a_name_is_nothing_but_a_name_in_a_program(server):
    name = "'); open('broken', 'w') #\n\"\"\""
    for picture in ({**CHART, "title": name, "curves": [{**CURVE, "name": name}] * 2}, {**DOTS, "title": name, "remark": name}):  # fmt: skip
        text = ask(server, picture)
        called = {one.id for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Name)}
        assert "open" not in called
