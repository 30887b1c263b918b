"""The calls that log to a run: the active one, or one that is named."""

from __future__ import annotations

import contextlib
import io
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import anew

from ..translate.facts import time_metadata
from . import artifacts, experiments, fluent, logged, tables, writing
from .exceptions import MlflowException, NoSuchColumn, NotAPicture, OutOfRange, WrongShape
from .runs import view_of

if TYPE_CHECKING:
    import pandas

    from .entities import Run

__all__ = [
    "delete_tag",
    "get_artifact_uri",
    "load_table",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_input",
    "log_inputs",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_stream",
    "log_table",
    "log_text",
    "picture",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_tag",
    "set_tags",
]


@contextlib.contextmanager
def meant(run_id: str | None) -> Iterator[anew.Experiment]:
    """The handle of a run, or of the active one; where none is active, one is started."""
    if run_id is None:
        yield fluent.native_run()
    else:
        with writing.writing(run_id) as native:
            yield native


def _done(synchronous: bool | None) -> writing.Done | None:
    return writing.Done() if synchronous is False else None


# -- numbers, parameters, tags ---------------------------------------------------------------------


def log_metric(
    key: str,
    value: Any,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> writing.Done | None:
    """Log one value of a metric; without a step it is at step 0.

    Args:
        timestamp: Milliseconds since the epoch, kept beside the point.

    Raises:
        MlflowException: The value is no number, or the key cannot be kept.
    """
    return log_metrics({key: value}, step, synchronous, run_id, timestamp, model_id, dataset)


def log_metrics(
    metrics: Mapping[str, Any],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> writing.Done | None:
    """Log values of several metrics, as `log_metric`: of the active model, if no other is named."""
    known = None if dataset is None else dataset.name
    digest = None if dataset is None else getattr(dataset, "digest", None)
    model = model_id or logged.get_active_model_id()
    with meant(run_id) as native:
        writing.log_metrics(
            native, metrics, step, timestamp, model_id=model, dataset=known, dataset_digest=digest
        )
        if model is not None and native.folder:
            logged.measured(model, native.id)
    return _done(synchronous)


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Set a parameter, once; returns the value.

    Raises:
        MlflowException: It was set to another value.
    """
    log_params({key: value})
    return value if synchronous is not False else writing.Done()


def log_params(
    params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None
) -> writing.Done | None:
    """Set parameters, each once; their types are kept, and they are read as texts."""
    with meant(run_id) as native:
        writing.log_params(native, params)
    return _done(synchronous)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> writing.Done | None:
    """Set a tag."""
    return set_tags({key: value}, synchronous)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> writing.Done | None:
    """Set tags."""
    writing.set_tags(fluent.native_run(), tags)
    return _done(synchronous)


def delete_tag(key: str) -> None:
    """Remove a tag of the active run."""
    writing.delete_tag(fluent.native_run(), key)


def set_experiment_tag(key: str, value: Any) -> None:
    """Set a tag of the active experiment."""
    set_experiment_tags({key: value})


def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Set tags of the active experiment."""
    experiments.set_tags(experiments.active_id(), tags)


# -- artifacts -------------------------------------------------------------------------------------


def log_artifact(
    local_path: str | os.PathLike[str], artifact_path: str | None = None, run_id: str | None = None
) -> None:
    """Keep a file, or a folder with all in it, under a path among the artifacts."""
    source = os.fspath(local_path)
    name = os.path.basename(os.path.abspath(source))
    target = f"{artifact_path}/{name}" if artifact_path else name
    with meant(run_id) as native:
        if os.path.isdir(source):
            writing.save_folder(native, source, target)
        else:
            writing.save(native, target, source)


def log_artifacts(
    local_dir: str | os.PathLike[str], artifact_path: str | None = None, run_id: str | None = None
) -> None:
    """Keep all files of a folder under a path among the artifacts."""
    source = os.fspath(local_dir)
    if not os.path.isdir(source):
        raise MlflowException.invalid_parameter_value(f"{source!r} is not a folder.")
    with meant(run_id) as native:
        writing.save_folder(native, source, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Keep a text as a file."""
    with meant(run_id) as native:
        writing.save_text(native, artifact_file, text)


def log_dict(
    dictionary: Mapping[str, Any] | list[Any], artifact_file: str, run_id: str | None = None
) -> None:
    """Keep data as a JSON file, or as YAML if the name ends with `.yaml` or `.yml`."""
    if artifact_file.endswith((".yaml", ".yml")):
        import yaml

        plain = json.loads(json.dumps(dictionary, default=str))
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    else:
        text = json.dumps(dictionary, indent=2, default=str, ensure_ascii=False)
    log_text(text, artifact_file, run_id)


def log_stream(stream: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Keep what a stream gives as a file."""
    with meant(run_id) as native:
        writing.save(native, artifact_file, stream.read())


def log_figure(
    figure: Any,
    artifact_file: str,
    *,
    save_kwargs: Mapping[str, Any] | None = None,
    run_id: str | None = None,
) -> None:
    """Keep a figure of matplotlib (a picture of the kind that the name ends with) or plotly (HTML or JSON).

    Raises:
        TypeError: It is no figure.
    """
    options = dict(save_kwargs or {})
    kind = os.path.splitext(artifact_file)[1][1:].lower()
    if hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(buffer, **{"format": kind or "png", **options})
        data = buffer.getvalue()
    elif hasattr(figure, "to_plotly_json"):
        if kind not in ("html", "json", "png", "jpeg", "webp", "svg", "pdf"):
            raise TypeError(f"Unsupported file extension for plotly figure: '.{kind}'")
        if kind == "html":
            data = figure.to_html(include_plotlyjs="cdn", **options).encode()
        else:
            data = figure.to_json().encode() if kind == "json" else figure.to_image(kind, **options)
    else:
        raise TypeError(f"Unsupported figure object type: '{type(figure)}'")
    with meant(run_id) as native:
        writing.save(native, artifact_file, data)


def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = False,
    *,
    run_id: str | None = None,
) -> None:
    """Keep an image: as a file, or with `key` and `step` as a value over time.

    Raises:
        TypeError: Not exactly one of `artifact_file` and `key` is given.
    """
    if (artifact_file is None) == (key is None):
        raise TypeError(
            "Invalid arguments: Please specify exactly one of `artifact_file` or `key`. Use `key` to log dynamic "
            "image charts or `artifact_file` for saving static images."
        )
    if artifact_file is not None and (step is not None or timestamp is not None):
        raise TypeError(
            "The `artifact_file` parameter cannot be used in conjunction with `key`, `step`, or `timestamp` parameters."
        )
    with meant(run_id) as native, writing.told():
        if key is not None:
            beside = time_metadata(timestamp) or None
            native.log_value(key, _image(image), 0 if step is None else int(step), metadata=beside)
            return
        assert artifact_file is not None
        writing.save(native, artifact_file, _encoded(image, artifact_file))


def picture(image: Any) -> Any:
    """An array or a picture as one of PIL."""
    import PIL.Image

    if isinstance(image, PIL.Image.Image):
        return image
    pixels = _within_range(image)
    return PIL.Image.fromarray(
        pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    )


def _image(image: Any) -> anew.Image:
    image = getattr(image, "native", image) if not isinstance(image, anew.Image) else image
    if isinstance(image, anew.Image):
        return image
    if hasattr(image, "save") and not hasattr(image, "shape"):  # a picture of PIL
        return anew.Image(image)
    shape = _checked_shape(image)
    return anew.Image(
        _within_range(image), layout="HW" if len(shape) == 2 else "HWC", value_range=(0, 255)
    )


def _checked_shape(image: Any) -> tuple[int, ...]:
    """The shape of an array that is a picture.

    Raises:
        NotAPicture: It is no array, or none of numbers.
        WrongShape: It has other sides or channels.
    """
    import numpy as np

    if not hasattr(image, "shape"):
        raise NotAPicture(
            f"Unsupported image object type: {type(image)}. `image` must be one of numpy.ndarray, PIL.Image.Image, and mlflow.Image.",
            "INVALID_PARAMETER_VALUE",
        )
    array = np.asarray(image)
    if array.dtype.kind not in "biuf":
        raise NotAPicture(
            f"Invalid array data type: {array.dtype!s}. It must be a boolean, an integer or a float.",
            "INVALID_PARAMETER_VALUE",
        )
    if array.ndim not in (2, 3):
        raise WrongShape(
            f"`image` must be a 2D or 3D array but got a {array.ndim}D array.",
            "INVALID_PARAMETER_VALUE",
        )
    if array.ndim == 3 and array.shape[2] not in (1, 3, 4):
        raise WrongShape(
            f"Invalid channel length: {array.shape[2]}. It must be one of 1, 3 and 4.",
            "INVALID_PARAMETER_VALUE",
        )
    return array.shape


def _within_range(image: Any) -> Any:
    """An array as bytes: of integers from 0 to 255, of booleans, and of floats from 0 to 1, which are cut to that.

    Raises:
        OutOfRange: There are other integers.
    """
    import numpy as np

    array = np.asarray(image)
    if np.issubdtype(array.dtype, np.integer):
        if array.size and (array.min() < 0 or array.max() > 255):
            raise OutOfRange(
                f"Integer pixel values must be between 0 and 255; these are between {array.min()} and {array.max()}.",
                "INVALID_PARAMETER_VALUE",
            )
        return array.astype(np.uint8)
    array = array.astype(np.float64)
    if array.size and (np.nanmin(array) < 0 or np.nanmax(array) > 1):
        warnings.warn(
            "Float pixel values are between 0 and 1; what is outside of that was cut off.",
            stacklevel=4,
        )
    return (np.clip(np.nan_to_num(array), 0, 1) * 255).astype(np.uint8)


def _encoded(image: Any, name: str) -> bytes:
    """An image as a file of the kind that a name ends with; PNG if that says nothing."""
    import tempfile

    import PIL.Image

    with tempfile.TemporaryDirectory(prefix="anew-") as folder:
        saved = _image(image).save(folder, "image")
        path = os.path.join(folder, str(saved.path))
        ending = os.path.splitext(name)[1].lower()
        known = PIL.Image.registered_extensions().get(ending, "PNG")
        if known != "PNG":
            with PIL.Image.open(path) as picture:
                plain = picture.convert("RGB") if known == "JPEG" else picture
                plain.save(path := os.path.join(folder, f"other{ending}"))
        with open(path, "rb") as file:
            return file.read()


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Add rows to a table: a mapping of columns, a mapping of one row, or a frame of pandas."""
    with meant(run_id) as native:
        tables.log_table(native, data, artifact_file)


def load_table(
    artifact_file: str, run_ids: list[str] | None = None, extra_columns: list[str] | None = None
) -> pandas.DataFrame:
    """The rows of a table of some runs (of all of the active experiment, if none are given).

    Args:
        extra_columns: What to add of the run to each row: "run_id", "start_time" …, or "params.lr", "metrics.loss", "tags.kind".

    Raises:
        MlflowException: None of the runs has that table.
    """
    import pandas

    from .searching import find_runs

    path = writing.checked(artifact_file)
    ids = run_ids or [run.info.run_id for run in find_runs([experiments.active_id()])]
    frames = []
    for run_id in ids:
        parts = artifacts.contents(view_of(run_id)).get(path)
        if isinstance(parts, list):
            frame = artifacts.table(parts)
            if extra_columns:
                known = _columns_of(fluent.get_run(run_id))
                for column in extra_columns:
                    if column not in known and "." not in column:
                        raise NoSuchColumn(
                            f"A run has no fact {column!r}.", "INVALID_PARAMETER_VALUE"
                        )
                    frame[column] = known.get(column)
            frames.append(frame)
    if not frames:
        raise MlflowException(
            f"No runs found with the corresponding table artifact {artifact_file}.",
            "RESOURCE_DOES_NOT_EXIST",
        )
    return pandas.concat(frames, ignore_index=True)


def _columns_of(run: Run) -> dict[str, Any]:
    """What `search_runs` has of a run, by its columns."""
    found = dict(run.info)
    for kind, said in (
        ("metrics", run.data.metrics),
        ("params", run.data.params),
        ("tags", run.data.tags),
    ):
        found |= {f"{kind}.{name}": value for name, value in said.items()}
    return found


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """The URI of the active run's artifacts, or of a path among them."""
    return artifacts.get_artifact_uri(fluent.native_run().folder, artifact_path)


# -- data sets -------------------------------------------------------------------------------------


def log_input(
    dataset: Any = None,
    context: str | None = None,
    tags: Mapping[str, Any] | None = None,
    model: Any = None,
) -> None:
    """Keep which data set the run reads, and what for."""
    if dataset is not None:
        writing.log_inputs(fluent.native_run(), [(dataset, context, tags)])


def log_inputs(
    datasets: list[Any] | None = None,
    contexts: list[str | None] | None = None,
    tags_list: list[Mapping[str, Any] | None] | None = None,
    models: list[Any] | None = None,
) -> None:
    """Keep which data sets the run reads, with a context and tags for each.

    Raises:
        MlflowException: There are not as many of each.
    """
    several = datasets or []
    beside: list[list[Any]] = [
        list(given) if given is not None else [None] * len(several)
        for given in (contexts, tags_list)
    ]
    if any(len(given) != len(several) for given in beside):
        raise MlflowException.invalid_parameter_value(
            "`datasets`, `contexts` and `tags_list` must have one entry for each data set."
        )
    writing.log_inputs(fluent.native_run(), list(zip(several, *beside, strict=True)))
