"""`compare`: experiments side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .columns import STATUS_STYLES
from .face import Face, complete_experiment, several, shared
from .table import Column, fitted
from .words import ago, duration, number, one_line, value

if TYPE_CHECKING:
    from ..reading.results import Comparison

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
@shared(quiet="Print nothing but errors.")
def compare(
    face: Face,
    experiments: tuple[str, ...],
    filter: str | None,
    metrics: tuple[str, ...],
    mode: Any,
) -> None:
    """Compare experiments: results, and the parameters and configuration keys that differ.

    The best and the latest value of each metric are shown; a * marks the best of all.

    \b
    Examples:
      anew compare k7f3 p2m8 alice/vision/vae
      anew compare k7f3 p2m8 -m val_loss -m val_acc
      anew compare -f "'sweep-3' in tags" --json
    """
    if not experiments and not filter:
        raise click.UsageError("Name the experiments to compare, or give a --filter.")
    with face.store() as store:
        views = several(store, experiments, filter)
        comparison = store.compare([view.id for view in views], list(metrics) or None, mode=mode)

    def table() -> None:
        across = _across(comparison)
        if face.out.terminal and fitted(across, face.out.width)[2]:
            across = _down(comparison)
        dropped = face.out.table(across)
        if dropped:
            face.out.say(f"Not wide enough for: {', '.join(dropped)} (--json has everything).")

    face.out.emit({**comparison.to_dict(), "modes": comparison.modes}, table=table)


def _rows(comparison: Comparison) -> list[tuple[str, list[str], list[str]]]:
    """`(title, cell per experiment, style per experiment)` for facts, metrics and parameters."""
    now = time.time()
    facts = comparison.experiments
    statuses = [str(one["status"]) for one in facts]
    plain = [""] * len(facts)
    rows = [
        ("name", [one_line(one["name"]) for one in facts], plain),
        ("status", statuses, [STATUS_STYLES.get(one, "") for one in statuses]),
        ("created", [ago(one["created_at"], now) for one in facts], ["dim"] * len(facts)),
        ("took", [duration(one["duration"]) for one in facts], ["dim"] * len(facts)),
    ]
    for name, by_id in comparison.metrics.items():
        mode = comparison.modes.get(name, "min")
        for part, title in (("best", f"{mode} {name}"), ("latest", f"last {name}")):
            values = [by_id.get(one["id"], {}).get(part) for one in facts]
            winners = _winners(values, mode)
            cells = [
                f"{number(one)}{'*' if index in winners else ''}"
                for index, one in enumerate(values)
            ]
            styles = ["bold green" if index in winners else "" for index in range(len(values))]
            rows.append((one_line(title), cells, styles))
    for differing in (comparison.params, comparison.config):
        for key, values_by_id in differing.items():
            cells = [value(values_by_id.get(one["id"])) for one in facts]
            rows.append((one_line(key), cells, plain))
    return rows


def _winners(values: Sequence[float | None], mode: str) -> set[int]:
    finite = [one for one in values if one is not None and one == one]
    if len(finite) < 2:
        return set()
    top = min(finite) if mode == "min" else max(finite)
    winners = {index for index, one in enumerate(values) if one == top}
    return winners if len(winners) < len(finite) else set()


def _across(comparison: Comparison) -> list[Column]:
    """A column per experiment: what one wants for a few of them."""
    rows = _rows(comparison)
    columns = [Column("", [title for title, _, _ in rows], styles="dim")]
    for index, one in enumerate(comparison.experiments):
        columns.append(
            Column(
                one["id"],
                [cells[index] for _, cells, _ in rows],
                True,
                1,
                8,
                [styles[index] for _, _, styles in rows],
            )
        )
    return columns


def _down(comparison: Comparison) -> list[Column]:
    """A row per experiment: what fits when there are many."""
    columns = [Column("ID", [one["id"] for one in comparison.experiments], styles="bold")]
    for rank, (title, cells, styles) in enumerate(_rows(comparison)):
        columns.append(
            Column(title, cells, title not in ("name", "status"), min(rank, 9), 6, styles)
        )
    return columns
