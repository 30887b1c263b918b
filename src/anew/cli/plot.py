"""`plot`: curves in the terminal, or figures in a file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..commands.drawing import Drawn, PlotOptions, charts_of, drawn_of, plot_document
from ..plots.front import BETTER
from .curves import painted
from .face import Face, complete_experiment, reproductions_option, shared, told_left_out
from .words import one_line, plural

if TYPE_CHECKING:
    from rich.text import Text

    from ..plots.terminal import TextChart
__all__ = ["plot"]

_EVERY = 2.0  # seconds between two pictures of --follow
_FORMATS = (".png", ".svg", ".pdf", ".py")


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
    help="Write a .png, .svg or .pdf file, or a .py file: the program that draws the figure.",
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
    "--front",
    type=click.Choice(BETTER),
    help="Of --against, which ends of the axes are better, the one across first: what no other beats stands out.",
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
      anew plot k7f3 p2m8 val_loss -o loss.py
      anew plot -f "'sweep' in tags" -m val_loss --group-by lr --band ci -o lr.svg
      anew plot -f "'sweep' in tags" -m val_loss --against lr
      anew plot -f "'sweep' in tags" -m val_loss --against created_at --front low-low -o history.png
      anew plot k7f3 p2m8 val_loss --x lr
      anew plot k7f3 val_loss --attempts joined
      anew plot --all val_loss
      anew plot -f "'sweep' in tags" -m val_loss --parallel -o sweep.png
    """
    output: Path | None = options["output"]
    if output is not None and output.suffix.lower() not in _FORMATS:
        raise click.UsageError(
            f"--output ends in .png, .svg, .pdf or .py, and {output.name!r} does not."
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
    if options["front"] and (not options["against"] or output is None):
        raise click.UsageError("--front is drawn by --against, in an image file: add -o front.png.")
    if options["params"] and not options["parallel"]:
        raise click.UsageError("--param belongs to --parallel.")
    question = PlotOptions(
        experiments=names, metric=metrics, filter=options["filter"], all=options["everything"], x=options["axis"],
        attempts=options["attempts"], smooth=options["smooth"], log_x=options["log_x"], log_y=options["log_y"],
        xlabel=options["xlabel"], label=options["labels"], group_by=options["by"], band=options["band"],
        against=options["against"], result=options["result"], width=options["width"], height=options["height"],
        reproductions=options["reproductions"],
    )  # fmt: skip
    hidden: list[int] = []
    with face.store(live=options["follow"]) as store:
        drawn = drawn_of(store, question, single=not options["parallel"], left_out=hidden.append)
        if output is not None:
            from ..plots.draw import adjust_x
            from ..plots.saving import save_figure

            figure = _figure(drawn, options)
            adjust_x(figure, log_x=question.log_x, name=question.xlabel)
            save_figure(figure, output, size=options["size"])
            _wrote(face, output, drawn)
        elif options["follow"]:
            _follow(face, drawn, options["title"])
        else:
            charts = _charts(face, drawn)

            def table() -> None:
                for line in _lines(face, drawn, charts, options["title"]):
                    face.out.line(line)

            face.out.emit(plot_document(charts), table=table)
        if sum(hidden):
            face.out.say(told_left_out(sum(hidden)))


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


def _figure(drawn: Drawn, options: dict[str, Any]) -> Any:
    from .. import plots

    question = drawn.question
    store, views, metric = drawn.store, drawn.views, drawn.metrics[0]
    common: dict[str, Any] = {"title": options["title"]}
    if options["parallel"]:
        params = list(options["params"]) or None
        return plots.plot_parallel(store, views, params, metric, mode=question.result, **common)
    if question.against:
        return plots.plot_scatter(
            store, views, question.against, metric, question.result, log_y=question.log_y,
            front=options["front"], **common,
        )  # fmt: skip
    common |= {"x": drawn.x, "log_y": question.log_y}
    if question.group_by:
        return plots.plot_group(
            store, views, metric, list(question.group_by), band=question.band, **common
        )
    common |= {"smooth": question.smooth, "attempts": question.attempts}
    if len(views) == 1 and len(drawn.metrics) > 1:
        return plots.plot_metrics(store, views[0], drawn.metrics, **common)
    return plots.plot_metric(store, views, metric, label=question.label, **common)


def _wrote(face: Face, output: Path, drawn: Drawn) -> None:
    face.out.emit(
        {
            "written": str(output),
            "metrics": drawn.metrics,
            "experiments": [view.id for view in drawn.views],
        },
        table=str(output),
    )


def _charts(face: Face, drawn: Drawn) -> list[TextChart]:
    """What is drawn in the terminal; as data, the same wherever it is asked for."""
    return charts_of(drawn) if face.mode == "json" else charts_of(drawn, min(face.out.width, 160))


def _lines(
    face: Face, drawn: Drawn, charts: Sequence[TextChart], title: str | None
) -> list[str | Text]:
    """The charts line by line: title, picture, and what the letters mean."""
    lines: list[str | Text] = []
    if len(drawn.views) == 1:
        lines.append(_painted(face, [(one_line(drawn.views[0].prefix), None)]))
    for chart in charts:
        lines.append(_painted(face, [(one_line(title or chart.title), "bold")]))
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


def _follow(face: Face, drawn: Drawn, title: str | None) -> None:
    """Draw again every few seconds, until no experiment runs any more; what was drawn last stays."""
    from rich.live import Live
    from rich.text import Text

    with Live(console=face.out.console(), auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            drawn.views = [drawn.store.get(view.id) for view in drawn.views]
            running = sum(str(view.status) in ("running", "pending") for view in drawn.views)
            lines = _lines(face, drawn, _charts(face, drawn), title)
            told = f"{plural(running, 'experiment')} running; Ctrl-C leaves" if running else "ended"
            lines.append(Text(told, "dim"))
            live.update(
                Text("\n").join(Text(x) if isinstance(x, str) else x for x in lines), refresh=True
            )
            if not running:
                return
            time.sleep(_EVERY)
