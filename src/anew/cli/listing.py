"""`list`, `search` and `best`: many experiments in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .columns import MOST_SPARKLINES, experiment_columns, experiment_json, parse_fields
from .face import STATUSES, Face, filter_options, selection, shared
from .table import Column
from .words import number, one_line, plural

if TYPE_CHECKING:
    from ..reading.views import Experiments, ExperimentView
    from ..store import Store

__all__ = ["best", "list_", "search"]

LIMIT = 20


def _table_options(function: Any) -> Any:
    for option in (
        click.option(
            "--sparklines/--no-sparklines", "sparks", default=None,
            help="Draw curves in the table; by default only on a terminal.",
        ),
        click.option(
            "-c", "--columns", metavar="FIELDS",
            help="The columns, joined by commas: status,lr,val_loss.min",
        ),
        click.option("--offset", type=click.IntRange(0), default=0, help="Skip this many."),
        click.option("-a", "--all", "everything", is_flag=True, help="Show all of them."),
        click.option(
            "-n", "--limit", type=click.IntRange(1), default=LIMIT, show_default=False,
            help="At most this many.",
        ),
        click.option(
            "--sort", "sorts", multiple=True, metavar="FIELD",
            help="Sort by a field, such as metrics.loss.min; downwards with a '-' before it; may repeat.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command("list")
@click.argument("filter", required=False)
@filter_options
@_table_options
@shared()
def list_(face: Face, filter: str | None, **options: Any) -> None:
    """List experiments, newest first.

    FILTER is an expression such as "params.lr >= 1e-3 and metrics.val_loss.min < 0.5"; `anew search --help`
    says what it may hold. Without --columns the table shows the parameters that differ and the metrics that
    most experiments logged.

    \b
    Examples:
      anew list
      anew list -s running -s failed
      anew list -t baseline --sort metrics.val_loss.min
      anew list 'params.lr > 0.01' -c status,params.lr,metrics.val_loss.min
      anew list --all --json
      anew list -q | head
    """
    _list(face, filter, options)


@click.command()
@click.argument("filter")
@filter_options
@_table_options
@shared()
def search(face: Face, filter: str, **options: Any) -> None:
    """List the experiments that match a filter.

    Fields: status, name, prefix, id, owner, project, user, host, created_at, started_at, ended_at, duration,
    description, notes, parent, tags, bindrs, git.commit, git.branch, git.dirty, params.<name>,
    config.<name>, and metrics.<name> with .last (the default), .min, .max, .first, .mean, .std, .count.
    Operators: == != < <= > >= in, not in, =~ (regular expression), and, or, not, parentheses.

    \b
    Examples:
      anew search "metrics.val_loss.min < 0.5 and params.lr >= 1e-3"
      anew search "'vae' in tags and status == 'failed'" --sort -duration
      anew search "created_at > '7d' and name =~ '^resnet'" -q
      anew search 'metrics["train/loss"].last > 2' --json
    """
    _list(face, filter, options)


def _list(face: Face, filter: str | None, options: dict[str, Any]) -> None:
    fields = parse_fields(options.pop("columns"))
    sparks: bool | None = options.pop("sparks")
    everything = options.pop("everything")
    limit = None if everything else options.pop("limit")
    options.pop("limit", None)
    sorts = options.pop("sorts") or ("-created_at",)
    with face.store() as store:
        found = selection(store, filter, sort=sorts, limit=limit, **options)
        offset = options["offset"]
        face.out.emit(
            lambda: {
                "total": found.total,
                "offset": offset,
                "experiments": [experiment_json(view) for view in found],
            },
            ids=found.ids,
            table=lambda: _print_table(store, found, face, fields, sparks, filter, offset),
        )


def _print_table(
    store: Store,
    found: Experiments,
    face: Face,
    fields: Sequence[str],
    sparks: bool | None,
    filter: str | None,
    offset: int,
) -> None:
    if not found:
        chosen = filter is not None or found.total or len(store)
        face.out.say(
            "No experiment fits."
            if chosen
            else f"There are no experiments in {store.root} yet; --root or ANEW_ROOT looks elsewhere."
        )
        return
    columns = experiment_columns(
        store,
        found,
        face.out,
        wanted=fields,
        sparks=face.out.terminal and len(found) <= MOST_SPARKLINES if sparks is None else sparks,
    )
    dropped = face.out.table(columns)
    remarks = []
    if found.total > len(found):
        first = f"{offset + 1:,} to {offset + len(found):,}"
        remarks.append(f"{first} of {plural(found.total, 'experiment')}; --all shows the rest.")
    _tell_dropped(face, dropped, remarks)


def _tell_dropped(face: Face, dropped: Sequence[str], remarks: Sequence[str] = ()) -> None:
    left_out = [title for title in dropped if title]
    told = list(remarks)
    if left_out:
        told.append(f"Not wide enough for: {', '.join(left_out)} (--columns chooses).")
    if told:
        face.out.say("  ".join(told))


@click.command()
@click.argument("metric")
@click.option(
    "--mode",
    type=click.Choice(["min", "max"]),
    help="Whether smaller or larger is better; by default decided by the metric's name.",
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
@shared()  # fmt: skip
def best(
    face: Face,
    metric: str,
    mode: Any,
    filter: str | None,
    statuses: tuple[str, ...],
    limit: int,
) -> None:
    """List the experiments with the best value of a metric.

    The value is the best of the whole history, not the last. What is better goes by the metric's name
    (accuracies, scores and rewards up, everything else down) unless --mode says it.

    \b
    Examples:
      anew best val_loss
      anew best val_acc --mode max -n 3 -f "'vae' in tags"
      anew show $(anew best val_loss -n 1 -q)
    """
    status = None if "any" in statuses else list(statuses)
    with face.store() as store:
        found = store.best(metric, mode=mode, filter=filter, status=status, limit=limit)

        def table() -> None:
            if not found:
                face.out.say(f"No experiment that fits has a finite {metric}.")
                return
            views: list[ExperimentView] = [one.experiment for one in found]
            columns = experiment_columns(
                store, views, face.out, metrics=[metric], sparks=face.out.terminal
            )
            values = Column(
                one_line(f"{found[0].mode} {metric}"), [number(one.value) for one in found], True,
                styles="bold green",
            )  # fmt: skip
            steps = Column("AT STEP", [str(one.step) for one in found], True, 2, styles="dim")
            _tell_dropped(face, face.out.table([*columns[:2], values, steps, *columns[2:]]))

        face.out.emit(
            lambda: {
                "metric": metric,
                "best": [
                    {
                        "value": one.value,
                        "step": one.step,
                        "mode": one.mode,
                        "experiment": experiment_json(one.experiment),
                    }
                    for one in found
                ],
            },
            ids=(one.experiment.id for one in found),
            table=table,
        )
