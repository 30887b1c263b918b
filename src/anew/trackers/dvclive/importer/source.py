"""Folders that DVCLive writes: a run each, overwritten by the next one unless it goes on."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from ....errors import InvalidValue
from ....importing.documents import read_json, read_yaml
from ....importing.folders import files_below, plain_file
from ....importing.foreign import is_plain, is_plain_folder, walk
from ....importing.logged import number_of
from ....importing.source import Finding, Message, Row, Run, SourceFile, SourceValue, Undated
from ....importing.unplaced import say_kept
from ....values import Image, Table, Text
from .metrics import Line, histories, lines_of, merged

__all__ = ["Folders", "folders_below"]

_ALIVE_SECONDS = 600.0
_DEEPEST = 6
_MOST_FOLDERS = 20_000
_IMAGES = (".jpg", ".jpeg", ".gif", ".png")
_PLOTS = ("images", "custom", "sklearn")
_OF_PROJECTS = (".git", ".dvc")
_OF_RUNS = ("params", "metrics", "plots", "artifacts")
"""What `dvc.yaml` says of runs, besides what is to be run."""
_DOCUMENTS = frozenset({"metrics.json", "params.yaml", "dvc.yaml", ".gitignore"})
_OWN = re.compile(r"(plots|artifacts)/.+|report\.\w+|[^/]+\.dvc")


def folders_below(path: str) -> list[str]:
    """The folders of DVCLive's at a path and below, in the order of their names."""
    found: list[str] = []
    start = os.path.abspath(path)
    for seen, (at, folders, names) in enumerate(walk(start)):
        if _is_one(at, names, folders):
            found.append(at)
            folders.clear()
        elif at.count(os.sep) - start.count(os.sep) >= _DEEPEST or seen > _MOST_FOLDERS:
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
    return found


def _is_one(at: str, names: list[str], folders: list[str]) -> bool:
    """A folder of DVCLive's has histories of metrics, or its summary beside plots.

    `metrics.json` and `params.yaml` alone are in every project of DVC's, whose own they are.
    """
    if "plots" in folders and histories(at):
        return True
    return "metrics.json" in names and (
        os.path.basename(at) == "dvclive"
        or any(is_plain_folder(os.path.join(at, "plots", kind)) for kind in _PLOTS)
    )


class _Summary(NamedTuple):
    """What `metrics.json` says: the newest value of everything."""

    step: int | None
    values: Mapping[str, Any]


