"""Lineage over a hundred thousand experiments: from the hash of a data set to all that read it, beside a plain filter.

A thousand data sets, each read by a hundred experiments; each experiment also read a file of its own and logged two. Both questions are
asked of one catalog, in turns.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from anew.query.question import Question, ask
from anew.record.facts import ExperimentFacts, FileFact
from anew.record.fold import ExperimentState
from anew.record.inputs import InputFact
from anew.record.packed import pack
from anew.record.status import Status
from anew.stores.catalog.protocol import Batch, Entry
from anew.stores.catalog.sqlite import SqliteCatalog

from .harness import Bench, Row, at_most, duration, quantile, seconds_of

TIMES = 40
_AT_ONCE = 1000


def run(bench: Bench) -> Iterator[Row]:
    """Filled once, then asked."""
    count = bench.size(100_000, 200)
    sets = max(1, count // 100)
    with bench.folder("lineage") as folder:
        catalog = SqliteCatalog(str(folder / "catalog.db"))
        catalog.create()
        for first in range(0, count, _AT_ONCE):
            some = range(first, min(first + _AT_ONCE, count))
            catalog.save(Batch(entries=[_entry(number, sets) for number in some]))
        catalog.finish()
        of_data, plain = [], []
        for turn in range(TIMES):
            number = turn * 7919 % sets
            of_data.append((f"'{_hash('set', number)}' in inputs", -(-(count - number) // sets)))
            plain.append((f"params.group == {number}", of_data[-1][1]))
        found: dict[str, list[float]] = {"lineage": [], "plain": []}
        for both in zip(of_data, plain, strict=True):
            for kind, (text, wanted) in zip(found, both, strict=True):
                asked: Question = ask(text, sort="-created_at", now=time.time())
                ids: list[str] = []
                found[kind].append(
                    seconds_of(lambda q=asked, to=ids: to.extend(catalog.select(q).ids))
                )  # type: ignore[misc]
                if len(ids) != wanted:
                    raise RuntimeError(f"{text!r} found {len(ids)} of {wanted}")
        catalog.close()
    ours, beside = (quantile(found[kind], 0.5) for kind in ("lineage", "plain"))
    yield Row(
        f"{count:,} experiments: the {count // sets} that read a data set, by its hash (median of {TIMES})",
        duration(ours),
        f"{duration(beside)} (a parameter)",
        *at_most(ours / beside, 3.0),
    )


def _hash(kind: str, number: int) -> str:
    return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()


def _entry(number: int, sets: int) -> Entry:
    id_ = f"e{number:011d}"
    state = ExperimentState(experiment_id=id_, params={"group": number % sets})
    files = [
        FileFact(f"{name}{number}", "models", f"{name}.pt", f"files/{name}.pt", 7, _hash(name, number), None, 1.0)
        for name in ("best", "last")
    ]  # fmt: skip
    return Entry(
        key=None,
        facts=ExperimentFacts(
            id=id_, prefix=f"lab/p{number % 20}/run-{number}", name="run", status=Status.COMPLETED,
            created_at=float(number), updated_at=float(number), file_count=2,
        ),
        cursor=b"",
        live=False,
        whole=True,
        state=pack(state),
        params={"group": number % sets},
        config={},
        tags={},
        bindrs=[],
        inputs=[
            InputFact("data/train.csv", _hash("set", number % sets), "declared"),
            InputFact(f"own-{number}.yaml", _hash("own", number), "opened"),
        ],
        files=files,
    )  # fmt: skip
