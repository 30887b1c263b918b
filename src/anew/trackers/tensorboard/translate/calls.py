"""Calls of a `SummaryWriter` as what Anew records of them.

A function here has the name and the arguments of the method that it translates, PyTorch's and tensorboardX's; the first
argument is the step and time that a `use_metadata` block gives. It returns what to record, and records nothing itself.
A step that is not given is 0, as in an event file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from ....values import Audio, Figure, Text
from ..names import CURVE, LAYOUT, tag_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["CALLS", "Document", "Fact", "Numbers", "Row", "Value", "When", "add_hparams"]


class When(NamedTuple):
    """The step, and the time in seconds since the epoch, of calls that give none."""

    step: int | None = None
    walltime: float | None = None


class Numbers(NamedTuple):
    """Metrics of one step."""

    values: dict[str, Any]
    step: int
    metadata: dict[str, Any] | None


class Value(NamedTuple):
    """A value beyond numbers."""

    name: str
    value: Any
    step: int
    metadata: dict[str, Any] | None


class Document(NamedTuple):
    """A file of the experiment, below the folder `prefix`; `data` are its bytes, plain data or the path of a file."""

    prefix: str
    name: str
    data: Any
    step: int
    metadata: dict[str, Any] | None


class Fact(NamedTuple):
    """A captured fact."""

    what: str
    data: dict[str, Any]


class Row(NamedTuple):
    """A row of the table of hyperparameters: parameters, and the metrics that they led to.

    Attributes:
        name: The row's own name, if the call gives one.
        domains: The values that each parameter may have, if the call says so.
    """

    params: dict[str, Any]
    metrics: dict[str, Any]
    step: int
    name: str | None
    domains: dict[str, Any] | None


def _step(when: When, global_step: Any) -> int:
    if type(global_step) is int:
        return global_step
    if global_step is None:
        return 0 if when.step is None else int(when.step)
    return int(global_step)


def _beside(when: When, global_step: Any, walltime: Any, **facts: Any) -> dict[str, Any] | None:
    """The metadata of a record: its own time if the program gave one, and a fractional step before it was cut off."""
    if walltime is None:
        walltime = when.walltime
    if walltime is not None:
        facts["walltime"] = float(walltime)
    if global_step is not None and type(global_step) is not int and int(global_step) != global_step:
        facts["global_step"] = float(global_step)
    return facts or None


def _value(
    when: When, tag: Any, value: Any, global_step: Any, walltime: Any, **facts: Any
) -> list[Any]:
    step, metadata = _step(when, global_step), _beside(when, global_step, walltime, **facts)
    return [Value(tag_name(tag), value, step, metadata)]


def add_scalar(
    when: When, tag: Any, scalar_value: Any, global_step: Any = None, walltime: Any = None, *_: Any, **__: Any
) -> list[Any]:  # fmt: skip
    """A metric."""
    step, metadata = _step(when, global_step), _beside(when, global_step, walltime)
    return [Numbers({tag_name(tag): scalar_value}, step, metadata)]


def add_scalars(
    when: When, main_tag: Any, tag_scalar_dict: Mapping[str, Any], global_step: Any = None, walltime: Any = None
) -> list[Any]:  # fmt: skip
    """Metrics of one chart, named `main_tag/tag`."""
    row = {tag_name(f"{main_tag}/{tag}"): value for tag, value in tag_scalar_dict.items()}
    step, metadata = _step(when, global_step), _beside(when, global_step, walltime)
    return [Numbers(row, step, metadata)] if row else []


def add_hparams(
    when: When,
    hparam_dict: Mapping[str, Any],
    metric_dict: Mapping[str, Any],
    hparam_domain_discrete: Any = None,
    run_name: Any = None,
    global_step: Any = None,
    *,
    name: Any = None,
) -> Row:
    """A row of the table of hyperparameters.

    Raises:
        TypeError: One of the two is no mapping.
    """
    for what, given in (("hparam_dict", hparam_dict), ("metric_dict", metric_dict)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{what} must be a mapping of names to values, not {given!r:.80}.")
    if isinstance(hparam_domain_discrete, str):  # tensorboardX has the name in this place
        if global_step is None and run_name is not None:  # and the step in the next
            global_step, run_name = run_name, None
        name, hparam_domain_discrete = hparam_domain_discrete, None
    return Row(
        {key: _plain(value) for key, value in hparam_dict.items()},
        {tag_name(key): value for key, value in metric_dict.items()},
        _step(when, global_step),
        run_name or name or None,
        dict(hparam_domain_discrete) if hparam_domain_discrete else None,
    )


def _plain(value: Any) -> Any:
    """A hyperparameter that is a tensor of one element, as the number in it."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) in ((), (1,)) else value


def add_histogram(
    when: When, tag: Any, values: Any, global_step: Any = None, bins: Any = "tensorflow", walltime: Any = None,
    max_bins: Any = None,
) -> list[Any]:  # fmt: skip
    """A histogram; NaN and infinities are counted apart."""
    from .arrays import histogram

    return _value(when, tag, histogram(values, bins, max_bins), global_step, walltime)


