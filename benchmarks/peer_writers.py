"""One small class per tracker, each used the way its own documentation shows.

Runs as a script with the peer's own interpreter, so it imports nothing but the standard library and the
peer: `python peer_writers.py time|pace|count PEER FOLDER …`. The last line printed is the result as JSON.
"""

from __future__ import annotations

import glob
import json
import os
import statistics
import struct
import sys
import time
from collections.abc import Callable

Metrics = dict[str, float]
COUNTED = "loss"


class Anew:
    def __init__(self, folder: str) -> None:
        from anew import Experiment

        self.experiment = Experiment("bench/peers/one", root=folder)
        self.experiment.run.start()

    def log(self, metrics: Metrics, step: int) -> None:
        self.experiment.log_metrics(metrics, step=step)

    def close(self) -> None:
        self.experiment.run.complete()

    @staticmethod
    def count(folder: str) -> int:
        from anew import Store

        with Store(folder) as store:
            return store["bench/peers/one"].metrics[COUNTED].count


class Floor:
    """The floor in the same script, so that it is measured the same way as the peers."""

    def __init__(self, folder: str) -> None:
        import orjson

        self.path = os.path.join(folder, "floor.jsonl")
        self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        self.dumps, self.option = orjson.dumps, orjson.OPT_APPEND_NEWLINE

    def log(self, metrics: Metrics, step: int) -> None:
        record = {"s": step, "t": time.time(), "m": metrics}
        os.write(self.fd, self.dumps(record, option=self.option))

    def close(self) -> None:
        os.close(self.fd)

    @staticmethod
    def count(folder: str) -> int:
        with open(os.path.join(folder, "floor.jsonl"), "rb") as file:
            return file.read().count(b"\n")


class TensorBoardX:
    def __init__(self, folder: str) -> None:
        from tensorboardX import SummaryWriter

        self.writer = SummaryWriter(folder)

    def log(self, metrics: Metrics, step: int) -> None:
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        self.writer.close()

    @staticmethod
    def count(folder: str) -> int:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(folder, size_guidance={"scalars": 0})
        events.Reload()
        return len(events.Scalars(COUNTED)) if COUNTED in events.Tags()["scalars"] else 0


class SummaryWriter(TensorBoardX):
    """The writer that comes with torch."""

    def __init__(self, folder: str) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(folder)


class MLflow:
    def __init__(self, folder: str) -> None:
        import mlflow

        self.mlflow = mlflow
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.start_run()

    def log(self, metrics: Metrics, step: int) -> None:
        self.mlflow.log_metrics(metrics, step=step)

    def close(self) -> None:
        self.mlflow.end_run()

    @staticmethod
    def count(folder: str) -> int:
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        (run,) = client.search_runs(["0"])
        return len(client.get_metric_history(run.info.run_id, COUNTED))


class Aim:
    def __init__(self, folder: str) -> None:
        from aim import Repo, Run

        self.run = Run(repo=Repo.from_path(folder, init=True))

    def log(self, metrics: Metrics, step: int) -> None:
        self.run.track(metrics, step=step)

    def close(self) -> None:
        self.run.close()

    @staticmethod
    def count(folder: str) -> int:
        from aim import Repo, Run

        repo = Repo.from_path(folder)
        points = 0
        for run_hash in repo.list_all_runs():
            # Read-only runs come from an index that only its server makes; resuming reads the run itself.
            run = Run(run_hash, repo=repo, force_resume=True, system_tracking_interval=None)
            for metric in run.metrics():
                if metric.name == COUNTED:
                    points += len(metric.values.sparse_numpy()[0])
        return points


class DVCLive:
    def __init__(self, folder: str) -> None:
        from dvclive import Live

        self.live = Live(os.path.join(folder, "dvclive"), save_dvc_exp=False, dvcyaml=False)

    def log(self, metrics: Metrics, step: int) -> None:
        self.live.step = step
        for name, value in metrics.items():
            self.live.log_metric(name, value)
        self.live.next_step()

    def close(self) -> None:
        self.live.end()

    @staticmethod
    def count(folder: str) -> int:
        from dvclive.utils import parse_tsv

        return len(parse_tsv(os.path.join(folder, f"dvclive/plots/metrics/{COUNTED}.tsv")))


class WandbOffline:
    def __init__(self, folder: str) -> None:
        import wandb

        self.run = wandb.init(project="bench", dir=folder, mode="offline")

    def log(self, metrics: Metrics, step: int) -> None:
        self.run.log(metrics, step=step)

    def close(self) -> None:
        self.run.finish()

    @staticmethod
    def count(folder: str) -> int:
        """Its reader is inside its uploader, so the frames of the file are walked here."""
        from wandb.proto import wandb_internal_pb2

        (path,) = glob.glob(f"{folder}/wandb/offline-run-*/*.wandb")
        points = 0
        for data in _frames(path):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            if record.WhichOneof("record_type") == "history":
                names = {item.key or ".".join(item.nested_key) for item in record.history.item}
                points += COUNTED in names
        return points


