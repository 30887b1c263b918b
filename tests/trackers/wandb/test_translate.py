"""What the dialect records arrives at W&B as what the program logged there before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew
import anew.dialects.wandb as dialect
from anew.record.events import ValueLogged
from anew.trackers.wandb.translate.media import NotShown, as_media
from later import later

from ...tracking.reading import events

wandb: Any = later("wandb")

BOX = {
    "position": {"minX": 0.1, "maxX": 0.4, "minY": 0.2, "maxY": 0.9},
    "class_id": 1,
    "box_caption": "a cat",
    "scores": {"sure": 0.5},
}
BOXES = {"predictions": {"box_data": [BOX], "class_labels": {0: "dog", 1: "cat"}}}
CLASSES = [{"id": 0, "name": "dog"}, {"id": 1, "name": "cat"}]
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CAPTURE", "off"), ("SYSTEM_METRICS", "0"), ("QUIET", "1")):
        monkeypatch.setenv(f"ANEW_{name}", value)


def logged(**values: Any) -> tuple[str, list[ValueLogged]]:
    """The folder of an experiment that logged these by the dialect, and its values."""
    with dialect.init(project="p") as run:
        run.log(values)
    folder = run.native.folder
    return folder, [event for _, event in events(folder) if isinstance(event, ValueLogged)]


def media(library: Any, tmp_path: Path) -> dict[str, Any]:
    """The same media of either library."""
    body, page = tmp_path / "m.pdb", tmp_path / "p.html"
    body.write_text("ATOM\n")
    page.write_text("<b>x</b>")
    rng = np.random.default_rng(0)
    return {
        "image": library.Image(PIXELS, caption="a caption"),
        "boxes": library.Image(PIXELS, boxes=BOXES, classes=CLASSES),
        "histogram": library.Histogram(rng.normal(size=100)),
        "html": library.Html("<b>x</b>"),
        "table": library.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]]),
        "cloud": library.Object3D(rng.random((5, 3)), caption="points"),
        "molecule": library.Molecule(str(body)),
        "list": [1, "a", None],
        "text": "a text",
    }


def test_every_medium_arrives_as_the_class_that_the_program_used(tmp_path: Path):
    folder, values = logged(**media(dialect, tmp_path))
    arrived = {value.name: as_media(value, folder) for value in values}
    theirs = media(wandb, tmp_path)
    assert {name: type(one) for name, one in arrived.items()} == {
        name: type(one) for name, one in theirs.items()
    }
    assert (arrived["list"], arrived["text"]) == (theirs["list"], theirs["text"])
    assert arrived["table"].data == theirs["table"].data
    assert arrived["histogram"].histogram == theirs["histogram"].histogram
    assert (arrived["image"].image == theirs["image"].image) or (
        np.asarray(arrived["image"].image) == PIXELS
    ).all()


def test_boxes_and_classes_of_an_image_arrive(tmp_path: Path):
    folder, (value,) = logged(boxes=media(dialect, tmp_path)["boxes"])
    there = wandb.init(
        project="p", mode="offline", dir=str(tmp_path), settings=wandb.Settings(silent=True)
    )
    try:
        said = []
        for number, image in enumerate((as_media(value, folder), media(wandb, tmp_path)["boxes"])):
            image.bind_to_run(there, "boxes", number)
            said.append(image.to_json(there))
    finally:
        there.finish()
    assert said[0]["boxes"].keys() == said[1]["boxes"].keys()
    for one, other in ((said[0]["boxes"][name], said[1]["boxes"][name]) for name in BOXES):
        assert (one["sha256"], one["size"]) == (other["sha256"], other["size"])


def test_boxes_of_our_own_images_are_a_layer_there(tmp_path: Path):
    boxes = [
        {"class": "cat", "box": (1, 2, 3, 4), "score": 0.5},
        {"box": (0, 0, 1, 1), "caption": "a corner"},
    ]
    saved = anew.Image(PIXELS, boxes=boxes).save(str(tmp_path), "picture")
    value = ValueLogged(
        name="seen", kind="image", step=0, path=saved.path, metadata=saved.metadata, t=0.0
    )
    there = wandb.init(
        project="p", mode="offline", dir=str(tmp_path), settings=wandb.Settings(silent=True)
    )
    try:
        image = as_media(value, str(tmp_path))
        image.bind_to_run(there, "seen", 0)
        path = image.to_json(there)["boxes"]["boxes"]["path"]
        found = json.loads((Path(there.dir) / path).read_text())["box_data"]
    finally:
        there.finish()
    assert [one["box_caption"] for one in found] == ["cat", "a corner"]
    assert found[0]["position"] == {"minX": 1.0, "minY": 2.0, "maxX": 3.0, "maxY": 4.0}
    assert (found[0]["domain"], found[0]["scores"]) == ("pixel", {"score": 0.5})


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "media/../../x", ""])
def test_a_record_leads_to_no_file_outside_of_its_experiment(path: str, tmp_path: Path):
    folder, (value,) = logged(cloud=media(dialect, tmp_path)["cloud"])
    (Path(folder).parent / "secret").write_text("secret")
    said = value.metadata["wandb"] | {"path": path, "file": ".."}
    elsewhere = ValueLogged(
        **{name: getattr(value, name) for name in value.__struct_fields__ if name != "metadata"},
        metadata={"wandb": said},
    )
    with pytest.raises(NotShown):
        as_media(elsewhere, folder)


def test_a_body_whose_file_is_gone_is_not_shown(tmp_path: Path):
    folder, (value,) = logged(cloud=media(dialect, tmp_path)["cloud"])
    for file in Path(folder).rglob("*.pts.json"):
        file.unlink()
    with pytest.raises(NotShown):
        as_media(value, folder)
