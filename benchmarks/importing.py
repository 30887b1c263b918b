"""Reading what other trackers recorded, beside their own readers, and bringing it in whole: seconds and memory.

`python -m benchmarks.importing POINTS [FOLDER]` imports one run of so many points of MLflow's, and prints the seconds and the memory. It is for what takes too long
for the table: a hundred million points are a database of 26 GB. FOLDER is where it writes meanwhile.
"""

from __future__ import annotations

import logging
import math
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from anew.importing.source import Points

from .harness import Bench, Row, duration, in_child, medians, result_of, start_child, times

METRICS = 10
MLFLOW_TIMES, TENSORBOARD_TIMES = 20.0, 5.0
MLFLOW_AS_LONG = 20
"""How often ours is read in a round: a pause of some milliseconds in a reading that takes as many would be half of the ratio."""
RUNS_LIMIT_S = 60.0
MEMORY_LIMIT_MB = 500


def run(bench: Bench) -> Iterator[Row]:
    """Readers beside those of the trackers; a thousand runs with the comparison of both sides at the end; the memory of one large run."""
    with bench.folder("importing") as folder:
        ours, theirs, ratio = in_child(
            _mlflow, str(folder), bench.size(50_000, 200), bench.size(3, 1)
        )
        yield _beside(
            "MLflow's SQLite store: a point read",
            ours,
            theirs,
            ratio,
            "MLflow's client",
            MLFLOW_TIMES,
        )
        ours, theirs, ratio = in_child(
            _tensorboard, str(folder), bench.size(50_000, 200), bench.size(3, 1)
        )
        yield _beside(
            "event files: an event read",
            ours,
            theirs,
            ratio,
            "TensorBoard's loader",
            TENSORBOARD_TIMES,
        )
        for what, measure, whose, size in (
            ("MLflow's folder of files: a point read", _mlflow_files, "MLflow's store", 50_000),
            ("Aim's repository: a point read", _aim, "Aim's own metrics", 10_000),
            ("CSV: a value read", _csv, "pandas", 200_000),
            ("neptune-exporter's Parquet: a point read", _neptune, "pandas", 200_000),
        ):
            ours, theirs, ratio = in_child(
                measure, str(folder), bench.size(size, 200), bench.size(3, 1)
            )
            yield Row(
                what, duration(ours), f"{duration(theirs)} ({whose})", f"{times(1 / ratio)} faster"
            )
        runs, points = bench.size(1_000, 3), bench.size(1_000, 20)
        seconds, again, _ = in_child(_whole, str(folder / "many"), runs, points)
        yield Row(
            f"{runs:,} runs of {points:,} points from MLflow, imported and compared", duration(seconds), "", "",
            f"≤ {RUNS_LIMIT_S:.0f} s", seconds <= RUNS_LIMIT_S,
        )  # fmt: skip
        yield Row("… and once more, with nothing new", duration(again))
        points = bench.size(10_000_000, 1_000)
        seconds, _, peak = in_child(_whole, str(folder / "large"), 1, points)
        yield Row(
            f"one run of {points:,} points, imported and compared: memory", f"{peak:.0f} MB in {duration(seconds)}", "", "",
            f"≤ {MEMORY_LIMIT_MB} MB", peak <= MEMORY_LIMIT_MB,
        )  # fmt: skip


def _beside(what: str, ours: float, theirs: float, ratio: float, whose: str, target: float) -> Row:
    faster = 1 / ratio
    return Row(
        what,
        duration(ours),
        f"{duration(theirs)} ({whose})",
        f"{times(faster)} faster",
        f"≥ {target:g}×",
        faster >= target,
    )


