"""Memory beyond the model itself, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .rounds import Row, megabytes

CHILD = """
import json, sys, threading, time
import numpy as np, psutil
from anew.weights import Repository
folder, size, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
process = psutil.Process()
peak, stop = 0, False
def watch():
    global peak
    while not stop:
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.002)
thread = threading.Thread(target=watch)
repo = Repository(folder, init=True, durable=False)
allowed = 0
if what == "commit":
    rng = np.random.default_rng(0)
    model = {"embedding": rng.standard_normal(size // 8192 * 1024, dtype=np.float32).reshape(-1, 1024)}
    for n in range(16):
        model[f"layer.{n}"] = rng.standard_normal(size // 128, dtype=np.float32)
if what == "delta":
    model = repo.get_all_weights()
    for array in model.values():
        flat = array.reshape(-1)
        for start in range(0, len(flat), 1 << 20):
            flat[start:start + (1 << 20)] *= np.float32(1.001)
before = process.memory_info().rss
thread.start()
started = time.perf_counter()
if what in ("commit", "delta"):
    repo.stage_weights(model)
    repo.commit(what)
elif what == "restore":
    weights = repo.get_all_weights()
    allowed = sum(array.nbytes for array in weights.values())
else:
    repo.checkout("HEAD", to=folder + ".safetensors")
seconds = time.perf_counter() - started
stop = True
thread.join()
print(json.dumps({"beyond": peak - before - allowed, "seconds": seconds}))
"""


def memory(scratch: Path, quick: bool) -> list[Row]:
    """The peak of resident memory above what the model takes."""
    size = 40_000_000 if quick else 2_000_000_000
    rows = []
    names = {
        "commit": "first commit",
        "delta": "commit with every tensor changed",
        "restore": "restore into memory",
        "checkout": "checkout to a safetensors file",
    }
    for what, name in names.items():
        command = [sys.executable, "-c", CHILD, str(scratch / "memory"), str(size), what]
        told = json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
        )
        rows.append(
            Row(
                f"memory beyond a model of {megabytes(size)}: {name}",
                f"{megabytes(told['beyond'])} ({told['seconds']:.1f} s)",
                "",
                "≤ 256 MB",
                told["beyond"] <= 256e6,
            )
        )
    return rows
