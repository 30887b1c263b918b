"""What the routes behind the pages of one experiment, a difference and a reproduction answer."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ..query.arrays import Floats, Ints
from ..record.facts import ExperimentFacts
from ..record.status import Status

__all__ = [
    "Compared",
    "CorrectionFacts",
    "CurvePart",
    "DifferenceAnswer",
    "DifferenceRow",
    "Explained",
    "Gaps",
    "InputFacts",
    "Judged",
    "Lineage",
    "MediaOf",
    "MediaSeries",
    "OpeningFacts",
    "Overview",
    "RecipeFacts",
    "Relative",
    "ReproductionAnswer",
    "Rerun",
    "SharedMetric",
    "Stated",
]


class InputFacts(msgspec.Struct, frozen=True):
    """One declared input: where it lay, how many bytes it had, and the SHA-256 of its content."""

    name: str
    path: str | None = None
    size: int | None = None
    sha256: str | None = None


class RecipeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How an experiment was run.

    Attributes:
        command: The command line; `cwd` the folder that it was given in, `entry` its program file.
        run_again: What to type to run it again.
        commit: Of the code; None where it was in none. `branch`, `dirty` and `remote` likewise.
        patch: Whether there are uncommitted changes, to be read as the capture `git.patch`.
        left_out: Files that are not in the patch, each with the reason.
        packages: Versions by name.
        environment: Python and the system; `hardware` the machine; `seeds` what was seeded; `variables` those that matter.
        problems: What could not be captured, each with the reason.
        others: Everything else that was captured, by name.
    """

    command: tuple[str, ...] = ()
    cwd: str | None = None
    entry: str | None = None
    run_again: str
    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    remote: str | None = None
    patch: bool = False
    submodules: dict[str, str] = {}
    left_out: dict[str, str] = {}
    packages: dict[str, str] = {}
    environment: dict[str, Any] = {}
    hardware: dict[str, Any] = {}
    seeds: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    inputs: tuple[InputFacts, ...] = ()
    problems: dict[str, str] = {}
    others: dict[str, Any] = {}


class OpeningFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One opening of an experiment: an attempt; `config` is its own where that differs from the experiment's."""

    status: Status
    reason: str | None
    started_at: float
    ended_at: float | None
    duration: float | None
    user: str | None
    host: str | None
    command: tuple[str, ...]
    config: dict[str, Any] | None = None


class CorrectionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter that somebody changed afterwards.

    Attributes:
        name: Dotted.
        was: What the program had set; None where it had set nothing (`missing`).
        now: What it is; None where it was taken away (`removed`).
        at, by, why: When it was corrected last, by whom, and why, as they put it.
    """

    name: str
    was: Any
    missing: bool
    now: Any
    removed: bool
    at: float
    by: str
    why: str | None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment as its page shows it.

    Attributes:
        facts: With its metrics and broken lines; files and values are asked for apart.
        duration: Seconds that it ran.
        error: The traceback that it failed with.
        params: Nested plain values; `config` likewise. A float that JSON has no number for is `{"$float": "NaN"}`.
        corrected: The parameters that do not have the values which the program set.
        writers: The names of the processes that wrote it.
        openings: In order; more than one where it was continued.
    """

    facts: ExperimentFacts
    duration: float | None
    error: str | None
    tags: dict[str, str | None]
    bindrs: tuple[str, ...]
    params: dict[str, Any]
    corrected: tuple[CorrectionFacts, ...]
    config: dict[str, Any] | None
    writers: tuple[str, ...]
    openings: tuple[OpeningFacts, ...]
    recipe: RecipeFacts


class Relative(msgspec.Struct, frozen=True):
    """An experiment that another one has to do with; `relation` says how it comes from its parent."""

    id: str
    prefix: str
    name: str
    status: Status
    created_at: float
    relation: str | None = None
    parent: str | None = None


class Lineage(msgspec.Struct, frozen=True):
    """Where an experiment comes from, and what came from it.

    Attributes:
        ancestors: Its parent first, then the parent of that one.
        missing: The id of an ancestor that is not there any more.
        children: What comes from it: forks, children, reproductions. The oldest first.
        attempts: Experiments of the same prefix, itself among them, in the order they were opened.
        more: How many children and attempts are left out because there are very many.
    """

    ancestors: tuple[Relative, ...] = ()
    missing: str | None = None
    children: tuple[Relative, ...] = ()
    attempts: tuple[Relative, ...] = ()
    more: int = 0


class MediaSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The values that were logged under one name, as columns in the order of steps.

    Attributes:
        kind: image, table, histogram …
        count: How many there are in all.
        paths: The file of each, as the route for bytes takes it; None where `data` has all of it.
        x: The place of each on the x that was asked for, where that is not the step; they are in the order of these then.
        cut: Of each, whether something of its data or metadata was left out; the route for one experiment gives all of it. None if
            nothing was.
    """

    name: str
    kind: str
    count: int
    steps: tuple[int | None, ...]
    times: tuple[float, ...]
    paths: tuple[str | None, ...]
    data: tuple[Any, ...]
    metadata: tuple[dict[str, Any], ...]
    x: tuple[float | int | None, ...] | None = None
    cut: tuple[bool, ...] | None = None


class MediaOf(msgspec.Struct, frozen=True):
    """The values of one of several experiments."""

    id: str
    series: tuple[MediaSeries, ...]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One of the experiments that are compared."""

    id: str
    prefix: str
    name: str
    status: Status
    reason: str | None
    created_at: float
    duration: float | None
    host: str | None
    corrected: tuple[CorrectionFacts, ...] = ()


class DifferenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not the same in all; see `anew.reproduce.matrix.MatrixRow`."""

    kind: str
    what: str
    values: tuple[Any, ...]
    weight: Literal["likely", "possible", "unlikely"]
    text: str = ""
    outliers: tuple[int, ...] = ()


class SharedMetric(msgspec.Struct, frozen=True):
    """A metric that one of the experiments logged, and how many points each of them has of it."""

    name: str
    counts: tuple[int, ...]


class DifferenceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between experiments.

    Attributes:
        rows: Only what is not the same in all, the likeliest to matter first.
        same: By kind, how many things were compared that are the same in all.
        unknown: What cannot be compared because one experiment did not capture it.
        metrics: Those that any of them logged, but those of the machine.
    """

    experiments: tuple[Compared, ...]
    rows: tuple[DifferenceRow, ...]
    same: dict[str, int]
    unknown: tuple[str, ...]
    metrics: tuple[SharedMetric, ...]


class CurvePart(msgspec.Struct, frozen=True, kw_only=True):
    """Where the curves of a metric part.

    Attributes:
        kind: "same" in all; "value" where values differ at `step`; "step" where they go on at different steps; "length" where one
            ends before the other; "missing" where one has no such metric.
        step: The first step at which another experiment is not the same as the first one.
        other: Which one that is (from 1).
        a: The value of the first experiment there, `b` of the other; None where there is no such point.
    """

    metric: str
    kind: Literal["same", "value", "step", "length", "missing"]
    step: int | None = None
    other: int | None = None
    a: float | None = None
    b: float | None = None
    counts: tuple[int, ...] = ()


class Gaps(msgspec.Struct, frozen=True, eq=False):
    """How far two curves are apart; see `anew.reproduce.gap.Gap`."""

    steps: Ints
    a: Floats
    b: Floats
    gap: Floats
    matched: int
    exact: bool


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of an experiment again, and the verdict that was recorded of it."""

    id: str
    prefix: str
    status: Status
    created_at: float
    verdict: str | None = None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one metric; see `anew.reproduce.verdict.MetricVerdict`."""

    metric: str
    verdict: str
    reason: str
    points_a: int
    points_b: int
    matched: int
    differing: int
    step: int | None
    a: float | None
    b: float | None
    difference: float | None
    relative: float | None
    largest: float
    largest_step: int | None
    growth: str
    rtol: float
    atol: float
    last_a: float | None
    last_b: float | None


class Stated(msgspec.Struct, frozen=True):
    """What is known of one part of the recipe; see `anew.reproduce.evidence.Statement`."""

    what: str
    state: Literal["same", "differs", "unknown"]
    text: str


class Explained(msgspec.Struct, frozen=True):
    """What further runs have shown of the cause; see `anew.reproduce.judgement.Explanation`.

    Attributes:
        runs: How many runs it took.
        causes: What brings the difference, proven.
        cleared: What differs and has no part in it, proven.
        suspects: What differs and was not swapped.
    """

    cause: str
    runs: int
    text: str
    causes: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()


class ReproductionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a result came back.

    Attributes:
        original: The experiment; None where a run again is all that is left.
        again: The run that is held against it; None where there is none.
        reruns: All of its runs, the newest first.
        verdict: Worked out now from every point, with the tolerance that was recorded; None where nothing can be compared.
        recorded: The verdict that was recorded when it ran.
        apart: Verdicts on times and speeds, which do not count.
        left_out: Metrics that were not compared, each with the reason.
        explanation: Why they differ, where further runs have shown it when it was run again; None where they have not.
        unknown: What may have decided the result and was not captured.
        causes: What differs between the two recipes.
        evidence: What the verdict rests on.
        command: What to type to run the experiment again.
    """

    original: Compared | None
    again: Compared | None
    reruns: tuple[Rerun, ...]
    verdict: str | None = None
    reason: str = ""
    recorded: str | None = None
    metrics: tuple[Judged, ...] = ()
    apart: tuple[Judged, ...] = ()
    explanation: Explained | None = None
    unknown: tuple[str, ...] = ()
    left_out: dict[str, str] = {}
    causes: tuple[DifferenceRow, ...] = ()
    evidence: tuple[Stated, ...] = ()
    notes: tuple[str, ...] = ()
    command: str