def add_histogram_raw(
    when: When, tag: Any, min: Any, max: Any, num: Any, sum: Any, sum_squares: Any, bucket_limits: Any,
    bucket_counts: Any, global_step: Any = None, walltime: Any = None,
) -> list[Any]:  # fmt: skip
    """A histogram that was counted already; `bucket_limits` are the upper limits of its bins."""
    from .arrays import counted

    facts = {"min": min, "max": max, "count": num, "sum": sum, "sum_squares": sum_squares}
    plain = {name: float(value) for name, value in facts.items()}
    value = counted(plain["min"], plain["max"], bucket_limits, bucket_counts)
    return _value(when, tag, value, global_step, walltime, **plain)


def add_image(
    when: When, tag: Any, img_tensor: Any, global_step: Any = None, walltime: Any = None, dataformats: str = "CHW"
) -> list[Any]:  # fmt: skip
    """An image; those of a batch as a grid with eight in a row."""
    from .arrays import image

    return _value(when, tag, image(img_tensor, dataformats), global_step, walltime)


def add_images(
    when: When, tag: Any, img_tensor: Any, global_step: Any = None, walltime: Any = None, dataformats: str = "NCHW"
) -> list[Any]:  # fmt: skip
    """The images of a batch as one grid."""
    return add_image(when, tag, img_tensor, global_step, walltime, dataformats)


def add_image_with_boxes(
    when: When, tag: Any, img_tensor: Any, box_tensor: Any, global_step: Any = None, walltime: Any = None,
    rescale: Any = 1, dataformats: Any = "CHW", labels: Any = None, **_: Any,
) -> list[Any]:  # fmt: skip
    """An image with boxes (xmin, ymin, xmax, ymax) drawn on it; the boxes are kept in the metadata too."""
    from .arrays import array_of, boxed

    if isinstance(rescale, str):  # tensorboardX has no rescale in this place
        labels = labels if dataformats == "CHW" else dataformats
        rescale, dataformats = 1, rescale
    names = [labels] if isinstance(labels, str) else labels
    facts = {"boxes": array_of(box_tensor).tolist(), **({"labels": [*names]} if names else {})}
    drawn = boxed(img_tensor, box_tensor, names, rescale, dataformats)
    return _value(when, tag, drawn, global_step, walltime, **facts)


def add_figure(
    when: When, tag: Any, figure: Any, global_step: Any = None, close: bool = True, walltime: Any = None
) -> list[Any]:  # fmt: skip
    """A figure of matplotlib, or each of several."""
    figures = list(figure) if isinstance(figure, (list, tuple)) else [figure]
    made = []
    for at, one in enumerate(figures):
        facts = {"index": at} if len(figures) > 1 else {}
        made += _value(when, tag, Figure(one), global_step, walltime, **facts)
    return made


def add_text(
    when: When, tag: Any, text_string: Any, global_step: Any = None, walltime: Any = None
) -> list[Any]:
    """A text, which TensorBoard shows as Markdown."""
    return _value(when, tag, Text(str(text_string), "markdown"), global_step, walltime)


def add_audio(
    when: When, tag: Any, snd_tensor: Any, global_step: Any = None, sample_rate: Any = 44100, walltime: Any = None
) -> list[Any]:  # fmt: skip
    """Sound: samples from -1 to 1; louder ones are divided by their peak."""
    from .arrays import sound

    return _value(when, tag, Audio(sound(snd_tensor), int(sample_rate)), global_step, walltime)


def add_video(
    when: When, tag: Any, vid_tensor: Any, global_step: Any = None, fps: Any = 4, walltime: Any = None,
    dataformats: str = "NTCHW",
) -> list[Any]:  # fmt: skip
    """A video; those of a batch side by side."""
    from .arrays import video

    value = video(vid_tensor, float(fps or 4), dataformats)
    return _value(when, tag, value, global_step, walltime)


def add_pr_curve(
    when: When, tag: Any, labels: Any, predictions: Any, global_step: Any = None, num_thresholds: Any = 127,
    weights: Any = None, walltime: Any = None,
) -> list[Any]:  # fmt: skip
    """A curve of precision and recall as a table with a row for each threshold."""
    from .arrays import pr_table

    table = pr_table(labels, predictions, int(num_thresholds), weights)
    return _value(when, tag, table, global_step, walltime, curve=CURVE)


def add_pr_curve_raw(
    when: When, tag: Any, true_positive_counts: Any, false_positive_counts: Any, true_negative_counts: Any,
    false_negative_counts: Any, precision: Any, recall: Any, global_step: Any = None, num_thresholds: Any = 127,
    weights: Any = None, walltime: Any = None,
) -> list[Any]:  # fmt: skip
    """The same, of counts made already."""
    from .arrays import curve_table

    counts = [true_positive_counts, false_positive_counts, true_negative_counts]
    table = curve_table([*counts, false_negative_counts, precision, recall])
    return _value(when, tag, table, global_step, walltime, curve=CURVE)


