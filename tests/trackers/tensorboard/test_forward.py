"""Event files, read back through TensorBoard's own readers."""

from __future__ import annotations

import io
import math
import os
import resource
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from anew.errors import CorruptData
from anew.forwarders.target import Mirror, Target
from anew.forwarding.address import TensorBoard
from anew.record.status import Status
from anew.testing.items import START, Records
from anew.testing.target import TargetContract
from anew.values import Audio, Histogram, Image, Table, Text, Video
from later import later

hparams_of = later("tensorboard.plugins.hparams")

forward = later("anew.trackers.tensorboard.forward")
accumulators = later("tensorboard.backend.event_processing.event_accumulator")
loaders = later("tensorboard.backend.event_processing.event_file_loader")
tensors = later("tensorboard.util.tensor_util")

ADDRESS = TensorBoard()


def folder_of(mirror: Mirror) -> Path:
    return Path(mirror.folder, "forwarded", "tensorboard")


def accumulated(folder: Path) -> accumulators.EventAccumulator:
    found = accumulators.EventAccumulator(str(folder), size_guidance=dict.fromkeys(_SIZES, 0))
    found.Reload()
    return found


_SIZES = ("scalars", "images", "audio", "histograms", "tensors", "compressedHistograms")


def texts(folder: Path, tag: str) -> list[str]:
    events = accumulated(folder).Tensors(tag)
    return [tensors.make_ndarray(event.tensor_proto).item().decode() for event in events]


class TestTensorBoardTarget(TargetContract):
    running = "STATUS_UNSET"

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        return forward.TensorBoardTarget(ADDRESS, mirror, memo)

    def crash(self, target: Target) -> None:
        assert isinstance(target, forward.TensorBoardTarget)
        # What a killed process leaves: all that it wrote, and at the worst the beginning of one more record.
        with open(target._path, "ab") as file:
            file.write(b"\x18\x00\x00\x00\x00\x00half")
        target.close()

    def runs(self, mirror: Mirror) -> int:
        names = {path.name.rpartition(".")[0] for path in folder_of(mirror).iterdir()}
        return len(names)

    def points(self, mirror: Mirror) -> list[tuple[str, int, float]]:
        found = accumulated(folder_of(mirror))
        tags = found.Tags()["scalars"]
        return [(tag, p.step, p.value) for tag in tags for p in found.Scalars(tag)]

    def kept(self, value: float) -> float:
        try:
            return float(struct.unpack("<f", struct.pack("<f", value))[0])
        except OverflowError:
            return value

    def session(self, mirror: Mirror, tag: str) -> Any:
        for path in sorted(folder_of(mirror).iterdir()):
            for event in loaders.LegacyEventFileLoader(str(path)).Load():
                for value in event.summary.value:
                    if value.tag == f"_hparams_/{tag}":
                        return value.metadata.plugin_data.content
        return None

    def params(self, mirror: Mirror) -> dict[str, Any]:
        content = self.session(mirror, "session_start_info")
        start = hparams_of.metadata.parse_session_start_info_plugin_data(content)
        return {name: getattr(v, v.WhichOneof("kind")) for name, v in start.hparams.items()}

    def about(self, mirror: Mirror) -> str:
        return texts(folder_of(mirror), "anew/experiment")[-1]

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        lines = [line for line in self.about(mirror).splitlines() if line.startswith("| tags |")]
        tags = [tag.partition("=") for line in lines for tag in line[9:-2].split(", ")]
        return {tag: value or None for tag, _, value in tags}

    def notes(self, mirror: Mirror) -> str:
        return self.about(mirror)

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        return {}

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        found = accumulated(folder_of(mirror))
        read = {"images": found.Images, "audio": found.Audio, "histograms": found.Histograms}
        read |= {"tensors": found.Tensors}
        return [
            (tag, event.step)
            for kind, events in read.items()
            for tag in found.Tags()[kind]
            if not tag.startswith(("anew/", "_hparams_/")) and not tag.endswith("/caption")
            for event in events(tag)
        ]

    def logs(self, mirror: Mirror) -> str:
        return "\n".join(texts(folder_of(mirror), "anew/logs"))

    def status(self, mirror: Mirror) -> Any:
        content = self.session(mirror, "session_end_info")
        if content is None:
            return self.running
        info = hparams_of.metadata.parse_session_end_info_plugin_data(content)
        return type(info).DESCRIPTOR.fields_by_name["status"].enum_type.values[info.status].name

    def ended(self, status: Status) -> Any:
        ends = {Status.COMPLETED: "STATUS_SUCCESS", Status.FAILED: "STATUS_FAILURE"}
        return ends.get(status, "STATUS_UNKNOWN")


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    folder = tmp_path / "experiments" / "alice" / "run"
    folder.mkdir(parents=True)
    return Mirror("bcdf23456789", "alice/run", "run", "alice", str(folder), START, "alice")


