"""Audio."""

from __future__ import annotations

import os

from ..errors import InvalidValue
from .arrays import as_array, is_array
from .value import Saved, check_caption, copy_file, read_source, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, ClassVar

    import numpy.typing as npt

__all__ = ["Audio"]

_MOST_CHANNELS = 32


class Audio:
    """Audio, saved as WAV, or unchanged if it is a file already.

    Args:
        data: Samples (one dimension, or two with channels in the shorter one), the path of a sound file, or
            the bytes of one (WAV, FLAC, Ogg, MP3, MP4). Floats are from -1 to 1 and kept with 16 bits;
            louder ones are divided by their peak, which the metadata then name. Integers of 8 (unsigned),
            16 and 32 bits are kept as they are. NaN is silence and counted.
        sample_rate: Samples per second; needed for samples, read from a WAV file.
        caption: A line to show with it.

    Raises:
        InvalidValue: It is no sound, or the sample rate is missing.
    """

    kind: ClassVar[str] = "audio"

    def __init__(
        self, data: Any, sample_rate: int | None = None, caption: str | None = None
    ) -> None:
        self.metadata: dict[str, Any] = check_caption(caption)
        self._source: str | bytes | None = None
        self._samples: npt.NDArray[Any] | None = None
        if isinstance(data, (str, bytes, bytearray, memoryview, os.PathLike)):
            self._source, head = read_source(data, "sound")
            kind = _sound_format(head)
            if kind is None:
                raise InvalidValue(
                    "An Audio given as a file or bytes must be WAV, FLAC, Ogg, MP3 or MP4; this one begins with "
                    f"{head[:8]!r}."
                )
            self.metadata |= {"format": kind, **(_wav_facts(self._source) if kind == "wav" else {})}
            if sample_rate is not None:
                self.metadata.setdefault("sample_rate", _rate(sample_rate))
        elif is_array(data):
            rate = _rate(sample_rate)
            samples, facts = _pcm(as_array(data, "An Audio"))
            self._samples = samples
            self.metadata |= facts | {
                "format": "wav",
                "sample_rate": rate,
                "channels": samples.shape[1],
                "duration": samples.shape[0] / rate,
            }
        else:
            raise InvalidValue(
                f"An Audio is made from an array, a path or bytes, not from {type(data).__name__}."
            )

    def save(self, folder: str, stem: str) -> Saved:
        """Write the sound's file (see `Value.save`)."""
        name = f"{stem}.{self.metadata['format']}"
        if self._source is not None:
            return Saved(copy_file(folder, name, self._source), None, self.metadata)
        write_file(folder, name, self._write)
        return Saved(name, None, self.metadata)

    def _write(self, file: BinaryIO) -> None:
        import wave

        samples = self._samples
        assert samples is not None
        with wave.open(file, "wb") as sound:
            sound.setnchannels(samples.shape[1])
            sound.setsampwidth(samples.dtype.itemsize)
            sound.setframerate(self.metadata["sample_rate"])
            sound.writeframes(samples.tobytes())


def _rate(rate: object) -> int:
    import operator

    try:
        number = operator.index(rate)  # type: ignore[arg-type]
    except TypeError:
        number = int(rate) if isinstance(rate, float) and rate.is_integer() else 0
    if isinstance(rate, bool) or not 0 < number < 2**31:
        raise InvalidValue(
            f"An Audio needs its number of samples per second, such as sample_rate=16000, not {rate!r}.",
            key="sample_rate",
        )
    return number


def _pcm(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    """Samples as little-endian time × channels of a width that WAV has, and what was done to them."""
    import numpy as np

    shape = array.shape
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size or min(array.shape) > _MOST_CHANNELS:
        raise InvalidValue(
            f"An Audio has the shape {shape} (dtype {array.dtype}); it must be time, or time × channels in either order, with 1 to {_MOST_CHANNELS} channels and at least one sample."
        )
    if array.shape[0] < array.shape[1]:
        array = array.T
    if array.dtype.kind == "f":
        return _from_floats(array)
    for width in ("u1", "<i2", "<i4"):
        if array.dtype == np.dtype(width):
            return np.ascontiguousarray(array, width), {}
    low, high = int(array.min()), int(array.max())
    for width, limit in (("<i2", 2**15), ("<i4", 2**31)):
        if -limit <= low and high < limit:
            return np.ascontiguousarray(array, width), {}
    raise InvalidValue(
        f"An Audio of dtype {array.dtype} contains values from {low} to {high}, which do not fit into 32 bits."
    )


def _from_floats(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    import numpy as np

    facts: dict[str, Any] = {}
    finite = np.isfinite(array)
    if not finite.all():
        facts["nonfinite"] = int(array.size - np.count_nonzero(finite))
        array = np.where(finite, array, 0.0)
    array = array.astype(np.float64)
    peak = float(np.abs(array).max())
    if peak > 1.0:
        facts["peak"] = peak
        array = array / peak
    return np.rint(array * 32767.0).astype("<i2"), facts


def _sound_format(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return "mp3"
    if head[4:8] == b"ftyp":
        return "m4a"
    return {b"fLaC": "flac", b"OggS": "ogg"}.get(head[:4])


def _wav_facts(source: str | bytes) -> dict[str, Any]:
    import io
    import wave

    try:
        with wave.open(io.BytesIO(source) if isinstance(source, bytes) else source, "rb") as sound:
            rate = sound.getframerate()
            return {
                "sample_rate": rate,
                "channels": sound.getnchannels(),
                "duration": sound.getnframes() / rate,
            }
    except (
        wave.Error,
        EOFError,
        ZeroDivisionError,
    ):  # a form of WAV that the library does not read
        return {}
