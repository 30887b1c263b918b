"""`stop`: ending the programs that record experiments."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ..commands.documents import stopped_document
from .face import Face, complete_experiment, shared
from .words import one_line

if TYPE_CHECKING:
    from ..store import Store

__all__ = ["stop"]

_LOOK_EVERY = 0.25
_LAST = 10.0  # seconds that a program has after SIGTERM


@click.command()
@click.argument("experiments", nargs=-1, required=True, shell_complete=complete_experiment)
@click.option("--why", metavar="TEXT", help="The reason, for the record.")
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a program may take to end itself before it is ended more firmly (SIGTERM).",
)
@click.option("--no-wait", is_flag=True, help="Do not wait for the end, and send no SIGTERM.")
@shared(quiet="Print the ids of those that were still running alone.")
def stop(
    face: Face, experiments: tuple[str, ...], why: str | None, grace: float, no_wait: bool
) -> int:
    """Stop the programs that record experiments, as Ctrl-C would.

    Who asked for it is in the record. With the store on a server, the program hears of it within seconds, wherever it
    runs, from the process beside it that pushes. Exits with 1 if one was still running in the end.

    \b
    Examples:
      anew stop k7f3
      anew stop k7f3 p2m8 --why "the loss is NaN"
      anew stop k7f3 --root https://lab.example.org
    """
    with face.store(live=True) as store:
        views = [store.get(ref) for ref in experiments]
        ids = [view.id for view in views]
        told = store.stop(views, why)
        running = ids
        if not no_wait:
            running = _wait(store, ids, grace)
            if running and told and store.backend.about().root is not None:
                store.stop(running, firmly=True)
                running = _wait(store, running, _LAST)

    def table() -> None:
        for view in views:
            said = "was asked to stop" if view.id in running else "stopped"
            face.out.line(f"{view.id}  {one_line(view.prefix)} {said}")
        if not told and store.backend.about().root is not None:
            face.out.say("No program of it runs on this machine; run the command where it runs.")

    face.out.emit(stopped_document(ids, told, running), ids=running, table=table)
    return 1 if running and not no_wait else 0


def _wait(store: Store, ids: list[str], seconds: float) -> list[str]:
    """Wait until experiments have ended, at most so long; those that have not."""
    until = time.monotonic() + seconds
    while True:
        left = [one for one in ids if not store.get(one).status.ended]
        if not left or time.monotonic() >= until:
            return left
        time.sleep(_LOOK_EVERY)
