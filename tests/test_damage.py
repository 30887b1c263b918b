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
from anew.errors import AnewError
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
        for query in (f"params.seed == {2**70}", "metrics.loss.last < 1", "created_at > '2020-01-02'"):
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


COMMANDS = (
    "list", "list --json", "list -q", "search status=='completed'", "search params.seed>0 --json", "show a/p/good",
    "show a/p/good --json", "compare a/p/good b/other", "best loss", "plot a/p/good loss", "logs a/p/good",
    "files a/p/good", "tag a/p/good new", "note a/p/good text", "du", "gc --dry-run", "seal", "restore --list",
    "list --sort duration", "list --sort -created_at", "list --sort -params.seed", "rebuild",
)  # fmt: skip
SAVING = ("export a/p/good", "export a/p/good --format csv", "plot a/p/good b/other loss")


def try_the_bad(root: Path, prefix: str = BAD) -> None:
    """Whatever is asked about the damaged one is answered, or refused by an error of ours."""
    foreseen = (0, 1, 2, 3, 4, 5, 6)
    for arguments in ("show", "show --json", "logs", "files", "plot", "diff a/p/good", "compare a/p/good"):
        command(root, *arguments.split(), prefix, fine=foreseen)
    with Store(root) as store:
        for view in store.list():
            if view.prefix in GOOD:
                continue
            for ask in (
                view.to_dict,
                view.logs,
                lambda view=view: [value.read_bytes() for value in view.values()],
                lambda view=view: [file.read_bytes() for file in view.files],
                lambda view=view: [metric.read(metadata=True) for metric in view.metrics.values()],
            ):
                try:
                    ask()
                except (AnewError, OSError):
                    continue


def found_by_doctor(root: Path) -> set[str]:
    """The prefixes that the doctor names, and the paths in the root's own folder."""
    with Store(root) as store:
        return {one.prefix or one.path for one in store.doctor()}


HEAVY = {name for name in DAMAGES if "sparse" in name or "a million" in name}


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
        command(root, *arguments.split(), "-o", str(tmp_path / f"out{at}{'.png' if 'plot' in arguments else ''}"))
    command(root, "export", "--all", "--format", "csv", "-o", str(tmp_path / "all"))
    command(root, "export", "--all", "-o", str(tmp_path / "all.zip"))
    command(root, "doctor", fine=(6,))
    found = " ".join(found_by_doctor(root))
    missed = {what for what, prefix in sown.items() if what in DAMAGES and what not in HARMLESS and prefix not in found}
    assert missed == set()
    with Store(root) as store:
        for prefix in sown.values():
            try:
                store.delete(prefix)
            except (AnewError, OSError):
                continue
    command(root, "rebuild")
    assert_the_others_answer(root)


def test_damage_to_the_root_itself_leaves_the_experiments_as_they_are(bad):
    for damage in ROOT_DAMAGES.values():
        damage(bad)
        assert_the_others_answer(bad.root)
    for arguments in COMMANDS:
        command(bad.root, *arguments.split())
    command(bad.root, "doctor", fine=(6,))


@pytest.mark.slow
@pytest.mark.parametrize("indexed", [True, False], ids=["seen before", "never seen"])
@pytest.mark.parametrize("damage", [*DAMAGES, *ROOT_DAMAGES])
def test_the_others_are_shown_and_it_can_be_deleted(bad, damage, indexed):
    if not indexed:
        (bad.root / "experiments.db").unlink()
    try:
        (DAMAGES | ROOT_DAMAGES)[damage](bad)
    except FileNotFoundError:
        pytest.skip("there is no index to damage")
    assert_the_others_answer(bad.root)
    try_the_bad(bad.root)
    found = " ".join(found_by_doctor(bad.root))
    if damage in DAMAGES and damage not in HARMLESS:
        assert BAD in found or "a/p/" in found
    command(bad.root, "rebuild")
    command(bad.root, "delete", "-y", BAD, fine=(0, 3))
    assert_the_others_answer(bad.root)
    with Store(bad.root) as store:
        assert BAD not in {view.prefix for view in store.list()}
        store.gc()
    assert_the_others_answer(bad.root)


@pytest.mark.slow
@pytest.mark.parametrize("where", WHERES)
def test_an_odd_value_in_a_line_is_shown_or_named(made, tmp_path, where):
    for at, value in enumerate(ODD_VALUES.values()):
        bad = Bad(Path(shutil.copytree(made, tmp_path / f"root{at}", symlinks=True)))
        WHERES[where](bad, value)
        assert_the_others_answer(bad.root)
        try_the_bad(bad.root)
        command(bad.root, "doctor", fine=(0, 6))
        shutil.rmtree(bad.root)
