"""Whether all of it has arrived: what a source says and what is here, each counted and hashed for itself.

The two accounts of a run are made from different things: one from what the source gave, the other by reading the experiment back as everybody else
reads it. They are equal, bit for bit, or the import says what is not.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from blake3 import blake3

from ..record.encode import encode_line
from ..record.names import metric_name
from .source import Points

__all__ = ["Account", "Kind", "Sum", "differences", "point_hash"]

_CHUNK = 4096
_NUMBERS = struct.Struct("<q?dd")
_KINDS = ("points", "messages", "lines", "files", "values", "params", "tags")
_FACTS = "facts"
_BESIDE = "beside"


class Sum(msgspec.Struct, frozen=True):
    """How many of one thing there are, and the BLAKE3 of all of them in their order."""

    count: int = 0
    digest: str = ""


class Kind(msgspec.Struct, frozen=True):
    """One kind of thing of one run, there and here; `name` is that of the metric, for points."""

    kind: str
    name: str
    there: Sum
    here: Sum

    @property
    def is_equal(self) -> bool:
        """Whether everything has arrived, and nothing twice."""
        return self.there == self.here


class _Points:
    """One metric's points, hashed in chunks of columns."""

    __slots__ = ("_given", "_hash", "_steps", "_times", "_values", "count")

    def __init__(self) -> None:
        self.count = 0
        self._hash = blake3()
        self._steps = array("q")
        self._given = array("B")
        self._times = array("d")
        self._values = array("d")

    def extend(self, steps: Any, given: Any, times: Any, values: Any) -> None:
        """Columns, as numpy arrays."""
        import numpy as np

        values = np.where(np.isnan(values), math.nan, values)
        steps = steps if given is None else np.where(given, steps, 0)
        shown = np.ones(len(steps), np.uint8) if given is None else given.astype(np.uint8)
        at = 0
        while at < len(steps):
            end = at + _CHUNK - len(self._steps)
            self._steps.frombytes(np.ascontiguousarray(steps[at:end], np.int64).tobytes())
            self._given.frombytes(shown[at:end].tobytes())
            self._times.frombytes(np.ascontiguousarray(times[at:end], np.float64).tobytes())
            self._values.frombytes(np.ascontiguousarray(values[at:end], np.float64).tobytes())
            at = end
            if len(self._steps) == _CHUNK:
                self._fold()
        self.count += len(steps)

    def _fold(self) -> None:
        for column in (self._steps, self._given, self._times, self._values):
            self._hash.update(memoryview(column).cast("B"))
            del column[:]

    def sum(self) -> Sum:
        if self._steps:
            self._fold()
        return Sum(self.count, self._hash.hexdigest())


class _Bag:
    """One metric's points whatever their order: the sum of the hashes of all of them."""

    __slots__ = ("_total", "count")

    def __init__(self) -> None:
        self.count = 0
        self._total = 0

    def extend(self, steps: Any, given: Any, times: Any, values: Any) -> None:
        shown = [True] * len(steps) if given is None else given.tolist()
        for step, is_given, time, value in zip(
            steps.tolist(), shown, times.tolist(), values.tolist(), strict=True
        ):
            self._total += point_hash("", step if is_given else None, time, value)
        self.count += len(steps)

    def sum(self) -> Sum:
        return Sum(self.count, f"{self._total % (1 << 64):016x}")


def point_hash(name: str, step: int | None, time: float, value: float) -> int:
    """64 bits that tell a point from others."""
    numbers = _NUMBERS.pack(
        0 if step is None else step, step is not None, time, value if value == value else math.nan
    )
    return int.from_bytes(
        blake3(name.encode("utf-8", "surrogatepass") + numbers).digest(8), "little"
    )


def _nothing() -> tuple[list[str], list[int | None], list[float], list[float]]:
    return [], [], [], []


