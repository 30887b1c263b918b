"""The main job: eight programs train, the network between them and the server is cut, and the server is killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time

import pytest

from anew import Store
from faults.comparing import alike
from faults.site import network, pushed, quick_folder, serving, unreliable

TRAIN = """
import json, os, random, sys, time
from anew import Experiment

root, prefix, seed, enough = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
chance = random.Random(seed)
with Experiment(prefix, root=root, quiet=True, system_metrics=0, params={"lr": chance.random(), "seed": seed}) as exp:
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

SEND = """
import sys
from anew.sync.push import push
while True:
    try:
        push(sys.argv[1], sys.argv[2])
    except OSError:
        pass
"""
KILLS = 8


@pytest.mark.slow
def test_eight_programs_train_while_the_network_is_cut_and_the_server_is_killed() -> None:
    chance = random.Random(8)
    environ = {**os.environ, "ANEW_CAPTURE": "off"}
    with (
        quick_folder() as folder,
        serving(folder / "there") as server,
        network(server.address, unreliable(chance)) as between,
    ):
        here = folder / "here"
        (folder / "train.py").write_text(TRAIN)
        ranks = {"WORLD_SIZE": "2", "ANEW_LAUNCH": "main-job"}
        programs = [
            subprocess.Popen(
                [sys.executable, folder / "train.py", here, prefix, str(number), folder / "enough"],
                env={**environ, **extra},
                stdout=subprocess.DEVNULL,
            )
            for number, (prefix, extra) in enumerate(
                [(f"lab/x/run{n}", {}) for n in range(6)]
                + [("lab/x/ranks", {**ranks, "RANK": str(n)}) for n in range(2)]
            )
        ]
        sender = subprocess.Popen([sys.executable, "-c", SEND, here, between.url])
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.3, 1.5))
            server.kill()
            if kill == 3:
                programs[0].kill()
            time.sleep(chance.uniform(0, 0.3))
            server.start()
        (folder / "enough").touch()
        assert [one.wait(60) for one in programs[1:]] == [0] * 7
        programs[0].wait(60)
        sender.kill()
        sender.wait(60)
        with Store(here) as local:
            local.list()  # which writes down that one of them was killed
        done = pushed(here, between.url, tries=400)
        assert not done.conflicts
        assert not done.refused
        server.stop()
        alike(here, server.root)
        with Store(server.root) as remote:
            shown = remote.list()
            ended = [view for view in shown if view.status == "completed"]
            logged = sum(json.loads(one.read_text()) for one in folder.glob("enough.*.json"))
            assert sum(view.metrics["loss"].count for view in ended) == logged
            assert sorted(view.status for view in shown) == ["completed"] * 6 + ["failed"]
