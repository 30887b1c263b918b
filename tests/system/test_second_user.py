"""A root that another user made, or may only read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anew import Experiment, Store

pytestmark = pytest.mark.privileged


def test_a_root_of_another_user_can_be_read_without_the_right_to_write(
    as_nobody, open_folder: Path
):
    root = open_folder / "shared"
    with Experiment("a/b/mine", root=root, quiet=True) as exp:
        exp.log_metric("loss", 0.5, step=3)
    told = as_nobody(
        f"from anew import Store; view = Store({str(root)!r})['a/b/mine']; print(view.id, view.metrics['loss'].last)"
    )
    assert told.stdout.split() == [exp.id, "0.5"], told.stderr


def test_two_users_write_below_one_root_and_both_are_shown(as_nobody, open_folder: Path):
    root = open_folder / "shared"
    root.mkdir(mode=0o777)
    os.chmod(root, 0o777)
    program = (
        "from anew import Experiment\n"
        f"with Experiment('other/theirs', root={str(root)!r}) as exp: exp.log_metric('loss', 1.0, step=0)\n"
    )
    told = as_nobody(program)
    assert told.returncode == 0, told.stderr
    with Experiment("a/b/mine", root=root, quiet=True) as exp:
        exp.log_metric("loss", 0.5, step=3)
    assert {view.prefix for view in Store(root).list()} == {"other/theirs", "a/b/mine"}
