"""What W&B wrote offline is read without W&B, and is what the program logged."""

from __future__ import annotations

import base64
import hashlib
import math
import os
import shutil
import struct
import subprocess
import sys
import tracemalloc
import zlib
from importlib.util import find_spec
from pathlib import Path
from random import Random

import numpy as np
import PIL.Image
import pytest

from anew import Store
from anew.importing.folders import plain_file
from anew.importing.importer import bring_in
from anew.trackers.importers import kind_of, open_source
from anew.trackers.wandb.importer.artifacts import Artifact, Entry, files_of
from anew.trackers.wandb.importer.records import named, removed, without
from anew.trackers.wandb.translate.transactions import TransactionLog

pytestmark = pytest.mark.skipif(find_spec("wandb") is None, reason="W&B is not installed")

PROGRAM = """
import numpy, sys, wandb
for opening, resume in ((0, None), (1, "allow")):
    run = wandb.init(
        project="vision", id="abc12345", name="my run \\u00fc", resume=resume, config={"lr": 0.1, "deep": {"layers": [1, 2]}},
        tags=["a"], notes="a note", group="g",
    )
    for step in range(20):
        run.log({"loss": 1 / (step + 1 + 20 * opening), "deep": {"er": step, "text": "t"}, "odd": float("nan") if step % 2 else float("inf")})
    if not opening:
        faces = [
            wandb.Image(
                numpy.full((4, 6, 3), 255, numpy.uint8), caption=caption,
                boxes={
                    "guess": {
                        "box_data": [{
                            "position": {"middle": [3, 2], "width": 2, "height": 2}, "domain": "pixel", "class_id": 7,
                            "scores": {"sure": 0.5, "size": 3}, "box_caption": "a cat",
                        }],
                        "class_labels": {7: "cat"},
                    },
                    "truth": {"box_data": [{"position": {"minX": 0, "minY": 0, "maxX": 0.5, "maxY": 1}, "class_id": 8}]},
                },
                masks={"parts": {"mask_data": numpy.repeat([[0, 1, 2, 2, 9, 0]], 4, axis=0), "class_labels": {1: "road", 2: "sky"}}},
            )
            for caption in ("one", "two")
        ]
        run.log({"scene": faces[0], "scenes": [wandb.Image(numpy.zeros((4, 6), numpy.uint8), caption="bare"), faces[1]]})
        run.log({
            "picture": wandb.Image(numpy.zeros((4, 4, 3), numpy.uint8), caption="black"), "weights": wandb.Histogram([1, 2, 3]),
            "table": wandb.Table(columns=["a", "b"], data=[[1, "x"]]), "page": wandb.Html("<b>x</b>"), "said": "hello",
        })
        print("first line")
        artifact = wandb.Artifact("data", "dataset", metadata={"rows": 3})
        for text in ("one", "two"):
            with artifact.new_file(f"deep/{text}.txt") as file:
                file.write(text)
        artifact.add_reference("s3://bucket/x", checksum=False)
        run.log_artifact(artifact)
    run.alert("careful", "it is hot")
    run.finish(exit_code=3 * opening)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a program ran offline, and went on with its run."""
    where = tmp_path_factory.mktemp("wandb")
    around = {
        **os.environ,
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
        "WANDB_DIR": str(where),
        "HOME": str(where),
    }
    subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=where, env=around, check=True, capture_output=True
    )
    return where


