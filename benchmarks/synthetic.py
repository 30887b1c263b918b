"""Experiments written straight to disk in the folder's format, faster than any writer could.

For measuring readers only: `docs/internals/format.md` is the specification. The values look like those of a
training: a falling curve with noise, of float32 precision, as they come out of a framework.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from anew.record.ids import new_id

START = 1_790_000_000.0
SEGMENT_BYTES = 32 << 20
WRITER = "0001-main"
TEAMS = ("vision", "speech", "robots", "search", "ads", "health")
MODELS = ("resnet18", "resnet50", "vit-s", "vit-b", "unet", "lstm", "mlp", "gpt-s")


def curve(count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Losses of a training: falling, noisy, of float32 precision."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.0, 6.0, count)
    loss = 2.0 * np.exp(-x) + 0.1 + 0.05 * rng.standard_normal(count)
    return loss.astype(np.float32).astype(np.float64)


def times(count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Times of steps that take about ten milliseconds each, whole milliseconds as the writer's are."""
    rng = np.random.default_rng(seed)
    at = START + np.cumsum(0.01 + 0.001 * rng.standard_normal(count))
    return np.floor(at * 1e3) / 1e3


def write_experiment(
    root: Path,
    prefix: str,
    points: Iterator[bytes] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str | None] | None = None,
    opened_at: float = START,
    seconds: float = 600.0,
    status: str = "completed",
) -> str:
    """Write a finished experiment; its id. `points` are chunks of whole lines."""
    folder = f"{root}/{prefix}"
    experiment_id = new_id()
    for part in ("", "/journal", "/metrics"):
        os.makedirs(folder + part, exist_ok=True) if not part else os.mkdir(folder + part)
    opened = {
        "k": "opened",
        "t": opened_at,
        "version": 1,
        "experiment_id": experiment_id,
        "name": prefix.rpartition("/")[2],
        "role": "lead",
        "host": "bench",
        "boot": "bench",
        "pid": 1,
        "user": "bench",
    }
    events: list[dict[str, Any]] = [opened]
    if tags:
        events.append({"k": "tags", "t": opened_at, "add": tags})
    if params:
        events.append({"k": "params", "t": opened_at, "params": params})
    events.append({"k": "closed", "t": opened_at + seconds, "status": status})
    _write(f"{folder}/journal/{WRITER}.jsonl", b"".join(map(line, events)))
    identity = {"version": 1, "experiment_id": experiment_id, "name": opened["name"]}
    _write(f"{folder}/metadata.json", orjson.dumps(identity, option=orjson.OPT_INDENT_2))
    _write_points(folder, points or iter(()))
    return experiment_id


def _write_points(folder: str, points: Iterator[bytes]) -> None:
    part, size, file = 0, SEGMENT_BYTES, None
    for data in points:
        if size >= SEGMENT_BYTES:
            if file is not None:
                file.close()
            part, size = part + 1, 0
            name = WRITER if part == 1 else f"{WRITER}.{part}"
            file = open(f"{folder}/metrics/{name}.jsonl", "wb")  # noqa: SIM115
        assert file is not None
        size += file.write(data)
    if file is not None:
        file.close()


def one_metric(name: str, count: int, chunk: int = 100_000, seed: int = 0) -> Iterator[bytes]:
    """Lines of one metric, `count` of them."""
    losses, at = curve(count, seed).tolist(), times(count, seed).tolist()
    for first in range(0, count, chunk):
        yield b"".join(
            [
                line({"s": step, "t": at[step], "m": {name: losses[step]}})
                for step in range(first, min(first + chunk, count))
            ]
        )


def many_metrics(names: Sequence[str], lines: int, chunk: int = 200) -> Iterator[bytes]:
    """Lines that each hold all of `names`."""
    at = times(lines).tolist()
    curves = [curve(lines, seed).tolist() for seed in range(len(names))]
    for first in range(0, lines, chunk):
        yield b"".join(
            [
                line(
                    {
                        "s": step,
                        "t": at[step],
                        "m": {n: c[step] for n, c in zip(names, curves, strict=True)},
                    }
                )
                for step in range(first, min(first + chunk, lines))
            ]
        )


def announce(root: Path, experiments: Sequence[tuple[str, str]]) -> None:
    """Write the root's journal: each `(id, prefix)` was opened and has ended."""
    folder = root / ".anew" / "root"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "bench.jsonl").open("ab") as file:
        for experiment_id, prefix in experiments:
            for kind in ("opened", "ended"):
                hint = {"k": kind, "t": START, "experiment_id": experiment_id, "prefix": prefix}
                file.write(line(hint))


