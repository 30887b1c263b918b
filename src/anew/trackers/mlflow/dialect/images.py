"""`mlflow.Image`: a picture in the form that `log_image` keeps it."""

from __future__ import annotations

import os
from typing import Any

from .calls import picture

__all__ = ["Image"]


class Image:
    """A picture: an array, a PIL image, a list of rows, or the path of a file.

    Raises:
        OutOfRange: It has integers that no pixel has.
    """

    def __init__(self, image: Any) -> None:
        if isinstance(image, (str, os.PathLike)):
            import PIL.Image

            with PIL.Image.open(image) as opened:
                self.image: Any = opened.copy()
            return
        import numpy as np

        given = np.asarray(image) if isinstance(image, list) else image
        self.image = picture(given)

    @property
    def native(self) -> Any:
        """What is logged of it."""
        return self.image

    def to_array(self) -> Any:
        """Its pixels."""
        import numpy as np

        return np.asarray(self.to_pil())

    def to_list(self) -> list[Any]:
        """Its pixels, as lists."""
        found: list[Any] = self.to_array().tolist()
        return found

    def to_pil(self) -> Any:
        """As a picture of PIL."""
        return self.image

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file."""
        self.to_pil().save(path)

    def resize(self, size: tuple[int, int]) -> Image:
        """The picture in another size."""
        return Image(self.to_pil().resize(size))
