import pytest

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
