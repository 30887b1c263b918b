"""coral-ml on the same checkpoints, in an environment of its own: `python coral_peer.py FOLDER REPOSITORY`."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from coral.core.weight_tensor import WeightMetadata, WeightTensor
from coral.version_control.repository import Repository


def main() -> None:
    """Commit every checkpoint, restore every one, and say how long it took and what came back."""
    files = sorted(Path(sys.argv[1]).glob("*.npz"))
    repo = Repository(Path(sys.argv[2]), init=True)
    seconds, hashes, errors = 0.0, [], []
    for path in files:
        with np.load(path) as archive:
            # Tensors without a dimension make its commit fail as a whole, so it is given one.
            arrays = {name: np.atleast_1d(archive[name]) for name in archive.files}
        start = time.perf_counter()
        try:
            repo.stage_weights(
                {
                    n: WeightTensor(
                        data=a, metadata=WeightMetadata(name=n, shape=a.shape, dtype=a.dtype)
                    )
                    for n, a in arrays.items()
                }
            )
            hashes.append(repo.commit(path.stem).commit_hash)
        except Exception as error:  # noqa: BLE001  (whatever a peer raises is what we report)
            errors.append(f"commit: {type(error).__name__}: {error}")
            hashes.append("")
        seconds += time.perf_counter() - start
    restored, wrong, total = 0.0, 0, 0
    for path, commit in zip(files, hashes, strict=True):
        with np.load(path) as archive:
            arrays = {name: np.atleast_1d(archive[name]) for name in archive.files}
        total += len(arrays)
        start = time.perf_counter()
        try:
            back = {name: weight.data for name, weight in repo.get_all_weights(commit).items()}
        except Exception as error:  # noqa: BLE001  (as above)
            errors.append(f"restore: {type(error).__name__}: {error}")
            back = {}
        restored += time.perf_counter() - start
        for name, array in arrays.items():
            found = back.get(name)
            whole = found is not None and found.dtype == array.dtype and found.shape == array.shape
            wrong += not (whole and found.tobytes() == array.tobytes())
    print(
        json.dumps(
            {
                "seconds": seconds,
                "restore": restored,
                "wrong": wrong,
                "total": total,
                "errors": errors[:3],
            }
        )
    )


main()