class Folders:
    """The folders of DVCLive's at a path.

    Raises:
        InvalidValue: There are none.
    """

    kind = "dvclive"

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._at: dict[str, str] = {}
        if not folders_below(path):
            raise InvalidValue(f"There is no folder of DVCLive's in {path}.", key="source")

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by the names of their folders."""
        self._at = {}
        for at in folders_below(self.where):
            run = self._run(at)
            if run is not None:
                yield run

    def _run(self, at: str) -> Run | None:
        params, said = self._params(at), self._summary(at)
        changed = [os.path.getmtime(path) for path in _files(at)]
        first, last = min(changed, default=0.0), max(changed, default=0.0)
        running = time.time() - last < _ALIVE_SECONDS
        if running and not os.path.exists(os.path.join(at, "metrics.json")):
            what = (
                "Its first step is not over, and DVCLive has not written its summary. Import again."
            )
            self._findings.append(Finding(at, what, False))
            return None
        key = _key(at, params, said.values)
        self._at[key] = at
        inside = os.path.relpath(at, self.where)
        parts = [] if inside == "." else inside.split(os.sep)
        if parts[-1:] == ["dvclive"] or not parts:  # the usual name says nothing
            parts = parts[:-1] or [_named(at)]
        kept: dict[str, Any] = {"folder": os.path.basename(at)}
        if said.values:
            kept["summary"] = {**said.values, "step": said.step}
        if about := self._pipeline(at):
            kept["dvc.yaml"] = about
        return Run(
            key=key, place=tuple(parts[:-1]), name=parts[-1], started=first, ended=None if running else last,
            status="running" if running else "completed", alive=last, params=params, kept=kept,
        )  # fmt: skip

    def _params(self, at: str) -> dict[str, Any]:
        found = self._document(os.path.join(at, "params.yaml"), read_yaml)
        return found if isinstance(found, dict) else {}

    def _summary(self, at: str) -> _Summary:
        found = self._document(os.path.join(at, "metrics.json"), read_json)
        if not isinstance(found, dict):
            return _Summary(None, {})
        step = found.pop("step", None)
        return _Summary(step if type(step) is int else None, found)

    def _pipeline(self, at: str) -> dict[str, Any]:
        """What DVC's own file beside the folder, or in it, says of what runs are made of and leave."""
        for folder in (at, os.path.dirname(at)):
            path = os.path.join(folder, "dvc.yaml")
            found = self._document(path, read_yaml)
            if isinstance(found, dict):
                return {name: found[name] for name in _OF_RUNS if found.get(name)}
        return {}

    def _document(self, path: str, read: Any) -> Any:
        if not os.path.lexists(path):
            return None
        try:
            return read(path)
        except (OSError, ValueError) as error:
            self._findings.append(Finding(path, f"It cannot be read: {error!s:.200}", True))
            return None

    # -- what it logged ----------------------------------------------------------------------------

    def _lines(self, run: Run) -> Iterator[Line]:
        found = histories(self._at[run.key])
        return merged([lines_of(one, run.key, self._findings) for one in found])

    def rows(self, run: Run) -> Iterator[Row | Undated]:
        """See `Source.rows`: the histories of metrics, merged by step; then what the summary alone has, once the run has ended."""
        for line in self._lines(run):
            number = _number(line.text)
            if number is not None:
                values = {line.name: number}
                beside = {**(_exact(line.name, line.text, number) or {}), **line.more} or None
                if line.time is None:
                    yield Undated(line.step, values, beside)
                else:
                    yield Row(line.step, line.time, values, beside)
        if run.status != "running":
            said, found = self._alone(run)
            if found:
                yield Undated(said, found)

    def _alone(self, run: Run) -> tuple[int | None, dict[str, float]]:
        """The numbers of metrics that were logged without a history."""
        said = self._summary(self._at[run.key])
        known = {one.name for one in histories(self._at[run.key])}
        alone = ((name, value) for name, value in _slashed(said.values, "") if name not in known)
        return said.step, {
            name: number for name, value in alone if (number := _number(value)) is not None
        }

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`: texts in histories; images and plots once the run has ended, since they are written over."""
        for line in self._lines(run):
            if _number(line.text) is None:
                at = run.started if line.time is None else line.time
                yield SourceValue(line.name, "text", line.step, at, partial(Text, line.text))
        plots = os.path.join(self._at[run.key], "plots")
        for path in _files(os.path.join(plots, "images")):
            name, step = _image_name(os.path.relpath(path, os.path.join(plots, "images")))
            if path.lower().endswith(_IMAGES) and (step is not None or run.status != "running"):
                yield SourceValue(name, "image", step, os.path.getmtime(path), partial(Image, path))
        if run.status == "running":
            return
        for kind in ("custom", "sklearn"):
            for path in _files(os.path.join(plots, kind)):
                rows = self._plotted(path)
                if rows is not None:
                    name = os.path.splitext(os.path.relpath(path, plots))[0].replace(os.sep, "/")
                    yield SourceValue(
                        name, "table", None, os.path.getmtime(path), partial(_table, rows)
                    )

    def _plotted(self, path: str) -> list[Any] | None:
        """The rows of a plot: a list of mappings, which scikit-learn's plots have below a name."""
        found = self._document(path, read_json) if path.endswith(".json") else None
        if isinstance(found, dict) and len(found) == 1:
            (found,) = found.values()
        is_table = isinstance(found, list) and found and all(isinstance(row, dict) for row in found)
        return found if is_table else None

    def messages(self, run: Run) -> Iterator[Message]:
        """DVCLive has none."""
        return iter(())

    def printed(self, run: Run) -> Iterator[str]:
        """DVCLive keeps nothing of what is printed."""
        return iter(())

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: all that DVCLive put into the folder and that comes not otherwise; images of single steps are values alone."""
        at = self._at[run.key]
        images = "plots/images/"
        known = {os.path.relpath(one.path, at).replace(os.sep, "/") for one in histories(at)}

        is_project = any(os.path.lexists(os.path.join(at, name)) for name in _OF_PROJECTS)
        named = set(_texts(self._pipeline(at))) if is_project else set()
        others: list[str] = []

        def told(inside: str) -> bool:
            if inside in known or inside in _DOCUMENTS or inside.split("/")[0] in _OF_PROJECTS:
                return True
            if not _OWN.fullmatch(inside) and not _is_among(inside, named):
                others.append(inside)
                return is_project
            return inside.startswith(images) and _image_name(inside[len(images) :])[1] is not None

        yield from files_below(at, "dvclive", run.key, self._findings, but=told)
        if is_project and others:
            what = f"It is the folder of a whole project: {len(others):,} files that neither DVCLive writes nor dvc.yaml names, such as {others[0]:.100}, are left out."
            self._findings.append(Finding(at, what, False, run.key))
        else:
            say_kept(others, at, run.key, self._findings)
        for pointer in [path for path in _files(at) if path.endswith(".dvc")]:
            if plain_file(at, os.path.relpath(pointer.removesuffix(".dvc"), at)) is None:
                what = "What it points to is kept by DVC. Run `dvc pull` or `dvc checkout`, and import again."
                self._findings.append(Finding(pointer, what, True, run.key))

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Nothing is held."""


def _texts(found: Any) -> Iterator[str]:
    """All texts in nested data, names included."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, Mapping):
        for name, value in found.items():
            yield from _texts(name)
            yield from _texts(value)
    elif isinstance(found, list):
        for value in found:
            yield from _texts(value)


def _is_among(inside: str, named: set[str]) -> bool:
    """Whether a file is named, or a folder that it lies in."""
    parts = inside.split("/")
    return any("/".join(parts[:end]) in named for end in range(1, len(parts) + 1))


def _files(folder: str) -> list[str]:
    """The plain files below a folder, in the order of their names."""
    found = []
    for at, folders, names in walk(folder):
        folders.sort()
        paths = (os.path.join(at, name) for name in sorted(names))
        found += [path for path in paths if is_plain(path)]
    return found


def _key(at: str, params: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """DVCLive gives no run a number, and the next run writes over it: it is told by its folder, its parameters and its first value.

    The first metric that was logged is the first of the summary.
    """
    digest = hashlib.sha256(repr(sorted(params.items())).encode("utf-8", "backslashreplace"))
    known = {one.name: one for one in histories(at)}
    names = [name for name, _ in _slashed(summary, "") if name in known] or sorted(known)
    if names:
        first = next(lines_of(known[names[0]], "", []), None)
        digest.update(repr((names[0], first and first[3:6])).encode("utf-8", "backslashreplace"))
    return f"{os.path.realpath(at)} {digest.hexdigest()[:16]}"


def _named(at: str) -> str:
    """The name of a folder, or of the one that it lies in where it has the usual name."""
    name = os.path.basename(at)
    return os.path.basename(os.path.dirname(at)) or name if name == "dvclive" else name


def _slashed(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _slashed(value, f"{above}{name}/")
        else:
            yield f"{above}{name}", value


def _number(value: Any) -> float | None:
    """A number as DVCLive writes it; None for a text."""
    if not isinstance(value, str):
        return number_of(value)
    text = value.strip().lower()
    if text in ("true", "false"):
        return float(text == "true")
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _exact(name: str, text: str, number: float) -> dict[str, int] | None:
    """A whole number that a float has no room for, as it was."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 1000 and int(text) != number:
        return {name: int(text)}
    return None


def _image_name(inside: str) -> tuple[str, int | None]:
    """The name of an image, and its step where it is one of a folder with an image for each step."""
    inside = inside.replace(os.sep, "/")
    folder, _, name = inside.rpartition("/")
    stem = os.path.splitext(name)[0]
    if folder and stem.isascii() and stem.isdigit() and len(stem) < 19:
        return folder, int(stem)
    return inside, None


def _table(rows: list[Any]) -> Table:
    columns = list(dict.fromkeys(str(name) for row in rows for name in row))
    return Table(columns=columns, data=[[row.get(name) for name in columns] for row in rows])
