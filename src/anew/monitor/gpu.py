"""Metrics of NVIDIA GPUs, from their management library; nothing on machines without any."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["GpuSampler"]

# The first device of the driver; of Tegra boards; of Windows's Linux.
_DEVICES = ("/dev/nvidia0", "/dev/nvhost-gpu", "/usr/lib/wsl/lib/libnvidia-ml.so.1")


class GpuSampler:
    """Reads utilization, memory, temperature and power of each GPU.

    GPUs have the numbers that `nvidia-smi` shows. A value that a device does not give is left out, and
    so is everything on a machine without a driver. Made and used in one thread at a time.

    Args:
        visible: The value of CUDA_VISIBLE_DEVICES, to look at those GPUs only; None for all.
        nvml: The `pynvml` module, or one that behaves like it.

    Attributes:
        missing: Whether the machine has a GPU, and the package that reads it is not installed.
    """

    def __init__(self, visible: str | None = None, nvml: Any = None) -> None:
        self.missing = False
        self._devices: list[tuple[int, Any]] = []
        self._unsupported: set[tuple[int, str]] = set()
        self._nvml: Any = None
        try:
            if nvml is None:
                import pynvml

                nvml = pynvml
            nvml.nvmlInit()
            self._nvml = nvml
            for number in range(nvml.nvmlDeviceGetCount()):
                handle = nvml.nvmlDeviceGetHandleByIndex(number)
                if visible is None or self._is_visible(visible, number, handle):
                    self._devices.append((number, handle))
        except ImportError:
            self.missing = _there_is_one()
        except Exception:  # noqa: BLE001  (no driver, no device, no permission: no GPU to show)
            return

    def __len__(self) -> int:
        return len(self._devices)

    def _is_visible(self, visible: str, number: int, handle: Any) -> bool:
        names = [name.strip() for name in visible.split(",") if name.strip()]
        if not names or names == ["-1"]:
            return False
        if any(name.startswith("MIG") for name in names):  # a slice does not name its device
            return True
        uuid = self._nvml.nvmlDeviceGetUUID(handle)
        uuid = uuid.decode() if isinstance(uuid, bytes) else str(uuid)
        return str(number) in names or any(
            name.startswith("GPU-") and uuid.startswith(name) for name in names
        )

    def names(self) -> dict[int, str]:
        """The product name of each GPU, by its number."""
        found: dict[int, str] = {}
        for number, handle in self._devices:
            try:
                name = self._nvml.nvmlDeviceGetName(handle)
            except Exception:  # noqa: BLE001  (the library's errors have no common meaning for us)
                continue
            found[number] = name.decode() if isinstance(name, bytes) else str(name)
        return found

    def sample(self) -> dict[str, float]:
        """`gpu.<number>.<what>` of every GPU: percent, bytes, degrees Celsius, watts."""
        values: dict[str, float] = {}
        for number, handle in self._devices:
            for what, probe in _PROBES:
                if (number, what) in self._unsupported:
                    continue
                try:
                    read = probe(self._nvml, handle)
                except Exception as error:  # noqa: BLE001  (a device may be lost at any time)
                    if type(error).__name__ == "NVMLError_NotSupported":
                        self._unsupported.add((number, what))
                    continue
                values.update({f"gpu.{number}.{name}": float(v) for name, v in read.items()})
        return values

    def close(self) -> None:
        """Release the management library."""
        self._devices = []
        if self._nvml is not None:
            try:
                self._nvml.nvmlShutdown()
            except Exception:  # noqa: BLE001  (nothing is left to be done about it)
                pass
            self._nvml = None


def _there_is_one() -> bool:
    """Whether the driver shows a GPU of NVIDIA."""
    return any(map(os.path.exists, _DEVICES))


def _utilization(nvml: Any, handle: Any) -> dict[str, float]:
    rates = nvml.nvmlDeviceGetUtilizationRates(handle)
    return {"utilization": rates.gpu, "memory_activity": rates.memory}


def _memory(nvml: Any, handle: Any) -> dict[str, float]:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return {
        "memory_bytes": memory.used,
        "memory_percent": 100.0 * memory.used / memory.total if memory.total else 0.0,
    }


def _temperature(nvml: Any, handle: Any) -> dict[str, float]:
    return {
        "temperature_c": nvml.nvmlDeviceGetTemperature(
            handle, getattr(nvml, "NVML_TEMPERATURE_GPU", 0)
        )
    }


def _power(nvml: Any, handle: Any) -> dict[str, float]:
    return {"power_w": nvml.nvmlDeviceGetPowerUsage(handle) / 1000.0}


_PROBES: tuple[tuple[str, Callable[[Any, Any], dict[str, float]]], ...] = (
    ("utilization", _utilization),
    ("memory", _memory),
    ("temperature", _temperature),
    ("power", _power),
)
