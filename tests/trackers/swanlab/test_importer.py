"""What SwanLab wrote offline is read without SwanLab, and is what the program logged."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.importing.importer import bring_in
from anew.trackers.importers import kind_of, open_source
from anew.trackers.swanlab.importer.source import Folders

from ..environments import environment

NAME = "run-20231114_221320-abc12345"


def field(number: int, value: int | float | str | bytes) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value % (1 << 64))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def at(seconds: int) -> bytes:
    return field(1, 1_700_000_000 + seconds) + field(2, 500_000_000)


def scalar(name: str, step: int, value: float, seconds: int) -> bytes:
    """A record of a value; a step of 0 and a value of 0 are not written, as the format has it."""
    number = field(1, value) if value != 0 else b""
    return field(
        13,
        field(1, name)
        + (field(2, step) if step else b"")
        + field(4, at(seconds))
        + field(5, number),
    )


def log_of(records: list[bytes], version: int = 2) -> bytes:
    """A log of LevelDB's format with these records."""
    data = b":SWL" + struct.pack("<HB", 0xE1D6, version)
    for record in records:
        parts, first = [], True
        while first or record:
            room = 32768 - len(data) % 32768
            if room < 7:
                data += b"\0" * room
                room = 32768
            part, record = record[: room - 7], record[room - 7 :]
            kind = (1 if first else 4) if not record else (2 if first else 3)
            data += (
                struct.pack("<IHB", zlib.crc32(part, zlib.crc32(bytes([kind]))), len(part), kind)
                + part
            )
            parts.append(part)
            first = False
    return data


START = field(
    10,
    field(1, "vision")
    + field(4, "net ü/1")
    + field(5, "a note")
    + field(6, "a")
    + field(6, "b c")
    + field(10, "abc12345")
    + field(12, at(0)),
)
END = field(11, field(1, 2) + field(2, "Traceback\nValueError: no") + field(3, at(9)))


def media(kind: int, name: str, caption: str = "") -> bytes:
    return field(
        14,
        field(1, "media")
        + field(2, 7)
        + field(3, kind)
        + field(4, at(3))
        + field(5, field(1, field(1, name) + field(4, caption))),
    )


def put(base: Path, records: list[bytes], name: str = NAME) -> Path:
    folder = base / "swanlog" / name
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "config.yaml").write_text(
        "lr:\n  desc: ''\n  sort: 0\n  value: 0.1\ndeep:\n  value:\n    'on': true\n"
    )
    (folder / f"{name[20:]}.swanlab").write_bytes(log_of(records))
    return folder


def points_of(root: Path, prefix: str) -> dict[str, list[list[Any]]]:
    with Store(root) as store:
        found = {}
        for name, one in store[prefix].metrics.items():
            series = one.read(order="written")
            rows = zip(
                series.steps.tolist(), series.times.tolist(), series.values.tolist(), strict=True
            )
            found[name] = [[step, time, repr(value)] for step, time, value in rows]
        return found


def test_a_run_comes_with_all_its_openings(tmp_path):
    many = [scalar("many", step, step / 8, step % 9) for step in range(2_000)]  # several blocks
    points = [
        scalar("loss/ü", 3, 0.0, 1),
        scalar("loss/ü", -1, float("nan"), 2),
        scalar("__swanlab__.cpu", 0, 5.0, 2),
    ]
    folder = put(
        tmp_path,
        [
            START,
            field(16, field(1, "printed ü")),
            *points,
            *many,
            media(4, "a.txt", "cap"),
            media(7, "b.obj"),
        ],
    )
    for kind, name in (("text", "a.txt"), ("object3d", "b.obj")):
        (folder / "media" / kind).mkdir(parents=True)
        (folder / "media" / kind / name).write_text("hello")
    put(
        tmp_path, [START, scalar("loss/ü", 4, float("inf"), 4), END], "run-20231115_221320-abc12345"
    )
    assert kind_of(str(tmp_path)) == kind_of(str(folder)) == "swanlab"
    root = tmp_path / "root"
    imported = bring_in(open_source(str(tmp_path)), str(root))
    assert imported.is_whole, imported
    (run,) = imported.runs
    found = points_of(root, run.prefix)
    assert found["loss/ü"] == [
        [3, 1700000001.5, "0.0"],
        [-1, 1700000002.5, "nan"],
        [4, 1700000004.5, "inf"],
    ]
    assert found["system/cpu"] == [[0, 1700000002.5, "5.0"]]
    assert [row[2] for row in found["many"]] == [repr(step / 8) for step in range(2_000)]
    with Store(root) as store:
        view = store[run.id]
        assert (view.name, view.status, view.reason, view.description) == (
            "net ü/1",
            "failed",
            "ValueError: no",
            "a note",
        )
        assert (view.params, set(view.tags)) == ({"lr": 0.1, "deep": {"on": True}}, {"a", "b c"})
        assert [(one.name, one.kind, one.step) for one in view.values()] == [("media", "text", 7)]
        assert "b.obj" in {file.name for file in view.files}
        assert view.console() == "printed ü\n"
    again = bring_in(open_source(str(tmp_path / "swanlog")), str(root))
    assert [one.state for one in again.runs] == ["same"]


def test_the_end_that_a_kill_cut_off_is_left_out(tmp_path):
    folder = put(tmp_path, [START, *(scalar("a", step, 1.0, 0) for step in range(20)), END])
    (log,) = folder.glob("*.swanlab")
    whole, seen = log.read_bytes(), -1
    for size in range(150, len(whole), 53):
        log.write_bytes(whole[:size])
        source = Folders(str(tmp_path))
        points = sum(len(part.names) for run in source.runs() for part in source.rows(run))
        assert points >= seen
        seen = points
    assert seen > 10


def test_a_log_of_another_version_and_names_that_lead_out_are_named(tmp_path):
    folder = put(
        tmp_path,
        [START, media(4, "../../../../secret"), media(2, "/etc/passwd"), field(13, b"\xff\xff")],
    )
    (tmp_path / "secret").write_text("secret")
    other = put(tmp_path, [START], "run-20231116_221320-other")
    (other / "run-other.swanlab").write_bytes(log_of([START], version=1))
    (folder / "files" / "link").symlink_to(tmp_path / "secret")
    imported = bring_in(open_source(str(tmp_path)), str(tmp_path / "root"))
    assert len([one for one in imported.findings if one.lost]) >= 5
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        assert ([*view.values()], {file.name for file in view.files}) == ([], {"config.yaml"})


@pytest.mark.slow
def test_what_swanlab_itself_wrote_is_what_it_reads(tmp_path):
    made = environment("swanlab").make(tmp_path / "store")
    root = tmp_path / "root"
    imported = bring_in(open_source(str(made.folder)), str(root))
    assert imported.is_whole, imported
    with Store(root) as store:
        views = {view.name: view for view in store.list()}
        assert views.keys() == made.answers.keys() == {"one ü/x", "two", "three"}
        assert {one.kind for one in views["one ü/x"].values()} == {"image", "text", "audio"}
        assert views["two"].status == "failed"
    for name, points in made.answers.items():
        ours = points_of(root, views[name].prefix)
        for key in {point[0] for point in points}:
            assert ours[key] == [
                [step, time, value] for one, step, time, value in points if one == key
            ]
