"""What commands that run recorded programs share: asking whether one may run, showing how far it is, and their options."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .errors import Refused
from .face import Face
from .words import one_line

if TYPE_CHECKING:
    from ..reproduce.live import Live
    from ..reproduce.plan import Plan

__all__ = ["confirm_plan", "explain_options", "shown_progress"]

F = TypeVar("F", bound=Callable[..., Any])


def explain_options(function: F) -> F:
    """The options that bound the search for a cause."""
    for option in (
        click.option(
            "--explain-time",
            type=click.FloatRange(0),
            default=300.0,
            show_default=True,
            metavar="SECONDS",
            help="After how long the search for the cause begins no further re-run.",
        ),
        click.option(
            "--explain-runs",
            type=click.IntRange(0),
            default=12,
            show_default=True,
            metavar="N",
            help="How many re-runs the search for the cause may take; 0 swaps nothing.",
        ),
    ):
        function = option(function)
    return function


def confirm_plan(face: Face, plan: Plan, yes: bool) -> None:
    """Show what another user or machine recorded, and ask whether it may run here.

    Raises:
        Refused: The answer is no, or there is nobody to ask.
    """
    from fnmatch import fnmatchcase

    from ..settings import load_settings

    recipe = plan.recipe
    trusted = any(fnmatchcase(recipe.recorded_by, str(who)) for who in load_settings().trust)
    if yes or trusted or recipe.is_own:
        for name, why in plan.withheld.items():
            face.out.say(f"{name} is not set: {why}; --variable {name} sets it")
        return
    for line in plan.lines():
        face.out.warn(line)
    who = one_line(recipe.recorded_by)
    if not face.out.confirm(
        f"This was recorded by {who}, and nothing shows that this was you on this machine. Run it?"
    ):
        raise Refused(
            f"Nothing was run: {recipe.prefix} was recorded by {who}. To run their code and command here, give --yes, "
            f"or set ANEW_TRUST={who}."
        )


@contextlib.contextmanager
def shown_progress(face: Face, times: int) -> Iterator[Callable[[Live], None]]:
    """How far a re-run has come: a line that changes on a terminal, and a line now and then elsewhere."""
    from ..reproduce.words import progress_line

    told: set[tuple[str, int]] = set()
    seen: set[int] = set()
    with face.out.status("preparing the checkout") as status:

        def progress(live: Live) -> None:
            seen.add(id(live))
            which = f"run {len(seen)} of {times}: " if times > 1 else ""
            status(which + progress_line(live))
            if live.differing is not None and live.differing[:2] not in told:
                metric, step, a, b = live.differing
                told.add((metric, step))
                face.out.say(f"{metric} differs at step {step}: {a!r} → {b!r}")

        yield progress
