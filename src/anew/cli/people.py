"""`star`, `pin`, `preferences` and `news`: what belongs to a person, and what has changed for them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Literal

import click

from ..commands.changes import MarkChange, NewsSeenChange
from ..commands.people import (
    mark,
    marks_document,
    news_asked,
    news_document,
    preferences_document,
    seen,
    time_of,
)
from ..commands.questions import NewsOptions
from .face import Face, complete_experiment, shared
from .table import Column
from .words import ago, moment, one_line

if TYPE_CHECKING:
    from ..reading.news import NewsItem

__all__ = ["news", "pin", "preferences", "star"]

_KINDS = ("created", "ended", "mention", "comment", "resolved", "alert", "report", "view", "pin", "alias")  # fmt: skip


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option("-r", "--remove", is_flag=True, help="Take the star away.")
@shared()
def star(face: Face, experiments: tuple[str, ...], remove: bool) -> None:
    """Star experiments for oneself, in every browser and on every machine.

    Without an experiment it lists those that you have starred.

    \b
    Examples:
      anew star k7f3 p2m8
      anew star k7f3 --remove
      anew star
    """
    _mark(face, "stars", experiments, remove)


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option("-r", "--remove", is_flag=True, help="Pin them no longer.")
@shared()
def pin(face: Face, experiments: tuple[str, ...], remove: bool) -> None:
    """Pin experiments for everybody who sees their project.

    Without an experiment it lists those that are pinned, and who pinned them.

    \b
    Examples:
      anew pin k7f3
      anew pin k7f3 --remove
      anew pin
    """
    _mark(face, "pins", experiments, remove)


def _mark(
    face: Face, kind: Literal["stars", "pins"], experiments: tuple[str, ...], remove: bool
) -> None:
    if remove and not experiments:
        raise click.UsageError("Say which experiments.")
    with face.store() as store:
        if experiments:
            mark(store, kind, MarkChange(experiments=experiments, remove=remove))
        found = getattr(store, kind).list()

    def table() -> None:
        if not found:
            face.out.say("None is starred." if kind == "stars" else "None is pinned.")
            return
        now = time.time()
        face.out.table(
            [
                Column("id", [one.id for one in found]),
                Column("experiment", [one_line(one.prefix) for one in found], weight=1),
                Column("by", [one_line(one.user) for one in found], weight=2),
                Column("since", [ago(one.time, now) for one in found], weight=3),
            ]
        )

    face.out.emit(marks_document(kind, found), ids=[one.id for one in found], table=table)


@click.group(invoke_without_command=True)
@shared(quiet="Print names alone, one per line.")
def preferences(face: Face) -> None:
    """How you like the page to be, in every browser: theme, columns, units and so on.

    Without a command they are listed.

    \b
    Examples:
      anew preferences
      anew preferences set theme dark
      anew preferences set columns '["name", "metrics.loss"]'
      anew preferences clear theme
    """
    if click.get_current_context().invoked_subcommand is None:
        with face.store(refresh=False) as store:
            _tell(face, store.preferences.list())


@preferences.command("set")
@click.argument("name")
@click.argument("value")
@shared(quiet="Print nothing but errors.")
def set_(face: Face, name: str, value: str) -> None:
    """Set a preference. A value is read as JSON where it is JSON, else as a text.

    \b
    Examples:
      anew preferences set theme dark
    """
    try:
        given = json.loads(value)
    except ValueError:
        given = value
    with face.store(refresh=False) as store:
        _tell(face, store.preferences.set(name, given))


@preferences.command("clear")
@click.argument("name", required=False)
@shared(quiet="Print nothing but errors.")
def clear(face: Face, name: str | None) -> None:
    """Take a preference back, or all of them.

    \b
    Examples:
      anew preferences clear theme
      anew preferences clear
    """
    with face.store(refresh=False) as store:
        _tell(face, store.preferences.clear(name))


def _tell(face: Face, found: dict[str, Any]) -> None:
    def table() -> None:
        if not found:
            face.out.say("No preference is set.")
        for name, value in sorted(found.items()):
            face.out.line(one_line(f"{name} = {json.dumps(value, ensure_ascii=False)}"))

    face.out.emit(preferences_document(found), ids=sorted(found), table=table)


@click.group(invoke_without_command=True)
@click.option(
    "--since", metavar="WHEN", help="This long ago (2d) or a date, instead of your last look."
)
@click.option(
    "-n", "--limit", default=50, show_default=True, help="List at most this many; all are counted."
)
@shared(quiet="Print the experiments' ids alone, one per line.")
def news(face: Face, since: str | None, limit: int) -> None:
    """Show what has changed since you looked last: experiments, comments, alerts, reports, views, aliases of models.

    What you have seen is kept in the store, so it is the same in the page and on every machine. Who never looked is told of
    the last week.

    \b
    Examples:
      anew news
      anew news --since 2d
      anew news seen
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    with face.store() as store:
        found = news_asked(store, NewsOptions(since=since, limit=limit))

    def table() -> None:
        face.out.say(f"Since {moment(found.since)}:")
        if not found.counts:
            face.out.say("Nothing has changed.")
            return
        face.out.line(", ".join(_counted(found.counts)))
        now = time.time()
        face.out.table(
            [
                Column("when", [ago(one.time, now) for one in found.items]),
                Column("what", [one.kind for one in found.items]),
                Column("of", [one_line(one.what) for one in found.items], weight=1),
                Column("by", [one_line(_by(one)) for one in found.items], weight=2),
                Column("", [one_line(one.said) for one in found.items], weight=3),
            ]
        )

    ids = list(dict.fromkeys(one.experiment for one in found.items if one.experiment))
    face.out.emit(news_document(found), ids=ids, table=table)


@news.command("seen")
@click.option("--until", metavar="WHEN", help="Only what there was this long ago, or at a date.")
@shared(quiet="Print nothing but errors.")
def seen_(face: Face, until: str | None) -> None:
    """Say that you have seen everything: the next `news` begins here.

    \b
    Examples:
      anew news seen
    """
    with face.store(refresh=False) as store:
        said = seen(store, NewsSeenChange(until=None if until is None else time_of(until)))
    face.out.emit(said, table=lambda: face.out.say(f"Seen until {moment(said['looked'])}."))


def _counted(counts: dict[str, int]) -> list[str]:
    """The counts in words, such as "3 created" and "2 mentions"."""
    verbs = ("created", "ended", "resolved")
    return [
        f"{counts[kind]} {kind}" if kind in verbs else _plural(counts[kind], kind)
        for kind in _KINDS
        if kind in counts
    ]


def _plural(count: int, kind: str) -> str:
    return f"{count} {kind if count == 1 else kind + ('es' if kind == 'alias' else 's')}"


def _by(one: NewsItem) -> str:
    """Who did it: an alert by its name."""
    return one.id if one.kind == "alert" else one.user
