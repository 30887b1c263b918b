"""`plot`: curves in the terminal, or figures in a file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import NotFound
from .columns import headline_metrics
from .curves import painted
from .face import Face, complete_experiment, reproductions_option, shared, told_left_out
from .words import one_line, plural

if TYPE_CHECKING:
    from rich.text import Text

    from ..plots.terminal import TextChart
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["plot"]

_EVERY = 2.0  # seconds between two pictures of --follow
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
@click.option("--all", "everything", is_flag=True, help="All experiments.")
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
    default="step",
    metavar="AXIS",
    help="What the x axis shows: step, time, relative (the time since the start), or a metric.",
)
@click.option(
    "--attempts",
    type=click.Choice(["joined", "each"]),
    help="Of runs that were resumed: one curve, or a curve for each attempt.",
)
@click.option(
    "--smooth",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="WEIGHT",
    help="Smooth by an exponential moving average, 0 to 1.",
)
@click.option("--log-x", is_flag=True, help="A logarithmic x axis.")
@click.option("--log-y", is_flag=True, help="A logarithmic y axis.")
@click.option("--xlabel", metavar="TEXT", help="The name of the x axis.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="FIELD",
    help="Name the curves by this field, such as lr; may repeat.",
)
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
@click.option(
    "--size",
    metavar="WIDTHxHEIGHT",
    callback=lambda context, parameter, text: _inches(text),
    help="The size of the figure in inches, such as 3.3x2.5.",
)
@click.option(
    "--follow",
    is_flag=True,
    help="Draw again as points arrive, in the terminal, until all have ended.",
)
@click.option("--width", type=click.IntRange(20), help="Characters across, in the terminal.")
@click.option("--height", type=click.IntRange(5), help="Lines, in the terminal.")
@reproductions_option
@shared(quiet="Print nothing but errors.")  # fmt: skip
def plot(face: Face, names: tuple[str, ...], metrics: tuple[str, ...], **options: Any) -> None:
    """Draw metrics in the terminal, or to an image file.

    The last name is the metric when it is not an experiment. One metric is drawn for all experiments
    together, several are drawn in a panel each. No spike is left out: of many points the extremes are kept.

    In the terminal, each curve carries its letter; of more than five, the five best are named. `anew plot NAME --follow`
    draws running experiments again and again; `anew watch` is for all of them at once.

    \b
    Examples:
      anew plot k7f3 p2m8 val_loss
      anew plot k7f3 --follow
      anew plot k7f3 p2m8 val_loss --label lr --log-x
      anew plot k7f3 p2m8 val_loss -o paper.pdf --size 3.3x2.5 --xlabel 'iterations'
      anew plot k7f3 p2m8 val_loss -o loss.png --smooth 0.9
      anew plot k7f3 -o everything.pdf
      anew plot -f "'sweep' in tags" -m val_loss --group-by lr --band ci -o lr.svg
      anew plot -f "'sweep' in tags" -m val_loss --against lr
      anew plot k7f3 p2m8 val_loss --x lr
      anew plot k7f3 val_loss --attempts joined
      anew plot --all val_loss
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
    if output is None and options["size"]:
        raise click.UsageError(
            "--size is the size of an image file: add -o loss.png, or use --width."
        )
    if options["follow"] and (output is not None or not face.out.terminal):
        raise click.UsageError("--follow draws on a terminal: leave it out, or run it in one.")
    if options["labels"] and any(kinds):
        raise click.UsageError(
            "--label names curves of single experiments, and here there are none."
        )
    if options["params"] and not options["parallel"]:
        raise click.UsageError("--param belongs to --parallel.")
    with face.store(live=options["follow"]) as store:
        views, chosen, left_out = _meant(
            store, names, list(metrics), options["filter"],
            everything=options["everything"], reproductions=options["reproductions"],
        )  # fmt: skip
        request = _Request(store, views, chosen, options)
        if output is not None:
            from ..plots.draw import adjust_x
            from ..plots.style import save_figure

            figure = _figure(request)
            adjust_x(figure, log_x=options["log_x"], name=options["xlabel"])
            save_figure(figure, output, size=options["size"])
            _wrote(face, output, request)
        elif options["follow"]:
            _follow(face, request)
        else:
            charts = _charts(face, request)

            def table() -> None:
                for line in _lines(face, request, charts):
                    face.out.line(line)

            face.out.emit({"charts": [chart.data for chart in charts]}, table=table)
        if left_out:
            face.out.say(told_left_out(left_out))


