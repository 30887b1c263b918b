"""Figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anew.errors import InvalidValue
from anew.values import Figure, load
from later import later

go = later("plotly.graph_objects")
figures = later("matplotlib.figure")


def drawing() -> figures.Figure:
    figure = figures.Figure(figsize=(3, 2), dpi=40)
    figure.subplots().plot([1, 3, 2])
    return figure


def test_a_matplotlib_figure_is_a_picture(tmp_path: Path) -> None:
    saved = Figure(drawing(), "curve").save(str(tmp_path), "x")
    assert saved.path == "x.png"
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert saved.metadata == {
        "caption": "curve", "library": "matplotlib", "format": "png", "width": 120, "height": 80,
    }  # fmt: skip
    assert load("figure", None, str(tmp_path / "x.png")).startswith(b"\x89PNG")


def test_an_svg_is_kept_beside_it_if_wanted(tmp_path: Path) -> None:
    saved = Figure(drawing(), svg=True, dpi=80).save(str(tmp_path), "x")
    assert saved.metadata["svg"] == "x.svg"
    assert saved.metadata["width"] == 240
    assert b"<svg" in (tmp_path / "x.svg").read_bytes()


def test_axes_subfigures_and_pyplot_stand_for_their_figure() -> None:
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(3, 2), dpi=40)
    try:
        for thing in (figure.subplots(), figure.subfigures(1, 2)[0], plt):
            assert Figure(thing).metadata["width"] == 120
    finally:
        plt.close(figure)


def test_a_figure_may_be_changed_after_it_was_logged(tmp_path: Path) -> None:
    figure = drawing()
    value = Figure(figure)
    figure.clear()
    value.save(str(tmp_path), "before")
    Figure(figure).save(str(tmp_path), "after")
    assert (tmp_path / "before.png").read_bytes() != (tmp_path / "after.png").read_bytes()


def test_a_plotly_figure_is_its_json_and_comes_back(tmp_path: Path) -> None:
    figure = go.Figure(go.Scatter(y=[1, 2, 3]))
    figure.layout.template = None
    saved = Figure(figure).save(str(tmp_path), "x")
    assert saved.path is None
    assert saved.metadata["library"] == "plotly"
    json.dumps(saved.data)
    assert load("figure", saved.data, None) == figure


def test_a_large_plotly_figure_is_a_file(tmp_path: Path) -> None:
    figure = go.Figure(go.Scatter(y=[i / 7 for i in range(5000)], text=["x"] * 5000))
    saved = Figure(figure).save(str(tmp_path), "x")
    assert saved.path == "x.plotly.json"
    assert load("figure", None, str(tmp_path / saved.path)) == figure


def test_what_is_no_figure_is_refused() -> None:
    for thing in (None, 3, "x", [1], object()):
        with pytest.raises(InvalidValue):
            Figure(thing)
