"""Two processes, one experiment: each rank logs what it sees, and one folder holds it all.

`python examples/ddp_two_ranks.py` starts both ranks the way torchrun does, by the variables RANK and
WORLD_SIZE. Under torchrun, srun or mpirun, only `train` would be left.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys

from anew import Experiment, Store


def train() -> None:
    """What every rank runs. The first rank decides the experiment's status; each has files of its own."""
    rank = int(os.environ["RANK"])
    noise = random.Random(rank)
    with Experiment("examples/ddp/two-ranks", tags=["example"]) as exp:
        for step in range(100):
            loss = 1 / (step + 1) + noise.uniform(0, 0.05)
            exp.log_metric(f"rank{rank}/loss", loss, step)
            if rank == 0:
                exp.log_metric("lr", 0.1 * 0.99**step, step)


def main() -> None:
    """Start both ranks, wait, and read what they wrote together."""
    ranks = [
        subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"},
        )
        for rank in range(2)
    ]
    if any(rank.wait() for rank in ranks):
        sys.exit("a rank failed")
    with Store() as store:
        experiment = store["examples/ddp/two-ranks"]
        print(experiment.status)
        for name, metric in experiment.metrics.items():
            if not name.startswith("system/"):
                print(f"{name:12} {metric.count} points, last {metric.last:.4f}")


if __name__ == "__main__":
    train() if "RANK" in os.environ else main()
