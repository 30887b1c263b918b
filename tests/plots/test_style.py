"""Names are drawn as they are, whatever they hold: none of them is a formula, and none is left out."""

from __future__ import annotations

import re

import pytest

from anew import Experiment, Store
from anew.plots import plot_group, plot_metric, plot_metrics, plot_parallel, plot_scatter
from anew.plots.saving import COLUMN_INCHES, save_figure
from anew.plots.style import PAGE_INCHES

ODD = [r"price $\frac$ x", "_hidden", "a$b", r"\$x$", "$", "%d {x}", "<b>&"]
METRIC = r"m $\frac$"
FIELD = r"params.$\frac$ v"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("odd") / "experiments"
    for index, name in enumerate(ODD):
        params = {r"$\frac$ v": index, "cat": name}
        with Experiment(
            f"t/p/r{index}", root=root, quiet=True, console="off", system_metrics=0, params=params
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


def test_a_pdf_has_the_width_of_a_column_or_page_and_embeds_truetype(store, tmp_path):
    plot_metric(store, store.list(), METRIC, save=tmp_path / "one.pdf")
    plot_metrics(store, "t/p/r0", [METRIC, "_b"], save=tmp_path / "two.pdf")
    for name, inches in (("one", COLUMN_INCHES), ("two", PAGE_INCHES)):
        data = (tmp_path / f"{name}.pdf").read_bytes()
        box = re.search(rb"/MediaBox \[ *0 0 ([0-9.]+) ", data)
        assert float(box.group(1)) == pytest.approx(72 * inches, abs=0.5)
        assert b"/Type3" not in data


def test_what_is_written_for_a_paper_leaves_the_figure_as_it_was(store, tmp_path):
    figure = plot_metric(store, store.list(), METRIC)

    def state():
        box, ax = figure.legends[0], figure.axes[0]
        sizes = [text.get_fontsize() for text in (*box.get_texts(), ax.title, ax.xaxis.label)]
        widths = [line.get_linewidth() for line in ax.lines]
        return tuple(figure.get_size_inches()), sizes, widths, len(figure.legends)

    figure.savefig(tmp_path / "before.png")
    before = state()
    save_figure(figure, tmp_path / "paper.pdf")
    assert state() == before
    assert all(box.get_visible() for box in figure.legends)


def test_a_figure_shows_itself_in_a_notebook(store):
    shown = plot_metric(store, store.list(), METRIC)._repr_html_()
    assert shown.startswith('<img src="data:image/png;base64,')
