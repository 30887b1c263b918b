import pytest

from anew.errors import InvalidValue, NotFound
from anew.plots import plot_parallel
from anew.plots.places import axis_of, unit_places

from .conftest import SWEEP


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_parameters_that_differ_have_an_axis_each_and_the_result_the_last(store, tmp_path):
    figure = plot_parallel(store, SWEEP, None, "val/loss", save=tmp_path / "p.png")
    assert {"lr", "seed", "model.name", "warmup", "min val/loss"} - set(words(figure)) <= {
        "min val/loss"
    }
    assert "best val/loss" in words(figure)
    assert len(figure.axes[0].collections[0].get_paths()) == 6


def test_an_experiment_without_the_parameter_passes_below_its_axis(store):
    figure = plot_parallel(store, SWEEP, ["params.warmup"], "val/loss")
    assert "none" in words(figure)


def test_each_axis_goes_from_its_smallest_to_its_largest():
    heights, ticks = unit_places(axis_of([1e-3, 1e-2, 1e-1]))
    assert heights == pytest.approx([0, 0.5, 1])
    assert [text for _, text in ticks] == ["0.001", "0.01", "0.1"]
    heights, _ = unit_places(axis_of([5, 5]))
    assert heights == [0.5, 0.5]
    heights, _ = unit_places(axis_of(["a", None, "b"]))
    assert heights[0] == 0
    assert heights[1] < 0
    assert heights[2] == 1


def test_many_values_have_ticks_at_both_ends():
    _, ticks = unit_places(axis_of([i / 7 for i in range(20)]))
    assert ticks[0][0] == 0
    assert ticks[-1][0] == 1


def test_experiments_without_a_result_are_told(store):
    figure = plot_parallel(store, [*SWEEP, "lab/odd/silent"], None, "val/loss")
    assert "1 without a finite val/loss" in words(figure)


def test_nothing_to_draw_is_refused(store):
    with pytest.raises(NotFound):
        plot_parallel(store, SWEEP[:1], None, "val/loss")
    with pytest.raises(NotFound):
        plot_parallel(store, SWEEP, None, "nope")
    with pytest.raises(InvalidValue):
        plot_parallel(store, SWEEP, [], "val/loss")
    with pytest.raises(InvalidValue):
        plot_parallel(store, SWEEP, None, "val/loss", mode="first")
