"""Tables as runs: one for each file, or for each value of the column that says which run a row is of."""

from __future__ import annotations

import json
import os
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from blake3 import blake3

from ....errors import InvalidValue
from ....importing.documents import read_yaml
from ....importing.folders import links_below
from ....importing.foreign import walk
from ....importing.source import (
    Finding,
    Message,
    Outcome,
    Points,
    Row,
    Run,
    SourceFile,
    SourceValue,
    Undated,
)
from ....record.plain import nest
from ....values.text import Text
from .cells import EMPTY, number_in, step_in, time_in, typed
from .mapping import Columns, Said, resolved
from .reading import Record, TableFile, has_name_of_table, is_table

__all__ = ["Tables", "tables_below"]

_ROWS = 4_000
_MOST_TOLD = 100
_MOST_FILES = 100_000
_RUNNING = 30.0
"""Seconds since its last change for which a file is taken to be written."""
_EXACT = 1 << 53
_GENERIC = frozenset(
    {
        "metrics",
        "metric",
        "log",
        "logs",
        "progress",
        "history",
        "results",
        "result",
        "data",
        "train",
        "training",
    }
)
_OUTCOMES: dict[str, Outcome] = {
    "completed": "completed", "complete": "completed", "finished": "completed", "success": "completed", "succeeded": "completed",
    "done": "completed", "failed": "failed", "failure": "failed", "crashed": "failed", "error": "failed", "cancelled": "cancelled",
    "canceled": "cancelled", "killed": "cancelled", "stopped": "cancelled", "aborted": "cancelled", "interrupted": "cancelled",
    "running": "running",
}  # fmt: skip


def tables_below(path: str) -> list[str]:
    """The tables in a folder and below it, by name; the file itself, if it is one."""
    if os.path.isfile(path):
        return [path]
    found: list[str] = []
    for at, folders, names in walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [full for name in sorted(names) if is_table(full := os.path.join(at, name))]
        if len(found) > _MOST_FILES:
            break
    return found


class _Group:
    """What a scan knows of one run: where its rows lie, and what they say of it."""

    def __init__(self, table: _Table) -> None:
        self.table = table
        self.starts, self.ends, self.lines = array("q"), array("q"), array("q")
        self.first = self.last = 0.0
        self.has_time = False
        self.said: dict[int, Any] = {}
        self.constants: dict[int, Any] = {}
        self.beside: set[int] = set()

    def add(self, record: Record) -> None:
        """A row of it."""
        if self.ends and self.ends[-1] == record.start:
            self.ends[-1] = record.end
            return
        self.starts.append(record.start)
        self.ends.append(record.end)
        self.lines.append(record.line)

    def records(self) -> Iterator[Record]:
        """Its rows, in the order of the file."""
        for start, end, line in zip(self.starts, self.ends, self.lines, strict=True):
            yield from self.table.file.records(start, end, line)


class _Table(NamedTuple):
    """An open table, with what its columns are."""

    file: TableFile
    columns: Columns
    key: str
    place: tuple[str, ...]
    name: str


