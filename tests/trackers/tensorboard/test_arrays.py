"""Arrays as TensorBoard takes them become the values that it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL.Image
import pytest

from anew.errors import InvalidValue
from anew.trackers.tensorboard.translate.arrays import (
    counted,
    histogram,
    image,
    pr_table,
    sound,
    video,
)
from anew.values import Image
from later import later

torch = later("torch")
measures = later("sklearn.metrics")

RNG = np.random.default_rng(0)


def pixels(image: Image, folder: Any) -> np.ndarray:
    saved = image.save(str(folder), "picture")
    return np.asarray(PIL.Image.open(folder / str(saved.path)))


@pytest.mark.parametrize("formats", ["CHW", "HWC", "WHC", "CWH", "HCW"])
def test_the_order_of_axes_is_the_one_named(formats: str, tmp_path: Any):
    wanted = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    given = wanted.transpose(["HWC".index(axis) for axis in formats])
    assert (pixels(image(given, formats), tmp_path) == wanted).all()


def test_a_batch_is_laid_out_in_rows(tmp_path: Any):
    batch = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 1, 2, 2)
    shown = pixels(image(batch, "NCHW"), tmp_path)
    assert shown[::2, ::2].tolist() == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 0, 0, 0, 0, 0, 0]]


def test_floats_are_cut_off_where_tensorboard_cuts_them(tmp_path: Any):
    shown = pixels(image(np.array([[-1.0, 0.5], [1.0, 7.0]]), "HW"), tmp_path)
    assert shown.tolist() == [[0, 128], [255, 255]]


def test_axes_that_do_not_fit_are_refused():
    with pytest.raises(InvalidValue, match="dataformats"):
        image(np.zeros((3, 2)), "CHW")
    with pytest.raises(InvalidValue, match="dataformats"):
        image(np.zeros((3, 2)), "HH")


@pytest.mark.parametrize(
    ("count", "width", "height"), [(1, 8, 6), (2, 16, 6), (3, 16, 12), (5, 32, 12)]
)
def test_videos_of_a_batch_are_side_by_side(count: int, width: int, height: int):
    value = video(torch.rand(count, 3, 3, 6, 8), 4, "NTCHW")
    assert [value.metadata[key] for key in ("frames", "width", "height")] == [3, width, height]


def test_a_sound_may_have_axes_of_length_one_in_front():
    assert sound(np.zeros((1, 1, 100))).shape == (1, 100)
    assert sound(np.zeros((100, 2))).shape == (100, 2)


def test_histograms_take_numbers_of_bins_edges_and_names():
    values = np.arange(100.0)
    assert len(histogram(values, "tensorflow", None).counts) == 64
    assert len(histogram(values, "auto", None).counts) == len(np.histogram(values, "auto")[0])
    assert len(histogram(values, 10, None).counts) == 10
    assert histogram(values, [0.0, 50.0, 100.0], None).counts.tolist() == [50, 50]
    assert len(histogram(values, np.arange(2000.0), None).counts) <= 512


def test_ready_made_counts_lose_only_their_empty_ends():
    limits = [-1.0, 0.0, 1.0, 2.0, 3.0, 1e308]
    value = counted(0.5, 2.5, limits, [0, 0, 4, 0, 1, 0])
    assert value.edges.tolist() == [0.5, 1.0, 2.0, 2.5]
    assert value.counts.tolist() == [4, 0, 1]
    first = counted(1.0, 1.0, [1.0, 2.0], [3, 0])
    assert first.counts.tolist() == [3]
    assert counted(0.0, 5.0, [np.inf], [2]).edges.tolist() == [0.0, 5.0]
    many = counted(0.0, 2000.0, np.arange(1.0, 2001.0), np.ones(2000))
    assert many.counts.sum() == 2000
    assert len(many.counts) <= 512
    with pytest.raises(InvalidValue):
        counted(0.0, 1.0, [1.0], [1, 2])


def test_precision_and_recall_are_those_of_scikit_learn():
    labels, scores = RNG.integers(0, 2, 200), RNG.random(200)
    table = pr_table(labels, scores, 5, None)
    for threshold, *_, precision, recall in table.rows[:-1]:
        assert precision == pytest.approx(measures.precision_score(labels, scores >= threshold))
        assert recall == pytest.approx(measures.recall_score(labels, scores >= threshold))
    with pytest.raises(InvalidValue):
        pr_table(labels, scores[1:], 5, None)
