"""What a program reports to TensorBoard through a `SummaryWriter`, PyTorch's or tensorboardX's.

A function here has the name and the arguments of the method it listens to. Graphs, embeddings, meshes and layouts are
not recorded: they are made for TensorBoard's own views.
"""

from __future__ import annotations

from .names import Tags
from .patches import Point

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..tracking.experiment import Experiment

__all__ = ["POINTS"]

_tags = Tags()


def _at(step: Any, walltime: Any, **more: Any) -> dict[str, Any]:
    """Step and metadata for a log call; the time is kept where the program gave one of its own."""
    metadata = {key: value for key, value in more.items() if value is not None}
    if walltime is not None:
        metadata["walltime"] = float(walltime)
    number = step if step is None else int(step)
    if number != step:  # a fractional step is cut off, as TensorBoard does, and kept beside
        metadata["global_step"] = float(step)
    return {"step": number, "metadata": metadata or None}


def add_scalar(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    scalar_value: Any,
    global_step: Any = None,
    walltime: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    """A metric."""
    name = _tags.name(experiment, writer, tag)
    experiment.log_metric(name, scalar_value, **_at(global_step, walltime))


def add_scalars(
    experiment: Experiment,
    writer: Any,
    main_tag: Any,
    tag_scalar_dict: Mapping[str, Any],
    global_step: Any = None,
    walltime: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    """Metrics `main_tag/tag`, in one record."""
    metrics = {
        _tags.name(experiment, writer, f"{main_tag}/{tag}"): value
        for tag, value in tag_scalar_dict.items()
    }
    if metrics:
        experiment.log_metrics(metrics, **_at(global_step, walltime))


def add_hparams(
    experiment: Experiment,
    writer: Any,
    hparam_dict: Mapping[str, Any],
    metric_dict: Mapping[str, Any],
    hparam_domain_discrete: Any = None,
    run_name: Any = None,
    global_step: Any = None,
    **__: Any,
) -> None:
    """Parameters, and their result as metrics."""
    if hparam_dict:
        experiment.params.set(dict(hparam_dict))
    if metric_dict:
        metrics = {_tags.name(experiment, writer, tag): v for tag, v in metric_dict.items()}
        experiment.log_metrics(metrics, **_at(global_step, None))


def _add_hparams_x(
    experiment: Experiment,
    writer: Any,
    hparam_dict: Mapping[str, Any],
    metric_dict: Mapping[str, Any],
    name: Any = None,
    global_step: Any = None,
    **__: Any,
) -> None:
    """tensorboardX has one argument less."""
    add_hparams(experiment, writer, hparam_dict, metric_dict, None, name, global_step)


def _value(experiment: Experiment, writer: Any, tag: Any, value: Any, at: dict[str, Any]) -> None:
    experiment.log_value(_tags.name(experiment, writer, tag), value, **at)


def add_histogram(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    values: Any,
    global_step: Any = None,
    bins: Any = "tensorflow",
    walltime: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    """A histogram, in bins of equal width where none are given."""
    from .pictures import histogram

    _value(experiment, writer, tag, histogram(values, bins), _at(global_step, walltime))


def add_histogram_raw(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    min: Any,
    max: Any,
    num: Any,
    sum: Any,
    sum_squares: Any,
    bucket_limits: Any,
    bucket_counts: Any,
    global_step: Any = None,
    walltime: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    """A histogram that was counted already."""
    from .pictures import counted

    value = counted(float(min), float(max), bucket_limits, bucket_counts)
    _value(experiment, writer, tag, value, _at(global_step, walltime))


def add_image(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    img_tensor: Any,
    global_step: Any = None,
    walltime: Any = None,
    dataformats: str = "CHW",
    *_: Any,
    **__: Any,
) -> None:
    """An image; those of a batch side by side, as TensorBoard shows them."""
    from .pictures import picture

    _value(experiment, writer, tag, picture(img_tensor, dataformats), _at(global_step, walltime))


def add_images(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    img_tensor: Any,
    global_step: Any = None,
    walltime: Any = None,
    dataformats: str = "NCHW",
    *_: Any,
    **__: Any,
) -> None:
    """The images of a batch, side by side."""
    add_image(experiment, writer, tag, img_tensor, global_step, walltime, dataformats)


def _boxes(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    img_tensor: Any,
    box_tensor: Any,
    global_step: Any,
    walltime: Any,
    dataformats: str,
    labels: Any,
) -> None:
    from ..values.arrays import as_array
    from .pictures import picture

    boxes = as_array(box_tensor, "The boxes").tolist()
    names = [labels] if isinstance(labels, str) else labels
    at = _at(global_step, walltime, boxes=boxes, labels=None if names is None else list(names))
    _value(experiment, writer, tag, picture(img_tensor, dataformats), at)


def add_image_with_boxes(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    img_tensor: Any,
    box_tensor: Any,
    global_step: Any = None,
    walltime: Any = None,
    rescale: Any = 1,
    dataformats: str = "CHW",
    labels: Any = None,
    **__: Any,
) -> None:
    """An image, with the boxes and their labels beside it."""
    _boxes(experiment, writer, tag, img_tensor, box_tensor, global_step, walltime, dataformats, labels)  # fmt: skip


def _add_image_with_boxes_x(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    img_tensor: Any,
    box_tensor: Any,
    global_step: Any = None,
    walltime: Any = None,
    dataformats: str = "CHW",
    labels: Any = None,
    **__: Any,
) -> None:
    """tensorboardX has one argument less."""
    _boxes(experiment, writer, tag, img_tensor, box_tensor, global_step, walltime, dataformats, labels)  # fmt: skip


def add_figure(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    figure: Any,
    global_step: Any = None,
    close: bool = True,
    walltime: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    """A figure; of a list, each under its number."""
    from ..values.figure import Figure

    several = figure if isinstance(figure, list) else [figure]
    for number, one in enumerate(several):
        name = tag if one is figure else f"{tag}/{number}"
        _value(experiment, writer, name, Figure(one), _at(global_step, walltime))


def add_video(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    vid_tensor: Any,
    global_step: Any = None,
    fps: Any = 4,
    walltime: Any = None,
    dataformats: str = "NTCHW",
    *_: Any,
    **__: Any,
) -> None:
    """A video; those of a batch side by side."""
    from .pictures import film

    value = film(vid_tensor, float(fps), dataformats)
    _value(experiment, writer, tag, value, _at(global_step, walltime))


def add_audio(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    snd_tensor: Any,
    global_step: Any = None,
    sample_rate: Any = 44100,
    walltime: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    """A sound."""
    from .pictures import sound

    value = sound(snd_tensor, int(sample_rate))
    _value(experiment, writer, tag, value, _at(global_step, walltime))


def add_text(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    text_string: Any,
    global_step: Any = None,
    walltime: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    """A text; TensorBoard shows it as Markdown."""
    from ..values.text import Text

    _value(experiment, writer, tag, Text(str(text_string), "markdown"), _at(global_step, walltime))


def add_pr_curve(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    labels: Any,
    predictions: Any,
    global_step: Any = None,
    num_thresholds: int = 127,
    weights: Any = None,
    walltime: Any = None,
    *_: Any,
    **__: Any,
) -> None:
    """Precision and recall at each threshold, as a table."""
    from .pictures import precision_recall

    value = precision_recall(labels, predictions, int(num_thresholds), weights)
    _value(experiment, writer, tag, value, _at(global_step, walltime))


def add_pr_curve_raw(
    experiment: Experiment,
    writer: Any,
    tag: Any,
    true_positive_counts: Any,
    false_positive_counts: Any,
    true_negative_counts: Any,
    false_negative_counts: Any,
    precision: Any,
    recall: Any,
    global_step: Any = None,
    num_thresholds: int = 127,
    weights: Any = None,
    walltime: Any = None,
    **__: Any,
) -> None:
    """The same, counted already."""
    from .pictures import curve

    counts = (true_positive_counts, false_positive_counts, true_negative_counts)
    value = curve(*counts, false_negative_counts, precision, recall)
    _value(experiment, writer, tag, value, _at(global_step, walltime))


_METHODS = (
    add_scalar, add_scalars, add_histogram, add_histogram_raw, add_image, add_images, add_figure, add_video, add_audio,
    add_text, add_pr_curve, add_pr_curve_raw,
)  # fmt: skip
_TORCH, _X = "torch.utils.tensorboard.writer", "tensorboardX.writer"
POINTS = (
    *(
        Point("tensorboard", module, "SummaryWriter", method.__name__, method)
        for module in (_TORCH, _X)
        for method in _METHODS
    ),
    Point("tensorboard", _TORCH, "SummaryWriter", "add_hparams", add_hparams),
    Point("tensorboard", _X, "SummaryWriter", "add_hparams", _add_hparams_x),
    Point("tensorboard", _TORCH, "SummaryWriter", "add_image_with_boxes", add_image_with_boxes),
    Point("tensorboard", _X, "SummaryWriter", "add_image_with_boxes", _add_image_with_boxes_x),
)
