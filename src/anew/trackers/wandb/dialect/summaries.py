"""`run.summary`: the last value of everything that was logged, or what `define_metric` and the program make of it."""

from __future__ import annotations

import copy

from .errors import Error
from .plain import nearest, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

__all__ = ["Definitions", "Metric", "Summary", "SummarySubDict", "summarised"]

_OPS = ("min", "max", "mean", "first", "last", "best", "copy", "none")
_GOALS = {"minimize": "min", "maximize": "max"}


class Metric:
    """What `define_metric` said of a metric, or of all whose names begin with what stands before a `*`."""

    def __init__(self, name: str, facts: Mapping[str, Any]) -> None:
        self.name = name
        self.step_metric: str | None = facts.get("step_metric")
        self.step_sync: bool | None = facts.get("step_sync")
        self.hidden: bool | None = facts.get("hidden")
        self.goal: str | None = facts.get("goal")
        self.summary: tuple[str, ...] = tuple(facts.get("summary") or ())

    def facts(self) -> dict[str, Any]:
        """All that was said, as plain data."""
        said = {
            k: v for k, v in vars(self).items() if k not in ("name", "summary") and v is not None
        }
        return said | ({"summary": list(self.summary)} if self.summary else {})

    @property
    def ops(self) -> tuple[str, ...]:
        """What the summary keeps; empty for the last value as it is."""
        if self.summary == ("copy",):
            return ()
        return self.summary

    @property
    def best(self) -> str:
        """Whether the best is the smallest or the largest; the smallest if no goal was given."""
        return _GOALS.get(self.goal or "", "min")

    def __repr__(self) -> str:
        return f"<Metric {self.name!r} {self.facts()}>"


class Definitions:
    """All that was said with `define_metric`."""

    def __init__(self) -> None:
        self.metrics: dict[str, Metric] = {}

    def define(self, name: Any, facts: dict[str, Any], overwrite: bool | None) -> Metric:
        """Take in one definition, on top of an earlier one of the same name.

        Raises:
            Error: The name or one of the facts cannot be.
        """
        if isinstance(name, Metric):
            name = name.name
        if not isinstance(name, str):
            raise Error(f"Unhandled define_metric() arg: name type: {type(name).__name__}")
        if not name:
            raise Error("define_metric() requires non-empty name argument")
        if "*" in name[:-1]:
            raise Error(f"Unhandled define_metric() arg: name (glob suffixes only): {name}")
        facts = {key: value for key, value in facts.items() if value is not None}
        if "summary" in facts:
            given = facts["summary"]
            ops = given.split(",") if isinstance(given, str) else list(given)
            facts["summary"] = [op for op in (one.strip().lower() for one in ops) if op]
            for op in facts["summary"]:
                if op not in _OPS:
                    raise Error(
                        f"Unhandled define_metric() arg: summary op: {op}.{nearest(op, _OPS)}"
                    )
        goal = facts.get("goal")
        if goal is not None:
            facts["goal"] = {"min": "minimize", "max": "maximize"}.get(goal, goal)
            if facts["goal"] not in _GOALS:
                raise Error(f"Unhandled define_metric() arg: goal: {goal}")
        if isinstance(facts.get("step_metric"), Metric):
            facts["step_metric"] = facts["step_metric"].name
        before = self.metrics.get(name)
        if before is not None and not overwrite:
            facts = before.facts() | facts
        metric = self.metrics[name] = Metric(name, facts)
        return metric

    def find(self, name: str) -> Metric | None:
        """What was said of a metric: under its own name, or under the longest pattern that it meets."""
        exact = self.metrics.get(name)
        if exact is not None:
            return exact
        fitting = [p for p in self.metrics if p.endswith("*") and name.startswith(p[:-1])]
        return self.metrics[max(fitting, key=len)] if fitting else None

    def to_dict(self) -> dict[str, Any]:
        """All of it, for the record."""
        return {name: metric.facts() for name, metric in self.metrics.items()}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Definitions:
        """As `to_dict` gave it."""
        definitions = cls()
        for name, said in facts.items():
            definitions.metrics[name] = Metric(name, said)
        return definitions


def summarised(metric: Metric | None, values: Mapping[str, Any]) -> Any:
    """What the summary says of a metric.

    Args:
        metric: What was said of it.
        values: Its first, last, min, max and mean.

    Returns:
        A number, a dict of numbers, or None where the summary says nothing.
    """
    if metric is None or not metric.ops:
        return values["last"]
    if "none" in metric.ops:
        return None
    found = {}
    for op in metric.ops:
        value = values[metric.best] if op == "best" else values["last" if op == "copy" else op]
        if value is not None:
            found[op] = value
    return found


class _Tally:
    """First, last, smallest, largest and mean of the numbers of one metric."""

    __slots__ = ("count", "metric", "spoiled", "total", "values")

    def __init__(self, metric: Metric, before: Any) -> None:
        self.metric = metric
        self.spoiled = False
        self.values: dict[str, Any] = dict.fromkeys(("first", "last", "min", "max", "mean"))
        if isinstance(before, dict):  # of the run that is resumed
            numbers = {op: v for op, v in before.items() if isinstance(v, (int, float))}
            self.values |= {op: numbers[op] for op in ("first", "min", "max") if op in numbers}
            if "best" in numbers:
                self.values[metric.best] = numbers["best"]
            self.spoiled = any(v != v for op, v in numbers.items() if op not in ("first", "last"))
        self.total, self.count = 0.0, 0

    def add(self, number: Any) -> None:
        values = self.values
        if values["first"] is None:
            values["first"] = number
        values["last"] = number
        if self.spoiled or number != number:  # as in wandb, NaN is what they are from then on
            self.spoiled = True
            values |= dict.fromkeys(("min", "max", "mean"), float("nan"))
            return
        values["min"] = number if values["min"] is None else min(values["min"], number)
        values["max"] = number if values["max"] is None else max(values["max"], number)
        if number - number == 0:  # finite
            self.total, self.count = self.total + number, self.count + 1
            values["mean"] = self.total / self.count