class Tables:
    """The tables of a folder, or a single one.

    Args:
        path: The folder, or the file.
        said: What was said of the columns.

    Raises:
        InvalidValue: There are no tables, or a column that was named is not there.
    """

    kind = "table"

    def __init__(self, path: str, said: Said | None = None) -> None:
        self.where = os.path.abspath(path)
        self._said = said or Said()
        self._findings: list[Finding] = []
        self._told: dict[str, int] = {}
        self._layouts: set[str] = set()
        self._open: list[_Table] = []
        self._groups: dict[str, _Group] = {}
        tables = tables_below(self.where)
        if not tables:
            raise InvalidValue(f"There are no tables in {path}.", key="source")
        if said is not None:  # what does not fit is told before anything is made
            self._table(tables[0]).file.close()

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by file, and within it in the order in which they appear."""
        self.close()
        self._findings, self._told, self._groups = [], {}, {}
        self._layouts = set()
        self._findings += links_below(self.where, has_name_of_table)
        for path in tables_below(self.where):
            try:
                table = self._table(path)
            except InvalidValue as error:
                if os.path.isfile(self.where) or self._said.single or self._said.several:
                    raise
                self._findings.append(Finding(path, str(error), True))
                continue
            except OSError as error:
                self._findings.append(
                    Finding(path, f"It cannot be read: {error.strerror or error}.", True)
                )
                continue
            self._open.append(table)
            for run, group in self._scanned(table):
                self._groups[run.key] = group
                yield run

    def _table(self, path: str) -> _Table:
        said = self._said
        file = TableFile(
            path, said.delimiter, said.encoding, said.decimal, partial(self._tell, path, "")
        )
        try:
            columns = resolved(file.names, said, path)
        except InvalidValue:
            file.close()
            raise
        self._tell_layout(path, file.names, columns)
        folder, name = os.path.split(path)
        stem = name.split(".")[0]
        parent = os.path.basename(folder)
        inside = os.path.relpath(folder, self.where) if os.path.isdir(self.where) else "."
        place = [] if inside == "." else inside.split(os.sep)
        if os.path.isdir(self.where):
            place.insert(0, os.path.basename(self.where))
        if stem.lower() in _GENERIC and parent:
            stem = parent
            place = place[:-1]
        return _Table(file, columns, f"{parent}/{name.split('.')[0]}", tuple(place), stem)

    def _tell_layout(self, path: str, names: Sequence[str], columns: Columns) -> None:
        """Say which column is taken for what, once for tables that are alike."""
        single = {
            role: names[at]
            for role, at in zip(Columns._fields[:10], columns[:10], strict=True)
            if isinstance(at, int)
        }
        others = [name for at, name in enumerate(names) if at not in columns.placed]
        parts = [f"{role} from {name!r}" for role, name in single.items()]
        parts += [
            f"{role}: {', '.join(names[at] for at in found)}"
            for role, found in (("parameters", columns.params), ("tags", columns.tags))
            if found
        ]
        if others:
            shown = ", ".join(others[:12]) + (
                f" and {len(others) - 12} more" if len(others) > 12 else ""
            )
            parts.append(f"metrics where they are numbers: {shown}")
        if columns.time is None:
            parts.append("no times")
        what = "; ".join(parts)
        if what not in self._layouts:
            self._layouts.add(what)
            self._findings.append(Finding(path, f"Columns: {what}.", False))

    def _tell(self, path: str, run: str, line: int, what: str, lost: bool) -> None:
        told = self._told[path] = self._told.get(path, 0) + 1
        if told <= _MOST_TOLD:
            self._findings.append(Finding(f"{path}:{line}" if line else path, what, lost, run))
        elif told == _MOST_TOLD + 1:
            self._findings.append(
                Finding(path, "There is more of this kind; the other lines are not listed.", lost)
            )

    # -- which runs there are ----------------------------------------------------------------------

    def _scanned(self, table: _Table) -> Iterator[tuple[Run, _Group]]:
        groups: dict[str, _Group] = {}
        columns = table.columns
        facts = [
            at
            for at in (
                columns.name,
                columns.project,
                columns.status,
                columns.user,
                columns.notes,
                *columns.params,
                *columns.tags,
            )
            if at is not None
        ]
        free = [
            at
            for at in range(len(table.file.names))
            if at not in columns.placed and at not in columns.metrics
        ]
        for record in table.file.records():
            cells = record.cells
            run = "" if columns.run is None else _text(cells[columns.run])
            group = groups.get(run)
            if group is None:
                group = groups[run] = _Group(table)
            group.add(record)
            if (
                columns.time is not None
                and (at := time_in(cells[columns.time], self._said.unit)) is not None
            ):
                group.first = min(group.first, at) if group.has_time else at
                group.last, group.has_time = max(group.last, at), True
            for column in facts:
                if not _is_empty(cells[column]):
                    group.said[column] = cells[column]
            for column in free:
                cell = cells[column]
                if _is_empty(cell) or column in group.beside:
                    continue
                if (
                    number_in(cell, table.file.decimal) is not None
                    or group.constants.setdefault(column, cell) != cell
                ):
                    group.beside.add(column)
                    group.constants.pop(column, None)
        for run, group in groups.items():
            yield self._run(table, run, group), group

    def _run(self, table: _Table, run: str, group: _Group) -> Run:
        columns, names, decimal = table.columns, table.file.names, table.file.decimal
        changed = os.path.getmtime(table.file.path)
        alone = columns.run is None
        digest = blake3(table.file.beginning()).hexdigest()[:16]
        key = f"{table.key}#{digest}" if alone else f"{table.key}:{run}"
        params: dict[str, Any] = self._hparams(table, key) if alone else {}
        flat = {
            name: typed(group.said[at], decimal)
            for at, name in columns.params.items()
            if at in group.said
        }
        flat |= {names[at]: typed(cell, decimal) for at, cell in group.constants.items()}
        status: Outcome = "running" if time.time() - changed < _RUNNING else "completed"
        said = _text(group.said.get(columns.status, "")) if columns.status is not None else ""
        if said:
            status = _OUTCOMES.get(said.strip().lower(), status)
            if said.strip().lower() not in _OUTCOMES:
                flat[names[columns.status or 0]] = typed(said, decimal)
        elif self._said.status:
            status = self._said.status  # type: ignore[assignment]
        name = _text(group.said.get(columns.name, "")) if columns.name is not None else ""
        project = _text(group.said.get(columns.project, "")) if columns.project is not None else ""
        place = (project,) if project else table.place if alone else (*table.place, table.name)
        started = group.first if group.has_time else changed
        return Run(
            key=key, place=place, name=name or run or table.name, started=started,
            ended=None if status == "running" else group.last if group.has_time else changed, alive=changed, status=status,
            user=_text(group.said.get(columns.user, "")) if columns.user is not None else "",
            notes=_text(group.said.get(columns.notes, "")) or None if columns.notes is not None else None,
            params={**params, **nest(flat)}, tags=self._tags(columns, group), kept={} if alone else {"run": run},
        )  # fmt: skip

    @staticmethod
    def _tags(columns: Columns, group: _Group) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for at, name in columns.tags.items():
            cell = group.said.get(at)
            if isinstance(cell, list):
                found.update(dict.fromkeys(map(_text, cell)))
            elif cell is not None and name.lower() == "tags":
                found.update(
                    dict.fromkeys(part.strip() for part in _text(cell).split(",") if part.strip())
                )
            elif cell is not None:
                found[name] = _text(cell)
        return found

    def _hparams(self, table: _Table, key: str) -> dict[str, Any]:
        """Parameters beside the table, as Lightning's logger for CSV leaves them."""
        path = os.path.join(os.path.dirname(table.file.path), "hparams.yaml")
        if not os.path.lexists(path):
            return {}
        try:
            found = read_yaml(path, version=(1, 1), most=1 << 20)
        except (OSError, ValueError) as error:
            self._findings.append(Finding(path, f"It cannot be read: {error!s:.200}", True, key))
            return {}
        return found if isinstance(found, dict) else {}

    # -- what they logged --------------------------------------------------------------------------

    def rows(self, run: Run) -> Iterator[Row | Points | Undated]:
        """See `Source.rows`."""
        group = self._groups[run.key]
        if group.table.columns.long:
            found = self._long(run, group)
        else:
            found = (row for row, _ in self._wide(run, group) if row.values)
        if group.has_time:
            yield from found
            return
        for one in found:  # nobody knows when they were logged
            if isinstance(one, Row):
                yield Undated(one.step, one.values, one.beside)
                continue
            for name, step, _, value in zip(*one, strict=True):
                yield Undated(step, {name: value})

    def _long(self, run: Run, group: _Group) -> Iterator[Row | Points]:
        table = group.table
        names: list[str] = []
        steps: list[int | None] = []
        times: list[float] = []
        values: list[float] = []
        for record in group.records():
            name, value, step, at, beside = self._point(run, table, record, tell=True)
            if value is None or not name:
                continue
            if beside or len(names) >= _ROWS:
                if names:
                    yield Points(names, steps, times, values)
                names, steps, times, values = [], [], [], []
            if beside:
                yield Row(step, at, {name: value}, beside)
                continue
            names.append(name)
            steps.append(step)
            times.append(at)
            values.append(value)
        if names:
            yield Points(names, steps, times, values)

    def _point(
        self, run: Run, table: _Table, record: Record, *, tell: bool
    ) -> tuple[str, float | None, int | None, float, dict[str, Any]]:
        """What a row of the long form says; what is no number, step or time stays beside the point."""
        columns, cells, decimal = table.columns, record.cells, table.file.decimal
        assert columns.metric is not None
        assert columns.value is not None
        name, cell = _text(cells[columns.metric]), cells[columns.value]
        if not name and tell:
            self._tell(table.file.path, run.key, record.line, "The metric has no name.", True)
        step, at, beside = self._where(run, table, cells)
        value = number_in(cell, decimal)
        if value is not None and _is_inexact(cell, value):
            beside["value"] = cell
        for column in range(len(cells)):
            if (
                column not in columns.placed
                and column in self._groups[run.key].beside
                and not _is_empty(cells[column])
            ):
                beside[table.file.names[column]] = typed(cells[column], decimal)
        return name, value, step, at, beside

    def _where(
        self, run: Run, table: _Table, cells: Sequence[Any]
    ) -> tuple[int | None, float, dict[str, Any]]:
        """The step and time of a row, and what stands in their place where it is neither."""
        columns = table.columns
        beside: dict[str, Any] = {}
        step, at = None, None
        if columns.step is not None and not _is_empty(cells[columns.step]):
            step = step_in(cells[columns.step], table.file.decimal)
            if step is None:
                beside[table.file.names[columns.step]] = cells[columns.step]
        if columns.time is not None and not _is_empty(cells[columns.time]):
            at = time_in(cells[columns.time], self._said.unit)
            if at is None:
                beside[table.file.names[columns.time]] = cells[columns.time]
        if at is None:
            at = run.started if self._groups[run.key].has_time else 0.0
        return step, at, beside

    def _wide(self, run: Run, group: _Group) -> Iterator[tuple[Row, int]]:
        """Rows of the wide form and their lines; one without numbers has only what stands beside them."""
        table, columns, decimal = group.table, group.table.columns, group.table.file.decimal
        free = [
            (at, columns.metrics.get(at, name))
            for at, name in enumerate(table.file.names)
            if (at not in columns.placed or at in columns.metrics) and at not in group.constants
        ]
        for record in group.records():
            step, when, beside = self._where(run, table, record.cells)
            values: dict[str, float] = {}
            for at, name in free:
                cell = record.cells[at]
                if cell is None or cell == "":
                    continue
                number = number_in(cell, decimal)
                if number is None:
                    if not _is_empty(cell):
                        beside[name] = typed(cell, decimal)
                    continue
                values[name] = number
                if _is_inexact(cell, number):
                    beside[name] = cell
            yield Row(step, when, values, beside or None), record.line

    def messages(self, run: Run) -> Iterator[Message]:
        """See `Source.messages`: rows that have no numbers."""
        group = self._groups[run.key]
        if group.table.columns.long:
            return
        for row, line in self._wide(run, group):
            if not row.values and row.beside:
                fields = dict(row.beside) if row.step is None else {**row.beside, "step": row.step}
                text = "; ".join(f"{name}: {_text(value)}" for name, value in row.beside.items())
                yield Message(row.time, "info", text[:10_000], {**fields, "line": line})

    def printed(self, run: Run) -> Iterator[str]:
        """A table has none."""
        return iter(())

    def files(self, run: Run) -> Iterator[SourceFile]:
        """A table has none."""
        return iter(())

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`: texts in the column of values."""
        group = self._groups[run.key]
        if not group.table.columns.long:
            return
        at_value = group.table.columns.value
        assert at_value is not None
        for record in group.records():
            name, value, step, at, _ = self._point(run, group.table, record, tell=False)
            cell = record.cells[at_value]
            if name and value is None and not _is_empty(cell):
                yield SourceValue(name, "text", step, at, partial(Text, _text(cell)))

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Close the files."""
        for table in self._open:
            table.file.close()
        self._open = []


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and (cell == "" or cell.strip().lower() in EMPTY))


def _is_inexact(cell: Any, number: float) -> bool:
    """Whether a whole number is too large to be kept as it is."""
    if -_EXACT <= number <= _EXACT or number - number != 0.0:
        return False
    if isinstance(cell, str):
        digits = cell.strip().lstrip("+-")
        return digits.isdigit() and int(digits) != abs(int(number)) if len(digits) < 400 else True
    return isinstance(cell, int) and cell != int(number)


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if cell is None:
        return ""
    return (
        str(cell) if not isinstance(cell, (Mapping, list)) else json.dumps(cell, ensure_ascii=False)
    )
