"""`run`: any program as an experiment."""

from __future__ import annotations

import click

from .face import Face, shared

__all__ = ["run"]


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
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
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
