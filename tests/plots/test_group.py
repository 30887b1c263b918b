import numpy as np
import pytest

from anew.errors import InvalidValue, NotFound
from anew.plots import plot_group
from anew.plots.group import group_bands, selected

from .conftest import SWEEP


def test_groups_are_in_the_order_of_their_values(store, tmp_path):
    figure = plot_group(store, SWEEP, "train/loss", "params.lr", save=tmp_path / "g.png")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["lr=0.001 (n = 2)", "lr=0.01 (n = 2)", "lr=0.1 (n = 2)"]
    assert len(figure.axes[0].get_lines()) == 3
    assert len(figure.axes[0].collections) == 3


def test_the_mean_is_that_of_runs_brought_to_the_same_steps(store):
    groups = group_bands(store, selected(store, SWEEP), "train/loss", ["params.lr"])
    band = groups["lr=0.1"]
    np.testing.assert_array_equal(band.x, np.arange(20))
    np.testing.assert_allclose(band.mean[:19], 2.5 - 0.1 * np.arange(19))
    assert band.count.tolist() == [2] * 19 + [1]


def test_a_filter_chooses_what_is_grouped(store):
    figure = plot_group(store, "params.lr < 0.1", "train/loss", ["params.lr", "params.model.name"])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0] == "lr=0.001, model.name=cnn (n = 1)"
    assert len(labels) == 4


def test_without_a_field_all_are_one_group(store):
    figure = plot_group(store, SWEEP, "val/loss", band="range", x="relative")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mean of 6"]


def test_a_missing_value_is_a_group_of_its_own(store):
    groups = group_bands(store, selected(store, SWEEP), "val/loss", ["params.warmup"])
    assert list(groups) == ["warmup=10", "warmup=none"]


@pytest.mark.parametrize("options", [{"band": "sd"}, {"x": "time"}])
def test_what_makes_no_sense_is_refused(store, options):
    with pytest.raises(InvalidValue):
        plot_group(store, SWEEP, "train/loss", "params.lr", **options)


def test_too_many_groups_are_refused(store, monkeypatch):
    monkeypatch.setattr("anew.plots.group._MOST_GROUPS", 2)
    with pytest.raises(InvalidValue):
        plot_group(store, SWEEP, "train/loss", "prefix")


def test_a_filter_that_nothing_fits_is_refused(store):
    with pytest.raises(NotFound):
        plot_group(store, "params.lr > 5", "train/loss", "params.lr")
