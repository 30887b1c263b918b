"""One metric of a thousand small experiments at once, beside DuckDB over one sorted file of the same points."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from anew import Store
from anew.query.panel import Panel, PanelQuestion

from .harness import Bench, Row, at_most, duration, paired_seconds
from .synthetic import START, one_metric, write_experiment

METRIC = "train/loss"
BUCKETS = 500


def run(bench: Bench) -> Iterator[Row]:
    """The first question, which makes the packs; those that follow; and what the packs weigh."""
    count, points = bench.size(1_000, 20), bench.size(1_000, 50)
    with bench.folder("many") as root:
        ids = written(root, count, points)
        with Store(root) as store, duckdb.connect() as engine:
            assert len(store.list()) == count  # the index is up to date
            question = PanelQuestion(
                ids=ids, metrics=(METRIC,), start=0, stop=points - 1, buckets=BUCKETS
            )
            began = time.perf_counter()
            answer = store.backend.panel(question)
            first = time.perf_counter() - began
            assert _points(answer) == count * points
            packs = sorted(root.glob(".anew/packs/*/*.parquet"))
            one = root / "sorted.parquet"
            engine.sql(
                f"COPY (FROM read_parquet({[str(p) for p in packs]}) ORDER BY name, experiment_id, step) "
                f"TO '{one}' (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)"
            )
            query = (
                f"SELECT experiment_id, step * {BUCKETS} // {points} AS bucket, min(value), max(value), "
                f"arg_max(value, step), count(*) FROM '{one}' WHERE name = '{METRIC}' GROUP BY ALL"
            )
            took, other, ratio = paired_seconds(
                lambda: store.backend.panel(question),
                lambda: engine.sql(query).fetchnumpy(),
                rounds=bench.size(9, 2),
                warm=1,
            )
        what = f"{count:,} experiments × {points:,} points → {BUCKETS} shared buckets"
        yield Row(f"{what}, first question", duration(first))
        yield Row(what, duration(took), "", "", "≤ 250 ms", took <= 0.25)
        yield Row(
            what,
            duration(took),
            f"{duration(other)} (DuckDB, one sorted file)",
            *at_most(ratio, 1.5),
        )
        weight = sum(path.stat().st_size for path in packs) / (count * points)
        yield Row("bytes a point, packs", f"{weight:.2f}", "", "", "≤ 6", weight <= 6)


def _points(answer: Panel) -> int:
    return sum(series.points for series in answer.series)


def written(root: Path, count: int, points: int) -> tuple[str, ...]:
    """The ids of experiments that ended long ago: points that were just written are not packed yet."""
    ids = []
    for number in range(count):
        prefix = f"bench/many/run-{number:04}"
        ids.append(write_experiment(root, prefix, one_metric(METRIC, points, seed=number)))
        metrics = root / prefix / "metrics"
        for path in (*metrics.iterdir(), metrics):
            os.utime(path, (START, START))
    return tuple(ids)
