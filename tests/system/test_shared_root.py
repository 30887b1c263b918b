"""A root that two people of one group share: each sees what the other's umask lets them see, and nothing breaks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytestmark = [pytest.mark.privileged, pytest.mark.slow]

ALICE, BOB, GROUP = 1001, 1002, 2000


@pytest.fixture
def shared(open_folder: Path) -> Path:
    """A root as the guide says to make it: the group's, with the bit that hands the group on."""
    root = open_folder / "shared"
    root.mkdir()
    os.chown(root, ALICE, GROUP)
    root.chmod(0o2775)
    return root


def recording(root: Path, prefix: str) -> str:
    return (
        "from anew import Experiment\n"
        f"with Experiment({prefix!r}, root={str(root)!r}) as exp:\n"
        "    exp.log_metric('loss', 0.5, step=0)\n"
        "    exp.files('out').save(b'abc', name='w.bin')\n"
    )


def listing(root: Path) -> str:
    return (
        "import json\n"
        "from anew import Store\n"
        f"store = Store({str(root)!r})\n"
        "shown = {v.prefix: [v.metrics['loss'].last, v.metrics['loss'].count] for v in store.list()}\n"
        "print(json.dumps([shown, sorted({f.kind for f in store.doctor()})]))"
    )


@pytest.mark.parametrize("umask", [0o002, 0o022])
def test_two_people_with_an_open_umask_see_each_other(as_nobody, shared: Path, umask: int):
    def do(user: int, program: str) -> str:
        told = as_nobody(program, umask=umask, user=user, group=GROUP)
        assert told.returncode == 0, told.stderr
        assert "annot" not in told.stderr, told.stderr
        return told.stdout

    do(ALICE, recording(shared, "alice/p/a"))
    do(ALICE, listing(shared))
    do(BOB, recording(shared, "bob/p/b"))
    wanted = [{"alice/p/a": [0.5, 1], "bob/p/b": [0.5, 1]}, []]
    assert json.loads(do(ALICE, listing(shared))) == wanted
    assert json.loads(do(BOB, listing(shared))) == wanted
    do(ALICE, recording(shared, "alice/p/later"))
    shown, found = json.loads(do(BOB, listing(shared)))
    assert (sorted(shown), found) == (["alice/p/a", "alice/p/later", "bob/p/b"], [])


@pytest.mark.parametrize("first", [ALICE, BOB])
def test_what_is_private_is_not_shown_to_the_other_and_hides_nothing_else(
    as_nobody, shared: Path, first: int
):
    """Alice's umask is 077: nobody but her reads what she writes, whoever came first."""
    umasks = {ALICE: 0o077, BOB: 0o022}

    def do(user: int, program: str) -> str:
        told = as_nobody(program, umask=umasks[user], user=user, group=GROUP)
        assert told.returncode == 0, told.stderr
        return told.stdout

    for user in (first, ALICE + BOB - first):
        do(user, recording(shared, "alice/p/a" if user == ALICE else "bob/p/b"))
        do(user, listing(shared))
    do(BOB, recording(shared, "bob/p/later"))
    shown, _ = json.loads(do(ALICE, listing(shared)))
    assert sorted(shown) == ["alice/p/a", "bob/p/b", "bob/p/later"]
    shown, found = json.loads(do(BOB, listing(shared)))
    assert sorted(shown) == ["bob/p/b", "bob/p/later"]
    assert found == ["unreadable"]


def test_one_private_experiment_hides_no_other(as_nobody, shared: Path):
    for prefix in ("alice/p/a", "alice/p/b", "alice/p/c"):
        told = as_nobody(recording(shared, prefix), user=ALICE, group=GROUP)
        assert told.returncode == 0, told.stderr
    (shared / "alice" / "p" / "b").chmod(0o700)
    told = as_nobody(listing(shared), user=BOB, group=GROUP)
    assert told.returncode == 0, told.stderr
    shown, found = json.loads(told.stdout)
    assert (sorted(shown), found) == (["alice/p/a", "alice/p/c"], ["unreadable"])
