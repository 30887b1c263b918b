"""What every target of the forwarders must do."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import pytest

from ..forwarders.target import Mirror, Refusal
from ..record.status import Status
from .items import START, Records
from .target_reading import Point
from .target_records import DescriptionTests, ValueTests, samples

__all__ = ["Point", "TargetContract", "samples"]


class TargetContract(DescriptionTests, ValueTests):
    """Subclass it and give `open`, `crash` and what reads back through the target's own API: see `TargetReading`."""

    # -- arriving once ---------------------------------------------------------------------------------------------

    def test_everything_arrives_once(self, mirror: Mirror) -> None:
        records = self.training(mirror)
        target = self.open(mirror, {})
        refusals = self.send(target, records.items)
        assert target.url is None or isinstance(target.url, str)
        self.finish(target)
        self.check_points(mirror, records.items, refusals)
        refused = {refusal.number for refusal in refusals}
        assert 2 in refused or self.same(0.1, self.params(mirror)["lr"])
        assert 3 in refused or "baseline" in self.tags(mirror)
        assert 4 in refused or self.files(mirror) == {"models/model.bin": b"\x00\x01" * 500}
        assert 5 in refused or [n for n, _ in self.values(mirror)] == [self.metric("answers")]

    def test_what_is_offered_again_after_settling_is_not_doubled(self, mirror: Mirror) -> None:
        items = self.training(mirror).items
        target = self.open(mirror, {})
        refusals = self.send(target, items[:9])
        target.settle()
        self.send(target, items[3:10], again=True)
        memo = target.settle()
        target.close()
        later = self.open(mirror, memo)
        self.send(later, items[7:], again=True)
        self.finish(later)
        self.check_points(mirror, items, refusals)
        assert len(self.values(mirror)) == (5 not in {r.number for r in refusals})

    def test_what_is_offered_again_without_settling_is_not_doubled(self, mirror: Mirror) -> None:
        items = self.training(mirror).items
        target = self.open(mirror, {})
        self.send(target, items[:8])
        self.send(target, items[:10], again=True)
        self.send(target, items[6:9], again=True)
        refusals = self.send(target, items, again=True)
        self.finish(target)
        self.check_points(mirror, items, refusals)
        assert len(self.values(mirror)) <= 1

    @pytest.mark.parametrize("sent", [0, 1, 8])
    def test_a_crash_before_the_first_settle_loses_and_doubles_nothing(
        self, mirror: Mirror, sent: int
    ) -> None:
        items = self.training(mirror).items
        target = self.open(mirror, {})
        before = self.send(target, items[:sent]) if sent else []
        self.crash(target)
        again = self.open(mirror, {})
        after = self.send(again, items, again=True)
        self.finish(again)
        self.check_points(mirror, items, after)
        assert {r.number for r in before} <= {r.number for r in after}
        assert len(self.values(mirror)) == (5 not in {r.number for r in after})

    def test_a_crash_after_a_settle_loses_and_doubles_nothing(self, mirror: Mirror) -> None:
        items = self.training(mirror, 12).items
        target = self.open(mirror, {})
        refusals = self.send(target, items[:8])
        memo = target.settle()
        self.send(target, items[8:14])
        self.crash(target)
        again = self.open(mirror, memo)
        # As much as had arrived, in other pieces; then what had not.
        for piece in (items[8:10], items[10:16]):
            refusals += self.send(again, piece, again=True)
        refusals += self.send(again, items[16:])
        self.finish(again)
        self.check_points(mirror, items, refusals)

    def test_a_crash_may_come_again_and_again(self, mirror: Mirror) -> None:
        items = self.training(mirror).items
        memo: dict[str, Any] = {}
        settled = 0
        for sent in (3, 9, 7, 11):
            target = self.open(mirror, memo)
            self.send(target, items[settled:sent], again=True)
            if sent == 9:
                memo, settled = target.settle(), 9
                self.send(target, items[9:10])
            self.crash(target)
        last = self.open(mirror, memo)
        refusals = self.send(last, items[settled:], again=True)
        self.finish(last)
        self.check_points(mirror, items, refusals)

    def test_a_later_process_goes_on(self, mirror: Mirror) -> None:
        records = Records(mirror)
        memo: dict[str, Any] = {}
        sent = 0
        for part in range(3):
            for i in range(4):
                records.points({"loss": part + i / 4})  # no steps: positions go on as well
            target = self.open(mirror, memo)
            assert not self.send(target, records.items[sent:])
            sent = len(records.items)
            memo = target.settle()
            assert _plain(memo) == memo, "a memo is plain JSON"
            target.close()
        self.check_points(mirror, records.items)

    def test_a_large_batch_arrives(self, mirror: Mirror) -> None:
        records = Records(mirror)
        for step in range(1500):
            records.points({"a": step / 7, "b": -step / 3}, step)
        target = self.open(mirror, {})
        assert not self.send(target, records.items)
        self.finish(target)
        self.check_points(mirror, records.items)

    def test_calls_may_come_from_another_thread(self, mirror: Mirror) -> None:
        records = self.training(mirror)
        refusals: list[Refusal] = []
        failures: list[BaseException] = []

        def work() -> None:
            try:
                target = self.open(mirror, {})
                refusals.extend(self.send(target, records.items))
                self.finish(target)
            except BaseException as error:  # noqa: BLE001  (told by the test's own thread)
                failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert not failures, failures
        self.check_points(mirror, records.items, refusals)

    def test_two_experiments_have_a_run_each(self, mirror: Mirror, tmp_path: Path) -> None:
        folder = tmp_path / "experiments" / "alice" / "vision" / "other"
        folder.mkdir()
        other = mirror._replace(
            experiment_id="bcdf2345678z",
            prefix="alice/vision/other",
            name="other",
            folder=str(folder),
        )
        both = [(mirror, Records(mirror)), (other, Records(other))]
        for value, (where, records) in enumerate(both):
            records.points({"loss": float(value)}, 0)
            target = self.open(where, {})
            self.send(target, records.items)
            self.finish(target)
        for where, records in both:
            self.check_points(where, records.items)

    # -- points ----------------------------------------------------------------------------------------------------

    def test_steps_that_go_back_or_repeat_are_kept(self, mirror: Mirror) -> None:
        records = Records(mirror)
        for step, value in [
            (5, 0.5),
            (3, 0.25),
            (3, 0.125),
            (-2, 1.0),
            (5, 0.5),
            (100, 2.0),
            (4, 4.0),
        ]:
            records.points({"loss": value}, step)
        for step in (2**31, 2**53 + 1, 2**63 - 1, -(2**63)):
            records.points({"far": 1.0}, step)
        # The very same point, in the same millisecond, twice.
        twice = [records.points({"loss": 7.0}, 7, t=START + 50) for _ in range(2)]
        target = self.open(mirror, {})
        refusals = self.send(target, records.items)
        self.crash(target)
        again = self.open(mirror, {})
        assert self.send(again, records.items, again=True) == refusals
        self.finish(again)
        self.check_points(mirror, records.items, refusals)
        assert twice[0].number not in {r.number for r in refusals}

    def test_values_that_are_no_ordinary_numbers_arrive_or_are_refused(
        self, mirror: Mirror
    ) -> None:
        records = Records(mirror)
        numbers = [
            math.nan,
            math.inf,
            -math.inf,
            1e308,
            -1e308,
            5e-324,
            -0.0,
            0.1 + 0.2,
            2.0**53 + 2,
        ]
        for step, number in enumerate(numbers):
            records.points({"odd": number, "even": 1.0}, step)
        target = self.open(mirror, {})
        refusals = self.send(target, records.items)
        self.send(target, records.items, again=True)
        self.finish(target)
        self.check_points(mirror, records.items, refusals)
        assert len([p for p in self.points(mirror) if p[0] == self.metric("even")]) == len(numbers)

    def test_odd_names_arrive_or_are_refused(self, mirror: Mirror) -> None:
        records = Records(mirror)
        names = [
            "train/loss", "train.loss", "train_loss", "train loss", "a:b", "a/b/c", "größe", "損失", "🙂", "a%b", "a%20b",
            "x=1,y=2", "[0]", "a&b?c#d", "../up", "/abs", "trailing/", "a//b", ".", "..", "~", "'quoted'", '"double"',
            "back\\slash", "{curly}", "<b>", "$x", "@", "*", "|", "_step", "_timestamp", "epoch", "Loss", "loss",
            "n" * 250, "n" * 251, "n" * 500, "損" * 500,
        ]  # fmt: skip
        for i, name in enumerate(names):
            records.points({name: float(i)}, 1)
        records.points(dict.fromkeys(names, 0.5), 2)  # the refusal of one takes none of the others
        target = self.open(mirror, {})
        refusals = self.send(target, records.items)
        self.finish(target)
        self.check_points(mirror, records.items, refusals)
        assert len({self.metric(name) for name in names}) == len(names), "two names become one"
        refused = {r.number for r in refusals}
        good = [name for i, name in enumerate(names, 1) if i not in refused]
        second = {name for name, step, _ in self.points(mirror) if step == 2}
        assert {self.metric(name) for name in good} <= second

    def test_a_point_without_a_step_has_its_position(self, mirror: Mirror) -> None:
        records = Records(mirror)
        for i in range(3):
            records.points({"loss": i / 2, "acc": i / 4})
        records.points({"loss": 9.0}, 40)
        records.points({"loss": 10.0}, writer="0002-rank1")
        records.points({"acc": 11.0})
        target = self.open(mirror, {})
        self.send(target, records.items[:3])
        memo = target.settle()
        self.send(target, records.items[3:5])
        self.crash(target)
        again = self.open(mirror, memo)
        assert not self.send(again, records.items[3:], again=True)
        self.finish(again)
        self.check_points(mirror, records.items)

    def test_a_line_may_hold_many_metrics(self, mirror: Mirror) -> None:
        records = Records(mirror)
        records.points({f"m{i}": i / 7 for i in range(1100)}, 3)
        target = self.open(mirror, {})
        assert not self.send(target, records.items)
        self.finish(target)
        self.check_points(mirror, records.items)

    # -- ending ----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
    def test_the_end_is_shown_and_can_be_gone_beyond(self, mirror: Mirror, status: Status) -> None:
        records = Records(mirror)
        records.points({"loss": 1.0}, 0)
        target = self.open(mirror, {})
        self.send(target, records.items)
        target.settle()
        target.end(status, "because", START + 5)
        memo = target.settle()
        target.close()
        assert self.status(mirror) == self.ended(status)
        # A process killed after the end, before it was noted, says it again.
        again = self.open(mirror, memo)
        again.end(status, "because", START + 5)
        again.close()
        assert self.status(mirror) == self.ended(status)
        later = self.open(mirror, memo)
        more = records.points({"loss": 0.5}, 1)
        assert not self.send(later, [more])
        memo = later.settle()
        assert self.status(mirror) in (self.running, self.ended(status))
        self.finish(later)
        assert self.status(mirror) == self.ended(Status.COMPLETED)
        self.check_points(mirror, records.items)

    def test_closing_is_no_end_and_may_come_twice(self, mirror: Mirror) -> None:
        target = self.open(mirror, {})
        memo = target.settle()
        target.close()
        target.close()
        later = self.open(mirror, memo)
        later.close()
        assert self.status(mirror) == self.running
        assert self.runs(mirror) <= 1


def _plain(memo: dict[str, Any]) -> Any:
    import json

    return json.loads(json.dumps(memo, allow_nan=False))
