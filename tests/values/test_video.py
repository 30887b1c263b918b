"""Moving pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from anew.errors import InvalidValue
from anew.values import Video

FRAMES = np.zeros((6, 16, 24, 3), np.uint8)
for _number in range(6):
    FRAMES[_number, :, _number * 4 : _number * 4 + 4] = 250


def kept(video: Video, folder: Path) -> tuple[np.ndarray[Any, Any], list[int]]:
    saved = video.save(str(folder), "clip")
    assert saved.path is not None
    frames, durations = [], []
    with PIL.Image.open(folder / saved.path) as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            picture.load()
            durations.append(int(picture.info["duration"]))
            frames.append(np.asarray(picture.convert("RGB")))
    return np.stack(frames), durations


@pytest.mark.parametrize("format", ["webp", "gif", "png"])
def test_frames_come_back_in_order_and_time(tmp_path: Path, format: str) -> None:
    video = Video(FRAMES, fps=20, format=format, caption="moving")
    frames, durations = kept(video, tmp_path)
    assert frames.shape == FRAMES.shape
    assert np.abs(frames.astype(int) - FRAMES).mean() < 12
    assert durations == [50] * 6
    assert video.metadata["frames"] == 6
    assert (video.metadata["width"], video.metadata["height"]) == (24, 16)


def test_channels_may_come_second_or_be_left_out(tmp_path: Path) -> None:
    frames, _ = kept(Video(np.moveaxis(FRAMES, -1, 1), format="png"), tmp_path)
    np.testing.assert_array_equal(frames, FRAMES)
    frames, _ = kept(Video(FRAMES[..., 0], format="png"), tmp_path)
    np.testing.assert_array_equal(frames, FRAMES)
    frames, _ = kept(Video(FRAMES[..., :2], format="png"), tmp_path)
    assert frames.shape == FRAMES.shape


def test_one_range_is_used_for_all_frames(tmp_path: Path) -> None:
    data = np.stack([np.full((4, 4), 0.0), np.full((4, 4), 5.0), np.full((4, 4), 10.0)])
    video = Video(data, format="png")
    frames, _ = kept(video, tmp_path)
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 128, 255]
    assert video.metadata["value_range"] == [0.0, 10.0]


def test_a_tensor_of_one_frame_is_a_video_too(tmp_path: Path) -> None:
    import torch

    assert Video(torch.rand(1, 3, 8, 8)).save(str(tmp_path), "one").path == "one.webp"


def test_rounding_of_durations_does_not_add_up(tmp_path: Path) -> None:
    frames = np.arange(60, dtype=np.uint8).repeat(4 * 4 * 3).reshape(60, 4, 4, 3) * 4
    _, durations = kept(Video(frames, fps=60, format="png"), tmp_path)
    assert sum(durations) == 1000


def test_a_file_is_kept_as_it_is(tmp_path: Path) -> None:
    content = b"\0\0\0\x18ftypisom" + bytes(50)
    source = tmp_path / "clip.mp4"
    source.write_bytes(content)
    assert Video(source).save(str(tmp_path / "values"), "x").path == "x.mp4"
    assert (tmp_path / "values" / "x.mp4").read_bytes() == content


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (np.zeros((4, 4)), {}),
        (np.zeros((2, 3, 4, 5, 3)), {}),
        (np.zeros((0, 4, 4)), {}),
        (FRAMES, {"fps": 0}),
        (FRAMES, {"fps": "fast"}),
        (FRAMES, {"format": "mp4"}),
        (b"not a video", {}),
        (7, {}),
    ],
)
def test_what_is_no_video_is_refused(data: Any, options: Any) -> None:
    with pytest.raises(InvalidValue):
        Video(data, **options)
