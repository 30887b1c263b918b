"""A judgement in words, line by line."""

from __future__ import annotations

from .judgement import Judgement
from .live import Live
from .verdict import MetricVerdict, Verdict

__all__ = ["difference_lines", "metric_rows", "progress_line", "verdict_line"]

_SHOWN_PER_KIND = 12
_NO_EFFECT = "differs, without an effect on the curves"


def verdict_line(judgement: Judgement) -> str:
    """The verdict and its reason."""
    return f"{judgement.verdict}: {judgement.reason}"


def metric_rows(judgement: Judgement) -> list[tuple[MetricVerdict, str, str, str]]:
    """Per metric: its verdict, both final values, and what there is to say."""
    return [(m, _number(m.last_a), _number(m.last_b), m.reason) for m in judgement.metrics]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def difference_lines(judgement: Judgement) -> list[str]:
    """What was captured differently, those likely to matter first; nothing when the curves are the same."""
    diverged = judgement.verdict in (Verdict.DIVERGED, Verdict.CHANGED)
    same = judgement.verdict in (Verdict.IDENTICAL, Verdict.UNCHANGED)
    explanation = judgement.explanation
    lines = [explanation.text] if explanation is not None else []
    settled = []
    if explanation is not None:
        settled = [*explanation.causes, *explanation.cleared]
        if explanation.cleared:
            lines.append("differs, and was shown to have no part in it:")
            lines += [f"  {one.text}" for one in explanation.cleared[:_SHOWN_PER_KIND]]
    proven = explanation is not None and explanation.cause == "proven"
    titles = {
        "likely": "also differs"
        if proven
        else "likely causes"
        if diverged
        else _NO_EFFECT
        if same
        else "differs, and may be the cause",
        "possible": "also differs"
        if proven
        else "possible causes"
        if diverged
        else _NO_EFFECT
        if same
        else "differs",
        "unlikely": "also differs",
    }
    for weight, title in titles.items():
        found = [d for d in judgement.differences if d.weight == weight and d not in settled]
        if found:
            if f"{title}:" not in lines:
                lines.append(f"{title}:")
            lines += [f"  {d.text}" for d in found[:_SHOWN_PER_KIND]]
            if len(found) > _SHOWN_PER_KIND:
                lines.append(f"  and {len(found) - _SHOWN_PER_KIND} more")
    if not diverged:
        return lines
    if explanation is not None and explanation.cause == "proven":
        return lines
    if explanation is not None and explanation.cause == "not deterministic":
        return lines + [f"  {one}" for one in judgement.unknown if "seed_everything" in one]
    if not any(d.weight == "likely" for d in judgement.differences):
        if not judgement.differences:
            lines.append("nothing that was captured differs")
        lines.append("not captured:")
        lines += [f"  {one}" for one in judgement.unknown]
    return lines


def progress_line(live: Live) -> str:
    """How far a re-run has come, and whether its curves have been the original's so far."""
    if not live.done:
        return "nothing logged yet"
    if live.last_step > 0:
        where = f"step {live.step:,} of {live.last_step:,}"
    else:
        where = f"{live.done:,} of {live.total:,} points"
    if live.differing is not None:
        metric, step, *_ = live.differing
        return f"{where}, {metric} differs since step {step:,}"
    return f"{where}, {'within tolerance' if live.tolerated else 'identical'} so far"
