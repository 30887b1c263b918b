"""Real launches of torchrun: two ranks on CPUs, with gloo, that record what its users record."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anew import Status, Store

from .reading import points, state

pytestmark = pytest.mark.slow
pytest.importorskip("torch")

HEAD = """
import argparse, os, signal, sys
import torch.distributed as dist
from anew import Experiment
args = argparse.Namespace(lr=0.1, rank=int(os.environ["RANK"]), local_rank=int(os.environ["LOCAL_RANK"]))
"""
GROUP = 'dist.init_process_group("gloo")\n'


def torchrun(tmp_path: Path, root: Path, program: str, *options: str, group: bool = True) -> str:
    """Run a program under torchrun; what it said on standard error."""
    # Gloo does not always find the ranks of a second attempt, whatever the program does.
    (tmp_path / "train.py").write_text(HEAD + (GROUP if group else "") + program)
    environ = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("ANEW_", "SLURM_")) or k == "ANEW_KEEP_COMMITS"
    }
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0",
         "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", "--monitor-interval=0.1", *options, "train.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=500,
        env={**environ, "ANEW_ROOT": str(root), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_each_rank_may_have_values_of_its_own_in_the_configuration(
    tmp_path: Path, root: Path
) -> None:
    torchrun(
        tmp_path,
        root,
        """
with Experiment("a/ddp", config=args, config_conflict="refuse") as e:
    for i in range(3):
        e.log_metric("loss", args.rank + i / 10, step=i)
        dist.barrier()
""",
    )
    [view] = Store(root).list()
    assert view.status is Status.COMPLETED
    assert (view.config["lr"], view.config["local_rank"]) == (0.1, 0)
    assert sorted(v for *_, v in points(view.path)) == [0.0, 0.1, 0.2, 1.0, 1.1, 1.2]
    assert len(view.openings) == 1


@pytest.mark.parametrize("end", ["sys.exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_torchrun_starts_again_goes_on(tmp_path: Path, root: Path, end: str) -> None:
    torchrun(
        tmp_path,
        root,
        f"""
import time
with Experiment("a/ddp", config=args) as e:
    first = 0 if e.last_step is None else e.last_step + 1
    e.log_metric("loss", float(args.rank), step=first)
    if not e.resumed:
        open(f"there-{{args.rank}}", "w").close()
        while not (os.path.exists("there-0") and os.path.exists("there-1")): time.sleep(0.05)
        if args.rank: {end}
        time.sleep(300)  # torchrun ends this one
""",
        "--max-restarts=1",
        group=False,
    )
    [view] = Store(root).list()
    assert view.status is Status.COMPLETED
    assert [one.status for one in view.openings] == [Status.FAILED, Status.COMPLETED]
    assert sorted((s, v) for _, s, _, v in points(view.path)) == [
        (0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0),
    ]  # fmt: skip
    assert view.config["rank"] == 0


def test_ranks_may_have_an_experiment_each(tmp_path: Path, root: Path) -> None:
    torchrun(
        tmp_path,
        root,
        """
with Experiment(f"a/rank-{args.rank}", config=args, params={"seed": args.rank}) as e:
    e.log_metric("loss", float(args.rank), step=0)
    dist.barrier()
""",
    )
    with Store(root) as store:
        assert len(store) == 2
        for rank in (0, 1):
            view = store[f"a/rank-{rank}"]
            assert (view.status, view.config["rank"], view.params["seed"]) == (
                "completed",
                rank,
                rank,
            )
            assert view.captured["command"]["entry"].endswith("train.py")


def test_run_again_it_is_another_experiment(tmp_path: Path, root: Path) -> None:
    for _ in range(2):
        torchrun(
            tmp_path,
            root,
            """
with Experiment("a/ddp", config=args) as e:
    e.log_metric("loss", float(args.rank), step=0)
""",
        )
    for prefix in ("a/ddp", "a/ddp~2"):
        known = state(root / prefix)
        assert (known.outcome()[0], len(known.openings())) == (Status.COMPLETED, 1)
        assert len(points(root / prefix)) == 2
