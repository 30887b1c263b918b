"""Sound."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from anew.errors import InvalidValue
from anew.values import Audio


def kept(audio: Audio, folder: Path) -> tuple[npt.NDArray[Any], wave._wave_params]:
    saved = audio.save(str(folder), "sound")
    assert saved.path == "sound.wav"
    with wave.open(str(folder / saved.path), "rb") as sound:
        width = {1: "u1", 2: "<i2", 4: "<i4"}[sound.getsampwidth()]
        samples = np.frombuffer(sound.readframes(10**6), width)
        return samples.reshape(-1, sound.getnchannels()), sound.getparams()


def test_floats_become_16_bits(tmp_path: Path) -> None:
    audio = Audio(np.array([0.0, 1.0, -1.0, 0.5]), 8000, "beep")
    samples, parameters = kept(audio, tmp_path)
    assert samples[:, 0].tolist() == [0, 32767, -32767, 16384]
    assert parameters.framerate == 8000
    assert audio.metadata == {
        "caption": "beep", "format": "wav", "sample_rate": 8000, "channels": 1, "duration": 4 / 8000,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", ">i2"])
def test_integers_are_kept_as_they_are(tmp_path: Path, kind: str) -> None:
    limits = np.iinfo(kind)
    data = np.array([limits.min, limits.max, 1], kind)
    np.testing.assert_array_equal(kept(Audio(data, 44100), tmp_path)[0][:, 0], data)


def test_wide_integers_are_narrowed_if_they_fit(tmp_path: Path) -> None:
    assert kept(Audio(np.array([1, -30_000]), 8000), tmp_path)[1].sampwidth == 2
    assert kept(Audio(np.array([1, -300_000]), 8000), tmp_path)[1].sampwidth == 4
    with pytest.raises(InvalidValue):
        Audio(np.array([2**40]), 8000)


def test_channels_may_stand_in_either_place(tmp_path: Path) -> None:
    stereo = np.random.default_rng(0).integers(-9, 9, (100, 2)).astype(np.int16)
    np.testing.assert_array_equal(kept(Audio(stereo, 8000), tmp_path)[0], stereo)
    np.testing.assert_array_equal(kept(Audio(stereo.T, 8000), tmp_path)[0], stereo)


def test_what_is_too_loud_is_divided_by_its_peak_and_told(tmp_path: Path) -> None:
    audio = Audio(np.array([2.0, -4.0]), 8000)
    assert kept(audio, tmp_path)[0][:, 0].tolist() == [16384, -32767]
    assert audio.metadata["peak"] == 4.0


def test_nan_is_silence_and_counted(tmp_path: Path) -> None:
    audio = Audio(np.array([np.nan, 1.0, np.inf]), 8000)
    assert kept(audio, tmp_path)[0][:, 0].tolist() == [0, 32767, 0]
    assert audio.metadata["nonfinite"] == 2


def test_tensors_are_sound_too(tmp_path: Path) -> None:
    import torch

    audio = Audio(torch.ones(1, 50, requires_grad=True), 16000)
    assert kept(audio, tmp_path)[0].shape == (50, 1)


def test_a_file_and_its_bytes_are_kept_as_they_are(tmp_path: Path) -> None:
    Audio(np.zeros(80), 8000).save(str(tmp_path), "source")
    content = (tmp_path / "source.wav").read_bytes()
    for data in (content, str(tmp_path / "source.wav")):
        saved = Audio(data).save(str(tmp_path), "copy")
        assert (tmp_path / "copy.wav").read_bytes() == content
        assert saved.metadata["sample_rate"] == 8000
        assert saved.metadata["duration"] == 0.01
    for head, kind in (
        (b"fLaC", "flac"),
        (b"OggS", "ogg"),
        (b"ID3\3", "mp3"),
        (b"\xff\xfb", "mp3"),
    ):
        assert Audio(head + bytes(20)).save(str(tmp_path), "other").path == f"other.{kind}"


def test_a_wav_file_of_an_unknown_form_is_kept_without_facts(tmp_path: Path) -> None:
    buffer = io.BytesIO(b"RIFF\0\0\0\0WAVEfmt broken")
    assert Audio(buffer.getvalue()).save(str(tmp_path), "x").path == "x.wav"


@pytest.mark.parametrize("rate", [None, 0, -1, 2.5, "8000", True])
def test_samples_need_a_sample_rate(rate: Any) -> None:
    with pytest.raises(InvalidValue):
        Audio(np.zeros(8), rate)


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((2, 3, 4)),
        np.zeros((100, 100)),
        np.zeros(0),
        np.array(["a"]),
        b"text",
        object(),
    ],
)
def test_what_is_no_sound_is_refused(data: Any) -> None:
    with pytest.raises(InvalidValue):
        Audio(data, 8000)
