"""Making a commit out of what is staged, and moving a branch to it."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from typing import Any

from anew.errors import WeightsError
from anew.weights.history import History
from anew.weights.records import Commit, pack_commit, unpack_commit
from anew.weights.refs import Ref
from anew.weights.stage import Stager

__all__ = ["commit_staged", "this_user"]

_TRIES = 100


def commit_staged(
    history: History,
    stager: Stager,
    branch: str,
    *,
    message: str,
    author: str | None,
    experiment: str | None = None,
    step: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    merged: tuple[str, ...] = (),
    expect: Ref | None = None,
) -> Commit | None:
    """Make a commit of what is staged and move a branch to it.

    Args:
        history: The repository.
        stager: What is staged.
        branch: The branch to move.
        message: What this version is.
        author: Who made it; `this_user()` if not given.
        experiment: The id or prefix of the experiment it came from.
        step: The training step it was taken at.
        metadata: Anything plain worth keeping with it.
        merged: The commits that it joins with the branch.
        expect: What the branch must still say. Without it, the commit follows whatever the branch says.

    Returns:
        The commit; None if the branch no longer was as expected.

    Raises:
        WeightsError: Others moved the branch at every try.
        InvalidValue: Metadata that is not plain data.
    """
    tree, tensors, nbytes = stager.write_tree()
    for _ in range(_TRIES):
        seen = expect or history.heads.read(branch)
        parents = ((seen.commit,) if seen.commit else ()) + merged
        data = pack_commit(
            tree=tree,
            parents=parents,
            time=history.time_after(parents),
            tensors=tensors,
            nbytes=nbytes,
            message=message,
            author=author or this_user(),
            experiment=experiment,
            step=step,
            metadata=metadata or {},
        )
        key = stager.write_commit(data)
        stager.publish()
        if history.heads.move(seen, key.hex(), reason="merge" if merged else "commit"):
            history.tidy()
            return unpack_commit(key, data)
        if expect is not None:
            return None
    raise WeightsError(f"The branch {branch!r} is being moved by other processes. Try again.")


def this_user() -> str:
    """Who commits unless it is said: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}"
