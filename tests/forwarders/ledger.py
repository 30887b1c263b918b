"""A target for tests of the machinery: it keeps what it is sent in a file, and fails when it is told to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from anew.forwarders.target import Item, Mirror, Refusal
from anew.forwarding.address import Destination
from anew.record.events import PointLine
from anew.record.status import Status


class Ledger:
    """What arrived at the target, in a file that outlives it: one line of JSON per record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connected = 0
        self.down = False
        self.poison: set[float] = set()  # values of points that make it fail
        self.fail_before: Callable[[int], bool] = lambda sent: False  # of the nth record in a batch
        self.fail_settle = False

    def connect(self, address: Destination, mirror: Mirror, memo: dict[str, Any]) -> LedgerTarget:
        self.connected += 1
        if self.down:
            raise ConnectionError("it is down")
        return LedgerTarget(self, mirror, memo)

    @property
    def lines(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    @property
    def points(self) -> list[tuple[str, float]]:
        return sorted(
            (name, value) for line in self.lines for name, value in line.get("m", {}).items()
        )

    @property
    def ends(self) -> list[str]:
        return [line["end"] for line in self.lines if "end" in line]

    def append(self, line: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


class LedgerTarget:
    def __init__(self, ledger: Ledger, mirror: Mirror, memo: dict[str, Any]) -> None:
        self.ledger = ledger
        self.mirror = mirror
        self.settled = memo.get("settled", 0)
        self.closed = False

    @property
    def url(self) -> str | None:
        return f"ledger:{self.mirror.name}"

    def send(self, items: Sequence[Item], again: bool) -> list[Refusal]:
        refusals = []
        had = {line["n"] for line in self.ledger.lines if "n" in line} if again else set()
        for nth, item in enumerate(items):
            if self.ledger.down or self.ledger.fail_before(nth):
                raise ConnectionError("it went down")
            if item.number in had:
                continue
            line: dict[str, Any] = {"n": item.number, "kind": type(item.record).__name__}
            if isinstance(item.record, PointLine):
                if self.ledger.poison & set(item.record.m.values()):
                    raise RuntimeError("this value is too much")
                if "refused" in item.record.m:
                    refusals.append(Refusal(item.number, "it takes no metric called refused"))
                    continue
                line |= {"m": item.record.m, "s": item.record.s}
            self.ledger.append(line)
        return refusals

    def settle(self) -> dict[str, Any]:
        if self.ledger.fail_settle or self.ledger.down:
            raise ConnectionError("it could not keep it")
        self.settled += 1
        return {"settled": self.settled}

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        if self.ledger.down:
            raise ConnectionError("it is down")
        self.ledger.append({"end": status.value})

    def close(self) -> None:
        self.closed = True
