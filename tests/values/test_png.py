"""Pictures without a library are those that Pillow reads."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from anew.values.png import png_of

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)).flatmap(
        lambda shape: arrays.arrays(np.uint8, shape)
    )
)
def test_every_picture_is_read_back_as_it_was(pixels):
    with PIL.Image.open(io.BytesIO(png_of(pixels))) as image:
        assert image.mode == MODES[pixels.shape[2]]
        assert image.size == (pixels.shape[1], pixels.shape[0])
        back = np.asarray(image).reshape(pixels.shape)
    np.testing.assert_array_equal(back, pixels)