class Account:
    """What there is of one run, on one side.

    Args:
        ordered: Whether the order of a metric's points counts.
    """

    def __init__(self, *, ordered: bool = True) -> None:
        self._new: type[_Points | _Bag] = _Points if ordered else _Bag
        self._points: dict[str, _Points | _Bag] = {}
        self._waiting: tuple[list[str], list[int | None], list[float], list[float]] = _nothing()
        self._others: dict[str, tuple[int, blake3]] = {}
        self._facts: dict[str, str] = {}
        self._beside: dict[str, tuple[int, int]] = {}

    def row(self, step: int | None, time: float, values: Mapping[str, float]) -> None:
        """A point of each of some metrics, as they were written. They wait for others, to be counted together."""
        names, steps, times, numbers = self._waiting
        names.extend(values)
        steps.extend([step] * len(values))
        times.extend([time] * len(values))
        numbers.extend(values.values())
        if len(names) >= _CHUNK:
            self._settle()

    def beside(self, name: str, step: int | None, time: float, what: Any) -> None:
        """What was logged beside a point of a metric; whatever their order."""
        what = msgspec.json.decode(encode_line({"": what}))[""]
        said = encode_line({"": [step, float(time), what]})
        count, total = self._beside.get(name, (0, 0))
        number = int.from_bytes(blake3(said).digest(8), "little")
        self._beside[name] = (count + 1, (total + number) % (1 << 64))

    def column(self, name: str, steps: Any, given: Any, times: Any, values: Any) -> None:
        """Points of one metric as columns, as they were written; `given` says where a step was given."""
        self._settle()
        found = self._points.get(name)
        if found is None:
            found = self._points[name] = self._new()
        found.extend(steps, given, times, values)

    def points(self, points: Points) -> None:
        """Points one by one, as they were written."""
        self._settle()
        import numpy as np

        number = {name: at for at, name in enumerate(dict.fromkeys(points.names))}
        codes = np.array([number[name] for name in points.names], np.int32)
        order = np.argsort(codes, kind="stable")
        times, values = np.array(points.times, np.float64), np.array(points.values, np.float64)
        given = np.array([step is not None for step in points.steps], np.bool_)
        steps = np.array([step or 0 for step in points.steps], np.int64)
        bounds = np.searchsorted(codes[order], np.arange(len(number) + 1))
        for name, at in number.items():
            chosen = order[bounds[at] : bounds[at + 1]]
            self.column(
                metric_name(name), steps[chosen], given[chosen], times[chosen], values[chosen]
            )

    def _settle(self) -> None:
        """Count what waits."""
        if self._waiting[0]:
            waiting, self._waiting = self._waiting, _nothing()
            self.points(Points(*waiting))

    def thing(self, kind: str, what: Any) -> None:
        """Something else, plain JSON, in its order."""
        count, digest = self._others.get(kind) or (0, blake3())
        digest.update(encode_line({"": what}))
        self._others[kind] = (count + 1, digest)

    def things(self, kind: str, whats: Iterable[tuple[str, Any]]) -> None:
        """Things by name, whose order says nothing."""
        for name, what in sorted(whats, key=lambda one: one[0]):
            self.thing(kind, [name, what])

    def facts(self, found: Mapping[str, Any]) -> None:
        """What there is but once, such as how it ended, by its names: it is compared, and not counted."""
        for name, what in found.items():
            read = msgspec.json.decode(
                encode_line({"": what})
            )  # what cannot be written as it is reads otherwise
            self._facts[name] = blake3(encode_line(read)).hexdigest()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of each kind."""
        found = {kind: count for kind, (count, _) in self._others.items()}
        self._settle()
        found["points"] = sum(points.count for points in self._points.values())
        return {kind: found[kind] for kind in _KINDS if found.get(kind)}

    def sums(self) -> dict[tuple[str, str], Sum]:
        """Everything summed up, by kind and name."""
        self._settle()
        found = {("points", name): points.sum() for name, points in self._points.items()}
        for kind, (count, digest) in self._others.items():
            found[kind, ""] = Sum(count, digest.hexdigest())
        for name, (count, total) in self._beside.items():
            found[_BESIDE, name] = Sum(count, f"{total:016x}")
        return found | {(_FACTS, name): Sum(1, digest) for name, digest in self._facts.items()}

    def totals(self) -> dict[str, Sum]:
        """Everything summed up, by kind."""
        counts: dict[str, int] = {}
        digests: dict[str, blake3] = {}
        for (kind, name), one in sorted(self.sums().items()):
            counts[kind] = counts.get(kind, 0) + one.count
            digests.setdefault(kind, blake3()).update(
                encode_line({"": [name, one.count, one.digest]})
            )
        return {
            kind: Sum(counts[kind], digests[kind].hexdigest())
            for kind in _KINDS
            if counts.get(kind)
        }


def differences(there: Account, here: Account) -> list[Kind]:
    """What is not the same on both sides; facts that the source does not state are ours alone."""
    first, second = there.sums(), here.sums()
    second = {key: one for key, one in second.items() if key[0] != _FACTS or key in first}
    kinds = (
        Kind(kind, name, first.get((kind, name), Sum()), second.get((kind, name), Sum()))
        for kind, name in sorted(first.keys() | second.keys())
    )
    return [one for one in kinds if not one.is_equal]
