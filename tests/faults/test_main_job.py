"""The main job: eight programs train, the network between them and the server is cut, and the server is killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from anew import Store
from anew.journal.layout import RootLayout
from anew.syncing.outbox import Outbox
from faults.comparing import alike
from faults.site import network, quick_folder, serving, unreliable

TRAIN = """
import json, os, random, sys, time
from anew import Experiment

prefix, seed, enough = sys.argv[1], int(sys.argv[2]), sys.argv[3]
chance = random.Random(seed)
with Experiment(prefix, quiet=True, system_metrics=0, params={"lr": chance.random(), "seed": seed}) as exp:
    loss = 4.0
    for step in range(10**9):
        loss = loss * 0.999 + chance.gauss(0, 0.01)
        exp.log_metrics({"loss": loss, "lr": 0.1 / (1 + step)}, step=step)
        if step % 400 == 0:
            exp.files("checkpoints").save(chance.randbytes(60_000), "model.bin", step=step)
            print(f"step {step}: loss {loss:.4f}")
        if step % 50 == 0:
            time.sleep(0.05)
            if os.path.exists(enough):
                break
with open(f"{enough}.{seed}.json", "w") as file:
    json.dump(step + 1, file)
"""

KILLS = 8


def end_of(outbox: Outbox, number: signal.Signals) -> None:
    """Send a signal to the process that pushes."""
    state = outbox.state()
    if state is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, number)


@pytest.mark.slow
def test_eight_programs_train_while_the_network_is_cut_and_the_server_is_killed() -> None:
    chance = random.Random(8)
    with (
        quick_folder() as folder,
        serving(folder / "there") as server,
        network(server.address, unreliable(chance)) as between,
    ):
        here = folder / "here"
        environ = {
            **os.environ, "ANEW_ROOT": between.url, "ANEW_LOCAL": str(here), "ANEW_CAPTURE": "off", "ANEW_SYNC_WAIT": "1",
            "ANEW_HEARTBEAT": "0.5",
        }  # fmt: skip
        outbox = Outbox(RootLayout(str(here)), between.url)
        (folder / "train.py").write_text(TRAIN)
        ranks = {"WORLD_SIZE": "2", "ANEW_LAUNCH": "main-job"}
        programs = [
            subprocess.Popen(
                [sys.executable, folder / "train.py", prefix, str(number), folder / "enough"],
                env={**environ, **extra},
                stdout=subprocess.DEVNULL,
            )
            for number, (prefix, extra) in enumerate(
                [(f"lab/x/run{n}", {}) for n in range(6)]
                + [("lab/x/ranks", {**ranks, "RANK": str(n)}) for n in range(2)]
            )
        ]
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.3, 1.5))
            server.kill()
            if kill == 3:
                programs[0].kill()
            if kill == 5:
                end_of(outbox, signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.3))
            server.start()
        (folder / "enough").touch()
        assert [one.wait(400) for one in programs[1:]] == [0] * 7
        programs[0].wait(300)
        for _ in range(100):  # as somebody does who reads that something is left
            done = subprocess.run([sys.executable, "-m", "anew", "sync"], cwd=folder, env=environ, capture_output=True, text=True)  # fmt: skip
            if done.returncode == 0:
                break
        assert done.returncode == 0, done.stdout + done.stderr
        end_of(outbox, signal.SIGTERM)
        server.stop()
        alike(here, server.root)
        with Store(server.root) as remote:
            shown = remote.list()
            ended = [view for view in shown if view.status == "completed"]
            logged = sum(json.loads(one.read_text()) for one in folder.glob("enough.*.json"))
            assert sum(view.metrics["loss"].count for view in ended) == logged
            assert sorted(view.status for view in shown) == ["completed"] * 6 + ["failed"]
