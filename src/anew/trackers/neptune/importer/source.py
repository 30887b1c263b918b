"""What neptune-exporter writes: Parquet files with a row for each value of an attribute, and the files beside them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from typing import Any, TypeVar

from ....errors import InvalidValue
from ....importing.folders import links_below, opening, place_below
from ....importing.foreign import is_plain, open_plain, walk
from ....importing.source import (
    Finding,
    Message,
    Outcome,
    Row,
    Run,
    SourceFile,
    SourceValue,
)
from ....importing.unplaced import kept_records, line_of
from ....record.plain import nest
from ....values.histogram import Histogram
from ....values.text import Text
from .budget import Budget, texts_of

__all__ = ["Exports", "parts_below"]

_PART = re.compile(r"(.+-[0-9a-f]{16})_part_(\d+)\.parquet")
_DEPTH = 4
_COLUMNS = frozenset(
    {"project_id", "run_id", "attribute_path", "attribute_type", "step", "timestamp"}
)
_VALUES = {
    "int": "int_value", "float": "float_value", "string": "string_value", "bool": "bool_value", "datetime": "datetime_value",
    "string_set": "string_set_value",
}  # fmt: skip
_SERIES = ("float_series", "string_series", "histogram_series", "file_series", "file", "artifact")
_WRITTEN = _COLUMNS | {*_VALUES.values(), "file_value", "histogram_value"}
_SYSTEM = "sys/"
_PRINTED = ("monitoring/stdout", "monitoring/stderr")

_Taken = TypeVar("_Taken")


def parts_below(path: str) -> dict[str, list[str]]:
    """The files of each run in a folder and a little below it, by what they are called; those of one in their order."""
    found: dict[str, list[tuple[int, str]]] = {}
    for at, folders, names in walk(path):
        depth = os.path.relpath(at, path).count(os.sep)
        folders[:] = sorted(n for n in folders if depth < _DEPTH and not n.startswith("."))
        for name in names:
            part = _PART.fullmatch(name)
            full = os.path.join(at, name)
            if part and is_plain(full):
                found.setdefault(os.path.join(at, part[1]), []).append((int(part[2]), full))
    return {run: [full for _, full in sorted(parts)] for run, parts in sorted(found.items())}


class Exports:
    """The runs of one export.

    Raises:
        InvalidValue: There are none.
    """

    kind = "neptune"

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._parts: dict[str, list[str]] = {}
        self._unplaced: set[str] = set()
        if not parts_below(self.where):
            raise InvalidValue(
                f"There are no runs that neptune-exporter wrote in {path}.", key="source"
            )
        if find_spec("pyarrow") is None:
            raise InvalidValue(
                "Neptune's exports are Parquet files: to read them, install anew[arrow].",
                key="source",
            )

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by the names of their files."""
        self._findings, self._parts = [], {}
        self._findings += links_below(self.where, _PART.fullmatch)
        for parts in parts_below(self.where).values():
            run = self._run(parts)
            if run is None:
                self._findings.append(Finding(parts[0], "It holds no attributes of a run.", True))
                continue
            if run.key in self._parts:
                what = f"It is a copy of {self._parts[run.key][0]}, and is left out."
                self._findings.append(Finding(parts[0], what, True, run.key))
                continue
            self._parts[run.key] = parts
            yield run

    def _run(self, parts: list[str]) -> Run | None:
        said: dict[str, Any] = {}
        project = run_id = ""
        unplaced = False
        first, last = math.inf, -math.inf
        for found in self._read(parts, "", _looked_at):
            project, run_id, span, rows, is_unknown = found
            unplaced = unplaced or is_unknown
            for at in span:
                first, last = min(first, at), max(last, at)
            for row in rows:
                said[str(row["attribute_path"])] = row.get(_VALUES[str(row["attribute_type"])])
        if not run_id:
            return None
        if unplaced:
            self._unplaced.add(f"{project}/{run_id}")
        system = {
            name[len(_SYSTEM) :]: value for name, value in said.items() if name.startswith(_SYSTEM)
        }
        flat = {
            name.replace("/", "."): _param(value)
            for name, value in said.items()
            if not name.startswith(_SYSTEM)
        }
        created, pinged = (
            _time(system.get("creation_time")),
            _time(system.get("ping_time")) or _time(system.get("modification_time")),
        )
        started = (
            created
            if created is not None
            else first
            if first < math.inf
            else os.path.getmtime(parts[0])
        )
        tags = [*(system.get("tags") or ()), *(system.get("group_tags") or ())]
        status: Outcome = "failed" if system.get("failed") is True else "completed"
        parent = system.get("forking/parent")
        return Run(
            key=f"{project}/{run_id}", place=tuple(part for part in project.split("/") if part) or ("neptune",),
            name=str(system.get("custom_run_id") or run_id), started=started, ended=max(started, last, pinged or -math.inf),
            status=status, user=str(system.get("owner") or ""), host=str(system.get("hostname") or ""),
            parent=f"{project}/{parent}" if parent else None, relation="forked", params=nest(flat),
            tags=dict.fromkeys(map(str, tags)), description=str(system.get("description") or "") or None,
            kept={"sys": {name: _param(value) for name, value in system.items()}} if system else {},
        )  # fmt: skip

    def _read(self, parts: list[str], run: str, take: Callable[[Any], _Taken]) -> Iterator[_Taken]:
        """What is taken of the rows of some files, many at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for path in parts:
            try:
                budget = Budget(os.path.getsize(path))
                with open_plain(path) as opened:
                    about = pq.read_metadata(opened)
                with (
                    open_plain(path) as opened,
                    pq.ParquetFile(opened, read_dictionary=texts_of(about)) as file,
                ):
                    if not set(file.schema_arrow.names) >= _COLUMNS:
                        raise ValueError("it has not the columns that neptune-exporter writes")
                    for batch in file.iter_batches(batch_size=budget.rows_of(about)):
                        for part in budget.parts_of(batch):
                            yield take(part)
            except (OSError, ValueError, pa.ArrowException) as error:
                self._findings.append(
                    Finding(path, f"It cannot be read to its end: {error!s:.200}", True, run)
                )

    def _rows(self, run: Run, *kinds: str) -> Iterator[dict[str, Any]]:
        """The rows of a run that are of some kinds."""
        for rows in self._read(self._parts[run.key], run.key, partial(_those, kinds=kinds)):
            yield from rows

    def _series(
        self, run: Run, kind: str
    ) -> Iterator[tuple[str, int | None, float, dict[str, Any], dict[str, Any]]]:
        """The rows of series: name, step, time, what stands beside a step that is no whole number, and the row."""
        for row in self._rows(run, kind):
            step, beside = _step(row.get("step"))
            at = _time(row.get("timestamp"))
            name = str(row["attribute_path"])
            yield name, step, run.started if at is None else at, beside, row

    def rows(self, run: Run) -> Iterator[Row]:
        """See `Source.rows`; a step that is no whole number stands beside the point."""
        for name, step, at, beside, row in self._series(run, "float_series"):
            value = row.get("float_value")
            if value is not None:
                yield Row(step, at, {name: float(value)}, beside or None)

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`: series of texts and of histograms."""
        for name, step, at, _, row in self._series(run, "string_series"):
            text = row.get("string_value")
            if text is not None and not name.startswith(_PRINTED):
                yield SourceValue(name, "text", step, at, partial(Text, str(text)))
        for name, step, at, _, row in self._series(run, "histogram_series"):
            yield SourceValue(
                name, "histogram", step, at, partial(_histogram, row.get("histogram_value"))
            )

    def printed(self, run: Run) -> Iterator[str]:
        """See `Source.printed`: what Neptune kept of the console."""
        for name, _, _, _, row in self._series(run, "string_series"):
            if name.startswith(_PRINTED):
                yield from str(row.get("string_value") or "").rstrip("\n").split("\n")

    def messages(self, run: Run) -> Iterator[Message]:
        """Neptune has none."""
        return iter(())

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: those that were downloaded."""
        data = os.path.dirname(self._parts[run.key][0])
        bases = [
            os.path.join(at, "files")
            for at in (os.path.dirname(os.path.dirname(data)), os.path.dirname(data), self.where)
        ]
        for row in self._rows(run, "file", "file_series", "artifact"):
            if not row.get("file_value"):
                continue
            name, stored = str(row["attribute_path"]), str(row["file_value"].get("path") or "")
            path = next((found for base in bases if (found := place_below(base, stored))), None)
            if path is None:
                what = f"Its file is not among those of the export: {stored!r:.200}."
                self._findings.append(Finding(f"attribute {name}", what, True, run.key))
                continue
            if os.path.isdir(path):
                for at, folders, names in walk(path):
                    folders.sort()
                    for one in sorted(names):
                        full = os.path.join(at, one)
                        if is_plain(full):
                            yield SourceFile(
                                name,
                                os.path.relpath(full, path).replace(os.sep, "/"),
                                opening(full),
                            )
                continue
            step, _ = _step(row.get("step"))
            folder, _, last = name.rpartition("/")
            suffix = os.path.splitext(path)[1]
            shown = last if last.endswith(suffix) else f"{last}{suffix}"
            yield SourceFile(
                folder, shown, opening(path), step=step, time=_time(row.get("timestamp"))
            )

        if run.key in self._unplaced:
            where, unknown = self._parts[run.key][0], partial(self._unknown, run)
            yield from kept_records("neptune", where, run.key, self._findings, unknown)

    def _unknown(self, run: Run) -> Iterator[tuple[str, bytes]]:
        """Attributes of kinds that Neptune did not have, and columns that its exporter did not write."""
        for rows in self._read(self._parts[run.key], run.key, _unknown_rows):
            for row in rows:
                said = {name: value for name, value in row.items() if value is not None}
                yield f"attributes of type {row['attribute_type']}.jsonl", line_of(said)

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Nothing is held."""


