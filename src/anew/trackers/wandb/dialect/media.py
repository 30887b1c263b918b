"""What can be logged beyond numbers, as wandb names and makes it; kept as Anew's own values."""

from __future__ import annotations

import os

import anew

from ..names import FACTS
from ..translate.logged import media_path
from .errors import UsageError
from .plain import elements, plain, warn_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

__all__ = [
    "Audio",
    "Histogram",
    "Html",
    "Image",
    "Media",
    "Molecule",
    "Object3D",
    "Plotly",
    "Video",
]


class Media:
    """Something to be logged under a name; `native` is the Anew value below."""

    _type = ""
    _folder = ""  # of the files of its kind; "" for what is no file
    native: Any

    def keep(self, experiment: anew.Experiment, key: str, step: int) -> dict[str, Any]:
        """Log it; returns what the summary says of it."""
        facts = self.facts() | self.named(key, step)
        experiment.log_value(key, self.native, step, metadata={FACTS: facts})
        return self.told() | self.named_again(facts)

    def facts(self) -> dict[str, Any]:
        """What is kept with it."""
        return {"_type": self._type}

    def named(self, key: str, step: int) -> dict[str, Any]:
        """The path under which it is a file of the run, where it is one."""
        if not self._folder:
            return {}
        return {"path": media_path(self._folder, key, step, self._ending())}

    @staticmethod
    def named_again(facts: dict[str, Any]) -> dict[str, Any]:
        """Of some facts, the path."""
        return {"path": facts["path"]} if "path" in facts else {}

    def _ending(self) -> str:
        return str(self.native.metadata.get("format") or "bin")

    def told(self) -> dict[str, Any]:
        """What the summary says of it."""
        return {**self.facts(), **self.native.metadata}

    @classmethod
    def captions(cls, media: Sequence[Any]) -> list[str] | bool:
        """The lines to show with several of them, "" for those without one; False if none has one."""
        found = [one.native.metadata.get("caption") for one in media]
        return [one or "" for one in found] if any(found) else False


def _pixels(data: Any) -> Any:
    """A picture as the native value takes it: tensors have channels first, a batch becomes one picture."""
    count = elements(data)
    if count is None:
        return data, None
    tensor = callable(getattr(data, "detach", None))
    if len(data.shape) == 4:
        return _grid(data, channels_first=tensor), "HWC"
    if len(data.shape) == 3:
        if tensor:
            return data, "CHW"
        return data, "HWC" if data.shape[-1] in (1, 2, 3, 4) else None
    return data, None


def _range(data: Any) -> tuple[int, int]:
    """Which numbers are black and white, guessed as W&B does: what is beyond them is cut off."""
    import numpy as np

    array = np.asarray(
        data.detach().cpu().float() if callable(getattr(data, "detach", None)) else data
    )
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    if not finite.size or not -1 <= finite.min() <= finite.max() <= 1:
        return 0, 255
    return (0, 1) if finite.min() >= 0 else (-1, 1)


