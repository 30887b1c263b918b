"""Twenty checkpoints of a real training and of a fine-tuning, beside files and coral-ml."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import safetensors.numpy
import zstandard

from reenact.weights import Repository

from .rounds import Row, megabytes, size_of, timed

CORAL = "coral-ml==1.0.0"
ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venvs" / "coral"


def checkpoints(scratch: Path, quick: bool) -> list[Row]:
    """Bytes and seconds for all of them."""
    folder = scratch / "checkpoints"
    size = ("3", "64", "2", "2") if quick else ("20", "256", "6", "10")
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
    seconds = plain = packed = packing = 0.0
    raw = packed_bytes = 0
    hashes = []
    for path in files:
        arrays = dict(np.load(path))
        raw += sum(array.nbytes for array in arrays.values())
        seconds += timed(
            lambda arrays=arrays: (
                repo.stage_weights(arrays),
                hashes.append(repo.commit("c").commit_hash),
            )
        )  # type: ignore[misc]
        target = scratch / "one.safetensors"
        plain += timed(lambda arrays=arrays: safetensors.numpy.save_file(arrays, target))  # type: ignore[misc]
        compressor = zstandard.ZstdCompressor(level=3, threads=2)
        sizes: list[int] = []
        packing += timed(lambda: sizes.append(len(compressor.compress(target.read_bytes()))))  # noqa: B023
        packed_bytes += sizes[0]
    restoring, wrong = 0.0, 0
    for path, commit_hash in zip(files, hashes, strict=True):
        back: list = []
        restoring += timed(lambda c=commit_hash: back.append(repo.get_all_weights(c)))  # type: ignore[misc]
        for tensor, array in np.load(path).items():
            wrong += back[0][tensor].tobytes() != array.tobytes()
    stored = size_of(Path(repo.url))
    packed = packed_bytes
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
