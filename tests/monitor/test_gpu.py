"""GPU metrics. No GPU is at hand where these tests run, so the management library is a stand-in here."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anew.monitor import gpu, system
from anew.monitor.gpu import GpuSampler
from anew.monitor.system import SystemSampler


class NVMLError_NotSupported(Exception):
    pass


class TwoGpus:
    """Behaves like `pynvml` on a machine with two GPUs, the second without a power sensor."""

    NVML_TEMPERATURE_GPU = 0

    def __init__(self) -> None:
        self.power_asked = 0
        self.lost = False
        self.open = 0

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}aaa-bbb"

    def nvmlDeviceGetName(self, handle: int) -> bytes:
        return b"A GPU"

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        if self.lost and handle == 0:
            raise RuntimeError("GPU is lost")
        return SimpleNamespace(gpu=50 + handle, memory=10)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(used=20, total=80)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        return 40

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        self.power_asked += 1
        if handle == 1:
            raise NVMLError_NotSupported
        return 250_500


def test_each_gpu_gives_what_it_has() -> None:
    nvml = TwoGpus()
    sampler = GpuSampler(nvml=nvml)
    assert len(sampler) == 2
    assert sampler.names() == {0: "A GPU", 1: "A GPU"}
    values = sampler.sample()
    assert values["gpu.0.utilization"] == 50.0
    assert values["gpu.1.utilization"] == 51.0
    assert values["gpu.0.memory_percent"] == 25.0
    assert values["gpu.0.memory_bytes"] == 20.0
    assert values["gpu.0.temperature_c"] == 40.0
    assert values["gpu.0.power_w"] == 250.5
    assert "gpu.1.power_w" not in values
    assert all(type(v) is float for v in values.values())
    sampler.sample()
    assert nvml.power_asked == 3  # what a device does not support is not asked for again
    sampler.close()
    assert nvml.open == 0
    assert sampler.sample() == {}


def test_a_lost_gpu_leaves_the_others() -> None:
    nvml = TwoGpus()
    sampler = GpuSampler(nvml=nvml)
    nvml.lost = True
    values = sampler.sample()
    assert "gpu.0.utilization" not in values
    assert values["gpu.1.utilization"] == 51.0


def test_only_the_gpus_given_to_the_process_are_read() -> None:
    def numbers(visible: str | None) -> set[str]:
        values = GpuSampler(visible, nvml=TwoGpus()).sample()
        return {name.split(".")[1] for name in values}

    assert numbers(None) == {"0", "1"}
    assert numbers("1") == {"1"}
    assert numbers(" 0 , 1 ") == {"0", "1"}
    assert numbers("GPU-1aaa") == {"1"}
    assert numbers("") == numbers("-1") == set()
    assert numbers("MIG-0123") == {"0", "1"}


def test_a_machine_without_a_driver_has_no_gpus() -> None:
    class NoDriver:
        def nvmlInit(self) -> None:
            raise OSError("libnvidia-ml.so.1 is missing")

    sampler = GpuSampler(nvml=NoDriver())
    assert len(sampler) == 0
    assert sampler.sample() == {}
    assert sampler.names() == {}
    sampler.close()


def test_a_gpu_that_cannot_be_read_is_said_once_and_no_gpu_is_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(gpu, "_DEVICES", (str(tmp_path / "nvidia0"),))
    monkeypatch.setattr(system, "_noted", False)
    notes: list[str] = []

    def sample() -> None:
        SystemSampler(str(tmp_path), on_note=notes.append).sample()

    sample()
    assert notes == []
    (tmp_path / "nvidia0").touch()
    sample()
    sample()
    assert len(notes) == 1
    assert "anew[gpu]" in notes[0]
