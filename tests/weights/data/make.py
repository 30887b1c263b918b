"""Makes `v1/`, a repository of format version 1, and `v1.json`, what is in it.

Run once per format version and never again for one that was released: old bytes are the test.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import ml_dtypes
import numpy as np

from anew.weights import Repository, model_to_weights
from anew.weights.records import digest

HERE = Path(__file__).parent


def tensor(seed: int, shape: tuple[int, ...], dtype: object = np.float32) -> np.ndarray:
    """Numbers of a layer."""
    return (np.random.default_rng(seed).standard_normal(shape) * 0.02).astype(dtype)


def main() -> None:
    """Write both."""
    folder = HERE / "v1"
    shutil.rmtree(folder, ignore_errors=True)
    repo = Repository(folder, init=True, author="somebody@somewhere")
    weight = tensor(0, (40, 30))
    state = {
        "layer.weight": weight,
        "tied": weight,
        "transposed": weight.T,
        "bias": tensor(1, (30,)),
        "norm": tensor(2, (16,), ml_dtypes.bfloat16),
        "quantized": tensor(3, (16,), ml_dtypes.float8_e4m3fn),
        "nibbles": np.arange(8).astype(ml_dtypes.int4),
        "mask": np.arange(9).reshape(3, 3) % 2 == 0,
        "spectrum": tensor(4, (5,)).astype(np.complex64),
        "count": np.int64(7),
        "empty": np.zeros((0, 3), np.float16),
        "ü/../names": np.array([np.nan, -0.0, np.inf]),
        "classes": np.array(["cat", "dög"]),
        "big-endian": np.arange(4, dtype=">f8"),
    }
    optimizer = {
        "state": {0: {"step": np.float32(3)}},
        "groups": [{"lr": 0.1, "betas": (0.9, 0.999)}],
    }
    repo.stage_weights(model_to_weights(state, optimizer=optimizer))
    repo.commit("first", experiment="exp-1", step=1, metadata={"loss": float("inf"), "at": (1, 2)})
    for step in range(2, 7):
        moved = (state["layer.weight"] * np.float32(1.0001)).astype(np.float32)
        state = {**state, "layer.weight": moved, "tied": moved, "transposed": moved.T}
        repo.stage_weights(state)
        repo.commit(f"step {step}", experiment="exp-1", step=step)
    repo.tag("v1.0", "HEAD~2", message="the one in the paper")
    repo.branch("topic/x", "HEAD~1")
    side = Repository(folder, branch="topic/x", author="somebody@somewhere")
    side.stage_weights({**side.get_all_weights("topic/x"), "bias": tensor(9, (30,))})
    side.commit("other bias")
    repo.merge("topic/x", message="merged")
    repo.branch("gone")
    repo.delete_branch("gone")
    repo._objects.refresh()
    repo._objects.tidy(force=True)
    repo.stage_weights({"after the catalog": tensor(10, (20,))})
    repo.commit("last")
    (folder / "tmp").rmdir()
    for name in ("leases",):
        (folder / name).rmdir()
    expected = {"branches": repo.branches(), "tags": repo.tags(), "commits": []}
    for commit in repo.log():
        weights = repo.get_all_weights(commit.commit_hash)
        expected["commits"].append(
            {
                "commit_hash": commit.commit_hash,
                "message": commit.message,
                "parents": list(commit.parents),
                "experiment": commit.experiment,
                "step": commit.step,
                "tensors": {
                    n: [
                        str(a.dtype),
                        list(a.shape),
                        digest(np.ascontiguousarray(a).tobytes()).hex(),
                    ]
                    for n, a in weights.items()
                },
            }
        )
    (HERE / "v1.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
