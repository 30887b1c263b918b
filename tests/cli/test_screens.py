"""What stands on a terminal of 80 and of 140 columns: which columns, in which order, folded into which line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from anew.cli.table import width_of

from .conftest import call, recorded
from .screens import Screen, screen

METRICS = (
    "train/loss",
    "train/acc",
    "val/loss",
    "val/acc",
    "lr",
    "epoch",
    "grad_norm",
    "time/step",
)
SWEEP = "alice/imagenet/resnet-sweep-augmentation"


def log(exp, lr: float, depth: int) -> None:
    for step in range(0, 50, 10):
        loss = 2 * math.exp(-lr * depth * step) + depth / 1000
        values = (loss, 1 - loss / 3, loss + 0.1, 0.9 - loss / 3, lr, step // 10, 1.5, 0.2)
        exp.log_metrics(dict(zip(METRICS, values, strict=True)), step=step)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of 30 with nested settings and 8 metrics, one of another kind beside it, and other projects."""
    root = tmp_path_factory.mktemp("lab") / "experiments"
    grid = itertools.product((0.0003, 0.001, 0.003, 0.01, 0.03), (18, 34, 50), ("adamw", "sgd"))
    for lr, depth, optimizer in grid:
        params = {
            "model": {"name": "resnet", "depth": depth, "width": 64},
            "optim": {"name": optimizer, "lr": lr, "weight_decay": 0.05},
            "data": {"path": "/datasets/imagenet/train", "batch_size": 128},
            "seed": 1,
        }
        name = f"{SWEEP}/lr{lr}-depth{depth}-{optimizer}"
        with recorded(root, name, params=params, tags={"sweep": None}) as exp:
            log(exp, lr, depth)
    with recorded(root, "carol/rl/ppo-実験", params={"env": "CartPole-v1"}) as exp:
        exp.log_metric("reward", 3.0)
    with pytest.raises(RuntimeError), recorded(root, "bob/nlp/gpt-small/lr-1e-2") as exp:
        exp.log_metric("loss", math.nan)
        raise RuntimeError("the loss is not finite")
    return root


Show = Callable[..., Screen]


@pytest.fixture
def show(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    return lambda columns, *arguments: screen(monkeypatch, columns, "--root", lab, *arguments)


NARROW = ["ID", "NAME", "depth", "optim.name", "lr", "val/acc", "val/loss"]
WIDE = [*NARROW, "train/acc", "CREATED", "TOOK"]


@pytest.mark.parametrize(("columns", "titles"), [(80, NARROW), (140, WIDE)])
def test_a_sweep_shows_what_differs_and_folds_what_does_not(show, columns, titles):
    above, shown, rows = show(columns, "list", "'sweep' in tags").table()
    assert shown == titles
    assert above.startswith(f"{SWEEP}/ · completed · ")
    assert "weight_decay=0.05" in above if columns == 140 else "+" in above
    assert len(rows) == 20
    assert rows[0][1] == "lr0.03-depth50-sgd"


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "-n", "1"], ["best", "val/acc"], ["compare", "-f", "'sweep' in tags"], ["watch", "--once"]],
)  # fmt: skip
def test_no_row_is_wider_than_the_terminal(show, columns, arguments):
    seen = show(columns, *arguments)
    assert seen.code == 0
    assert (
        max(width_of(line) for line in seen.lines if "·" not in line and ":" not in line) <= columns
    )
    assert width_of(seen.lines[0]) <= columns


@pytest.mark.parametrize("columns", [80, 140])
def test_several_projects_keep_names_apart_and_the_status(show, columns):
    _, titles, rows = show(columns, "list").table()
    assert titles[:4] == ["ID", "NAME", "STATUS", "depth"]
    names = [row[1] for row in rows]
    assert names[:2] == ["bob/…/lr-1e-2", "carol/rl/ppo-実験"]
    assert len(set(names)) == 20
    assert rows[0][2] == "failed"


@pytest.mark.parametrize("columns", [80, 140])
def test_the_best_stand_with_the_parameters_that_made_them(show, columns):
    above, titles, rows = show(columns, "best", "val/acc").table()
    assert titles[:7] == ["ID", "NAME", "depth", "optim.name", "lr", "max val/acc", "AT STEP"]
    assert above.startswith(f"{SWEEP}/ · completed · ")
    # All of the best have one learning rate: that the others had another makes it worth a column.
    top = show(columns, "best", "val/acc", "-n", "2").table()
    assert top[1] == titles
    assert {row[4] for row in top[2]} == {"0.03"}
    assert len(rows) == 5