def test_a_run_comes_with_all_its_openings(folder, tmp_path):
    imported = bring_in(open_source(str(folder)), str(tmp_path / "root"))
    assert imported.is_whole, imported
    again = bring_in(open_source(str(folder / "wandb")), str(tmp_path / "root"))
    assert ([run.state for run in again.runs], again.is_whole) == (["same"], True)
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        assert (view.prefix, view.status, view.notes) == ("vision/my run ü", "failed", "a note")
        assert (view.params, list(view.tags)) == ({"lr": 0.1, "deep": {"layers": [1, 2]}}, ["a"])
        assert view.captured["imported"]["kept"]["group"] == "g"
        series = view.metrics["loss"].read(order="written")
        expected = [1 / (step + 1 + 20 * opening) for opening in (0, 1) for step in range(20)]
        assert series.values.tolist() == expected
        assert view.metrics["deep.er"].count == 40
        odd = view.metrics["odd"].read(order="written").values.tolist()
        assert [math.isnan(one) for one in odd] == [False, True] * 20
        assert {one.name: one.kind for one in view.values()} == {
            "deep.text": "text", "picture": "image", "weights": "histogram", "table": "table", "page": "text", "said": "text",
            "scene": "image", "scene/masks/parts": "image", "scenes": "image", "scenes/masks/parts": "image",
        }  # fmt: skip
        assert [line.message for line in view.logs()] == ["careful: it is hot"] * 2
        assert "first line" in view.console()
        files = {
            f"{one.prefix}/{one.name}": Path(one.path).read_text()
            for one in view.files
            if one.prefix.startswith("artifacts/")
        }
        assert files == {"artifacts/data/deep/one.txt": "one", "artifacts/data/deep/two.txt": "two"}
        kept = next(
            one for one in view.captured["imported"]["kept"]["artifacts"] if one["name"] == "data"
        )
        assert (kept["metadata"], kept["references"]) == ({"rows": 3}, {"x": "s3://bucket/x"})


def test_boxes_and_masks_come_with_their_classes(folder, tmp_path):
    bring_in(open_source(str(folder)), str(tmp_path / "root"))
    boxes = {
        "guess": {
            "box_data": [{
                "position": {"middle": [3, 2], "width": 2, "height": 2}, "domain": "pixel", "class_id": 7,
                "scores": {"sure": 0.5, "size": 3}, "box_caption": "a cat",
            }],
            "class_labels": {"7": "cat"},
        },
        "truth": {
            "box_data": [{"position": {"minX": 0, "minY": 0, "maxX": 0.5, "maxY": 1}, "class_id": 8}],
            "class_labels": {},
        },
    }  # fmt: skip
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        values = list(view.values())
        pictures = {one.metadata.get("caption"): one for one in values if one.name.startswith("scene")}  # fmt: skip
        for caption in ("one", "two"):
            assert pictures[caption].metadata["wandb"] == {
                "_type": "image-file", "boxes": boxes, "masks": ["parts"],
            }  # fmt: skip
        assert "wandb" not in pictures["bare"].metadata
        masks = [one for one in values if one.name.endswith("/masks/parts")]
        assert len(masks) == 2
        for one in masks:
            facts = {"_type": "mask", "class_labels": {"1": "road", "2": "sky"}}
            assert one.metadata["wandb"] == facts
            assert np.asarray(PIL.Image.open(one.path))[0].tolist() == [0, 1, 2, 2, 9, 0]
        assert not [one.name for one in view.files if "/images/" in one.name or "boxes2D" in one.name]  # fmt: skip


def test_an_image_comes_without_boxes_that_cannot_be_read(folder, tmp_path):
    source = tmp_path / "spoilt"
    shutil.copytree(folder / "wandb", source / "wandb")
    first, *rest = sorted(source.rglob("*.boxes2D.json"))
    first.write_text('{"box_data": 3}')
    for one in rest:
        one.unlink()
    next(source.rglob("*.mask.png")).unlink()
    imported = bring_in(open_source(str(source)), str(tmp_path / "root"))
    said = [one for one in imported.findings if one.lost]
    assert sorted(one.what for one in said)[-1] == "These are no boxes: there is no box_data."
    assert len(said) == 5
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        assert {"scene", "scenes"} <= {one.name for one in view.values()}