def _inches(text: str | None) -> tuple[float, float] | None:
    """The two numbers of `--size`."""
    if text is None:
        return None
    try:
        width, height = (float(part) for part in text.lower().split("x"))
    except ValueError:
        width = height = 0.0
    if not (0.5 <= width <= 60 and 0.5 <= height <= 60):
        raise click.BadParameter(f"{text!r} is not WIDTHxHEIGHT in inches, such as 3.3x2.5.")
    return width, height


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
        if options["attempts"] and (options["by"] or options["against"] or options["parallel"]):
            raise click.UsageError("--attempts is for curves of single experiments.")
        known = dict.fromkeys(name for view in views for name in view.metrics)
        if options["axis"] not in ("step", "time", "relative"):
            options["axis"] = _whole(options["axis"], known)
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
    everything: bool,
    reproductions: bool,
) -> tuple[list[ExperimentView], list[str], int]:
    """The experiments and metrics meant by the arguments: a last name that is none of them is a metric.

    The number is how many reproductions the filter left out.
    """
    found: dict[str, ExperimentView] = {}
    left_out = 0
    if filter or everything:
        fitting = store.list(filter, reproductions=reproductions)
        found, left_out = {view.id: view for view in fitting}, fitting.left_out
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
        if filter or everything:
            fits = f"fits {filter!r}" if filter else "is in the store"
            raise NotFound(f"No experiment {fits}: there is nothing to draw.")
        raise click.UsageError("Name the experiments to plot, or give a --filter or --all.")
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
    common["attempts"] = options["attempts"]
    if len(views) == 1 and len(request.metrics) > 1:
        return plots.plot_metrics(store, views[0], request.metrics, **common)
    common["label"] = options["labels"]
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


def _charts(face: Face, request: _Request) -> list[TextChart]:
    """What is drawn in the terminal."""
    from ..plots.terminal import ChartLook, group_charts, line_charts, scatter_chart

    options = request.options
    several = len(request.metrics) > 1
    look = ChartLook(
        width=options["width"] or min(face.out.width, 160),
        height=options["height"] or (10 if several else 18),
        log_x=options["log_x"],
        log_y=options["log_y"],
        x_name=one_line(options["xlabel"] or ""),
    )
    store, views, metric = request.store, request.views, request.metrics[0]
    if options["against"]:
        return [
            scatter_chart(store, views, options["against"], metric, options["result"], look=look)
        ]
    if options["by"]:
        return [group_charts(store, views, metric, options["by"], x=options["axis"], look=look)]
    return line_charts(
        store, views, request.metrics, x=options["axis"], look=look,
        smooth=options["smooth"], label=options["labels"], attempts=options["attempts"],
    )  # fmt: skip


def _lines(face: Face, request: _Request, charts: Sequence[TextChart]) -> list[str | Text]:
    """The charts line by line: title, picture, and what the letters mean."""
    lines: list[str | Text] = []
    if len(request.views) == 1:
        lines.append(_painted(face, [(one_line(request.views[0].prefix), None)]))
    for chart in charts:
        title = request.options["title"] or chart.title
        lines.append(_painted(face, [(one_line(title), "bold")]))
        lines += [_painted(face, row) for row in chart.rows]
        for letter, name, color in chart.names:
            lines.append(
                _painted(face, [("  ", None), (letter or "•", color), (f" {one_line(name)}", "")])
            )
        if chart.remark:
            lines.append(_painted(face, [(f"  {chart.remark}", None)]))
    return lines


def _painted(face: Face, row: Sequence[tuple[str, int | str | None]]) -> str | Text:
    if not face.out.terminal:
        return "".join(text for text, _ in row).rstrip()
    return painted(row)


def _follow(face: Face, request: _Request) -> None:
    """Draw again every few seconds, until no experiment runs any more; what was drawn last stays."""
    from rich.live import Live
    from rich.text import Text

    store = request.store
    with Live(console=face.out.console(), auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            request.views = [store.get(view.id) for view in request.views]
            running = sum(str(view.status) in ("running", "pending") for view in request.views)
            lines = _lines(face, request, _charts(face, request))
            told = f"{plural(running, 'experiment')} running; Ctrl-C leaves" if running else "ended"
            lines.append(Text(told, "dim"))
            live.update(
                Text("\n").join(Text(x) if isinstance(x, str) else x for x in lines), refresh=True
            )
            if not running:
                return
            time.sleep(_EVERY)
