import re
import struct

import pytest

from .conftest import recorded
from .screens import screen

REFS = tuple(f"alice/vision/sweep/run-{number}" for number in range(3))


@pytest.mark.parametrize(
    ("ending", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_a_figure_is_written_in_the_kind_of_its_ending(run, tmp_path, ending, start):
    target = tmp_path / "new" / f"loss{ending}"
    outcome = run("plot", *REFS, "val/loss", "-o", target)
    assert (outcome.code, outcome.lines) == (0, [str(target)])
    assert target.read_bytes().startswith(start)


@pytest.mark.parametrize(
    "options",
    [
        [REFS[0]],
        [REFS[0], "-m", "train/loss", "-m", "val/loss", "--smooth", "0.6"],
        [*REFS, "train/loss", "--smooth", "0.9", "--log-y", "-x", "relative"],
        [*REFS, "-m", "train/loss", "-x", "time"],
        ["-f", "'sweep' in tags", "-m", "val/loss", "--group-by", "params.optimizer.name", "--band", "ci"],
        ["-f", "'sweep' in tags", "-m", "val/loss", "--against", "params.lr"],
        ["-f", "'sweep' in tags", "-m", "val/acc", "--parallel"],
        ["-f", "'sweep' in tags", "-m", "val/acc", "--parallel", "-p", "params.lr", "--result", "last"],
    ],
)  # fmt: skip
def test_every_kind_of_figure_can_be_drawn(run, tmp_path, options):
    target = tmp_path / "figure.png"
    outcome = run("plot", *options, "-o", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert target.stat().st_size > 10_000


def test_without_a_file_curves_are_drawn_in_the_terminal(run):
    outcome = run("plot", *REFS, "val/loss")
    assert outcome.code == 0
    assert outcome.lines[0] == "val/loss"
    assert any("⠀" < char < "⣿" for char in outcome.out)
    assert "  A run-0" in outcome.lines
    assert "step 15" in outcome.out
    assert max(map(len, outcome.lines)) <= 80


@pytest.mark.parametrize(
    "options",
    [
        [REFS[0]],
        ["-f", "'sweep' in tags", "-m", "val/loss", "--group-by", "params.optimizer.name"],
        ["-f", "'sweep' in tags", "-m", "val/loss", "--against", "params.lr"],
        ["-f", "'sweep' in tags", "-m", "val/loss", "--against", "params.optimizer.name"],
        [*REFS, "train/loss", "-x", "relative", "--log-y", "--smooth", "0.5", "--width", "60"],
    ],
)  # fmt: skip
def test_other_charts_are_drawn_in_the_terminal_too(run, options):
    outcome = run("plot", *options)
    assert (outcome.code, outcome.err) == (0, "")
    assert len(outcome.lines) > 8


def test_metrics_of_one_experiment_stand_under_its_name_said_once(run):
    lines = run("plot", REFS[0]).lines
    assert lines[0] == REFS[0]
    assert sum("run-0" in line for line in lines) == 1
    assert "val/loss" in lines


def test_json_has_the_points_that_would_be_drawn(run):
    (chart,) = run("plot", *REFS, "val/loss", "--json").json["charts"]
    assert [curve["name"] for curve in chart["curves"]] == ["run-0", "run-1", "run-2"]
    assert chart["curves"][0]["x"] == [0, 5, 10, 15]


def test_values_that_are_not_finite_are_told(run):
    outcome = run("plot", "bob/nlp/diverged", "train/loss")
    assert "1 NaN" in outcome.out
    assert "1 infinite" in outcome.out
    curve = run("plot", "bob/nlp/diverged", "train/loss", "--json").json["charts"][0]["curves"][0]
    assert curve["y"] == [1.0, "Infinity", "NaN"]


def test_an_unknown_metric_is_not_found_and_the_nearest_is_named(run):
    outcome = run("plot", *REFS, "val/los")
    assert outcome.code == 3
    assert "'val/loss'" in outcome.err


def test_an_unknown_experiment_is_not_found(run):
    assert run("plot", "nope-nope", "val/loss").code == 3


@pytest.mark.parametrize(
    "options",
    [
        [],
        [*REFS, "val/loss", "-o", "loss.gif"],
        [*REFS, "val/loss", "--parallel"],
        [*REFS, "val/loss", "--parallel", "--against", "lr"],
        [*REFS, "val/loss", "--against", "lr", "--front", "low-low"],
        [*REFS, "val/loss", "-p", "lr"],
        [*REFS, "-m", "val/loss", "-m", "val/acc"],
        [*REFS, "val/loss", "--smooth", "1"],
        [
            "-f",
            "'sweep' in tags",
            "-m",
            "val/loss",
            "--group-by",
            "lr",
            "-x",
            "time",
            "-o",
            "x.png",
        ],
    ],
)
def test_what_cannot_be_drawn_is_a_mistake(run, options):
    outcome = run("plot", *options)
    assert outcome.code == 2
    assert outcome.out == ""


def test_a_filter_that_nothing_fits_draws_nothing(run):
    assert run("plot", "-f", "params.lr > 100", "-m", "val/loss").code == 3


def test_a_figure_has_the_size_in_inches_that_was_asked_for(run, tmp_path):
    target = tmp_path / "small.png"
    outcome = run(
        "plot", *REFS, "val/loss", "-o", target, "--size", "3.5x2", "--log-x", "--xlabel", "x"
    )
    assert outcome.code == 0
    width, height = struct.unpack(">II", target.read_bytes()[16:24])
    assert (width, height) == (525, 300)


def test_the_x_axis_can_be_named_and_logarithmic_in_the_terminal(run):
    lines = run("plot", *REFS, "train/loss", "--log-x", "--xlabel", "iterations").lines
    (foot,) = [line for line in lines if "iterations" in line]
    assert foot.split() == ["step", "1", "iterations", "step", "19"]


def test_curves_are_named_by_a_field(run):
    lines = run("plot", *REFS, "val/loss", "--label", "params.lr").lines
    assert {"  A lr=0.1", "  B lr=0.01", "  C lr=0.001"} <= set(lines)


def test_of_many_curves_the_five_best_are_named(change, store_root):
    for number in range(8):
        with recorded(store_root, f"many/run-{number}", tags=["many"]) as exp:
            for step in range(5):
                exp.log_metric("val/acc", number * step, step=step)
    lines = change("plot", "-f", "'many' in tags", "-m", "val/acc").lines
    named = [line.split() for line in lines if re.match(r"  [A-Z•] ", line)]
    assert named == [[letter, f"run-{7 - i}"] for i, letter in enumerate("ABCDE")]


def test_following_ends_with_what_it_follows(made, monkeypatch):
    seen = screen(monkeypatch, 80, "--root", made, "plot", *REFS, "val/loss", "--follow")
    assert seen.code == 0
    assert any("A run-0" in line for line in seen.lines)
    assert any("⠀" < char < "⣿" for char in seen.raw)
    assert "\x1b[38" in seen.raw, "curves have colours"


@pytest.mark.parametrize(
    "options",
    [
        ["--follow"],
        ["--size", "3x2"],
        ["--size", "big", "-o", "x.png"],
        ["--size", "0x2", "-o", "x.png"],
        ["--label", "params.lr", "--group-by", "params.lr"],
    ],
)
def test_options_that_make_no_sense_together_are_mistakes(run, options):
    assert run("plot", *REFS, "val/loss", *options).code == 2


def test_all_experiments_can_be_drawn(run):
    drawn = run("plot", "--all", "val/loss", "--json").json
    everything = run("plot", "-f", "prefix exists", "val/loss", "--json").json
    assert drawn["charts"] == everything["charts"]


def test_a_metric_alone_and_a_filter_in_the_place_of_a_name_say_which_option_is_missing(run):
    alone = run("plot", "val/loss")
    assert (alone.code, "--all" in alone.err) == (3, True)
    misplaced = run("plot", "params.lr < 1", "val/loss")
    assert (misplaced.code, "--filter" in misplaced.err) == (3, True)


def test_a_metric_goes_across(run):
    chart = run("plot", *REFS, "train/loss", "--x", "val/loss", "--json").json["charts"][0]
    assert chart["x"] == "val/loss"
    assert chart["curves"]
    assert run("plot", *REFS, "train/loss", "--x", "nothing").code == 3
    assert run("plot", *REFS, "train/loss", "--attempts", "each", "--json").code == 0
    assert run("plot", *REFS, "train/loss", "--attempts", "each", "--group-by", "lr").code == 2
