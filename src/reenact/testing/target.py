"""What every target of the forwarders must do."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..forwarders.target import Item, Mirror, Refusal, Target
from ..record.events import (
    BindrsChanged,
    Captured,
    FileLogged,
    Linked,
    PointLine,
    RecordsLost,
    ValueLogged,
)
from ..record.status import Status
from ..values import Audio, Figure, Histogram, Image, Table, Text, Video
from .items import START, Records

__all__ = ["TargetContract"]

Point = tuple[str, int, float]


class TargetContract:
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

    # -- what describes the run ------------------------------------------------------------------------------------

    def test_params_and_configuration_arrive(self, mirror: Mirror) -> None:
        given = {
            "lr": 0.001, "epochs": 3, "name": "resnet", "amp": True, "nothing": None, "empty": "", "layers": [64, 32],
            "optimizer.name": "adam", "optimizer.betas.0": 0.9, "größe": "groß", "a b": 1, "text": "two\nlines",
        }  # fmt: skip
        records = Records(mirror)
        nested = {k: v for k, v in given.items() if "." not in k}
        config = records.config({"model": {"depth": 18, "wide": False}})
        first = records.params(nested | {"optimizer": {"name": "adam", "betas": {"0": 0.9}}})
        odd = {
            records.params({f"odd{i}": value}).number: value
            for i, value in enumerate([{}, [], math.nan, math.inf, 2**70, "long" * 3000])
        }
        many = records.params({f"p{i}": i for i in range(250)})
        target = self.open(mirror, {})
        refused = {r.number for r in self.send(target, records.items)}
        self.send(target, records.items, again=True)
        self.finish(target)
        got = self.params(mirror)
        if first.number not in refused:
            missing = [k for k, v in given.items() if not self.same(v, got.get(k))]
            assert not missing, {k: got.get(k) for k in missing}
        if config.number not in refused:
            assert self.same(18, got[self.config("model.depth")])
            assert self.same(False, got[self.config("model.wide")])
        for i, (number, value) in enumerate(odd.items()):
            text = (
                value == "long" * 3000
            )  # a target may show part of a long text, and say so in what it refuses
            assert number in refused or (f"odd{i}" in got and (not text or got[f"odd{i}"] == value))
        assert many.number in refused or self.same(249, got["p249"])

    def test_a_changed_param_is_changed_or_refused(self, mirror: Mirror) -> None:
        records = Records(mirror)
        records.params({"lr": 0.1, "seed": 1})
        same = records.params({"seed": 1})
        changed = records.params({"lr": 0.2, "new": "x"})
        target = self.open(mirror, {})
        self.send(target, records.items[:2])
        memo = target.settle()
        target.close()
        later = self.open(mirror, memo)
        refused = {r.number for r in self.send(later, records.items[2:])}
        self.finish(later)
        got = self.params(mirror)
        assert same.number not in refused
        assert changed.number in refused or self.same(0.2, got["lr"])
        assert self.same("x", got["new"])

    def test_tags_are_set_and_removed(self, mirror: Mirror) -> None:
        records = Records(mirror)
        records.tags({"baseline": None, "team": "vision", "größe/x y": "ü", "gone": None, "v": "1"})
        removed = records.tags({"v": "2"}, ["gone"])
        records.tags({"back": None, "never": None})
        records.tags(remove=["back"])
        records.tags({"back": None})
        target = self.open(mirror, {})
        refused = {r.number for r in self.send(target, records.items[:2])}
        memo = target.settle()
        refused |= {r.number for r in self.send(target, records.items[2:])}
        self.crash(target)
        target = self.open(mirror, memo)
        self.send(target, records.items[2:], again=True)
        self.finish(target)
        got = self.tags(mirror)
        if not refused:
            assert set(got) >= {"baseline", "team", "back", "never"}
            assert got["team"] in ("vision", None)
            assert got["v"] in ("2", None)
        assert removed.number in refused or "gone" not in got

    def test_notes_and_description_can_be_read_there(self, mirror: Mirror) -> None:
        records = Records(mirror)
        wanted = [
            records.field("description", "A first look."),
            records.field("notes", "draft"),
            records.field("notes", "The third layer is dead."),
        ]
        records.field("description", None)
        records.field("description", "A second look.")
        target = self.open(mirror, {})
        refused = {r.number for r in self.send(target, records.items)}
        memo = target.settle()
        target.close()
        self.finish(self.open(mirror, memo))
        text = self.notes(mirror)
        if not refused & {item.number for item in wanted}:
            assert "A second look." in text
            assert "The third layer is dead." in text
            assert "draft" not in text

    def test_messages_arrive_or_are_refused(self, mirror: Mirror) -> None:
        records = Records(mirror)
        lines = [records.log("started"), records.log("épöch dône", "warning", epoch=3)]
        target = self.open(mirror, {})
        refusals = self.send(target, records.items)
        memo = target.settle()
        target.close()
        later = records.log("finished")
        target = self.open(mirror, memo)
        refusals += self.send(target, [later])
        self.finish(target)
        refused = {r.number for r in refusals}
        text = self.logs(mirror)
        for item in [*lines, later]:
            message = str(getattr(item.record, "message", ""))
            assert item.number in refused or text.count(message) == 1

    # -- files and values ------------------------------------------------------------------------------------------

    def test_files_arrive_or_are_refused(self, mirror: Mirror) -> None:
        contents = {
            "models/model.bin": bytes(range(256)) * 8192,
            "empty.txt": b"",
            "a/b/größe & co.json": b"{}",
            "configs/deep/wide.yaml": b"width: 512\n",
            "metrics/loss.txt": b"a name that others use",
        }
        records = Records(mirror)
        numbers = {}
        for path, content in contents.items():
            prefix, _, name = path.rpartition("/")
            records.file(prefix, name, b"an older one") if path == "models/model.bin" else None
            numbers[path] = records.file(prefix, name, content, 3).number
        gone = records.file("models", "gone.bin", b"x")
        assert isinstance(gone.record, FileLogged)
        Path(mirror.folder, gone.record.path).unlink()
        after = records.points({"loss": 1.0}, 0)
        target = self.open(mirror, {})
        refused = {r.number for r in self.send(target, records.items)}
        self.crash(target)
        target = self.open(mirror, {})
        assert {r.number for r in self.send(target, records.items, again=True)} == refused
        self.finish(target)
        got = self.files(mirror)
        assert gone.number in refused, "a file that is no longer there is refused"
        assert after.number not in refused
        wanted = {path: c for path, c in contents.items() if numbers[path] not in refused}
        assert got == wanted

    def test_every_kind_of_value_arrives_or_is_refused(self, mirror: Mirror) -> None:
        records = Records(mirror)
        given = [(name, records.value(name, value, step)) for name, value, step in samples()]
        given.append(("plotly", records.add(_plotly())))
        target = self.open(mirror, {})
        self.send(target, records.items)
        self.crash(target)
        target = self.open(mirror, {})
        refused = {r.number for r in self.send(target, records.items, again=True)}
        memo = target.settle()
        self.send(target, records.items, again=True)
        self.crash(target)
        target = self.open(mirror, memo)
        self.send(target, records.items, again=True)
        self.finish(target)
        wanted = Counter(self.metric(n) for n, item in given if item.number not in refused)
        got = Counter(name for name, _ in self.values(mirror))
        assert got == wanted
        steps = {(n, s) for n, s in self.values(mirror) if n == self.metric("samples/grey")}
        assert steps in ({(self.metric("samples/grey"), 10)}, set())

    def test_values_that_cannot_be_read_are_refused(self, mirror: Mirror) -> None:
        records = Records(mirror)
        values = Path(mirror.folder, "values")
        values.mkdir()
        (values / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n but no more")
        (values / "broken.parquet").write_bytes(b"PAR1 no more")
        broken = [
            ("image", "values/missing.png", None), ("table", "values/broken.parquet", None),
            ("histogram", None, {"counts": "no"}), ("table", None, 3), ("hologram", None, {"deep": True}),
        ]  # fmt: skip
        items = [
            records.add(
                ValueLogged(t=START + 1, name=f"v{i}", kind=kind, step=0, path=path, data=data)
            )
            for i, (kind, path, data) in enumerate(broken)
        ]
        records.add(
            ValueLogged(t=START + 1, name="vp", kind="image", step=0, path="values/broken.png")
        )
        after = records.points({"loss": 1.0}, 0)
        target = self.open(mirror, {})
        refused = {r.number for r in self.send(target, records.items)}
        self.finish(target)
        assert items[0].number in refused
        assert after.number not in refused
        self.check_points(mirror, [after])

    def test_every_other_record_is_taken_or_refused(self, mirror: Mirror) -> None:
        records = Records(mirror)
        at = START + 1
        git = {
            "commit": "f" * 40,
            "branch": "main",
            "remote": "https://git.example.org/a/b.git",
            "dirty": True,
        }
        records.field("name", "renamed")
        records.add(Captured(t=at, what="git", data=git))
        records.add(Captured(t=at, what="command", data={"argv": ["train.py", "--lr", "0.1"]}))
        records.add(Captured(t=at, what="of a later version", data={"x": [None, {"y": 1}]}))
        records.add(BindrsChanged(t=at, add=["gpu", "lab"], remove=["cpu"]))
        records.add(Linked(t=at, parent="zzzz23456789"))
        records.add(RecordsLost(t=at, count=3, reason="the disk is full"))
        records.closed(Status.FAILED, "killed", "Traceback …")
        target = self.open(mirror, {})
        self.send(target, records.items)
        self.send(target, records.items, again=True)
        self.finish(target)
        assert self.runs(mirror) == 1

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


def samples() -> list[tuple[str, Any, int | None]]:
    """Values of each kind: (name, value, step)."""
    import matplotlib.figure
    import numpy as np

    figure = matplotlib.figure.Figure()
    figure.add_subplot().plot([1.0, 0.5, 0.25])
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    large = {"i": list(range(3000)), "name": [f"row {i}" for i in range(3000)]}
    return [
        ("samples/grey", Image(pixels[..., 0]), 10),
        ("samples/colour", Image(pixels, "a caption"), None),
        ("clip", Video(np.stack([pixels] * 3)), 1),
        ("clip gif", Video(np.stack([pixels] * 3), format="gif"), 1),
        ("tone", Audio(np.sin(np.arange(800) / 10), 8000), 2),
        ("short", Text("Forty-two."), 0),
        ("report", Text("# Title\n\nwords", "markdown"), 0),
        ("long", Text("word " * 8000), 0),
        ("errors", Table({"image": [712, 98], "digit": ["8", "|3|"], "p": [0.5, math.nan]}), 3),
        ("large", Table(large), 3),
        ("weights/layer1", Histogram(np.linspace(-1, 1, 1000)), 4),
        ("all the same", Histogram(np.zeros(5)), 4),
        ("curve", Figure(figure), 5),
        ("curve", Figure(figure), 6),
    ]


def _plotly() -> ValueLogged:
    data = {"data": [{"type": "scatter", "y": [1, 0.5]}], "layout": {"title": {"text": "loss"}}}
    facts = {"library": "plotly", "format": "json"}
    return ValueLogged(t=START + 2, name="plotly", kind="figure", step=1, data=data, metadata=facts)


def _key(name: str, step: int, value: float) -> tuple[str, int, str]:
    return name, step, repr(float(value))


def _plain(memo: dict[str, Any]) -> Any:
    import json

    return json.loads(json.dumps(memo, allow_nan=False))
