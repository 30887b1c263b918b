"""Code written for ml-dash: `from anew.dialects.ml_dash import Experiment, RUN, ml_dash_experiment`.

What differs from `anew.Experiment` is here and nothing else: the keywords `dash_root` and `dash_url`, rows of
metrics that are read back, summaries of buffered values, and files listed and fetched by glob. A status is kept
in local mode too, an unknown keyword is an error, and whatever needs a started experiment says so.
"""

from __future__ import annotations

import builtins
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import anew
from anew.errors import InvalidName, InvalidValue, NotFound, NotRunning

__all__ = ["RUN", "UNSUPPORTED", "Experiment", "ml_dash_experiment"]

UNSUPPORTED: dict[str, str] = {
    "Experiment(dash_url=...)": "there is no server to send to yet; leave it out and the experiment is kept locally",
    'metrics(name).log(note="text")': "a metric is a number; keep a text with `exp.log` or as a parameter",
    "metrics(name).summary_cache": "use `metrics(name).buffer(...)` and `metrics.buffer.log_summary(...)`",
    "files(prefix).save_pkl": "no pickle is written or read; save plain data, bytes or a state dict",
    "files(prefix).save_video": "log an `anew.Video` with `exp.native.log_value`",
    "files(prefix).delete": "what was recorded stays; `Store.delete` removes a whole experiment",
}

P = ParamSpec("P")
T = TypeVar("T")

RUN = anew.RUN
_LEVELS = {"warn": "warning", "fatal": "critical"}
_PERCENTILES = {"median": 50, "p50": 50, "p90": 90, "p95": 95, "p99": 99}
_AGGREGATES = ("mean", "std", "min", "max", "count", "sum", "first", "last", *_PERCENTILES)


