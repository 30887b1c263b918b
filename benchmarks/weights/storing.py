"""Commits: of an unchanged model, of a few changed tensors, of all tensors changed a little."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import ml_dtypes
import numpy as np
import safetensors.numpy
import torch

from anew.weights import Repository

from .reference import compress, difference, encode_ours, hash_all
from .rounds import Row, fresh, megabytes, milliseconds, moved, rate, ratio_of, rounds, size_of

TENSORS = 20


def _model(elements: int, seed: int = 0) -> dict[str, np.ndarray]:
    return {f"layer.{n}.weight": fresh(elements, seed + n) for n in range(TENSORS)}


def _commit(repo: Repository, model: dict[str, np.ndarray]) -> None:
    repo.stage_weights(model)
    repo.commit("measured")


def unchanged(scratch: Path, quick: bool) -> list[Row]:
    """A commit of what is there already."""
    totals = (4_000_000,) if quick else (100_000_000, 1_000_000_000)
    return [
        _unchanged(scratch / f"{total}-{durable}", total, durable, 3 if quick else 15)
        for total in totals
        for durable in (True, False)
    ]


def _unchanged(folder: Path, total: int, durable: bool, count: int) -> Row:
    model = _model(total // TENSORS // 4)
    repo = Repository(folder, init=True, durable=durable)
    _commit(repo, model)
    before = size_of(folder)
    arrays = list(model.values())
    ratio = ratio_of(count, lambda: _commit(repo, model), lambda: hash_all(arrays))
    stored = (size_of(folder) - before) / count
    return Row(
        f"commit of an unchanged model of {megabytes(total)}, "
        + ("waiting for the disk" if durable else "durable=False"),
        f"{milliseconds(ratio.ours)}, {stored / 1e3:.1f} kB stored ({ratio})",
        f"BLAKE3 of its bytes {milliseconds(ratio.floor)}",
        "≤ 1.5 × BLAKE3, < 10 kB",
        ratio.wall <= 1.5 and stored < 10_000,
    )


def two_of_twenty(scratch: Path, quick: bool) -> list[Row]:
    """A commit in which two of twenty tensors changed a little."""
    return [_two(scratch / "lasting", quick, True), _two(scratch / "relaxed", quick, False)]


def _two(folder: Path, quick: bool, durable: bool) -> Row:
    elements = 10_000 if quick else 1_250_000
    model = _model(elements)
    repo = Repository(folder, init=True, durable=durable)
    _commit(repo, model)
    names = list(model)[3:5]
    states = [model]
    for step in range(3 if quick else 9):
        changed = {name: moved(states[-1][name], 1e-3, step) for name in names}
        states.append({**states[-1], **changed})
    pairs = iter(pairwise(states))
    ahead = iter(states[1:])
    stored = size_of(folder)

    def floor() -> None:
        old, new = next(pairs)
        hash_all(list(new.values()))
        encode_ours([new[n] for n in names], [old[n] for n in names])

    ratio = ratio_of(len(states) - 1, lambda: _commit(repo, next(ahead)), floor)
    stored = (size_of(folder) - stored) / (len(states) - 1)
    raw = 2 * elements * 4
    return Row(
        f"commit where 2 of {TENSORS} tensors changed ({megabytes(raw)} of {megabytes(elements * 80)}), "
        + ("waiting for the disk" if durable else "durable=False"),
        f"{milliseconds(ratio.ours)}, {megabytes(stored)} stored ({ratio})",
        f"hash all + encode two {milliseconds(ratio.floor)}",
        "≤ 1.3 ×; only those two",
        ratio.wall <= 1.3 and stored < raw,
    )


CASES: tuple[tuple[str, float | None, str], ...] = (
    ("fresh float32", None, "float32"),
    ("float32 changed by 1e-2", 1e-2, "float32"),
    ("float32 changed by 1e-3", 1e-3, "float32"),
    ("float32 changed by 1e-4", 1e-4, "float32"),
    ("float32 changed by 1e-6", 1e-6, "float32"),
    ("fresh bfloat16", None, "bfloat16"),
    ("bfloat16 changed by 1e-3", 1e-3, "bfloat16"),
)


def all_changed(scratch: Path, quick: bool) -> list[Row]:
    """Commits in which every tensor changed, beside the reference of blosc2."""
    elements = 100_000 if quick else 25_000_000
    return [
        _changed(scratch / f"case-{number}", *case, elements=elements, count=2 if quick else 5)
        for number, case in enumerate(CASES)
    ]


def _changed(
    folder: Path, name: str, by: float | None, kind: str, *, elements: int, count: int
) -> Row:
    dtype = np.dtype(getattr(ml_dtypes, kind, None) or kind)
    start = fresh(elements)
    old = start.astype(dtype)
    new = moved(start, by).astype(dtype) if by else old
    ready = []
    for number in range(count):
        repo = Repository(folder / str(number), init=True)
        if by:
            _commit(repo, {"w": old})
        # Opened again, so that the parent's tensor is read and decoded as after a restart.
        ready.append(Repository(folder / str(number)))
    before = size_of(folder / "0")
    queue = iter(ready)
    packed: list[bytes] = []
    ours, floor, codec = rounds(
        count,
        lambda: _commit(next(queue), {"w": new}),
        lambda: packed.append(
            compress(difference(new, old) if by else new.view(f"u{new.itemsize}"))
        ),
        lambda: encode_ours([new], [old]) if by else None,
    )
    stored = (size_of(folder / "0") - before) / new.nbytes
    reference = len(packed[0]) / new.nbytes
    targeted = by in (1e-2, 1e-3, 1e-4)
    return Row(
        f"{megabytes(new.nbytes)} of {name}: whole commit",
        f"{stored:.3f} of raw, {rate(new.nbytes, ours)}"
        + (f"; codec alone {rate(new.nbytes, codec)}" if by else ""),
        f"blosc2: {reference:.3f}, {rate(new.nbytes, floor)}",
        "≤ reference + 0.01, ≥ 0.8 × its rate" if targeted else "",
        (stored <= reference + 0.01 and ours <= floor / 0.8) if targeted else None,
    )


def beside(scratch: Path, quick: bool) -> list[Row]:
    """The first commit of a model, beside plain files."""
    model = _model(10_000 if quick else 1_250_000)
    total = sum(array.nbytes for array in model.values())
    torched = {name: torch.from_numpy(array) for name, array in model.items()}
    numbers = iter(range(1000))

    def first() -> None:
        _commit(Repository(scratch / f"first-{next(numbers)}", init=True, durable=False), model)

    ours, safe, pickled = rounds(
        2 if quick else 5,
        first,
        lambda: safetensors.numpy.save_file(model, scratch / "m.safetensors"),
        lambda: torch.save(torched, scratch / "m.pt"),
    )
    return [
        Row(
            f"first commit of {megabytes(total)} of float32, without waiting for the disk",
            f"{rate(total, ours)}, {size_of(scratch / 'first-0') / total:.3f} of raw",
            f"safetensors {rate(total, safe)}, torch.save {rate(total, pickled)}, 1.000 of raw",
        )
    ]
