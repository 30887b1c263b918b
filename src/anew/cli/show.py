"""`show`: one experiment, whole."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..commands.answers import show_document
from ..plots.labels import flat
from .columns import STATUS_STYLES, sparklines
from .face import Face, complete_experiment, shared
from .forward import told
from .open import values_table
from .table import Column, width_of
from .words import (
    ago,
    duration,
    moment,
    number,
    one_line,
    plural,
    printable,
    shortened,
    size,
    value,
)

if TYPE_CHECKING:
    from ..forwarders.later import Forwarded
    from ..importing.kept import Imported, LeftOut, Missing
    from ..reading.views import ExperimentView
    from ..store import Store
    from ..syncer.standing import Whereabouts

__all__ = ["show"]

_MOST_FILES = 10
_MOST_METRICS = 50
_MOST_KEYS = 60
_MOST_CHANGED = 5


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.option("--system", is_flag=True, help="Also the metrics of the machine (system/...).")
@click.option("--all", "everything", is_flag=True, help="Show everything, and shorten nothing.")
@shared(quiet="Print the folder alone; the id where it has none on this machine.")
def show(face: Face, experiment: str, system: bool, everything: bool) -> None:
    """Show everything about one experiment.

    \b
    Examples:
      anew show k7f3
      anew show alice/vision/resnet50 --all
      anew show k7f3 --json | jq .params
      cd $(anew show k7f3 -q)
    """
    with face.store() as store:
        view = store.get(experiment)

        def document() -> object:
            forwarded = [{**asdict(one), "complete": one.complete} for one in _forwarded(view)]
            synced = [asdict(one) for one in _synced(store, view)]
            return {
                **show_document(view),
                "forwarded": forwarded,
                "synced": synced,
                "import": _import_document(store, view),
            }

        def table() -> None:
            _facts(face, view, _synced(store, view))
            _mapping(face, "Parameters", flat(view.params), everything)
            _corrections(face, view)
            _mapping(face, "Configuration", flat(view.config or {}), everything)
            _openings(face, view)
            _imported(face, store, view, everything)
            _metrics(face, store, view, system or everything, everything)
            _values(face, view, everything)
            _files(face, view, everything)
            if view.error:
                _heading(face, "Error")
                for line in printable(view.error).rstrip().split("\n"):
                    face.out.line(f"  {line}", "red")

        face.out.emit(document, ids=[str(view.local_path or view.id)], table=table)


def _when(then: float, now: float) -> str:
    said, past = moment(then), ago(then, now)
    return said if past == said else f"{said} ({past})"


def _forwarded(view: ExperimentView) -> list[Forwarded]:
    """How far it has come to other trackers, where that is known here."""
    return view.forwarded if view.local_path is not None else []


def _synced(store: Store, view: ExperimentView) -> list[Whereabouts]:
    """How far it has come to the servers that it was recorded for, where that is known here."""
    if view.local_path is None:
        return []
    from ..syncer.standing import whereabouts

    return whereabouts(store.root, view.id)


def _origin(
    store: Store, view: ExperimentView
) -> tuple[Imported | None, list[Missing], list[LeftOut]]:
    """What the newest import that is on record here says of an experiment that was imported."""
    said = view.captured.get("imported")
    if said is None or view.local_path is None:
        return None, [], []
    from ..importing.kept import about, imports_of

    return about(imports_of(store.root), view.id, f"{said.get('from')} {said.get('source')}")


def _import_document(store: Store, view: ExperimentView) -> dict[str, Any] | None:
    one, missing, left = _origin(store, view)
    if one is None:
        return None
    import msgspec

    document = {"at": one.t, "by": one.user, "source": one.source, "missing": missing, "left": left}
    return {name: msgspec.to_builtins(value) for name, value in document.items()}


def _imported(face: Face, store: Store, view: ExperimentView, everything: bool) -> None:
    """Where an imported experiment comes from, how much of it there is, and what of that is not here."""
    said = view.captured.get("imported")
    if said is None:
        return
    one, missing, left = _origin(store, view)
    _heading(face, "Imported")
    when = "" if one is None else f", {moment(one.t)}"
    _pair(face, "  from", one_line(f"{said.get('from')} {said.get('source')}{when}"), width=10)
    _pair(face, "  run", one_line(str(said.get("key"))), width=10)
    account = said.get("account")
    if isinstance(account, Mapping):
        counts = [
            f"{kind} {held[0]:,}"
            for kind, held in account.items()
            if isinstance(held, list) and held
        ]
        _pair(face, "  there", ", ".join(counts) or "nothing logged", width=10)
    shown = _MOST_KEYS if not everything else len(missing) + len(left)
    told = [
        (f"missing: {each.kind} {each.name}: {each.there:,} there, {each.here:,} here", "red")
        for each in missing
    ]
    told += [(f"{each.where}: {each.what}", "red" if each.lost else "dim") for each in left]
    for text, style in told[:shown]:
        face.out.line(f"  {one_line(text)}", style)
    if len(told) > shown:
        face.out.line(f"  and {len(told) - shown:,} more; --all shows them.", "dim")
    face.out.line()


def _on_server(one: Whereabouts) -> str:
    if one.complete:
        return f"all on {one.to}{f' as {one.filed}' if one.filed else ''}"
    return f"not all on {one.to} yet{f': {one.why}' if one.why else ''}"


def _heading(face: Face, text: str) -> None:
    face.out.line(text, "bold")


def _facts(face: Face, view: ExperimentView, synced: list[Whereabouts]) -> None:
    now = time.time()
    status = f"{view.status}" + (f": {one_line(view.reason)}" if view.reason else "")
    parent = f"{view.parent} ({view.relation})" if view.parent else ""
    rows = [
        ("id", view.id, "bold"),
        ("name", view.name, ""),
        ("prefix", view.prefix, ""),
        ("status", status, STATUS_STYLES.get(str(view.status), "")),
        ("description", view.description or "", ""),
        ("tags", " ".join(k if v is None else f"{k}={v}" for k, v in view.tags.items()), "magenta"),
        ("bindrs", " ".join(view.bindrs), ""),
        ("created", _when(view.created_at, now), ""),
        ("took", duration(view.duration), ""),
        ("by", f"{view.user or ''}{f' on {view.host}' if view.host else ''}".strip(), ""),
        ("source", _source(view), ""),
        ("parent", parent, ""),
        ("folder", str(view.local_path or ""), ""),
        ("lost", f"{plural(view.lost, 'record')} could not be written" if view.lost else "", "red"),
    ]
    rows += [
        (
            "conflict",
            f"{what} was set to {_set_to(other)} as well, by somebody who had not seen this",
            "yellow",
        )
        for what, other in view.contested.items()
    ]
    rows += [
        ("forwarded", told(one), "" if one.error is None else "red") for one in _forwarded(view)
    ]
    rows += [("server", _on_server(one), "" if one.complete else "yellow") for one in synced]
    for name, text, style in rows:
        if text:
            _pair(face, name, one_line(text), style)
    if view.notes:
        _pair(face, "notes", "", "")
        for line in printable(view.notes).rstrip().split("\n"):
            face.out.line(f"    {line}")
    face.out.line()


def _set_to(other: Any) -> str:
    """The value that does not count of two that were set side by side."""
    if isinstance(other, bool):
        return "a plain tag" if other else "no tag"
    return repr(other) if isinstance(other, str) else value(other)


def _source(view: ExperimentView) -> str:
    """The code it ran: what is not known is never left out as if there were nothing to say."""
    git: Mapping[str, Any] = view.git
    problems = view.captured.get("problems")
    why = problems.get("code") if isinstance(problems, dict) else None
    parts = [str(git.get("commit") or "")[:12], f"on {git['branch']}" if git.get("branch") else ""]
    if git.get("dirty"):
        parts.append(f"with uncommitted changes{_changed(git)}")
    elif git.get("repository") is False:
        parts.append("not in a git repository")
    elif git.get("dirty") is None and (git or why):
        parts.append(
            "(whether there were uncommitted changes is unknown" + (f": {why})" if why else ")")
        )
    return " ".join(part for part in parts if part)


def _changed(git: Mapping[str, Any]) -> str:
    """The first files that were changed, what programs leave behind last."""
    outputs = set(git.get("outputs") or ())
    names = sorted(map(str, git.get("changed") or ()), key=lambda name: name in outputs)
    more = int(git.get("changed_count") or 0) - len(names[:_MOST_CHANGED])
    told = ", ".join(names[:_MOST_CHANGED]) + (f" and {more} more" if more > 0 else "")
    return f" to {told}" if names else ""


def _pair(face: Face, name: str, text: str, style: str = "", width: int = 12) -> None:
    if not face.out.terminal:
        face.out.line(f"{name:<{width}} {text}".rstrip())
        return
    from rich.text import Text

    face.out.line(Text(f"{name:<{width}} ", "dim") + Text(text, style))


def _mapping(face: Face, title: str, values: Mapping[str, Any], whole: bool) -> None:
    if not values:
        return
    _heading(face, title)
    shown = list(values.items())[: None if whole else _MOST_KEYS]
    width = min(40, max(width_of(one_line(key)) for key, _ in shown))
    # A long text takes one line, of a terminal as of a file.
    room = max(20, face.out.width - width - 4) if face.out.terminal else 200
    for key, one in shown:
        text = value(one)
        _pair(face, f"  {one_line(key)}", text if whole else shortened(text, room), width=width + 2)
    if len(shown) < len(values):
        more = plural(len(values) - len(shown), "more key")
        face.out.line(f"  and {more}; --all shows them.", "dim")
    face.out.line()


def _corrections(face: Face, view: ExperimentView) -> None:
    """What somebody changed afterwards, beside what the program had set."""
    if not view.corrected:
        return
    _heading(face, "Corrected afterwards")
    now, values = time.time(), flat(view.params)
    for name, one in sorted(view.corrected.items()):
        was = "nothing" if one.missing else value(one.was)
        text = f"was {was}, is {value(values[name]) if name in values else 'taken away'}"
        by = f" by {one.by}" if one.by else ""
        why = f": {one.why}" if one.why else ""
        _pair(face, f"  {one_line(name)}", one_line(f"{text} ({ago(one.at, now)}{by}{why})"))
    face.out.line()


def _openings(face: Face, view: ExperimentView) -> None:
    """How an experiment was continued: when, by which command, with which other configuration."""
    if len(view.openings) < 2:
        return
    _heading(face, f"Openings ({len(view.openings)})")
    first = flat(view.config or {})
    for number_, one in enumerate(view.openings, 1):
        took = f" after {duration(one.duration)}" if one.duration is not None else ""
        text = f"{moment(one.started_at)}  {one.status}{took}  {one_line(shlex.join(one.command))}"
        _pair(face, f"  {number_}", shortened(text, 200), width=5)
        if one.config is not None:
            own = flat(one.config)
            keys = sorted(
                k for k in first | own if k not in first or k not in own or first[k] != own[k]
            )
            said = ", ".join(f"{k}={value(own[k])}" if k in own else f"no {k}" for k in keys)
            _pair(face, "", shortened(f"continued with {one_line(said)}", 200), width=5)
    face.out.line()


def _metrics(
    face: Face, store: Store, view: ExperimentView, system: bool, everything: bool
) -> None:
    wanted = [name for name in view.metrics if system or not name.startswith("system/")]
    hidden = len(view.metrics) - len(wanted)
    names = wanted if everything else wanted[:_MOST_METRICS]
    if names:
        _heading(face, "Metrics")
        views = [view.metrics[name] for name in names]
        lines = sparklines(store, [view], names, face.out)
        columns = [
            Column("  NAME", [f"  {one_line(name)}" for name in names], least=14),
            Column("LAST", [number(one.last) for one in views], True, styles="bold"),
            Column("", [lines.get((view.id, name), "") for name in names], styles="blue"),
            Column("MIN", [number(one.min) for one in views], True, 2),
            Column("AT", [_step(one.min_step) for one in views], True, 3, styles="dim"),
            Column("MAX", [number(one.max) for one in views], True, 2),
            Column("AT", [_step(one.max_step) for one in views], True, 3, styles="dim"),
            Column("POINTS", [f"{one.count:,}" for one in views], True, 4, styles="dim"),
        ]
        if any(one.nonfinite for one in views):
            bad = [f"{one.nonfinite:,}" if one.nonfinite else "" for one in views]
            columns.append(Column("NaN, inf", bad, True, 1, styles="red"))
        face.out.table(columns)
    if len(names) < len(wanted):
        more = plural(len(wanted) - len(names), "more metric")
        face.out.line(f"  and {more}; --all shows them.", "dim")
    if hidden:
        face.out.line(f"  {plural(hidden, 'metric')} of the machine; --system shows them.", "dim")
    if names or hidden:
        face.out.line()


def _step(step: int | None) -> str:
    return "" if step is None else str(step)


def _values(face: Face, view: ExperimentView, everything: bool) -> None:
    """Images, tables and other values, a line for each name."""
    values = view.values()
    if not values:
        return
    names = list(dict.fromkeys((one.name, one.kind) for one in values))
    shown = set(names if everything else names[:_MOST_METRICS])
    _heading(face, f"Values ({len(values):,})")
    values_table(face, [one for one in values if (one.name, one.kind) in shown], "  ")
    if len(shown) < len(names):
        more = plural(len(names) - len(shown), "more name")
        face.out.line(f"  and {more}; --all shows them.", "dim")
    face.out.line(f"  `anew open {view.id} NAME` shows one.", "dim")
    face.out.line()


def _files(face: Face, view: ExperimentView, everything: bool) -> None:
    files = list(view.files)
    if not files:
        return
    total = sum(one.size for one in files)
    _heading(face, f"Files ({len(files):,}, {size(total)})")
    shown = files if everything else files[-_MOST_FILES:]
    for one in shown:
        where = f"{one.prefix}/{one.name}" if one.prefix else one.name
        _pair(face, f"  {size(one.size):>9}", one_line(where), width=11)
    if len(shown) < len(files):
        face.out.line(
            f"  and {len(files) - len(shown)} older; `anew files {view.id}` lists them.", "dim"
        )
    face.out.line()
