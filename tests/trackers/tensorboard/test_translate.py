"""One program leaves one record: through the dialect, and through PyTorch's and tensorboardX's writer under `capture()`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew
from anew import Store
from anew.dialects.tensorboard import SummaryWriter
from anew.trackers.tensorboard.translate.calls import CALLS
from later import later

from ...dialects.records import recorded

torch = later("torch")

RNG = np.random.default_rng(0)
PICTURES = RNG.random((3, 3, 6, 4))
FILM, MESH = RNG.random((3, 4, 3, 8, 6)), RNG.random((2, 4, 3))
LABELS, SCORES = RNG.integers(0, 2, 50), RNG.random(50)
CURVE = [RNG.random(5) for _ in range(6)]
RAW: dict[str, Any] = {
    "min": 0.5, "max": 4.0, "num": 6, "sum": 12.0, "sum_squares": 40.0, "bucket_limits": [0.0, 1.0, 2.0, 3.0, 1e30],
    "bucket_counts": [0, 2, 1, 0, 3], "global_step": 7,
}  # fmt: skip


def a_figure() -> Any:
    figure = later("matplotlib.figure").Figure(figsize=(1, 1))
    figure.add_subplot().plot([1, 2, 1])
    return figure


def a_sound(writer: Any) -> None:
    writer.add_audio("tone", torch.sin(torch.arange(80) / 3)[None], 1, sample_rate=8000)


def metadata(writer: Any) -> None:
    with writer.use_metadata(global_step=8, walltime=5.0):
        writer.add_scalar("inside", 1)
        writer.add_scalar("inside", 1, 9, 6.0)


def hparams(writer: Any) -> None:
    writer.add_hparams({"lr": 0.1, "deep": True}, {"hparam/acc": 0.5})
    writer.add_hparams({"lr": 0.1, "deep": True}, {"hparam/acc": 0.6}, global_step=1)
    writer.add_hparams({"lr": 0.2, "deep": True}, {"hparam/acc": 0.7})


def box(writer: Any) -> None:
    boxes = torch.tensor([[1, 1, 3, 4]])
    writer.add_image_with_boxes("boxes", PICTURES[0], boxes, 2, labels=["cat"])


# The calls that make up a program, each by the method that it is about.
PROGRAM: list[tuple[str, Any]] = [
    ("add_scalar", lambda w: [w.add_scalar("loss", 0.1 / 3 + step, step) for step in (0, 5, 3, 3)]),
    ("add_scalar", lambda w: w.add_scalar("nan", float("nan"), 1, 12.5)),
    ("add_scalar", lambda w: w.add_scalar(" odd\ntag " + "x" * 600, torch.tensor(2.0), 2.5)),
    ("add_scalar", lambda w: w.add_scalar("without a step", 1)),
    ("add_scalars", lambda w: w.add_scalars("both", {"a": 1.0, "b": np.float32(2.0)}, 4)),
    ("use_metadata", metadata),
    ("add_hparams", hparams),
    ("add_histogram", lambda w: w.add_histogram("h", np.arange(100.0), 0)),
    ("add_histogram", lambda w: w.add_histogram("auto", np.arange(100.0), bins="auto")),
    ("add_histogram_raw", lambda w: w.add_histogram_raw("raw", **RAW)),
    ("add_image", lambda w: w.add_image("chw", PICTURES[0], 2)),
    ("add_image", lambda w: w.add_image("beyond", PICTURES[0, 0] * 3 - 1, 2, dataformats="HW")),
    ("add_images", lambda w: w.add_images("batch", torch.from_numpy(PICTURES), 2)),
    ("add_image_with_boxes", box),
    ("add_figure", lambda w: w.add_figure("figure", a_figure(), 3, False)),
    ("add_figure", lambda w: w.add_figure("figures", [a_figure(), a_figure()], 3, False)),
    ("add_text", lambda w: w.add_text("notes", "**bold**", 4)),
    ("add_audio", a_sound),
    ("add_video", lambda w: w.add_video("film", torch.from_numpy(FILM), 2, 10)),
    ("add_pr_curve", lambda w: w.add_pr_curve("pr", LABELS, SCORES, 0, 11)),
    ("add_pr_curve_raw", lambda w: w.add_pr_curve_raw("raw pr", *CURVE, 1, num_thresholds=5)),
    ("add_mesh", lambda w: w.add_mesh("cube", torch.from_numpy(MESH), global_step=3)),
    ("add_embedding", lambda w: w.add_embedding(torch.eye(5), list("abcde"), global_step=2, tag="words")),
    ("add_tensor", lambda w: w.add_tensor("t", torch.arange(3), 6)),
    ("add_graph", lambda w: w.add_graph(torch.nn.Linear(2, 3), torch.zeros(1, 2))),
    ("add_onnx_graph", lambda w: w.add_onnx_graph("model.onnx")),
    ("add_custom_scalars", lambda w: w.add_custom_scalars({"all": {"loss": ["Multiline", ["loss"]]}})),
    ("add_custom_scalars_multilinechart", lambda w: w.add_custom_scalars_multilinechart(["a", "b"])),
    (
        "add_custom_scalars_marginchart",
        lambda w: w.add_custom_scalars_marginchart(["a", "b", "c"], "c", "t"),
    ),
]  # fmt: skip
LEFT_OUT = {
    "add_openvino_graph"
}  # its package is a large one, and the call is that of add_onnx_graph
# What a call needs besides the library itself, in both and in one of them.
NEEDS = {"add_onnx_graph": "onnx", "add_video": "moviepy"}
NEEDS_IN = {"tensorboardX": {"add_audio": "soundfile"}, "torch.utils.tensorboard": {}}


def available(package: str) -> list[Any]:
    """The calls of the program that a library can make here."""
    needs, theirs = NEEDS | NEEDS_IN[package], importlib.import_module(package).SummaryWriter
    named = {  # the two libraries have the name of a row in different places
        "tensorboardX": lambda w: w.add_hparams({"lr": 0.3}, {"hparam/acc": 0.8}, "trial", 4),
        "torch.utils.tensorboard": lambda w: w.add_hparams(
            {"lr": 0.3}, {"hparam/acc": 0.8}, None, "trial", 4
        ),
    }
    program = [*PROGRAM, ("add_hparams", named[package])]
    return [
        call
        for name, call in program
        if hasattr(theirs, name)
        and (name not in needs or importlib.util.find_spec(needs[name]) is not None)
    ]


def everything(prefix: str) -> Any:
    """All that an experiment and its children recorded, but times and ids."""
    view = Store()[prefix]
    found = recorded(view.path)
    values = [
        (v.name, v.kind, v.step, v.metadata, v.data, None if v.path is None else v.read_bytes())
        for v in view.values()
    ]
    facts = {name: view.captured[name] for name in ("custom scalars",) if name in view.captured}
    children = {
        child.prefix.removeprefix(f"{view.prefix}/"): (
            child.params.to_dict(),
            {name: child.metrics[name].rows() for name in child.metrics},
        )
        for child in view.children()
    }
    for _, metrics in children.values():
        for rows in metrics.values():
            for row in rows:
                del row["time"]
    found["files"] = [entry for entry in found["files"] if entry[0] != "outputs"]
    return found | {"values": values, "facts": facts, "children": children}


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    monkeypatch.setenv("ANEW_CAPTURE", "off")


def an_onnx_model() -> None:
    """The smallest model there is, in the parts of the format that readers insist on."""
    Path("model.onnx").write_bytes(b"\x08\x07\x3a\x02\x12\x00")


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # their add_graph traces
@pytest.mark.parametrize("package", list(NEEDS_IN))
def test_every_call_leaves_the_same_record_through_capture_and_through_the_dialect(package: str):
    an_onnx_model()
    theirs = importlib.import_module(package).SummaryWriter
    program = available(package)
    with (
        anew.Experiment("a/captured", quiet=True),
        anew.capture(logging=False, matplotlib=False),
        theirs("runs/theirs") as writer,
    ):
        for call in program:
            call(writer)
    with SummaryWriter("runs/ours") as writer:
        for call in program:
            call(writer)
    captured, dialect = everything("a/captured"), everything("runs/ours")
    for part in captured:
        assert repr(captured[part]) == repr(dialect[part]), part  # NaN is not equal to itself
    assert captured["values"]
    assert captured["children"]


def test_the_program_makes_every_call_that_is_translated():
    made = {name for name, _ in PROGRAM} | LEFT_OUT
    assert made - {"use_metadata", "add_hparams"} == set(CALLS)


def test_every_translation_takes_what_the_method_of_the_dialect_takes():
    for name, translate in CALLS.items():
        method = getattr(SummaryWriter, name)
        taken = list(inspect.signature(translate).parameters)[1:]
        given = list(inspect.signature(method).parameters)[1:]
        shared = [one for one in given if one in taken]
        assert [one for one in taken if one in given] == shared, name


@pytest.mark.parametrize("thresholds", [5, 127])
def test_a_curve_comes_back_as_the_one_that_tensorboard_writes(thresholds: int, tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util
    from torch.utils.tensorboard import SummaryWriter as Theirs

    from anew.record.events import ValueLogged
    from anew.trackers.tensorboard.translate.summaries import value_of

    from ...tracking.reading import events

    with SummaryWriter("runs/ours") as ours, Theirs(str(tmp_path / "theirs")) as theirs:
        for writer in (ours, theirs):
            writer.add_pr_curve("pr", LABELS, SCORES, 0, thresholds)
    folder = ours.native.folder
    [record] = [event for _, event in events(folder) if isinstance(event, ValueLogged)]
    [made] = value_of("pr", record, folder)
    accumulator = EventAccumulator(str(tmp_path / "theirs"))
    accumulator.Reload()
    [written] = accumulator.Tensors("pr")
    theirs_said = accumulator.SummaryMetadata("pr").plugin_data
    assert made.metadata.plugin_data.plugin_name == theirs_said.plugin_name
    assert made.metadata.plugin_data.content == theirs_said.content
    found = tensor_util.make_ndarray(made.tensor)
    assert np.allclose(found, tensor_util.make_ndarray(written.tensor_proto))
