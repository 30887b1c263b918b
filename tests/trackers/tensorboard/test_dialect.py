"""Programs written for TensorBoard run, and leave what the same calls of Anew leave."""

from __future__ import annotations

import inspect
import io
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import anew
from anew import Status, Store
from anew.dialects.tensorboard import UNSUPPORTED, SummaryWriter
from anew.errors import InvalidValue, NotRunning
from anew.trackers.places import prefix_of_path, safe_path, safe_segment
from anew.trackers.tensorboard.translate.arrays import array_of, picture, ply
from later import later

from ...dialects.records import recorded
from ...tracking.reading import metadata as document
from ...tracking.reading import points

torch = later("torch")

STEPS = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    monkeypatch.setenv("ANEW_CAPTURE", "off")


@pytest.fixture
def writer() -> Any:
    with SummaryWriter("runs/one") as opened:
        yield opened


def values(writer: SummaryWriter) -> list[Any]:
    return Store(writer.native.root)[writer.native.id].values()


def pixels(value: Any) -> Any:
    return np.asarray(PIL.Image.open(io.BytesIO(value.read_bytes())))


SCRIPT = """
import torch
from torch.utils.tensorboard import SummaryWriter

torch.manual_seed(0)
x = torch.linspace(-1, 1, 64).reshape(-1, 1)
y = 3 * x + 1
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
writer = SummaryWriter("runs/linear")
writer.add_text("about", "a **line**")
writer.add_graph(model, x)
for epoch in range(5):
    loss = torch.nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    writer.add_scalar("loss/train", loss, epoch)
    writer.add_scalars("weights", {"w": model.weight.item(), "b": model.bias.item()}, epoch)
    writer.add_histogram("grad", model.weight.grad, epoch)
writer.add_hparams({"lr": 0.1, "optimizer": "sgd"}, {"hparam/loss": loss.item()})
torch.save(model.state_dict(), writer.log_dir + "/model.pt")
writer.close()
"""


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # their add_graph traces
def test_a_training_script_leaves_what_tensorboard_has_after_changing_only_the_import():
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    exec(compile(SCRIPT, "theirs", "exec"), {})
    events = EventAccumulator("runs/linear").Reload()
    theirs = [(e.step, e.value) for e in events.Scalars("loss/train")]
    ours = SCRIPT.replace("torch.utils.tensorboard", "anew.dialects.tensorboard")
    exec(compile(ours, "ours", "exec"), {})

    view = Store()["runs/linear"]
    assert view.status is Status.COMPLETED
    series = view.metrics["loss/train"].read()
    assert [(s, np.float32(v)) for s, v in zip(series.steps, series.values, strict=True)] == theirs
    assert {"weights/w", "weights/b", "hparam/loss"} <= set(view.metrics)
    assert view.params.to_dict() == {"lr": 0.1, "optimizer": "sgd"}
    assert [v.kind for v in view.values()] == ["text", "text", *["histogram"] * 5]
    assert Path("runs/linear/model.pt").exists()
    assert not list(Path("experiments").glob("**/events.out.tfevents*"))


def test_calls_by_position_leave_what_the_native_calls_leave():
    writer = SummaryWriter("logs/a", "", None, 10, 120, "")
    writer.add_scalar("loss", torch.tensor(0.1, dtype=torch.float64), 0)
    writer.add_scalar("loss", np.float64(1) / 3, np.int64(7), 12.5)
    writer.add_scalar("loss", math.nan, 3, None, False, True)
    writer.add_scalar("loss", -math.inf, 3)
    writer.add_scalar("loss", 2)
    writer.add_scalars("acc", {"train": 0.5, "val": 0.25}, 4, 99.0)
    writer.add_text("note", "# one", 2)
    writer.add_image("pic", STEPS.astype(np.float64) / 11, 5)
    writer.add_hparams({"lr": 0.1, "deep": True}, {"best": 0.9})
    writer.add_tensor("t", torch.arange(3), 6)
    writer.close()

    with anew.Experiment("logs/a", root="native") as native:
        native.log_metric("loss", 0.1, step=0)
        native.log_metric("loss", 1 / 3, step=7, metadata={"walltime": 12.5})
        native.log_metric("loss", math.nan, step=3)
        native.log_metric("loss", -math.inf, step=3)
        native.log_metric("loss", 2, step=0)
        native.log_metrics({"acc/train": 0.5, "acc/val": 0.25}, 4, metadata={"walltime": 99.0})
        native.log_value("note", anew.Text("# one", "markdown"), 2)
        native.log_value("pic", anew.Image(STEPS / 11, layout="CHW"), 5)
        native.params.set(lr=0.1, deep=True)
        native.log_metrics({"best": 0.9}, 0)
        buffer = io.BytesIO()
        np.save(buffer, np.arange(3))
        native.files("tensors").save(buffer.getvalue(), "t/step-6.npy", step=6)
    first, second = recorded(writer.native.folder), recorded(native.folder)
    assert repr(first) == repr(second)  # NaN is not equal to itself
    rows = Store()["logs/a"].metrics["loss"].rows()
    assert [row["metadata"] for row in rows] == [None, {"walltime": 12.5}, None, None, None]
    for mine, theirs in zip(values(writer), Store("native")["logs/a"].values(), strict=True):
        assert (mine.name, mine.kind, mine.step, mine.data) == (
            theirs.name, theirs.kind, theirs.step, theirs.data,
        )  # fmt: skip
        assert mine.path is None or mine.read_bytes() == theirs.read_bytes()