def test_the_end_that_a_kill_cut_off_is_left_out(folder, tmp_path):
    source = tmp_path / "cut"
    shutil.copytree(folder / "wandb", source / "wandb")
    logs = sorted(source.rglob("*.wandb"), key=lambda path: path.parent.name)
    whole = logs[0].read_bytes()
    seen = 0
    for size in range(100, len(whole), max(1, len(whole) // 12)):
        logs[0].write_bytes(whole[:size])
        found = open_source(str(logs[0]))
        points = sum(len(row.values) for run in found.runs() for row in found.rows(run))
        assert points >= seen
        seen = points
    assert seen > 0


def field(number: int, data: bytes | int) -> bytes:
    """A field of a protocol buffer; numbers below 128 alone."""
    if isinstance(data, int):
        return bytes([number << 3, data])
    key = number << 3 | 2
    assert len(data) < 128
    return (
        (bytes([key]) if key < 128 else bytes([key & 0x7F | 0x80, key >> 7]))
        + bytes([len(data)])
        + data
    )


def test_typed_items_and_keys_that_were_taken_away_are_read():
    row = b"".join(
        field(1, field(1, key) + value)
        for key, value in (
            (b"whole", field(5, 5)), (b"flag", field(4, 1)), (b"text", field(7, b"t")), (b"json", field(8, b"[1]")),
            (b"real", bytes([6 << 3 | 1]) + struct.pack("<d", math.inf)), (b"old", field(16, b"2.5")),
        )
    )  # fmt: skip
    assert named(row) == {
        "whole": -3,
        "flag": True,
        "text": "t",
        "json": [1],
        "real": math.inf,
        "old": 2.5,
    }
    values = {"a": {"b": 1, "c": 2}}
    for key in removed(field(2, field(2, b"a") + field(2, b"b"))):
        without(values, key)
    assert values == {"a": {"c": 2}}


def test_a_log_names_no_file_that_it_does_not_know(tmp_path):
    """Only what lies where W&B puts the files of artifacts, and has the checksum of the record."""
    staging = tmp_path / "artifacts" / "staging"
    staging.mkdir(parents=True)
    (staging / "good").write_text("x")
    (staging / "other").write_text("y")
    (tmp_path / "secret").write_text("x")
    (staging / "link").symlink_to(tmp_path / "secret")
    digest = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    entries = [Entry(name, digest, "", str(path)) for name, path in {
        "a": staging / "good", "b": staging / "other", "c": tmp_path / "secret", "d": staging / "link",
        "e": staging / ".." / ".." / "secret", "f": Path("good"),
    }.items()]  # fmt: skip
    findings = []
    artifact = Artifact({"name": "n", "digest": "d"}, entries, False, "log")
    assert [one.name for one in files_of([artifact], "run", (), findings)] == ["a"]
    assert [one.lost for one in findings] == [True]


@pytest.mark.parametrize("seed", range(3))
def test_a_log_with_wrong_bytes_ends_nothing(folder, tmp_path, seed):
    source = tmp_path / "spoilt"
    shutil.copytree(folder / "wandb", source / "wandb")
    random = Random(seed)
    (log, *_) = sorted(source.rglob("*.wandb"))
    whole = log.read_bytes()
    for _ in range(15):
        data = bytearray(whole)
        for _ in range(random.randrange(1, 5)):
            data[random.randrange(len(data))] = random.randrange(256)
        log.write_bytes(data)
        found = open_source(str(source))
        for run in found.runs():
            assert all(isinstance(row.time, float) for row in found.rows(run))
            for part in (found.values, found.files, found.messages, found.printed):
                list(part(run))


def test_runs_are_recognised(folder):
    assert kind_of(str(folder)) == kind_of(str(folder / "wandb")) == "wandb"
    (one, *_) = (folder / "wandb").glob("offline-run-*")
    assert kind_of(str(one)) == "wandb"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", "a\0b", "link"])
def test_a_record_names_no_file_outside_of_its_folder(name, tmp_path):
    (tmp_path / "x").write_text("secret")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to(tmp_path / "x")
    assert plain_file(str(tmp_path / "files"), name) is None


def test_a_log_is_read_in_pieces(tmp_path):
    record = b"r" * 10_000
    data = bytearray(7)
    for _ in range(2_000):
        left, first = record, True
        while left:
            room = 32768 - len(data) % 32768
            if room < 7:
                data += bytes(room)
                continue
            part, left = left[: room - 7], left[room - 7 :]
            kind = (1 if first else 4) if not left else (2 if first else 3)
            crc = zlib.crc32(part, zlib.crc32(bytes([kind])))
            data += struct.pack("<IHB", crc, len(part), kind) + part
            first = False
    (tmp_path / "log").write_bytes(data)
    log = TransactionLog(str(tmp_path / "log"))
    tracemalloc.start()
    assert sum(message == record for message in log.messages()) == 2_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert log.is_at_end
    assert peak < 2 << 20 < len(data) // 8
