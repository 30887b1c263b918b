"""What the routes behind the pages of one experiment, a difference and a reproduction are asked."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = [
    "CurvesRequest",
    "DifferenceRequest",
    "GapRequest",
    "MediaOfRequest",
    "MediaRequest",
    "OneRequest",
    "PreviewRequest",
    "ReproductionRequest",
    "ThumbnailRequest",
]


class OneRequest(msgspec.Struct, frozen=True):
    """One experiment, by its id, the start of its id, or a name that only one has."""

    ref: str


class MediaRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Images, tables and other values of one experiment.

    Attributes:
        name: Which of them to give step by step; without one, the names are given with the newest value of each.
        time: Only what was logged at this time.
    """

    ref: str
    name: tuple[str, ...] = ()
    time: float | None = None


class MediaOfRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Images, tables and other values of many experiments.

    Attributes:
        names: As `name` of `MediaRequest`.
        x: What their places are: "step", "time", "relative" (seconds since the experiment began), or a metric, whose last value by the
            step of each counts.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...] = ()
    x: str = "step"


class ThumbnailRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A small picture of an image that was logged.

    Attributes:
        name: The file of the value, as of the route for its bytes.
    """

    ref: str
    name: str


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What can be shown of a file; see `anew.reading.preview`.

    Attributes:
        kind: As of the route for the bytes; `name` likewise.
        start: The first row wanted of a table; `limit` the most rows.
    """

    ref: str
    kind: Literal["file", "value", "capture"]
    name: str
    start: int = 0
    limit: int = 100


class DifferenceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Two or more experiments, of which the others are compared with the first."""

    ids: tuple[str, ...]


class CurvesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where the curves of experiments part.

    Attributes:
        metrics: Which metrics; all but those of the machine if none is given.
        rtol: How far values may be apart relative to those of the first experiment; `atol` in absolute terms.
    """

    ids: tuple[str, ...]
    metrics: tuple[str, ...] = ()
    rtol: float = 0.0
    atol: float = 0.0


class GapRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How far one metric of two experiments is apart, step by step.

    Attributes:
        points: At most this many steps; of each stretch the one with the largest gap.
    """

    ids: tuple[str, ...]
    metric: str
    points: int = 500


class ReproductionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment and a run of it again.

    Attributes:
        ref: The experiment that was run again, or a run of it again.
        again: Which of its runs; the newest if none is given.
        rtol: As of `CurvesRequest`, instead of the tolerance that was recorded with the verdict; `atol` likewise.
    """

    ref: str
    again: str | None = None
    rtol: float | None = None
    atol: float | None = None
