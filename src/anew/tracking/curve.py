"""The values of one metric while it is being logged, as far as choosing the best checkpoint needs them."""

from __future__ import annotations

import contextlib
import glob
import json
import os

from ..record.checkpoints import is_finite
from ..record.plain import parse_json

__all__ = ["Curve"]


class Curve:
    """The values of one metric by step, read from the experiment's points as far as they are text, and then as they grow."""

    def __init__(self, folder: str, metric: str) -> None:
        self.folder = folder
        self.last: float | None = None
        self._metric = metric
        self._marks = {json.dumps(metric).encode(), json.dumps(metric, ensure_ascii=False).encode()}
        self._values: dict[int, float] = {}
        self._read: dict[str, int] = {}

    def at(self, step: int) -> float | None:
        """The last value logged at a step."""
        return self._values.get(step)

    def read(self) -> None:
        """Take in what was written since the last look."""
        for path in sorted(glob.glob(os.path.join(glob.escape(self.folder), "metrics", "*.jsonl"))):
            at = self._read.get(path, 0)
            with contextlib.suppress(OSError), open(path, "rb") as file:
                file.seek(at)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # still being written
                    at += len(line)
                    if any(mark in line for mark in self._marks):
                        self._take(line)
            self._read[path] = at

    def _take(self, line: bytes) -> None:
        try:
            point = parse_json(line)
            value, step = point["m"].get(self._metric), point.get("s")
        except (ValueError, KeyError, AttributeError):
            return
        if is_finite(value):
            self.last = float(value)
            if isinstance(step, int):
                self._values[step] = self.last
