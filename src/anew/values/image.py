"""Images."""

from __future__ import annotations

import os

from ..errors import InvalidValue
from .arrays import as_array, as_pixels, is_array, with_channels_last
from .marks import as_mask, checked_boxes, checked_classes
from .png import png_of
from .value import Saved, check_caption, copy_file, read_source, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar

    import PIL.Image

__all__ = ["Image", "picture_format"]

_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


class Image:
    """An image, saved as PNG, or unchanged if it is a file already.

    Args:
        data: An array or tensor (height × width, with channels last or first), a PIL image, a
            matplotlib figure, the path of an image file, or the bytes of one (PNG, JPEG, GIF, WebP, BMP, TIFF).
        caption: A line to show with it.
        layout: "HW", "HWC" or "CHW", where the shape alone does not tell.
        value_range: The numbers shown as black and white. Without it, booleans, integers from 0 to 255 and
            floats from 0 to 1 are taken as such, and anything else is stretched from its smallest to its
            largest number (kept in the metadata as `value_range`). NaN is black and counted.
        boxes: What is where in it: mappings with `box` (left, top, right and bottom in pixels), and if known `class`, `score` and
            `caption`. The page draws them over the image.
        classes: The names of classes by their numbers, for a mask: an image whose pixels are numbers of classes, from 0 to 255. The page
            draws a mask logged as `NAME/masks/MASK` over the image `NAME` of the same step.

    Raises:
        InvalidValue: It is no image; the error names shape and dtype. Or it is no mask, or a box has no place.
    """

    kind: ClassVar[str] = "image"

    def __init__(
        self,
        data: Any,
        caption: str | None = None,
        *,
        layout: str | None = None,
        value_range: tuple[float, float] | None = None,
        boxes: Sequence[Mapping[str, Any]] | None = None,
        classes: Mapping[int, str] | None = None,
    ) -> None:
        self.metadata: dict[str, Any] = check_caption(caption)
        if boxes is not None:
            self.metadata["boxes"] = checked_boxes(boxes)
        if classes is not None:
            self.metadata["classes"] = checked_classes(classes)
        self._source: str | bytes | None = None
        self._image: PIL.Image.Image | None = None
        if hasattr(data, "savefig"):
            from .figure import figure_png

            data = figure_png(data)
        if isinstance(data, (str, bytes, bytearray, memoryview, os.PathLike)):
            self._from_file(data)
        elif hasattr(data, "mode") and hasattr(data, "convert") and hasattr(data, "save"):
            self._image = _for_png(data)
        elif is_array(data):
            if classes is not None:
                data = as_mask(data)
            self._from_array(data, layout, value_range)
        else:
            raise InvalidValue(
                "An Image is made from an array, a PIL image, a figure, a path or bytes, not from "
                f"{type(data).__name__}."
            )
        if self._image is not None:
            self.metadata |= {
                "format": "png",
                "width": self._image.width,
                "height": self._image.height,
            }

    def _from_array(
        self, data: Any, layout: str | None, value_range: tuple[float, float] | None
    ) -> None:
        import numpy as np

        array = with_channels_last(as_array(data, "An Image"), layout, "An Image")
        pixels, facts = as_pixels(array, value_range)
        self.metadata |= facts
        try:
            import PIL.Image
        except ModuleNotFoundError:
            self._source = png_of(pixels)
            self.metadata |= {
                "format": "png",
                "width": pixels.shape[1],
                "height": pixels.shape[0],
            }
            return
        if pixels.shape[-1] == 1:
            pixels = pixels[..., 0]
        self._image = PIL.Image.fromarray(np.ascontiguousarray(pixels))

    def _from_file(self, data: Any) -> None:
        self._source, head = read_source(data, "image")
        kind = picture_format(head)
        if kind is None:
            raise InvalidValue(
                "An Image given as a file or bytes must be PNG, JPEG, GIF, WebP, BMP or TIFF; this one begins "
                f"with {head[:8]!r}."
            )
        self.metadata |= {"format": kind, **_size(self._source)}

    def save(self, folder: str, stem: str) -> Saved:
        """Write the image's file (see `Value.save`)."""
        name = f"{stem}.{self.metadata['format']}"
        image = self._image
        if image is None:
            assert self._source is not None
            return Saved(copy_file(folder, name, self._source), None, self.metadata)
        # Level 3 takes a third of the time of the default for a few per cent more bytes.
        write_file(folder, name, lambda file: image.save(file, "PNG", compress_level=3))
        return Saved(name, None, self.metadata)


def picture_format(head: bytes) -> str | None:
    """The format of a picture by its first bytes, as the end of a file's name; None if it is none."""
    for start, kind in (
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff", "jpg"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"BM", "bmp"),
        (b"II*\0", "tif"),
        (b"MM\0*", "tif"),
    ):
        if head.startswith(start):
            return kind
    return "webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _for_png(image: PIL.Image.Image) -> PIL.Image.Image:
    if image.width == 0 or image.height == 0:
        raise InvalidValue(f"The PIL image of size {image.size} has no pixels.")
    if image.mode == "F":  # floats: as an array of them
        import numpy as np
        import PIL.Image

        return PIL.Image.fromarray(as_pixels(np.asarray(image), None)[0])
    if image.mode in _PNG_MODES:
        image.load()
        return image.copy()  # what is drawn on it later is another picture
    alpha = image.mode in ("RGBa", "PA", "La") or "transparency" in image.info
    return image.convert("RGBA" if alpha else "RGB")


def _size(source: str | bytes) -> dict[str, int]:
    import io

    try:
        import PIL.Image

        with PIL.Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            return {"width": image.width, "height": image.height}
    except Exception:  # noqa: BLE001  (a format without a reader here: the file is kept all the same)
        return {}
