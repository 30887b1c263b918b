"""One metric of a thousand small experiments at once, beside DuckDB over one sorted file of the same points."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from anew.journal.layout import RootLayout
from anew.query.buckets import Buckets, shared_buckets
from anew.stores.series.folder import FolderSeries
from anew.stores.series.protocol import ExperimentFolder

from .harness import Bench, Row, at_most, duration, paired_seconds
from .synthetic import START, one_metric, write_experiment

METRIC = "train/loss"
BUCKETS = 500


def run(bench: Bench) -> Iterator[Row]:
    """The first question, which makes the packs; those that follow; and what the packs weigh."""
    count, points = bench.size(1_000, 20), bench.size(1_000, 50)
    with bench.folder("many") as root:
        places = _written(root, count, points)
        began = time.perf_counter()
        _ask(FolderSeries(RootLayout(str(root))), places, points)
        first = time.perf_counter() - began
        store = FolderSeries(RootLayout(str(root)))
        packs = sorted(root.glob(".anew/packs/*/*.parquet"))
        one = root / "sorted.parquet"
        with duckdb.connect() as engine:
            engine.sql(
                f"COPY (FROM read_parquet({[str(p) for p in packs]}) ORDER BY name, experiment_id, step) "
                f"TO '{one}' (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)"
            )
            query = (
                f"SELECT experiment_id, step * {BUCKETS} // {points} AS bucket, min(value), max(value), "
                f"arg_max(value, step), count(*) FROM '{one}' WHERE name = '{METRIC}' GROUP BY ALL"
            )
            assert int(_ask(store, places, points).count.sum()) == count * points
            took, other, ratio = paired_seconds(
                lambda: _ask(store, places, points),
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


def _ask(store: FolderSeries, places: list[ExperimentFolder], points: int) -> Buckets:
    columns = store.read_many(places, [METRIC], times=False)
    return shared_buckets(
        columns.step, columns.value, columns.starts, first=0, stop=points, buckets=BUCKETS
    )


def _written(root: Path, count: int, points: int) -> list[ExperimentFolder]:
    """Experiments that ended long ago: points that were just written are not packed yet."""
    places = []
    for number in range(count):
        prefix = f"bench/many/run-{number:04}"
        experiment_id = write_experiment(root, prefix, one_metric(METRIC, points, seed=number))
        metrics = root / prefix / "metrics"
        for path in (*metrics.iterdir(), metrics):
            os.utime(path, (START, START))
        places.append(ExperimentFolder(experiment_id, str(root / prefix)))
    return places
