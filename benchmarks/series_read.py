"""Reading sealed series, beside the library or engine at its best on the same data.

The store is open and warm, as in a notebook or a server; what is beside it is, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anew import Store

from .harness import Bench, Row, at_most, duration, paired_seconds, times
from .synthetic import many_metrics, one_metric, write_experiment

PREFIX = "bench/read/one"
METRIC = "train/loss"
BUCKETS = 1_000


def run(bench: Bench) -> Iterator[Row]:
    """One series, one of a thousand, and the extremes of ten million points."""
    yield from _one_series(bench)
    yield from _one_of_many(bench)
    yield from _extremes(bench)


def _row(
    bench: Bench,
    what: str,
    ours: Callable[[], object],
    beside: Callable[[], object],
    label: str,
    most: float,
) -> Row:
    took, other, ratio = paired_seconds(ours, beside, rounds=bench.size(15, 2), warm=2)
    return Row(what, duration(took), f"{duration(other)} ({label})", *at_most(ratio, most))


def _one_series(bench: Bench) -> Iterator[Row]:
    count = bench.size(1_000_000, 10_000)
    with bench.folder("series") as root:
        write_experiment(root, PREFIX, one_metric(METRIC, count))
        with Store(root) as store:
            store.seal()
            metric = store[PREFIX].metrics[METRIC]
            plain = root / "plain.parquet"
            pq.write_table(metric.to_arrow(), plain)
            assert metric.to_arrow().num_rows == count
            columns = ["step", "time", "value"]
            yield _row(
                bench,
                f"read one series of {count:,} points, sealed",
                metric.to_arrow,
                lambda: pq.read_table(plain, columns=columns),
                "pyarrow, plain file",
                1.5,
            )


def _one_of_many(bench: Bench) -> Iterator[Row]:
    series, lines = bench.size(1_000, 20), bench.size(10_000, 50)
    names = [f"metric_{n:04d}" for n in range(series)]
    wanted = names[series // 2]
    with bench.folder("series") as root:
        write_experiment(root, PREFIX, many_metrics(names, lines))
        with Store(root) as store, duckdb.connect() as engine:
            store.seal()
            metric = store[PREFIX].metrics[wanted]
            files = _sealed(root)
            find = "SELECT DISTINCT series FROM read_parquet(?) WHERE name = ?"
            ((number,),) = engine.sql(find, params=[files, wanted]).fetchall()
            query = "SELECT step, time, value FROM read_parquet(?) WHERE series = ?"

            def beside() -> pa.Table:
                return engine.sql(query, params=[files, number]).to_arrow_table()

            assert metric.to_arrow().num_rows == beside().num_rows == lines
            yield _row(
                bench,
                f"read 1 of {series:,} metrics out of {series * lines:,} points",
                metric.to_arrow,
                beside,
                "DuckDB, same file",
                2,
            )


def _extremes(bench: Bench) -> Iterator[Row]:
    count = bench.size(10_000_000, 20_000)
    with bench.folder("series") as root:
        write_experiment(root, PREFIX, one_metric(METRIC, count))
        with Store(root) as store:
            store.seal()
            files = _sealed(root)

            def beside(buckets: int) -> object:
                steps, values = [], []
                for file in files:
                    table = pq.read_table(file, columns=["step", "value"])
                    steps.append(table.column("step").to_numpy())
                    values.append(table.column("value").to_numpy())
                all_values = np.concatenate(values)
                starts = np.arange(buckets) * len(all_values) // buckets
                return (
                    np.concatenate(steps)[starts],
                    np.minimum.reduceat(all_values, starts),
                    np.maximum.reduceat(all_values, starts),
                )

            # The second is too close for the outlines of the files: every point is read and checked.
            for buckets, most in ((BUCKETS, 1.3), (20 * BUCKETS, None)):
                took, other, ratio = paired_seconds(
                    lambda b=buckets: store.history(PREFIX, METRIC, points=2 * b),  # type: ignore[misc]
                    lambda b=buckets: beside(b),  # type: ignore[misc]
                    rounds=bench.size(15 if most else 5, 2),
                    warm=2,
                )
                yield Row(
                    f"{count:,} points → {buckets:,} buckets with extremes",
                    duration(took),
                    f"{duration(other)} (pyarrow read, numpy min and max)",
                    *(at_most(ratio, most) if most else (times(ratio),)),
                )


def _sealed(root: Path) -> list[str]:
    return sorted(str(path) for path in (root / PREFIX / "metrics").glob("*.parquet"))
