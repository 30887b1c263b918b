"""`plot`: curves in the terminal, or figures in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import NotFound
from .columns import headline_metrics
from .face import Face, complete_experiment, reproductions_option, shared, told_left_out
from .words import one_line

if TYPE_CHECKING:
    from ..plots.braille import Painted
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["plot"]

# Rich's names for colours near those of the figures, told apart by colour-blind eyes too.
_COLORS = ("#3C9BE6", "#E8743B", "#19B28A", "#D98AB8", "#E6B01E", "#7CC7EE", "#A0A0A0")
_FORMATS = (".png", ".svg", ".pdf")


@click.command()
@click.argument(
    "names", nargs=-1, metavar="EXPERIMENT... [METRIC]", shell_complete=complete_experiment
)
@click.option(
    "-m", "--metric", "metrics", multiple=True, metavar="NAME", help="A metric to draw; may repeat."
)
@click.option(
    "-f", "--filter", metavar="FILTER", help="Also the experiments that match this filter."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a .png, .svg or .pdf file.",
)
@click.option(
    "-x",
    "--x",
    "axis",
    type=click.Choice(["step", "time", "relative"]),
    default="step",
    help="What the x axis shows.",
)
@click.option(
    "--smooth",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="WEIGHT",
    help="Smooth by an exponential moving average, 0 to 1.",
)
@click.option("--log-y", is_flag=True, help="A logarithmic y axis.")
@click.option(
    "--group-by",
    "by",
    multiple=True,
    metavar="FIELD",
    help="Draw the mean of each group, such as lr; may repeat.",
)
@click.option(
    "--band",
    type=click.Choice(["std", "range", "ci"]),
    default="std",
    help="The band around a mean.",
)
@click.option(
    "--against",
    metavar="FIELD",
    help="Draw results against this parameter or configuration key, one dot for each experiment.",
)
@click.option(
    "--parallel", is_flag=True, help="Draw experiments as lines through their parameters."
)
@click.option(
    "-p",
    "--param",
    "params",
    multiple=True,
    metavar="FIELD",
    help="An axis of --parallel; may repeat; by default the parameters and configuration keys that differ.",
)
@click.option(
    "--result",
    type=click.Choice(["best", "last", "min", "max"]),
    default="best",
    help="Which value --against and --parallel take.",
)
@click.option("--title", help="The title.")
@click.option("--width", type=click.IntRange(20), help="Characters across, in the terminal.")
@click.option("--height", type=click.IntRange(5), help="Lines, in the terminal.")
@reproductions_option
@shared(quiet="Print nothing but errors.")  # fmt: skip
def plot(face: Face, names: tuple[str, ...], metrics: tuple[str, ...], **options: Any) -> None:
    """Draw metrics in the terminal, or to an image file.

    The last name is the metric when it is not an experiment. One metric is drawn for all experiments
    together, several are drawn in a panel each. No spike is left out: of many points the extremes are kept.

    \b
    Examples:
      anew plot k7f3 p2m8 val_loss
      anew plot k7f3 p2m8 val_loss -o loss.png --smooth 0.9
      anew plot k7f3 -o everything.pdf
      anew plot -f "'sweep' in tags" -m val_loss --group-by lr --band ci -o lr.svg
      anew plot -f "'sweep' in tags" -m val_loss --against lr
      anew plot -f "'sweep' in tags" -m val_loss --parallel -o sweep.png
    """
    output: Path | None = options["output"]
    if output is not None and output.suffix.lower() not in _FORMATS:
        raise click.UsageError(
            f"--output ends in .png, .svg or .pdf, and {output.name!r} does not."
        )
    kinds = [bool(options["by"]), options["against"] is not None, options["parallel"]]
    if sum(kinds) > 1:
        raise click.UsageError("--group-by, --against and --parallel exclude one another.")
    if options["parallel"] and output is None:
        raise click.UsageError("--parallel needs an image file: add -o parallel.png.")
    if options["params"] and not options["parallel"]:
        raise click.UsageError("--param belongs to --parallel.")
    with face.store() as store:
        views, chosen, left_out = _meant(
            store, names, list(metrics), options["filter"], reproductions=options["reproductions"]
        )
        request = _Request(store, views, chosen, options)
        if output is not None:
            from ..plots.style import save_figure

            save_figure(_figure(request), output)
            _wrote(face, output, request)
        else:
            _in_terminal(face, request)
        if left_out:
            face.out.say(told_left_out(left_out))


class _Request:
    """What to draw, of which experiments."""

    def __init__(
        self,
        store: Store,
        views: Sequence[ExperimentView],
        metrics: list[str],
        options: dict[str, Any],
    ) -> None:
        self.store, self.views, self.options = store, views, options
        self.given = bool(metrics)
        known = dict.fromkeys(name for view in views for name in view.metrics)
        self.metrics = [_whole(name, known) for name in metrics] or headline_metrics(
            views, 1 if len(views) > 1 else 8
        )
        if not self.metrics:
            raise NotFound("These experiments have logged no metric to plot.")
        if len(self.metrics) > 1 and (
            len(views) > 1 or options["by"] or options["against"] or options["parallel"]
        ):
            raise click.UsageError(
                "Several metrics are drawn for one experiment; name one metric for several experiments."
            )


def _whole(name: str, known: Iterable[str]) -> str:
    """A metric's whole name for the end of it; a name that none has is left for the chart to refuse."""
    from ..reading.compare import full_name

    return name if name in known else full_name(name, known) or name