def test_every_public_call_of_both_libraries_is_there_with_their_arguments():
    import tensorboardX
    from torch.utils import tensorboard

    listed = " ".join(UNSUPPORTED)
    for theirs in (tensorboard.SummaryWriter, tensorboardX.SummaryWriter):
        for name, call in inspect.getmembers(theirs, inspect.isfunction):
            if name.startswith("_") and name != "__init__":
                continue
            if not hasattr(SummaryWriter, name):
                assert name in listed
                continue
            ours = inspect.signature(getattr(SummaryWriter, name)).parameters
            taken = any(p.kind is p.VAR_KEYWORD for p in ours.values())
            missing = [p for p in inspect.signature(call).parameters if p not in ours]
            assert taken or missing in ([], ["kwargs"]), f"{name} has no {missing}"
            if theirs is tensorboard.SummaryWriter:  # tensorboardX has others in two places
                shared = [*inspect.signature(call).parameters]
                assert [*ours][: len(shared)] == shared


def test_an_unknown_argument_is_an_error(writer: SummaryWriter):
    with pytest.raises(TypeError, match="coment"):
        SummaryWriter("runs/x", coment="a")
    with pytest.raises(TypeError, match="wall_time"):
        writer.add_scalar("a", 1, 2, wall_time=3)
    writer.add_scalar("a", 1, 2, display_name="A", summary_description="about a")
    with pytest.raises(InvalidValue, match="'a'"):
        writer.add_scalar("a", "much")


# -- places and lives ------------------------------------------------------------------------------


def test_the_same_log_directory_continues_the_same_experiment():
    with SummaryWriter("runs/again") as first:
        first.add_scalar("loss", 1, 5)
    with SummaryWriter(log_dir=Path("runs/../runs/again/").absolute(), purge_step=5) as second:
        second.add_scalar("loss", 2, 3)
    assert first.native.id == second.native.id
    assert [p[1:] for p in points(second.native.folder)] == [(5, "loss", 1.0), (3, "loss", 2.0)]
    assert document(second.native.folder)["tensorboard"]["purge_step"] == 5
    assert SummaryWriter(logdir="runs/again").native.id == first.native.id


def test_without_a_log_directory_each_writer_has_an_experiment_named_as_by_tensorboard():
    import socket

    writers = [SummaryWriter(comment="_lr0.1") for _ in range(3)]
    assert len({writer.native.id for writer in writers}) == 3
    stem = time.strftime("runs/%b")
    for writer in writers:
        assert writer.get_logdir().startswith(stem)
        assert f"_{socket.gethostname()}_lr0.1" in writer.log_dir
        assert os.path.isdir(writer.log_dir)
        assert writer.native.prefix == writer.log_dir
        writer.close()


def test_writers_for_training_and_validation_work_at_once():
    train, val = SummaryWriter("runs/both/train"), SummaryWriter("runs/both/val")
    again = SummaryWriter("runs/both/val")
    for step in range(3):
        train.add_scalar("loss", step, step)
        val.add_scalar("loss", -step, step)
        again.add_scalar("acc", step, step)
    for writer in (train, val, again):
        writer.close()
    store = Store()
    assert store["runs/both/train"].metrics["loss"].last == 2
    assert store["runs/both/val"].metrics["loss"].last == -2
    assert store["runs/both/val"].metrics["acc"].count == 3
    assert {str(view.status) for view in store} == {"completed"}


