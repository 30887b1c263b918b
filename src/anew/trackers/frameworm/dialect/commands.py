"""The command line: `python -m anew.dialects.frameworm list | show | compare | plot | delete | summary`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import anew

from . import frames
from .manager import ExperimentManager
from .visualization import plot_metric_comparison

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run(ExperimentManager(options.root_dir or _usual_root()), options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except anew.AnewError as error:
        print(f"frameworm: {error}", file=sys.stderr)
        return 1


def _usual_root() -> str | None:
    """`experiments`, as in frameworm, where that is a store; else None, the store that Anew uses anyway."""
    return "experiments" if os.path.isdir(os.path.join("experiments", ".anew")) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m anew.dialects.frameworm",
        description="Experiments, with the commands of frameworm; `anew` can do more.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[ExperimentManager, Any], int], help: str) -> Any:
        found = commands.add_parser(name, help=help, description=help)
        found.add_argument(
            "--root-dir", help="the store's root folder; ./experiments if that is one"
        )
        found.set_defaults(run=run)
        return found

    listing = command("list", _list, "List experiments, newest first.")
    listing.add_argument("--status", choices=[str(status) for status in anew.Status])
    listing.add_argument("--limit", type=int, default=20)
    command("show", _show, "Show one experiment.").add_argument("experiment_id")
    comparing = command("compare", _compare, "Compare experiments.")
    comparing.add_argument("experiment_ids", nargs="+")
    comparing.add_argument(
        "--metrics", action="append", help="a metric to compare; may be repeated"
    )
    plotting = command("plot", _plot, "Draw one metric of several experiments.")
    plotting.add_argument("experiment_ids", nargs="+")
    plotting.add_argument("metric_name")
    plotting.add_argument(
        "--output", help="the file to write; the metric's name with .png if not given"
    )
    deleting = command("delete", _delete, "Put an experiment in the trash.")
    deleting.add_argument("experiment_id")
    deleting.add_argument("--confirm", action="store_true", help="do not ask")
    command("summary", _summary, "Count the experiments.")
    return parser


def _list(manager: ExperimentManager, options: Any) -> int:
    frame = manager.list_experiments(status=options.status, limit=options.limit)
    print(frames.table(frame) if len(frame) else "No experiments found.")
    return 0


def _show(manager: ExperimentManager, options: Any) -> int:
    found = manager.get_experiment(options.experiment_id)
    for label in (
        "experiment_id",
        "name",
        "status",
        "created_at",
        "description",
        "git_hash",
        "tags",
        "path",
    ):
        if found[label] not in (None, "[]"):
            print(f"{label}: {found[label]}")
    for key, value in sorted(found["config"].items()):
        print(f"config.{key}: {value}")
    if found["metrics_summary"]:
        print(
            frames.pandas_module()
            .DataFrame(found["metrics_summary"].values())
            .to_string(index=False)
        )
    return 0


def _compare(manager: ExperimentManager, options: Any) -> int:
    frame = manager.compare_experiments(options.experiment_ids, options.metrics)
    print(frames.with_short_times(frame).to_string(index=False))
    return 0


def _plot(manager: ExperimentManager, options: Any) -> int:
    output = options.output or f"{options.metric_name.replace('/', '_')}.png"
    plot_metric_comparison(manager, options.experiment_ids, options.metric_name, output)
    print(f"Plot saved to {output}")
    return 0


def _delete(manager: ExperimentManager, options: Any) -> int:
    view = manager.store.get(options.experiment_id)
    if not options.confirm:
        try:
            answer = input(f"Delete experiment {view.name!r} ({view.id})? [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in ("y", "yes"):
            print("Cancelled.")
            return 1
    manager.delete_experiment(view.id)
    print(f"Deleted experiment {view.id}; `anew restore {view.id}` takes it back.")
    return 0


def _summary(manager: ExperimentManager, options: Any) -> int:
    manager.print_summary()
    return 0
