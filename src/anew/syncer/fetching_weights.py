"""Fetching from a server the weights of an experiment that is continued on another machine.

`python -m anew.syncer.fetching_weights REQUEST` prints one line of JSON. The request is JSON too: {"root", "to", "id", "patience"}. What is
fetched is the branch of the experiment with all that leads to it: what is committed next builds on it.
"""

from __future__ import annotations

from ..credentials import token_for
from ..errors import NotFound
from ..journal.root import make_root
from ..reading.remote.opening import open_server
from ..syncing.outbox import Outbox
from .answering import answer

__all__ = ["fetch_weights"]


def fetch_weights(outbox: Outbox, experiment_id: str) -> bool:
    """Fetch the branch of an experiment into the repository of the root; whether the server has one.

    What was fetched before a cut is not fetched again.

    Raises:
        AnewError: The server refuses, or what it gave is damaged.
        OSError: It cannot be reached, or the root cannot be written.
    """
    from ..weights.experiment import BRANCHES
    from ..weights.repository import Repository

    branch = f"{BRANCHES}/{experiment_id}"
    opened = open_server(outbox.server, token=token_for(outbox.server))
    try:
        try:
            there = Repository(opened.weights)
        except NotFound:
            return False
        if branch not in there.branches():
            return False
        make_root(outbox.root)
        Repository(outbox.root.weights, init=True).pull(there, [branch], tags=False)
        return True
    finally:
        opened.close()


def main() -> None:
    """Answer one request; see `answering.answer`."""
    answer(lambda outbox, request: {"found": fetch_weights(outbox, str(request["id"]))})


if __name__ == "__main__":
    main()