def test_a_call_after_the_end_goes_on_with_the_experiment():
    writer = SummaryWriter("runs/on")
    writer.add_scalar("loss", 1, 0)
    writer.close()
    writer.close()
    assert writer.native.status is Status.COMPLETED
    writer.add_scalar("loss", 2, 1)
    writer.add_text("late", "text")
    assert writer.native.status is Status.RUNNING
    writer.flush()
    writer.close()
    view = Store()["runs/on"]
    assert (view.metrics["loss"].count, str(view.status)) == (2, "completed")


def test_an_error_in_the_block_fails_the_experiment_and_ctrl_c_cancels_it():
    with pytest.raises(ZeroDivisionError), SummaryWriter("runs/fails"):
        _ = 1 / 0
    with pytest.raises(KeyboardInterrupt), SummaryWriter("runs/stops"):
        raise KeyboardInterrupt
    store = Store()
    assert (str(store["runs/fails"].status), str(store["runs/stops"].status)) == (
        "failed", "cancelled",
    )  # fmt: skip


def test_the_end_of_the_program_completes_what_was_not_closed():
    program = (
        "from anew.dialects.tensorboard import SummaryWriter\n"
        "w = SummaryWriter('runs/left')\nw.add_scalar('loss', 1.5, 1)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    view = Store()["runs/left"]
    assert (str(view.status), view.metrics["loss"].last) == ("completed", 1.5)


def test_a_writer_in_the_block_of_an_experiment_writes_to_it():
    with anew.Experiment("around") as native:
        other = SummaryWriter("runs/other")
        with SummaryWriter() as writer:
            writer.add_scalar("loss", 1, 1)
        assert writer.native is native
        assert other.native is not native
    assert Store()[native.id].metrics["loss"].last == 1
    assert SummaryWriter().native is not native


def test_the_current_experiment_takes_what_a_writer_without_a_directory_logs():
    native = anew.start("around")
    writer = SummaryWriter()
    writer.add_scalar("loss", 1, 1)
    writer.add_hparams({"lr": 1}, {"acc": 2})
    writer.add_hparams({"lr": 2}, {"acc": 3})
    own = SummaryWriter("runs/mine")
    own.close()
    assert writer.native is native
    assert os.path.isdir(writer.log_dir)
    writer.close()
    assert native.status is Status.RUNNING
    anew.finish()
    with pytest.raises(NotRunning):
        writer.add_scalar("loss", 1, 2)
    view = Store()[native.id]
    assert set(view.metrics) == {"loss", "acc"}
    assert sorted(child.prefix for child in view.children()) == [
        f"{native.prefix}/hparams-1", "runs/mine",
    ]  # fmt: skip


def test_a_directory_is_a_prefix_inside_of_the_store_wherever_it_lies(tmp_path: Path):
    root = str(tmp_path / "experiments")
    assert prefix_of_path("runs/a", root) == "runs/a"
    assert prefix_of_path(tmp_path / "runs" / "a", root) == "runs/a"
    assert prefix_of_path(tmp_path / "experiments" / "b" / "c", root) == "b/c"
    assert prefix_of_path("file://" + str(tmp_path / "runs"), root) == "runs"
    assert prefix_of_path("s3://bucket/../../a", root) == "s3/a"
    assert prefix_of_path(".", root) == tmp_path.name
    assert prefix_of_path("/", root) == "_"
    outside = prefix_of_path("../../elsewhere", root)
    assert outside == str(tmp_path.parent.parent / "elsewhere")[1:]
    for path in (
        "../../../../../etc",
        "/etc/passwd",
        "runs/..\\..\\x",
        "~/x",
        "runs/a\0b/..",
        "con",
    ):
        with SummaryWriter(path) as writer:
            writer.add_scalar("loss", 1, 1)
        folder = Path(writer.native.folder).resolve()
        assert folder.is_relative_to(Path(root).resolve())


def test_no_two_names_meet_in_one_and_none_is_one_that_a_store_keeps_for_itself():
    names = [
        "a", "a:b", "a-b", "a?b", ".a", "a.", " a", "a ", "", "CON", "con.txt", "nul", "logs",
        "_logs", "weights", "_weights", "experiments.db",
        "_experiments.db", "experiments.db-wal", "x" * 300,
        "x" * 301, "é", "日本", "a\nb", "a\u202eb", "\ud800", "..", "files", "-",
    ]  # fmt: skip
    made = [safe_segment(name) for name in names]
    assert len({*made, ""}) == len(names) + 1
    first = [safe_segment(name, first=True) for name in names]
    assert len({*first, ""}) == len(names) + 1
    assert safe_segment("resnet-50 v1.2") == "resnet-50 v1.2"
    assert safe_path("../../a//./b/../logs") == "a/b/_logs"
    assert safe_path("logs/weights") == "logs/weights"
    with anew.Experiment(prefix="safe"):
        for name in made:
            anew.Experiment(prefix=f"safe/{name}").run.start()
    for name in first:
        anew.Experiment(prefix=name).run.start()


def test_an_experiment_inside_of_another_is_not_in_the_way_of_its_record():
    with SummaryWriter("runs/out") as outer, SummaryWriter("runs/out/logs") as inner:
        outer.add_scalar("a", 1, 1)
        inner.add_scalar("b", 2, 2)
    assert (outer.native.prefix, inner.native.prefix) == ("runs/out", "runs/out/_logs")


def test_a_writer_that_does_not_write_records_nothing():
    with SummaryWriter("runs/none", write_to_disk=False) as writer:
        writer.add_scalar("a", 1, 1)
        writer.add_image("b", STEPS)
        writer.add_hparams({"a": 1}, {"b": 2}, run_name="c")
        writer.add_mesh("m", np.zeros((1, 3, 3)))
    assert not Path("experiments").exists()


# -- hyperparameters -------------------------------------------------------------------------------


def test_every_row_of_hyperparameters_is_an_experiment():
    writer = SummaryWriter("runs/search")
    writer.add_hparams({"lr": 0.1}, {"acc": 0.5}, {"lr": [0.1, 0.2]})
    writer.add_hparams({"lr": 0.1}, {"acc": 0.6}, global_step=1)  # the same row, later
    writer.add_hparams({"lr": torch.tensor(0.25), "opt": None}, {"acc": 0.7}, None, "trial/../b")
    writer.add_hparams({"lr": 0.3}, {"acc": 0.8}, "x-name")  # as tensorboardX takes it
    writer.add_hparams({"lr": 0.4}, {"acc": 0.9})
    # To the writer's own directory, as many programs do.
    writer.add_hparams({"lr": 0.1}, {"acc": 0.95}, run_name=os.path.abspath(writer.log_dir))
    with pytest.raises(TypeError, match="metric_dict"):
        writer.add_hparams({"lr": 1}, [0.5])  # type: ignore[arg-type]
    writer.close()
    second = SummaryWriter("runs/search")
    second.add_hparams({"lr": 0.5}, {"acc": 0.1})
    second.add_hparams({"lr": 0.6}, {"acc": 0.1})
    second.close()
    view = Store()["runs/search"]
    assert view.params.to_dict() == {"lr": 0.5}
    assert [r["value"] for r in view.metrics["acc"].rows()] == [0.5, 0.6, 0.95, 0.1]
    rows = {c.prefix: (c.params.to_dict(), c.metrics["acc"].last) for c in view.children()}
    assert rows == {
        "runs/search/b": ({"lr": 0.25, "opt": None}, 0.7),
        "runs/search/x-name": ({"lr": 0.3}, 0.8),
        "runs/search/hparams-1": ({"lr": 0.4}, 0.9),
        "runs/search/hparams-2": ({"lr": 0.6}, 0.1),
    }


# -- pictures and sound ----------------------------------------------------------------------------


def test_images_of_every_order_are_those_that_tensorboard_shows(writer: SummaryWriter):
    from torch.utils.tensorboard._utils import convert_to_HWC

    rng = np.random.default_rng(0)
    chw = rng.integers(0, 256, (3, 4, 5), dtype=np.uint8)
    many = rng.integers(0, 256, (11, 3, 4, 5), dtype=np.uint8)
    cases = [
        (chw, "CHW"), (chw.transpose(1, 2, 0), "HWC"), (chw[0], "HW"), (chw[0].T, "WH"),
        (many, "NCHW"), (many.transpose(0, 2, 3, 1), "NHWC"), (many[:3], "NCHW"),
    ]  # fmt: skip
    for array, order in cases:
        found = picture(array, order)
        grey = found[..., None].repeat(3, -1) if found.ndim == 2 else found
        assert (grey == convert_to_HWC(array, order)).all()
    writer.add_image("u8", torch.from_numpy(chw), 1)
    writer.add_image("float", chw / 255, 1)
    writer.add_image("hw", chw[0], 1, None, "HW")
    writer.add_images("many", torch.from_numpy(many).float() / 255, 1)
    writer.add_images("one", many[:2, :1], 1)
    u8, floats, grey, grid, _ = values(writer)
    assert (pixels(u8) == chw.transpose(1, 2, 0)).all()
    assert (pixels(floats) == pixels(u8)).all()
    assert (pixels(grey) == chw[0]).all()
    assert (pixels(grid) == convert_to_HWC(many, "NCHW")).all()
    for bad in ("CWX", "CH", "CHWN", "CC"):
        with pytest.raises(InvalidValue, match="dataformats"):
            writer.add_image("bad", chw, dataformats=bad)


def test_boxes_are_drawn_on_the_picture_and_kept_beside_it(writer: SummaryWriter):
    picture = torch.zeros(3, 20, 30)
    boxes = torch.tensor([[2, 3, 10, 12], [25, 18, 15, 5]])
    writer.add_image_with_boxes("a", picture, boxes, 1, labels=["cat", "dog"])
    writer.add_image_with_boxes("b", np.zeros((20, 30), np.uint8), boxes, 1, None, 2, "HW")
    writer.add_image_with_boxes("x", picture, boxes[:1], 1, None, "CHW", ["cat"])  # tensorboardX
    a, b, x = values(writer)
    assert a.metadata["boxes"] == boxes.tolist()
    assert (a.metadata["labels"], x.metadata["labels"]) == (["cat", "dog"], ["cat"])
    assert pixels(a)[3, 2].tolist() == [255, 0, 0]
    assert pixels(b).shape == (40, 60, 3)
    assert pixels(b)[6, 4].tolist() == [255, 0, 0]


def test_figures_are_kept_and_closed(writer: SummaryWriter):
    import matplotlib.pyplot as plt

    figures = [plt.figure(figsize=(1, 1)) for _ in range(3)]
    writer.add_figure("one", figures[0], 1, close=False)
    assert plt.fignum_exists(figures[0].number)
    writer.add_figure("several", figures, 2)
    assert not plt.get_fignums()
    found = values(writer)
    assert [(v.name, v.kind, v.metadata.get("index")) for v in found] == [
        ("one", "figure", None), ("several", "figure", 0), ("several", "figure", 1),
        ("several", "figure", 2),
    ]  # fmt: skip


def test_sound_and_videos_are_kept(writer: SummaryWriter):
    writer.add_audio("a", torch.linspace(-0.5, 0.5, 800).reshape(1, -1), 1, 8000)
    writer.add_video("v", torch.zeros(3, 5, 3, 4, 6, dtype=torch.uint8), 2, 10)
    writer.add_video("f", np.random.default_rng(0).random((1, 2, 1, 4, 6)), 2)
    audio, video, single = values(writer)
    assert (audio.kind, audio.metadata["sample_rate"], audio.metadata["channels"]) == (
        "audio", 8000, 1,
    )  # fmt: skip
    facts = {k: video.metadata[k] for k in ("fps", "frames", "height", "width")}
    assert facts == {"fps": 10.0, "frames": 5, "height": 8, "width": 12}
    assert (single.metadata["frames"], single.metadata["fps"]) == (2, 4.0)
    with pytest.raises(InvalidValue, match="dataformats"):
        writer.add_video("bad", np.zeros((2, 3, 4, 5)))


# -- distributions, curves, meshes -----------------------------------------------------------------


def test_histograms_count_every_value_once(writer: SummaryWriter):
    normal = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    with_nan = torch.cat([normal, torch.tensor([math.nan, math.inf])])
    for name, bins in (("tf", "tensorflow"), ("auto", "auto"), ("ten", 10), ("fd", "fd")):
        writer.add_histogram(name, with_nan, 1, bins)
    writer.add_histogram("edges", with_nan, 1, [-1, 0, 1])
    writer.add_histogram("most", normal, 1, np.linspace(-5, 5, 2000), None, 100)
    writer.add_histogram("half", normal.bfloat16(), 1)
    for value in values(writer):
        data = value.data
        known = sum(data["counts"]) + data.get("nonfinite", 0) + data.get("outside", 0)
        assert known == value.metadata["count"], value.name
        assert len(data["counts"]) <= 512
    edges = next(v for v in values(writer) if v.name == "edges")
    assert edges.data["edges"] == [-1, 0, 1]
    assert edges.data["nonfinite"] == 2


def test_a_histogram_counted_by_the_program_keeps_its_bins(writer: SummaryWriter):
    largest = np.finfo(np.float64).max
    writer.add_histogram_raw(
        "raw", 0.5, 4, 6, 12, 40, [0, 1, 2, 3, largest], [0, 2, 1, 0, 3], 7, 1.5
    )
    writer.add_histogram_raw("none", 0, 0, 0, 0, 0, [1, 2], [0, 0], 7)
    writer.add_histogram_raw("many", 0, 1, 2000, 1, 1, np.linspace(0, 1, 2000), np.ones(2000))
    raw, none, many = values(writer)
    assert raw.data == {"counts": [2, 1, 0, 3], "edges": [0.5, 1, 2, 3, 4]}
    facts = {k: raw.metadata[k] for k in ("min", "max", "count", "sum", "sum_squares", "walltime")}
    assert facts == {
        "min": 0.5, "max": 4, "count": 6, "sum": 12, "sum_squares": 40, "walltime": 1.5,
    }  # fmt: skip
    assert sum(none.data["counts"]) == 0
    assert sum(many.data["counts"]) == 2000
    with pytest.raises(InvalidValue, match="bucket"):
        writer.add_histogram_raw("bad", 0, 1, 2, 1, 1, [1, 2, 3], [1, 2])


def test_a_curve_of_precision_and_recall_is_the_one_that_tensorboard_computes(
    writer: SummaryWriter,
):
    from torch.utils.tensorboard.summary import compute_curve

    rng = np.random.default_rng(0)
    labels, scores, weights = rng.integers(0, 2, 200), rng.random(200), rng.random(200)
    scores[:2] = (0, 1)
    writer.add_pr_curve("pr", labels, scores, 1)
    writer.add_pr_curve("weighted", torch.tensor(labels), torch.tensor(scores), 1, 50, weights)
    theirs = compute_curve(labels, scores, 127)
    writer.add_pr_curve_raw("raw", *theirs, 1, 127)  # type: ignore[misc]
    pr, weighted, raw = values(writer)
    names = [
        "threshold", "true_positives", "false_positives", "true_negatives", "false_negatives",
        "precision", "recall",
    ]  # fmt: skip
    assert pr.metadata["columns"] == names
    assert pr.metadata["curve"] == "pr"
    import pyarrow.parquet as pq

    for value, expected in (
        (pr, theirs), (raw, theirs), (weighted, compute_curve(labels, scores, 50, weights)),
    ):  # fmt: skip
        if value.path is not None:
            columns = pq.read_table(value.path).to_pydict()
            found = np.array([columns[name] for name in names])
        else:
            found = np.array(value.data["rows"]).T
        assert np.allclose(found[1:], expected)
        assert (found[0, 0], found[0, -1]) == (0, 1)


def test_meshes_embeddings_and_tensors_are_files_that_others_read(writer: SummaryWriter):
    vertices = torch.rand(2, 4, 3)
    colors = torch.randint(0, 256, (2, 4, 3))
    faces = torch.tensor([[[0, 1, 2], [1, 2, 3]]] * 2)
    writer.add_mesh("shapes/cube", vertices, colors, faces, {"camera": 1}, 3)
    writer.add_embedding(
        torch.eye(5), [["a", "1"]] * 5, torch.rand(5, 3, 4, 4), 2, "../words", ["name", "count"]
    )
    writer.add_embedding(np.eye(2), ["x", "y"])
    writer.add_tensor("w/../../x", torch.eye(2, dtype=torch.bfloat16), 1)
    with pytest.raises(ValueError):
        writer.add_embedding(torch.eye(5), ["a"])
    files = {f"{f.prefix}/{f.name}": f for f in Store()["runs/one"].files}
    assert sorted(files) == [
        "embeddings/default/metadata.json", "embeddings/default/vectors.npy",
        "embeddings/words/metadata.json", "embeddings/words/vectors.npy",
        "meshes/shapes/cube/step-3-0.ply", "meshes/shapes/cube/step-3-1.ply",
        "tensors/w/x/step-1.npy",
    ]  # fmt: skip
    assert (np.load(files["embeddings/words/vectors.npy"].path) == np.eye(5)).all()
    assert (np.load(files["tensors/w/x/step-1.npy"].path) == np.eye(2)).all()
    mesh = files["meshes/shapes/cube/step-3-1.ply"]
    assert mesh.metadata == {"config": {"camera": 1}}
    body = ply(*(array_of(part[1]) for part in (vertices, colors, faces)))
    assert mesh.read_bytes() == body
    header, _, rest = body.partition(b"end_header\n")
    assert b"element vertex 4" in header
    assert len(rest) == 4 * (12 + 3) + 2 * (1 + 12)


def test_models_and_layouts_are_kept(writer: SummaryWriter):
    Path("model.onnx").write_bytes(b"onnx")
    writer.add_graph(torch.nn.Linear(2, 3), torch.zeros(1, 2), False)
    writer.add_graph("not a model")
    writer.add_onnx_graph("model.onnx")
    writer.add_custom_scalars({"all": {"loss": ["Multiline", ["loss/train", "loss/val"]]}})
    graph, _ = values(writer)
    assert "Linear(in_features=2, out_features=3" in graph.data
    assert graph.metadata["parameters"] == 9
    view = Store()["runs/one"]
    assert [(f.prefix, f.name) for f in view.files] == [("graphs", "model.onnx")]
    assert view.captured["custom scalars"]["all"]["loss"][0] == "Multiline"
    writer.add_custom_scalars_multilinechart(["a", "b"])
    writer.add_custom_scalars_marginchart(["a", "b", "c"], "cat", "title")


def test_a_block_gives_the_step_and_time_of_calls_without_one(writer: SummaryWriter):
    with writer.use_metadata(global_step=8, walltime=5.0):
        writer.add_scalar("a", 1)
        writer.add_scalar("a", 1, 9, 6.0)
        writer.add_text("t", "x")
    writer.add_scalar("a", 1)
    rows = Store()["runs/one"].metrics["a"].rows()
    assert [(r["step"], r["metadata"]) for r in rows] == [
        (8, {"walltime": 5.0}), (9, {"walltime": 6.0}), (0, None),
    ]  # fmt: skip
    assert values(writer)[0].step == 8


def test_odd_tags_are_kept(writer: SummaryWriter):
    for tag in ("  loss ", "a\nb", "", "/loss"):
        writer.add_scalar(tag, 1, 1)
    writer.add_scalars("group ", {"x y": 1}, 1)
    writer.add_scalar("x" * 600 + "a", 1, 1)
    writer.add_scalar("x" * 600 + "b", 1, 1)
    *names, first, second = [p[2] for p in points(writer.native.folder)]
    assert len(first) == len(second) == 500
    assert first != second
    assert names == [
        "  loss ", "a\\nb", "untitled", "/loss", "group /x y",
    ]  # fmt: skip


def test_numbers_are_exported_as_json(writer: SummaryWriter, tmp_path: Path):
    writer.add_images("list", [np.ones((3, 4, 5))] * 2, dataformats="CHW")
    writer.add_scalar("a/b", 0.5, 3)
    writer.add_scalar("a/b", math.nan, 4)
    writer.export_scalars_to_json(tmp_path / "all.json")
    found = json.loads((tmp_path / "all.json").read_text())
    ((_, step, value), (_, last, missing)) = found["runs/one/a/b"]
    assert (step, value, last, math.isnan(missing)) == (3, 0.5, 4, True)


def test_a_graph_whose_input_does_not_fit_is_refused_and_one_that_fits_changes_nothing(
    writer: SummaryWriter,
):
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Dropout())
    with pytest.raises(RuntimeError):
        writer.add_graph(model, torch.rand(1, 9))
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    writer.add_graph(model, torch.zeros(1, 3))
    assert torch.equal(torch.rand(1), expected)
    assert model.training


def test_pictures_of_an_embedding_are_square(writer: SummaryWriter):
    with pytest.raises(AssertionError) as refused:
        writer.add_embedding(torch.rand(2, 4), label_img=torch.rand(2, 3, 4, 8))
    assert isinstance(refused.value, InvalidValue)