def write_many(root: Path, count: int, *, asked_only: bool = False) -> list[str]:
    """A store of small experiments: 20 parameters, 10 metrics of 5 points, 3 tags each; their prefixes.

    Two processes write them, half of them each.

    Args:
        asked_only: Only the parameters and metrics that the questions of the benchmarks name, which are half of them.
    """
    half = count // 2
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        parts = [
            pool.submit(_write_numbers, root, range(*ends), asked_only)
            for ends in ((0, half), (half, count))
        ]
        announced = [one for part in parts for one in part.result()]
    announce(root, announced)
    return [prefix for _, prefix in announced]


def _write_numbers(root: Path, numbers: range, asked_only: bool) -> list[tuple[str, str]]:
    """Some of the experiments of `write_many`; the id and the prefix of each."""
    rng = random.Random(numbers.start)
    announced = []
    for number in numbers:
        prefix = f"{TEAMS[number % 6]}/project-{number % 50:02d}/run-{number:06d}"
        lr = 10 ** rng.uniform(-5, -1)
        status = "completed" if number % 20 else "failed"
        experiment_id = write_experiment(
            root,
            prefix,
            iter([_small_points(rng, lr, ASKED_METRICS if asked_only else METRICS)]),
            params=_asked(_params(rng, number, lr)) if asked_only else _params(rng, number, lr),
            tags={
                "team": TEAMS[number % 6],
                f"sweep-{number % 200}": None,
                MODELS[number % 8]: None,
            },
            opened_at=START + number * 10.0,
            status=status,
        )
        announced.append((experiment_id, prefix))
    return announced


def _params(rng: random.Random, number: int, lr: float) -> dict[str, Any]:
    return {
        "lr": lr,
        "batch_size": rng.choice((32, 64, 128, 256, 512)),
        "seed": number,
        "epochs": rng.randrange(1, 100),
        "optimizer": rng.choice(("sgd", "adam", "adamw", "lion")),
        "weight_decay": rng.choice((0.0, 1e-4, 1e-2)),
        "amp": rng.random() < 0.5,
        "model": {
            "name": rng.choice(MODELS),
            "depth": rng.randrange(2, 100),
            "width": rng.choice((64, 128, 256)),
            "dropout": round(rng.random() * 0.5, 3),
            "norm": rng.choice(("batch", "layer", "none")),
        },
        "data": {
            "name": rng.choice(("digits", "imagenet", "coco", "librispeech")),
            "split": rng.choice((0.8, 0.9)),
            "augment": rng.choice(("none", "flip", "mixup")),
            "workers": rng.randrange(0, 16),
        },
        "schedule": rng.choice(("cosine", "linear", "step")),
        "warmup": rng.randrange(0, 2000),
        "clip": rng.choice((0.5, 1.0, 5.0)),
        "note": f"run {number} of the sweep",
    }


METRICS = (
    *("train_loss", "val_loss", "train_acc", "val_acc", "grad_norm"),
    *("train/ppl", "val/ppl", "throughput", "val/f1", "lr_now"),
)


ASKED_METRICS = ("train_loss", "val_loss", "val_acc", "grad_norm", "train/ppl", "val/f1")


def asked_params(rng: random.Random, number: int, lr: float) -> dict[str, Any]:
    """The parameters of one of many experiments that the questions of the benchmarks name."""
    return _asked(_params(rng, number, lr))


def _asked(params: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: params[name] for name in ("lr", "batch_size", "optimizer", "amp", "warmup")}
    model, data = params["model"], params["data"]
    return {
        **kept,
        "model": {k: model[k] for k in ("name", "depth")},
        "data": {"name": data["name"]},
    }


def _small_points(rng: random.Random, lr: float, metrics: Sequence[str], lines: int = 5) -> bytes:
    """Five steps towards a result of its own for each metric, between 0 and 1."""
    results = [rng.random() for _ in metrics]
    return b"".join(
        [
            line(
                {
                    "s": step,
                    "t": START + step,
                    "m": {
                        name: result + (1.0 - result) * (0.5 - lr) / (step + 1)
                        for name, result in zip(metrics, results, strict=True)
                    },
                }
            )
            for step in range(lines)
        ]
    )


def line(record: Mapping[str, Any]) -> bytes:
    """A line of a journal, or of points."""
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.write(fd, data)
    os.close(fd)
