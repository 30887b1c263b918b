"""Images."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anew.errors import InvalidValue
from anew.values import Image, Saved


def kept(image: Image, folder: Path) -> tuple[npt.NDArray[Any], Saved]:
    saved = image.save(str(folder), "picture")
    assert saved.path is not None
    with PIL.Image.open(folder / saved.path) as picture:
        return np.asarray(picture), saved


RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bytes_are_kept_exactly_whatever_the_channels(tmp_path: Path, channels: int) -> None:
    data = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    pixels, saved = kept(Image(data, "a caption"), tmp_path)
    np.testing.assert_array_equal(pixels.reshape(data.shape), data)
    assert saved.metadata == {"caption": "a caption", "format": "png", "width": 7, "height": 5}
    assert saved.data is None


def test_channels_may_come_first_or_be_left_out(tmp_path: Path) -> None:
    pixels, _ = kept(Image(np.moveaxis(RGB, -1, 0)), tmp_path)
    np.testing.assert_array_equal(pixels, RGB)
    pixels, _ = kept(Image(RGB[:, :, 0]), tmp_path)
    np.testing.assert_array_equal(pixels, RGB[:, :, 0])


def test_a_layout_decides_where_the_shape_does_not(tmp_path: Path) -> None:
    data = np.zeros((3, 6, 4), np.uint8)
    assert kept(Image(data), tmp_path)[0].shape == (3, 6, 4)
    assert kept(Image(data, layout="CHW"), tmp_path)[0].shape == (6, 4, 3)


@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda s: (*s, 3)),
    )
)
def test_floats_from_0_to_1_are_the_bytes_they_stand_for(data: npt.NDArray[np.uint8]) -> None:
    for kind in (np.float32, np.float64):
        image = Image((data / 255).astype(kind))
        assert image._image is not None
        np.testing.assert_array_equal(np.asarray(image._image), data)
        assert "value_range" not in image.metadata


def test_booleans_are_black_and_white(tmp_path: Path) -> None:
    pixels, _ = kept(Image(np.array([[True, False]])), tmp_path)
    assert pixels.tolist() == [[255, 0]]


def test_integers_up_to_255_stay_and_others_are_stretched(tmp_path: Path) -> None:
    assert kept(Image(np.array([[0, 7]])), tmp_path)[0].tolist() == [[0, 7]]
    pixels, saved = kept(Image(np.array([[-100, 900]])), tmp_path)
    assert pixels.tolist() == [[0, 255]]
    assert saved.metadata["value_range"] == [-100.0, 900.0]


def test_floats_beyond_1_are_stretched_and_the_range_is_told(tmp_path: Path) -> None:
    pixels, saved = kept(Image(np.array([[-1.0, 0.0, 3.0]])), tmp_path)
    assert pixels.tolist() == [[0, 64, 255]]
    assert saved.metadata["value_range"] == [-1.0, 3.0]
    pixels, saved = kept(Image(np.array([[-1.0, 0.0, 3.0]]), value_range=(-1, 1)), tmp_path)
    assert pixels.tolist() == [[0, 128, 255]]
    assert saved.metadata["value_range"] == [-1.0, 1.0]


def test_a_little_rounding_beyond_the_range_does_not_stretch() -> None:
    image = Image(np.array([[-0.001, 1.0001]]))
    assert "value_range" not in image.metadata


def test_nan_is_black_and_infinities_are_the_ends(tmp_path: Path) -> None:
    pixels, saved = kept(Image(np.array([[np.nan, np.inf, -np.inf, 0.5]])), tmp_path)
    assert pixels.tolist() == [[0, 255, 0, 128]]
    assert saved.metadata["nonfinite"] == 3
    assert kept(Image(np.full((2, 2), np.nan)), tmp_path)[0].max() == 0


def test_the_widest_range_of_floats_does_not_overflow(tmp_path: Path) -> None:
    pixels, _ = kept(Image(np.array([[-1.7e308, 0.0, 1.7e308]])), tmp_path)
    assert pixels.tolist() == [[0, 128, 255]]


def test_tensors_of_other_libraries_are_pictures_too(tmp_path: Path) -> None:
    import jax.numpy as jnp
    import torch

    tensor = torch.from_numpy(RGB / 255.0).permute(2, 0, 1).requires_grad_()
    np.testing.assert_array_equal(kept(Image(tensor), tmp_path)[0], RGB)
    half = torch.ones(3, 4, 5, dtype=torch.bfloat16)
    assert kept(Image(half), tmp_path)[0].min() == 255
    np.testing.assert_array_equal(kept(Image(jnp.asarray(RGB)), tmp_path)[0], RGB)
    assert kept(Image(jnp.ones((4, 4), jnp.bfloat16)), tmp_path)[0].min() == 255


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "HSV", "LA"]
)
def test_pil_images_of_every_mode_are_kept(tmp_path: Path, mode: str) -> None:
    pixels, saved = kept(Image(PIL.Image.new(mode, (7, 5))), tmp_path)
    assert pixels.shape[:2] == (5, 7)
    assert (saved.metadata["width"], saved.metadata["height"]) == (7, 5)


def test_drawing_on_a_pil_image_afterwards_changes_nothing(tmp_path: Path) -> None:
    picture = PIL.Image.new("L", (2, 2), 7)
    image = Image(picture)
    picture.putpixel((0, 0), 99)
    assert kept(image, tmp_path)[0].tolist() == [[7, 7], [7, 7]]


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "tiff"])
def test_a_file_and_its_bytes_are_kept_as_they_are(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    PIL.Image.fromarray(RGB).save(buffer, kind)
    source = tmp_path / f"source.{kind}"
    source.write_bytes(buffer.getvalue())
    for data in (source, str(source), buffer.getvalue(), bytearray(buffer.getvalue())):
        saved = Image(data).save(str(tmp_path / "values"), "x")
        assert saved.path is not None
        assert (tmp_path / "values" / saved.path).read_bytes() == buffer.getvalue()
        assert (saved.metadata["width"], saved.metadata["height"]) == (7, 5)


def test_a_matplotlib_figure_is_drawn(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 2])
    pixels, _ = kept(Image(figure), tmp_path)
    assert pixels.shape[:2] == (50, 100)


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((2, 3, 4, 5)),
        np.zeros((5, 5, 7)),
        np.zeros((0, 3)),
        np.zeros(4),
        np.zeros((2, 2), complex),
        np.array([["a"]]),
        [[1, 2], [3]],
        b"GIF is what it is not",
        b"",
        "no/such/file.png",
        3,
        None,
        {},
    ],
)
def test_what_is_no_picture_is_refused_with_its_shape_and_type(data: Any) -> None:
    with pytest.raises(InvalidValue):
        Image(data)


def test_bad_options_are_refused() -> None:
    with pytest.raises(InvalidValue):
        Image(RGB, layout="WHC")
    with pytest.raises(InvalidValue, match="shape"):
        Image(RGB, layout="HW")
    with pytest.raises(InvalidValue, match="value_range"):
        Image(RGB, value_range=(1, 1))
    with pytest.raises(InvalidValue, match="caption"):
        Image(RGB, caption=3)  # type: ignore[arg-type]


def test_what_is_marked_in_an_image_is_kept_with_it(tmp_path: Path) -> None:
    boxes = [
        {"class": "cat", "box": np.array([1, 2, 6, 4]), "score": np.float32(0.5)},
        {"box": (0, 0, 1, 1), "caption": "a corner"},
    ]
    _, saved = kept(Image(RGB, boxes=boxes), tmp_path)
    assert saved.metadata["boxes"] == [
        {"box": [1.0, 2.0, 6.0, 4.0], "class": "cat", "score": 0.5},
        {"box": [0.0, 0.0, 1.0, 1.0], "caption": "a corner"},
    ]
    for none in ([{"class": "cat"}], [{"box": [1, 2, 3]}], [{"box": [0, 0, 1, float("nan")]}], ["cat"]):  # fmt: skip
        with pytest.raises(InvalidValue):
            Image(RGB, boxes=none)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["bool", "int64", "uint8", "float32"])
def test_the_pixels_of_a_mask_are_the_numbers_of_its_classes(tmp_path: Path, dtype: str) -> None:
    numbers = np.array([[0, 1], [1, 0]]).astype(dtype)
    pixels, saved = kept(Image(numbers, classes={0: "road", 1: "sky"}), tmp_path)
    assert pixels.tolist() == [[0, 1], [1, 0]]
    assert saved.metadata["classes"] == {"0": "road", "1": "sky"}


def test_what_is_no_mask_is_refused() -> None:
    for none in (np.array([[0.5]]), np.array([[-1]]), np.array([[256]])):
        with pytest.raises(InvalidValue):
            Image(none, classes={0: "road"})
    with pytest.raises(InvalidValue):
        Image(np.array([[0]]), classes={300: "road"})
