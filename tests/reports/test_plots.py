"""What a plot and the media of a view mean in a report."""

from __future__ import annotations

import pytest

import anew
from anew import Store
from anew.reports.meaning import Block


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    root = str(tmp_path_factory.mktemp("plots"))
    for lr in (0.001, 0.1):
        for seed in (1, 2):
            with anew.Experiment(
                f"lab/v/{lr}-{seed}", root=root, quiet=True, system_metrics=0, params={"lr": lr, "seed": seed, "same": 1},
            ) as exp:  # fmt: skip
                exp.log_metrics({"acc": lr, "other": 1.0}, step=0)
    with Store(root) as opened:
        opened.saved_views.save("best", {"tab": "analysis", "plot": "boxes", "smooth": 0.5}, "lab")
        opened.saved_views.save("seen", {"tab": "media", "media": "grid", "tile": 64}, "lab")
        yield opened


def shown(store: Store, block: str) -> Block:
    (piece,) = store.reports.pieces(f"```anew\n{block}\n```\n", "lab/v")
    assert piece.block is not None, piece.problem
    return piece.block


def test_a_plot_has_the_fields_that_the_page_would_choose(store):
    block = shown(store, "tab: analysis")
    assert (block.kind, block.plot.which) == ("plot", "scatter")
    assert (block.plot.result, block.plot.setting) == ("metrics.acc.max", "params.lr")
    assert block.plot.settings == ("params.lr", "params.seed")
    assert block.plot.seeds == ("params.seed",)
    assert shown(store, "plot: parallel").plot.axes == ("params.lr", "metrics.acc.max")
    view = shown(store, "view: best")
    assert (view.kind, view.plot.which, view.said) == ("plot", "boxes", ())


def test_a_block_says_itself_what_is_drawn(store):
    block = shown(store, "plot: parallel\naxes: [params.seed, duration]\nlogs: [-params.lr]")
    assert (block.plot.axes, block.plot.logs) == (("params.seed", "duration"), ("-params.lr",))
    assert block.shows["tab"] == "analysis"
    block = shown(store, "plot: compare\nsetting: params.lr\ngroups: ['0.1', '0.001']\npair: '-'")
    assert (block.plot.groups, block.plot.pair) == (("0.1", "0.001"), "-")
    # A view of curves stays one, whatever plot was looked at before it was saved.
    assert shown(store, "figure: acc\nplot: boxes").kind == "figure"


def test_experiments_that_are_named_are_a_condition_of_a_plot(store):
    block = shown(store, "plot: scatter\nexperiments: [0.1-1]")
    (id_,) = block.ids
    assert block.filter == f"id in ('{id_}')"


def test_a_table_is_whose_it_is_said_to_be(store):
    block = shown(store, "plot: tables\nwhose: 0.1-2")
    assert block.ids == (block.plot.whose,)
    assert store.get(block.plot.whose).name == "0.1-2"


def test_a_table_is_held_against_that_of_another_experiment(store):
    block = shown(store, "plot: tables\nwhose: 0.1-2\nagainst: 3@0.1-1\nkey: [a]")
    other = block.plot.against.removeprefix("3@")
    assert store.get(other).name == "0.1-1"
    assert (block.ids, block.plot.key) == ((block.plot.whose, other), ("a",))
    assert shown(store, "plot: tables\nagainst: '3'").plot.against == "3"


def test_media_are_of_names_and_a_step(store):
    block = shown(store, "names: ['samples/*']\nstep: 10\nlimit: 3")
    assert (block.kind, block.media.names, block.media.step, block.limit) == (
        "media", ("samples/*",), 10, 3,
    )  # fmt: skip
    block = shown(store, "view: seen")
    assert (block.kind, block.limit) == ("media", 8)
    assert len(block.said) == 1  # not all steps


@pytest.mark.parametrize(
    ("block", "about"),
    [
        ("plot: scatter\nlimit: 3", "limit"), ("plot: boxes\nbrush: {params.lr: '0..1'}", "marked"),
        ("plot: tables\nagainst: '3'\nrows: a > 1", "not filtered"), ("tab: media\nx: time", "time"), ("tab: media\nlimit: 500", "48"),
    ],
)  # fmt: skip
def test_what_a_report_does_not_show_is_said(store, block, about):
    assert any(about in one for one in shown(store, block).said)


@pytest.mark.parametrize(
    ("block", "about"),
    [
        ("plot: scater", "'scatter'"), ("plot: tables\nagainst: yesterday", "`against`"), ("plot: scatter\nbrush: {params.lr: 1..0}", "range"), ("plot: scatter\nbrush: {params.lr: many}", "range"),
        ("plot: scatter\nresult: 3", "cannot be read"), ("plot: parallel\naxes: [duration]", "axes"),
        ("names: [a]\nstep: 1.5", "step"), ("plot: boxes\nsetting: 'a b ('", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_told(store, block, about):
    (piece,) = store.reports.pieces(f"```anew\n{block}\n```\n", "lab/v")
    assert piece.block is None
    assert about in piece.problem