def sent(
    mirror: Mirror, records: Records, address: TensorBoard = ADDRESS
) -> accumulators.EventAccumulator:
    """What TensorBoard reads of the records."""
    target = forward.TensorBoardTarget(address, mirror, {})
    target.send(records.items, False)
    target.settle()
    target.close()
    return accumulated(Path(str(target.url)))


def bytes_of(mirror: Mirror) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder_of(mirror).iterdir()}


def test_a_point_keeps_its_time_and_step(mirror: Mirror):
    records = Records(mirror)
    records.points({"loss": 0.25, "acc": 0.5}, 7, t=START + 1.5)
    found = sent(mirror, records)
    assert [(p.wall_time, p.step, p.value) for p in found.Scalars("loss")] == [
        (START + 1.5, 7, 0.25)
    ]
    assert [(p.wall_time, p.step, p.value) for p in found.Scalars("acc")] == [(START + 1.5, 7, 0.5)]


def test_each_experiment_has_its_folder_below_the_log_dir(mirror: Mirror, tmp_path: Path):
    records = Records(mirror)
    records.points({"loss": 0.25}, 0)
    sent(mirror, records, TensorBoard(str(tmp_path / "logs")))
    assert {p.parent for p in tmp_path.rglob("*tfevents*")} == {tmp_path / "logs" / "alice" / "run"}


