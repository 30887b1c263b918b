"""`du`, `gc`, `doctor`, `seal` and `rebuild`: looking after what is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from ..commands.documents import usage_document
from .errors import Refused
from .face import Face, complete_experiment, several, shared
from .table import Column
from .words import duration, moment, one_line, plural, size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..reading.upkeep import Finding, Freed

__all__ = ["doctor", "du", "gc", "rebuild", "rebuild_index", "seal", "tell_findings"]


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option("-f", "--filter", metavar="FILTER", help="The experiments that match this filter.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, help="Show this many of the largest."
)
@shared(quiet="Print the total of bytes alone.")
def du(face: Face, experiments: tuple[str, ...], filter: str | None, limit: int) -> None:
    """Show how much disk space experiments use.

    Without experiments it counts the whole store, trash and index included.

    \b
    Examples:
      anew du
      anew du k7f3 alice/vision/vae
      anew du -f "created_at < '90d'" --json
    """
    with face.store(here=True) as store:
        views = several(store, experiments, filter) if experiments or filter else None
        usage = store.du(None if views is None else [view.id for view in views])
        root = store.root
        largest = sorted(usage.by_experiment.items(), key=lambda pair: -pair[1])
        known = {view.id: view for view in views} if views is not None else None
        shown = largest[:limit]

        def prefix_of(one: str) -> str:
            return (known[one] if known is not None else store.get(one)).prefix

        def table() -> None:
            kinds = sorted(usage.by_kind.items(), key=lambda pair: -pair[1])
            face.out.table(
                [
                    Column("KIND", [*(kind for kind, _ in kinds), "total"]),
                    Column("SIZE", [*(size(count) for _, count in kinds), size(usage.total)], True),
                ]
            )
            if shown:
                face.out.line()
                face.out.table(
                    [
                        Column("ID", [one for one, _ in shown], styles="bold"),
                        Column(
                            "PREFIX",
                            [one_line(prefix_of(one)) for one, _ in shown],
                            least=16,
                            path=True,
                        ),
                        Column("SIZE", [size(count) for _, count in shown], True),
                    ]
                )
            if len(largest) > limit:
                face.out.say(f"The {limit} largest of {plural(len(largest), 'experiment')}.")
            if not experiments and not filter:
                _tell_of_copies(face, root, usage.by_experiment)

        face.out.emit(
            usage_document(usage),
            ids=[str(usage.total)],
            table=table,
        )


@click.command()
@click.option(
    "--older-than",
    metavar="AGE",
    help="Only what was deleted at least this long ago, such as 7d or 12h.",
)
@click.option(
    "--files",
    metavar="PATTERN",
    help="Instead, free saved files that fit this pattern, such as 'checkpoints/*' or '*.pt'.",
)
@click.option(
    "--keep",
    metavar="WHICH",
    help="With --files: which checkpoints of each experiment stay: last, last:3, best, best:METRIC, several with commas, "
    "or none.",
)
@click.option(
    "--mode",
    type=click.Choice(["min", "max"]),
    help="With --keep best: whether small or large values are better; by the metric's name if not given.",
)
@click.option(
    "-f",
    "--filter",
    metavar="FILTER",
    help="With --files: only of experiments that match this filter.",
)
@click.option("--dry-run", is_flag=True, help="Only show how much would be freed.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@shared(quiet="Print the bytes freed alone.")
def gc(
    face: Face,
    older_than: str | None,
    files: str | None,
    keep: str | None,
    mode: Literal["min", "max"] | None,
    filter: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Empty the trash, and remove data that nothing refers to.

    What was in the trash is gone for good. With --files, saved files are freed instead: their bytes go, and
    the curves, messages and the record that they were saved stay. Files whose names differ in numbers only
    are one series of checkpoints; running experiments are left alone. Without a terminal to ask on, --yes
    is needed.

    \b
    Examples:
      anew gc --dry-run
      anew gc --older-than 30d --yes
      anew gc --files 'checkpoints/*' --keep last,best --dry-run
      anew gc --files '*.pt' --keep last:2,best:val/acc -f "created_at < '30d'"
    """
    if files is not None:
        if older_than is not None:
            raise click.UsageError("--older-than is for the trash; with --files, use --filter.")
        _free(face, files, _Keep.of(keep), mode, filter, dry_run, yes)
        return
    if keep is not None or mode is not None or filter is not None:
        raise click.UsageError("--keep, --mode and --filter need --files.")
    with face.store(here=True) as store:
        would = store.gc(dry_run=True, older_than=older_than)
        if dry_run:
            freed = would
        else:
            question = f"Remove {size(would)} for good?"
            if not yes and not face.out.confirm(question):
                raise Refused("Nothing was removed: gc needs --yes, or a yes on a terminal.")
            with face.out.progress("Removing"):
                freed = store.gc(older_than=older_than)
    face.out.emit(
        {"bytes": freed, "dry_run": dry_run},
        ids=[str(freed)],
        table=f"{'Would free' if dry_run else 'Freed'} {size(freed)}.",
    )


