"""What is said of two experiments, and of several re-runs of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .differences import InputDifference
from .verdict import MetricVerdict, Verdict

__all__ = ["Explanation", "Judgement"]


@dataclass(frozen=True)
class Explanation:
    """What several re-runs of one experiment have shown.

    Attributes:
        cause: "inputs" where the re-runs are the same and something captured differs from the original; "not captured"
            where they are the same and nothing captured differs; "not deterministic" where they part; "ends" where one
            of them failed.
        runs: How many re-runs were held against each other.
        metric: The metric that parts first, at `step`, where the program is not deterministic.
        text: A sentence.
    """

    cause: Literal["inputs", "not captured", "not deterministic", "ends"]
    runs: int
    text: str
    metric: str | None = None
    step: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        return {k: v for k, v in self.__dict__.items() if v is not None}


@dataclass(frozen=True)
class Judgement:
    """What is said of two experiments.

    Attributes:
        verdict: The worst of the metrics' verdicts; DIVERGED as well where one of the two failed and the other did not.
        reason: Why, in words.
        a: Id of the first (the original); `b` of the second.
        metrics: A verdict per metric that was compared, the worst first.
        apart: Verdicts on times and speeds, which do not count.
        left_out: Metrics that were not compared, each with the reason.
        differences: What was captured of both and is not the same, the likeliest to matter first.
        notes: What else to know, such as that one of the two failed.
        explanation: Why they differ, where further re-runs have shown it.
        unknown: What may have decided the result and was not captured of the first.
    """

    verdict: Verdict
    reason: str
    a: str
    b: str
    prefix_a: str
    prefix_b: str
    metrics: list[MetricVerdict]
    apart: list[MetricVerdict] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    differences: list[InputDifference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sides: tuple[str, str] = ("the original", "the re-run")
    explanation: Explanation | None = None
    unknown: list[str] = field(default_factory=list)

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
            "apart": {m.metric: m.to_dict() for m in self.apart},
            "left_out": self.left_out,
            "differences": [d.to_dict() for d in self.differences],
            "notes": self.notes,
            "explanation": self.explanation.to_dict() if self.explanation else None,
            "unknown": self.unknown,
        }
