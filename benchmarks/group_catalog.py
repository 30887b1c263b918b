"""A hundred thousand experiments in PostgreSQL: filter, sort, limit 50, beside the same questions as somebody writes them in SQL.

Both sides ask over one connection to one server on this machine, in turns. The server has its data in the scratch folder and
keeps what it is told (its settings are PostgreSQL's own).
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from anew.query.question import ask
from anew.record.facts import ExperimentFacts
from anew.record.fold import ExperimentState
from anew.record.status import Status
from anew.stores.catalog.postgres import PostgresCatalog
from anew.stores.catalog.protocol import Batch, Catalog, Entry
from anew.stores.catalog.summary import Tally
from anew.testing.postgres import PostgresServer

from .catalog import LIMIT, QUERIES
from .harness import Bench, Row, at_most, duration, quantile
from .synthetic import ASKED_METRICS, MODELS, START, TEAMS, asked_params

VALUES: tuple[Mapping[str, float], ...] = (
    {"low": 0.05, "mid": 0.5, "high": 0.9, "lr": 1e-3},
    {"low": 0.3, "mid": 0.8, "high": 0.99, "lr": 1e-4},
    {"low": 0.01, "mid": 0.2, "high": 0.7, "lr": 3e-2},
)
_SETTINGS = {
    "fsync": "on", "full_page_writes": "on", "autovacuum_naptime": "1min", "shared_buffers": "512MB", "max_wal_size": "1GB",
}  # fmt: skip
BARE = (
    ("m val_loss, p lr", "m.min < {low} AND p.number >= {lr}", "m.min"),
    ("m val_acc, p batch_size", "m.last > {mid} AND p.number = 128", "m.last DESC"),
    ("m train_loss, p optimizer", "m.last < {low} AND p.text = 'adamw'", "e.created_at DESC"),
    ("m train/ppl, p model.depth, p2 lr", "m.max > {mid} AND p.number > 50", "p2.number"),
    ("m val_loss, p lr, t resnet50", "m.last < {mid} AND p.number < {lr}", "m.last"),
    (
        "m grad_norm, p amp, p2 lr",
        "e.status = 'failed' AND m.last > {mid} AND p.number = 1 AND p.type = 'bool'",
        "p2.number DESC",
    ),
    ("m val/f1, p model.name", "m.mean > {high} AND p.text IN ('unet', 'lstm')", "e.name"),
    ("m train_loss, p data.name", "(p.text = 'coco' OR m.min < 0.01)", "m.min DESC"),
    (
        "m val_loss, p warmup",
        "e.project = 'project-07' AND m.last < {high} AND p.number >= 1000",
        "p.number",
    ),
)
"""For each of `QUERIES`: what is joined, the condition, the order."""


def run(bench: Bench) -> Iterator[Row]:
    """Filled in bulk, asked, and asked with a scope."""
    count = bench.size(100_000, 60)
    with tempfile.TemporaryDirectory(prefix="anew-postgres-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        server = PostgresServer(Path(folder) / "server", _SETTINGS)
        server.start()
        try:
            url = server.make_database()
            catalog = PostgresCatalog(url)
            start = time.perf_counter()
            fill(catalog, count)
            yield Row(f"{count:,} experiments saved in bulk", duration(time.perf_counter() - start))
            yield from _asked(bench, catalog, url, count)
            catalog.close()
        finally:
            server.remove()


def fill(catalog: Catalog, count: int) -> None:
    """A catalog of small experiments, as `synthetic.write_many` writes them: 9 parameters, 6 metrics, 3 tags each."""
    rng = random.Random(7)
    catalog.create()
    for first in range(0, count, 1000):
        entries = [_entry(rng, number) for number in range(first, min(first + 1000, count))]
        catalog.save(Batch(entries=entries))
    catalog.finish()


def _entry(rng: random.Random, number: int) -> Entry:
    lr = 10 ** rng.uniform(-5, -1)
    params = asked_params(rng, number, lr)
    tags = {"team": TEAMS[number % 6], f"sweep-{number % 200}": None, MODELS[number % 8]: None}
    at, id_ = START + number * 10.0, f"20260101-000000-{number:08x}"
    name, project = f"run-{number:06d}", f"project-{number % 50:02d}"
    facts = ExperimentFacts(
        id=id_, prefix=f"{TEAMS[number % 6]}/{project}/{name}", name=name, owner=TEAMS[number % 6], project=project,
        status=Status("completed" if number % 20 else "failed"), created_at=at, started_at=at, ended_at=at + 600.0,
        updated_at=at + 600.0, user="bench", host="bench", metric_count=len(ASKED_METRICS), point_count=5 * len(ASKED_METRICS),
    )  # fmt: skip
    state = ExperimentState(experiment_id=id_, name=name, created_at=at, params=params, tags=tags)
    return Entry(
        key=None, facts=facts, cursor=b"", live=False, whole=True, state=msgspec.msgpack.encode(state), params=_dotted(params),
        config={}, tags=tags, bindrs=(), metrics={one: {"0001-main": _tally(rng, lr, at)} for one in ASKED_METRICS},
    )  # fmt: skip


def _dotted(params: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            found |= _dotted(value, f"{before}{name}.")
        else:
            found[before + name] = value
    return found


def _tally(rng: random.Random, lr: float, at: float) -> Tally:
    result = rng.random()
    values = [result + (1.0 - result) * (0.5 - lr) / (step + 1) for step in range(5)]
    return Tally(
        count=5, first=values[0], last=values[-1], last_time=at + 5, last_step=4, min=values[-1], min_step=4, max=values[0],
        max_step=0, mean=statistics.fmean(values), m2=statistics.variance(values) * 4,
    )  # fmt: skip


def _asked(bench: Bench, catalog: PostgresCatalog, url: str, count: int) -> Iterator[Row]:
    ours: list[float] = []
    ratios: list[float] = []
    beside: list[float] = []
    with psycopg.connect(url, autocommit=True, options="-c search_path=anew_catalog") as bare:
        keys = dict(bare.execute("SELECT name, key FROM names WHERE kind <> 'config'").fetchall())
        for turn in range(bench.size(5, 2)):
            for number in range(len(QUERIES)):
                for values in VALUES:
                    mine, theirs = one_of_each(catalog, bare, keys, number, values)
                    if turn:  # the first round warms the memory of the server
                        ours.append(mine)
                        beside.append(theirs)
                        ratios.append(mine / theirs)
    what = f"filter {count:,} on a metric and a param, sort, limit {LIMIT}, on PostgreSQL"
    p95, other = quantile(ours, 0.95), quantile(beside, 0.95)
    yield Row(
        f"{what}: median of {len(ours)} questions", duration(statistics.median(ours)), f"{duration(statistics.median(beside))} (bare SQL)",
        *at_most(statistics.median(ours) / statistics.median(beside), 2),
    )  # fmt: skip
    yield Row(
        f"{what}: p95", duration(p95), f"{duration(other)} (bare SQL)", f"{p95 / other:.2f}×", "≤ 80 ms", p95 <= 0.08
    )  # fmt: skip


def one_of_each(
    catalog: PostgresCatalog,
    bare: psycopg.Connection[Any],
    keys: Mapping[str, int],
    number: int,
    values: Mapping[str, float],
) -> tuple[float, float]:
    """Seconds that a question takes, and the same in SQL; both find the same experiments."""
    text, sort = QUERIES[number]
    start = time.perf_counter()
    found = catalog.select(ask(text.format(**values), sort=sort, limit=LIMIT, now=START + 1e7))
    mine = time.perf_counter() - start
    statement = bare_statement(number, keys).format(**values)
    start = time.perf_counter()
    rows = bare.execute(statement).fetchall()
    theirs = time.perf_counter() - start
    assert len(rows) == len(found.ids), (text, len(rows), len(found.ids))
    return mine, theirs


def bare_statement(number: int, keys: Mapping[str, int]) -> str:
    """One of `BARE` as a statement."""
    joined, condition, order = BARE[number]
    joins = []
    for one in joined.split(", "):
        alias, name = one.split(" ")
        table = {"m": "metrics", "p": "params", "t": "tags"}[alias[0]]
        joins.append(f"JOIN {table} {alias} ON {alias}.experiment_key = e.key AND {alias}.name_key = {keys[name]}")  # fmt: skip
    return f"SELECT e.experiment_id FROM experiments e {' '.join(joins)} WHERE {condition} ORDER BY {order}, e.key LIMIT {LIMIT}"
