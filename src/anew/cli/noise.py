"""Groups of runs that are compared within the noise of their seeds, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .face import Face
from .output import Column
from .words import one_line

if TYPE_CHECKING:
    from ..reproduce.groups import NoiseVerdict

__all__ = ["NOISE_STYLES", "show_noise"]

NOISE_STYLES = {"EQUIVALENT": "green", "NOT ENOUGH RUNS": "yellow", "NOT EQUIVALENT": "red"}


def show_noise(face: Face, verdict: NoiseVerdict) -> None:
    """Print a verdict on two groups, and what it rests on."""
    word = verdict.verdict.value
    face.out.line(f"{word}: {verdict.reason}", f"bold {NOISE_STYLES[word]}")
    rows = verdict.metrics
    if rows:

        def numbers(*names: str) -> list[str]:
            return [
                "" if getattr(one, name) is None else f"{getattr(one, name):.4g}"
                for one in rows for name in names
            ]  # fmt: skip

        face.out.line()
        face.out.table(
            [
                Column("METRIC", [one_line(one.metric) for one in rows], least=12),
                Column("VERDICT", [one.verdict.value for one in rows], styles=[NOISE_STYLES[one.verdict.value] for one in rows]),
                Column("FIRST", [f"{one.runs_a} runs" for one in rows], right=True),
                Column("MEAN", numbers("mean_a"), right=True),
                Column("SD", numbers("sd_a"), right=True),
                Column("SECOND", [f"{one.runs_b} runs" for one in rows], right=True),
                Column("MEAN", numbers("mean_b"), right=True),
                Column("SD", numbers("sd_b"), right=True),
                Column("DIFFERENCE", numbers("effect"), right=True),
                Column("MARGIN", numbers("margin"), right=True),
                Column("POWER", numbers("power"), right=True),
            ]
        )  # fmt: skip
    if verdict.left_out:
        shown = ", ".join(f"{name} ({why})" for name, why in verdict.left_out.items())
        face.out.say(f"left out: {shown}")
