"""`diff`: where two experiments differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .face import Face, complete_experiment, shared
from .tolerances import tolerance_of, tolerance_options
from .verdicts import show_judgement

if TYPE_CHECKING:
    from ..reproduce.judgement import Judgement

__all__ = ["diff"]


@click.command()
@click.argument("first", shell_complete=complete_experiment)
@click.argument("second", shell_complete=complete_experiment)
@click.option(
    "-o", "--figure", metavar="FILE", help="Draw both curves of each metric into an image."
)
@click.option("--patch", is_flag=True, help="Also print the difference of the uncommitted changes.")
@tolerance_options
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

    tolerance = tolerance_of(rtol, atol)
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
        show_judgement(face, judgement)
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
