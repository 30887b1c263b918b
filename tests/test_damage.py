"""One experiment never takes the others with it, whatever is wrong with its folder."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from anew import Store
from anew.cli.main import cli
from anew.errors import NotFound
from anew.record.status import Status
from damages import (
    BAD,
    DAMAGES,
    GOOD,
    HARMLESS,
    ODD_VALUES,
    ROOT_DAMAGES,
    WHERES,
    Bad,
    make_root,
    sow,
)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("damage") / "root"
    make_root(root)
    with Store(root) as store:
        assert len(store.list()) == 4
    return root


@pytest.fixture
def bad(made: Path, tmp_path: Path) -> Bad:
    return Bad(Path(shutil.copytree(made, tmp_path / "root", symlinks=True)))


@pytest.fixture(autouse=True)
def not_for_ever() -> Iterator[None]:
    """What waits for a pipe, or reads gigabytes of zeros, fails instead."""

    def stop(*_: object) -> None:
        raise TimeoutError("it took more than two minutes")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def command(root: Path, *arguments: str, fine: tuple[int, ...] = (0,)) -> str:
    """Run a command; what it printed. Its exit code is 0, or that of an error that was foreseen."""
    result = CliRunner().invoke(cli, ["--root", str(root), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in fine, (arguments, result.exit_code, result.output)
    return result.stdout


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
        for query in (
            f"params.seed == {2**70}",
            "metrics.loss.last < 1",
            "created_at > '2020-01-02'",
        ):
            assert GOOD[0] in {view.prefix for view in store.search(query)}
        for sort in (
            "created_at",
            "-duration",
            "params.seed",
            "-metrics.loss.last",
            "name",
            "-lost",
        ):
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


COMMANDS = (
    "list", "list --json", "list -q", "list status=='completed'", "list params.seed>0 --json", "show a/p/good",
    "show a/p/good --json", "compare a/p/good b/other", "best loss", "plot a/p/good loss", "logs a/p/good",
    "files a/p/good", "tag a/p/good new", "note a/p/good text", "du", "gc --dry-run", "seal", "restore --list",
    "list --sort duration", "list --sort -created_at", "list --sort -params.seed", "rebuild",
)  # fmt: skip
SAVING = ("export a/p/good", "export a/p/good --format csv", "plot a/p/good b/other loss")


def found_by_doctor(root: Path) -> set[str]:
    """The prefixes that the doctor names, and the paths in the root's own folder."""
    with Store(root) as store:
        return {one.prefix or one.path for one in store.doctor()}


SOUND = {*GOOD, BAD, "a/p/twin"}
NOT_THERE = {"gone", "trash"}
HEAVY = {name for name in DAMAGES if "sparse" in name or "a million" in name}


@pytest.mark.slow
def test_many_damaged_experiments_at_once_leave_the_others_as_they_are(made, tmp_path):
    root = Path(shutil.copytree(made, tmp_path / "root", symlinks=True))
    sown: dict[str, str] = {}
    for number, (what, damage) in enumerate(DAMAGES.items()):
        if what not in HEAVY:
            bad = sow(root, number)
            damage(bad)
            sown[what] = bad.prefix
    for number, (where, put) in enumerate(WHERES.items(), 1000):
        bad = sow(root, number)
        for value in ODD_VALUES.values():
            try:
                put(bad, value)
            except AssertionError:
                break  # the line it stands in was changed already
        sown[where] = bad.prefix
    assert_the_others_answer(root)
    for arguments in COMMANDS:
        command(root, *arguments.split())
    for at, arguments in enumerate(SAVING):
        command(
            root,
            *arguments.split(),
            "-o",
            str(tmp_path / f"out{at}{'.png' if 'plot' in arguments else ''}"),
        )
    command(root, "export", "--all", "--format", "csv", "-o", str(tmp_path / "all"))
    command(root, "export", "--all", "-o", str(tmp_path / "all.zip"))
    command(root, "doctor", fine=(6,))
    found = " ".join(found_by_doctor(root))
    missed = {
        what
        for what, prefix in sown.items()
        if what in DAMAGES and what not in HARMLESS and prefix not in found
    }
    assert not missed, sorted(missed)
    with Store(root) as store:
        store.delete([view for view in store.list() if view.prefix not in SOUND])
        for prefix in {
            one.prefix
            for one in store.doctor()
            if one.prefix and one.prefix not in SOUND and one.kind not in NOT_THERE
        }:
            try:
                store.delete(prefix)
            except NotFound:
                assert not (root / prefix).exists(), prefix
        command(root, "rebuild")
        assert {view.prefix for view in store.list()} == SOUND
        left = [
            one for one in store.doctor() if one.kind != "broken line" and "b\\xe4d" not in one.path
        ]
        assert [one for one in left if "/root/.anew/" not in one.path] == []
        store.gc()
    assert_the_others_answer(root)


@pytest.mark.parametrize("after", ["all", pytest.param("each", marks=pytest.mark.slow)])
def test_damage_to_the_root_itself_leaves_the_experiments_as_they_are(bad, after):
    for what, damage in ROOT_DAMAGES.items():
        damage(bad)
        if after == "each" or "index" in what:  # which a look makes anew
            assert_the_others_answer(bad.root)
    for arguments in COMMANDS:
        command(bad.root, *arguments.split())
    command(bad.root, "doctor", fine=(6,))
