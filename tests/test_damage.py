"""One experiment never takes the others with it, whatever is wrong with its folder."""

from __future__ import annotations

import math
import os
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from anew import Store
from anew.cli.main import cli
from anew.errors import AnewError
from anew.record.status import Status

from damages import BAD, DAMAGES, GOOD, ODD_VALUES, WHERES, Bad, make_root


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("damage") / "root"
    make_root(root)
    with Store(root) as store:
        assert len(store.list()) == 3
    return root


@pytest.fixture
def bad(made: Path, tmp_path: Path) -> Bad:
    return Bad(Path(shutil.copytree(made, tmp_path / "root", symlinks=True)))


@pytest.fixture(autouse=True)
def not_for_ever():
    """What waits for a pipe, or reads gigabytes of zeros, fails instead."""

    def stop(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)


def command(root: Path, *arguments: str) -> int:
    """Run a command; its exit code, which is that of an error that was foreseen."""
    result = CliRunner().invoke(cli, ["--root", str(root), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in (0, 2, 3, 4, 5, 6), (arguments, result.exit_code, result.output)
    return result.exit_code


def assert_the_others_answer(root: Path) -> None:
    """Every question has the answer of an undamaged store, as far as it is about the others."""
    with Store(root) as store:
        assert set(GOOD) <= {view.prefix for view in store.list()}
        assert set(GOOD) <= {view.prefix for view in store}
        assert len(store) >= 2
        for at, prefix in zip((0, 2), GOOD, strict=True):
            view = store[prefix]
            assert view.status is Status.COMPLETED
            assert view.params["seed"] == 2**70 + at
            assert view.metrics["loss"].count == 6
            assert view.metrics["loss"].last == 1.0 / (6 + at)
            values = view.metrics["loss"].read().values.tolist()
            assert values == [1.0 / (step + 1 + at) for step in range(6)]
            assert [line.message for line in view.logs()] == ["a message"]
            assert [file.read_bytes() for file in view.files] == [b"weights"]
        for query in (f"params.seed == {2**70}", "metrics.loss.last < 1", "created_at > '1970-01-02'"):
            assert GOOD[0] in {view.prefix for view in store.search(query)}
        for sort in ("created_at", "-duration", "params.seed", "-metrics.loss.last", "name", "-lost"):
            assert set(GOOD) <= {view.prefix for view in store.list(sort=sort)}
        store.compare(list(GOOD))
        store.best("loss", mode="min")
        store.summary()
        store.history(list(GOOD), "loss")
        store.list().to_pandas()
        store.list().to_polars()
        store.du()
        store.trash()
        store.gc(dry_run=True)


QUICK = ("list", "search 'status == \"completed\"'", "show a/p/good", "compare a/p/good b/other")
EVERY = (
    "list --json", "list -q", "search params.seed>0 --json", "best loss", "plot a/p/good loss", "logs a/p/good",
    "files a/p/good", "tag a/p/good new", "note a/p/good text", "du", "gc --dry-run", "seal", "diff a/p/good b/other",
    "restore --list", "export a/p/good -o {out}", "export --all -o {out}2", "export --all -o {out}.zip",
    "plot a/p/good b/other loss -o {out}.png", "show a/p/good --json", "list --sort duration", "list --sort -created_at",
)  # fmt: skip


def try_the_bad(root: Path) -> None:
    """Whatever is asked about the damaged one is answered, or refused by an error of ours."""
    for arguments in ("show", "show --json", "logs", "files", "plot", "diff a/p/good", "compare a/p/good"):
        command(root, *arguments.split(), BAD)
    with Store(root) as store:
        for view in store.list():
            try:
                view.to_dict()
                view.logs()
                [value.read_bytes() for value in view.values()]
                [file.read_bytes() for file in view.files]
                [metric.read(metadata=True) for metric in view.metrics.values()]
            except (AnewError, OSError):
                continue


@pytest.mark.parametrize("indexed", [True, False], ids=["seen before", "never seen"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_others_are_shown_and_it_can_be_deleted(bad, damage, indexed):
    if not indexed:
        (bad.root / "experiments.db").unlink()
    DAMAGES[damage](bad)
    assert_the_others_answer(bad.root)
    command(bad.root, "list")
    try_the_bad(bad.root)
    command(bad.root, "doctor")
    command(bad.root, "rebuild")
    command(bad.root, "delete", "-y", BAD)
    assert_the_others_answer(bad.root)
    with Store(bad.root) as store:
        assert BAD not in {view.prefix for view in store.list()}
        store.gc()
    assert_the_others_answer(bad.root)


@pytest.mark.parametrize("where", WHERES)
def test_an_odd_value_in_a_line_is_shown_or_named(made, tmp_path, where):
    for at, value in enumerate(ODD_VALUES.values()):
        bad = Bad(Path(shutil.copytree(made, tmp_path / f"root{at}", symlinks=True)))
        WHERES[where](bad, value)
        assert_the_others_answer(bad.root)
        try_the_bad(bad.root)
        command(bad.root, "doctor")
        shutil.rmtree(bad.root)