def _meant(
    store: Store,
    names: tuple[str, ...],
    metrics: list[str],
    filter: str | None,
    *,
    reproductions: bool,
) -> tuple[list[ExperimentView], list[str], int]:
    """The experiments and metrics meant by the arguments: a last name that is none of them is a metric.

    The number is how many reproductions the filter left out.
    """
    found: dict[str, ExperimentView] = {}
    left_out = 0
    if filter:
        fitting = store.list(filter, reproductions=reproductions)
        found, left_out = {view.id: view for view in fitting}, fitting.left_out
    for position, name in enumerate(names):
        last = position == len(names) - 1 and found and not metrics
        if last and any(name in view.metrics for view in found.values()):
            metrics = [name]
            continue
        try:
            view = store.get(name)
        except NotFound:
            if last:  # let the chart say which metrics there are
                metrics = [name]
                continue
            raise
        found.setdefault(view.id, view)
    if not found:
        if filter:
            raise NotFound(f"No experiment fits {filter!r}: there is nothing to draw.")
        raise click.UsageError("Name the experiments to plot, or give a --filter.")
    return list(found.values()), metrics, left_out


def _figure(request: _Request) -> Any:
    from .. import plots

    options = request.options
    common = {"title": options["title"]}
    store, views, metric = request.store, request.views, request.metrics[0]
    if options["parallel"]:
        params = list(options["params"]) or None
        return plots.plot_parallel(store, views, params, metric, mode=options["result"], **common)
    if options["against"]:
        return plots.plot_scatter(
            store,
            views,
            options["against"],
            metric,
            options["result"],
            log_y=options["log_y"],
            **common,
        )
    common |= {"x": options["axis"], "log_y": options["log_y"]}
    if options["by"]:
        return plots.plot_group(
            store, views, metric, list(options["by"]), band=options["band"], **common
        )
    common["smooth"] = options["smooth"]
    if len(views) == 1 and len(request.metrics) > 1:
        return plots.plot_metrics(store, views[0], request.metrics, **common)
    return plots.plot_metric(store, views, metric, **common)


def _wrote(face: Face, output: Path, request: _Request) -> None:
    face.out.emit(
        {
            "written": str(output),
            "metrics": request.metrics,
            "experiments": [view.id for view in request.views],
        },
        table=str(output),
    )


def _in_terminal(face: Face, request: _Request) -> None:
    from ..plots.terminal import group_charts, line_charts, scatter_chart

    options = request.options
    width = options["width"] or min(face.out.width, 160)
    if options["against"]:
        charts = [
            scatter_chart(
                request.store, request.views, options["against"], request.metrics[0], options["result"],
                width=width, height=options["height"] or 18, log_y=options["log_y"],
            )
        ]  # fmt: skip
    elif options["by"]:
        charts = [
            group_charts(
                request.store, request.views, request.metrics[0], options["by"], x=options["axis"],
                width=width, height=options["height"] or 18, log_y=options["log_y"],
            )
        ]  # fmt: skip
    else:
        charts = line_charts(
            request.store, request.views, request.metrics, x=options["axis"], width=width,
            height=options["height"] or (18 if len(request.metrics) == 1 else 10),
            smooth=options["smooth"], log_y=options["log_y"],
        )  # fmt: skip

    def table() -> None:
        if len(request.views) == 1:
            face.out.line(one_line(request.views[0].prefix), "dim")
        for chart in charts:
            face.out.line(one_line(options["title"] or chart.title), "bold")
            for row in chart.rows:
                _painted(face, row)
            for number, name in enumerate(chart.names):
                letter = chr(ord("A") + number % 26) if chart.letters else "•"
                _painted(face, [("  ", None), (letter, number), (f" {one_line(name)}", None)])
            if chart.remark:
                face.out.line(f"  {chart.remark}", "dim")

    face.out.emit({"charts": [chart.data for chart in charts]}, table=table)


def _painted(face: Face, row: Painted) -> None:
    if not face.out.terminal:
        face.out.line("".join(text for text, _ in row).rstrip())
        return
    from rich.text import Text

    line = Text(no_wrap=True)
    for text, number in row:
        line.append(text, "dim" if number is None else _COLORS[number % len(_COLORS)])
    face.out.line(line)
