"""`sync`, `login` and `logout`: what is recorded here, on a server."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from .face import Face, shared
from .table import Column
from .words import ago, one_line, plural, size

if TYPE_CHECKING:
    from ..journal.layout import RootLayout
    from ..syncer.later import Synced
    from ..syncer.standing import Pending, Standing

__all__ = ["login", "logout", "sync"]


@click.command()
@click.argument("what", metavar="[ROOT | EXPERIMENT]...", nargs=-1)
@click.option("--to", metavar="ADDRESS", help="The server; by default where each was recorded for.")
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--status", is_flag=True, help="Push nothing; show what is behind, and why.")
@shared(quiet="Print the ids of those that are not complete alone.")
def sync(face: Face, what: tuple[str, ...], to: str | None, watch: bool, status: bool) -> int:
    """Push experiments to a server: what was recorded while it could not be reached, or a whole root.

    What arrived before is not sent again, so it may be interrupted and repeated. Without --to, each experiment goes to
    the server that it was recorded for. With --to, all of a folder goes, or the experiments named. Exits with 1 if something
    could not be pushed. What was deleted on the server stays here; that is said once, and is no failure.

    \b
    Examples:
      anew sync                                  what is behind, to its server
      anew sync --status                         how far everything is
      anew sync /data/runs --to https://lab.example.org
      anew sync k7f3 --to https://lab.example.org
      anew sync /scratch/me/experiments --watch  from a node that has a network
    """
    if to is not None:
        to = _server(to)
    roots, refs = _sorted_out(face, what)
    if status:
        return _show(face, roots)
    while True:
        results = [one for root in roots for one in _push(face, root, refs, to)]
        if not watch:
            return _report(face, results)
        time.sleep(1.0)


def _server(text: str) -> str:
    from ..address import parse_address

    address = parse_address(text)
    if address.kind != "server":
        raise click.UsageError(f"{text} is not the address of a server.")
    return address.location


def _sorted_out(face: Face, what: tuple[str, ...]) -> tuple[list[RootLayout], list[str]]:
    """The roots among the arguments, and the experiments; without a root, the one that is used anyway."""
    from ..address import local_folder, parse_address
    from ..journal.layout import RootLayout, is_experiment
    from ..settings import load_settings

    roots, refs = [], []
    for text in what:
        if os.path.isdir(os.path.join(text, ".anew")) or (
            os.path.isdir(text) and not is_experiment(text) and os.path.isabs(text)
        ):
            roots.append(RootLayout(local_folder(text)))
        else:
            refs.append(text)
    if roots and refs:
        raise click.UsageError(
            "Name folders or experiments, not both; --root says where experiments lie."
        )
    if not roots:
        root = load_settings().root
        if face.root is not None and parse_address(face.root, setting="root").kind == "folder":
            root = local_folder(face.root)
        roots.append(RootLayout(root))
    return roots, refs


def _push(face: Face, root: RootLayout, refs: list[str], to: str | None) -> list[Synced]:
    from ..settings import load_settings
    from ..store import Store
    from ..syncer.later import sync, sync_root
    from ..syncing.outbox import outboxes

    boxes = [box for box in outboxes(root) if to is None or box.server == to]
    if refs or to is not None:
        with Store(root.root) as store:
            views = [store.get(ref) for ref in refs] or store.list(reproductions=True)
            wanted = {view.id: view.prefix for view in views}
    else:
        wanted = None
    results = []
    for box in boxes:
        own = {one.experiment_id for one in box.everything()}
        ids = own if wanted is None else own & wanted.keys()
        if ids:
            with face.out.progress(f"Pushing to {box.server}") as report:
                results.append(sync(box, ids, progress=report))
            for one in ids:
                if wanted is not None:
                    wanted.pop(one, None)
    if wanted:
        server = to or load_settings().server
        if not server:
            raise click.UsageError(
                "Say where to with --to ADDRESS: they were not recorded for a server."
            )
        with face.out.progress(f"Pushing to {server}") as report:
            results.append(sync_root(root, server, wanted, progress=report))
    if wanted is None and not boxes:
        face.out.say(
            f"Nothing in {root.root} was recorded for a server. `anew sync {root.root} --to ADDRESS` pushes all of it."
        )
    return results


def _report(face: Face, results: list[Synced]) -> int:
    left = [pending for one in results for pending in one.pending]
    if face.out.mode == "human":
        for one in results:
            missing = len(one.pending)
            said = f"{plural(one.count - missing, 'experiment')} complete on {one.to}"
            if one.pushed:
                said += f", {size(one.pushed)} pushed"
            face.out.line(said)
            _list(face, one.deleted)
            if one.error:
                face.out.line(f"{plural(missing, 'experiment')} not pushed: {one_line(one.error)}")
            else:
                _list(face, one.pending)
    face.out.emit({"servers": [_as_document(one) for one in results]}, ids=[one.id for one in left])
    return 1 if left or any(one.error for one in results) else 0


def _as_document(one: Synced | Standing) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one)


def _list(face: Face, found: tuple[Pending, ...]) -> None:
    if found:
        face.out.table(
            [
                Column("ID", [one.id for one in found], styles="bold"),
                Column("PREFIX", [one_line(one.prefix) for one in found], least=16, path=True),
                Column("LEFT", [size(one.bytes) if one.bytes else "" for one in found], True),
                Column("WHY", [one_line(one.why) for one in found], least=12),
            ]
        )


def _show(face: Face, roots: list[RootLayout]) -> int:
    from ..syncer.standing import standing

    found = [(root, one) for root in roots for one in standing(root.root)]

    def table() -> None:
        for root, one in found:
            complete = one.experiments - len(one.pending) - one.deleted
            face.out.line(f"{root.root} → {one.to}", "bold")
            answered = "never" if one.contact is None else ago(one.contact, time.time())
            face.out.line(
                f"  {complete} of {plural(one.experiments, 'experiment')} complete; the server last answered {answered}"
                f""
                f"{f'; {one.deleted} deleted there' if one.deleted else ''}"
                f"{'; a process is pushing' if one.running else ''}"
            )
            if one.error:
                face.out.line(f"  {one_line(one.error)}")
            _list(face, one.pending)
        if not found:
            face.out.say("Nothing here was recorded for a server.")

    behind = [one.id for _, each in found for one in each.pending]
    documents = [{"root": root.root, **_as_document(one)} for root, one in found]
    face.out.emit({"servers": documents}, ids=behind, table=table)
    return 0


@click.command()
@click.argument("url", metavar="URL")
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input.")
@shared(quiet="Print nothing.")
def login(face: Face, url: str, token_stdin: bool) -> None:
    """Keep the token for a server, after asking the server whether it is right.

    It is kept in the keyring of the system, if the package `keyring` is installed, else in a file that only you can
    read. The variable ANEW_TOKEN comes before it. A token is made with `anew server token create` or on the server's page.

    \b
    Examples:
      anew login https://lab.example.org
      anew login https://lab.example.org --token-stdin < token.txt
    """
    from ..credentials import keep_token
    from ..syncer.asking import user_of

    server = _server(url)
    if token_stdin:
        token = sys.stdin.readline().strip()
    else:
        token = click.prompt("Token", hide_input=True, err=True).strip()
    user = user_of(server, token)
    where = keep_token(server, token)
    face.out.emit(
        {"server": server, "user": user, "kept_in": where},
        table=f"Logged in to {server} as {user}. The token is kept in {where}.",
    )


@click.command()
@click.argument("url", metavar="URL")
@shared(quiet="Print nothing.")
def logout(face: Face, url: str) -> None:
    """Remove the token kept for a server.

    It stays valid there until it is revoked (`anew server token revoke`).

    \b
    Examples:
      anew logout https://lab.example.org
    """
    from ..credentials import forget_token

    server = _server(url)
    known = forget_token(server)
    said = f"The token for {server} was removed." if known else f"No token was kept for {server}."
    face.out.emit({"server": server, "removed": known}, table=said)
