"""Twenty checkpoints of a real training and of a fine-tuning, beside files and coral-ml."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import venv
from pathlib import Path

import numpy as np
import safetensors.numpy
import zstandard

from anew.weights import Repository

from .rounds import Row, megabytes, size_of

CORAL = "coral-ml==1.0.0"
ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venvs" / "coral"


def checkpoints(scratch: Path, quick: bool) -> list[Row]:
    """Bytes and seconds for all of them."""
    folder = scratch / "checkpoints"
    size = ("3", "64", "2", "2") if quick else ("20", "256", "6", "4")
    subprocess.run(
        [sys.executable, str(Path(__file__).with_name("training.py")), str(folder), *size],
        check=True,
    )
    rows = []
    for kind, name in (
        ("trained", "a training, weights and Adam's state"),
        ("tuned", "a fine-tuning, weights"),
    ):
        rows += _measure(scratch, folder / kind, name, kind, quick)
    return rows


def _measure(scratch: Path, folder: Path, name: str, kind: str, quick: bool) -> list[Row]:
    files = sorted(folder.glob("*.npz"))
    repo = Repository(scratch / f"ours-{kind}", init=True)
    seconds = plain = packing = restoring = 0.0
    raw = packed = wrong = 0
    hashes = []
    target = scratch / "one.safetensors"
    compressor = zstandard.ZstdCompressor(level=3, threads=2)
    for path in files:
        arrays = dict(np.load(path))
        raw += sum(array.nbytes for array in arrays.values())
        start = time.perf_counter()
        repo.stage_weights(arrays)
        hashes.append(repo.commit(path.stem).commit_hash)
        seconds += time.perf_counter() - start
        start = time.perf_counter()
        safetensors.numpy.save_file(arrays, target)
        plain += time.perf_counter() - start
        start = time.perf_counter()
        packed += len(compressor.compress(target.read_bytes()))
        packing += time.perf_counter() - start
    for path, commit_hash in zip(files, hashes, strict=True):
        start = time.perf_counter()
        back = repo.get_all_weights(commit_hash)
        restoring += time.perf_counter() - start
        wrong += sum(back[n].tobytes() != array.tobytes() for n, array in np.load(path).items())
    stored = size_of(Path(repo.url))
    rows = [
        Row(
            f"{len(files)} checkpoints of {name} ({megabytes(raw)}): stored",
            f"{megabytes(stored)} ({stored / raw:.3f})",
            f"safetensors {megabytes(raw)}, the same through zstd {megabytes(packed)} ({packed / raw:.3f})",
            "smaller",
            stored < packed,
        ),
        Row(
            "… time to store all / to restore all",
            f"{seconds:.2f} s / {restoring:.2f} s, {wrong} tensors differ",
            f"safetensors {plain:.2f} s, zstd {plain + packing:.2f} s",
            "bit-exact",
            wrong == 0,
        ),
    ]
    told = _coral(folder, scratch / f"coral-{kind}")
    theirs = size_of(scratch / f"coral-{kind}")
    rows.append(
        Row(
            "… coral-ml",
            f"ours is {theirs / stored:.2f} × smaller, {told['seconds'] / seconds:.1f} × faster to store, "
            f"{told['restore'] / restoring:.1f} × to restore",
            f"{megabytes(theirs)} ({theirs / raw:.3f}), {told['seconds']:.1f} s / {told['restore']:.1f} s, "
            f"{told['wrong']} of {told['total']} tensors differ"
            + (f"; {told['errors'][0][:80]}" if told["errors"] else ""),
            "smaller, ≥ 10 × faster",
            None if quick else theirs > stored and told["seconds"] >= 10 * seconds,
        )
    )
    return rows


def _coral(folder: Path, repository: Path) -> dict:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", CORAL], check=True)
    script = Path(__file__).with_name("coral_peer.py")
    done = subprocess.run(
        [python, script, folder, repository], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])