class Experiment:
    """An experiment addressed by its prefix; opened, logged to and ended through `run`.

    Args:
        prefix: `owner/project/path…/name`. Opening it again continues the same experiment.
        dash_root: The store's root folder; where Anew keeps experiments anyway if not given.
        dash_url: Not supported yet.

    Raises:
        InvalidName: The prefix has no slash or cannot be kept.
        InvalidValue: `dash_url` was given.

    Attributes:
        native: The `anew.Experiment` below, for all it can do besides.
    """

    def __init__(
        self,
        prefix: str,
        *,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        bindrs: Iterable[str] | None = None,
        dash_root: str | os.PathLike[str] | None = None,
        dash_url: str | bool | None = None,
    ) -> None:
        if dash_url:
            raise InvalidValue(
                f"dash_url={dash_url!r} is not supported yet: {UNSUPPORTED['Experiment(dash_url=...)']}.",
                key="dash_url",
            )
        if "/" not in prefix.strip("/"):
            raise InvalidName(
                f"The prefix {prefix!r} has no project: it is owner/project/…/name.", name=prefix
            )
        self.native = anew.Experiment(
            prefix=prefix, description=description, tags=tags, bindrs=bindrs, root=dash_root
        )
        self.run = Run(self)
        self.params = Params(self)
        self.metrics = Metrics(self)
        self.files = FilesOf(self)
        self._store: anew.Store | None = None

    @property
    def id(self) -> str:
        """The experiment's id; "" until it has started."""
        return self.native.id

    @property
    def prefix(self) -> str:
        """Its path under the root."""
        return self.native.prefix

    @property
    def status(self) -> anew.Status:
        """PENDING, RUNNING, COMPLETED, FAILED or CANCELLED."""
        return self.native.status

    def log(
        self,
        message: str,
        level: str = "info",
        metadata: Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> None:
        """Keep a message at a level: debug, info, warn, error or fatal."""
        word = level.lower()
        self.native.log(message, _LEVELS.get(word, word), **{**(metadata or {}), **extra})

    def view(self, call: str) -> Any:
        """What is recorded so far, of all openings; None where recording is disabled.

        Raises:
            NotRunning: The experiment was never started.
        """
        native = self.native
        if native.status is anew.Status.PENDING:
            raise NotRunning(
                f"{call} before the start: use `with experiment.run as exp:` or call experiment.run.start() first."
            )
        if not native.folder:
            return None
        if self._store is None:
            self._store = anew.Store(Path(native.folder).parents[native.prefix.count("/")])
        return self._store.get(native.id)

    def __repr__(self) -> str:
        return f"<ml_dash.Experiment {self.prefix} {self.status}>"


class Run:
    """Starts and ends its experiment; in a `with` statement it gives the experiment."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._run = experiment.native.run

    def start(self) -> Experiment:
        """Begin recording, or go on with what was recorded under the prefix before."""
        self._run.start()
        return self._experiment

    def complete(self) -> None:
        """End it as completed."""
        self._run.complete()

    def fail(self, error: str | BaseException | None = None) -> None:
        """End it as failed, with the reason if it is given."""
        self._run.fail(error)

    def cancel(self, reason: str | None = None) -> None:
        """End it as cancelled."""
        self._run.cancel(reason)

    def __enter__(self) -> Experiment:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run.__exit__(kind, error, traceback)


def ml_dash_experiment(
    prefix: str, **options: Any
) -> Callable[[Callable[Concatenate[Experiment, P], T]], Callable[P, T]]:
    """Record each call of a function; its argument `experiment` receives the experiment."""

    def decorate(function: Callable[..., T]) -> Callable[P, T]:
        @wraps(function)
        def recorded(*args: P.args, **kwargs: P.kwargs) -> T:
            with Experiment(prefix, **options).run as experiment:
                return function(*args, **{**kwargs, "experiment": experiment})

        return recorded

    return decorate


class Params:
    """`exp.params`."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def set(self, **params: Any) -> Params:
        """Set parameters; nested mappings merge."""
        self._experiment.native.params.set(params)
        return self

    log = set

    def get(self, flatten: bool = True) -> dict[str, Any]:
        """All parameters, by dotted key or nested."""
        self._experiment.view("params.get")
        found: dict[str, Any] = self._experiment.native.params.get(flatten=flatten)
        return found


class Metrics:
    """`exp.metrics(name)`, and `exp.metrics.buffer` for summaries of what was buffered."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._known: dict[str, Metric] = {}
        self.buffer = Buffers(self)

    def __call__(self, name: str) -> Metric:
        if name not in self._known:
            self._known[name] = Metric(self._experiment, name)
        return self._known[name]


class Metric:
    """Rows of numbers under a name; one call is one row."""

    def __init__(self, experiment: Experiment, name: str) -> None:
        self._experiment = experiment
        self._name = name
        self._group = experiment.native.metrics(name)
        self.buffered: dict[str, list[float]] = {}

    def __getattr__(self, name: str) -> Any:
        raise _no_attribute("metrics(name)", name)

    def log(self, **values: Any) -> Metric:
        """Log one row: `exp.metrics("train").log(loss=0.5, epoch=1)`."""
        self._group.log(values)
        return self

    def buffer(self, **values: Any) -> Metric:
        """Hold values for `exp.metrics.buffer.log_summary`."""
        _hold(self.buffered, values)
        return self

    def read(self, start: int = 0, limit: int = 1000) -> dict[str, Any]:
        """Rows from `start` on, as `{data: [{index, data, createdAt}], startIndex, endIndex, total, hasMore}`.

        `endIndex` is that of the last row given; `total` counts all rows there are.

        Raises:
            NotRunning: The experiment was never started.
            ValueError: `start` or `limit` is negative.
        """
        if start < 0 or limit < 0:
            raise ValueError(f"start and limit are 0 or more, not {start} and {limit}.")
        view = self._experiment.view("metrics.read")
        rows: Sequence[dict[str, Any]] = [] if view is None else view.metrics.rows(self._name)
        page = [
            {"index": row["index"], "data": row["values"], "createdAt": _iso(row["time"])}
            for row in rows[start : start + limit]
        ]
        end = start + len(page)
        return {
            "data": page,
            "startIndex": start,
            "endIndex": end - 1,
            "total": len(rows),
            "hasMore": end < len(rows),
        }

    def stats(self) -> dict[str, dict[str, float]]:
        """Per field its mean, min, max, std, count, first, last, and the percentiles p50, p90, p95 and p99.

        Raises:
            NotRunning: The experiment was never started.
        """
        view = self._experiment.view("metrics.stats")
        if view is None:
            return {}
        found = {}
        start = len(self._name) + 1
        for name, metric in view.metrics.items():
            if name.startswith(f"{self._name}/") and "/" not in name[start:]:
                facts = ("mean", "min", "max", "std", "count", "first", "last")
                of = {fact: getattr(metric, fact) for fact in facts}
                percentiles = metric.percentiles((50, 90, 95, 99))
                found[name[start:]] = of | {f"p{at:.0f}": v for at, v in percentiles.items()}
        return found


class Buffers:
    """`exp.metrics.buffer`: what every metric holds back."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def log_summary(self, *aggregates: str, **fields: Any) -> None:
        """Log one row per metric that holds values, such as `{"loss.mean": …}`, and forget the values.

        Args:
            aggregates: mean (if none is named), std, min, max, count, sum, first, last, median, p50, p90, p95, p99.
            fields: What goes into each row as it is, such as `epoch=5`.

        Raises:
            ValueError: An aggregate is none of these.
        """
        unknown = [one for one in aggregates if one not in _AGGREGATES]
        if unknown:
            raise ValueError(
                f"There is no aggregate {unknown[0]!r}; there are {', '.join(_AGGREGATES)}."
            )
        for metric in self._metrics._known.values():
            if metric.buffered:
                metric.log(**(fields | _summary(metric.buffered, aggregates or ("mean",))))
                metric.buffered = {}

    def peek(self, prefix: str, *keys: str, limit: int = 5) -> dict[str, list[float]]:
        """The last values that a metric holds, of some keys or of all."""
        held = self._metrics(prefix).buffered
        return {k: v[-limit:] if limit else v for k, v in held.items() if k in keys or not keys}


def _no_attribute(what: str, name: str) -> AttributeError:
    reason = UNSUPPORTED.get(f"{what}.{name}")
    return AttributeError(
        f"{what}.{name} is not supported: {reason}." if reason else f"There is no {what}.{name}."
    )


def _hold(buffer: dict[str, list[float]], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        try:
            number = math.nan if value is None else float(value)
        except (TypeError, ValueError):
            raise InvalidValue(
                f"The value of {key!r} is {value!r}, which is no number; a metric is.", key=key
            ) from None
        buffer.setdefault(key, []).append(number)


def _summary(values: Mapping[str, list[float]], aggregates: Iterable[str]) -> dict[str, float]:
    import numpy as np

    found = {}
    for key, given in values.items():
        kept = np.array([value for value in given if not math.isnan(value)])
        if not len(kept):
            continue
        for name in aggregates:
            if name in _PERCENTILES:
                number = float(np.percentile(kept, _PERCENTILES[name]))
            elif name == "std":
                number = float(np.std(kept, ddof=1)) if len(kept) > 1 else 0.0
            elif name == "count":
                number = len(kept)
            elif name in ("first", "last"):
                number = float(kept[0 if name == "first" else -1])
            else:
                number = float(getattr(np, name)(kept))
            found[f"{key}.{name}"] = number
    return found


class FilesOf:
    """`exp.files(prefix)`."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def __call__(self, prefix: str = "") -> Files:
        return Files(self._experiment, prefix.strip("/"))


class Files:
    """Files under a prefix (or one file, for `download`). Every save is kept; the newest of a name counts.

    A file is told as `{id, path, filename, sizeBytes, checksum, description, tags, metadata, uploadedAt}`; the
    checksum is its BLAKE3 hash.
    """

    def __init__(self, experiment: Experiment, prefix: str) -> None:
        self._experiment = experiment
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        raise _no_attribute("files(prefix)", name)

    def save(
        self,
        content: Any,
        *,
        to: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Keep a file by its path; or bytes, plain data (as JSON), an array (as an image) or a figure.

        Args:
            to: What the file is called; the source's own name if not given.

        Raises:
            FileNotFoundError: There is no file at that path.
            InvalidValue: The content needs a name, or is of a kind that cannot be saved.
        """
        if hasattr(content, "__array_interface__"):
            content = _image_bytes(content, to)
        about = {"description": description, "tags": None if tags is None else list(tags)}
        said = {**(metadata or {}), **{k: v for k, v in about.items() if v is not None}}
        saved = self._experiment.native.files(self._prefix).save(content, to, metadata=said)
        if isinstance(saved, list):  # a folder, whose files are told one by one by `list`
            return {"path": self._prefix, "filename": to or str(content), "files": len(saved)}
        return _told(
            saved.file_id, saved.prefix, saved.name, saved.size, saved.hash, saved.metadata
        )

    def save_text(self, content: str, *, to: str) -> dict[str, Any]:
        """Keep a text as a UTF-8 file."""
        return self.save(content.encode(), to=to)

    def save_json(self, content: Any, *, to: str) -> dict[str, Any]:
        """Keep plain data as JSON."""
        if isinstance(content, (Mapping, list, tuple)):
            return self.save(dict(content) if isinstance(content, Mapping) else content, to=to)
        import json

        return self.save(json.dumps(content).encode(), to=to)

    def save_blob(self, data: bytes, *, to: str) -> dict[str, Any]:
        """Keep bytes."""
        return self.save(bytes(data), to=to)

    def save_torch(self, model: Any, *, to: str) -> dict[str, Any]:
        """Keep a module's state dict, or any state that `torch.save` takes."""
        import io

        import torch

        buffer = io.BytesIO()
        state = model.state_dict() if isinstance(model, torch.nn.Module) else model
        torch.save(state, buffer)
        return self.save(buffer.getvalue(), to=to)

    def save_image(self, image: Any, *, to: str) -> dict[str, Any]:
        """Keep an array (height, width, channels) as an image; floats are from 0 to 1."""
        return self.save(_image_bytes(image, to), to=to)

    def save_fig(self, figure: Any = None, *, to: str) -> dict[str, Any]:
        """Keep a matplotlib figure, the current one if none is given."""
        if figure is None:
            from matplotlib import pyplot

            figure = pyplot.gcf()
        return self.save(figure, to=to)

    def list(self, pattern: str | None = None) -> list[dict[str, Any]]:
        """The files under the prefix, of all openings; `pattern` is a glob of the name or the whole path."""
        return [
            _told(f.id, f.prefix, f.name, f.size, f.hash, f.metadata, f.time)
            for f in self._newest(pattern)
        ]

    def download(
        self, pattern: str | None = None, *, to: str | os.PathLike[str] | None = None
    ) -> str | builtins.list[str]:
        """Copy files out, each checked against its checksum.

        `files("models/model.pth").download(to="copy.pth")` copies one file and gives its path;
        `files("models").download("*.pth", to="folder")` copies those that fit, and gives their paths.

        Raises:
            NotFound: There is no such file.
            CorruptData: A file is not what was saved.
        """
        found = self._newest(pattern)
        if pattern is None:  # the prefix is a file's path then, not a folder's
            found = [file for file in found if _path(file) == self._prefix]
        if not found:
            raise NotFound(
                f"There is no file {pattern or self._prefix!r}"
                + (f" under {self._prefix!r}." if pattern and self._prefix else "."),
                name=pattern or self._prefix,
            )
        if pattern is None:
            target = os.path.basename(found[-1].name) if to is None else to
            return str(found[-1].save(target, overwrite=True))
        folder = Path("." if to is None else to)
        saved = []
        for file in found:
            # Folders below the prefix stay folders: files of one name do not overwrite one another.
            inner = _path(file).removeprefix(self._prefix).lstrip("/") or os.path.basename(
                file.name
            )
            saved.append(str(file.save(folder / inner, overwrite=True)))
        return saved

    def _newest(self, pattern: str | None) -> Sequence[Any]:
        view = self._experiment.view("files")
        newest: dict[str, Any] = {}
        for file in () if view is None else view.files:
            path = _path(file)
            inside = not self._prefix or path == self._prefix or path.startswith(self._prefix + "/")
            wanted = (
                pattern is None or fnmatch(file.name, pattern) or fnmatch(path, pattern.lstrip("/"))
            )
            if inside and wanted:
                newest.pop(path, None)
                newest[path] = file
        return tuple(newest.values())


def _path(file: Any) -> str:
    return "/".join(part for part in (file.prefix, file.name) if part)


def _told(
    file_id: str,
    prefix: str,
    name: str,
    size: int,
    checksum: str,
    metadata: Mapping[str, Any],
    time: float | None = None,
) -> dict[str, Any]:
    rest = dict(metadata)
    return {
        "id": file_id,
        "path": prefix,
        "filename": name,
        "sizeBytes": size,
        "checksum": checksum,
        "description": rest.pop("description", None),
        "tags": rest.pop("tags", []),
        "metadata": rest,
        "uploadedAt": _iso(datetime.now(UTC).timestamp() if time is None else time),
    }


def _image_bytes(image: Any, name: str | None) -> bytes:
    import io

    import numpy as np
    from PIL import Image

    if not name or "." not in name:
        raise InvalidValue(
            "Saving an array as an image needs a name that ends in .png or .jpg: to='frame.png'.",
            key="to",
        )
    array = np.asarray(image)
    if array.dtype.kind == "f":
        array = (np.clip(array, 0, 1) * 255).round()
    buffer = io.BytesIO()
    picture = Image.fromarray(array.astype(np.uint8).squeeze())
    suffix = name.rpartition(".")[2].lower()
    picture.save(buffer, format="JPEG" if suffix in ("jpg", "jpeg") else suffix)
    return buffer.getvalue()


def _iso(time: float) -> str:
    return (
        datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
