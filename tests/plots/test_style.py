"""Names are drawn as they are, whatever they hold: none of them is a formula, and none is left out."""

from __future__ import annotations

import pytest

from anew import Experiment, Store
from anew.plots import plot_group, plot_metric, plot_metrics, plot_parallel, plot_scatter

ODD = [r"price $\frac$ x", "_hidden", "a$b", r"\$x$", "$", "%d {x}", "<b>&"]
METRIC = r"m $\frac$"
FIELD = r"params.$\frac$ v"


@pytest.fixture
def store(root):
    for index, name in enumerate(ODD):
        params = {r"$\frac$ v": index, "cat": name}
        with Experiment(
            f"t/p/r{index}", root=root, quiet=True, system_metrics=0, params=params
        ) as exp:
            for step in range(2):
                exp.log_metrics({METRIC: 1.0 + index, "_b": 2.0}, step=step)
    with Store(root) as opened:
        for index, name in enumerate(ODD):
            opened.rename(f"t/p/r{index}", name)
        yield opened


@pytest.mark.parametrize(
    "draw",
    [
        lambda store, save: plot_metric(store, store.list(), METRIC, save=save),
        lambda store, save: plot_metrics(store, "t/p/r0", None, save=save),
        lambda store, save: plot_scatter(store, store.list(), FIELD, METRIC, save=save),
        lambda store, save: plot_scatter(store, store.list(), "params.cat", METRIC, save=save),
        lambda store, save: plot_parallel(store, store.list(), ["name", "params.cat", FIELD], METRIC, save=save),
        lambda store, save: plot_group(store, store.list(), METRIC, by="name", save=save),
    ],
)  # fmt: skip
def test_a_name_that_looks_like_a_formula_is_drawn_as_a_text(store, tmp_path, draw):
    draw(store, tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_size > 1000


def test_every_name_has_its_line_in_the_legend(store):
    figure = plot_metric(store, store.list(), METRIC)
    texts = [text.get_text().replace(r"\$", "$") for text in figure.legends[0].get_texts()]
    assert sorted(texts) == sorted(ODD)
