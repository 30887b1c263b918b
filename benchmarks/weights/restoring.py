"""Restores: at the end of the longest chain, one tensor of many, beside plain files."""

from __future__ import annotations

import time
from pathlib import Path

import safetensors.numpy
import torch

from anew.weights import Repository
from anew.weights.stage import LONGEST_CHAIN

from .rounds import Row, fresh, megabytes, milliseconds, moved, rate, rounds

TENSORS = 20


def restore(scratch: Path, quick: bool) -> list[Row]:
    """The last commit of the longest chain of deltas."""
    elements = 10_000 if quick else 1_250_000
    model = {f"layer.{n}.weight": fresh(elements, n) for n in range(TENSORS)}
    repo = Repository(scratch / "chain", init=True, durable=False)
    rows = []
    total = sum(array.nbytes for array in model.values())
    for step in range(LONGEST_CHAIN + 1):
        repo.stage_weights(model)
        repo.commit(f"step {step}")
        if step < LONGEST_CHAIN:
            model = {name: moved(array, 1e-2, step) for name, array in model.items()}
    safetensors.numpy.save_file(model, scratch / "m.safetensors")
    torch.save({name: torch.from_numpy(array) for name, array in model.items()}, scratch / "m.pt")
    reader = Repository(scratch / "chain")
    name = next(iter(model))
    one, whole, first, safe, pickled = rounds(
        3 if quick else 9,
        lambda: reader.open("HEAD").read(name),
        lambda: reader.get_all_weights("HEAD"),
        lambda: reader.get_all_weights(f"HEAD~{LONGEST_CHAIN}"),
        lambda: safetensors.numpy.load_file(scratch / "m.safetensors"),
        lambda: torch.load(scratch / "m.pt", weights_only=True),
    )
    start = time.process_time()
    for _ in range(5):
        reader.get_all_weights("HEAD")
    cpu = (time.process_time() - start) / 5
    rows.append(
        Row(
            f"restore {megabytes(total)} at the end of the longest chain ({LONGEST_CHAIN} deltas of 1e-2)",
            f"{rate(total, whole)}, {cpu:.2f} s of CPU time: {rate(total, cpu / 2)} if both cores were free",
            f"safetensors {rate(total, safe)}, torch.load {rate(total, pickled)} (neither verifies)",
            "≥ 0.5 GB/s",
            total / whole >= 0.5e9,
        )
    )
    rows.append(Row(f"restore {megabytes(total)} without deltas", rate(total, first)))
    rows.append(
        Row(
            f"one tensor of {TENSORS} there",
            milliseconds(one),
            f"all of them {milliseconds(whole)} ({whole / one:.1f} ×)",
            "≤ 1/10 of the whole",
            one <= whole / 10,
        )
    )
    rows_read, whole_read = rounds(
        3 if quick else 9,
        lambda: reader.open("HEAD").read(name, slice(0, 1000)),
        lambda: reader.open("HEAD").read(name),
    )
    rows.append(
        Row(
            "1,000 elements of one tensor",
            milliseconds(rows_read),
            f"the whole tensor {milliseconds(whole_read)}",
        )
    )
    return rows
