"""`reproduce`: running an experiment again, and judging what came out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from .errors import Refused
from .face import Face, complete_experiment, shared
from .output import Column
from .tolerances import tolerance_of, tolerance_options
from .verdicts import show_judgement
from .words import one_line

if TYPE_CHECKING:
    from ..reproduce.live import Live
    from ..reproduce.plan import Plan
    from ..reproduce.replay import Replayed

__all__ = ["reproduce"]


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--env",
    "kind",
    type=click.Choice(["current", "venv", "uv"]),
    default="current",
    show_default=True,
    help="Use the current environment, or a new one with the recorded packages.",
)
@click.option("--python", metavar="PROGRAM", help="The Python to use.")
@click.option("--repo", metavar="FOLDER", help="A clone of the repository that has the code.")
@click.option(
    "--link",
    "links",
    multiple=True,
    metavar="PATH",
    help="Link this path, which is not in git, into the checkout; may repeat.",
)
@click.option(
    "--input",
    "given",
    multiple=True,
    metavar="NAME=PATH",
    help="Where a declared input is now; may repeat.",
)
@click.option(
    "--times",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Run it N times and show the spread.",
)
@click.option(
    "--explain/--no-explain",
    "explained",
    default=None,
    help="Where it differs, look for the cause: run it once more, which tells a program that is not deterministic from "
    "one whose inputs changed, then with what differs as it was, a part at a time. By default if the original took a "
    "minute or less (the setting explain_under); packages are installed for it only if asked.",
)
@click.option(
    "--explain-runs",
    type=click.IntRange(0),
    default=12,
    show_default=True,
    metavar="N",
    help="How many re-runs the search for the cause may take; 0 swaps nothing.",
)
@click.option(
    "--explain-time",
    type=click.FloatRange(0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="After how long the search for the cause begins no further re-run.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="End a re-run after so long.",
)
@click.option("--strict", is_flag=True, help="Refuse to run if packages or inputs have changed.")
@click.option(
    "--variable",
    "variables",
    multiple=True,
    metavar="NAME",
    help="Set this recorded variable although it decides which code is loaded (LD_PRELOAD …); may repeat.",
)
@click.option(
    "--into",
    metavar="FOLDER",
    help="Record the re-runs in the store in this folder; by default where the experiment is, and for an experiment "
    "on a server, where programs here record.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option(
    "-y", "--yes", is_flag=True, help="Do not ask, also if another user or machine recorded it."
)
@click.option("--output", "show", is_flag=True, help="Show what the program prints.")
@tolerance_options
@shared(quiet="Print the ids of the re-runs alone.")
def reproduce(
    face: Face,
    experiment: str,
    command: tuple[str, ...],
    kind: Any,
    python: str | None,
    repo: str | None,
    links: tuple[str, ...],
    given: tuple[str, ...],
    times: int,
    explained: bool | None,
    explain_runs: int,
    explain_time: float,
    timeout: float | None,
    strict: bool,
    variables: tuple[str, ...],
    into: str | None,
    dry_run: bool,
    yes: bool,
    show: bool,
    rtol: tuple[str, ...],
    atol: tuple[str, ...],
    only: tuple[str, ...],
    ignore: tuple[str, ...],
) -> int:
    """Run an experiment again and compare.

    The recorded commit is checked out into a temporary worktree, the uncommitted changes are applied, declared inputs
    are checked and copied, and the command is run as a child experiment. Then every metric is compared with the
    original's, point by point. Times and speeds are compared apart: they do not count.

    What another user or machine recorded is shown and confirmed before it runs. Without a terminal to ask on, --yes is
    needed, or an entry in the setting ANEW_TRUST.

    An experiment on a server (--root http://…) runs on this machine. The re-run and its verdict are recorded here,
    and nothing is written to the server.

    \b
    Examples:
      anew reproduce k7f3
      anew reproduce k7f3 --rtol 1e-6 --rtol 'val/*=1e-3'
      anew reproduce k7f3 --env venv --times 5
      anew reproduce k7f3 --dry-run
      anew reproduce k7f3 --root http://127.0.0.1:5700 --into ~/checks
      anew reproduce k7f3 -- python train.py --token "$TOKEN"

    \b
    Exit codes:
      0 IDENTICAL or WITHIN TOLERANCE    1 DIVERGED    2 NOT COMPARABLE, or it could not be done
    """
    from ..reproduce.cause import Budget
    from ..reproduce.plan import make_plan
    from ..reproduce.replay import replay
    from ..settings import load_settings

    tolerance = tolerance_of(rtol, atol)
    with face.store() as store:
        view = store.get(experiment)
        installs = explained is True
        if explained is None:
            short = load_settings().explain_under
            explained = short > 0 and view.duration is not None and view.duration <= short
        plan = make_plan(
            store, view, kind=kind, repo=repo, python=python, command=command, links=links,
            variables=variables, given=_named(given), into=into,
        )  # fmt: skip
        if dry_run:

            def steps() -> None:
                for line in plan.lines():
                    face.out.line(line)

            face.out.emit(plan.to_dict, ids=plan.lines(), table=steps)
            return 0
        _confirm(face, plan, yes)
        results: list[Replayed] = []
        with _progress(face, times) as progress, _told(face) as broken_off:
            for result in replay(
                store, plan, tolerance=tolerance, only=only, ignore=ignore, times=times, strict=strict,
                explained=explained, timeout=timeout, budget=Budget(explain_runs, explain_time), installs=installs, show=show and face.out.mode == "human", say=face.out.say, progress=progress, confirmed=True,
            ):  # fmt: skip
                results.append(result)
    return 130 if broken_off else _show_replays(face, results)


def _named(given: Sequence[str]) -> dict[str, str]:
    """`NAME=PATH` of each.

    Raises:
        BadParameter: One is not of that form.
    """
    found = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise click.BadParameter(f"{text!r} is not NAME=PATH.", param_hint="--input")
        found[name] = path
    return found


def _confirm(face: Face, plan: Plan, yes: bool) -> None:
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
def _told(face: Face) -> Iterator[list[str]]:
    """Tells of an interrupted re-run; what is yielded is not empty then."""
    from ..reproduce.replay import Interrupted

    reasons: list[str] = []
    try:
        yield reasons
    except Interrupted as error:
        reasons.append(str(error))
        face.out.warn(str(error))


@contextlib.contextmanager
def _progress(face: Face, times: int) -> Iterator[Callable[[Live], None]]:
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


def _show_replays(face: Face, results: list[Replayed]) -> int:
    from ..reproduce.spread import spread_of, worst

    code = worst([r.judgement.verdict for r in results]).exit_code

    def document() -> object:
        if len(results) == 1:
            return results[0].to_dict()
        return {
            "verdict": worst([r.judgement.verdict for r in results]).value,
            "runs": [r.to_dict() for r in results],
            "spread": spread_of(results),
        }

    def table() -> None:
        for result in results:
            show_judgement(face, result.judgement)
            face.out.say(f"kept as {result.prefix} ({result.experiment_id[:6]})")
            if result.figure:
                face.out.say(f"both curves: {result.figure}")
            if len(results) > 1:
                face.out.line()
        if len(results) > 1:
            _show_spread(face, results)

    face.out.emit(document, ids=[r.experiment_id for r in results], table=table)
    return code


def _show_spread(face: Face, results: list[Replayed]) -> None:
    from ..reproduce.spread import spread_of

    rows = spread_of(results)
    counts: dict[str, int] = {}
    for result in results:
        verdict = result.judgement.verdict.value
        counts[verdict] = counts.get(verdict, 0) + 1
    shown = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    face.out.line(f"{len(results)} runs: {shown}")
    face.out.table(
        [
            Column("METRIC", [one_line(name) for name in rows], least=12),
            *(
                Column(title, [f"{row[key]:.6g}" for row in rows.values()], right=True)
                for title, key in (("ORIGINAL", "original"), ("MEAN", "mean"), ("STD", "std"), ("MIN", "min"), ("MAX", "max"))
            ),
        ]
    )  # fmt: skip