class _Keep(NamedTuple):
    """What `--keep` says."""

    last: int
    best: bool | str

    @classmethod
    def of(cls, text: str | None) -> _Keep:
        if text is None:
            raise click.UsageError(
                "--files needs --keep: last, last:3, best, best:METRIC, several with commas, or none."
            )
        last, best = 0, False  # type: int, bool | str
        for part in text.split(","):
            what, _, of = part.strip().partition(":")
            if what == "last" and (not of or (of.isascii() and of.isdecimal() and int(of))):
                last = int(of or 1)
            elif what == "best":
                best = of or True
            elif part.strip() != "none" or "," in text:
                raise click.UsageError(
                    f"{part.strip()!r} does not say what to keep. Give last, last:3, best, best:METRIC, several with "
                    "commas, or none."
                )
        return cls(last, best)


def _free(
    face: Face,
    pattern: str,
    keep: _Keep,
    mode: Literal["min", "max"] | None,
    filter: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Free saved files."""
    with face.store(here=True) as store:
        chosen = store.list(filter, reproductions=True)

        def free(dry: bool) -> Freed:
            return store.free_files(
                pattern, chosen, keep_last=keep.last, keep_best=keep.best, mode=mode, dry_run=dry
            )

        freed = free(True)
        if not dry_run and freed.files:
            what = f"{plural(freed.files, 'file')} of {plural(freed.experiments, 'experiment')}"
            question = f"Remove {what}, {size(freed.bytes)}, for good?"
            if not yes and not face.out.confirm(question):
                raise Refused("Nothing was removed: gc needs --yes, or a yes on a terminal.")
            with face.out.progress("Removing"):
                freed = free(False)
    if freed.running:
        count = plural(len(freed.running), "experiment")
        face.out.say(f"{count} still running: left alone.")
    face.out.emit(
        {
            "files": freed.files,
            "bytes": freed.bytes,
            "experiments": freed.experiments,
            "running": list(freed.running),
            "dry_run": dry_run,
        },
        ids=[str(freed.bytes)],
        table=f"{'Would free' if dry_run else 'Freed'} {size(freed.bytes)}: {plural(freed.files, 'file')} of "
        f"{plural(freed.experiments, 'experiment')}.",
    )


def _tell_of_copies(face: Face, root: str, sizes: Mapping[str, int]) -> None:
    """Say what of it a server has all of, and when the copies here are freed."""
    from ..syncer.standing import copies_in

    for server, found in copies_in(root):
        due = [one.since + one.keep for one in found if one.keep is not None]
        when = f"; the next is freed on {moment(min(due))}" if due else ""
        taken = sum(sizes.get(one.id, 0) for one in found)
        face.out.say(
            f"{plural(len(found), 'experiment')} here, {size(taken)}, are local copies of what {server} has{when} (keep_local)."
        )


def _tell_of_servers(face: Face, root: str) -> None:
    """Say which servers are behind what was recorded for them here."""
    from ..syncer.standing import standing

    for one in standing(root):
        if one.pending:
            why = one.error or next((each.why for each in one.pending if each.why), "")
            face.out.warn(
                f"{plural(len(one.pending), 'experiment')} not all on {one.to}{f': {one_line(why)}' if why else ''}. "
                "`anew sync` pushes what is left."
            )


@click.command()
@click.option("--repair", is_flag=True, help="Repair the index and other derived files.")
@shared(quiet="Print the paths alone.")
def doctor(face: Face, repair: bool) -> None:
    """Check the files on disk for damage.

    Exits with 6 when something is damaged that was not repaired. Broken lines in a journal are shown and
    never touched: what cannot be read stays for you to look at.

    \b
    Examples:
      anew doctor
      anew doctor --repair
      anew doctor --json
    """
    with face.store(here=True) as store, face.out.progress("Checking"):
        findings, root = store.doctor(repair=repair), store.root
    tell_findings(face, findings, lambda: _tell_of_servers(face, root))


def tell_findings(
    face: Face, findings: Sequence[Finding], beside: Callable[[], object] = lambda: None
) -> None:
    """Say what is damaged, or that nothing is and what else there is to say; exits with 6 when something is and was not repaired."""
    left = [one for one in findings if not one.repaired]

    def table() -> None:
        if not findings:
            face.out.line("Nothing is damaged.", "green")
            beside()
        else:
            face.out.table(
                [
                    Column(
                        "EXPERIMENT", [one.experiment_id or "" for one in findings], styles="bold"
                    ),
                    Column("PATH", [one_line(one.path) for one in findings], least=20, path=True),
                    Column("LINE", [str(one.line or "") for one in findings], True),
                    Column(
                        "WHAT", [one_line(one.reason) for one in findings], least=20, styles="red"
                    ),
                    Column(
                        "", ["repaired" if one.repaired else "" for one in findings], styles="green"
                    ),
                ]
            )

    face.out.emit(
        {
            "damaged": len(left),
            "findings": [
                {
                    "experiment": one.experiment_id,
                    "path": one.path,
                    "line": one.line,
                    "kind": one.kind,
                    "reason": one.reason,
                    "repaired": one.repaired,
                }
                for one in findings
            ],
        },
        ids=(one.path for one in findings),
        table=table,
    )
    if left:
        raise click.exceptions.Exit(6)


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@shared(quiet="Print nothing but errors.")
def seal(face: Face, experiments: tuple[str, ...]) -> None:
    """Convert the points of ended experiments to Parquet now.

    Looking at experiments seals large files by itself; this seals the small ones too, of all experiments or
    of those named. Files that are still being written are left alone.

    \b
    Examples:
      anew seal
      anew seal k7f3
    """
    with face.store(here=True) as store:
        ids = [view.id for view in several(store, experiments, None)] if experiments else None
        with face.out.progress("Sealing"):
            sealed = store.seal(ids)
    face.out.emit({"files": sealed}, table=f"Sealed {plural(sealed, 'file')}.")


@click.command()
@shared(quiet="Print nothing but errors.")
def rebuild(face: Face) -> None:
    """Rebuild the index from the experiments' folders.

    The index is derived: nothing is lost by this. It visits every folder, so it takes a while for many.

    \b
    Examples:
      anew rebuild
    """
    rebuild_index(face)


def rebuild_index(face: Face) -> None:
    """Rebuild the index, and say what is in it."""
    with (
        face.store(refresh=False, here=True) as store,
        face.out.progress("Rebuilding the index") as report,
    ):
        done = store.rebuild(report)

    def table() -> None:
        face.out.line(
            f"Indexed {plural(done.experiments, 'experiment')} with {plural(done.points, 'point')} "
            f"in {duration(done.seconds)}."
        )
        if done.broken:
            face.out.warn(f"{plural(done.broken, 'line')} could not be read: see `anew doctor`.")

    face.out.emit(
        {
            "experiments": done.experiments,
            "points": done.points,
            "seconds": done.seconds,
            "broken": done.broken,
        },
        table=table,
    )
