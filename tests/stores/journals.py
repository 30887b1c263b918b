"""Experiment folders written line by line, as the format's specification says."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from anew.journal.layout import RootLayout, part_name
from anew.journal.liveness import boot_id, host_name, machine_mark, pid_space, process_started
from anew.journal.root import announce
from anew.record.encode import number_or_name
from anew.record.ids import new_id

NOW = 1_760_000_000.0


class Journal:
    """Writes one experiment's files; every method appends whole lines."""

    def __init__(
        self, root: Path | str, prefix: str, experiment_id: str | None = None, *, t: float = NOW
    ) -> None:
        self.root = RootLayout(str(root))
        self.prefix = prefix
        self.layout = self.root.experiment(prefix)
        self.id = experiment_id or new_id()
        self.t = t
        self.folder = Path(self.layout.folder)
        for folder in ("journal", "metrics"):
            os.makedirs(self.layout.path(folder), exist_ok=True)

    def opened(self, writer: str = "0001-main", *, here: bool = False, **fields: Any) -> Journal:
        """The writer began; `here`: in this very process, so that it counts as alive."""
        process = {
            "host": host_name(),
            "machine": machine_mark(),
            "boot": boot_id(),
            "pid": os.getpid(),
            "pid_started": process_started(os.getpid()),
            "pid_space": pid_space(),
        }
        name = self.prefix.rpartition("/")[2]
        about = {"version": 1, "experiment_id": self.id, "name": name, **(process if here else {})}
        return self.event("opened", writer, **{**about, **fields})

    def event(
        self, kind: str, writer: str = "0001-main", *, t: float | None = None, **fields: Any
    ) -> Journal:
        self.t += 1.0
        line = {"k": kind, "t": self.t if t is None else t, **fields}
        return self.raw(self.layout.events(writer), json.dumps(line).encode() + b"\n")

    def points(
        self,
        points: Iterable[tuple[int | None, Mapping[str, float]]],
        writer: str = "0001-main",
        part: int = 1,
        *,
        x: Any = None,
        t: float | None = None,
    ) -> Journal:
        lines = []
        for step, values in points:
            self.t += 0.001
            line: dict[str, Any] = {} if step is None else {"s": step}
            line["t"] = round(self.t if t is None else t, 6)
            line["m"] = {name: number_or_name(float(v)) for name, v in values.items()}
            if x is not None:
                line["x"] = x
            lines.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        return self.raw(self.layout.points(writer, part), b"".join(lines))

    def closed(self, status: str = "completed", writer: str = "0001-main", **more: Any) -> Journal:
        return self.event("closed", writer, status=status, **more)

    def announce(self, kind: str = "opened") -> Journal:
        announce(self.root, kind, self.id, self.prefix)
        return self

    def raw(self, path: str, data: bytes) -> Journal:
        with open(path, "ab") as file:
            file.write(data)
        return self

    def metrics_path(self, writer: str = "0001-main", part: int = 1, suffix: str = "jsonl") -> Path:
        return self.folder / "metrics" / f"{part_name(writer, part)}.{suffix}"


def finished(root: Path | str, prefix: str, *, steps: int = 3, **more: Any) -> Journal:
    """A small experiment from its start to its end, announced."""
    journal = Journal(root, prefix, **more).opened()
    journal.event("params", params={"lr": 0.1, "model": {"name": "vit", "depth": 4}})
    journal.event("tags", add={"baseline": None, "team": "ml"})
    journal.points((step, {"loss": 1 / (step + 1), "acc": step / 10}) for step in range(steps))
    return journal.closed().announce("ended")


def running(root: Path | str, prefix: str, **more: Any) -> Journal:
    """An experiment whose writer is this very process."""
    more.setdefault("t", time.time() - 60)
    return Journal(root, prefix, **more).opened(here=True).announce()
