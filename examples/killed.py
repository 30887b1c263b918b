"""Kill a training process with `kill -9` at a random moment, then count what is left of its record.

The process says which step it has logged after each call has returned. Whatever it said must be there.
"""

import os
import random
import signal
import subprocess
import sys
import time

from anew import Experiment, Store


def train() -> None:
    """Log until killed, saying each step that was acknowledged."""
    with Experiment("killed", tags=["example"], quiet=True) as exp:
        print(exp.id, flush=True)
        for step in range(10_000_000):
            exp.log_metric("loss", 1 / (step + 1), step)
            os.write(1, b"%d\n" % step)


def main() -> None:
    """Start the process, kill it, and compare what it said with what is on disk."""
    process = subprocess.Popen([sys.executable, __file__, "train"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    experiment_id = process.stdout.readline().decode().strip()
    killer = time.monotonic() + random.uniform(0.2, 0.6)
    said = -1
    for line in process.stdout:
        if line.endswith(b"\n"):
            said = int(line)
        if time.monotonic() > killer and process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
    process.wait()

    with Store() as store:
        experiment = store[experiment_id]
        kept = experiment.metrics["loss"].count
        print(f"acknowledged {said + 1:,} points, kept {kept:,}, lost {max(0, said + 1 - kept)}")
        print(f"{experiment.status}: {experiment.reason}")
        assert kept >= said + 1


if __name__ == "__main__":
    train() if sys.argv[1:] == ["train"] else main()
