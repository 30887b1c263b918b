"""Saving a file beside a plain copy of it, and freeing the checkpoints of many experiments.

- A save copies, hashes and links; it does not wait for the disk. It is held against a copy that waits (`copy + fsync`), as
  a careful program makes one, and shown beside one that does not. The second save of a content hashes the file and links
  to what is stored.
- `gc --files` is asked of experiments that have ended, each with ten checkpoints of which the last and the best stay. The
  time is that of the whole question.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from anew import Experiment, Store

from .harness import Bench, Row, at_most, duration, paired_seconds, seconds_of, times

MEGABYTES = 100
CHECKPOINTS = 10


def run(bench: Bench) -> Iterator[Row]:
    """Seconds of a save and of freeing, and what is on the disk."""
    with bench.folder("saving") as folder:
        yield from _save(folder, bench.size(MEGABYTES, 1), bench.size(5, 1))
    with bench.folder("freeing") as folder:
        yield from _free(folder, bench.size(1_000, 5))


def _save(folder: Path, megabytes: int, rounds: int) -> Iterator[Row]:
    what = f"save a file of {megabytes} MB"
    source = folder / "source.bin"
    with _opened(folder / "root", "bench/saving") as exp:
        files = exp.files("ck")
        numbers = iter(range(1_000_000))

        def fresh() -> None:
            _renew(source, megabytes)

        def save() -> None:
            files.save(source)

        def copy(sync: bool) -> None:
            _copy(source, folder / f"copy-{next(numbers)}", sync=sync)

        def clear() -> None:  # not timed: a save deletes nothing either
            for path in folder.glob("copy-*"):
                path.unlink()

        for sync, beside in ((True, "copy + fsync"), (False, "copy")):
            taken = []
            for _ in range(rounds):
                clear()
                fresh()  # a content that is not stored yet
                taken.append(paired_seconds(save, lambda sync=sync: copy(sync), rounds=1, warm=0))
            ours, theirs, ratio = sorted(taken, key=lambda one: one[2])[rounds // 2]
            target = at_most(ratio, 1.5) if sync else (times(ratio),)
            yield Row(what, duration(ours), f"{duration(theirs)} ({beside})", *target)
        again, theirs, ratio = paired_seconds(save, lambda: copy(True), rounds=rounds)
        yield Row(
            f"{what} whose content is stored", duration(again), f"{duration(theirs)} (copy + fsync)", times(ratio)
        )  # fmt: skip
        contents = [p for p in (folder / "root/.anew/shared/files").rglob("*") if p.is_file()]
        saves = len(files.list())
        yield Row("contents on the disk", str(len(contents)), f"{saves} saves")


def _free(folder: Path, count: int) -> Iterator[Row]:
    for number in range(count):
        with _opened(folder / "root", f"bench/freeing/run-{number}") as exp:
            for step in range(CHECKPOINTS):
                exp.log_metric("val/acc", (step * 7 + number) % 11 / 11, step=step)
                exp.files("ck").save(b"%d %d" % (number, step) * 100, f"e{step}.pt", step=step)
    what = f"gc --files, {count:,} experiments with {CHECKPOINTS} checkpoints each"
    with Store(folder / "root") as store:
        len(store)  # brings the index up to date
        look = seconds_of(
            lambda: store.free_files("ck/*", keep_last=1, keep_best="val/acc", dry_run=True)
        )
        yield Row(f"{what}, dry run", duration(look))
        freed = []
        took = seconds_of(
            lambda: freed.append(store.free_files("ck/*", keep_last=1, keep_best="val/acc"))
        )
        yield Row(what, duration(took), f"{freed[0].files:,} files freed")


def _opened(root: Path, name: str) -> Experiment:
    return Experiment(name, root=root, quiet=True, console="off", system_metrics=0)


def _renew(path: Path, megabytes: int) -> None:
    path.write_bytes(os.urandom(megabytes * 1_000_000))


def _copy(source: Path, target: Path, *, sync: bool) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        if sync:
            writing.flush()
            os.fsync(writing.fileno())
