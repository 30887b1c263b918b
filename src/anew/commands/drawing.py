"""What `plot` draws: the curves as data, which a terminal shows as characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import InvalidValue, NotFound
from ..reading.headline import headline_metrics

if TYPE_CHECKING:
    from ..plots.terminal import TextChart
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["Drawn", "PlotOptions", "charts_of", "drawn_of", "plot_document"]

_AXES = ("step", "time", "relative")
_WIDTH = 80


class PlotOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew plot` without an image file.

    Attributes:
        experiments: The last may be a metric.
        all: All experiments.
        x: "step", "time", "relative" (the time since the start), or a metric.
        attempts: Of runs that were resumed: one curve, or a curve for each attempt.
        smooth: The weight of an exponential moving average, 0 to 1.
        label: Fields by which the curves are named.
        group_by: Fields; then a curve for the mean of each group.
        against: A parameter or a configuration key; then a point for each experiment, with its `result`.
        width: Characters across: so many points are told apart.
    """

    experiments: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    filter: str | None = None
    all: bool = False
    x: str = "step"
    attempts: Literal["joined", "each"] | None = None
    smooth: float = 0.0
    log_x: bool = False
    log_y: bool = False
    xlabel: str | None = None
    label: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    band: Literal["std", "range", "ci"] = "std"
    against: str | None = None
    result: Literal["best", "last", "min", "max"] = "best"
    width: int | None = None
    height: int | None = None
    reproductions: bool = False


@dataclass
class Drawn:
    """What is drawn, of which experiments.

    Attributes:
        views: Can be read again, as they run.
        x: The axis, a metric by its whole name.
    """

    store: Store
    views: list[ExperimentView]
    metrics: list[str]
    x: str
    question: PlotOptions


def drawn_of(
    store: Store,
    question: PlotOptions,
    *,
    single: bool = True,
    left_out: Callable[[int], object] = lambda count: None,
) -> Drawn:
    """The experiments and metrics meant by the options: a last name that is no experiment is a metric.

    Args:
        single: Whether the curves are those of experiments one by one.
        left_out: Takes how many reproductions the filter left out.

    Raises:
        NotFound: There is nothing to draw.
        InvalidValue: The options contradict each other.
    """
    views, metrics = _meant(store, question, left_out)
    alone = single and not (question.group_by or question.against)
    if question.against and question.group_by:
        raise InvalidValue("group_by and against exclude one another.", key="against")
    if not 0 <= question.smooth < 1:
        raise InvalidValue("smooth is a weight from 0 to below 1.", key="smooth")
    if question.attempts and not alone:
        raise InvalidValue("Attempts are those of single experiments.", key="attempts")
    if question.label and not alone:
        raise InvalidValue(
            "A label names curves of single experiments, and here there are none.", key="label"
        )
    known = dict.fromkeys(name for view in views for name in view.metrics)
    chosen = [_whole(name, known) for name in metrics] or headline_metrics(
        views, 1 if len(views) > 1 else 8
    )
    if not chosen:
        raise NotFound("These experiments have logged no metric to plot.")
    if len(chosen) > 1 and (len(views) > 1 or not alone):
        raise InvalidValue(
            "Several metrics are drawn for one experiment; name one metric for several experiments.",
            key="metric",
        )
    x = question.x if question.x in _AXES else _whole(question.x, known)
    return Drawn(store, views, chosen, x, question)


def charts_of(drawn: Drawn, width: int = _WIDTH) -> list[TextChart]:
    """The charts, a character for each cell, and the points that are in them."""
    from ..plots.terminal import ChartLook, group_charts, line_charts, scatter_chart

    question, metric = drawn.question, drawn.metrics[0]
    look = ChartLook(
        width=min(question.width or width, 1000),
        height=min(question.height or (10 if len(drawn.metrics) > 1 else 18), 1000),
        log_x=question.log_x,
        log_y=question.log_y,
        x_name=" ".join((question.xlabel or "").split()),
    )
    if question.against:
        return [scatter_chart(drawn.store, drawn.views, question.against, metric, question.result, look=look)]  # fmt: skip
    if question.group_by:
        return [group_charts(drawn.store, drawn.views, metric, question.group_by, x=drawn.x, look=look)]  # fmt: skip
    return line_charts(
        drawn.store, drawn.views, drawn.metrics, x=drawn.x, look=look,
        smooth=question.smooth, label=question.label, attempts=question.attempts,
    )  # fmt: skip


def plot_document(charts: Iterable[TextChart]) -> dict[str, Any]:
    """What `plot` answers."""
    return {"charts": [chart.data for chart in charts]}


def _whole(name: str, known: Iterable[str]) -> str:
    """A metric's whole name for the end of it; a name that none has is left for the chart to refuse."""
    from ..reading.compare import full_name

    return name if name in known else full_name(name, known) or name


def _meant(
    store: Store, question: PlotOptions, left_out: Callable[[int], object]
) -> tuple[list[ExperimentView], list[str]]:
    found: dict[str, ExperimentView] = {}
    metrics, names = list(question.metric), question.experiments
    if question.filter or question.all:
        fitting = store.list(question.filter, reproductions=question.reproductions)
        found = {view.id: view for view in fitting}
        left_out(fitting.left_out)
    for position, name in enumerate(names):
        last = position == len(names) - 1 and found and not metrics
        if last and any(name in view.metrics for view in found.values()):
            metrics = [name]
            continue
        try:
            view = store.get(name)
        except NotFound as error:
            if last:  # let the chart say which metrics there are
                metrics = [name]
                continue
            if not found and len(names) == 1 and not error.nearest:
                raise NotFound(
                    f"There is no experiment {name!r}. If it is a metric, name experiments before it, or draw all with --all.",
                    name=name,
                ) from None
            raise
        found.setdefault(view.id, view)
    if not found:
        if question.filter or question.all:
            fits = f"fits {question.filter!r}" if question.filter else "is in the store"
            raise NotFound(f"No experiment {fits}: there is nothing to draw.")
        raise InvalidValue("Name the experiments to plot, or give a --filter or --all.")
    return list(found.values()), metrics
