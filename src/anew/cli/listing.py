"""`list` and `best`: many experiments in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..commands.answers import best_document, list_document, viewed
from .columns import MOST_SPARKLINES, experiment_columns, parse_fields
from .face import (
    STATUSES,
    Face,
    filter_options,
    reproductions_option,
    selection,
    shared,
    told_left_out,
)
from .table import Column
from .words import number, one_line, plural, value

if TYPE_CHECKING:
    from ..reading.views import Experiments, ExperimentView
    from ..store import Store

__all__ = ["best", "list_"]

LIMIT = 20
_AMONG = 200  # so many of the best decide which parameters differ


def _table_options(function: Any) -> Any:
    for option in (
        click.option(
            "--sparklines/--no-sparklines", "sparks", default=None,
            help="Draw curves in the table; by default only on a terminal.",
        ),
        click.option(
            "-c", "--columns", metavar="FIELDS", multiple=True,
            help="The columns, joined by commas: status,lr,val_loss.min; may repeat.",
        ),
        click.option("--offset", type=click.IntRange(0), default=0, help="Skip this many."),
        click.option("-a", "--all", "everything", is_flag=True, help="Show all of them."),
        click.option(
            "-n", "--limit", type=click.IntRange(1), default=LIMIT, show_default=False,
            help="At most this many.",
        ),
        click.option(
            "--sort", "sorts", multiple=True, metavar="FIELD",
            help="Sort by a field, such as -duration or metrics.loss.min, downwards with a '-'; or by a metric "
            "alone, such as val_acc: the best values first. May repeat.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command("list")
@click.argument("filter", required=False)
@filter_options
@click.option("--view", metavar="NAME", help="Only those that match the filter of this saved view.")
@click.option(
    "--group-by",
    "by",
    multiple=True,
    metavar="FIELD",
    help="A row for each value of this field, with mean, sd, min and max of results; may repeat. --columns chooses the results.",
)
@reproductions_option
@_table_options
@shared()
def list_(face: Face, filter: str | None, **options: Any) -> None:
    """List experiments, newest first; all, or those that a FILTER matches.

    The table shows first the parameters that differ, then the metrics that most experiments logged. On a terminal,
    what all rows share stands in one line above, and what does not fit is left out; --columns chooses.

    A filter compares fields with == != < <= > >= in, not in, =~ (regular expression), joined by and, or, not and
    parentheses. Fields: status, name, prefix, id, owner, project, user, host, created_at, started_at, ended_at,
    duration, description, notes, parent, tags, bindrs, git.commit, git.branch, git.dirty, params.<name>,
    config.<name>, and metrics.<name> with .last (the default), .min, .max, .first, .mean, .std, .count.

    \b
    Examples:
      anew list
      anew list 'metrics.val_loss.min < 0.5 and params.lr >= 1e-3'
      anew list "'vae' in tags and status == 'failed'" --sort -duration
      anew list "created_at > '7d' and name =~ '^resnet'" -q
      anew list --sort val_acc                        the best first
      anew list -s running -s failed
      anew list -t baseline -c status,params.lr,metrics.val_loss.min
      anew list "'sweep' in tags" --group-by params.lr -c val_loss
      anew list --view failures                       the filter that was saved under this name
      anew list --all --json
    """
    _list(face, filter, options)


def _list(face: Face, filter: str | None, options: dict[str, Any]) -> None:
    fields = parse_fields(options.pop("columns"))
    sparks: bool | None = options.pop("sparks")
    everything = options.pop("everything")
    limit = None if everything else options.pop("limit")
    options.pop("limit", None)
    sorts = options.pop("sorts") or ("-created_at",)
    by: tuple[str, ...] = options.pop("by")
    view: str | None = options.pop("view", None)
    if view is not None:
        with face.store(refresh=False) as store:
            filter = viewed(store, view, filter)
    if by:
        _groups(face, by, fields, filter, limit, options)
        return
    with face.store() as store:
        found = selection(store, filter, sort=sorts, limit=limit, **options)
        offset = options["offset"]
        face.out.emit(
            lambda: list_document(found, offset),
            ids=found.ids,
            table=lambda: _print_table(store, found, face, fields, sorts, sparks, filter, offset),
        )


def _groups(
    face: Face,
    by: Sequence[str],
    fields: Sequence[str],
    filter: str | None,
    limit: int | None,
    options: dict[str, Any],
) -> None:
    """Groups of experiments, a row each."""
    chosen = [name for name in ("statuses", "tags", "name", "project", "user", "offset") if options.get(name)]  # fmt: skip
    if chosen:
        raise click.UsageError(f"--group-by takes a FILTER, and not --{chosen[0].rstrip('s')}.")
    with face.store() as store:
        found = store.groups(
            by, list(fields) or None, filter, limit=limit, reproductions=options["reproductions"]
        )

    def table() -> None:
        if not found:
            face.out.say("No experiment fits.")
            return
        columns = [
            Column(one_line(field), [_cell(one.by[field]) for one in found], styles="bold")
            for field in by
        ]
        columns.append(Column("N", [str(one.n) for one in found], True))
        for name in found[0].results:
            for of in ("mean", "sd", "min", "max"):
                values = [getattr(one.results[name], of) for one in found]
                title = one_line(f"{name} {of}")
                columns.append(
                    Column(title, ["" if v is None else number(v) for v in values], True)
                )
        _tell_dropped(face, face.out.table(columns))

    face.out.emit(
        lambda: {"total": found.total, "groups": [one.to_dict() for one in found]},
        ids=["\t".join(_cell(value) for value in one.by.values()) for one in found],
        table=table,
    )


def _cell(found: Any) -> str:
    return "" if found is None else value(found)


def _nothing(store: Store) -> str:
    about = store.backend.about()
    if about.root is None:
        return f"There are no experiments that you may see at {store.root} yet; --root or ANEW_ROOT looks elsewhere."
    return f"There are no experiments in {store.root} yet; --root or ANEW_ROOT looks elsewhere."


def _print_table(
    store: Store,
    found: Experiments,
    face: Face,
    fields: Sequence[str],
    sorts: Sequence[str],
    sparks: bool | None,
    filter: str | None,
    offset: int,
) -> None:
    if not found:
        chosen = filter is not None or found.total or len(store)
        left_out = told_left_out(found.left_out)
        face.out.say(f"No experiment fits.  {left_out}".rstrip() if chosen else _nothing(store))
        return
    columns = experiment_columns(
        store,
        found,
        face.out,
        wanted=fields,
        results=_sorted_by(store, found, sorts),
        sparks=face.out.terminal and len(found) <= MOST_SPARKLINES if sparks is None else sparks,
    )
    dropped = face.out.table(columns)
    remarks = []
    if found.total > len(found):
        first = f"{offset + 1:,} to {offset + len(found):,}"
        remarks.append(f"{first} of {plural(found.total, 'experiment')}; --all shows the rest.")
    remarks.append(told_left_out(found.left_out))
    _tell_dropped(face, dropped, remarks)


def _sorted_by(store: Store, views: Sequence[ExperimentView], sorts: Sequence[str]) -> list[Column]:
    """The best values of the metrics by whose bare names the table is sorted."""
    from ..reading.sorting import bare_metric

    columns = []
    for metric, mode in filter(None, (bare_metric(store.backend, field) for field in sorts)):
        having = [view.metrics.get(metric) for view in views]
        cells = [number(one.best(mode)) if one is not None else "" for one in having]
        columns.append(Column(one_line(f"{mode} {metric}"), cells, True, styles="bold green"))
    return columns


def _tell_dropped(face: Face, dropped: Sequence[str], remarks: Sequence[str] = ()) -> None:
    left_out = [title for title in dropped if title]
    told = [remark for remark in remarks if remark]
    if left_out:
        told.append(f"Not wide enough for: {', '.join(left_out)} (--columns chooses).")
    if told:
        face.out.say("  ".join(told))


@click.command()
@click.argument("metric", required=False)
@click.option(
    "--mode",
    type=click.Choice(["min", "max"]),
    help="Whether smaller or larger is better; by default its goal, or else its name decides.",
)
@click.option(
    "-f", "--filter", metavar="FILTER", help="Only the experiments that match this filter."
)
@click.option(
    "-s",
    "--status",
    "statuses",
    multiple=True,
    default=("completed",),
    show_default="completed",
    type=click.Choice([*STATUSES, "any"]),
    metavar="STATUS",
    help="Only experiments with this status, or with any; may repeat.",
)
@click.option("-n", "--limit", type=click.IntRange(1), default=5, help="At most this many.")
@reproductions_option
@shared()  # fmt: skip
def best(
    face: Face,
    metric: str | None,
    mode: Any,
    filter: str | None,
    statuses: tuple[str, ...],
    limit: int,
    reproductions: bool,
) -> None:
    """List the experiments with the best value of a metric.

    The value is the best of the whole history, not the last. What is better goes by the metric's goal (`anew goal`), or else
    its name (accuracies, scores and rewards up, everything else down), unless --mode says it. Without a METRIC it is the
    main one.

    \b
    Examples:
      anew best val_loss
      anew best
      anew best val_acc --mode max -n 3 -f "'vae' in tags"
      anew show $(anew best val_loss -n 1 -q)
    """
    status = None if "any" in statuses else list(statuses)
    with face.store() as store:
        # What the best have in common is worth a column when the others have something else there.
        among = max(limit, _AMONG) if face.out.mode == "human" else limit
        found = store.best(
            metric,
            mode=mode,
            filter=filter,
            status=status,
            limit=among,
            reproductions=reproductions,
        )
        shown = found[:limit]
        if shown:
            metric = shown[0].metric  # the whole name of what was given by its end

        def table() -> None:
            if not found:
                left_out = told_left_out(found.left_out)
                face.out.say(
                    f"No experiment that fits has a finite {metric or 'main metric'}.  {left_out}".rstrip()
                )
                return
            views: list[ExperimentView] = [one.experiment for one in shown]
            values = Column(
                one_line(f"{shown[0].mode} {metric}"), [number(one.value) for one in shown], True,
                styles="bold green",
            )  # fmt: skip
            steps = Column("AT STEP", [str(one.step) for one in shown], True, 2, styles="dim")
            columns = experiment_columns(
                store, views, face.out, metrics=[shown[0].metric], results=[values, steps],
                among=[one.experiment for one in found], sparks=face.out.terminal,
            )  # fmt: skip
            _tell_dropped(face, face.out.table(columns), [told_left_out(found.left_out)])

        face.out.emit(
            lambda: best_document(shown, metric, found.left_out),
            ids=(one.experiment.id for one in shown),
            table=table,
        )
