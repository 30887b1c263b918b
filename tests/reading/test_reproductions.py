"""What reproduces another experiment does not count a second time, unless it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from anew import Experiment, Store
from anew.cli.main import cli
from anew.plots.group import group_bands, selected

OPTIONS = {"quiet": True, "console": "off", "system_metrics": 0}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a sweep, a reproduction of the better one, and a fork of it that went on."""
    root = tmp_path_factory.mktemp("reproductions") / "experiments"
    ids = {}
    for name, value, relation in (
        ("s0", 0.5, None),
        ("s1", 0.7, None),
        ("s1-again-1", 0.7, "reproduces"),
        ("s1-fork", 0.8, "forked"),
    ):
        link = {} if relation is None else {"parent": ids["s1"], "relation": relation}
        with Experiment(
            f"a/sweep/{name}", root=root, params={"lr": 0.1}, tags=["sweep"], **OPTIONS, **link
        ) as exp:
            exp.log({"acc": value}, step=0)
        ids[name] = exp.id
    return root


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    with Store(root) as store:
        yield store


def names(found: object) -> set[str]:
    return {one.name for one in found}  # type: ignore[attr-defined]


ORIGINALS = {"s0", "s1", "s1-fork"}
ALL = ORIGINALS | {"s1-again-1"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda store, **more: store.list(**more),
        lambda store, **more: store.list("'sweep' in tags", **more),
        lambda store, **more: store.list("lr == 0.1", sort="-acc", limit=10, **more),
        lambda store, **more: store.search("acc > 0", **more),
        lambda store, **more: store.list(tags=["sweep"], project="sweep", **more),
    ],
)
def test_a_list_leaves_them_out_and_counts_them(store: Store, ask: Callable[..., object]) -> None:
    found = ask(store)
    assert names(found) == ORIGINALS
    assert (found.total, found.left_out) == (3, 1)  # type: ignore[attr-defined]
    every = ask(store, reproductions=True)
    assert names(every) == ALL
    assert (every.total, every.left_out) == (4, 0)  # type: ignore[attr-defined]


@pytest.mark.parametrize("filter", ["relation == 'reproduces'", "not (relation == 'forked')"])
def test_a_filter_that_asks_for_relations_finds_them(store: Store, filter: str) -> None:
    found = store.list(filter)
    assert "s1-again-1" in names(found)
    assert found.left_out == 0


def test_the_best_are_originals(store: Store) -> None:
    found = store.best("acc", limit=3)
    assert [one.experiment.name for one in found] == ["s1-fork", "s1", "s0"]
    assert found.left_out == 1
    assert len(store.best("acc", reproductions=True)) == 4


def test_the_mean_of_a_group_counts_originals(store: Store) -> None:
    (band,) = group_bands(store, selected(store, "'sweep' in tags"), "acc", ["lr"]).values()
    assert band.runs == 3


def test_what_is_named_is_there(store: Store) -> None:
    assert store["a/sweep/s1-again-1"].relation == "reproduces"
    assert "s1-again-1" in names(store["a/sweep/s1"].children())
    assert names(iter(store)) == ALL
    assert len(store) == 4


def run(root: Path, *arguments: str) -> tuple[str, str]:
    found = CliRunner().invoke(cli, ["--root", str(root), *arguments])
    assert found.exit_code == 0, found.stderr
    return found.stdout, found.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["best", "acc"],
        ["compare", "-f", "'sweep' in tags"],
        ["plot", "-f", "'sweep' in tags", "-m", "acc"],
    ],
)
def test_commands_leave_them_out_and_say_how_many(
    root: Path, store: Store, command: list[str]
) -> None:
    again = store["a/sweep/s1-again-1"]

    def shows(*more: str) -> bool:
        out, _ = run(root, *command, "--json", *more)
        return again.id in out

    assert not shows()
    assert shows("--reproductions")
    _, told = run(root, *command)
    assert "--reproductions" in told
    _, told = run(root, *command, "--reproductions")
    assert "--reproductions" not in told