def _grid(data: Any, *, channels_first: bool, columns: int = 8) -> Any:
    import numpy as np

    if callable(getattr(data, "detach", None)):
        data = data.detach().cpu().float()
    array = np.asarray(data)
    if channels_first or array.shape[-1] not in (1, 2, 3, 4):
        array = np.moveaxis(array, 1, -1)
    count, height, width, channels = array.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    grid = np.zeros((rows * (height + 2) + 2, columns * (width + 2) + 2, channels), array.dtype)
    for at, picture in enumerate(array):
        top, left = (at // columns) * (height + 2) + 2, (at % columns) * (width + 2) + 2
        grid[top : top + height, left : left + width] = picture
    return grid


def _reference(data: Any) -> str | None:
    """The address of what lies elsewhere; None for what is here."""
    text = data if isinstance(data, str) else ""
    return text if text.startswith(("http://", "https://", "s3://", "gs://")) else None


class Image(Media):
    """A picture: an array (height × width × channels), a torch tensor (channels first; a batch becomes a grid),
    a PIL image, a matplotlib figure, the path of a file, or an address, which is only referred to.

    Args:
        mode: The PIL mode to convert it to, such as "L".
        caption: A line to show with it.
        classes: The names of classes, `[{"id": 0, "name": "cat"}]`.
        boxes: Boxes by name, as wandb takes them; kept with the picture.
        masks: `{name: {"mask_data": array, "class_labels": {id: name}}}`; each is kept as a picture of its own,
            `<key>/masks/<name>`.
        file_type: "png" or "jpg", for arrays.

    Raises:
        InvalidValue: It is no picture.
    """

    _type, _folder = "image-file", "images"

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        classes: Any = None,
        boxes: Mapping[str, Any] | None = None,
        masks: Mapping[str, Any] | None = None,
        file_type: str | None = None,
        normalize: bool = True,
    ) -> None:
        self._boxes: dict[str, Any]
        self._masks: dict[str, Any]
        self._caption: str | None
        self._data: Any
        if isinstance(data_or_path, Image):
            boxes, masks = boxes or data_or_path._boxes, masks or data_or_path._masks
            caption = data_or_path._caption if caption is None else caption
            data_or_path = data_or_path._data
        if hasattr(data_or_path, "get_figure"):  # axes: the figure they are of
            data_or_path = data_or_path.get_figure() or data_or_path
        self._data = data_or_path
        self.reference = _reference(data_or_path)
        self._caption = None if caption is None else str(caption)
        self._boxes, self._masks = dict(boxes or {}), dict(masks or {})
        self._classes = getattr(classes, "_class_set", classes)
        if self.reference is not None:
            return
        pixels, layout = _pixels(data_or_path)
        options: dict[str, Any] = {} if layout is None else {"layout": layout}
        if elements(pixels) is not None:
            options["value_range"] = _range(pixels) if normalize else (0, 255)
        self.native = anew.Image(pixels, self._caption, **options)
        self._format = file_type
        if mode is not None or file_type not in (None, "png"):
            self._converted(mode, file_type)

    def _converted(self, mode: str | None, file_type: str | None) -> None:
        import io

        picture = self.image
        kind = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "bmp": "BMP", None: "PNG"}.get(
            file_type
        )
        if kind is None:
            raise UsageError(f"file_type must be png, jpg, jpeg or bmp, not {file_type!r}.")
        picture = picture.convert(mode) if mode is not None else picture
        if kind == "JPEG" and picture.mode not in ("L", "RGB"):
            picture = picture.convert("RGB")
        content = io.BytesIO()
        picture.save(content, kind)
        self.native = anew.Image(content.getvalue(), self._caption)

    @property
    def image(self) -> Any:
        """The picture, as one of PIL."""
        import io
        import tempfile

        import PIL.Image

        with tempfile.TemporaryDirectory() as folder:
            saved = self.native.save(folder, "image")
            with open(os.path.join(folder, saved.path), "rb") as file:
                return PIL.Image.open(io.BytesIO(file.read()))

    def to_data_array(self) -> list[Any]:
        """The pixels as they are kept, row by row: numbers, or a tuple of the channels each."""
        import numpy as np

        rows: list[Any] = np.asarray(self.image).tolist()
        return [[tuple(one) if isinstance(one, list) else one for one in row] for row in rows]

    @property
    def caption(self) -> str | None:
        """The line to show with it."""
        return self._caption

    @property
    def format(self) -> str:
        """The form it is kept in, by the name that was asked for."""
        return self._format or str(self.native.metadata["format"])

    @classmethod
    def all_captions(cls, images: Sequence[Any]) -> list[str] | bool:
        """As `captions`."""
        return cls.captions(images)

    def keep(self, experiment: anew.Experiment, key: str, step: int) -> dict[str, Any]:
        if self.reference is not None:
            raise UsageError(
                f"The image {key!r} is a reference to {self.reference}, which can be added to an artifact and not be logged."
            )
        told = super().keep(experiment, key, step)
        for name, mask in self._masks.items():
            mask = mask if isinstance(mask, dict) else getattr(mask, "__dict__", {})
            data = mask.get("mask_data", mask.get("path"))
            facts = {"_type": "mask", "class_labels": plain(mask.get("class_labels") or {})}
            if data is not None:
                picture = anew.Image(data, value_range=None if isinstance(data, str) else (0, 255))
                experiment.log_value(f"{key}/masks/{name}", picture, step, metadata={FACTS: facts})
        return told

    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = {"_type": self._type}
        if self._boxes:
            found["boxes"] = plain(self._boxes)
        if self._masks:
            found["masks"] = list(self._masks)
        if self._classes:
            found["classes"] = plain(self._classes)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Image) and self.image.tobytes() == other.image.tobytes()

    __hash__ = object.__hash__


class Audio(Media):
    """Sound: samples with their rate, or the path of a file."""

    _type, _folder = "audio-file", "audio"

    def __init__(
        self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None
    ) -> None:
        self.native = anew.Audio(data_or_path, sample_rate, caption)

    @classmethod
    def sample_rates(cls, sounds: Sequence[Audio]) -> list[Any]:
        """The samples per second of several sounds."""
        return [one.native.metadata.get("sample_rate") for one in sounds]

    @classmethod
    def durations(cls, sounds: Sequence[Audio]) -> list[Any]:
        """How long several sounds are, in seconds."""
        return [one.native.metadata.get("duration") for one in sounds]


