"""Ranks that record experiments of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from anew import Store
from anew.record.fold import RECIPE

PROGRAM = """
import os, sys
from anew import Experiment
rank = os.environ["SLURM_PROCID"]
with Experiment(sys.argv[1].format(rank=rank), root=sys.argv[2], quiet=True, console="off", system_metrics=0,
                params={"of": rank}, config={"rank": int(rank), "lr": 0.1}) as exp:
    exp.log_metric("x", 1.0, step=0)
"""


def tasks(root: Path, prefix: str, ranks: str) -> None:
    for rank in ranks:
        slurm = {
            "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "3", "SLURM_PROCID": rank, "SLURM_LOCALID": rank,
        }  # fmt: skip
        command = [sys.executable, "-c", PROGRAM, prefix, str(root)]
        subprocess.run(command, env=os.environ | slurm, check=True)


def test_a_rank_without_a_lead_records_how_it_was_run(root: Path) -> None:
    tasks(root, "a/sweep-{rank}", "012")
    with Store(root) as store:
        for rank in "012":
            view = store[f"a/sweep-{rank}"]
            assert view.captured.keys() & RECIPE >= {"command", "hardware", "environment", "seeds"}
            assert view.params["of"] == rank
            assert view.config is not None
            assert view.config["rank"] == int(rank)
            document = json.loads((Path(view.path) / "metadata.json").read_text())
            assert document["command"]["cwd"] == os.getcwd()
            assert (Path(view.path) / "reproduce.sh").exists()


def test_of_ranks_without_a_lead_the_lowest_does_its_work_and_beside_one_none_does(
    root: Path,
) -> None:
    tasks(root, "a/without", "12")
    tasks(root, "b/with", "012")
    with Store(root) as store:
        assert (store["a/without"].params["of"], store["a/without"].config["rank"]) == ("1", 1)
        view = store["b/with"]
        assert (view.params["of"], view.config["rank"]) == ("0", 0)
        assert [one.config for one in view.openings] == [None]
