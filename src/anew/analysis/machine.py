"""What the machine did while a curve was drawn: how long its devices were idle, and what was unlike the time around a stretch.

All of it is from what was sampled every few seconds (`system/…`). That two things happened at the same time does not say which of them
brought the other about, and nothing here says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from ..errors import InvalidValue, NotFound
from ..query.arrays import Floats
from ..reading.views import ExperimentView

__all__ = ["DeviceUse", "MachineUse", "Stretch", "machine_of"]

Axis = Literal["step", "relative", "time"]
_BUSY = re.compile(r"^system/(gpu\.\d+)\.utilization$|^system/(cpu)\.percent$")
_AROUND = 5
"""So many lengths of a stretch to each side are what it is held against."""
_LEAST = 20
"""Samples to each side at least, where there are so many."""
_ENOUGH = 8
_GAP = 4.0
"""A gap of so many usual ones between samples is time that nobody watched."""


class DeviceUse(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a device was.

    Attributes:
        device: "gpu.0", "cpu".
        samples: How many samples there are of it.
        watched: Seconds that they cover: each stands for the time up to the next, unless that was long.
        idle: Seconds of these in which it was less busy than the limit.
        share: `idle` of `watched`; None without samples.
        mean: How busy it was, in percent.
        longest: Seconds of the longest time without a break that it was idle, which began at `longest_at` (since the epoch).
    """

    device: str
    samples: int
    watched: float
    idle: float
    share: float | None
    mean: float | None
    longest: float
    longest_at: float | None


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A metric within a stretch of time, and around it.

    Attributes:
        inside: Its mean there, of so many `samples`.
        around: Its mean before and after, of so many `samples_around`.
        low, high: From where to where 95 % of the samples around lie.
        stands_out: Whether the mean inside lies beyond that; None where there are too few samples to say so.
        apart: How far the means are apart, in widths of that.
    """

    metric: str
    inside: float | None
    around: float | None
    low: float | None
    high: float | None
    samples: int
    samples_around: int
    stands_out: bool | None
    apart: float


class MachineUse(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine of an experiment did, on the whole or within a stretch.

    Attributes:
        began: When the experiment began, in seconds since the epoch.
        begin, end: The stretch, as times; None on the whole.
        devices: How busy each device was, within the stretch if there is one.
        curve: The metric that the stretch is of; None on the whole.
        measures: What was sampled, those that stand out first, the furthest apart first.
        notes: What these numbers cannot tell.
    """

    id: str
    began: float
    begin: float | None
    end: float | None
    devices: tuple[DeviceUse, ...]
    curve: Stretch | None
    measures: tuple[Stretch, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Samples:
    times: Floats
    values: Floats


def machine_of(
    view: ExperimentView,
    metric: str | None = None,
    start: float | None = None,
    stop: float | None = None,
    *,
    x: Axis = "step",
    below: float = 5.0,
) -> MachineUse:
    """What the machine of an experiment did; see `Analysis.machine`."""
    if not 0 < below <= 100:
        raise InvalidValue("A device is idle below 0 to 100 percent.", key="below")
    if (start is None) != (stop is None) or (start is not None and stop is not None and start > stop):  # fmt: skip
        raise InvalidValue("A stretch has a start, and a stop that is not before it.", key="stop")
    began = view.started_at or view.created_at
    within: tuple[float, float] | None = None
    curve: _Samples | None = None
    if start is not None and stop is not None:
        curve = _read(view, metric) if metric is not None else None
        within = _times(view, metric, curve, start, stop, x, began)
    names = sorted((name for name in view.metrics if name.startswith("system/")), key=_natural)
    sampled = {name: _read(view, name) for name in names}
    devices = tuple(
        _use(found.group(1) or found.group(2), samples, within, below)
        for name, samples in sampled.items()
        if (found := _BUSY.match(name))
    )
    if within is None:
        return MachineUse(id=view.id, began=began, begin=None, end=None, devices=devices, curve=None, measures=(), notes=_notes(sampled, None))  # fmt: skip
    measures = [_stretch(name, samples, within) for name, samples in sampled.items()]
    measures.sort(key=lambda one: (not one.stands_out, -one.apart))
    return MachineUse(
        id=view.id,
        began=began,
        begin=within[0],
        end=within[1],
        devices=devices,
        curve=None if metric is None or curve is None else _stretch(metric, curve, within),
        measures=tuple(measures),
        notes=_notes(sampled, measures),
    )


def _read(view: ExperimentView, metric: str) -> _Samples:
    if metric not in view.metrics:
        raise NotFound(f"{view.prefix} has no metric {metric!r}.", name=metric)
    found = view.metrics[metric].read(order="written")
    order = np.argsort(found.times, kind="stable")
    return _Samples(found.times[order], found.values[order])


def _natural(name: str) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _times(
    view: ExperimentView,
    metric: str | None,
    curve: _Samples | None,
    start: float,
    stop: float,
    x: Axis,
    began: float,
) -> tuple[float, float]:
    """The times of a stretch. A single point stands for the time from the point before it to the one after."""
    if x == "relative":
        start, stop = began + start, began + stop
    if x == "step":
        if metric is None:
            raise InvalidValue("Steps are those of a metric: name it.", key="metric")
        points = view.metrics[metric].read()
        inside = (points.steps >= start) & (points.steps <= stop)
        if not inside.any():
            raise NotFound(f"{view.prefix} has no point of {metric!r} from step {start:g} to {stop:g}.", name=metric)  # fmt: skip
        start, stop = float(points.times[inside].min()), float(points.times[inside].max())
    if stop > start or curve is None or not len(curve.times):
        return start, stop
    before = int(np.searchsorted(curve.times, start, side="left")) - 1
    after = int(np.searchsorted(curve.times, stop, side="right"))
    return (
        float(curve.times[before]) if before >= 0 else start,
        float(curve.times[after]) if after < len(curve.times) else stop,
    )


def _use(
    device: str, samples: _Samples, within: tuple[float, float] | None, below: float
) -> DeviceUse:
    times, values = samples.times, samples.values
    if within is not None:
        chosen = (times >= within[0]) & (times <= within[1])
        times, values = times[chosen], values[chosen]
    known = np.isfinite(values)
    times, values = times[known], values[known]
    if not len(times):
        return DeviceUse(device=device, samples=0, watched=0.0, idle=0.0, share=None, mean=None, longest=0.0, longest_at=None)  # fmt: skip
    gaps = np.diff(times)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    # The last sample stands for as long as others usually do.
    covers = np.append(gaps, usual)
    covers[covers > _GAP * usual] = usual
    quiet = values < below
    watched, idle = float(covers.sum()), float(covers[quiet].sum())
    longest, longest_at = 0.0, None
    run, run_at = 0.0, 0.0
    for at, seconds, still in zip(times.tolist(), covers.tolist(), quiet.tolist(), strict=True):
        run_at = at if still and run == 0.0 else run_at
        run = run + seconds if still else 0.0
        if run > longest:
            longest, longest_at = run, run_at
    mean = float(np.average(values, weights=covers)) if watched > 0 else float(values.mean())
    share = idle / watched if watched > 0 else float(quiet.mean())
    return DeviceUse(
        device=device, samples=len(times), watched=watched, idle=idle, share=share, mean=mean,
        longest=longest, longest_at=longest_at,
    )  # fmt: skip


def _stretch(metric: str, samples: _Samples, within: tuple[float, float]) -> Stretch:
    begin, end = within
    finite = np.isfinite(samples.values)
    times, values = samples.times[finite], samples.values[finite]
    first, stop = (int(np.searchsorted(times, begin, "left")), int(np.searchsorted(times, end, "right")))  # fmt: skip
    far = _AROUND * (end - begin)
    opens = min(int(np.searchsorted(times, begin - far, "left")), max(0, first - _LEAST))
    closes = max(int(np.searchsorted(times, end + far, "right")), min(len(times), stop + _LEAST))
    inside = values[first:stop]
    around = np.concatenate((values[opens:first], values[stop:closes]))
    mean = float(inside.mean()) if len(inside) else None
    other = float(around.mean()) if len(around) else None
    low = high = None
    stands_out: bool | None = None
    apart = 0.0
    if len(around):
        low, high = (float(one) for one in np.quantile(around, (0.025, 0.975)))
    if mean is not None and other is not None and low is not None and high is not None:
        width = high - low
        grain = max(width, 1e-9 * max(abs(mean), abs(other)))
        apart = abs(mean - other) / grain if grain > 0 else 0.0
        if len(around) >= _ENOUGH:
            stands_out = not low <= mean <= high
    return Stretch(
        metric=metric, inside=mean, around=other, low=low, high=high, samples=len(inside),
        samples_around=len(around), stands_out=stands_out, apart=apart,
    )  # fmt: skip


def _notes(sampled: dict[str, _Samples], measures: Sequence[Stretch] | None) -> tuple[str, ...]:
    if not sampled:
        return ("Nothing was sampled of this machine.",)
    gaps = [float(np.median(np.diff(one.times))) for one in sampled.values() if len(one.times) > 1]
    every = min(gaps) if gaps else None
    notes = []
    if every is not None:
        notes.append(f"The machine was sampled every {every:.3g} seconds: what was shorter is not seen.")  # fmt: skip
    if measures is None:
        return tuple(notes)
    if not any(one.samples for one in measures):
        notes.append("No sample lies within this stretch: it is shorter than the time between two.")
    elif not any(one.stands_out for one in measures):
        notes.append("Nothing that was sampled stands out from the time around it.")
    else:
        notes.append(
            "What stands out happened at the same time. That does not say which of them brought the other about, "
            "and of many measures some stand out by chance."
        )
    return tuple(notes)
