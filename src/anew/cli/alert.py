"""`alert`: what is watched for, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..commands.documents import alert_document, destination, fired_document
from .face import Face, shared
from .table import Column
from .words import one_line

if TYPE_CHECKING:
    from ..alerts.firing import Fired

__all__ = ["alert"]

_PROJECT = click.option(
    "-p", "--project", metavar="PREFIX", help="Only for the experiments below this prefix."
)


@click.group()
def alert() -> None:
    """Be told when something happens to experiments.

    An alert has a filter (which experiments), a condition, and destinations. It tells once of an experiment. A server evaluates the
    alerts of its store; for a folder, `anew alert run --watch` does.

    \b
    Conditions:
      nan, nan METRIC                a value is NaN or infinite
      stalled 30m, stalled 30m LOSS  it runs, and logs no point (of a metric)
      ended, ended failed            it ended (in this way)
      verdict diverged               it was run again, with this verdict
      metrics.loss.last > 10         any expression of the filter language

    \b
    Examples:
      anew alert add broken --when nan --to me@example.org
      anew alert add idle "tags contains 'prod'" --when 'stalled 30m' --to @ops
      anew alert log
    """


@alert.command("add")
@click.argument("name")
@click.argument("filter", required=False, default="")
@click.option("--when", required=True, metavar="CONDITION", help="What is watched for.")
@click.option(
    "--to", multiple=True, metavar="DESTINATION",
    help="Who is told: a mail address, a URL, slack:URL, or @name as set where alerts are sent; may repeat.",
)  # fmt: skip
@_PROJECT
@shared(quiet="Print nothing but errors.")
def add(
    face: Face, name: str, filter: str, when: str, to: tuple[str, ...], project: str | None
) -> None:
    """Add an alert, or replace the one of that name.

    \b
    Examples:
      anew alert add broken --when nan --to me@example.org
      anew alert add bad "params.lr > 0.1" --when 'metrics.loss.last > 10' --to https://example.org/hook
    """
    with face.store(refresh=False) as store:
        made = store.alerts.add(name, when=when, filter=filter, to=to, project=project)
    face.out.emit(
        {"alert": alert_document(made)},
        table=lambda: face.out.say(f"The alert {name} is watched for."),
    )


@alert.command("list")
@shared(quiet="Print names alone, one per line.")
def list_(face: Face) -> None:
    """List the alerts.

    \b
    Examples:
      anew alert list
      anew alert list --json
    """
    with face.store(refresh=False) as store:
        alerts = store.alerts.list()
        found = [store.alerts.count(one.name, project=one.project) for one in alerts]

    def table() -> None:
        if not alerts:
            face.out.say("There are no alerts. `anew alert add` makes one.")
            return
        face.out.table(
            [
                Column("name", [one_line(one.name) for one in alerts]),
                Column("when", [one_line(one.when) for one in alerts]),
                Column("filter", [one_line(one.filter or "all") for one in alerts]),
                Column("project", [one_line(one.project or "all") for one in alerts]),
                Column("to", [one_line(", ".join(map(destination, one.to))) for one in alerts]),
                Column("found", [str(count) for count in found]),
            ]
        )

    face.out.emit(
        {"alerts": [alert_document(one) for one in alerts]},
        ids=[one.name for one in alerts],
        table=table,
    )


@alert.command("remove")
@click.argument("name")
@_PROJECT
@shared(quiet="Print nothing but errors.")
def remove(face: Face, name: str, project: str | None) -> None:
    """Remove an alert; what it found stays on record.

    \b
    Examples:
      anew alert remove broken
    """
    with face.store(refresh=False) as store:
        gone = store.alerts.remove(name, project=project)
    face.out.emit(
        {"removed": alert_document(gone)},
        table=lambda: face.out.say(f"The alert {name} was removed."),
    )


@alert.command("log")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="At most this many.",
)
@shared(quiet="Print ids of experiments alone, one per line.")
def log(face: Face, limit: int) -> None:
    """Show what alerts found, newest first, and who has been told.

    \b
    Examples:
      anew alert log -n 5
    """
    with face.store(refresh=False) as store:
        fired = store.alerts.fired(newest=limit)

    def table() -> None:
        if not fired:
            face.out.say("No alert has found anything.")
            return
        face.out.table(
            [
                Column("alert", [one_line(one.alert) for one in fired]),
                Column("experiment", [one_line(one.prefix) for one in fired]),
                Column("what", [one_line(one.why) for one in fired]),
                Column("told", [one_line(_told(one)) for one in fired]),
            ]
        )

    face.out.emit(
        {"fired": [fired_document(one) for one in fired]},
        ids=[one.experiment for one in fired],
        table=table,
    )


@alert.command("test")
@click.argument("name")
@_PROJECT
@shared(quiet="Print nothing but errors.")
def test(face: Face, name: str, project: str | None) -> None:
    """Send a test message to the destinations of an alert, from this machine and with its environment.

    \b
    Examples:
      anew alert test broken
    """
    import os
    import time

    from ..alerts.firing import Fired
    from ..alerts.sending import Sender, message_of
    from ..errors import AnewError
    from ..settings import alert_sending

    with face.store(refresh=False) as store:
        found = store.alerts.get(name, project=project)
    sender = Sender(alert_sending())
    message = message_of(
        Fired(
            name=f"test-{os.urandom(6).hex()}", scope=found.scope, alert=name, when=found.when, experiment="test",
            prefix="a test", why="This is a test: nothing was found.", time=time.time(),
        )
    )  # fmt: skip
    results: list[dict[str, Any]] = []
    for to in found.to:
        try:
            sender.send(to, message)
        except (OSError, AnewError) as error:
            results.append({"to": destination(to), "sent": False, "error": str(error)})
        else:
            results.append({"to": destination(to), "sent": True, "error": None})

    def table() -> None:
        for one in results:
            face.out.say(f"{one['to']}: {'sent' if one['sent'] else one['error']}")
        if not results:
            face.out.say(f"The alert {name} tells nobody; `anew alert log` shows what it finds.")

    face.out.emit({"results": results}, table=table)
    if not all(one["sent"] for one in results):
        raise click.exceptions.Exit(1)


@alert.command("run")
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C.")
@shared(quiet="Print nothing but errors.")
def run(face: Face, watch: bool) -> None:
    """Evaluate the alerts of a store and tell people, once or until Ctrl-C. A server does this by itself.

    \b
    Examples:
      anew alert run --watch
    """
    from ..alerts.sending import Sender
    from ..alerts.watching import Watch
    from ..settings import alert_sending

    with face.store(live=True) as store:
        watching = Watch(store.backend, Sender(alert_sending()), say=face.out.warn)
        done = watching.step()
        while watch:
            watching.step(1.0)
    face.out.emit(
        {"fired": done.fired, "sent": done.sent, "failed": done.failed},
        table=lambda: face.out.say(f"Found {done.fired}, sent {done.sent}, failed {done.failed}."),
    )


def _told(one: Fired) -> str:
    return f"{one.told}: {one.error}" if one.error else one.told
