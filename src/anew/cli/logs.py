"""`logs`: messages and console output, also while they are written."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from ..commands.documents import line_document
from .face import Face, complete_experiment, several, shared
from .output import as_line
from .words import moment, printable, value

if TYPE_CHECKING:
    from ..reading.logs import LogLine
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["logs"]

_STYLES = {
    "debug": "dim",
    "warn": "yellow",
    "warning": "yellow",
    "error": "red",
    "critical": "bold red",
}

_TAIL = 10


@click.command()
@click.argument("experiments", nargs=-1, metavar="EXPERIMENT…", shell_complete=complete_experiment)
@click.option("--filter", metavar="FILTER", help="Also the experiments that match this filter.")
@click.option("-f", "--follow", is_flag=True, help="Keep printing until the experiment ends.")
@click.option(
    "--console", is_flag=True, help="Show what the program printed, instead of its messages."
)
@click.option("-l", "--level", help="Only messages of this level and above.")
@click.option("-g", "--grep", metavar="TEXT", help="Only lines with this text in them.")
@click.option("-n", "--tail", type=click.IntRange(0), help="Only this many of the last lines.")
@shared(quiet="Print the messages alone, without time and level.")
def logs(
    face: Face,
    experiments: tuple[str, ...],
    filter: str | None,
    follow: bool,
    console: bool,
    level: str | None,
    grep: str | None,
    tail: int | None,
) -> None:
    """Print what an experiment logged or printed.

    Lines of several experiments are merged by their times, and each says which it is from. With --json it prints one document per line, as they come. `anew tail` is the same, and begins with the last
    ten lines.

    \b
    Examples:
      anew logs k7f3
      anew logs k7f3 -f
      anew tail -f k7f3
      anew logs k7f3 p2m8 --level warning
      anew tail -f --filter "status == 'running'"
      anew logs k7f3 --console --tail 50
      anew logs k7f3 --level warning --grep nan
    """
    if tail is None and click.get_current_context().info_name == "tail":
        tail = _TAIL
    if console and level is not None:
        raise click.UsageError(
            "What a program prints has no level: leave out --level or --console."
        )
    if not experiments and not filter:
        raise click.UsageError("Name an experiment, or give a --filter.")
    with face.store(live=follow) as store:
        views = several(store, experiments, filter)
        if len(views) > 1:
            _several(face, store, views, follow, console, level, grep, tail)
            return
        (view,) = views
        if follow:
            for line in view.follow(console=console, level=level, contains=grep, tail=tail):
                _print(face, line, console, view)
            face.out.say(f"{view.id} {store.get(view.id).status}.")
            return
        if console:
            for text in view.console(tail, contains=grep).splitlines():
                if face.out.mode == "json":
                    print(as_line({"message": text, "experiment": view.id}))
                else:
                    print(printable(text))
            _elsewhere(face, view, grep, console=True)
            return
        found = view.logs(level=level, contains=grep, tail=tail)
        if level is not None and not found and not view.logs(level=level, tail=1):
            _check_level(level, {line.level for line in view.logs()})
        for line in found:
            _print(face, line, console, view)
        if level is None:
            _elsewhere(face, view, grep, console=False)


def _several(
    face: Face,
    store: Store,
    views: list[ExperimentView],
    follow: bool,
    console: bool,
    level: str | None,
    grep: str | None,
    tail: int | None,
) -> None:
    """Print lines of several experiments, merged by their times."""
    lines: Iterable[tuple[ExperimentView, LogLine]]
    if follow:
        lines = store.follow(views, console=console, level=level, contains=grep, tail=tail)
    elif console:
        raise click.UsageError(
            "What programs print has no times to merge it by: name one experiment, or add --follow."
        )
    else:
        lines = store.logs(views, level, grep, tail)
    width = max(len(printable(view.prefix)) for view in views)
    for view, line in lines:
        _print(face, line, console, view, f"{printable(view.prefix):<{width}}  ")


def _elsewhere(face: Face, view: ExperimentView, grep: str | None, *, console: bool) -> None:
    """Say where to look when one of the two, messages and console, has nothing."""
    messages = bool(view.logs(contains=grep, tail=1))
    printed = bool(view.console(1, contains=grep))
    fitting = f" with {grep!r}" if grep is not None else ""
    if not (messages or printed):
        face.out.say(f"{view.id} has neither messages nor console output{fitting}.")
    elif console and not printed:
        face.out.say(
            f"{view.id} printed nothing{fitting}; it logged messages: `anew logs {view.id}`."
        )
    elif not console and not messages:
        face.out.say(
            f"{view.id} logged no messages{fitting}; what it printed: `anew logs {view.id} --console`."
        )


def _check_level(level: str, used: set[str]) -> None:
    """A misspelt level must not look like an experiment that logged nothing."""
    from ..reading.logs import LEVELS

    if level.lower() not in LEVELS and level.lower() not in {one.lower() for one in used}:
        known = ", ".join(sorted({*LEVELS, *used}))
        raise click.UsageError(f"Nothing was logged at a level {level!r}; levels are {known}.")


def _print(
    face: Face, line: LogLine, console: bool, view: ExperimentView, before: str = ""
) -> None:
    if face.out.mode == "json":
        print(as_line(line_document(line, view.id)))
    elif console or face.out.mode == "quiet":
        print(f"{before}{printable(line.message)}")
    else:
        fields = "".join(f" {key}={value(one)}" for key, one in line.fields.items())
        text = f"{before}{moment(line.time)} {line.level:<7} {printable(line.message)}{fields}"
        face.out.line(text, _STYLES.get(line.level.lower(), ""))
    sys.stdout.flush()
