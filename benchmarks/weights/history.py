"""The log and differences of a long history."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anew.weights import Repository

from .rounds import Row, fresh, milliseconds, rounds, timed


def history(scratch: Path, quick: bool) -> list[Row]:
    """Ten thousand commits of a small model."""
    count = 300 if quick else 10_000
    repo = Repository(scratch / "long", init=True, durable=False)
    model = {f"layer.{n}": fresh(64, n) for n in range(20)}

    def make() -> None:
        for step in range(count):
            model["layer.0"] = np.full(64, step, np.float32)
            repo.stage_weights(model)
            repo.commit(f"step {step}", step=step)
            if step % 2000 == 1999 and step + 1 < count:
                repo.gc(grace=0)  # as somebody does now and then; the last 2,000 stay as they are

    making = timed(make)
    opened: list[Repository] = []
    opening, log, near, far, listing = rounds(
        5,
        lambda: opened.append(Repository(scratch / "long")),
        lambda: opened[-1].log(),
        lambda: opened[-1].diff("HEAD~1", "HEAD"),
        lambda: opened[-1].diff(opened[-1].log()[-1].commit_hash, "HEAD"),
        lambda: Repository(scratch / "long").log(),
    )
    assert len(opened[-1].log()) == count
    rows = [
        Row(
            f"log of {count:,} commits, from opening the repository",
            milliseconds(listing),
            f"opening {milliseconds(opening)}, the log alone {milliseconds(log)}",
            "≤ 300 ms",
            listing <= 0.3,
        ),
        Row(
            "diff of the last two of them / of the first and the last",
            f"{milliseconds(near)} / {milliseconds(far - log)}",
            "1 of 20 tensors differs in both",
            "in proportion to what differs",
            near <= 0.1,
        ),
        Row(
            f"commits of a small model without waiting for the disk, over {count:,}",
            milliseconds(making / count),
        ),
    ]
    big = {f"w{n}": fresh(50_000 if quick else 1_000_000, n) for n in range(20)}
    other = Repository(scratch / "diff", init=True, durable=False)
    for changed in (0, 1, 10):
        for n in range(changed):
            big[f"w{n}"] = big[f"w{n}"] * np.float32(1.001)
        other.stage_weights(big)
        other.commit(f"{changed} changed")
    one, ten = rounds(
        5, lambda: other.diff("HEAD~2", "HEAD~1"), lambda: other.diff("HEAD~1", "HEAD")
    )
    rows.append(
        Row(
            "diff with norms where 10 of 20 tensors of 4 MB differ",
            milliseconds(ten),
            f"where 1 differs {milliseconds(one)} ({ten / one:.1f} ×)",
            "in proportion to what differs",
            ten / one <= 15,
        )
    )
    return rows
