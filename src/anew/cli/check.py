"""`check`: fails where an experiment is not what it is held against."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..commands.difference import groups_of, margins_of, tolerance_of
from .errors import Refused
from .face import Face, complete_experiment, shared
from .noise import show_noise
from .output import Column
from .tolerances import margin_options, tolerance_options
from .verdicts import STYLES, show_judgement
from .words import one_line, plural

if TYPE_CHECKING:
    from ..reproduce.lock import Held, Reached
    from ..reproduce.verdict import Tolerance
    from ..store import Store

__all__ = ["check"]


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option(
    "--baseline",
    metavar="EXPERIMENT",
    help="Compare one experiment with this one, instead of with what is held.",
)
@click.option(
    "--update", is_flag=True, help="Hold what the newest run of these experiments gives, or of all that are held."
)  # fmt: skip
@click.option(
    "--lock",
    "path",
    metavar="FILE",
    help="The file that holds the verdicts; by default the nearest anew.lock up to the top of the repository.",
)
@click.option(
    "--badge",
    metavar="FILE",
    help="Also write a badge: an image (.svg), or an answer for shields.io (.json).",
)
@tolerance_options
@margin_options
@shared(quiet="Print nothing but errors.")
def check(
    face: Face,
    experiments: tuple[str, ...],
    baseline: str | None,
    update: bool,
    path: str | None,
    badge: str | None,
    rtol: tuple[str, ...],
    atol: tuple[str, ...],
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    margins: tuple[str, ...],
    taken: Any,
) -> int:
    """Fail if experiments are not what they are held against.

    For continuous integration: the verdict is the exit code. anew.lock, a text file to be committed, holds the verdicts
    of a project: which experiments, a digest of each curve, and what they rested on. check fails if the newest run of
    one of them, or the newest that `anew reproduce` made of it, no longer gives that. It needs no store but the one with
    that run.

    With --baseline, one experiment is compared with another, as `anew diff` does, which also prints the causes.

    \b
    Examples:
      anew check --update release/digits --rtol 1e-3
      anew check
      anew check --badge docs/reproduced.svg
      anew check nightly/digits --baseline release/digits --rtol 1e-3
      anew check p2m8 --baseline k7f3 -m 'val/*' --atol 0.01

    \b
    Exit codes, of the worst of them:
      0 what is held, or better    1 DIVERGED    2 NOT COMPARABLE, or it could not be done
      with --equivalent: 0 EQUIVALENT    1 NOT EQUIVALENT    2 NOT ENOUGH RUNS
    """
    tolerance = tolerance_of(rtol, atol)
    if baseline is not None:
        if len(experiments) != 1 or update or badge or path:
            raise click.UsageError(
                "--baseline takes one experiment, and none of --update, --lock and --badge."
            )
        return _with_baseline(
            face, experiments[0], baseline, tolerance, only=only, ignore=ignore, margins=margins, taken=taken
        )  # fmt: skip
    if margins:
        raise click.UsageError("--equivalent needs --baseline.")
    if (rtol or atol or only or ignore) and not update:
        raise click.UsageError(
            "How a verdict is held is said with --update; a check takes it from the file."
        )
    return _held(face, experiments, update, path, badge, tolerance, only, ignore)


def _with_baseline(
    face: Face,
    experiment: str,
    baseline: str,
    tolerance: Tolerance,
    *,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    margins: tuple[str, ...],
    taken: Any,
) -> int:
    from ..reproduce.comparison import compare

    noise = margins_of(margins)
    with face.store() as store:
        if noise is not None:
            found = groups_of(
                store, store.get(baseline), store.get(experiment), noise, only=only, ignore=ignore, taken=taken
            )  # fmt: skip
            face.out.emit(found.to_dict, table=lambda: show_noise(face, found))
            return found.exit_code
        judgement = compare(
            store, store.get(baseline), store.get(experiment), tolerance=tolerance, only=only, ignore=ignore,
            sides=("the baseline", "the experiment"),
        )  # fmt: skip

    def table() -> None:
        show_judgement(face, judgement, differences=judgement.exit_code != 0)

    face.out.emit(judgement.to_dict(), table=table)
    return judgement.exit_code


# -- what is held ------------------------------------------------------------------------------------


def _held(
    face: Face,
    experiments: tuple[str, ...],
    update: bool,
    path: str | None,
    badge: str | None,
    tolerance: Tolerance,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
) -> int:
    from ..errors import NotFound
    from ..reproduce.badge import badge_json, badge_svg
    from ..reproduce.lock import Lock, check_held, find_lock, read_lock, write_lock
    from ..reproduce.spread import worst

    file = path or find_lock(os.getcwd())
    lock = read_lock(file)
    with face.store() as store:
        if update:
            new = _newly_held(store, lock.held, experiments, tolerance, only, ignore)
            write_lock(
                file, Lock(held=list(({one.experiment: one for one in lock.held} | new).values()))
            )
            lock = Lock(held=list(new.values()))
            face.out.say(f"{plural(len(new), 'verdict')} held in {file}")
        wanted = [
            one
            for one in lock.held
            if update or not experiments or _is_meant(store, one, experiments)
        ]
        if not wanted:
            raise NotFound(
                f"{file} holds no verdict" + (f" on {', '.join(experiments)}" if experiments else "")
                + ". `anew check --update EXPERIMENT` holds what its newest run gives."
            )  # fmt: skip
        results = [check_held(store, one) for one in wanted]
    missed = [one for one in results if not one.holds]
    if badge is not None:
        make = badge_json if badge.endswith(".json") else badge_svg
        Path(badge).write_text(make(len(results), len(missed)), encoding="utf-8")
    # What is no worse than what is held is right, also where that is not the best there is.
    verdict = worst([one.verdict for one in missed] or [one.verdict for one in results])
    face.out.emit(
        {
            "verdict": verdict.value, "lock": file, "held": len(results), "missed": len(missed),
            "experiments": [one.to_dict() for one in results],
        },
        table=lambda: _show(face, results),
    )  # fmt: skip
    return verdict.exit_code if missed else 0


def _is_meant(store: Store, held: Held, experiments: tuple[str, ...]) -> bool:
    return any(
        name == held.experiment or (name in store and store.get(name).id == held.id)
        for name in experiments
    )


def _newly_held(
    store: Store,
    held: list[Held],
    experiments: tuple[str, ...],
    tolerance: Tolerance,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
) -> dict[str, Held]:
    """What is held from now on, by experiment: of those named, else of all that are held, as they were held.

    Raises:
        Refused: One of them did not complete.
    """
    from ..reproduce.lock import hold, newest_run
    from ..reproduce.verdict import Tolerance

    found = {}
    for name in experiments or [one.experiment for one in held]:
        view = store.get(name) if experiments else newest_run(store, name)
        prefix = re.sub(r"~\d+$", "", view.prefix) if experiments else name  # also of later runs
        if view.status.value != "completed":
            raise Refused(
                f"{view.prefix} {view.status}: only what a completed run gives can be held."
            )
        before = next((one for one in held if one.experiment == prefix), None)
        asked = tolerance
        if before is not None and not (tolerance.rtol or tolerance.atol or tolerance.patterns):
            asked = Tolerance(
                patterns=[(_literal(n), m.rtol, m.atol) for n, m in before.metrics.items()]
            )
        found[prefix] = hold(store, view, prefix, asked, only=only, ignore=ignore)
    return found


def _literal(name: str) -> str:
    """A pattern that fits one name alone."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in name)


def _show(face: Face, results: list[Reached]) -> None:
    face.out.table(
        [
            Column("EXPERIMENT", [one_line(one.held.experiment) for one in results], least=12),
            Column("HELD", [one.held.verdict for one in results]),
            Column("NOW", [one.verdict.value for one in results], styles=[STYLES[one.verdict.value] for one in results]),
            Column("RUN", [(one.run or "none")[:6] for one in results]),
            Column("", ["" if one.holds else one_line(one.reason) for one in results], least=20, weight=1),
        ]
    )  # fmt: skip
    for one in results:
        if not one.holds and one.changed:
            face.out.line()
            face.out.line(f"{one_line(one.held.experiment)} was held with other things:")
            for text in one.changed:
                face.out.line(f"  {one_line(text)}")
