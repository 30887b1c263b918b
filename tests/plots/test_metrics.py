import pytest

from anew.errors import NotFound
from anew.plots import plot_metrics
from anew.plots.metrics import panels

from .conftest import SWEEP


def test_metrics_that_belong_together_share_a_panel():
    names = ["train/loss", "train/acc", "val/loss", "val_acc", "lr"]
    assert panels(names) == {"loss": [0, 2], "acc": [1, 3], "lr": [4]}


def test_a_metric_alone_is_headed_by_its_whole_name():
    assert panels(["train/loss"]) == {"train/loss": [0]}


def test_a_metric_that_is_only_a_prefix_keeps_its_name():
    assert panels(["val_", "x"]) == {"val_": [0], "x": [1]}


def test_metrics_of_an_experiment_are_drawn_in_panels(store):
    figure = plot_metrics(store, SWEEP[0])
    assert [axes.get_title("left") for axes in figure.axes if axes.get_visible()] == [
        "loss",
        "val/acc",
    ]
    assert [len(axes.get_lines()) for axes in figure.axes[:2]] == [2, 1]


def test_chosen_metrics_are_drawn_in_the_order_asked_for(store, tmp_path):
    figure = plot_metrics(
        store, SWEEP[0], ["val/acc", "val/loss"], save=tmp_path / "m.png", smooth=0.5
    )
    assert [axes.get_title("left") for axes in figure.axes] == ["val/acc", "val/loss"]
    assert (tmp_path / "m.png").stat().st_size > 10_000


def test_an_experiment_without_metrics_is_refused(store):
    with pytest.raises(NotFound):
        plot_metrics(store, "lab/odd/silent")
