import subprocess
import sys

import numpy as np
import pytest

from anew.errors import InvalidValue, NotFound
from anew.plots import plot_metric

from .conftest import SWEEP


def curves(figure, index=0):
    """The curves of a figure: what is not a marker of something odd."""
    return [line for line in figure.axes[index].get_lines() if line.get_linestyle() != "None"]


def test_every_experiment_has_a_curve_and_a_label(store):
    figure = plot_metric(store, SWEEP, "train/loss")
    assert len(curves(figure)) == 6
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {ref.rpartition("/")[2] for ref in SWEEP}


def test_curves_have_the_points_that_were_logged(store):
    (line,) = curves(plot_metric(store, SWEEP[0], "train/loss"))
    np.testing.assert_array_equal(line.get_xdata(), np.arange(20))
    np.testing.assert_array_equal(line.get_ydata(), 2 - 0.001 * np.arange(20))


def test_a_gap_stays_a_gap_and_lonely_points_are_dots(store):
    figure = plot_metric(store, "lab/odd/gaps", "train/loss")
    line = curves(figure)[0]
    assert np.isnan(line.get_ydata()).tolist() == [
        False,
        True,
        False,
        True,
        False,
        False,
        True,
        True,
    ]
    dots = [one for one in figure.axes[0].get_lines() if one.get_marker() == "."]
    assert dots[0].get_xdata().tolist() == [0, 2]


def test_what_is_not_finite_is_marked_and_told(store):
    axes = plot_metric(store, "lab/odd/gaps", "train/loss").axes[0]
    markers = {line.get_marker(): line.get_xdata().tolist() for line in axes.get_lines()}
    assert (markers["x"], markers["^"], markers["v"]) == ([1, 3], [6], [7])
    assert [text.get_text() for text in axes.texts] == ["2 NaN (×) · 2 infinite (▲▼)"]


def test_a_spike_of_one_point_is_drawn(store):
    (line,) = curves(plot_metric(store, "lab/odd/spike", "train/loss", points=100))
    assert len(line.get_xdata()) < 1000
    assert line.get_ydata().max() == 1000


def test_a_smoothed_curve_lies_over_the_pale_one(store):
    pale, smooth = curves(
        plot_metric(store, "lab/odd/spike", "train/loss", smooth=0.99, points=100)
    )
    assert pale.get_alpha() < 0.5
    assert pale.get_ydata().max() == 1000
    assert 1 < smooth.get_ydata().max() < 50
    # thousands of ones after the spike outweigh it: an average over what was drawn would not be back
    assert smooth.get_ydata()[-1] == pytest.approx(1, abs=1e-6)


def test_steps_out_of_order_are_drawn_in_order(store):
    (line,) = curves(plot_metric(store, "lab/odd/backwards", "train/loss"))
    assert line.get_xdata().tolist() == [1, 3, 3, 5]
    (line,) = curves(plot_metric(store, "lab/odd/backwards", "train/loss", x="time"))
    assert line.get_ydata().tolist() == [5, 3, 3, 1]
    assert (np.diff(line.get_xdata()) >= 0).all()


def test_what_a_logarithm_cannot_show_is_told(store):
    axes = plot_metric(store, SWEEP[0], "val/acc", log_y=True).axes[0]
    assert axes.get_yscale() == "log"
    assert axes.texts[0].get_text() == "1 ≤ 0 not on a log axis"


@pytest.mark.parametrize(
    ("x", "name"), [("relative", "seconds since the start"), ("time", "time (UTC)")]
)
def test_time_can_go_along_x(store, x, name, tmp_path):
    figure = plot_metric(store, SWEEP, "train/loss", x=x, save=tmp_path / "time.png")
    assert figure.axes[0].get_xlabel() == name


def test_experiments_without_the_metric_are_counted_not_dropped_in_silence(store):
    figure = plot_metric(store, ["lab/odd/silent", SWEEP[0]], "train/loss")
    assert figure.axes[0].texts[0].get_text() == "1 without the value"


def test_more_curves_than_can_be_told_apart_are_coloured_by_their_ends(store):
    from anew.plots.draw import draw_chart
    from anew.plots.lines import Line
    from anew.plots.metric import chart_of
    from anew.plots.style import new_axes

    lines = [
        Line(str(i), "loss", np.arange(3.0), np.array([3.0, 2.0, float(i)])) for i in range(40)
    ]
    figure, axes = new_axes(None)
    names = [line.experiment_id for line in lines]
    chart = chart_of(lines, names, x="step", title="loss", y_name="loss", log_y=False)
    draw_chart(axes, chart, outside=True)
    assert len(figure.axes) == 2
    assert "40 experiments" in figure.axes[1].get_ylabel()
    assert len({line.get_color() for line in axes.get_lines()}) == 40


def test_axes_of_the_user_are_drawn_in(store):
    from matplotlib.figure import Figure

    mine = Figure()
    axes = mine.subplots()
    assert plot_metric(store, SWEEP, "train/loss", ax=axes) is mine
    assert len(axes.get_lines()) == 6


def test_a_name_with_a_dollar_is_not_a_formula(store, tmp_path):
    plot_metric(store, SWEEP[0], "train/loss", title="$x_", save=tmp_path / "a.png")


def test_nothing_global_changes(plotted, tmp_path):
    code = f"""
import matplotlib
matplotlib.use("svg")
matplotlib.rcParams["lines.linewidth"] = 7
before = dict(matplotlib.rcParams)
from anew.store import Store
from anew.plots import plot_metric, plot_parallel, plot_scatter, plot_group, plot_metrics
with Store({str(plotted)!r}) as store:
    refs = {SWEEP!r}
    plot_metric(store, refs, "train/loss", save={str(tmp_path / "a.png")!r}, x="time")
    plot_metrics(store, refs[0], save={str(tmp_path / "b.svg")!r})
    plot_group(store, refs, "train/loss", "params.lr", save={str(tmp_path / "c.pdf")!r})
    plot_parallel(store, refs, None, "val/loss", save={str(tmp_path / "d.png")!r})
    plot_scatter(store, refs, "params.lr", "val/loss", save={str(tmp_path / "e.png")!r})
import sys
assert dict(matplotlib.rcParams) == before
assert matplotlib.get_backend() == "svg"
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=600)


@pytest.mark.parametrize("save", ["loss.gif", "loss"])
def test_only_three_kinds_of_files_are_written(store, tmp_path, save):
    with pytest.raises(InvalidValue):
        plot_metric(store, SWEEP, "train/loss", save=tmp_path / save)
    assert not (tmp_path / save).exists()


def test_an_unknown_metric_names_the_nearest(store):
    with pytest.raises(NotFound) as caught:
        plot_metric(store, SWEEP, "train/los")
    assert "train/loss" in caught.value.nearest


def test_an_experiment_without_metrics_says_so(store):
    with pytest.raises(NotFound):
        plot_metric(store, "lab/odd/silent", "loss")


def test_no_experiments_are_refused(store):
    with pytest.raises(NotFound, match="empty"):
        plot_metric(store, [], "loss")


def test_an_axis_that_is_not_there_is_refused(store):
    with pytest.raises(NotFound):
        plot_metric(store, SWEEP, "train/loss", x="epoch")