def _paired(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> tuple[float, float, float]:
    """Median seconds of this process's processor time for each, and the median of the rounds' ratios: both read from memory, and what
    else the machine does is not theirs."""

    def spent(call: Callable[[], object]) -> float:
        begun = time.process_time()
        call()
        return time.process_time() - begun

    theirs()
    ours()
    return medians([(spent(ours), spent(theirs)) for _ in range(rounds)])


def _store(folder: Path, runs: int, points: int) -> Path:
    """A database of MLflow's: made by MLflow, and filled with rows as its `log_batch` leaves them, which would take hours."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    logging.disable(logging.WARNING)
    from mlflow.tracking import MlflowClient

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mlflow.db"
    client = MlflowClient(f"sqlite:///{path}")
    experiment = client.create_experiment("bench")
    ids = [
        client.create_run(experiment, run_name=f"run {number}").info.run_id
        for number in range(runs)
    ]
    with sqlite3.connect(path) as connection:
        # A database that is made for a measurement need not survive a power cut while it is made.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        for id_ in ids:
            rows = (
                (
                    f"metric {at % METRICS}",
                    math.sin(at),
                    1_700_000_000_000 + at,
                    id_,
                    at // METRICS,
                    0,
                )
                for at in range(points)
            )
            connection.executemany(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            last = [(f"metric {at}", 0.5, 1_700_000_000_000, id_, 1, 0) for at in range(METRICS)]
            connection.executemany(
                "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)",
                last,
            )
    return path


def _mlflow(folder: str, points: int, rounds: int) -> tuple[float, float, float]:
    """Seconds a point of ours and of MLflow's client, and the ratio."""
    path = _store(Path(folder) / "reading", 1, points)
    from mlflow.tracking import MlflowClient

    from anew.trackers.importers import open_source

    client = MlflowClient(f"sqlite:///{path}")

    def ours() -> None:
        for _ in range(MLFLOW_AS_LONG):
            source = open_source(str(path))
            found = sum(len(part.names) for run in source.runs() for part in source.rows(run))
            assert found == points
            source.close()

    def theirs() -> None:
        experiment = client.get_experiment_by_name("bench")
        (found,) = client.search_runs([experiment.experiment_id])
        histories = (
            client.get_metric_history(found.info.run_id, f"metric {at}") for at in range(METRICS)
        )
        assert sum(map(len, histories)) == points

    a, b, ratio = _paired(ours, theirs, rounds)
    return a / points / MLFLOW_AS_LONG, b / points, ratio / MLFLOW_AS_LONG


def _tensorboard(folder: str, events: int, rounds: int) -> tuple[float, float, float]:
    """Seconds an event of ours and of TensorBoard's loader, and the ratio."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from torch.utils.tensorboard import SummaryWriter

    from anew.trackers.tensorboard.importer.source import EventFiles

    place = Path(folder) / "events"
    with SummaryWriter(str(place)) as writer:
        for step in range(events):
            writer.add_scalar(f"metric {step % METRICS}", math.sin(step), step)
    (path,) = place.iterdir()

    def ours() -> None:
        source = EventFiles(str(place))
        assert sum(len(part.names) for run in source.runs() for part in source.rows(run)) == events

    def theirs() -> None:
        assert (
            sum(1 for event in EventFileLoader(str(path)).Load() if event.HasField("summary"))
            == events
        )

    a, b, ratio = _paired(ours, theirs, rounds)
    return a / events, b / events, ratio


def _points_of(source: Any) -> int:
    found = 0
    for run in source.runs():
        for row in source.rows(run):
            found += len(row.names) if isinstance(row, Points) else len(row.values)
    return found


def _mlflow_files(folder: str, points: int, rounds: int) -> tuple[float, float, float]:
    """Seconds a point of ours and of MLflow's store for folders of files, and the ratio."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    logging.disable(logging.WARNING)
    import warnings

    warnings.simplefilter("ignore")
    from mlflow.tracking import MlflowClient

    from anew.trackers.importers import open_source

    place = Path(folder) / "files" / "mlruns"
    client = MlflowClient(f"file://{place}")
    id_ = client.create_run(client.create_experiment("bench")).info.run_id
    (run,) = (at for at in place.glob(f"*/{id_}"))
    for name in range(METRICS):
        lines = (
            f"{1_700_000_000_000 + at} {math.sin(at)!r} {at}\n" for at in range(points // METRICS)
        )
        (run / "metrics" / f"metric {name}").write_text("".join(lines))

    def ours() -> None:
        with closing(open_source(str(place))) as source:
            assert _points_of(source) == points

    def theirs() -> None:
        histories = (client.get_metric_history(id_, f"metric {at}") for at in range(METRICS))
        assert sum(map(len, histories)) == points

    a, b, ratio = _paired(ours, theirs, rounds)
    return a / points, b / points, ratio


def _aim(folder: str, points: int, rounds: int) -> tuple[float, float, float]:
    """Seconds a point of ours and of Aim's own sequences, and the ratio."""
    import aim
    from aim.sdk.index_manager import RepoIndexManager

    from anew.trackers.importers import open_source

    place = Path(folder) / "aim"
    place.mkdir()
    aim.Repo(str(place), init=True).close()
    quiet = {"log_system_params": False, "capture_terminal_logs": False}
    run = aim.Run(repo=str(place), system_tracking_interval=None, **quiet)
    for at in range(points):
        run.track(math.sin(at), name=f"metric {at % METRICS}", step=at)
    run.close()
    key = run.hash
    manager = RepoIndexManager(aim.Repo(str(place)))  # what `aim up` does by itself
    manager.index(key)
    manager.new_chunk_observer.stop()
    manager.repo.container_pool.clear()

    def ours() -> None:
        with closing(open_source(str(place))) as source:
            assert _points_of(source) == points

    def theirs() -> None:
        metrics = aim.Repo(str(place)).get_run(key).metrics()
        assert sum(len(metric.data.items_list()[0]) for metric in metrics) == points

    a, b, ratio = _paired(ours, theirs, rounds)
    return a / points, b / points, ratio


def _csv(folder: str, values: int, rounds: int) -> tuple[float, float, float]:
    """Seconds a value of ours and of pandas, and the ratio."""
    import pandas as pd

    from anew.trackers.importers import open_source

    path = Path(folder) / "table.csv"
    names = [f"metric {at}" for at in range(METRICS)]
    rows = (
        ",".join([str(at), *(repr(math.sin(at + one)) for one in range(METRICS))])
        for at in range(values // METRICS)
    )
    path.write_text("\n".join([",".join(["step", *names]), *rows, ""]))

    def ours() -> None:
        with closing(open_source(str(path))) as source:
            assert _points_of(source) == values

    def theirs() -> None:
        assert pd.read_csv(path)[names].size == values

    a, b, ratio = _paired(ours, theirs, rounds)
    return a / values, b / values, ratio


def _neptune(folder: str, points: int, rounds: int) -> tuple[float, float, float]:
    """Seconds a point of ours and of pandas, which its exporter is read with, and the ratio."""
    from datetime import UTC, datetime
    from decimal import Decimal

    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from anew.trackers.importers import open_source

    place = Path(folder) / "exports" / "data" / "lab_bench-0123456789abcdef"
    place.mkdir(parents=True)
    path = place / "B-1-fedcba9876543210_part_0.parquet"
    steps = pa.array([Decimal(at // METRICS) for at in range(points)], pa.decimal128(18, 6))
    table = pa.table(
        {
            "project_id": ["lab/bench"] * points,
            "run_id": ["B-1"] * points,
            "attribute_path": [f"metric {at % METRICS}" for at in range(points)],
            "attribute_type": ["float_series"] * points,
            "step": steps,
            "timestamp": pa.array([datetime(2026, 1, 2, tzinfo=UTC)] * points, pa.timestamp("ms", "UTC")),
            "float_value": [math.sin(at) for at in range(points)],
        }
    )  # fmt: skip
    pq.write_table(table, path)

    def ours() -> None:
        with closing(open_source(str(place.parent.parent))) as source:
            assert _points_of(source) == points

    def theirs() -> None:
        frame = pd.read_parquet(path)
        assert sum(len(one) for _, one in frame.groupby("attribute_path")) == points

    a, b, ratio = _paired(ours, theirs, rounds)
    return a / points, b / points, ratio


def _whole(folder: str, runs: int, points: int) -> tuple[float, float, float]:
    """Seconds of an import and of a second one, and the peak of memory in MB, of a process that does nothing else."""
    path = in_child(_made, folder, runs, points)
    return tuple(in_child(_imported, path, str(Path(folder) / "root")))


def _made(folder: str, runs: int, points: int) -> str:
    return str(_store(Path(folder), runs, points))


def _imported(path: str, root: str) -> tuple[float, float, float]:
    from anew.importing.importer import bring_in
    from anew.trackers.importers import open_source

    taken = []
    for _ in range(2):
        start = time.perf_counter()
        source = open_source(path)
        assert bring_in(source, root).is_whole
        source.close()
        taken.append(time.perf_counter() - start)
    unit = 1 if sys.platform == "darwin" else 1024
    return taken[0], taken[1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def by_hand(points: int, scratch: str | None) -> None:
    """One run of so many points, however long it takes."""
    with tempfile.TemporaryDirectory(prefix="importing-", dir=scratch) as folder:
        start = time.perf_counter()
        path = result_of(start_child(_made, str(Path(folder) / "store"), 1, points), None)
        size = Path(path).stat().st_size
        print(f"{size / 1e9:.2f} GB of MLflow's, made in {duration(time.perf_counter() - start)}", flush=True)  # fmt: skip
        root = str(Path(folder) / "root")
        seconds, again, peak = result_of(start_child(_imported, path, root), None)
        print(f"{points:,} points imported and compared in {duration(seconds)}; once more in {duration(again)}; {peak:.0f} MB of memory")  # fmt: skip


if __name__ == "__main__":
    from . import importing  # by its name, for the children

    importing.by_hand(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