def test_a_relative_log_dir_stays_where_it_was_first(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    target = forward.TensorBoardTarget(TensorBoard("logs"), mirror, {})
    memo = target.settle()
    target.close()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    later = forward.TensorBoardTarget(TensorBoard("logs"), mirror, memo)
    later.close()
    assert later.url == str(tmp_path / "logs" / "alice" / "run")


def test_an_experiment_that_was_moved_is_followed(mirror: Mirror, tmp_path: Path):
    target = forward.TensorBoardTarget(ADDRESS, mirror, {})
    memo = target.settle()
    target.close()
    moved = mirror._replace(folder=str(tmp_path / "moved"))
    os.rename(mirror.folder, moved.folder)
    later = forward.TensorBoardTarget(ADDRESS, moved, memo)
    later.send([Records(moved).points({"loss": 1.0}, 0)], False)
    later.close()
    assert len(accumulated(folder_of(moved)).Scalars("loss")) == 1


def test_what_is_written_again_after_a_crash_is_the_same_to_the_byte(mirror: Mirror):
    records = Records(mirror)
    for step in range(50):
        records.points({"loss": 1 / (step + 1)}, step)
    records.value("tone", Audio(np.sin(np.arange(800) / 10), 8000), 2)
    records.log("done")
    target = forward.TensorBoardTarget(ADDRESS, mirror, {})
    target.send(records.items[:20], False)
    memo = target.settle()
    target.send(records.items[20:], False)
    target.close()
    before = bytes_of(mirror)
    later = forward.TensorBoardTarget(ADDRESS, mirror, memo)
    later.send(records.items[20:], True)
    later.close()
    assert bytes_of(mirror) == before


def test_a_full_disk_leaves_whole_records_and_the_next_try_completes_them(mirror: Mirror):
    records = Records(mirror)
    for step in range(200):
        records.points({"loss": float(step)}, step)
    target = forward.TensorBoardTarget(ADDRESS, mirror, {})
    target.send(records.items[:50], False)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    records_file = next(folder_of(mirror).glob("*records"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (records_file.stat().st_size + 100, limit[1]))
    try:
        with pytest.raises(OSError):
            target.send(records.items[50:], False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert [p.step for p in accumulated(folder_of(mirror)).Scalars("loss")] == [*range(49)]
    target.send(records.items[50:], True)
    target.settle()
    target.close()
    assert [p.step for p in accumulated(folder_of(mirror)).Scalars("loss")] == [*range(200)]


@pytest.mark.parametrize("cut", [True, False])
def test_a_file_that_lost_what_was_settled_is_told(mirror: Mirror, cut: bool):
    target = forward.TensorBoardTarget(ADDRESS, mirror, {})
    target.send([Records(mirror).points({"loss": 1.0}, 0)], False)
    memo = target.settle()
    target.close()
    file = next(folder_of(mirror).glob("*records"))
    if cut:
        os.truncate(file, 30)
    else:
        file.unlink()
    with pytest.raises(CorruptData):
        forward.TensorBoardTarget(ADDRESS, mirror, memo)
    fresh = forward.TensorBoardTarget(ADDRESS, mirror, {})
    fresh.close()


def test_a_reader_that_follows_sees_what_is_added(mirror: Mirror):
    records = Records(mirror)
    records.points({"loss": 1.0}, 0)
    target = forward.TensorBoardTarget(ADDRESS, mirror, {})
    target.send(records.items, False)
    target.settle()
    reader = accumulated(folder_of(mirror))
    target.send([records.params({"lr": 0.1}), records.points({"loss": 0.5}, 1)], False)
    target.settle()
    target.close()
    reader.Reload()
    assert [p.value for p in reader.Scalars("loss")] == [1.0, 0.5]


def test_the_page_of_hyperparameters_has_the_newest_parameters(mirror: Mirror):
    records = Records(mirror)
    records.params({"lr": 0.1, "layers": [64, 32], "best": math.nan, "model": {"wide": True}})
    records.config({"seed": 7})
    records.params({"lr": 0.2})
    sent(mirror, records)
    params = TestTensorBoardTarget().params(mirror)
    assert params == {
        "lr": 0.2,
        "layers": "[64, 32]",
        "best": "nan",
        "model.wide": True,
        "config.seed": 7.0,
    }
    (table,) = texts(folder_of(mirror), "anew/params")
    assert "| model.wide | True |" in table


def test_a_name_has_one_kind_of_data(mirror: Mirror):
    records = Records(mirror)
    records.points({"a": 1.0}, 0)
    records.value("b", Text("words"), 0)
    clashes = [
        records.value("a", Text("words"), 1),
        records.points({"b": 1.0, "a": 2.0}, 1),
        records.value("b", Histogram(np.arange(5.0)), 1),
        records.points({"anew/logs": 1.0}, 1),
    ]
    target = forward.TensorBoardTarget(ADDRESS, mirror, {})
    refused = [r.number for r in target.send(records.items, False)]
    target.close()
    assert refused == [item.number for item in clashes]
    found = accumulated(folder_of(mirror))
    assert [p.value for p in found.Scalars("a")] == [1.0, 2.0]
    assert texts(folder_of(mirror), "b") == ["    words"]


def test_a_histogram_keeps_its_bins(mirror: Mirror):
    records = Records(mirror)
    records.value("h", Histogram(([0, 2, 0, 3, 0], [0, 1, 2, 3, 4, 5])), 4)
    (event,) = sent(mirror, records).Histograms("h")
    histogram = event.histogram_value
    assert event.step == 4
    assert (histogram.min, histogram.max, histogram.num) == (1.0, 4.0, 5.0)
    assert list(histogram.bucket) == [0, 2, 0, 3, 0]
    assert list(histogram.bucket_limit) == [1, 2, 3, 4, 5]
    assert histogram.sum == 2 * 1.5 + 3 * 3.5


def test_pictures_that_the_page_cannot_show_are_converted(mirror: Mirror):
    pixels = np.zeros((3, 6, 4, 3), np.uint8)
    pixels[1] = 255
    content = io.BytesIO()
    PIL.Image.fromarray(pixels[0]).save(content, "WEBP")
    records = Records(mirror)
    records.value("still", Image(content.getvalue()), 0)
    records.value("moving", Video(pixels, 5.0), 0)
    found = sent(mirror, records)
    (still,), (moving,) = found.Images("still"), found.Images("moving")
    assert still.encoded_image_string.startswith(b"\x89PNG")
    assert (still.width, still.height) == (4, 6)
    with PIL.Image.open(io.BytesIO(moving.encoded_image_string)) as picture:
        assert picture.format == "GIF"
        assert picture.n_frames == 3
        assert picture.info["duration"] == 200


def test_a_film_and_a_sound_that_the_page_cannot_play_are_refused(mirror: Mirror):
    records = Records(mirror)
    records.value("film", Video(b"\x00\x00\x00\x18ftypmp42" + bytes(64)), 0)
    records.value("song", Audio(b"fLaC" + bytes(64)), 0)
    target = forward.TensorBoardTarget(ADDRESS, mirror, {})
    refused = [refusal.number for refusal in target.send(records.items, False)]
    target.close()
    assert refused == [item.number for item in records.items[-2:]]


def test_a_table_is_shown_by_its_first_rows_and_says_so(mirror: Mirror):
    records = Records(mirror)
    records.value("large", Table({"i": list(range(5000)), "name": ["a|b"] * 5000}), 0)
    sent(mirror, records)
    (shown,) = texts(folder_of(mirror), "large")
    lines = shown.splitlines()
    assert lines[:3] == ["| i | name |", "| --- | --- |", "| 0 | a\\|b |"]
    assert len(lines) == 2 + 200 + 2
    assert lines[-1].startswith("These are the first 200 of 5000 rows; ")


def test_text_is_shown_as_it_is_and_markdown_as_markdown(mirror: Mirror):
    records = Records(mirror)
    records.value("plain", Text("# no title\n*", caption="what it said"), 0)
    records.value("marked", Text("# title", "markdown"), 0)
    records.log("a *message*", "warning", epoch=3)
    sent(mirror, records)
    assert texts(folder_of(mirror), "plain") == ["    # no title\n    *"]
    assert texts(folder_of(mirror), "plain/caption") == ["what it said"]
    assert texts(folder_of(mirror), "marked") == ["# title"]
    assert texts(folder_of(mirror), "anew/logs") == ['    warning: a *message* {"epoch": 3}']


def test_without_the_package_the_error_says_how_to_get_it():
    program = (
        "import sys; sys.modules['tensorboard.compat.proto.event_pb2'] = None\n"
        "from anew.errors import MissingDependency\n"
        "try:\n    import anew.trackers.tensorboard.forward\n"
        "except MissingDependency as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("pip install tensorboard.")
