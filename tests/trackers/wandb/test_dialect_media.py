"""Media, tables and charts made with wandb's names are values of the experiment."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest

import anew.dialects.wandb as wandb
from anew import Store
from anew.errors import InvalidValue
from later import later

torch = later("torch")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    monkeypatch.setenv("MPLBACKEND", "agg")
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    yield
    wandb.teardown()


def logged(**data: Any) -> tuple[Any, dict[str, list[Any]]]:
    """What one call of log leaves: the run as the API shows it, and its values by name."""
    with wandb.init(project="media") as run:
        run.log(data)
    shown = wandb.Api().run(run.path)
    values: dict[str, list[Any]] = {}
    for value in shown.native.values():
        values.setdefault(value.name, []).append(value)
    return shown, values


def pixels(value: Any) -> Any:
    return np.asarray(PIL.Image.open(io.BytesIO(value.read_bytes())))


def test_pictures_of_every_kind_are_images():
    from matplotlib.figure import Figure

    rgb = np.zeros((4, 5, 3), np.uint8)
    rgb[0, 0] = (255, 128, 0)
    PIL.Image.fromarray(rgb).save("p.png")
    figure = Figure(figsize=(1, 1))
    axes = figure.add_subplot()
    axes.plot([1, 2])
    _, values = logged(
        array=wandb.Image(rgb),
        floats=wandb.Image(rgb / 255.0),
        tensor=wandb.Image(torch.from_numpy(rgb).permute(2, 0, 1).float() / 255),
        grey=wandb.Image(np.eye(3)),
        pil=wandb.Image(PIL.Image.fromarray(rgb)),
        path=wandb.Image("p.png"),
        figure=wandb.Image(figure),
        axes=wandb.Image(axes),
        bare=PIL.Image.fromarray(rgb),
        mode=wandb.Image(rgb, mode="L"),
        jpg=wandb.Image(rgb, file_type="jpg"),
        again=wandb.Image(wandb.Image(rgb, caption="c")),
    )
    for name in ("array", "floats", "tensor", "pil", "path", "bare", "again"):
        assert (pixels(values[name][0]) == rgb).all(), name
        assert values[name][0].kind == "image"
    assert pixels(values["grey"][0]).tolist() == (np.eye(3) * 255).tolist()
    assert pixels(values["mode"][0]).ndim == 2
    assert values["jpg"][0].metadata["format"] == "jpg"
    assert values["again"][0].metadata["caption"] == "c"
    assert values["axes"][0].metadata["width"] > 10


def test_numbers_become_pixels_by_the_range_that_they_lie_in():
    for given, kept in (
        ([[-0.2, 0.6]], [[102, 204]]),
        ([[0.2, 1.0]], [[51, 255]]),
        ([[0, 1]], [[0, 255]]),
        ([[-9, 0.1, 100, 254.2, 270]], [[0, 0, 100, 254, 255]]),
        ([[float("nan"), 1.0]], [[0, 255]]),
        ([[True, False]], [[255, 0]]),
    ):
        array = np.array(given)
        assert wandb.Image(array).to_data_array() == kept
        assert wandb.Image(torch.from_numpy(array)[None]).to_data_array() == kept
    assert wandb.Image(np.array([[0.6, 300.0]]), normalize=False).to_data_array() == [[1, 255]]
    assert wandb.Image(np.array([[[0, 128, 255]]], np.uint8)).to_data_array() == [[(0, 128, 255)]]


def test_a_batch_of_tensors_is_one_picture_with_all_of_them():
    batch = torch.stack([torch.full((3, 4, 4), k / 9) for k in range(10)])
    _, values = logged(batch=wandb.Image(batch, caption="ten"))
    picture = pixels(values["batch"][0])
    assert picture.shape == (2 * 6 + 2, 8 * 6 + 2, 3)
    assert [int(picture[4, 4 + 6 * k, 0]) for k in range(8)] == [
        round(255 * k / 9) for k in range(8)
    ]


def test_a_picture_keeps_its_caption_boxes_masks_and_classes():
    box = {
        "position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4},
        "class_id": 1,
        "scores": {"acc": 0.5},
    }
    boxes = {"predictions": {"box_data": [box], "class_labels": {1: "cat"}}}
    mask = np.array([[0, 1], [2, 1]])
    shown, values = logged(
        image=wandb.Image(
            np.zeros((2, 2, 3)),
            caption="a cat",
            boxes=boxes,
            masks={"truth": {"mask_data": mask, "class_labels": {1: "cat", 2: "dog"}}},
            classes=[{"id": 1, "name": "cat"}],
        )
    )
    facts = values["image"][0].metadata
    assert facts["caption"] == "a cat"
    assert facts["wandb"]["boxes"]["predictions"]["box_data"] == [box]
    assert facts["wandb"]["boxes"]["predictions"]["class_labels"] == {"1": "cat"}
    assert facts["wandb"]["classes"] == [{"id": 1, "name": "cat"}]
    (kept,) = values["image/masks/truth"]
    assert (pixels(kept) == mask).all()
    assert kept.metadata["wandb"]["class_labels"] == {"1": "cat", "2": "dog"}
    assert shown.summary["image"]["_type"] == "image-file"
    assert list(shown.summary) == ["image", "_step", "_timestamp", "_runtime"]


def test_a_list_of_pictures_is_kept_whole_and_in_order():
    pictures = [wandb.Image(np.full((2, 2), k / 2), caption=f"{k}") for k in range(3)]
    with wandb.init(project="media") as run:
        run.log({"samples": pictures})
        said = run.summary["samples"]
        assert (said["_type"], said["count"], said["captions"]) == (
            "images/separated",
            3,
            ["0", "1", "2"],
        )
    shown = wandb.Api().run(run.path)
    for said in (shown.summary["samples"], shown.history()["samples"][0]):
        assert (said["_type"], said["count"], said["captions"]) == (
            "images/separated",
            3,
            ["0", "1", "2"],
        )
        files = {file.name: file for file in shown.files()}
        assert all(files[name].size > 0 for name in said["filenames"])
    values = Store()[run.native.id].values("samples")
    assert [value.metadata["caption"] for value in values] == ["0", "1", "2"]
    assert [int(pixels(value)[0, 0]) for value in values] == [0, 128, 255]
    assert {value.step for value in values} == {0}


def test_media_may_be_nested_mixed_with_other_things_and_put_into_the_summary():
    picture = wandb.Image(np.zeros((2, 2)))
    with wandb.init(project="media") as run:
        run.log({"val": {"picture": picture, "loss": 1.0}, "mixed": [picture, 5]})
        run.summary["last"] = picture
        run.summary["table"] = wandb.Table(columns=["a"], data=[[1]])
        assert (
            run.summary["val"]["picture"]["_type"] == run.summary["last"]["_type"] == "image-file"
        )
    view = Store()[run.native.id]
    assert {v.name for v in view.values(kind="image")} == {"val.picture", "mixed", "last"}
    assert [v.data for v in view.values("mixed") if v.kind == "text"] == ["[5]"]
    assert view.values("table")[0].data["rows"] == [[1]]
    summary = wandb.Api().run(run.path).summary
    assert (summary["val"]["picture"]["_type"], summary["val"]["loss"]) == ("image-file", 1.0)
    assert summary["table"]["_type"] == "table-file"


def test_a_picture_is_what_it_was_when_it_was_made():
    array = np.zeros((2, 2))
    image = wandb.Image(array)
    array[:] = 1
    _, values = logged(image=image)
    assert not pixels(values["image"][0]).any()


def test_sound_and_videos():
    tone = np.sin(np.arange(800) / 10)
    frames = np.random.default_rng(0).integers(0, 255, (3, 3, 8, 8), dtype=np.uint8)
    _, values = logged(
        sound=wandb.Audio(tone, sample_rate=8000, caption="a tone"),
        video=wandb.Video(frames, fps=8, format="gif", caption="noise"),
        default=wandb.Video(torch.from_numpy(frames)),
        several=wandb.Video(np.stack([frames, frames])),
    )
    assert values["sound"][0].metadata["sample_rate"] == 8000
    assert values["sound"][0].metadata["caption"] == "a tone"
    assert (values["video"][0].metadata["fps"], values["video"][0].metadata["frames"]) == (8.0, 3)
    assert values["default"][0].metadata["fps"] == 4.0
    assert values["several"][0].metadata["width"] == 16
    Path("v.gif").write_bytes(values["video"][0].read_bytes())
    with open("v.gif", "rb") as file:
        _, again = logged(path=wandb.Video("v.gif"), open=wandb.Video(file))
    assert (
        again["path"][0].read_bytes() == again["open"][0].read_bytes() == Path("v.gif").read_bytes()
    )
    with pytest.warns(UserWarning, match="WebP"):
        _, values = logged(mp4=wandb.Video(frames, format="mp4"))
    assert values["mp4"][0].metadata["format"] == "webp"


def test_histograms_have_counts_and_edges():
    counted = wandb.Histogram(np_histogram=np.histogram([1, 2, 3], bins=2))
    assert (counted.histogram, counted.bins) == ([1, 2], [1.0, 2.0, 3.0])
    plain = wandb.Histogram([1, 2, 3, 4])
    assert (len(plain.histogram), len(plain.bins), sum(plain.histogram)) == (64, 65, 4)
    shown, values = logged(a=counted, b=wandb.Histogram(torch.randn(100), num_bins=8))
    assert values["a"][0].data == {"counts": [1, 2], "edges": [1.0, 2.0, 3.0]}
    assert sum(values["b"][0].data["counts"]) == 100
    assert shown.summary["a"] == {"_type": "histogram", "values": [1, 2], "bins": [1.0, 2.0, 3.0]}


def test_pages_bodies_molecules_and_figures():
    import plotly.graph_objects

    Path("page.html").write_text("<b>file</b>")
    Path("body.obj").write_text("v 0 0 0\n")
    Path("m.pdb").write_text("ATOM\n")
    figure = plotly.graph_objects.Figure(plotly.graph_objects.Scatter(y=[1, 2]))
    shown, values = logged(
        text=wandb.Html("<b>x</b>"),
        page=wandb.Html("page.html"),
        not_a_path=wandb.Html("page.html", data_is_not_path=True),
        cloud=wandb.Object3D(np.zeros((4, 3))),
        scene=wandb.Object3D({"type": "lidar/beta", "points": np.zeros((2, 3))}, caption="scene"),
        body=wandb.Object3D("body.obj"),
        molecule=wandb.Molecule("m.pdb"),
        plotly=wandb.Plotly(figure),
        bare=figure,
    )
    assert (values["text"][0].data, values["text"][0].metadata["format"]) == ("<b>x</b>", "html")
    assert (values["page"][0].data, values["not_a_path"][0].data) == ("<b>file</b>", "page.html")
    assert [value.kind for value in (values["plotly"] + values["bare"])] == ["figure", "figure"]
    kept = {}
    for file in shown.files():
        with file.download("fetched") as opened:
            kept[file.name] = opened.read()
    assert json.loads(kept["media/object3D/cloud_0.pts.json"]) == np.zeros((4, 3)).tolist()
    assert json.loads(kept["media/object3D/scene_0.pts.json"])["type"] == "lidar/beta"
    assert (kept["media/object3D/body_0.obj"], kept["media/molecule/molecule_0.pdb"]) == (
        "v 0 0 0\n",
        "ATOM\n",
    )
    assert shown.summary["cloud"]["path"] == "media/object3D/cloud_0.pts.json"
    assert shown.summary["text"]["_type"] == "html-file"


@pytest.mark.parametrize(
    "make",
    [
        lambda: wandb.Image("nowhere.png"),
        lambda: wandb.Image(np.zeros((4, 5, 9, 9, 9))),
        lambda: wandb.Audio(np.zeros(10)),
        lambda: wandb.Video("nowhere.gif"),
        lambda: wandb.Video(np.zeros((3, 8, 8, 3)), format="avi"),
        lambda: wandb.Object3D(np.zeros((4, 5))),
        lambda: wandb.Object3D("nowhere.obj"),
        lambda: wandb.Histogram([1], num_bins=600),
        lambda: wandb.Histogram(),
        lambda: wandb.Table(columns=["a", "b"], data=[[1, 2, 3]]),
        lambda: wandb.Table(columns=["a"]).get_column("b"),
        lambda: wandb.plot.line([1], "a", "b"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_medium_is_an_error_where_it_is_made(make: Any):
    with pytest.raises((ValueError, InvalidValue, TypeError, AssertionError)):
        make()


# -- tables ----------------------------------------------------------------------------------------


def test_a_table_grows_and_is_read_like_wandbs():
    table = wandb.Table(columns=["a", "b"])
    table.add_data(1, "x")
    table.add_data(2, "y")
    table.add_column("c", np.array([5, 6]))
    table.add_computed_columns(lambda number, row: {"z": row["a"] * 2 + number})
    assert table.columns == ["a", "b", "c", "z"]
    assert table.data == [[1, "x", 5, 2], [2, "y", 6, 5]]
    assert table.get_column("a") == [1, 2]
    assert table.get_column("a", convert_to="numpy").tolist() == [1, 2]
    assert list(table.iterrows()) == [(0, [1, "x", 5, 2]), (1, [2, "y", 6, 5])]
    assert (table.get_index(), table.get_dataframe().shape) == ([0, 1], (2, 4))
    assert wandb.Table(data=[[1, 2, 3]]).columns == ["Input", "Output", "Expected"]
    frame = pd.DataFrame({"q": [1, 2], "r": ["s", "t"]})
    for made in (wandb.Table(dataframe=frame), wandb.Table(data=frame)):
        assert (made.columns, made.data) == (["q", "r"], [[1, "s"], [2, "t"]])
    assert wandb.Table(columns=["a"], rows=[[1]]) == wandb.Table(
        columns=["a"], data=np.array([[1]])
    )
    assert wandb.Table(columns=["a"], data=[[1]]) != wandb.Table(columns=["a"], data=[[2]])
    with pytest.raises(ValueError):
        table.add_data(1)
    with pytest.raises(AssertionError):
        table.add_column("d", [5])


def test_a_table_is_logged_with_the_pictures_in_its_cells():
    table = wandb.Table(columns=["image", "digit", "score"])
    for digit in range(3):
        table.add_data(
            wandb.Image(np.full((2, 2), digit / 2), caption=f"{digit}"), digit, np.float32(0.5)
        )
    _, values = logged(errors=table, frame=pd.DataFrame({"x": [1]}))
    (kept,) = values["errors"]
    assert kept.kind == "table"
    assert kept.data["columns"] == ["image", "digit", "score"]
    assert kept.data["rows"][1] == ["<image-file errors/image, row 1>", 1, 0.5]
    assert [value.metadata["wandb"]["row"] for value in values["errors/image"]] == [0, 1, 2]
    assert values["frame"][0].data["rows"] == [[1]]


# -- charts ----------------------------------------------------------------------------------------


def test_charts_are_tables_that_say_what_they_show():
    table = wandb.Table(columns=["x", "y"], data=[[1, 2], [3, 4]])
    plot = wandb.plot
    shown, values = logged(
        line=plot.line(table, "x", "y", title="T"),
        scatter=plot.scatter(table, "x", "y"),
        bar=plot.bar(table, "x", "y"),
        histogram=plot.histogram(table, "x"),
        series=plot.line_series([0, 1, 2], [[1, 2, 3], [4, 5, 6]], keys=["a", "b"], title="t"),
        own=wandb.plot_table("me/chart", table, {"x": "x"}),
    )
    chart = values["line"][0].metadata["wandb"]["chart"]
    assert chart["spec_name"] == "wandb/line/v0"
    assert chart["fields"] == {"x": "x", "y": "y", "stroke": None}
    assert chart["string_fields"] == {"title": "T"}
    assert values["line"][0].data == {"columns": ["x", "y"], "rows": [[1, 2], [3, 4]]}
    assert values["series"][0].data["columns"] == ["step", "lineKey", "lineVal"]
    assert values["series"][0].data["rows"][2:4] == [[2, "a", 3], [0, "b", 4]]
    assert {value.kind for several in values.values() for value in several} == {"table"}
    assert shown.summary["own"]["chart"]["spec_name"] == "me/chart"
    for wrong in ({"keys": ["a"]}, {"xs": [[1], [2], [3]]}):
        with pytest.raises(ValueError):
            plot.line_series(**{"xs": [1], "ys": [[1], [2]], **wrong})


def test_a_confusion_matrix_counts_each_class_taken_for_each():
    plot = wandb.plot.confusion_matrix
    rows = [["n", "n", 2], ["n", "p", 0], ["p", "n", 1], ["p", "p", 1]]
    assert plot(y_true=[0, 1, 1, 0], preds=[0, 1, 0, 0], class_names=["n", "p"]).table.data == rows
    assert plot(y_true=list("nppn"), preds=list("npnn")).table.data == rows
    probs = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.6, 0.4]])
    chart = plot(y_true=np.array([0, 1, 1, 0]), probs=probs)
    assert chart.spec == plot(y_true=[0, 1], preds=[0, 1]).spec
    found = chart.table
    assert found.columns == ["Actual", "Predicted", "nPredictions"]
    assert found.data == [
        ["Class_1", "Class_1", 2], ["Class_1", "Class_2", 0], ["Class_2", "Class_1", 0], ["Class_2", "Class_2", 2],
    ]  # fmt: skip
    for wrong in ({"preds": [0]}, {}, {"preds": [0, 5], "class_names": ["n", "p"]}):
        with pytest.raises(ValueError):
            plot(y_true=[0, 1], **wrong)


def test_curves_agree_with_scikit_learn():
    from sklearn.metrics import auc, roc_curve

    source = np.random.default_rng(0)
    truth = source.integers(0, 3, 200)
    probas = source.dirichlet(np.ones(3), 200) + np.eye(3)[truth] * 0.5
    probas = probas / probas.sum(1, keepdims=True)
    rows = wandb.plot.roc_curve(truth, probas, labels=["a", "b", "c"]).table.data
    for number, name in enumerate("abc"):
        fpr, tpr, _ = roc_curve(truth == number, probas[:, number])
        mine = np.array([row[1:] for row in rows if row[0] == name], float)
        assert auc(mine[:, 0], mine[:, 1]) == pytest.approx(auc(fpr, tpr), abs=2e-3)
    chart = wandb.plot.pr_curve(truth, probas, labels=["a", "b", "c"], interp_size=5)
    assert chart.table.columns == ["class", "precision", "recall"]
    one = [row for row in chart.table.data if row[0] == "b"]
    assert [row[2] for row in one] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert one[0][1] < one[-1][1] == 1.0
    assert chart.spec.string_fields["title"] == "Precision-Recall Curve"
    unnamed = wandb.plot.roc_curve([0, 1], [(0.4, 0.6), (0.8, 0.2)], title="mine")
    assert unnamed.spec.string_fields["title"] == "mine"
    assert unnamed.table.data == [[n, *at] for n in (0, 1) for at in ([0, 0], [1, 0], [1, 1])]


def test_what_was_logged_is_read_back_as_files_of_the_run():
    with wandb.init(project="media") as run:
        run.log(
            {
                "val/img": wandb.Image(np.zeros((4, 4), np.uint8), caption="none"),
                "sound": wandb.Audio(np.zeros(80), sample_rate=8000),
                "clip": wandb.Video(np.zeros((2, 3, 4, 4), np.uint8)),
                "page": wandb.Html("<b>hello</b>"),
                "tab": wandb.Table(columns=["a", "b"], data=[[1, "x"], [2, None]]),
            }
        )
        live = {
            name: run.summary[name]["path"] for name in ("val/img", "sound", "clip", "page", "tab")
        }
    shown = wandb.Api().run(run.path)
    files = {file.name: file for file in shown.files()}
    for name, path in live.items():
        assert shown.summary[name]["path"] == path
        folder, suffix = path.split("/")[1], path.partition(".")[2]
        assert (folder, suffix) == {
            "val/img": ("images", "png"), "sound": ("audio", "wav"), "clip": ("videos", "gif"), "page": ("html", "html"),
            "tab": ("table", "table.json"),
        }[name]  # fmt: skip
        with shown.file(path).download(root="back", replace=True):
            pass
        assert Path("back", path).stat().st_size == files[path].size > 0
    assert Path("back", live["page"]).read_text() == "<b>hello</b>"
    said = json.loads(Path("back", live["tab"]).read_text())
    assert (said["columns"], said["data"]) == (["a", "b"], [[1, "x"], [2, None]])
    assert wandb.Image(str(Path("back", live["val/img"]))).image.size == (4, 4)


def test_a_table_that_was_logged_is_an_artifact_of_the_run():
    with wandb.init(project="media") as run:
        run.log({"eval/tab": wandb.Table(columns=["a"], data=[[1]])})
        picture = wandb.Image(np.full((2, 3), 7, np.uint8), caption="seven")
        run.log({"eval/tab": wandb.Table(columns=["a", "img"], data=[[2, picture]])})
    name = f"media/run-{run.id}-evaltab"
    assert wandb.Api().artifact(f"{name}:v0").get("eval/tab").data == [[1]]
    newest = wandb.Api().artifact(f"{name}:latest")
    assert (newest.type, newest.version) == ("run_table", "v1")
    assert newest.logged_by().id == run.id
    (row,) = newest.get("eval/tab").data
    assert row[0] == 2
    assert (row[1].caption, row[1].image.size) == ("seven", (3, 2))
    logged = wandb.Api().run(run.path).logged_artifacts()
    assert [one.name for one in logged] == [f"run-{run.id}-evaltab:v0", f"run-{run.id}-evaltab:v1"]
    for wrong in (f"{name}:v2", f"media/run-{run.id}-other:latest", "media/run-nobody-tab:latest"):
        with pytest.raises(wandb.CommError):
            wandb.Api().artifact(wrong)


def test_a_table_of_an_artifact_keeps_its_pictures():
    artifact = wandb.Artifact("tables", "eval")
    picture = wandb.Image(np.full((2, 3), 7, np.uint8), caption="seven")
    artifact.add(wandb.Table(columns=["img"], data=[[picture]]), "t")
    with wandb.init(project="media") as run:
        run.log_artifact(artifact)
    ((found,),) = wandb.Api().artifact("media/tables:latest").get("t").data
    assert (found.caption, found.image.size) == ("seven", (3, 2))


def test_a_picture_that_lies_elsewhere_is_referred_to_and_never_fetched():
    picture = wandb.Image("https://example.invalid/a.png", caption="far")
    artifact = wandb.Artifact("pictures", "eval")
    artifact.add(picture, "far")
    with wandb.init(project="media") as run:
        run.log_artifact(artifact)
        with pytest.raises(wandb.UsageError):
            run.log({"far": picture})
    found = wandb.Api().artifact("media/pictures:latest").get("far")
    assert (found.reference, found.caption) == ("https://example.invalid/a.png", "far")


def test_arguments_are_checked_as_upstream_does():
    with pytest.raises(AssertionError):
        wandb.Table(log_mode="BOGUS")
    matrix = wandb.plot.confusion_matrix(y_true=[1, 3, 6], preds=[1, 3, 3])
    assert len(matrix.table.data) == 9
    Path("a b").mkdir()
    Path("a b", "f.txt").write_text("x")
    (entry,) = wandb.Artifact("r", "d").add_reference(Path("a b", "f.txt").absolute().as_uri())
    assert (entry.path, entry.size) == ("f.txt", 1)


def test_boxes_of_a_scene_are_turned_by_their_quaternion():
    plain = wandb.box3d(center=(3, 4, 5), size=(6, 8, 10), orientation=(2, 0, 0, 0), color=(1, 2, 3), label="car", score=0.5)  # fmt: skip
    assert (plain["color"], plain["label"], plain["score"]) == ([1, 2, 3], "car", 0.5)
    assert np.allclose(np.min(plain["corners"], 0), 0)
    assert np.allclose(np.max(plain["corners"], 0), (6, 8, 10))
    # A third of a turn about (1, 1, 1): x becomes y, y becomes z.
    turned = wandb.box3d(center=(0, 0, 0), size=(6, 8, 10), orientation=(1, 1, 1, 1), color=(0, 0, 0))  # fmt: skip
    assert np.allclose(np.max(turned["corners"], 0), (5, 3, 4))
    with pytest.raises(ValueError):
        wandb.box3d(center=(0, 0, 0), size=(1, 1, 1), orientation=(0, 0, 0, 0), color=(0, 0, 0))


def test_captions_rates_and_lengths_of_several_are_told():
    silence = np.zeros(100)
    both = [wandb.Audio(silence, 50, caption="a"), wandb.Audio(silence, 100)]
    assert wandb.Audio.captions(both) == ["a", ""]
    assert wandb.Audio.captions(both[1:]) is False
    assert (wandb.Audio.sample_rates(both), wandb.Audio.durations(both)) == ([50, 100], [2.0, 1.0])
    assert wandb.Image.all_captions([wandb.Image(np.eye(2), caption="x")]) == ["x"]


def test_a_figure_with_images_is_a_picture_and_no_plotly_figure():
    from matplotlib.figure import Figure

    lines, image = Figure(), Figure()
    lines.add_subplot().plot([1, 2])
    image.add_subplot().imshow(np.eye(2))
    assert type(wandb.Plotly.make_plot_media(lines)) is wandb.Plotly
    assert type(wandb.Plotly.make_plot_media(image)) is wandb.Image
    with pytest.raises(ValueError):
        wandb.Plotly(image)


@pytest.mark.parametrize(
    "make",
    [
        lambda: wandb.Table(pd.DataFrame({"a": [1]})),
        lambda: wandb.Table([[1, 2], [3, 4]]),
        lambda: wandb.Table(dataframe=[[1]]),
    ],
)
def test_rows_in_the_place_of_columns_are_refused(make: Any):
    with pytest.raises(AssertionError) as refused:
        make()
    assert isinstance(refused.value, wandb.UsageError)


@pytest.mark.parametrize(
    "make",
    [
        lambda: wandb.Object3D([[1, 2, 3]]),
        lambda: wandb.Object3D({"type": "other"}),
        lambda: wandb.Object3D(io.StringIO("x")),
        lambda: wandb.Histogram(np_histogram=([1, 2], [1, 2])),
        lambda: wandb.plot.line_series(xs=[[1], [2]], ys=[3]),
    ],
)
def test_what_is_no_medium_is_refused(make: Any):
    with pytest.raises(ValueError):
        make()


def test_an_incremental_table_gets_rows_alone():
    table = wandb.Table(columns=["a"], data=[[1]], log_mode="INCREMENTAL")
    table.add_data(2)
    with pytest.raises(wandb.Error):
        table.add_column("b", [1, 2])
