"""Questions about damaged experiments themselves: an answer, if only a part of one, or an error that says what is wrong."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from anew import Store
from anew.cli.main import cli
from anew.errors import AnewError, NotFound
from anew.reading.views import ExperimentView
from damages import DAMAGES, GOOD, HARMLESS, ODD_VALUES, WHERES, Bad, make_root, sow

SOUND = {*GOOD, "a/p/bad", "a/p/twin"}
HEAVY = {name for name in DAMAGES if "sparse" in name or "a million" in name}
LIGHT = [name for name in DAMAGES if name not in HEAVY and "id of another" not in name]
FORESEEN = (0, 1, 2, 3, 4, 5, 6)  # what each means, `anew.cli.errors` says; a bug raises
COMMANDS = (
    "show REF", "show REF --json", "logs REF -n 3", "logs REF --console", "files REF", "compare REF a/p/good", "diff REF a/p/good",
    "plot REF loss", "du REF", "export REF -o OUT --format csv", "export REF -o OUT.zip", "tag REF new", "note REF text",
    "param REF x=1", "seal REF",
)  # fmt: skip
QUESTIONS: dict[str, Callable[[Store, ExperimentView], object]] = {
    "facts": lambda store, view: view.to_dict(),
    "params": lambda store, view: view.params.flat(),
    "config": lambda store, view: view.config and view.config.to_dict(),
    "points": lambda store, view: [one.read(order="written") for one in view.metrics.values()],
    "messages": lambda store, view: view.logs(),
    "console": lambda store, view: view.console(tail=3),
    "files": lambda store, view: [one.read_bytes() for one in view.files],
    "openings": lambda store, view: [(one.command, one.duration) for one in view.openings],
    "captured": lambda store, view: (view.captured, view.git, view.error),
    "forwarded": lambda store, view: view.forwarded,
    "history": lambda store, view: store.history(view, metadata=True).to_pandas(),
    "difference": lambda store, view: store.first_difference(view, GOOD[0]),
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("damaged") / "root"
    make_root(root)
    with Store(root) as store:
        store.refresh()
    return root


def damaged(made: Path, tmp_path: Path, plans: list[list[str]]) -> dict[str, list[str]]:
    """A root with an experiment for each plan, damaged in these ways; the ways by prefix."""
    shutil.copytree(made, tmp_path / "root", symlinks=True)
    sown = {}
    for number, plan in enumerate(plans):
        bad = sow(tmp_path / "root", number)
        sown[bad.prefix] = plan
        for what in plan:
            if has_pipe(bad.folder):
                break  # to write into it would wait for a reader
            try:
                if what in DAMAGES:
                    DAMAGES[what](bad)
                else:
                    where, _, value = what.partition("=")
                    WHERES[where](bad, ODD_VALUES[value])
            except (StopIteration, AssertionError, OSError, UnicodeError):
                pass  # another damage took away what this one changes
    return sown


def has_pipe(folder: Path) -> bool:
    if folder.is_fifo():
        return True
    return any(Path(at, name).is_fifo() for at, _, names in os.walk(folder) for name in names)


def pairs(seed: int, count: int) -> list[list[str]]:
    chance = random.Random(seed)
    odd = [f"{where}={value}" for where in WHERES for value in ODD_VALUES]
    return [
        [chance.choice(LIGHT), chance.choice(chance.choice([LIGHT, odd]))] for _ in range(count)
    ]


def ask_everything(root: Path, sown: dict[str, list[str]], out: Path, *, every: int = 1) -> None:
    """Ask about each, have doctor name it, move it, and delete it.

    Args:
        every: Run only one in so many commands for each.
    """
    with Store(root) as store:
        shown = {view.id: view for view in store.list() if view.prefix not in SOUND}
        for view in shown.values():
            for what, question in QUESTIONS.items():
                try:
                    question(store, view)
                except (AnewError, OSError):
                    pass
                except Exception as error:
                    error.add_note(f"{what} of {view.prefix}: {sown.get(view.prefix)}")
                    raise
        for number, ref in enumerate((*shown, *sown.keys())):
            commands = (COMMANDS if ref in shown else COMMANDS[:1])[number % every :: every]
            for at, command in enumerate(commands):
                target = str(out / f"{number}-{at}")
                words = [
                    word.replace("REF", ref).replace("OUT", target) for word in command.split()
                ]
                result = CliRunner().invoke(cli, ["--root", str(root), *words])
                error = result.exception
                if error is not None and not isinstance(error, SystemExit):
                    error.add_note(
                        f"{command}: {sown.get(shown[ref].prefix if ref in shown else ref)}"
                    )
                    raise error
                assert result.exit_code in FORESEEN
        named = " ".join(f"{one.prefix} {one.path}" for one in store.doctor())
        missed = {
            p: plan
            for p, plan in sown.items()
            if len(set(plan) - HARMLESS) and p not in named and os.path.lexists(root / p)
        }  # what was renamed is not called so any more
        missed = {
            p: plan for p, plan in missed.items() if plan[0] in DAMAGES and plan[0] not in HARMLESS
        }
        for number, ref in enumerate(shown):
            try:
                store.move(ref, f"moved/{number}")
            except AnewError:
                pass
        for ref in (*shown, *sown):
            try:
                store.delete(ref)
            except NotFound:
                pass
            except AnewError:
                assert ref in sown
        assert {view.prefix for view in store.list()} == SOUND
        store.rebuild()
        assert {view.prefix for view in store.list()} == SOUND
        assert not missed, missed


def test_pairs_of_damages_leave_every_question_with_an_answer_or_an_error_of_ours(made, tmp_path):
    alone = ("captured facts of other types", "an events file that is not UTF-8")
    sown = damaged(made, tmp_path, [*([name] for name in alone), *pairs(0, 2)])
    ask_everything(tmp_path / "root", sown, tmp_path, every=2)


def test_an_experiment_whose_folder_became_a_link_to_itself_is_not_there_any_more(made, tmp_path):
    root = Path(shutil.copytree(made, tmp_path / "root", symlinks=True))
    DAMAGES["a link to itself for the experiment"](Bad(root))
    with Store(root) as store:
        assert {view.prefix for view in store.list()} == SOUND - {"a/p/bad"}
        assert store.doctor() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_many_pairs_of_damages(made, tmp_path, seed):
    ask_everything(tmp_path / "root", damaged(made, tmp_path, pairs(seed, 12)), tmp_path, every=2)


@pytest.mark.slow
def test_each_damage_leaves_every_question_with_an_answer_or_an_error_of_ours(made, tmp_path):
    sown = damaged(made, tmp_path, [[name] for name in LIGHT])
    ask_everything(tmp_path / "root", sown, tmp_path, every=5)
