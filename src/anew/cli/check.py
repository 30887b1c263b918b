"""`check`: fails where an experiment is not what it is held against."""

from __future__ import annotations

import click

from .face import Face, complete_experiment, shared
from .tolerances import tolerance_of, tolerance_options
from .verdicts import show_judgement

__all__ = ["check"]


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.option(
    "--baseline", required=True, metavar="EXPERIMENT", help="The experiment to compare with."
)
@tolerance_options
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

    tolerance = tolerance_of(rtol, atol)
    with face.store() as store:
        judgement = compare(
            store, store.get(baseline), store.get(experiment), tolerance=tolerance, only=only, ignore=ignore,
            sides=("the baseline", "the experiment"),
        )  # fmt: skip

    def table() -> None:
        show_judgement(face, judgement, differences=judgement.exit_code != 0)

    face.out.emit(judgement.to_dict(), table=table)
    return judgement.exit_code
