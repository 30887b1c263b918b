"""Writers of TensorBoard, PyTorch's and tensorboardX's, write what they always did, and it is recorded as well."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew
from anew import Experiment, Store
from anew.errors import WriteFailed
from later import later

from .reading import metrics, values

torch = later("torch")
figures = later("matplotlib.figure")
accumulators = later("tensorboard.backend.event_processing.event_accumulator")

MODULES = ("torch.utils.tensorboard", "tensorboardX")
Writer = Callable[..., Any]


@pytest.fixture(params=MODULES)
def writer_class(request: pytest.FixtureRequest) -> Writer:
    made: Writer = importlib.import_module(request.param).SummaryWriter
    return made


@pytest.fixture
def exp() -> Iterator[Experiment]:
    with Experiment("alice/board", system_metrics=0) as experiment, anew.capture(logging=False):
        yield experiment


def events(folder: str) -> accumulators.EventAccumulator:
    """What TensorBoard reads from a folder."""
    accumulator = accumulators.EventAccumulator(folder, size_guidance={"tensors": 0, "scalars": 0})
    accumulator.Reload()
    return accumulator


def test_scalars_are_recorded_as_given_and_the_event_file_is_what_it_was(
    exp: Experiment, writer_class: Writer
):
    with writer_class("runs/a") as writer:
        for step in (0, 5, 3, 3):
            assert writer.add_scalar("train/loss", 0.1 + step, step) is None
        writer.add_scalar("nan", float("nan"), 1)
        writer.add_scalar("tensor", torch.tensor([0.5], requires_grad=True), 2)
        writer.add_scalar("timed", 1.0, global_step=7, walltime=12.5)
        writer.add_scalars("both", {"a": 1.0, "b": np.float32(2.0)}, 4)
    recorded = metrics(exp)
    assert recorded["train/loss"] == [(0, 0.1), (3, 3.1), (3, 3.1), (5, 5.1)]
    assert recorded["tensor"] == [(2, 0.5)]
    assert recorded["both/a"] == [(4, 1.0)]
    assert recorded["both/b"] == [(4, 2.0)]
    assert recorded["nan"][0][1] != recorded["nan"][0][1]
    written = events("runs/a")
    assert [(e.step, e.value) for e in written.Scalars("train/loss")] == [
        (step, pytest.approx(0.1 + step)) for step in (0, 5, 3, 3)
    ]
    assert written.Scalars("timed")[0].wall_time == 12.5
    assert Store()[exp.id].metrics["timed"].read().steps.tolist() == [7]


def test_a_scalar_without_a_step_is_at_step_0_as_in_the_event_file(
    exp: Experiment, writer_class: Writer
):
    with writer_class("runs/a") as writer:
        writer.add_scalar("loss", 1.0)
        writer.add_scalar("loss", 2.0)
        writer.add_scalar("late", 1.0, 2.5)  # TensorBoard cuts it off
    assert metrics(exp) == {"loss": [(0, 1.0), (0, 2.0)], "late": [(2, 1.0)]}
    assert [event.step for event in events("runs/a").Scalars("loss")] == [0, 0]


def test_everything_but_numbers_is_recorded_as_a_value(exp: Experiment, writer_class: Writer):
    rng = np.random.default_rng(0)
    figure = figures.Figure()
    figure.add_subplot().plot([1, 2])
    with writer_class("runs/a") as writer:
        writer.add_histogram("weights", rng.normal(size=100), 1)
        writer.add_histogram("named", torch.arange(10.0), 1, bins="auto")
        writer.add_histogram_raw(
            "raw", min=0.0, max=2.0, num=3, sum=3.0, sum_squares=5.0,
            bucket_limits=[1.0, 2.0], bucket_counts=[1, 2], global_step=1,
        )  # fmt: skip
        writer.add_image("chw", torch.rand(3, 8, 6), 2)
        writer.add_image("hwc", np.zeros((8, 6, 3), dtype=np.uint8), 2, dataformats="HWC")
        writer.add_image("hw", np.ones((8, 6)), 2, dataformats="HW")
        writer.add_images("batch", torch.rand(10, 1, 4, 4), 2)
        writer.add_image_with_boxes("boxes", torch.rand(3, 8, 6), torch.tensor([[1, 1, 4, 4]]), 2)
        writer.add_figure("figure", figure, 3)
        writer.add_figure("figures", [figure, figure], 3, close=False)
        writer.add_text("notes", "**bold**", 4)
        writer.add_pr_curve("pr", np.array([0, 1, 1]), np.array([0.1, 0.6, 0.9]), 5, 11)
        raw = [
            np.array(column, float)
            for column in ([2, 1], [1, 0], [0, 1], [0, 1], [0.7, 1], [1, 0.5])
        ]
        writer.add_pr_curve_raw("raw pr", *raw, True, num_thresholds=2)
    assert values(exp) == [
        ("weights", "histogram", 1), ("named", "histogram", 1), ("raw", "histogram", 1),
        ("chw", "image", 2), ("hwc", "image", 2), ("hw", "image", 2), ("batch", "image", 2), ("boxes", "image", 2),
        ("figure", "figure", 3), ("figures", "figure", 3), ("figures", "figure", 3),
        ("notes", "text", 4), ("pr", "table", 5), ("raw pr", "table", 1),
    ]  # fmt: skip
    found = {value.name: value for value in Store()[exp.id].values()}
    assert (found["chw"].metadata["width"], found["chw"].metadata["height"]) == (6, 8)
    assert (found["batch"].metadata["width"], found["batch"].metadata["height"]) == (32, 8)
    assert found["boxes"].metadata["boxes"] == [[1, 1, 4, 4]]
    assert found["notes"].data == "**bold**"
    assert found["raw"].data["counts"] == [1, 2]
    assert {"chw", "hwc", "hw", "batch", "figure"} <= set(events("runs/a").Tags()["images"])


def test_a_sound_is_recorded(exp: Experiment):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter("runs/a") as writer:
        writer.add_audio("tone", torch.sin(torch.arange(800) / 10)[None], 1, sample_rate=8000)
    (value,) = Store()[exp.id].values()
    assert (value.kind, value.metadata["sample_rate"], value.metadata["duration"]) == (
        "audio",
        8000,
        0.1,
    )


def test_hyperparameters_become_parameters_and_their_result_metrics_once(
    exp: Experiment, writer_class: Writer
):
    with writer_class("runs/a") as writer:
        writer.add_hparams({"lr": 0.1, "name": "adam"}, {"hparam/accuracy": 0.9})
    assert dict(exp.params) == {"lr": 0.1, "name": "adam"}
    assert metrics(exp) == {"hparam/accuracy": [(0, 0.9)]}


def test_a_subclass_that_calls_its_parent_records_once(exp: Experiment, writer_class: Writer):
    class Mine(writer_class):  # type: ignore[valid-type, misc]
        def add_scalar(self, tag: str, *args: Any, **kwargs: Any) -> None:
            super().add_scalar(f"mine/{tag}", *args, **kwargs)

    with Mine("runs/a") as writer:
        writer.add_scalar("loss", 1.0, 0)
    assert metrics(exp) == {"mine/loss": [(0, 1.0)]}


def test_writers_of_two_folders_are_told_apart_where_they_report_the_same_tag(
    exp: Experiment, writer_class: Writer
):
    with writer_class("runs/train") as train, writer_class("runs/val") as val:
        train.add_scalar("loss", 1.0, 0)
        val.add_scalar("loss", 2.0, 0)
        val.add_scalar("accuracy", 0.5, 0)
    with writer_class("runs/val") as again, writer_class("other/val") as other:
        again.add_scalar("loss", 3.0, 1)
        other.add_scalar("loss", 4.0, 1)
    assert metrics(exp) == {
        "loss": [(0, 1.0)],
        "val/loss": [(0, 2.0), (1, 3.0)],
        "accuracy": [(0, 0.5)],
        "other/val/loss": [(1, 4.0)],
    }


def test_the_original_errors_are_its_own_and_nothing_is_recorded_for_them(
    exp: Experiment, writer_class: Writer
):
    with writer_class("runs/a") as writer:
        with pytest.raises(TypeError, match="dictionary"):
            writer.add_hparams([1], {"a": 1.0})
        with pytest.raises(TypeError):
            writer.add_scalar()
    assert metrics(exp) == {}
    assert values(exp) == []


class Unreadable(np.float64):
    """A number that TensorBoard reads from its bytes, and that says no when it is asked."""

    def __float__(self) -> float:
        raise ValueError("not today")


def test_what_cannot_be_recorded_is_told_once_and_never_raised(
    exp: Experiment, writer_class: Writer, caplog: pytest.LogCaptureFixture
):
    with writer_class("runs/a") as writer:
        for step in range(3):
            writer.add_scalar("odd", Unreadable(0.5), step)
            writer.add_scalar("loss", 1.0, step)
    assert [
        (r.name, r.levelname) for r in caplog.records if "could not be recorded" in r.message
    ] == [("anew", "WARNING")]
    assert "SummaryWriter.add_scalar" in caplog.text
    assert "not today" in caplog.text
    assert metrics(exp) == {"loss": [(0, 1.0), (1, 1.0), (2, 1.0)]}
    assert len(events("runs/a").Scalars("odd")) == 3


def test_an_experiment_that_is_strict_raises_what_cannot_be_written(writer_class: Writer):
    with Experiment("alice/strict", strict=True, system_metrics=0) as exp, anew.capture():
        with writer_class("runs/a") as writer:
            writer.add_image("one", np.zeros((1, 2, 2), dtype=np.uint8), 0)
            folder = Path(exp.folder) / "values"
            folder.rename(folder.with_name("gone"))
            folder.write_text("in the way")
            with pytest.raises(WriteFailed):
                writer.add_image("two", np.zeros((1, 2, 2), dtype=np.uint8), 0)
            folder.unlink()
        assert values(exp) == [("one", "image", 0)]


def test_switched_off_nothing_is_touched(writer_class: Writer):
    before = dict(vars(writer_class))
    with Experiment("alice/off", system_metrics=0) as exp, anew.capture(tensorboard=False):
        assert dict(vars(writer_class)) == before
        with writer_class("runs/a") as writer:
            writer.add_scalar("loss", 1.0, 0)
    assert metrics(exp) == {}


def test_every_method_is_put_back_as_it_was(writer_class: Writer):
    before = dict(vars(writer_class))
    with Experiment("alice/undone", system_metrics=0) as exp:
        handle = anew.capture()
        changed = {
            name for name, method in vars(writer_class).items() if method is not before[name]
        }
        assert {"add_scalar", "add_scalars", "add_histogram", "add_image", "add_figure"} <= changed
        handle.stop()
        assert all(vars(writer_class)[name] is method for name, method in before.items())
        with writer_class("runs/a") as writer:
            writer.add_scalar("loss", 1.0, 0)
        assert metrics(exp) == {}
        anew.capture()
    assert all(vars(writer_class)[name] is method for name, method in before.items())
