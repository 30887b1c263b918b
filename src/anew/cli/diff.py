"""`diff`: where two experiments differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..commands.difference import (
    DiffOptions,
    difference_of,
    groups_of,
    margins_of,
    tolerance_of,
)
from .face import Face, complete_experiment, shared
from .noise import show_noise
from .rerunning import confirm_plan, explain_options, shown_progress
from .tolerances import margin_options, tolerance_options
from .verdicts import show_judgement

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..reproduce.cause import Budget
    from ..reproduce.judgement import Judgement
    from ..reproduce.reruns import Measure
    from ..store import Store

__all__ = ["diff"]


@click.command()
@click.argument("first", shell_complete=complete_experiment)
@click.argument("second", shell_complete=complete_experiment)
@click.option(
    "-o", "--figure", metavar="FILE", help="Draw both curves of each metric into an image."
)
@click.option("--patch", is_flag=True, help="Also print the difference of the uncommitted changes.")
@click.option(
    "--explain",
    "explained",
    is_flag=True,
    help="Find what brings the difference: run the second again with more and more of the first.",
)
@explain_options
@click.option(
    "-y",
    "--yes",
    is_flag=True,
    help="Do not ask, also if another user or machine recorded the second.",
)
@tolerance_options
@margin_options
@shared(quiet="Print the verdict alone.")
def diff(
    face: Face,
    first: str,
    second: str,
    figure: str | None,
    patch: bool,
    explained: bool,
    explain_runs: int,
    explain_time: float,
    yes: bool,
    rtol: tuple[str, ...],
    atol: tuple[str, ...],
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    margins: tuple[str, ...],
    taken: Any,
) -> int:
    """Show where two experiments differ.

    The curves of every metric are compared point by point, then what was captured, the likeliest causes first:
    configuration, parameters, code, data, seeds, packages and hardware.

    diff is for why two experiments came out differently. `anew compare` is for which of several did better and with
    which settings: results side by side, without a verdict. `anew check` is diff with a baseline, for continuous
    integration; `anew reproduce` runs an experiment again first.

    With --explain, the second is run again, which must give its own result, and then with parts of the first as they
    were (code, packages, variables, data …), until the smallest part is found that gives the first one's result.

    With --equivalent, two groups of runs are compared: each experiment, and what differs from it in its seed only.

    \b
    Examples:
      anew diff k7f3 p2m8
      anew diff k7f3 p2m8 --rtol 1e-6 -o curves.png
      anew diff k7f3 p2m8 --explain
      anew diff k7f3 p2m8 --equivalent 2sd --equivalent 'val/acc=0.5%'

    \b
    Exit codes:
      0 IDENTICAL or WITHIN TOLERANCE    1 DIVERGED    2 NOT COMPARABLE, or it could not be done
      with --equivalent: 0 EQUIVALENT    1 NOT EQUIVALENT    2 NOT ENOUGH RUNS
    """
    from ..reproduce.cause import Budget
    from ..reproduce.reruns import Measure

    tolerance = tolerance_of(rtol, atol)
    noise = margins_of(margins)
    question = DiffOptions(
        first=first, second=second, rtol=rtol, atol=atol, metric=only, ignore=ignore, equivalent=margins, value=taken
    )  # fmt: skip
    with face.store() as store:
        a, b = store.get(first), store.get(second)
        if a.id == b.id and first != second:
            _warn_of_one(face, first, second, a)
        if noise is not None:
            found = groups_of(store, a, b, noise, only=only, ignore=ignore, taken=taken)
            face.out.emit(
                found.to_dict, ids=[found.verdict.value], table=lambda: show_noise(face, found)
            )
            return found.exit_code
        judgement = difference_of(store, question)
        if explained and judgement.verdict.value == "DIVERGED":
            budget = Budget(explain_runs, explain_time)
            judgement = _explained(
                face, store, a, b, judgement, Measure(tolerance, only, ignore), budget, yes
            )
        if figure:
            from ..reproduce.figure import draw

            draw(store, a, b, judgement, figure)

    def table() -> None:
        show_judgement(face, judgement)
        if patch:
            _show_patches(face, judgement)

    face.out.emit(judgement.to_dict, ids=[judgement.verdict.value], table=table)
    return judgement.exit_code


def _warn_of_one(face: Face, first: str, second: str, view: ExperimentView) -> None:
    """Say that two references mean one experiment."""
    face.out.warn(
        f"{first} and {second} are the same experiment, {view.prefix} ({view.id[:6]}). A prefix means the newest "
        "experiment of that name; with ~1 at its end it means the first."
    )


def _explained(
    face: Face,
    store: Store,
    a: ExperimentView,
    b: ExperimentView,
    judgement: Judgement,
    measure: Measure,
    budget: Budget,
    yes: bool,
) -> Judgement:
    """A judgement with what brings the difference."""
    from dataclasses import replace

    from ..reproduce.between import explain_between
    from ..reproduce.plan import make_plan

    plan = make_plan(store, b)
    confirm_plan(face, plan, yes)
    with shown_progress(face, 1) as progress:
        found = explain_between(
            store, a, plan, judgement, measure, budget=budget, installs=True, say=face.out.say, progress=progress
        )  # fmt: skip
    return replace(judgement, explanation=found)


def _show_patches(face: Face, judgement: Judgement) -> None:
    import difflib

    for difference in judgement.differences:
        if difference.kind == "code" and difference.what != "commit":
            a, b = (str(text or "").splitlines() for text in (difference.a, difference.b))
            for line in difflib.unified_diff(a, b, *judgement.sides, lineterm=""):
                face.out.line(line)