class Trackio:
    def __init__(self, folder: str) -> None:
        os.environ["TRACKIO_DIR"] = folder
        import trackio

        self.trackio = trackio
        trackio.init(project="bench", name="one", embed=False)

    def log(self, metrics: Metrics, step: int) -> None:
        self.trackio.log(metrics, step=step)

    def close(self) -> None:
        self.trackio.finish()

    @staticmethod
    def count(folder: str) -> int:
        os.environ["TRACKIO_DIR"] = folder
        from trackio.sqlite_storage import SQLiteStorage

        return sum(COUNTED in row for row in SQLiteStorage.get_logs("bench", "one"))


class SwanLab:
    def __init__(self, folder: str) -> None:
        import swanlab

        self.swanlab = swanlab
        swanlab.init(project="bench", mode="offline", log_dir=folder)

    def log(self, metrics: Metrics, step: int) -> None:
        self.swanlab.log(metrics, step=step)

    def close(self) -> None:
        self.swanlab.finish()

    @staticmethod
    def count(folder: str) -> int:
        from swanlab.proto.swanlab.record.v1.record_pb2 import Record
        from swanlab.sdk.internal.core_python.store import DataStoreReader

        points = 0
        for path in glob.glob(f"{folder}/**/*.swanlab", recursive=True):
            reader = DataStoreReader()
            try:
                reader.open(path)
            except AssertionError:  # killed before the header was written
                continue
            for data in reader:
                record = Record()
                record.ParseFromString(data)
                points += record.HasField("scalar") and record.scalar.key == COUNTED
        return points


def _frames(path: str) -> list[bytes]:
    """The records of a file framed in 32 KiB blocks after a header of 7 bytes."""
    with open(path, "rb") as file:
        data = file.read()
    frames, part, at = [], b"", 7
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, size, kind = struct.unpack_from("<IHB", data, at)
        part += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last of several
            frames.append(part)
            part = b""
        elif not kind:
            break
    return frames


WRITERS: dict[str, type] = {
    "anew": Anew,
    "floor": Floor,
    "tensorboardx": TensorBoardX,
    "summarywriter": SummaryWriter,
    "aim": Aim,
    "mlflow": MLflow,
    "dvclive": DVCLive,
    "trackio": Trackio,
    "swanlab": SwanLab,
    "wandb": WandbOffline,
}


def time_calls(writer: type, folder: str, calls: int, seconds: float) -> dict[str, object]:
    """Median and p99 in µs of a call with 1 and with 10 scalars, at most `seconds` each."""
    started = time.perf_counter()
    peer = writer(folder)
    result: dict[str, object] = {"open_s": time.perf_counter() - started}
    step = 0
    for scalars in (1, 10):
        names = [COUNTED, *(f"train/metric_{n}" for n in range(1, scalars))]
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while len(taken) < calls and (time.perf_counter() < end or len(taken) < 30):
            metrics = {name: 1.0 / (step + 1.5 + n) for n, name in enumerate(names)}
            start = time.perf_counter_ns()
            peer.log(metrics, step)
            taken.append((time.perf_counter_ns() - start) / 1e3)
            step += 1
        taken = sorted(taken[len(taken) // 10 :])  # the first tenth warms up
        result[str(scalars)] = {
            "median_us": statistics.median(taken),
            "p99_us": taken[int(len(taken) * 0.99)],
            "calls": len(taken),
        }
    started = time.perf_counter()
    peer.close()
    result["close_s"] = time.perf_counter() - started
    return result


def pace(writer: type, folder: str, acknowledged: str, seconds: float) -> None:
    """Log about 1,000 calls a second, and write down how many have returned, until killed."""
    fd = os.open(acknowledged, os.O_WRONLY | os.O_CREAT, 0o666)
    peer = writer(folder)
    end = time.perf_counter() + seconds
    step = 0
    while time.perf_counter() < end:
        peer.log({COUNTED: 1.0 / (step + 1.5)}, step)
        step += 1
        os.pwrite(fd, struct.pack("<q", step), 0)
        time.sleep(0.001)


def main(what: str, name: str, folder: str, *rest: str) -> None:
    writer = WRITERS[name]
    do: dict[str, Callable[[], object]] = {
        "time": lambda: time_calls(writer, folder, int(rest[0]), float(rest[1])),
        "pace": lambda: pace(writer, folder, rest[0], float(rest[1])),
        "count": lambda: writer.count(folder),  # type: ignore[attr-defined]
    }
    result = do[what]()
    print("\n" + json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
