"""Configuration keys and parameters are one thing for the command line."""

from pathlib import Path

import pytest

from .conftest import Run, call, recorded


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two experiments with a configuration, and two with parameters."""
    root = tmp_path_factory.mktemp("mixed") / "experiments"
    for lr in (0.1, 0.01):
        with recorded(root, f"a/cfg/lr{lr}", config={"opt": {"lr": lr}, "seed": 1}) as exp:
            exp.log({"val/acc": lr, "epoch": 1}, step=0)
        with recorded(root, f"a/par/lr{lr}", params={"opt.lr": lr}) as exp:
            exp.log({"val/acc": lr}, step=0)
    return root


@pytest.fixture
def run(mixed: Path) -> Run:
    return lambda *arguments, **options: call("--root", mixed, *arguments, **options)


def test_configuration_keys_that_differ_are_columns_of_a_list(run: Run) -> None:
    header = run("list", "project == 'cfg'").lines[0].split()
    assert any(title.endswith("lr") for title in header)
    assert "seed" not in header


@pytest.mark.parametrize("field", ["lr", "opt.lr"])
def test_a_short_name_is_a_column(run: Run, field: str) -> None:
    outcome = run("list", "-c", f"name,{field},acc.max", "--sort", field)
    assert outcome.code == 0
    assert [row.split()[2:] for row in outcome.lines[1:]] == [["0.01", "0.01"]] * 2 + [
        ["0.1", "0.1"]
    ] * 2


@pytest.mark.parametrize("arguments", [["-c", "lrr"], ["--sort", "lrr"], ["lrr > 1"]])
def test_a_column_that_nobody_has_is_an_error_with_a_suggestion(
    run: Run, arguments: list[str]
) -> None:
    outcome = run("list", *arguments)
    assert outcome.code != 0
    assert "params.opt.lr" in outcome.err


@pytest.mark.parametrize("project", ["cfg", "par"])
@pytest.mark.parametrize("metric", ["val/acc", "acc"])
def test_groups_by_a_short_name_are_the_values(run: Run, project: str, metric: str) -> None:
    chosen = ["plot", "-f", f"project == '{project}'", "-m", metric, "--group-by", "lr", "--json"]
    (chart,) = run(*chosen).json["charts"]
    assert [group["name"] for group in chart["groups"]] == ["lr=0.01", "lr=0.1"]


@pytest.mark.parametrize("option", ["--group-by", "--against"])
@pytest.mark.parametrize("field", ["params.opt.lr", "lrr", "config.lrr"])
def test_a_chart_by_what_none_of_them_has_is_an_error_with_a_suggestion(
    run: Run, option: str, field: str
) -> None:
    outcome = run("plot", "-f", "project == 'cfg'", "-m", "val/acc", option, field)
    assert outcome.code != 0
    assert "config.opt.lr" in outcome.err
    assert not outcome.out


def test_other_charts_take_configuration_keys_too(run: Run, tmp_path: Path) -> None:
    chosen = ["plot", "-f", "project == 'cfg'", "-m", "acc"]
    (chart,) = run(*chosen, "--against", "lr", "--json").json["charts"]
    assert sorted(dot["param"] for dot in chart["dots"]) == [0.01, 0.1]
    assert run(*chosen, "--parallel", "-o", str(tmp_path / "p.png")).code == 0


def test_json_has_the_configuration(run: Run) -> None:
    document = run("list", "--json", "name == 'lr0.1'", "--sort", "prefix").json
    assert [one["config"] for one in document["experiments"]] == [{"opt.lr": 0.1, "seed": 1}, None]


@pytest.mark.parametrize(
    ("metric", "more", "stars"),
    [("widgets", [], 0), ("widgets", ["--mode", "max"], 1), ("loss", [], 1)],
)
def test_only_a_metric_with_a_direction_has_a_best(
    tmp_path: Path, metric: str, more: list[str], stars: int
) -> None:
    for number in range(2):
        with recorded(tmp_path, f"a/b/{number}") as exp:
            exp.log({metric: float(number)}, step=0)
            exp.log({metric: 0.5}, step=1)
    outcome = call("--root", tmp_path, "compare", "a/b/0", "a/b/1", *more)
    assert outcome.code == 0
    assert outcome.out.count("*") == stars