class Video(Media):
    """A video: an array (time × channels × height × width, or several of them), or the path or bytes of a file.

    Args:
        fps: Frames per second of an array; 4 if not given.
        format: "gif" (the default) for arrays; the forms that need an encoder become WebP, which is told once.
    """

    _type, _folder = "video-file", "videos"

    def __init__(
        self,
        data_or_path: Any,
        caption: str | None = None,
        fps: int | None = None,
        format: str | None = None,
    ) -> None:
        if format not in (None, "gif", "mp4", "webm", "ogg"):
            raise UsageError(f"format must be gif, mp4, webm or ogg, not {format!r}.")
        if hasattr(data_or_path, "read"):
            data_or_path = data_or_path.read()
        if elements(data_or_path) is None:
            self.native = anew.Video(data_or_path, caption=caption)
            return
        if format in ("mp4", "webm", "ogg"):
            warn_once(
                f"A Video made from an array is saved as animated WebP instead of {format}, because this needs no encoder."
            )
        if len(data_or_path.shape) == 5:
            data_or_path = _beside(data_or_path)
        kind = "webp" if format in ("mp4", "webm", "ogg") else "gif"
        self.native = anew.Video(
            data_or_path, 4.0 if fps is None else fps, caption, format=kind, layout="TCHW"
        )


def _beside(videos: Any) -> Any:
    """Several videos of one length side by side."""
    import numpy as np

    if callable(getattr(videos, "detach", None)):
        videos = videos.detach().cpu().numpy()
    return np.concatenate(list(np.asarray(videos)), axis=-1)


class Histogram(Media):
    """How often values fall into bins.

    Args:
        sequence: The values.
        np_histogram: What `numpy.histogram` gives, instead.
        num_bins: How many bins, at most 512.

    Attributes:
        histogram: The counts; `bins` their edges.
    """

    _type = "histogram"
    MAX_LENGTH = 512

    def __init__(self, sequence: Any = None, np_histogram: Any = None, num_bins: int = 64) -> None:
        if np_histogram is not None:
            if len(np_histogram) != 2:
                raise ValueError("Expected np_histogram to be a tuple of (values, bin_edges).")
            counts, edges = np_histogram
        elif sequence is None:
            raise UsageError("A Histogram needs a sequence of values, or np_histogram=.")
        elif num_bins > self.MAX_LENGTH:
            raise ValueError(f"The maximum length of a histogram is {self.MAX_LENGTH}")
        else:
            found = anew.Histogram(sequence, num_bins)
            counts, edges = found.counts, found.edges
        self.histogram: list[Any] = [float(c) if c % 1 else int(c) for c in counts]
        self.bins: list[float] = [float(edge) for edge in edges]
        if len(self.bins) != len(self.histogram) + 1:
            raise ValueError("A histogram has one edge more than counts.")

    @property
    def native(self) -> anew.Histogram:
        """The counts and edges; edges that do not rise are refused when they are logged."""
        return anew.Histogram((self.histogram, self.bins))

    def told(self) -> dict[str, Any]:
        return {"_type": self._type, "values": self.histogram, "bins": self.bins}


class Html(Media):
    """A page: its text, the path of a file that ends in `.html`, or an open file."""

    _type, _folder = "html-file", "html"

    def __init__(self, data: Any, inject: bool = True, data_is_not_path: bool = False) -> None:
        if hasattr(data, "read"):
            data = data.read()
        elif isinstance(data, os.PathLike) or (
            not data_is_not_path and isinstance(data, str) and os.path.isfile(data)
        ):
            with open(data, encoding="utf-8") as file:
                data = file.read()
        self.html = data
        self.native = anew.Text(data, format="html")


class Plotly(Media):
    """A figure of plotly or matplotlib."""

    _type, _folder = "plotly-file", "plotly"

    def __init__(self, val: Any) -> None:
        figure = _drawn(val)
        if _has_images(figure):
            raise UsageError(
                "A figure of matplotlib with images in it cannot be one of plotly: log it as wandb.Image(figure)."
            )
        self.native = anew.Figure(figure)

    @classmethod
    def make_plot_media(cls, val: Any) -> Image | Plotly:
        """A figure; of matplotlib with images in it, a picture of it."""
        figure = _drawn(val)
        return Image(figure) if _has_images(figure) else cls(figure)

    def _ending(self) -> str:
        kind = super()._ending()
        return "plotly.json" if kind == "json" else kind


