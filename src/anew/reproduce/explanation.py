"""Why a re-run came out differently, as far as that has been proven.

A re-run that differs from its original may differ because something is not as it was, or because the program does not
give the same twice. Only a second re-run can tell: two that are the same to the last bit show that the program is
deterministic here and now, so something that the re-runs share and the original had not is the cause; two that part show
that the program is not deterministic, and where.
"""

from __future__ import annotations

from collections.abc import Sequence

from .differences import Side
from .judgement import Explanation, Judgement
from .ran import not_covered
from .verdict import MetricVerdict, Verdict

__all__ = ["explain", "not_looked_at"]


def explain(original: Judgement, among: Sequence[Judgement]) -> Explanation:
    """What it means that re-runs differ from their original.

    Args:
        original: The judgement on the original and a re-run.
        among: The judgements on that re-run and each further one.
    """
    runs = len(among) + 1
    parted = [m for one in among for m in one.metrics if m.verdict is Verdict.DIVERGED]
    first: MetricVerdict | None = min(
        parted, key=lambda m: m.step if m.step is not None else 1 << 62, default=None
    )
    if first is not None:
        where = f"{first.metric} at step {first.step}" if first.step is not None else first.metric
        text = f"the program is not deterministic: {runs} re-runs of the same recipe part, first {where}"
        return Explanation("not deterministic", runs, text, first.metric, first.step)
    if any(one.verdict is not Verdict.IDENTICAL for one in among):
        reason = next(one.reason for one in among if one.verdict is not Verdict.IDENTICAL)
        return Explanation("ends", runs, f"{runs} re-runs do not agree: {reason}")
    same = f"{runs} re-runs are the same to the last bit, so the program is deterministic here"
    if any(one.weight != "unlikely" for one in original.differences):
        return Explanation(
            "inputs", runs, f"{same}; the cause is among what differs, or was not captured"
        )
    return Explanation(
        "not captured", runs, f"{same}; the cause is something that was not captured"
    )


def not_looked_at(side: Side) -> list[str]:
    """What may have decided a result and was not captured of an experiment, in words, the likeliest first."""
    git = side.fact("git")
    missing = []
    if side.fact("seeds").get("seed") is None:
        missing.append("how random numbers were seeded: seed_everything was not called")
    left_out, masked = git.get("left_out") or {}, git.get("masked") or {}
    if left_out:
        shown = ", ".join(list(left_out)[:5]) + (" …" if len(left_out) > 5 else "")
        missing.append(f"files that were left out of the patch: {shown}")
    if masked:
        shown = ", ".join(list(masked)[:5]) + (" …" if len(masked) > 5 else "")
        missing.append(f"lines of the patch in which secrets were masked: {shown}")
    if not side.fact("inputs"):
        missing.append("data that was read and not declared (exp.inputs.add)")
    if unseen := not_covered(side):
        missing.append(f"files that native code opened and closed again ({', '.join(unseen)})")
    missing += [
        "files that git ignores, and modules outside the repository",
        "standard input, the network and the time",
    ]
    return missing
