"""What every command shares: the options of where to look and how to print, and the store."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .output import Mode, Output
from .words import absolute_times, plural

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..reading.views import Experiments, ExperimentView
    from ..store import Store

__all__ = [
    "STATUSES",
    "Face",
    "complete_experiment",
    "filter_options",
    "reproductions_option",
    "selection",
    "several",
    "shared",
    "told_left_out",
]

STATUSES = ("pending", "running", "completed", "failed", "cancelled")
F = TypeVar("F", bound=Callable[..., Any])


def complete_experiment(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Ids and prefixes that begin as typed, for the shell; the index is taken as it is."""
    from click.shell_completion import CompletionItem

    from ..errors import AnewError
    from ..store import Store

    face = context.find_object(Face) or Face()
    try:
        with Store(face.root, refresh=False) as store:
            pattern = _quoted("^" + re.escape(incomplete))
            found = list(
                store.list(f"id =~ {pattern} or prefix =~ {pattern}", limit=100, reproductions=True)
            )
    except (AnewError, OSError):
        return []  # a shell has no room for an error
    return [
        CompletionItem(text, help=f"{view.prefix}, {view.status}")
        for view in found
        for text in (view.id, view.prefix)
        if text.startswith(incomplete)
    ]


class Face:
    """The shared options of one call, and what follows from them."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.mode: Mode = "human"
        self.color = True
        self._out: Output | None = None

    @property
    def out(self) -> Output:
        """Where to print."""
        if self._out is None:
            self._out = Output(self.mode, color=self.color)
        return self._out

    @contextlib.contextmanager
    def store(
        self, *, refresh: bool = True, live: bool = False, here: bool = False
    ) -> Iterator[Store]:
        """The store, its index brought up to date under a progress bar.

        Args:
            here: Where the store is a server by the settings alone, the folder of this machine that is recorded in.
            refresh: False leaves the index as it is.
            live: Whether each later question is to look for news again; else all are of one moment.
        """
        from ..store import Store

        root = self.root
        if root is None and here:
            from ..settings import load_settings

            settings = load_settings()
            root = settings.root if settings.server else None
        with Store(root, refresh=live) as store:
            if refresh:
                with self.out.progress("Reading what is new") as report:
                    store.refresh(report)
            yield store


def _set(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    face: Face = context.ensure_object(Face)
    if value is None or value is False:
        return
    if parameter.name == "root":
        face.root = value
    elif parameter.name == "dates":
        before = absolute_times.set(True)
        context.call_on_close(lambda: absolute_times.reset(before))
    elif parameter.name == "no_color":
        face.color = False
    else:
        mode: Mode = "json" if parameter.name == "as_json" else "quiet"
        if face.mode not in ("human", mode):
            raise click.UsageError("--json and --quiet exclude each other.")
        face.mode = mode
    face._out = None


def shared(*, json: bool = True, quiet: str = "Print ids alone, one per line.") -> Callable[[F], F]:
    """Give a command the options that all have; it receives the `Face` as its first argument."""
    common: dict[str, Any] = {"expose_value": False, "callback": _set, "is_eager": True}
    options = [
        click.option(
            "--root",
            metavar="ADDRESS",
            help="The store: a folder, or the URL of a server.",
            **common,
        ),
        click.option(
            "--dates",
            is_flag=True,
            help="Show times as date and time of day, not as how long ago.",
            **common,
        ),
        click.option("--no-color", is_flag=True, help="Print without colour.", **common),
        click.option("-q", "--quiet", is_flag=True, help=quiet, **common),
    ]
    if json:
        options.append(
            click.option("--json", "as_json", is_flag=True, help="Print JSON.", **common)
        )

    def decorate(function: F) -> F:
        decorated = click.pass_obj(function)
        for option in options:
            decorated = option(decorated)
        return decorated  # type: ignore[return-value]  # click keeps the parameters, not the type

    return decorate


def filter_options(function: F) -> F:
    """The options that choose experiments, for `selection`."""
    for option in (
        click.option("--user", metavar="NAME", help="Only experiments of this user."),
        click.option("--project", metavar="NAME", help="Only experiments of this project."),
        click.option("--name", metavar="NAME", help="Only experiments with this name."),
        click.option(
            "-t", "--tag", "tags", multiple=True, metavar="TAG", help="Only experiments with this tag; may repeat.",
        ),
        click.option(
            "-s", "--status", "statuses", multiple=True, metavar="STATUS", type=click.Choice(STATUSES),
            help="Only experiments with this status: pending, running, completed, failed or cancelled; may repeat.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def selection(
    store: Store,
    filter: str | None,
    *,
    statuses: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
    name: str | None = None,
    project: str | None = None,
    user: str | None = None,
    sort: str | tuple[str, ...] = "-created_at",
    limit: int | None = None,
    offset: int = 0,
    reproductions: bool = False,
) -> Experiments:
    """The experiments that the options of `filter_options` choose."""
    wanted = {tag.partition("=")[0]: tag.partition("=")[2] if "=" in tag else None for tag in tags}
    return store.list(
        filter,
        status=list(statuses) or None,
        tags=wanted or None,
        name=name,
        project=project,
        user=user,
        sort=sort,
        limit=limit,
        offset=offset,
        reproductions=reproductions,
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def reproductions_option(function: F) -> F:
    """The option that has reproductions counted too."""
    return click.option(
        "--reproductions",
        is_flag=True,
        help="Also what `anew reproduce` recorded, which is left out as it would count a result twice.",
    )(function)


def told_left_out(count: int) -> str:
    """How many reproductions were left out, as a remark; "" for none."""
    if not count:
        return ""
    return f"{plural(count, 'reproduction')} left out; --reproductions shows {'it' if count == 1 else 'them'}."


def several(
    store: Store,
    refs: tuple[str, ...],
    filter: str | None,
    *,
    reproductions: bool = True,
    left_out: Callable[[int], object] = lambda count: None,
) -> list[ExperimentView]:
    """The experiments named and those of the filter, each once, in that order.

    Args:
        reproductions: Whether the filter finds reproductions too.
        left_out: Takes how many of them it left out.

    Raises:
        NotFound: There are none: a command that acts on nothing has not done what it was asked to.
    """
    from ..commands.answers import those_of

    return those_of(store, refs, filter, reproductions=reproductions, left_out=left_out)
