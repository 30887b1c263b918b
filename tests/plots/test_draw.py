"""What a figure's axes can be told afterwards."""

from __future__ import annotations

from anew.plots import plot_metric, plot_metrics
from anew.plots.draw import adjust_x


def test_the_x_axis_gets_another_scale_and_name(store):
    figure = plot_metric(store, "lab/sweep/lr0.1-0", "train/loss")
    adjust_x(figure, log_x=True, name="iterations of $x$")
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == r"iterations of \$x\$"
    many = plot_metrics(store, "lab/sweep/lr0.1-0")
    adjust_x(many, name="iterations")
    assert {ax.get_xlabel() for ax in many.axes} <= {"iterations", ""}
    assert "iterations" in {ax.get_xlabel() for ax in many.axes}
