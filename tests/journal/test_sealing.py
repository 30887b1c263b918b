"""Sealing waits for every reader of the lines, and not for ever."""

from __future__ import annotations

import json

import pytest

from anew.journal.sealing import UNREACHABLE_SECONDS, may_seal, place_name
from anew.journal.storage import MemoryStorage

NOW = 1_760_000_000.0
DAY = 86400.0
TEXT = "metrics/0001-main-aaaa.jsonl"


def told(storage: MemoryStorage, name: str, taken: int, **more: float) -> None:
    line = {"k": "forwarded", "t": NOW, "version": 1, "cursor": {TEXT: [taken, 3]}, **more}
    storage.append(f"forwarded/{name}.0a1b2c3d.jsonl", json.dumps(line).encode() + b"\n")


def seals(storage: MemoryStorage, now: float = NOW, **expected: float) -> bool:
    return may_seal(storage, lambda: expected, now)(TEXT, 100)


def test_with_no_other_reader_a_part_is_sealed_at_once() -> None:
    assert seals(MemoryStorage())


@pytest.mark.parametrize("taken", [0, 99, 100])
def test_a_part_waits_until_every_reader_has_taken_all_of_it(taken: int) -> None:
    storage = MemoryStorage()
    told(storage, "mlflow", 100)
    told(storage, "wandb-0123abcd", 7)
    told(storage, "wandb-0123abcd", taken)
    assert seals(storage) is (taken == 100)


def test_a_reader_that_has_not_begun_is_waited_for_seven_days() -> None:
    storage = MemoryStorage()
    assert not seals(storage, now=NOW + 6 * DAY, mlflow=NOW)
    assert seals(storage, now=NOW + 8 * DAY, mlflow=NOW)
    told(storage, "mlflow", 100)
    assert seals(storage, mlflow=NOW)


@pytest.mark.parametrize("error_at", [None, NOW - 3 * DAY])
def test_a_reader_that_cannot_be_reached_is_waited_for_seven_days(error_at: float | None) -> None:
    storage = MemoryStorage()
    told(storage, "mlflow", 1, **({} if error_at is None else {"error_at": error_at}))
    last = error_at or NOW
    assert not seals(storage, now=last + UNREACHABLE_SECONDS - 1)
    assert seals(storage, now=last + UNREACHABLE_SECONDS + 1)


def test_of_copies_that_were_put_together_what_came_furthest_counts() -> None:
    storage = MemoryStorage()
    told(storage, "mlflow", 100, lines=9)
    line = {"k": "forwarded", "t": NOW, "cursor": {TEXT: [5, 1]}, "lines": 2}
    storage.append("forwarded/mlflow.ffffffff.jsonl", json.dumps(line).encode() + b"\n")
    storage.append("forwarded/mlflow.ffffffff.jsonl", b'{"k":"forw')
    assert seals(storage)


def test_a_place_is_named_by_its_kind_and_what_else_is_known_of_it() -> None:
    assert place_name({"to": "mlflow"}) == "mlflow"
    one, two = (place_name({"to": "mlflow", "uri": uri}) for uri in ("http://a", "http://b"))
    assert one != two
    assert one.startswith("mlflow-")
