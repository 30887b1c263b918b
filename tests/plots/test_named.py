"""Curves named by the fields that were asked for."""

from __future__ import annotations

from anew.plots import plot_metric
from anew.plots.named import labels_of


def legend_of(figure):
    (box,) = figure.legends or [ax.get_legend() for ax in figure.axes]
    return [text.get_text() for text in box.get_texts()]


def test_curves_are_named_by_their_fields(store):
    views = list(store.list("params.seed == 0", sort="params.lr"))
    told = ["lr=0.001", "lr=0.01", "lr=0.1"]
    assert list(labels_of(views, ["params.lr"]).values()) == told
    assert labels_of(views, ["name", "params.lr"])[views[0].id] == f"{views[0].name}, lr=0.001"
    assert labels_of(views) == {view.id: view.name for view in views}
    assert legend_of(plot_metric(store, views, "val/loss", label="params.lr")) == told
