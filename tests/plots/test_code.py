"""A figure as a program draws the same picture."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anew.errors import InvalidValue
from anew.plots import plot_group, plot_metric, plot_metrics, plot_parallel, plot_scatter
from anew.plots.chart import keep_charts
from anew.plots.code import program_of
from anew.plots.draw import adjust_x, draw_chart
from anew.plots.lines import Line
from anew.plots.metric import chart_of
from anew.plots.saving import save_figure
from anew.plots.style import new_axes

from .conftest import SWEEP


def run(folder: Path, *programs: Path) -> None:
    """Run programs as a user would, but that matplotlib is imported once."""
    each = "import runpy, sys; [runpy.run_path(path, run_name='__main__') for path in sys.argv[1:]]"
    subprocess.run(
        [sys.executable, "-c", each, *map(str, programs)],
        check=True, cwd=folder, env={"MPLBACKEND": "agg", "HOME": str(folder)}, timeout=300,
    )  # fmt: skip


def pixels(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    return np.asarray(imread(path), dtype=float)


@pytest.mark.slow
def test_the_program_draws_the_picture_that_the_figure_is(store, tmp_path: Path):
    gaps = ["lab/odd/gaps", "lab/odd/silent"]
    figures = {
        "several": plot_metric(store, SWEEP, "train/loss"),
        "gaps": plot_metric(store, gaps, "train/loss", log_y=True),
        "smooth": plot_metric(store, SWEEP[:2], "train/loss", smooth=0.6, x="relative"),
        "metric": plot_metric(store, SWEEP[0], "train/loss", x="val/acc", title="a $title$"),
        "time": plot_metric(store, SWEEP[:2], "val/loss", x="time"),
        "grid": plot_metrics(store, SWEEP[0]),
        "band": plot_group(store, SWEEP, "train/loss", by="lr", band="range"),
        "log": plot_metric(store, SWEEP, "val/acc"),
    }
    adjust_x(figures["log"], log_x=True, name="iterations")
    figures["texts"] = plot_scatter(store, SWEEP, "params.model.name", "val/acc", title="a $title$")
    figures["named"] = plot_scatter(store, SWEEP, "params.warmup", "val/loss")
    adjust_x(figures["named"], name="warmup (steps)")
    figures["lacking"] = plot_parallel(store, SWEEP, ["params.lr", "params.warmup"], "val/loss")
    names = ["_a", "", "'); open('broken', 'w')", 'b"""\n', "c\\"]
    lines = [Line(name, "loss", np.arange(3.0), np.arange(3.0) + i) for i, name in enumerate(names)]
    lines[1] = Line(
        "", "loss", np.array([0.0, math.nan, 2.0]), np.arange(3.0)
    )  # another metric on x
    many = [Line(str(i), "loss", np.arange(3.0), np.array([3.0, 2.0, i])) for i in range(40)]
    for title, drawn, called in (
        ("'\n\"", lines, names),
        ("many", many, [one.experiment_id for one in many]),
    ):
        figure, axes = new_axes(None)
        chart = chart_of(drawn, called, x="step", title=title, y_name="loss", log_y=False)
        draw_chart(axes, chart, outside=True)
        keep_charts(figure, [chart])
        figures["many" if title == "many" else "odd"] = figure
    for name, figure in figures.items():
        save_figure(figure, tmp_path / f"ours-{name}.png")
        save_figure(figure, tmp_path / f"{name}.py")
    run(tmp_path, *(tmp_path / f"{name}.py" for name in figures))
    for name in figures:
        ours, theirs = pixels(tmp_path / f"ours-{name}.png"), pixels(tmp_path / f"{name}.png")
        assert ours.shape == theirs.shape, name
        # A colour is written with eight bits a channel.
        assert np.abs(ours - theirs).max() <= 3 / 255, name
    assert not (tmp_path / "broken").exists()


def test_a_program_draws_curves_and_has_a_size_of_its_own(store, tmp_path: Path):
    gaps = ["lab/odd/gaps", "lab/odd/spike"]
    figures = {
        "curves": plot_metric(store, SWEEP[:2], "train/loss"),
        "dots": plot_scatter(store, SWEEP, "params.lr", "val/loss"),
        "front": plot_scatter(store, SWEEP, "params.lr", "val/loss", front="high-low"),
        "crosses": plot_scatter(store, gaps, "name", "train/loss", "last"),
        "strands": plot_parallel(store, SWEEP, None, "val/acc"),
    }
    for name, figure in figures.items():
        save_figure(figure, tmp_path / f"{name}.py")
        save_figure(figure, tmp_path / f"ours-{name}.png")
    small = {"curves", "strands"}
    for name in small:
        save_figure(figures[name], tmp_path / f"small-{name}.py", size=(3.3, 2.5))
    run(
        tmp_path,
        *(tmp_path / f"{name}.py" for name in (*figures, *(f"small-{one}" for one in small))),
    )
    for name in figures:
        ours, theirs = pixels(tmp_path / f"ours-{name}.png"), pixels(tmp_path / f"{name}.png")
        assert ours.shape == theirs.shape, name
        assert np.abs(ours - theirs).max() <= 3 / 255, name
    for name in small:
        assert pixels(tmp_path / f"small-{name}.png").shape == (375, 495, 4), name


def test_what_is_in_axes_of_the_user_has_no_program(store):
    from matplotlib.figure import Figure

    own = Figure().add_subplot()
    for figure in (plot_metric(store, SWEEP, "train/loss", ax=own), plot_scatter(store, SWEEP, "lr", "val/acc", ax=own)):  # fmt: skip
        with pytest.raises(InvalidValue):
            program_of(figure, "own.py")