@pytest.mark.parametrize("columns", [80, 140])
def test_a_list_sorted_by_a_metric_has_the_best_first_as_best_has_them(show, lab, columns):
    _, titles, rows = show(columns, "list", "--sort", "val/acc", "-n", "5").table()
    assert titles[5] == "max val/acc"
    best = call("--root", lab, "best", "val/acc", "--json").json["best"]
    assert [row[5] for row in rows] == [f"{one['value']:.4g}" for one in best]
    worst = call("--root", lab, "list", "--sort", "-val/acc", "-n", "1", "--json").json
    assert worst["experiments"][0]["name"].startswith("lr0.0003-depth")


def test_a_metric_given_by_its_end_is_shown_by_its_name(show, lab):
    assert "max grad_norm" in show(140, "best", "grad_norm", "--mode", "max").table()[1]
    titles = show(140, "best", "step").table()[1]
    assert {"min time/step", "time/step"} <= set(titles)
    assert call("--root", lab, "best", "step", "--json").json["metric"] == "time/step"


@pytest.mark.parametrize("columns", [80, 140])
def test_a_few_stand_side_by_side_with_what_differs_first(show, columns):
    names = [f"{SWEEP}/lr{lr}-depth50-sgd" for lr in (0.03, 0.01)]
    lines = show(columns, "compare", *names).lines
    assert lines[0].startswith("completed · ")
    assert [line.split("  ")[0] for line in lines[2:5]] == ["name", "lr", "max val/acc"]
    assert "weight_decay" not in "".join(lines)


@pytest.mark.parametrize("columns", [80, 140])
def test_many_are_compared_in_rows(show, columns):
    above, titles, rows = show(columns, "compare", "-f", "'sweep' in tags").table()
    assert (
        titles[:5] == ["ID", "name", "depth", "optim.name", "lr"] if columns == 140 else titles[:4]
    )
    assert any(title.startswith("max val/acc") for title in titles)
    assert above.startswith("completed")
    assert len(rows) == 30


def test_ids_are_whole_where_there_is_room_and_name_their_experiments_where_there_is_not(show, lab):
    ids = call("--root", lab, "list", "-q", "-n", "5").lines
    assert [row[0] for row in show(160, "list", "-n", "5", "--no-sparklines").table()[2]] == ids
    short = [row[0] for row in show(80, "list", "-n", "5").table()[2]]
    assert all(one.startswith(cut) for one, cut in zip(ids, short, strict=True))
    assert call("--root", lab, "show", short[-1], "--json").json["id"] == ids[-1]


@pytest.mark.parametrize("columns", [80, 140])
def test_a_document_is_the_same_at_every_width(show, columns):
    assert show(columns, "list", "--json").lines == show(200, "list", "--json").lines


def test_colour_is_left_out_when_the_user_wants_none(show, monkeypatch):
    assert "\x1b[32m" in show(80, "list").raw
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in show(80, "list").raw


def test_the_configuration_and_the_parameters_are_shown(show):
    lines = show(80, "show", f"{SWEEP}/lr0.03-depth50-sgd").lines
    shown = lines[lines.index("Parameters") + 1 : lines.index("Metrics")]
    assert [line.split()[0] for line in shown if line][:3] == [
        "model.name",
        "model.depth",
        "model.width",
    ]


@pytest.mark.parametrize(("alias", "command"), [("ls", "list"), ("tail", "logs"), ("rm", "delete")])
def test_commands_go_by_the_names_of_the_shell_too(alias, command):
    assert (
        call(alias, "--help").out.splitlines()[2:] == call(command, "--help").out.splitlines()[2:]
    )
    assert f"{command}, {alias}" in call("--help").out


@pytest.mark.parametrize("columns", [80, 140])
def test_curves_stand_in_the_width_of_the_terminal_with_five_letters(show, columns):
    lines = show(columns, "plot", "-f", "'sweep' in tags", "-m", "val/acc").lines
    assert max(map(width_of, lines)) <= columns
    drawn = [line for line in lines if "┤" in line or "│" in line]
    assert {letter for letter in "ABCDEF" if letter in "".join(drawn)} == set("ABCDE")
