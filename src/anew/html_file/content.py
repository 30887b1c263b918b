"""What the file holds, before it is written as a page. Everything here is data, and ends up as text or numbers."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Content", "Curves", "Difference", "Field", "Picture", "Row", "Run"]


class Run(msgspec.Struct, frozen=True):
    """One experiment.

    Attributes:
        result: The best value of the main metric; None without a finite one.
        verdict: Whether its results came back when it was run again; None if it was not.
    """

    id: str
    prefix: str
    label: str
    status: str
    created_at: float
    duration: float | None
    tags: tuple[str, ...]
    result: float | None
    verdict: str | None = None


class Curves(msgspec.Struct, frozen=True):
    """One metric of all experiments.

    Attributes:
        better: Whether its smallest or its largest value is the best; None where nobody knows.
        data: Base64 of little-endian floats: of all curves the steps, counted from `first`, then the seconds since the
            start, then the values; NaN and infinities as they are.
        bytes: Of one number: 4, or 8 where 4 would lose what can be seen.
        runs: Whose curve each one is, as a position in `Content.runs`; `counts` how many points it has here.
        points: How many points were logged.
    """

    name: str
    better: Literal["min", "max"] | None
    bytes: int
    first: float
    data: str
    runs: tuple[int, ...]
    counts: tuple[int, ...]
    points: int


class Field(msgspec.Struct, frozen=True):
    """A parameter or configuration key that is not the same in all experiments, with a value for each."""

    name: str
    values: tuple[float | str | None, ...]


class Row(msgspec.Struct, frozen=True):
    """One row of the differences: what differs, and each value with the number of experiments that have it."""

    what: str
    values: tuple[tuple[str, int], ...]


class Difference(msgspec.Struct, frozen=True):
    """What is said of two experiments: a verdict on the curves, and what could explain it, the likeliest first."""

    verdict: str
    reason: str
    metrics: tuple[tuple[str, str, str], ...]
    causes: tuple[str, ...]


class Picture(msgspec.Struct, frozen=True):
    """An image or figure of one experiment, as a `data:` URL."""

    run: int
    name: str
    step: int | None
    url: str


class Content(msgspec.Struct, frozen=True):
    """All of it.

    Attributes:
        main: The metric that experiments are ranked by; None if nothing was logged.
        fields: What differs, the most telling first.
        same: What is the same in all, as "key value".
        headline: For each metric in the table, its name and the best value of each experiment.
        said: What was left out or thinned, in sentences.
    """

    title: str
    about: str
    runs: tuple[Run, ...]
    main: str | None
    curves: tuple[Curves, ...]
    fields: tuple[Field, ...]
    same: tuple[str, ...]
    headline: tuple[Field, ...]
    rows: tuple[Row, ...]
    difference: Difference | None
    pictures: tuple[Picture, ...]
    said: tuple[str, ...]