class SummarySubDict:
    """A nested part of a summary."""

    def __init__(self, values: dict[str, Any], changed: Callable[[], None]) -> None:
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "_changed", changed)

    def __getitem__(self, key: str) -> Any:
        found = self._values[key]
        return SummarySubDict(found, self._changed) if isinstance(found, dict) else found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise _MissingKey(name) from None

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = plain(value)
        self._changed()

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._changed()

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        theirs = other._values if isinstance(other, SummarySubDict) else other
        return bool(self._values == theirs)

    __hash__ = None  # type: ignore[assignment]

    def get(self, key: str, default: Any = None) -> Any:
        """One value, or the default."""
        return self[key] if key in self._values else default

    def keys(self) -> list[str]:
        """The names."""
        return list(self._values)

    def values(self) -> list[Any]:
        """The values, in the order of `keys`."""
        return [self[key] for key in self._values]

    def items(self) -> list[tuple[str, Any]]:
        """Names and values."""
        return [(key, self[key]) for key in self._values]

    def update(self, d: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set several values."""
        for key, value in {**(d or {}), **more}.items():
            self._values[key] = plain(value)
        self._changed()

    def __reduce__(self) -> Any:
        """A copy, or what is pickled, is a plain dict of what it says now: it belongs to no run."""
        return dict, (copy.deepcopy(self._values),)

    def __copy__(self) -> dict[str, Any]:
        return dict(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


class _MissingKey(KeyError, AttributeError):
    """As wandb a KeyError, and what `hasattr` and `getattr` with a default understand."""


class Summary(SummarySubDict):
    """The summary of a run.

    Args:
        definitions: What decides how a metric is summarised.
        on_change: Called with what the program itself set (by name), and with the names it deleted.
        on_media: Called with a name and the medium put under it; gives what the summary says of it.
        values: What it says when a run is resumed; `given` what the program set of that, `deleted` what it deleted.

    Attributes:
        spoiled: The summarised metrics that were NaN once: their smallest, largest and mean are NaN.
    """

    spoiled: set[str]

    def __init__(
        self,
        definitions: Definitions,
        on_change: Callable[[dict[str, Any], list[str]], None] | None = None,
        on_media: Callable[[str, Any], dict[str, Any]] | None = None,
        *,
        values: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        deleted: Iterable[str] = (),
    ) -> None:
        super().__init__(dict(values or {}), lambda: None)
        for name, value in (
            ("_definitions", definitions),
            ("_on_change", on_change),
            ("_on_media", on_media),
            ("_set", dict(given or {})),
            ("_deleted", set(deleted)),
            ("_tallies", {}),
            ("spoiled", set()),
        ):
            object.__setattr__(self, name, value)

    # -- what the program sets ---------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        found = self._values[key]
        return SummarySubDict(found, lambda: self._told(key)) if isinstance(found, dict) else found

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def update(self, d: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set several values; they stay until they are logged or set again."""
        given = {str(key): self._as_told(key, v) for key, v in {**(d or {}), **more}.items()}
        self._values.update(given)
        self._set.update(given)
        self._deleted.difference_update(given)
        self._report()

    def _as_told(self, key: str, value: Any) -> Any:
        if hasattr(value, "keep") and hasattr(value, "facts") and self._on_media is not None:
            return self._on_media(key, value)
        return plain(value)

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._set.pop(key, None)
        self._deleted.add(key)
        self._report()

    def _told(self, key: str) -> None:
        self._set[key] = self._values[key]
        self._report()

    def _report(self) -> None:
        if self._on_change is not None:
            self._on_change(dict(self._set), sorted(self._deleted))

    # -- what is logged ----------------------------------------------------------------------------

    def taken(self, row: dict[str, Any]) -> None:
        """Take in what was logged: numbers, texts, and dicts of them."""
        if self._set or self._deleted:
            again = (self._set.keys() | self._deleted) & row.keys()
            for key in again:
                self._set.pop(key, None)
                self._deleted.discard(key)
            if again:
                self._report()
        self._merge(self._values, row, "")

    def _merge(self, into: dict[str, Any], row: dict[str, Any], before: str) -> None:
        tallies = self._tallies
        for key, value in row.items():
            name = before + key
            if type(value) is dict and "_type" not in value:
                inner = into.get(key)
                if type(inner) is not dict:
                    inner = into[key] = {}
                self._merge(inner, value, name + ".")
                continue
            try:
                tally = tallies[name]
            except KeyError:
                metric = self._definitions.find(name)
                tally = tallies[name] = (
                    _Tally(metric, into.get(key)) if metric is not None and metric.ops else None
                )
            if tally is None:
                into[key] = value
                continue
            if isinstance(value, (int, float)):
                tally.add(value)
                if tally.spoiled:
                    self.spoiled.add(name)
                value = summarised(tally.metric, tally.values)
            if value is None or "none" in tally.metric.ops:
                into.pop(key, None)
            else:
                into[key] = value

    def redefined(self) -> None:
        """Something was defined: look at the definitions again."""
        for name, tally in list(self._tallies.items()):
            if tally is None or self._definitions.find(name) is not tally.metric:
                del self._tallies[name]
