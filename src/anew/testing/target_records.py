"""What must become of each kind of record, for the suite of `testing.target`."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from ..forwarders.target import Mirror
from ..record.events import (
    BindrsChanged,
    Captured,
    FileLogged,
    FilesFreed,
    Linked,
    RecordsLost,
    ValueLogged,
)
from ..record.status import Status
from ..values import Audio, Figure, Histogram, Image, Table, Text, Video
from .items import START, Records
from .target_reading import TargetReading

__all__ = ["DescriptionTests", "ValueTests", "samples"]


class DescriptionTests(TargetReading):
    """What describes the run, and records that no other part of the suite has."""

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
        records.add(FilesFreed(t=at, file_ids=["f00000000000"], why="keep_last=3"))
        records.add(RecordsLost(t=at, count=3, reason="the disk is full"))
        records.closed(Status.FAILED, "killed", "Traceback …")
        target = self.open(mirror, {})
        self.send(target, records.items)
        self.send(target, records.items, again=True)
        self.finish(target)
        assert self.runs(mirror) == 1


class ValueTests(TargetReading):
    """Files, and values beyond numbers."""

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
