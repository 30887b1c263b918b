"""Which column of a table is what: as people say it, and as the names of the columns say it where nobody does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ....errors import InvalidValue
from ....importing.documents import read_yaml

__all__ = ["Columns", "Said", "mapping_of", "resolved"]

_SINGLE: dict[str, tuple[str, ...]] = {
    "run": ("run", "run_id", "run_uuid", "experiment_id", "trial_id", "trial", "experiment", "sys_id"),
    "step": ("step", "_step", "global_step", "trainer/global_step", "iteration", "iter", "epoch"),
    "time": ("time", "timestamp", "_timestamp", "wall_time", "walltime", "datetime", "created_at", "date"),
    "metric": ("metric", "metric_name", "key", "tag", "attribute", "variable", "name"),
    "value": ("value", "metric_value", "val"),
    "name": ("run_name", "display_name", "name"),
    "project": ("project",),
    "status": ("status", "state"),
    "user": ("user", "username"),
    "notes": ("notes", "note"),
}  # fmt: skip
"""Roles that one column has, and the names by which it is known, in small letters; the first that is there is taken."""
_SEVERAL = ("params", "metrics", "tags", "skip")
_SETTINGS = ("delimiter", "decimal", "encoding", "time_unit")
_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_OUTCOMES = ("completed", "failed", "cancelled", "running")
_PARAMETERS = (
    "params.",
    "params/",
    "param.",
    "param/",
    "config.",
    "config/",
    "hparams.",
    "hparams/",
    "hparams_dict.",
)
_METRICS, _TAGS = ("metrics.", "metrics/", "metric."), ("tags", "tag.")
_MOST_FILE = 1 << 20


class Said(NamedTuple):
    """What somebody says about tables.

    Attributes:
        single: The column of a role; `several` patterns of names of columns.
        delimiter, decimal, encoding: How the text is written; "" for what it looks like.
        unit: What times that are numbers count in a second; 0 for what they look like.
        status: How the runs ended, where no column says it.
    """

    single: Mapping[str, str] = {}
    several: Mapping[str, tuple[str, ...]] = {}
    delimiter: str = ""
    decimal: str = ""
    encoding: str = ""
    unit: float = 0.0
    status: str = ""


class Columns(NamedTuple):
    """Which column of one table is what, by position; None for none.

    Attributes:
        long: Whether a row is one point, its metric's name in a column.
        params: The columns of parameters, with the names of those; `metrics` and `tags` likewise, where they were named.
        skip: Columns that are left out.
    """

    run: int | None
    step: int | None
    time: int | None
    metric: int | None
    value: int | None
    name: int | None
    project: int | None
    status: int | None
    user: int | None
    notes: int | None
    params: Mapping[int, str]
    metrics: Mapping[int, str]
    tags: Mapping[int, str]
    skip: frozenset[int]

    @property
    def long(self) -> bool:
        """Whether a row is one point."""
        return self.metric is not None and self.value is not None

    @property
    def placed(self) -> frozenset[int]:
        """The columns whose role is known."""
        single = self[:10]
        return frozenset(
            [one for one in single if isinstance(one, int)] + [*self.params, *self.tags, *self.skip]
        )


def mapping_of(given: Sequence[str]) -> Said:
    """What was said, as `role=column`, or as files of YAML or JSON with roles and columns.

    Raises:
        InvalidValue: There is no such role, or a file cannot be read.
    """
    said: dict[str, Any] = {}
    for one in given:
        role, equals, column = one.partition("=")
        if equals and not os.path.isfile(one):
            said[role.strip()] = column
        else:
            said.update(_file(one))
    single, several, settings = {}, {}, {}
    for role, column in said.items():
        if role in _SINGLE:
            single[role] = str(column)
        elif role in _SEVERAL:
            names = column.split(",") if isinstance(column, str) else column
            several[role] = tuple(str(name).strip() for name in names)
        elif role in _SETTINGS:
            settings[role] = str(column)
        else:
            roles = [*_SINGLE, *_SEVERAL, *_SETTINGS]
            near = get_close_matches(role, roles, 1)
            hint = f" Did you mean {near[0]!r}?" if near else f" There are {', '.join(roles)}."
            raise InvalidValue(
                f"{role!r} is nothing that a column can be mapped to.{hint}", key="map"
            )
    unit = settings.get("time_unit", "")
    if unit and unit not in _UNITS:
        raise InvalidValue(f"time_unit is one of {', '.join(_UNITS)}, not {unit!r}.", key="map")
    status = single.pop("status") if single.get("status") in _OUTCOMES else ""
    delimiter = {"tab": "\t", "\\t": "\t"}.get(
        settings.get("delimiter", ""), settings.get("delimiter", "")
    )
    return Said(
        single, several, delimiter, settings.get("decimal", ""), settings.get("encoding", ""), _UNITS.get(unit, 0.0), status
    )  # fmt: skip


def _file(path: str) -> dict[str, Any]:
    try:
        found = read_yaml(path, version=(1, 1), most=_MOST_FILE)
    except (OSError, ValueError) as error:
        raise InvalidValue(
            f"--map takes role=column, or a file of YAML or JSON: {path} cannot be read ({error!s:.200}).",
            key="map",
        ) from error
    if not isinstance(found, dict):
        raise InvalidValue(f"{path} does not say which column is what.", key="map")
    return {str(role): column for role, column in found.items()}


def resolved(names: Sequence[str], said: Said, where: str) -> Columns:
    """Which column of a table is what.

    Raises:
        InvalidValue: A column that was named is not there.
    """
    at: dict[str, int] = {}
    for number, name in enumerate(names):
        at.setdefault(name, number)
    single = {role: _column(at, column, role, where) for role, column in said.single.items()}
    several = {
        role: _fitting(names, patterns, role, where) for role, patterns in said.several.items()
    }
    taken = set(single.values()).union(*(several.values()))
    small = {name.strip().lower(): number for name, number in reversed(at.items())}
    is_long = "metric" in single or (
        "value" not in single and _known(small, "value", taken) is not None
    )
    for role in _SINGLE:
        if role in single or (role in ("metric", "value") and not is_long):
            continue
        found = _known(small, role, taken)
        if found is not None:
            single[role] = found
            taken.add(found)
    if ("metric" in single) != ("value" in single):
        if "metric" in said.single:
            raise InvalidValue(
                f"{where} has a column for names of metrics, and none for their values. Say which with --map value=…",
                key="map",
            )
        for role in ("metric", "value"):
            single.pop(role, None)
    if not is_long and "run" not in single and "name" in single:
        single["run"] = single["name"]  # a table of runs, which have names alone
    free = set(range(len(names))) - taken - set(single.values())
    params, metrics, tags = (
        [*several.get(role, ()), *(n for n in sorted(free) if names[n].lower().startswith(starts))]
        for role, starts in (("params", _PARAMETERS), ("metrics", _METRICS), ("tags", _TAGS))
    )
    return Columns(
        run=single.get("run"), step=single.get("step"), time=single.get("time"), metric=single.get("metric"),
        value=single.get("value"), name=single.get("name"), project=single.get("project"), status=single.get("status"),
        user=single.get("user"), notes=single.get("notes"),
        params={number: _stem(names[number], _PARAMETERS) for number in params},
        metrics={number: _stem(names[number], _METRICS) for number in metrics},
        tags={number: _stem(names[number], ("tags.", "tags/", "tag.")) for number in tags},
        skip=frozenset(several.get("skip", ())),
    )  # fmt: skip


def _column(at: Mapping[str, int], column: str, role: str, where: str) -> int:
    if column in at:
        return at[column]
    near = get_close_matches(column, at, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(list(at)[:20])}."
    raise InvalidValue(f"{where} has no column {column!r} for {role}. {hint}", key="map")


def _fitting(names: Sequence[str], patterns: Iterable[str], role: str, where: str) -> list[int]:
    found = []
    for pattern in patterns:
        fitting = [
            n for n, name in enumerate(names) if name == pattern or fnmatchcase(name, pattern)
        ]
        if not fitting:
            raise InvalidValue(f"{where} has no column {pattern!r} for {role}.", key="map")
        found += fitting
    return found


def _known(small: Mapping[str, int], role: str, taken: set[int]) -> int | None:
    return next((small[n] for n in _SINGLE[role] if n in small and small[n] not in taken), None)


def _stem(name: str, starts: Sequence[str]) -> str:
    """The name without the word that says what it is the name of."""
    found = next((one for one in starts if name.lower().startswith(one)), "")
    return name[len(found) :] or name
