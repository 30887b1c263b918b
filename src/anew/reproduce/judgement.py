"""What is said of two experiments, and of several re-runs of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .differences import InputDifference
from .verdict import MetricVerdict, Verdict

__all__ = ["Explanation", "Intended", "Judgement", "Output", "ValueDifference"]


@dataclass(frozen=True)
class Explanation:
    """What several re-runs of one experiment have shown.

    Attributes:
        cause: "proven" where swapping has shown what brings the difference; "inputs" where the re-runs are the same and
            something captured differs from the original; "not captured" where they are the same and nothing captured
            differs; "not deterministic" where they part; "ends" where one of them failed.
        runs: How many re-runs it took.
        metric: The metric that parts first, at `step`, where the program is not deterministic.
        text: A sentence.
        causes: What brings the difference, where that is proven; several are needed together.
        cleared: What differs, was swapped and has no part in it.
        suspects: What differs and was not swapped, so that nothing is known of its part.
    """

    cause: Literal["proven", "inputs", "not captured", "not deterministic", "ends"]
    runs: int
    text: str
    metric: str | None = None
    step: int | None = None
    causes: list[InputDifference] = field(default_factory=list)
    cleared: list[InputDifference] = field(default_factory=list)
    suspects: list[InputDifference] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        plain = {k: v for k, v in self.__dict__.items() if v is not None}
        lists = {
            k: [one.to_dict() for one in getattr(self, k)]
            for k in ("causes", "cleared", "suspects")
        }
        return plain | lists


_FOLLOWS = ("config", "params", "seed", "random state")
_OF_WISHES = {
    "code": ("code", *_FOLLOWS), "data": ("data",), "packages": ("package", "python"), "interpreter": ("python", "package"),
    "variable": ("variable",), "cores": ("hardware",),
}  # fmt: skip


@dataclass(frozen=True)
class Intended:
    """Something that a re-run has otherwise on purpose: what, and a sentence."""

    what: Literal["code", "data", "packages", "interpreter", "variable", "cores"]
    text: str

    def covers(self, one: InputDifference) -> bool:
        """Whether a difference is what was intended, or follows from it."""
        return one.kind in _OF_WISHES[self.what]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class ValueDifference:
    """How two contents differ by value.

    Attributes:
        compared: How many values were compared; `differing` how many of them are not the same.
        largest: The largest difference, in the array or field `where`; infinite where a shape or a text differs.
        within: Whether all are within the tolerance.
    """

    compared: int
    differing: int
    largest: float
    where: str
    within: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Output:
    """Something that was left behind beside curves: a file, a value, a version of weights, a parameter.

    Attributes:
        a: The hash of its content in the first experiment, `b` in the second; of a parameter its value; None where it is
            not there.
        values: How the two differ by value, where their hashes differ and the format can be read.
    """

    name: str
    a: str | None
    b: str | None
    kind: Literal["file", "value", "weights", "parameter"] = "file"
    values: ValueDifference | None = None

    @property
    def same(self) -> bool:
        """Whether both have it with the same content."""
        return self.a is not None and self.a == self.b

    @property
    def equal(self) -> bool:
        """Whether both have it with the same values, maybe in other bytes."""
        return self.same or (self.values is not None and not self.values.differing)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        plain = {"kind": self.kind, "same": self.same, "a": self.a, "b": self.b}
        return plain | ({"values": self.values.to_dict()} if self.values is not None else {})


@dataclass(frozen=True)
class Judgement:
    """What is said of two experiments.

    Attributes:
        verdict: The worst of the metrics' verdicts; DIVERGED as well where one of the two failed and the other did not.
        reason: Why, in words.
        a: Id of the first (the original); `b` of the second.
        metrics: A verdict per metric that was compared, the worst first.
        outputs: What either has left behind beside curves, what differs first. It makes the verdict where neither logged
            a metric, and is told beside it otherwise: many formats store more than the values.
        apart: Verdicts on times and speeds, which do not count.
        left_out: Metrics that were not compared, each with the reason.
        differences: What was captured of both and is not the same, the likeliest to matter first.
        notes: What else to know, such as that one of the two failed.
        explanation: Why they differ, where further re-runs have shown it.
        unknown: What may have decided the result and was not captured of the first.
        intended: What the second had otherwise on purpose: then this is no reproduction, and the verdict is UNCHANGED or
            CHANGED. `follows` are the captured differences that come of it.
    """

    verdict: Verdict
    reason: str
    a: str
    b: str
    prefix_a: str
    prefix_b: str
    metrics: list[MetricVerdict]
    outputs: list[Output] = field(default_factory=list)
    apart: list[MetricVerdict] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    differences: list[InputDifference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sides: tuple[str, str] = ("the original", "the re-run")
    explanation: Explanation | None = None
    unknown: list[str] = field(default_factory=list)
    intended: list[Intended] = field(default_factory=list)
    follows: list[InputDifference] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 for the same, 1 for DIVERGED, 2 for NOT COMPARABLE."""
        return self.verdict.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "a": self.a,
            "b": self.b,
            "prefix_a": self.prefix_a,
            "prefix_b": self.prefix_b,
            "metrics": {m.metric: m.to_dict() for m in self.metrics},
            "outputs": {row.name: row.to_dict() for row in self.outputs},
            "apart": {m.metric: m.to_dict() for m in self.apart},
            "left_out": self.left_out,
            "differences": [d.to_dict() for d in self.differences],
            "notes": self.notes,
            "explanation": self.explanation.to_dict() if self.explanation else None,
            "unknown": self.unknown,
            "intended": [one.to_dict() for one in self.intended],
            "follows": [one.to_dict() for one in self.follows],
        }
