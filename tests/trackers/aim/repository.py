"""The repository of `making.py`, made by the Aim of this environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.trackers.environments import Made

__all__ = ["made_by_aim"]


def made_by_aim(where: Path) -> Made:
    """A repository, and what Aim's own API reads from it."""
    around = {**os.environ, "HOME": str(where), "AIM_UI_TELEMETRY_ENABLED": "0"}
    store, answers = where / "store", where / "answers"
    store.mkdir(parents=True)
    program = Path(__file__).with_name("making.py")
    command = [sys.executable, str(program), str(store), str(answers)]
    subprocess.run(command, cwd=where, env=around, check=True, capture_output=True)
    return Made(store, json.loads(answers.read_text()))
