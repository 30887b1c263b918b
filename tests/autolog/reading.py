"""What a program left in its experiment, in short."""

from __future__ import annotations

from typing import Any

from anew import Experiment, Store

Points = list[tuple[int, float]]


def metrics(experiment: Experiment) -> dict[str, Points]:
    """Every metric's points."""
    view = Store()[experiment.id]
    histories = {name: view.metrics[name].read() for name in view.metrics}
    return {
        name: list(zip(history.steps.tolist(), history.values.tolist(), strict=True))
        for name, history in histories.items()
        if not name.startswith("system/")
    }


def values(experiment: Experiment) -> list[tuple[str, str, int | None]]:
    """Name, kind and step of every value, in their order."""
    return [(value.name, value.kind, value.step) for value in Store()[experiment.id].values()]


def messages(experiment: Experiment) -> list[tuple[str, str, dict[str, Any]]]:
    """Level, text and fields of every message, in their order."""
    return [(line.level, line.message, dict(line.fields or {})) for line in Store()[experiment.id].logs()]  # fmt: skip
