"""The commands of `weights` that copy a repository and look after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .face import Face, shared
from .output import Column
from .repository import open_repository, repository_at, repository_option
from .words import one_line, plural, size

if TYPE_CHECKING:
    from ..weights.transfer import Sent

__all__ = ["COMMANDS"]


@click.command()
@click.argument("other")
@click.argument("branches", nargs=-1)
@click.option("--tags/--no-tags", default=True, help="Send tags as well.")
@click.option(
    "-f",
    "--force",
    is_flag=True,
    help="Overwrite branches that have other commits at the other repository.",
)
@repository_option
@shared(quiet="Print the names of the branches sent.")
def push(
    face: Face, other: str, branches: tuple[str, ...], tags: bool, force: bool, repo: str | None
) -> None:
    """Send versions to another repository; only what it lacks is sent.

    OTHER is a folder or URL; a repository is made there when there is none. A push that was cut off goes on
    where it was when it is given again.

    \b
    Examples:
      anew weights push s3://lab/weights
      anew weights push /mnt/share/weights main topic
    """
    repository = open_repository(face, repo)
    with face.out.progress("Sending") as report:
        sent = repository.push(other, branches or None, tags=tags, force=force, progress=report)
    _moved(face, sent, "Sent", other)


@click.command()
@click.argument("other")
@click.argument("branches", nargs=-1)
@click.option("--tags/--no-tags", default=True, help="Fetch tags as well.")
@click.option(
    "--strategy",
    type=click.Choice(("ours", "theirs", "average")),
    help="What becomes of tensors that both sides changed.",
)
@click.option(
    "--verify", is_flag=True, help="Verify the local objects, and fetch damaged ones again."
)
@repository_option
@shared(quiet="Print the names of the branches fetched.")
def pull(
    face: Face,
    other: str,
    branches: tuple[str, ...],
    tags: bool,
    strategy: str | None,
    verify: bool,
    repo: str | None,
) -> None:
    """Fetch versions from another repository and bring the branches here up to date.

    \b
    Examples:
      anew weights pull s3://lab/weights
      anew weights pull /mnt/share/weights main --verify
      anew weights pull https://lab.example.org experiments/k7f3c1d2
    """
    repository = open_repository(face, repo, init=True)
    with face.out.progress("Fetching") as report:
        sent = repository.pull(
            repository_at(other) or other,
            branches or None,
            tags=tags,
            strategy=strategy,
            verify=verify,
            progress=report,
        )
    _moved(face, sent, "Fetched", other)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be freed.")
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=3600.0,
    metavar="SECONDS",
    help="Keep what is younger than this; by default an hour.",
)
@repository_option
@shared(quiet="Print the number of bytes freed.")
def gc(face: Face, dry_run: bool, grace: float, repo: str | None) -> None:
    """Free what no branch or tag leads to.

    It may run at any time: while somebody commits or pushes, nothing is deleted, and it says so.

    \b
    Examples:
      anew weights gc --dry-run
      anew weights gc --grace 0
    """
    done = open_repository(face, repo).gc(dry_run=dry_run, grace=grace)

    def table() -> None:
        if done.writers:
            who = plural(done.writers, "writer")
            face.out.line(f"Nothing was freed: {who} at work. Run it again when they are done.")
        else:
            verb = "Would free" if dry_run else "Freed"
            face.out.line(f"{verb} {size(done.freed)} in {plural(len(done.deleted), 'pack')}.")

    face.out.emit(
        {
            "dry_run": done.dry_run,
            "freed": done.freed,
            "deleted": done.deleted,
            "rewritten": done.rewritten,
            "waiting": done.waiting,
            "writers": done.writers,
        },
        ids=[str(done.freed)],
        table=table,
    )


@click.command()
@repository_option
@shared(quiet="Print the hashes of versions that lost tensors.")
def fsck(face: Face, repo: str | None) -> None:
    """Verify every object, and name what is damaged and what is lost by it.

    Exits with 6 when anything is damaged. `anew weights pull OTHER --verify` brings damaged objects back
    from a copy.

    \b
    Examples:
      anew weights fsck
      anew weights fsck --repo s3://lab/weights --json
    """
    repository = open_repository(face, repo)
    with face.out.progress("Verifying") as report:
        health = repository.fsck(progress=report)

    def document() -> object:
        problems = [{"what": p.what, "where": p.where, "why": p.why} for p in health.problems]
        return {
            "ok": health.ok,
            "objects": health.objects,
            "bytes": health.nbytes,
            "commits": health.commits,
            "problems": problems,
            "lost_tensors": health.lost,
            "lost_commits": health.lost_commits,
        }

    def table() -> None:
        for problem in health.problems:
            face.out.line(f"{problem.what} in {problem.where}: {one_line(problem.why)}", "red")
        for commit_hash, why in health.lost_commits.items():
            face.out.line(f"commit {commit_hash[:12]} is lost: {one_line(why)}", "red")
        for commit_hash, names in health.lost.items():
            rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
            shown = ", ".join(one_line(name) for name in names[:5])
            face.out.line(f"commit {commit_hash[:12]} cannot restore {shown}{rest}", "red")
        face.out.line(
            f"{plural(health.objects, 'object')} of {plural(health.commits, 'commit')}, "
            f"{size(health.nbytes)}: {'all whole' if health.ok else 'damaged'}."
        )

    face.out.emit(document, ids=[*health.lost, *health.lost_commits], table=table)
    if not health.ok:
        raise click.exceptions.Exit(6)


@click.command()
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, help="At most this many versions."
)
@repository_option
@shared(quiet="Print the number of bytes stored.")
def du(face: Face, limit: int, repo: str | None) -> None:
    """Show what versions take in memory, and what each added here.

    \b
    Examples:
      anew weights du
      anew weights du --json
    """
    used = open_repository(face, repo).du()

    def table() -> None:
        newest = list(reversed(used.commits))[:limit]
        if newest:
            face.out.table(
                [
                    Column("commit", [one.commit_hash[:12] for one in newest], styles="yellow"),
                    Column("in memory", [size(one.logical) for one in newest], right=True),
                    Column("added here", [size(one.stored) for one in newest], right=True),
                    Column("message", [one_line(one.message) for one in newest], least=20),
                ]
            )
        face.out.line(
            f"{plural(len(used.commits), 'version')}: {size(used.logical)} in memory, {size(used.stored)} "
            f"stored ({used.ratio:.1f} to 1), {size(used.on_disk)} on disk."
        )
        if used.unreachable:
            face.out.say(f"{size(used.unreachable)} belong to no branch or tag: `anew weights gc`.")

    face.out.emit(
        {
            "logical": used.logical,
            "stored": used.stored,
            "ratio": used.ratio,
            "unreachable": used.unreachable,
            "on_disk": used.on_disk,
            "packs": used.packs,
            "commits": [
                {"commit_hash": c.commit_hash, "logical": c.logical, "stored": c.stored}
                for c in used.commits
            ],
        },
        ids=[str(used.on_disk)],
        table=table,
    )


def _moved(face: Face, sent: Sent, verb: str, other: str) -> None:
    def document() -> object:
        document: dict[str, Any] = {"branches": sent.branches, "tags": sent.tags}
        return {**document, "objects": sent.objects, "bytes": sent.nbytes}

    def table() -> None:
        names = ", ".join(one_line(name) for name in sent.branches)
        way = "to" if verb == "Sent" else "from"
        face.out.line(
            f"{verb} {names} {way} {one_line(other)}: {plural(sent.objects, 'object')}, {size(sent.nbytes)}."
        )

    face.out.emit(document, ids=sent.branches, table=table)


COMMANDS = (push, pull, gc, fsck, du)
"""The commands of this file, to be added to the group."""
