"""`sweep` and `agent`: settings that are tried by any number of agents."""

from __future__ import annotations

import click

from .face import Face, complete_experiment, shared

__all__ = ["agent", "sweep"]


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False))
@click.option("--prefix", metavar="PREFIX", help="The prefix or name of the sweep's experiment.")
@click.option("--stop", "stopped", metavar="SWEEP", help="Have no further trial of a sweep begun.")
@shared(json=False, quiet="Print the id alone.")
def sweep(face: Face, file: str | None, prefix: str | None, stopped: str | None) -> None:
    """Make a sweep of a file, and print its id, which `anew agent` takes.

    The file, YAML or JSON, says the method (grid, random, bayes), the parameters, the metric, early_terminate, run_cap and the program.

    \b
    Examples:
      anew sweep sweep.yaml --prefix alice/digits/search
      anew sweep --stop k7f3
    """
    from ..sweeps import Sweep, create_sweep

    if (file is None) == (stopped is None):
        raise click.UsageError("Name a file, or a sweep to stop: anew sweep sweep.yaml")
    if stopped is not None:
        with Sweep(stopped, face.root) as found:
            found.stop()
        face.out.say(f"No further trial of {stopped} is begun.")
        return
    from ..sweeps.sweep import read_config

    assert file is not None
    with create_sweep(read_config(file), prefix, root=face.root) as made:
        number = made.id
    face.out.ids([number])
    face.out.say(f"Run it, on as many machines as you like: anew agent {number}")


@click.command()
@click.argument("sweep", shell_complete=complete_experiment)
@click.option("-n", "--count", type=click.IntRange(1), metavar="N", help="At most so many trials.")
@shared(json=False, quiet="Say nothing; the programs' own output stays.")
def agent(face: Face, sweep: str, count: int | None) -> None:
    """Run trials of a sweep, one after the other, until none is left.

    Any number of agents may run at once. Each trial is an experiment below the sweep's; one whose agent was killed is given again.

    \b
    Examples:
      anew agent k7f3
      anew agent k7f3 --count 10 --root https://lab.example.org
    """
    from ..sweeps import run_agent

    done = run_agent(sweep, count=count, root=face.root)
    face.out.say(f"{done} {'trial' if done == 1 else 'trials'} run.")
