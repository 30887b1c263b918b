"""Writing, rotating, ending, sealing and looking in any order: every point once, in order, at every look."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import anew.journal.writer as writer
import anew.stores.series.folder as folder
from anew import Experiment, Store


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
def test_every_look_sees_every_point_once_and_in_order(
    root: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    # Small enough that sixty rounds rotate, spill, derive and seal many times.
    monkeypatch.setattr(writer, "ROTATE_BYTES", 20_000)
    monkeypatch.setattr(folder, "SETTLED", 0.0)
    monkeypatch.setattr(folder, "SEAL_BYTES", 10_000)
    monkeypatch.setattr(folder, "DERIVE_BYTES", 4_000)
    monkeypatch.setattr(folder, "SPILL_BYTES", chance.choice([6_000, 10**9]))
    experiment = Experiment("a/b/c", root=root, console="off", system_metrics=0, resume="allow")
    experiment.run.start()
    store: Store | None = None
    written = 0
    for _ in range(60):
        for _ in range(chance.choice([0, 1, 5, 50, 400])):
            experiment.log_metric("x", float(written), step=written)
            written += 1
        if chance.random() < 0.3:
            assert experiment.life.recording is not None
            experiment.life.recording.writer.beat()
        if chance.random() < 0.1:
            experiment.run.complete()
            experiment.run.start()
        if store is None or chance.random() < 0.2:
            if store is not None:
                store.close()
            store = Store(root)
        if chance.random() < 0.1:
            store.seal()
        if written:
            metric = store["a/b/c"].metrics["x"]
            values = metric.to_arrow().column("value").to_pylist()
            assert values == [float(i) for i in range(written)]
            assert metric.count == written
    experiment.run.complete()
    if store is not None:
        store.close()
    assert list((root / "a" / "b" / "c" / "metrics").glob("*.parquet"))
