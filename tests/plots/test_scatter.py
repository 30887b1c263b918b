import pytest

from anew.errors import InvalidValue, NotFound
from anew.plots import plot_scatter
from anew.plots.places import axis_of

from .conftest import SWEEP


def test_learning_rates_lie_on_a_logarithmic_axis():
    assert axis_of([1e-4, 1e-3, 1e-1]).kind == "log"


@pytest.mark.parametrize("values", [[1, 2, 40], [0, 1, 1000], [-1, 500]])
def test_close_or_not_positive_numbers_lie_on_a_linear_axis(values):
    assert axis_of(values).kind == "linear"


def test_text_gets_a_place_per_value_in_natural_order():
    axis = axis_of(["adam", "sgd", "adam", None])
    assert (axis.kind, axis.places, axis.categories) == ("text", [0, 1, 0, None], ["adam", "sgd"])


def test_numbers_among_texts_are_places_in_their_own_order():
    assert axis_of([10, 9, "none"]).categories == ["9", "10", "none"]


def test_booleans_are_two_places():
    assert axis_of([True, False]).categories == ["False", "True"]


def test_every_experiment_is_a_dot_and_the_best_is_ringed(store, tmp_path):
    figure = plot_scatter(store, SWEEP, "params.lr", "val/loss", save=tmp_path / "s.png")
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert len(axes.collections[0].get_offsets()) == 6
    (ring,) = axes.get_lines()
    assert (ring.get_xdata()[0], round(ring.get_ydata()[0], 3)) == (0.1, 1.1)


def test_texts_are_spread_so_that_no_dot_hides_another(store):
    axes = plot_scatter(store, SWEEP, "params.model.name", "val/acc", "max").axes[0]
    offsets = axes.collections[0].get_offsets()
    assert len({float(x) for x, _ in offsets}) == 6
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cnn", "mlp"]


def test_a_result_that_is_not_finite_is_marked(store):
    axes = plot_scatter(
        store, ["lab/odd/gaps", "lab/odd/spike"], "name", "train/loss", "last"
    ).axes[0]
    assert [line.get_marker() for line in axes.get_lines()] == ["x"]


def test_experiments_without_the_parameter_are_counted(store):
    axes = plot_scatter(store, SWEEP, "params.warmup", "val/loss").axes[0]
    assert "4 without params.warmup" in [text.get_text() for text in axes.texts]


def test_nothing_to_draw_is_refused(store):
    with pytest.raises(NotFound):
        plot_scatter(store, SWEEP, "params.nope", "val/loss")
    with pytest.raises(InvalidValue):
        plot_scatter(store, SWEEP, "params.lr", "val/loss", "mean")
