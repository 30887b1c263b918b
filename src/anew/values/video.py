"""Videos."""

from __future__ import annotations

import os

from ..errors import InvalidValue, MissingDependency
from .arrays import as_array, as_pixels, is_array, with_channels_last
from .image import picture_format
from .value import Saved, check_caption, copy_file, read_source, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, ClassVar

    import numpy.typing as npt

__all__ = ["Video"]

_FORMATS = {"webp": "WEBP", "gif": "GIF", "png": "PNG"}


class Video:
    """A video, saved as an animation that browsers play (no encoder needed), or unchanged if it is a file.

    Args:
        data: Frames (time × height × width, with channels last or second), the path of a video file, or the
            bytes of one (MP4, WebM, AVI, GIF, WebP). Numbers are read as those of an `Image`, with one range for
            all frames.
        fps: Frames per second of an array; GIF rounds to hundredths of a second a frame.
        caption: A line to show with it.
        format: "webp" (the default), "gif", or "png" (animated PNG, lossless), for an array.
        layout: "THW", "THWC" or "TCHW", where the shape alone does not tell.
        value_range: The numbers shown as black and white, as in `Image`.

    Raises:
        InvalidValue: It is no video; the error names shape and dtype.
        MissingDependency: It is an array, and Pillow is not installed.
    """

    kind: ClassVar[str] = "video"

    def __init__(
        self,
        data: Any,
        fps: float = 10.0,
        caption: str | None = None,
        *,
        format: str = "webp",
        layout: str | None = None,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        self.metadata: dict[str, Any] = check_caption(caption)
        self._source: str | bytes | None = None
        self._frames: npt.NDArray[Any] | None = None
        if isinstance(data, (str, bytes, bytearray, memoryview, os.PathLike)):
            self._source, head = read_source(data, "video")
            kind = _video_format(head)
            if kind is None:
                raise InvalidValue(
                    "A Video given as a file or bytes must be MP4, WebM, AVI, GIF, WebP or PNG; this one begins "
                    f"with {head[:8]!r}."
                )
            self.metadata["format"] = kind
            return
        if not is_array(data):
            raise InvalidValue(
                f"A Video is made from an array, a path or bytes, not from {type(data).__name__}."
            )
        if format not in _FORMATS:
            raise InvalidValue(f"format must be webp, gif or png, not {format!r}.", key="format")
        if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not 0.01 <= fps <= 1000:
            raise InvalidValue(
                f"fps must be a number of frames per second from 0.01 to 1000, not {fps!r}.",
                key="fps",
            )
        try:  # said when it is made, not by whoever saves it
            import PIL.Image  # noqa: F401
        except ModuleNotFoundError as error:
            raise MissingDependency.of("A Video made from an array", "pillow", "plot") from error
        array = with_channels_last(as_array(data, "A Video"), layout, "A Video", frames=True)
        self._frames, facts = as_pixels(array, value_range)
        self.metadata |= facts | {
            "format": format,
            "fps": float(fps),
            "frames": array.shape[0],
            "height": array.shape[1],
            "width": array.shape[2],
        }

    def save(self, folder: str, stem: str) -> Saved:
        """Write the video's file (see `Value.save`)."""
        name = f"{stem}.{self.metadata['format']}"
        if self._source is not None:
            return Saved(copy_file(folder, name, self._source), None, self.metadata)
        write_file(folder, name, self._write)
        return Saved(name, None, self.metadata)

    def _write(self, file: BinaryIO) -> None:
        import numpy as np
        import PIL.Image

        assert self._frames is not None
        frames = self._frames
        if frames.shape[-1] in (1, 2):  # animations know colours only
            grey = np.repeat(frames[..., :1], 3, axis=-1)
            frames = grey if frames.shape[-1] == 1 else np.concatenate([grey, frames[..., 1:]], -1)
        pictures = [PIL.Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
        kind = self.metadata["format"]
        options: dict[str, Any] = {
            "webp": {"quality": 85, "method": 2},
            "gif": {"disposal": 2},
        }.get(kind, {})
        pictures[0].save(
            file,
            _FORMATS[kind],
            save_all=True,
            append_images=pictures[1:],
            duration=_durations(self.metadata["fps"], len(pictures), 10 if kind == "gif" else 1),
            loop=0,
            **options,
        )


def _durations(fps: float, count: int, grain: int) -> list[int]:
    """Milliseconds of each frame, rounded so that the errors do not add up."""
    ends = [round(1000.0 * (i + 1) / fps / grain) * grain for i in range(count)]
    return [max(grain, end - start) for start, end in zip([0, *ends], ends, strict=False)]


def _video_format(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    kind = picture_format(head)
    return kind if kind in ("gif", "webp", "png") else None
