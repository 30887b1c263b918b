"""`compare`: experiments side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..plots.labels import flat, short_keys
from ..reading.headline import headline_metrics
from .columns import STATUS_STYLES, short_ids, telling_params
from .face import (
    Face,
    complete_experiment,
    reproductions_option,
    several,
    shared,
    told_left_out,
)
from .table import Column, cut, fitted, joined, name_cutter
from .words import ago, duration, number, one_line, value

if TYPE_CHECKING:
    from ..reading.results import Comparison
    from ..reading.views import ExperimentView

__all__ = ["compare"]


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option(
    "-f", "--filter", metavar="FILTER", help="Also the experiments that match this filter."
)
@click.option(
    "-m", "--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric; may repeat."
)
@click.option(
    "--mode",
    type=click.Choice(["min", "max"]),
    help="Whether smaller or larger is better; by default decided by the metric's name.",
)
@reproductions_option
@shared(quiet="Print nothing but errors.")
def compare(
    face: Face,
    experiments: tuple[str, ...],
    filter: str | None,
    metrics: tuple[str, ...],
    mode: Any,
    reproductions: bool,
) -> None:
    """Compare experiments: results, and the parameters and configuration keys that differ.

    What differs comes first, what is the same for all stands in one line above; of each metric the best and the
    latest value are shown, and a * marks the best of all, where the metric's name or --mode says what is better.

    compare is for which one did better and with which settings. `anew diff` is for why two came out differently: it
    compares every point, and the code, packages, seeds, hardware and data. `anew check` is diff with a baseline, for
    continuous integration.

    \b
    Examples:
      anew compare k7f3 p2m8 alice/vision/vae
      anew compare k7f3 p2m8 -m val_loss -m val_acc
      anew compare -f "'sweep-3' in tags" --json
    """
    if not experiments and not filter:
        raise click.UsageError("Name the experiments to compare, or give a --filter.")
    hidden: list[int] = []
    with face.store() as store:
        views = several(
            store, experiments, filter, reproductions=reproductions, left_out=hidden.append
        )
        comparison = store.compare([view.id for view in views], list(metrics) or None, mode=mode)

    def table() -> None:
        rows = _rows(comparison, views)
        ids = [one["id"] for one in comparison.experiments]
        if not face.out.terminal:
            face.out.table(_across(ids, rows))
            return
        ids = short_ids(ids)
        same = [row for row in rows if len(ids) > 1 and row.is_shared]
        differing = [row for row in rows if row not in same]
        across = _across(ids, differing)
        if fitted(across, face.out.width)[2]:
            dropped = face.out.table(_down(ids, rows))
        else:
            parts = [f"{row.fold}{one_line(row.cells[0])}" for row in same if row.cells[0]]
            above = joined(parts, face.out.width, face.out.dot)
            if above:
                face.out.line(above, "dim")
            dropped = face.out.table(across)
        if dropped:
            shown = ", ".join(dropped[:_MOST_DROPPED])
            more = (
                f" and {len(dropped) - _MOST_DROPPED} more" if len(dropped) > _MOST_DROPPED else ""
            )
            face.out.say(
                f"Not wide enough for: {shown}{more} (--metric chooses, --json has everything)."
            )

    face.out.emit(
        {**comparison.to_dict(), "modes": comparison.modes, "left_out": sum(hidden)}, table=table
    )
    if any(hidden):
        face.out.say(told_left_out(sum(hidden)))


_MOST_DROPPED = 6


@dataclass(frozen=True)
class _Row:
    """One fact of all experiments: a row where they stand side by side, a column where they stand below one another.

    Attributes:
        fold: What stands before its value in the line above, where all experiments share it.
        weight: As of a `Column`.
        right: Whether it is aligned to the right as a column.
        name: Whether the cells are the experiments' names.
    """

    title: str
    cells: list[str]
    styles: list[str]
    fold: str
    weight: int
    right: bool = True
    name: bool = False

    @property
    def is_shared(self) -> bool:
        return not self.name and len(set(self.cells)) == 1


def _rows(comparison: Comparison, views: Sequence[ExperimentView]) -> list[_Row]:
    """What differs first, then results, the most telling first, then when the experiments ran."""
    now = time.time()
    facts = comparison.experiments
    statuses = [str(one["status"]) for one in facts]
    plain = [""] * len(facts)
    dim = ["dim"] * len(facts)
    names = [one_line(one["name"]) for one in facts]
    rows = [_Row("name", names, plain, "", 0, False, True)]
    shown: dict[str, list[str]] = {}
    for differing, settings in (
        (comparison.params, [flat(view.params) for view in views]),
        (comparison.config, [flat(view.config or {}) for view in views]),
    ):
        order = telling_params(settings)
        keys = [key for key in order if key in differing]
        keys += [key for key in differing if key not in order]
        for key, short in zip(keys, short_keys(keys), strict=True):
            cells = [value(differing[key].get(one["id"])) for one in facts]
            title = one_line(short if shown.get(short, cells) == cells else key)
            if shown.setdefault(title, cells) is not cells:
                continue  # a parameter that the configuration has too
            rows.append(_Row(title, cells, plain, f"{title}=", len(rows) * 2))
    styles = [STATUS_STYLES.get(one, "") for one in statuses]
    rows.append(_Row("status", statuses, styles, "", 1, False))
    ranks = {
        name: rank for rank, name in enumerate(headline_metrics(views, len(comparison.metrics)))
    }
    for name, by_id in sorted(
        comparison.metrics.items(), key=lambda item: ranks.get(item[0], len(ranks))
    ):
        mode = comparison.modes.get(name, "min")
        rank = ranks.get(name, len(ranks))
        for part, title in (("best", f"{mode} {name}"), ("latest", f"last {name}")):
            values = [by_id.get(one["id"], {}).get(part) for one in facts]
            # Without a direction nobody is the best.
            winners = set() if name in comparison.undirected else _winners(values, mode)
            cells = [
                f"{number(one)}{'*' if index in winners else ''}"
                for index, one in enumerate(values)
            ]
            styles = ["bold green" if index in winners else "" for index in range(len(values))]
            weight = 3 + 2 * rank if part == "best" else 1000 + rank
            rows.append(_Row(one_line(title), cells, styles, f"{one_line(title)} ", weight))
    created = [ago(one["created_at"], now) for one in facts]
    took = [duration(one["duration"]) for one in facts]
    rows += [
        _Row("created", created, dim, "created ", 13),
        _Row("took", took, dim, "took ", 14),
    ]
    return rows


def _winners(values: Sequence[float | None], mode: str) -> set[int]:
    finite = [one for one in values if one is not None and one == one]
    if len(finite) < 2:
        return set()
    top = min(finite) if mode == "min" else max(finite)
    winners = {index for index, one in enumerate(values) if one == top}
    return winners if len(winners) < len(finite) else set()


def _across(ids: Sequence[str], rows: Sequence[_Row]) -> list[Column]:
    """A column per experiment: what one wants for a few of them."""
    columns = [Column("", [row.title for row in rows], styles="dim", least=16)]
    names = next((row.cells for row in rows if row.name), [])
    shorten = name_cutter(names)
    for index, one in enumerate(ids):
        cells = [row.cells[index] for row in rows]
        styles = [row.styles[index] for row in rows]
        # Only the name is a name, and a column of another experiment is never left out for it.
        columns.append(Column(one, cells, True, 1, 12, styles, shorten=_only(names, shorten)))
    return columns


def _only(names: Sequence[str], shorten: Callable[[str, int], str]) -> Callable[[str, int], str]:
    return lambda text, width: shorten(text, width) if text in names else cut(text, width, False)


def _down(ids: Sequence[str], rows: Sequence[_Row]) -> list[Column]:
    """A row per experiment: what fits when there are many."""
    columns = [Column("ID", ids, styles="bold")]
    for row in rows:
        shorten = name_cutter(row.cells) if row.name else None
        least = 20 if row.name else 6
        columns.append(
            Column(
                row.title, row.cells, row.right, row.weight, least, row.styles,
                shorten=shorten, folds=None if row.name else row.fold,
            )
        )  # fmt: skip
    return columns
