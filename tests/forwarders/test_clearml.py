"""Forwarding to ClearML offline, read back from the session that `Task.import_offline_session` reads."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reenact import Image, Text
from reenact.forwarders import ClearML
from reenact.forwarders.clearml import ClearMLTarget, title_and_series
from reenact.forwarders.target import Mirror, Target
from reenact.record.status import Status
from reenact.testing.items import START, Records
from reenact.testing.target import Point, TargetContract

SHOWN = ("training_debug_image", "plot")


def sessions(mirror: Mirror) -> list[Path]:
    folder = Path(mirror.folder, "forward", "clearml")
    return sorted(folder.iterdir()) if folder.is_dir() else []


def task_of(mirror: Mirror) -> dict[str, Any]:
    (session,) = sessions(mirror)
    task: dict[str, Any] = json.loads((session / "task.json").read_text())
    return task


def events_of(mirror: Mirror, kind: str = "metrics") -> list[dict[str, Any]]:
    (session,) = sessions(mirror)
    lines = (session / f"{kind}.jsonl").read_text().splitlines()
    return [event for line in lines for event in json.loads(line)]


def name_of(event: dict[str, Any]) -> str:
    series = re.sub(r" \(pass \d+\)$", "", event["variant"])
    return series if event["metric"] == series else f"{event['metric']}/{series}"


class TestClearML(TargetContract):
    running = "in_progress"

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        return ClearMLTarget(ClearML(mode="offline"), mirror, memo)

    def crash(self, target: Target) -> None:
        assert isinstance(target, ClearMLTarget)
        if target._session is not None:
            target._session.close()

    def runs(self, mirror: Mirror) -> int:
        return len(sessions(mirror))

    def points(self, mirror: Mirror) -> list[Point]:
        scalars = [e for e in events_of(mirror) if e["type"] == "training_stats_scalar"]
        places = [(e["metric"], e["variant"], e["iter"]) for e in scalars]
        assert len(set(places)) == len(places), "ClearML keeps one value for each of these"
        return [(name_of(e), e["iter"], e["value"]) for e in scalars]

    def params(self, mirror: Mirror) -> dict[str, Any]:
        found = {}
        for section, prefix in (("General", ""), ("config", "config.")):
            for name, item in task_of(mirror)["hyperparams"][section].items():
                nothing = item["type"] == "NoneType"
                found[prefix + name.replace("/", ".")] = None if nothing else item["value"]
        return found

    def same(self, given: Any, got: Any) -> bool:
        return super().same(given, got) or (isinstance(given, list) and json.loads(got) == given)

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        tags = [
            tag.partition(":") for tag in task_of(mirror)["tags"] if not tag.startswith("reenact:")
        ]
        return {key: value if colon else None for key, colon, value in tags}

    def notes(self, mirror: Mirror) -> str:
        return str(task_of(mirror)["comment"])

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        found = task_of(mirror)["execution"]["artifacts"]
        return {file["key"]: Path(file["uri"]).read_bytes() for file in found}

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        shown = [e for e in events_of(mirror) if e["type"] in SHOWN]
        assert all(Path(e["url"]).is_file() for e in shown if "url" in e)
        return [(name_of(e), e["iter"]) for e in shown]

    def logs(self, mirror: Mirror) -> str:
        return "\n".join(event["msg"] for event in events_of(mirror, "log"))

    def status(self, mirror: Mirror) -> Any:
        return task_of(mirror)["status"] if sessions(mirror) else self.running

    def ended(self, status: Status) -> Any:
        return {Status.COMPLETED: "completed", Status.FAILED: "failed"}.get(status, "stopped")
