"""`import`: bringing in what other trackers recorded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from .face import Face, shared
from .words import moment, one_line, plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..importing.importer import Copies, Imported
    from ..importing.source import Source
    from ..syncer.later import Synced

__all__ = ["import_"]

_SHOWN = 20
_EVERY = 5.0
_COUNTED = {
    "points": "point", "messages": "message", "lines": "line", "files": "file", "values": "value", "params": "parameter", "tags": "tag",
}  # fmt: skip


@click.command(name="import")
@click.argument("source", metavar="SOURCE", required=False)
@click.option(
    "--as", "kind", metavar="KIND", help="What the source is, where it is not recognised."
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="ROLE=COLUMN",
    help="Of tables, which column is what; or a file that says it. Repeatable.",
)
@click.option("--to", metavar="ADDRESS", help="The store to import into: a folder, or a server.")
@click.option("--into", metavar="PREFIX", default="", help="File everything under this prefix.")
@click.option(
    "--since", metavar="WHEN", help="Only runs that began since then: 7d, 12h, or a date."
)
@click.option("--dry-run", is_flag=True, help="Show what would come, and write nothing.")
@click.option("--watch", is_flag=True, help="Go on with what is new, until Ctrl-C.")
@click.option("--list", "listed", is_flag=True, help="Show the imports so far, and import nothing.")
@shared(quiet="Print the ids of what was imported alone.")
def import_(
    face: Face,
    source: str | None,
    kind: str | None,
    mapping: tuple[str, ...],
    to: str | None,
    into: str,
    since: str | None,
    dry_run: bool,
    watch: bool,
    listed: bool,
) -> int:
    """Bring in what another tracker recorded.

    The kind of the source is recognised. Nothing in it is changed, and its tracker need not be installed. Imported again, only
    what is new comes, and nothing is there twice; so an import that was interrupted goes on. At the end everything that the source
    has is compared with what is here: exits with 1 if anything is missing, or with --to a server could not be pushed.

    \b
    Examples:
      anew import mlruns                         MLflow's folder of files
      anew import mlflow.db --into old           its database, everything under old/
      anew import /data/mlruns --dry-run         what would come
      anew import mlruns --watch                 and what is logged from now on
      anew import http://mlflow.lab:5000         a server of MLflow's
      anew import https://wandb.ai/lab/vision    a project of W&B's service
      anew import runs.csv --map run=id --map step=epoch
      anew import --list                         the imports so far, and what they lacked
    """
    from ..trackers.importers import open_source

    if listed:
        if source is not None:
            raise click.UsageError("--list shows the imports so far; it takes no source.")
        return _list(face, to)
    if source is None:
        raise click.UsageError("Missing argument 'SOURCE'.")

    def once() -> tuple[Imported, Synced | None]:
        # Opened anew in each round: what could not be read in one may be whole in the next.
        opened = open_source(source, kind, mapping)
        try:
            return _import(face, opened, to, into, _since(since), dry_run)
        finally:
            opened.close()

    if watch and not dry_run:
        return _watch(face, once)
    return _report(face, *once(), dry_run)


def _watch(face: Face, once: Callable[[], tuple[Imported, Synced | None]]) -> int:
    """Import again and again until Ctrl-C; the exit code of the last round that was finished."""
    from ..importing.watching import rounds

    code: int | None = None
    said: object = None

    def away(error: Exception) -> None:
        face.out.warn(f"{one_line(str(error))} Waiting until it can be read again.")

    def back() -> None:
        face.out.say("The source can be read again.")

    try:
        for imported, pushed in rounds(once, every=_EVERY, away=away, back=back):
            wrong = (
                [run for run in imported.runs if run.differs or run.why],
                imported.findings,
                pushed is not None and (pushed.error, pushed.pending),
            )
            code = 0 if imported.is_whole and _arrived(pushed) else 1
            if wrong != said or any(run.state in ("new", "grown") for run in imported.runs):
                _report(face, imported, pushed, dry_run=False)
            said = wrong
    except KeyboardInterrupt:
        if code is None:
            raise
    return code or 0


def _since(text: str | None) -> float | None:
    if text is None:
        return None
    from ..query.literals import parse_duration, parse_time

    ago = parse_duration(text)
    if ago is not None:
        return time.time() - ago
    span = parse_time(text)
    if span is None:
        raise click.UsageError(f"--since takes an age such as 7d, or a date, not {text!r}.")
    return span.start


def _place(face: Face, to: str | None) -> tuple[str, str]:
    """The server to push to, "" for none, and the root to import into."""
    from ..address import local_folder, parse_address
    from ..settings import load_settings

    settings = load_settings()
    server, root = settings.server, settings.root
    if given := to or face.root:
        address = parse_address(given, setting="to")
        server = address.location if address.kind == "server" else ""
        root = root if server else local_folder(given)
    return server, root


def _list(face: Face, to: str | None) -> int:
    """Show the imports that are on record."""
    import msgspec

    from ..importing.kept import imports_of

    found = imports_of(_place(face, to)[1])

    def table() -> None:
        for one in found:
            told = (
                ""
                if one.whole
                else f"  {plural(len(one.missing), 'difference')}, {plural(sum(each.lost for each in one.left), 'thing')} not read"
            )
            who = f" by {one.user}" if one.user else ""
            face.out.line(
                f"{moment(one.t)}{who}  {one_line(one.source)}  {plural(one.counts.get('runs', 0), 'run')}{told}",
                "" if one.whole else "yellow",
            )
        if not found:
            face.out.line("Nothing was imported yet.")

    face.out.emit(
        [msgspec.to_builtins(one) for one in found], ids=[one.source for one in found], table=table
    )
    return 0


def _import(
    face: Face,
    source: Source | Copies,
    to: str | None,
    into: str,
    since: float | None,
    dry_run: bool,
) -> tuple[Imported, Synced | None]:
    """What was imported, and what came of pushing it where that was asked for."""
    from ..importing.importer import Reached, bring_in, look_through

    server, root = _place(face, to)
    with face.out.status(f"Reading {source.where}") as status:

        def told(at: Reached) -> None:
            before = f"{plural(at.runs, 'run')} before it, " if at.runs else ""
            compared = f", {at.compared:,} of this run's compared" if at.compared else ""
            status(f"{one_line(at.run)}: {before}{plural(at.points, 'point')} read{compared}")

        if dry_run:
            return look_through(source, root, into=into, since=since, progress=told), None
        imported = bring_in(source, root, into=into, since=since, progress=told)
    return imported, _push(face, root, server, imported) if server else None


def _push(face: Face, root: str, server: str, imported: Imported) -> Synced | None:
    from ..journal.layout import RootLayout
    from ..syncer.later import sync_root

    wanted = {run.id: run.prefix for run in imported.runs if run.prefix}
    if not wanted:
        return None
    with face.out.progress(f"Pushing to {server}") as report:
        return sync_root(RootLayout(root), server, wanted, progress=report)


def _arrived(pushed: Synced | None) -> bool:
    """Whether everything that was to be pushed is on the server."""
    return pushed is None or not (pushed.error or pushed.pending)


def _report(face: Face, imported: Imported, pushed: Synced | None, dry_run: bool) -> int:
    arrived = _arrived(pushed)
    if face.out.mode == "human":
        _tell(face, imported, dry_run)
        if pushed is not None:
            face.out.line(
                f"{plural(pushed.count - len(pushed.pending), 'experiment')} complete on {pushed.to}"
            )
            if not arrived:
                why = one_line(pushed.error or pushed.pending[0].why)
                face.out.line(f"{plural(len(pushed.pending), 'experiment')} not pushed: {why}")
                face.out.line("The same command pushes what is missing.")
    ids = [run.id for run in imported.runs if run.prefix]
    face.out.emit(_document(imported, pushed), ids=ids)
    return 0 if imported.is_whole and arrived else 1


def _tell(face: Face, imported: Imported, dry_run: bool) -> None:
    counts = imported.counts
    things = [plural(counts[kind], word) for kind, word in _COUNTED.items() if counts.get(kind)]
    face.out.line(
        f"{plural(counts['runs'], 'run')} of {imported.kind}: {', '.join(things) or 'nothing logged'}"
    )
    if dry_run:
        for run in imported.runs[:_SHOWN]:
            face.out.line(
                f"  {one_line(run.prefix)}  {plural(run.counts.get('points', 0), 'point')}"
            )
    else:
        states = [
            f"{counts[state]:,} {state}"
            for state in ("new", "grown", "same", "deleted", "failed")
            if counts.get(state)
        ]
        face.out.line(", ".join(states))
    wrong = [run for run in imported.runs if run.differs or run.why]
    for run in wrong[:_SHOWN]:
        face.out.line(
            f"  {one_line(run.prefix or run.key)}: {one_line(run.why or _differing(run.differs))}"
        )
    for finding in imported.findings[:_SHOWN]:
        face.out.line(
            f"  {one_line(finding.where)}: {one_line(finding.what)}", "" if finding.lost else "dim"
        )
    more = len(wrong[_SHOWN:]) + len(imported.findings[_SHOWN:])
    if more:
        face.out.line(f"  and {more:,} more; --json has all of them")
    if not dry_run:
        face.out.line(
            "Everything is here, bit for bit." if imported.is_whole else "Not everything is here."
        )


def _differing(kinds: Any) -> str:
    return "; ".join(
        f"{one.kind} {one.name}: {one.there.count:,} there, {one.here.count:,} here"
        + ("" if one.there.count != one.here.count else ", not the same")
        for one in kinds[:5]
    )


def _document(imported: Imported, pushed: Synced | None) -> dict[str, Any]:
    from dataclasses import asdict

    import msgspec

    return {
        **msgspec.to_builtins(imported),
        "counts": imported.counts,
        "whole": imported.is_whole,
        "pushed": None if pushed is None else asdict(pushed),
    }
