"""Event files, read back through TensorBoard's own readers."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.util.tensor_util import make_ndarray

from reenact.forwarders.address import TensorBoard
from reenact.forwarders.target import Mirror, Target
from reenact.forwarders.tensorboard import TensorBoardTarget
from reenact.record.status import Status
from reenact.testing.target import TargetContract

ADDRESS = TensorBoard()


def folder_of(mirror: Mirror) -> Path:
    return Path(mirror.folder, "forward", "tensorboard")


def accumulated(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance=dict.fromkeys(_SIZES, 0))
    found.Reload()
    return found


_SIZES = ("scalars", "images", "audio", "histograms", "tensors", "compressedHistograms")


def texts(folder: Path, tag: str) -> list[str]:
    events = accumulated(folder).Tensors(tag)
    return [make_ndarray(event.tensor_proto).item().decode() for event in events]


class TestTensorBoardTarget(TargetContract):
    running = "STATUS_UNSET"

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        return TensorBoardTarget(ADDRESS, mirror, memo)

    def crash(self, target: Target) -> None:
        assert isinstance(target, TensorBoardTarget)
        # What a killed process leaves: all that it wrote, and at the worst the beginning of one more record.
        os.write(os.open(target._path, os.O_WRONLY | os.O_APPEND), b"\x18\x00\x00\x00\x00\x00half")
        target.close()

    def runs(self, mirror: Mirror) -> int:
        names = {path.name.rpartition(".")[0] for path in folder_of(mirror).iterdir()}
        return len(names)

    def points(self, mirror: Mirror) -> list[tuple[str, int, float]]:
        found = accumulated(folder_of(mirror))
        tags = found.Tags()["scalars"]
        return [(tag, p.step, p.value) for tag in tags for p in found.Scalars(tag)]

    def kept(self, value: float) -> float:
        try:
            return float(struct.unpack("<f", struct.pack("<f", value))[0])
        except OverflowError:
            return value

    def session(self, mirror: Mirror, tag: str) -> Any:
        for path in sorted(folder_of(mirror).iterdir()):
            for event in LegacyEventFileLoader(str(path)).Load():
                for value in event.summary.value:
                    if value.tag == f"_hparams_/{tag}":
                        return value.metadata.plugin_data.content
        return None

    def params(self, mirror: Mirror) -> dict[str, Any]:
        content = self.session(mirror, "session_start_info")
        start = hparams.parse_session_start_info_plugin_data(content)
        return {name: getattr(v, v.WhichOneof("kind")) for name, v in start.hparams.items()}

    def about(self, mirror: Mirror) -> str:
        return texts(folder_of(mirror), "reenact/experiment")[-1]

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        lines = [line for line in self.about(mirror).splitlines() if line.startswith("| tags |")]
        tags = [tag.partition("=") for line in lines for tag in line[9:-2].split(", ")]
        return {tag: value or None for tag, _, value in tags}

    def notes(self, mirror: Mirror) -> str:
        return self.about(mirror)

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        return {}

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        found = accumulated(folder_of(mirror))
        read = {"images": found.Images, "audio": found.Audio, "histograms": found.Histograms}
        read |= {"tensors": found.Tensors}
        return [
            (tag, event.step)
            for kind, events in read.items()
            for tag in found.Tags()[kind]
            if not tag.startswith(("reenact/", "_hparams_/")) and not tag.endswith("/caption")
            for event in events(tag)
        ]

    def logs(self, mirror: Mirror) -> str:
        return "\n".join(texts(folder_of(mirror), "reenact/logs"))

    def status(self, mirror: Mirror) -> Any:
        content = self.session(mirror, "session_end_info")
        if content is None:
            return self.running
        info = hparams.parse_session_end_info_plugin_data(content)
        return type(info).DESCRIPTOR.fields_by_name["status"].enum_type.values[info.status].name

    def ended(self, status: Status) -> Any:
        ends = {Status.COMPLETED: "STATUS_SUCCESS", Status.FAILED: "STATUS_FAILURE"}
        return ends.get(status, "STATUS_UNKNOWN")
