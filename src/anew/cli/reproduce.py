"""`run`, `reproduce`, `diff` and `check`: running programs and experiments, and judging what came out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .errors import Refused
from .face import Face, complete_experiment, shared
from .output import Column
from .words import one_line

if TYPE_CHECKING:
    from ..reproduce.judgement import Judgement
    from ..reproduce.live import Live
    from ..reproduce.plan import Plan
    from ..reproduce.replay import Replayed
    from ..reproduce.verdict import Tolerance

__all__ = ["check", "diff", "reproduce", "run"]

F = TypeVar("F", bound=Callable[..., Any])
_SHORT = 60.0  # seconds that an original took whose re-run is run once more without being asked
_STYLES = {
    "IDENTICAL": "green", "WITHIN TOLERANCE": "green", "NOT COMPARABLE": "yellow", "DIVERGED": "red",
}  # fmt: skip


def _tolerances(function: F) -> F:
    """The options of how far curves may be apart, and which count."""
    for option in (
        click.option("--ignore", multiple=True, metavar="PATTERN", help="Leave these metrics out; may repeat."),
        click.option(
            "-m", "--metric", "only", multiple=True, metavar="PATTERN",
            help="Compare these metrics alone, times and speeds among them; may repeat.",
        ),
        click.option(
            "--atol", multiple=True, metavar="[PATTERN=]NUMBER",
            help="Largest absolute difference that counts as equal, for all metrics or for a pattern; may repeat.",
        ),
        click.option(
            "--rtol", multiple=True, metavar="[PATTERN=]NUMBER",
            help="Largest difference relative to the original value; may repeat.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def _tolerance(rtol: Sequence[str], atol: Sequence[str]) -> Tolerance:
    from ..reproduce.verdict import Tolerance

    general = {"rtol": 0.0, "atol": 0.0}
    patterns: list[tuple[str, float | None, float | None]] = []
    for name, texts in (("rtol", rtol), ("atol", atol)):
        for text in texts:
            pattern, equals, number = text.rpartition("=")
            try:
                value = float(number)
            except ValueError:
                value = -1.0
            if not 0 <= value < float("inf"):
                raise click.BadParameter(
                    f"{text!r} is no number of 0 or more.", param_hint=f"--{name}"
                )
            if not equals:
                general[name] = value
            else:
                patterns.append(
                    (pattern, value, None) if name == "rtol" else (pattern, None, value)
                )
    return Tolerance(general["rtol"], general["atol"], patterns)


def _after_dashes(function: F) -> F:
    return click.argument("command", nargs=-1, type=click.UNPROCESSED)(function)


@click.command(context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.option(
    "--prefix", metavar="PREFIX", help="The experiment's prefix (owner/project/name) or name."
)
@click.option("-t", "--tag", "tags", multiple=True, metavar="TAG", help="A tag for it; may repeat.")
@click.option("--description", metavar="TEXT", help="A description.")
@click.option(
    "--resume",
    metavar="auto|allow|must|ID",
    help="Continue the last experiment of that prefix (auto: if it was interrupted), or the one with that id.",
)
@_after_dashes
@shared(json=False, quiet="Say nothing of the experiment; the program's own output stays.")
def run(
    face: Face,
    prefix: str | None,
    tags: tuple[str, ...],
    description: str | None,
    resume: str | None,
    command: tuple[str, ...],
) -> int:
    """Run a program as an experiment.

    Its output, the machine's state, its exit status and its recipe are recorded. An Experiment that the program
    opens, whatever its name, belongs to this one; any further one is kept below it. The exit code is the program's.

    \b
    Examples:
      anew run -- python train.py --lr 3e-4
      anew run --prefix alice/vision/resnet50 -- bash train.sh
    """
    from ..reproduce.tracked import run_tracked

    if not command:
        raise click.UsageError("Name the program to run: anew run -- python train.py")
    return run_tracked(
        list(command),
        prefix=prefix,
        root=face.root,
        tags=list(tags),
        description=description,
        resume=resume,
        quiet=face.out.mode == "quiet",
    )


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@_after_dashes
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
    help="Where it differs, run it once more, which tells a program that is not deterministic from one whose inputs "
    "changed. By default if the original took a minute or less.",
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
@_tolerances
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
    from ..reproduce.plan import make_plan
    from ..reproduce.replay import replay

    tolerance = _tolerance(rtol, atol)
    with face.store() as store:
        view = store.get(experiment)
        if explained is None:
            explained = view.duration is not None and view.duration <= _SHORT
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
                explained=explained, timeout=timeout, show=show and face.out.mode == "human", say=face.out.say, progress=progress, confirmed=True,
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
            _show(face, result.judgement)
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


def _show(face: Face, judgement: Judgement, *, differences: bool = True) -> None:
    from ..reproduce.words import difference_lines, metric_rows, verdict_line

    face.out.line(verdict_line(judgement), f"bold {_STYLES[judgement.verdict.value]}")
    rows = metric_rows(judgement)
    if rows:
        face.out.line()
        face.out.table(
            [
                Column("METRIC", [one_line(m.metric) for m, *_ in rows], least=12),
                Column("VERDICT", [m.verdict.value for m, *_ in rows], styles=[_STYLES[m.verdict.value] for m, *_ in rows]),
                Column(judgement.sides[0].removeprefix("the ").upper(), [row[1] for row in rows], right=True, weight=2),
                Column(judgement.sides[1].removeprefix("the ").upper(), [row[2] for row in rows], right=True, weight=2),
                Column("", [one_line(row[3]) for row in rows], least=20, weight=1),
            ]
        )  # fmt: skip
    if judgement.apart:
        shown = ", ".join(
            f"{one_line(m.metric)} {'same' if m.verdict.value == 'IDENTICAL' else m.verdict.value.lower()}"
            for m in judgement.apart
        )
        face.out.say(f"times and speeds, which do not count: {shown} (-m PATTERN lets them count)")
    quiet = {
        name: why for name, why in judgement.left_out.items() if not name.startswith("system/")
    }
    if quiet:
        shown = ", ".join(f"{name} ({why})" for name, why in quiet.items())
        face.out.say(f"left out: {shown}")
    for note in judgement.notes:
        face.out.line(f"note: {note}")
    lines = difference_lines(judgement) if differences else []
    if lines:
        face.out.line()
    for line in lines:
        face.out.line(line)


@click.command()
@click.argument("first", shell_complete=complete_experiment)
@click.argument("second", shell_complete=complete_experiment)
@click.option(
    "-o", "--figure", metavar="FILE", help="Draw both curves of each metric into an image."
)
@click.option("--patch", is_flag=True, help="Also print the difference of the uncommitted changes.")
@_tolerances
@shared(quiet="Print the verdict alone.")
def diff(
    face: Face,
    first: str,
    second: str,
    figure: str | None,
    patch: bool,
    rtol: tuple[str, ...],
    atol: tuple[str, ...],
    only: tuple[str, ...],
    ignore: tuple[str, ...],
) -> int:
    """Show where two experiments differ.

    The curves of every metric are compared point by point, then what was captured, the likeliest causes first:
    configuration, parameters, code, data, seeds, packages and hardware.

    diff is for why two experiments came out differently. `anew compare` is for which of several did better and with
    which settings: results side by side, without a verdict. `anew check` is diff with a baseline, for continuous
    integration; `anew reproduce` runs an experiment again first.

    \b
    Examples:
      anew diff k7f3 p2m8
      anew diff k7f3 p2m8 --rtol 1e-6 -o curves.png

    \b
    Exit codes:
      0 IDENTICAL or WITHIN TOLERANCE    1 DIVERGED    2 NOT COMPARABLE, or it could not be done
    """
    from ..reproduce.comparison import compare

    tolerance = _tolerance(rtol, atol)
    with face.store() as store:
        a, b = store.get(first), store.get(second)
        if a.id == b.id and first != second:
            face.out.warn(
                f"{first} and {second} are the same experiment, {a.prefix} ({a.id[:6]}). A prefix means the newest "
                "experiment of that name; with ~1 at its end it means the first."
            )
        judgement = compare(
            store, a, b, tolerance=tolerance, only=only, ignore=ignore, sides=("the first", "the second")
        )  # fmt: skip
        if figure:
            from ..reproduce.figure import draw

            draw(store, a, b, judgement, figure)

    def table() -> None:
        _show(face, judgement)
        if patch:
            _show_patches(face, judgement)

    face.out.emit(judgement.to_dict, ids=[judgement.verdict.value], table=table)
    return judgement.exit_code


def _show_patches(face: Face, judgement: Judgement) -> None:
    import difflib

    for difference in judgement.differences:
        if difference.kind == "code" and difference.what != "commit":
            a, b = (str(text or "").splitlines() for text in (difference.a, difference.b))
            for line in difflib.unified_diff(a, b, *judgement.sides, lineterm=""):
                face.out.line(line)


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.option(
    "--baseline", required=True, metavar="EXPERIMENT", help="The experiment to compare with."
)
@_tolerances
@shared(quiet="Print nothing but errors.")
def check(
    face: Face,
    experiment: str,
    baseline: str,
    rtol: tuple[str, ...],
    atol: tuple[str, ...],
    only: tuple[str, ...],
    ignore: tuple[str, ...],
) -> int:
    """Fail if an experiment's curves differ from those of a baseline.

    For continuous integration: the verdict is the exit code. `anew diff` compares two experiments in the same way,
    and always prints the causes too; `anew compare` shows results of several side by side, without a verdict.

    \b
    Examples:
      anew check nightly/digits --baseline release/digits --rtol 1e-3
      anew check p2m8 --baseline k7f3 -m 'val/*' --atol 0.01

    \b
    Exit codes:
      0 IDENTICAL or WITHIN TOLERANCE    1 DIVERGED    2 NOT COMPARABLE, or it could not be done
    """
    from ..reproduce.comparison import compare

    tolerance = _tolerance(rtol, atol)
    with face.store() as store:
        judgement = compare(
            store, store.get(baseline), store.get(experiment), tolerance=tolerance, only=only, ignore=ignore,
            sides=("the baseline", "the experiment"),
        )  # fmt: skip

    def table() -> None:
        _show(face, judgement, differences=judgement.exit_code != 0)

    face.out.emit(judgement.to_dict(), table=table)
    return judgement.exit_code