def add_mesh(
    when: When, tag: Any, vertices: Any, colors: Any = None, faces: Any = None,
    config_dict: Mapping[str, Any] | None = None, global_step: Any = None, walltime: Any = None,
) -> list[Any]:  # fmt: skip
    """Meshes or clouds of points (batch × points × 3) as PLY files in `meshes/<tag>/`."""
    from .arrays import array_of, ply

    batches = [None if x is None else array_of(x) for x in (vertices, colors, faces)]
    step, facts = _step(when, global_step), {"config": dict(config_dict)} if config_dict else {}
    metadata = _beside(when, global_step, walltime, **facts)
    made: list[Any] = []
    for at, points in enumerate(batches[0] if batches[0] is not None else ()):
        more = [None if batch is None else batch[at] for batch in batches[1:]]
        name = f"{tag}/step-{step}-{at}.ply"
        made.append(Document("meshes", name, ply(points, *more), step, metadata))
    return made


def add_embedding(
    when: When, mat: Any, metadata: Any = None, label_img: Any = None, global_step: Any = None,
    tag: str = "default", metadata_header: Any = None,
) -> list[Any]:  # fmt: skip
    """Vectors with what belongs to each: `vectors.npy`, `metadata.json` and images in `embeddings/<tag>/`.

    Raises:
        ValueError: There are not as many labels as vectors.
    """
    from .arrays import array_of, image, npy

    vectors = array_of(mat)
    if metadata is not None and len(metadata) != len(vectors):
        raise ValueError(
            f"{len(vectors)} vectors need as many entries of metadata, not {len(metadata)}."
        )
    step, beside = _step(when, global_step), _beside(when, global_step, None)
    made: list[Any] = [Document("embeddings", f"{tag}/vectors.npy", npy(vectors), step, beside)]
    if metadata is not None:
        data = {"header": [*metadata_header] if metadata_header else None, "rows": [*metadata]}
        made.append(Document("embeddings", f"{tag}/metadata.json", data, step, beside))
    if label_img is not None:
        made += _value(
            when, f"embeddings/{tag}/images", image(label_img, "NCHW"), global_step, None
        )
    return made


def add_tensor(
    when: When, tag: Any, tensor: Any, global_step: Any = None, walltime: Any = None
) -> list[Any]:
    """An array as it is, in `tensors/<tag>/step-<step>.npy`."""
    from .arrays import npy

    step, metadata = _step(when, global_step), _beside(when, global_step, walltime)
    return [Document("tensors", f"{tag}/step-{step}.npy", npy(tensor), step, metadata)]


def add_graph(when: When, model: Any, *_: Any, **__: Any) -> list[Any]:
    """What a model consists of, as a text; it is not traced."""
    parameters = getattr(model, "parameters", None)
    facts = {}
    if callable(parameters):
        try:
            facts = {"parameters": sum(int(each.numel()) for each in parameters())}
        except Exception:  # noqa: BLE001  (a model of another library; the text is enough)
            facts = {}
    return _value(when, "graph", Text(str(model)), None, None, **facts)


def add_onnx_graph(when: When, prototxt: Any = None, *, onnx_model_file: Any = None) -> list[Any]:
    """The file of a model, in `graphs/`."""
    path = os.fspath(prototxt or onnx_model_file)
    step, metadata = _step(when, None), _beside(when, None, None)
    return [Document("graphs", os.path.basename(path), path, step, metadata)]


def add_openvino_graph(when: When, xmlname: Any) -> list[Any]:
    """The file of a model, in `graphs/`."""
    return add_onnx_graph(when, xmlname)


def add_custom_scalars(when: When, layout: Mapping[str, Any]) -> list[Any]:
    """How charts are arranged."""
    return [Fact(LAYOUT, dict(layout))]


def add_custom_scalars_multilinechart(
    when: When, tags: Any, category: str = "default", title: str = "untitled"
) -> list[Any]:
    """That these metrics belong in one chart."""
    return add_custom_scalars(when, {category: {title: ["Multiline", [*tags]]}})


def add_custom_scalars_marginchart(
    when: When, tags: Any, category: str = "default", title: str = "untitled"
) -> list[Any]:
    """That these metrics are a value, its lower and its upper bound."""
    return add_custom_scalars(when, {category: {title: ["Margin", [*tags]]}})


CALLS: dict[str, Callable[..., list[Any]]] = {
    call.__name__: call
    for call in (
        add_scalar, add_scalars, add_histogram, add_histogram_raw, add_image, add_images, add_image_with_boxes,
        add_figure, add_text, add_audio, add_video, add_pr_curve, add_pr_curve_raw, add_mesh, add_embedding,
        add_tensor, add_graph, add_onnx_graph, add_openvino_graph, add_custom_scalars,
        add_custom_scalars_multilinechart, add_custom_scalars_marginchart,
    )
}  # fmt: skip