def _step(value: Any) -> tuple[int | None, dict[str, Any]]:
    if value is None:
        return None, {}
    whole = Decimal(value)
    return (
        (int(whole), {})
        if whole == whole.to_integral_value()
        else (None, {"step": str(whole.normalize())})
    )


def _looked_at(batch: Any) -> tuple[str, str, list[float], list[dict[str, Any]], bool]:
    """Project and id of a run, the span of its times, its attributes, and whether there is something that nobody knows."""
    import pyarrow.compute as pc

    project, run_id = (str(batch[name][-1].as_py() or "") for name in ("project_id", "run_id"))
    is_unknown = bool(pc.any(_are_unknown(batch)).as_py())
    return project, run_id, _span(batch), _those(batch, _VALUES), is_unknown


def _span(batch: Any) -> list[float]:
    """The first and the last time of some rows; nothing where they have none."""
    import pyarrow.compute as pc

    if "timestamp" not in batch.schema.names:
        return []
    found = pc.min_max(batch["timestamp"]).as_py()
    return [at for one in found.values() if (at := _time(one)) is not None]


def _those(batch: Any, kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Those of some rows that are of some kinds: rows of other kinds are by far the most, and are not made into objects."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = batch["attribute_type"].cast(pa.string())
    found: list[dict[str, Any]] = batch.filter(
        pc.is_in(column, value_set=pa.array(list(kinds)))
    ).to_pylist()
    return found


def _unknown_rows(batch: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = batch.filter(_are_unknown(batch)).to_pylist()
    return found


def _are_unknown(batch: Any) -> Any:
    """Which rows are of a kind that nobody knows, or have something in a column that nobody knows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = batch["attribute_type"].cast(pa.string())
    wanted = pc.invert(pc.is_in(column, value_set=pa.array([*_VALUES, *_SERIES])))
    for name in set(batch.schema.names) - _WRITTEN:
        wanted = pc.or_(wanted, pc.is_valid(batch[name]))
    return wanted


def _time(value: Any) -> float | None:
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def _param(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _histogram(value: Any) -> Histogram:
    if not isinstance(value, dict) or not value.get("edges"):
        raise InvalidValue("A histogram has no bins.", key="bins")
    return Histogram((value["values"], value["edges"]))