def _drawn(val: Any) -> Any:
    """The figure that is meant; of `matplotlib.pyplot` the current one."""
    if hasattr(val, "gcf"):
        return val.gcf()
    return val.get_figure() if hasattr(val, "get_figure") else val


def _has_images(figure: Any) -> bool:
    return any(getattr(one, "images", ()) for one in getattr(figure, "axes", ()))


class _FileMedia(Media):
    """What Anew has no kind of value for: a file of the experiment."""

    _folder = ""
    _content: bytes
    _suffix: str
    _caption: str | None = None

    def keep(self, experiment: anew.Experiment, key: str, step: int) -> dict[str, Any]:
        from ...places import safe_segment

        name = safe_segment(f"{key.replace('/', '-')}_{step}.{self._suffix}")
        saved: Any = experiment.files(f"media/{self._folder}").save(self._content, name, step=step)
        told = self.told() | {"path": f"media/{self._folder}/{name}"}
        text = anew.Text(told["path"], caption=self._caption)
        facts = told | {"file": saved.file_id}
        experiment.log_value(key, text, step, metadata={FACTS: facts})
        return told

    def told(self) -> dict[str, Any]:
        told = {"_type": self._type, "size": len(self._content)}
        return told if self._caption is None else told | {"caption": self._caption}

    def _take(self, data: Any, file_type: Any, known: Sequence[str]) -> None:
        if hasattr(data, "read"):
            name = getattr(data, "name", "")
            suffix = str(file_type or os.path.splitext(str(name))[1][1:])
            content = data.read()
            self._content = content if isinstance(content, bytes) else content.encode()
        else:
            if not isinstance(data, (str, os.PathLike)):
                raise UsageError(
                    f"A {type(self).__name__} cannot be made of a {type(data).__name__}."
                )
            path = os.fspath(data)
            if not os.path.isfile(path):
                raise UsageError(f"There is no file {path!r}.")
            suffix = next((k for k in known if path.endswith("." + k)), "")
            with open(path, "rb") as file:
                self._content = file.read()
        if suffix not in known:
            raise UsageError(f"A {type(self).__name__} must be a file of type {', '.join(known)}.")
        self._suffix = suffix


_SCENE = "lidar/beta"


class Object3D(_FileMedia):
    """A body: a point cloud (rows of 3, 4 or 6 numbers), a scene as a dict, or the path of a file."""

    _type, _folder = "object3D-file", "object3D"
    SUPPORTED_TYPES = ("obj", "gltf", "glb", "babylon", "stl", "pts.json")

    def __init__(self, data_or_path: Any, caption: str | None = None, **kwargs: Any) -> None:
        import json

        self._caption = caption
        self._suffix = "pts.json"
        if isinstance(data_or_path, dict):
            kind = data_or_path.get("type", _SCENE)
            if kind != _SCENE:
                raise UsageError(f"A scene is of type {_SCENE!r}, not {kind!r}.")
            self._content = json.dumps(plain(data_or_path)).encode()
        elif elements(data_or_path) is not None:
            if len(data_or_path.shape) != 2 or data_or_path.shape[1] not in (3, 4, 6):
                raise ValueError(
                    "The shape of a point cloud must be n × 3, n × 4 (with a category) or n × 6 (with a colour); "
                    f"this one's is {tuple(data_or_path.shape)}."
                )
            self._content = json.dumps(plain(data_or_path)).encode()
        else:
            self._take(data_or_path, kwargs.get("file_type"), self.SUPPORTED_TYPES)

    @classmethod
    def from_numpy(cls, data: Any) -> Object3D:
        """A point cloud."""
        return cls(data)

    @classmethod
    def from_file(cls, data_or_path: Any, file_type: str | None = None) -> Object3D:
        """A file."""
        return cls(data_or_path, file_type=file_type)

    @classmethod
    def from_point_cloud(
        cls, points: Any, boxes: Any = (), vectors: Any = None, point_cloud_type: str = _SCENE
    ) -> Object3D:
        """A scene of points, boxes and vectors."""
        return cls(
            {"type": point_cloud_type, "points": points, "boxes": boxes, "vectors": vectors or []}
        )


class Molecule(_FileMedia):
    """A molecule, as the file of one of the usual formats."""

    _type, _folder = "molecule-file", "molecule"
    SUPPORTED_TYPES = ("pdb", "pqr", "mmcif", "mcif", "cif", "sdf", "sd", "gro", "mol2", "mmtf")

    def __init__(self, data_or_path: Any, caption: str | None = None, **kwargs: Any) -> None:
        self._caption = caption
        self._take(data_or_path, kwargs.get("file_type"), self.SUPPORTED_TYPES)
