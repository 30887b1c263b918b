"""The table "their call, and ours": both columns run, and record the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anew import Store
from anew.dialects import wandb

from .programs import DOCS

PAGE = (DOCS / "guides" / "from-wandb.md").read_text()
ROWS = re.findall(
    r"^\| `(.*)` \| `(.*)` \|$", PAGE.split("## Their call")[1].split("\n## ")[0], re.M
)


def run_column(column: int, folder: Path, monkeypatch: pytest.MonkeyPatch, **names: Any) -> Store:
    """Run a column of the table from top to bottom in a store of its own."""
    monkeypatch.setenv("ANEW_ROOT", str(folder))
    for row in ROWS:
        call = row[column]
        if call != "import wandb":  # the dialect stands for it
            exec(call, names)
    return Store(folder)


def test_both_columns_run_and_record_the_same(tmp_path, monkeypatch):
    assert len(ROWS) > 20
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANEW_QUIET", "1")
    Path("model.pt").write_bytes(b"weights")
    Path("train.csv").write_text("a,b\n")
    array = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    theirs = run_column(0, tmp_path / "theirs", monkeypatch, wandb=wandb, array=array)
    ours = run_column(1, tmp_path / "ours", monkeypatch, array=array)
    seen = []
    for store in (theirs, ours):
        [view] = store.list()
        seen.append(
            {
                "status": str(view.status),
                "loss": view.metrics["loss"].read().values.tolist(),
                "settings": {**(view.config or {}), **view.params},
                "tags": {"baseline", "final"} <= set(view.tags),
                "notes": view.notes,
                "values": sorted(value.kind for value in view.values()),
                "files": {Path(one.name).name for one in view.files} >= {"model.pt", "train.csv"},
                "warned": any("loss" in line.message for line in view.logs("warning")),
            }
        )
        store.close()
    assert seen[0]["settings"].items() >= {"lr": 0.1, "epochs": 3}.items()
    assert seen[0] == seen[1]
