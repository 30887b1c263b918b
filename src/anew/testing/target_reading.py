"""Reading back what a target was sent, for the suite of `testing.target`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..forwarders.target import Item, Mirror, Refusal, Target
from ..record.events import PointLine
from ..record.status import Status
from ..values import Text
from .items import START, Records

__all__ = ["Point", "TargetReading"]

Point = tuple[str, int, float]


class TargetReading:
    """Subclass it and give `open`, `crash` and what reads back through the target's own API.

    What reads back takes the mirror, and finds the run as a person at the target would. It is called only when no
    target of this mirror is open, or after a `settle`. Override `metric`, `kept`, `config`, `same` and `ended` where
    the target has its own way of saying a thing; a target may refuse nearly everything, as long as it says so.
    """

    # -- what a subclass gives -------------------------------------------------------------------------------------

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        """A target on what was sent of this experiment earlier."""
        raise NotImplementedError

    def crash(self, target: Target) -> None:
        """Let go of a target without closing or settling it, as a killed process does."""
        raise NotImplementedError

    def runs(self, mirror: Mirror) -> int:
        """How many runs at the target stand for this experiment."""
        raise NotImplementedError

    def points(self, mirror: Mirror) -> list[Point]:
        """All points at the target: (metric, step, value), in any order."""
        raise NotImplementedError

    def params(self, mirror: Mirror) -> dict[str, Any]:
        """Parameters and configuration as the target has them, nested names dotted."""
        raise NotImplementedError

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        """Tags; a target without tags that have values may give None for each."""
        raise NotImplementedError

    def notes(self, mirror: Mirror) -> str:
        """Where a person reads notes and description at the target; "" if there are none."""
        raise NotImplementedError

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        """Logged files by prefix and name: `models/model.pth`. The newest, where one was saved again."""
        raise NotImplementedError

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        """Values beyond numbers: (name, step), one for each that was logged."""
        raise NotImplementedError

    def logs(self, mirror: Mirror) -> str:
        """Messages, in whatever form; "" if the target has no place for them. Read after the end."""
        return ""

    def status(self, mirror: Mirror) -> Any:
        """The run's status as the target calls it; None if it has none."""
        raise NotImplementedError

    # -- what a subclass may override ------------------------------------------------------------------------------

    def metric(self, name: str) -> str:
        """What a metric of that name is called at the target."""
        return name

    def kept(self, value: float) -> float:
        """What the target keeps of a value."""
        return value

    def config(self, name: str) -> str:
        """What an entry of the configuration is called among the target's parameters."""
        return f"config.{name}"

    def same(self, given: Any, got: Any) -> bool:
        """Whether a parameter arrived."""
        return bool(given == got) or str(given) == str(got)

    def ended(self, status: Status) -> Any:
        """What `status` gives for a run that ended so."""
        return status

    running: Any = Status.RUNNING

    @pytest.fixture
    def mirror(self, tmp_path: Path) -> Mirror:
        """The experiment: its folder is there and has nothing in it."""
        folder = tmp_path / "experiments" / "alice" / "vision" / "run"
        folder.mkdir(parents=True)
        return Mirror(
            "bcdf23456789", "alice/vision/run", "run", "vision", str(folder), START, "alice"
        )

    # -- how the tests say it --------------------------------------------------------------------------------------

    def send(self, target: Target, items: Sequence[Item], again: bool = False) -> list[Refusal]:
        """Offer items; what is refused is refused with a sentence."""
        refusals = list(target.send(items, again))
        offered = {item.number for item in items}
        for refusal in refusals:
            assert refusal.number in offered
            assert refusal.reason.strip().endswith("."), refusal.reason
            assert len(refusal.reason.split()) > 3, refusal.reason
        return refusals

    def finish(self, target: Target, status: Status = Status.COMPLETED) -> dict[str, Any]:
        """Settle, end and close; returns the last memo."""
        target.settle()
        target.end(status, None, START + 1000)
        memo = target.settle()
        target.close()
        return memo

    def check_points(
        self, mirror: Mirror, items: Iterable[Item], refusals: Iterable[Refusal] = ()
    ) -> None:
        """Every point is there once, but those of refused lines, of which any part may be."""
        refused = {refusal.number for refusal in refusals}
        wanted: Counter[Any] = Counter()
        allowed: Counter[Any] = Counter()
        positions: Counter[str] = Counter()
        for item in items:
            record = item.record
            if isinstance(record, PointLine):
                for name, value in record.m.items():
                    step = positions[name] if record.s is None else record.s
                    positions[name] += 1
                    point = _key(self.metric(name), step, self.kept(float(value)))
                    allowed[point] += 1
                    wanted[point] += item.number not in refused
        got = Counter(_key(*point) for point in self.points(mirror))
        assert not wanted - got, f"lost: {dict(wanted - got)}"
        assert not got - allowed, f"doubled or invented: {dict(got - allowed)}"
        assert self.runs(mirror) == 1

    def training(self, mirror: Mirror, lines: int = 6) -> Records:
        """Records of a small training: opening, parameters, tags, points of two metrics, a text and a file."""
        records = Records(mirror)
        records.config({"model": {"width": 64}})
        records.params({"lr": 0.1})
        records.tags({"baseline": None})
        records.file("models", "model.bin", b"\x00\x01" * 500)
        records.value("answers", Text("Forty-two."), step=1)
        for step in range(lines):
            records.points({"train/loss": 1 / (step + 1), "acc": step / 8}, step)
        return records


def _key(name: str, step: int, value: float) -> tuple[str, int, str]:
    return name, step, repr(float(value))
