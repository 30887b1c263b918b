"""`reproduce`: running an experiment again, and judging what came out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..commands.difference import margins_of, tolerance_of
from .face import Face, complete_experiment, shared
from .noise import show_noise
from .output import Column
from .rerunning import confirm_plan, explain_options, shown_progress
from .tolerances import margin_options, tolerance_options
from .verdicts import show_judgement
from .words import one_line

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..reproduce.groups import Margins, NoiseVerdict, Taken
    from ..reproduce.plan import Plan
    from ..reproduce.replay import Replayed
    from ..store import Store

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
    "--with",
    "wishes",
    multiple=True,
    metavar="WHAT[=VALUE]",
    help="Have something otherwise on purpose: code, code=COMMIT, data, data=NAME=PATH, packages, "
    "packages=NAME==VERSION, interpreter=PROGRAM, variable=NAME=VALUE or cores=N; may repeat. The result is UNCHANGED "
    "or CHANGED, and no reproduction.",
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
@explain_options
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
@margin_options
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
    wishes: tuple[str, ...],
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
    margins: tuple[str, ...],
    taken: Any,
) -> int:
    """Run an experiment again and compare.

    The recorded commit is checked out into a temporary worktree, the uncommitted changes are applied, declared inputs
    are checked and copied, and the command is run as a child experiment. Then every metric is compared with the
    original's, point by point. Times and speeds are compared apart: they do not count.

    What another user or machine recorded is shown and confirmed before it runs. Without a terminal to ask on, --yes is
    needed, or an entry in the setting ANEW_TRUST.

    With --equivalent, the experiment and all that differ from it in their seed only are run again, and both groups are
    compared within the noise of their seeds.

    An experiment on a server (--root http://…) runs on this machine. The re-run and its verdict are recorded here,
    and nothing is written to the server.

    \b
    Examples:
      anew reproduce k7f3
      anew reproduce k7f3 --rtol 1e-6 --rtol 'val/*=1e-3'
      anew reproduce k7f3 --env venv --times 5
      anew reproduce k7f3 --dry-run
      anew reproduce k7f3 --with code
      anew reproduce k7f3 --with packages=numpy==2.1.0 --with data=train=other.csv
      anew reproduce k7f3 --root http://127.0.0.1:5700 --into ~/checks
      anew reproduce k7f3 -- python train.py --token "$TOKEN"

    \b
    Exit codes:
      0 IDENTICAL or WITHIN TOLERANCE    1 DIVERGED    2 NOT COMPARABLE, or it could not be done
      with --with: 0 UNCHANGED    1 CHANGED
      with --equivalent: 0 EQUIVALENT    1 NOT EQUIVALENT    2 NOT ENOUGH RUNS
    """
    from ..reproduce.cause import Budget
    from ..reproduce.groups import siblings
    from ..reproduce.plan import make_plan
    from ..reproduce.replay import replay
    from ..reproduce.whatif import intended_plan
    from ..settings import load_settings

    tolerance, noise = tolerance_of(rtol, atol), margins_of(margins)
    with face.store() as store:
        view = store.get(experiment)
        installs = explained is True
        if explained is None:
            short = load_settings().explain_under
            alike = not wishes and noise is None and short > 0
            explained = alike and view.duration is not None and view.duration <= short
        group = [view] if noise is None else [view, *siblings(store, view)]
        plans = [
            intended_plan(
                make_plan(
                    store, one, kind=kind, repo=repo, python=python, command=command, links=links, variables=variables,
                    given=_named(given), into=into,
                ),
                wishes,
            )
            for one in group
        ]  # fmt: skip
        if dry_run:
            _show_plans(face, plans)
            return 0
        for plan in plans:
            confirm_plan(face, plan, yes)
        # Each of a group is run again once, or in turn until there are as many re-runs as asked for.
        turns = [plans[0]] if noise is None else [plans[n % len(plans)] for n in range(max(times, len(plans)))]  # fmt: skip
        each = times if noise is None else 1
        results: list[Replayed] = []
        with shown_progress(face, each * len(turns)) as progress, _told(face) as broken_off:
            for plan in turns:
                for result in replay(
                    store, plan, tolerance=tolerance, only=only, ignore=ignore, times=each, strict=strict,
                    explained=explained, timeout=timeout, budget=Budget(explain_runs, explain_time), installs=installs,
                    show=show and face.out.mode == "human", say=face.out.say, progress=progress, confirmed=True,
                ):  # fmt: skip
                    results.append(result)
        if broken_off:
            return 130
        if noise is None:
            return _show_replays(face, results)
        found = _within_noise(store, group, results, plans[0], noise, only, ignore, taken)
    return _show_within_noise(face, found, results)


def _show_plans(face: Face, plans: list[Plan]) -> None:
    """Print what would be done."""
    lines = [line for plan in plans for line in plan.lines()]

    def steps() -> None:
        for line in lines:
            face.out.line(line)

    def document() -> object:
        found = [plan.to_dict() for plan in plans]
        return found[0] if len(found) == 1 else {"plans": found}

    face.out.emit(document, ids=lines, table=steps)


def _within_noise(
    store: Store,
    group: list[ExperimentView],
    results: list[Replayed],
    plan: Plan,
    margins: Margins,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    taken: Taken,
) -> NoiseVerdict:
    """The verdict on a group of experiments and what they gave when they were run again."""
    from ..reproduce.groups import compare_groups
    from ..store import Store

    with contextlib.ExitStack() as stack:
        here = store.backend.about().root == plan.root
        kept_in = store if here else stack.enter_context(Store(plan.root))
        kept_in.refresh()
        again = [(kept_in, kept_in.get(one.experiment_id)) for one in results]
        return compare_groups(
            [(store, view) for view in group], again, margins, only=only, ignore=ignore, taken=taken
        )


def _show_within_noise(face: Face, found: NoiseVerdict, results: list[Replayed]) -> int:
    face.out.emit(
        {**found.to_dict(), "runs": [one.to_dict() for one in results]},
        ids=[one.experiment_id for one in results],
        table=lambda: show_noise(face, found),
    )
    return found.exit_code


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
