"""The hardware: processor, memory, graphics cards and their driver. Read once per process."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["hardware"]


def hardware() -> dict[str, Any]:
    """CPU, cores, memory in bytes, GPUs, driver and CUDA; what cannot be read is left out."""
    import platform

    facts: dict[str, Any] = {"cpu": _cpu() or platform.processor() or platform.machine()}
    facts["cores"] = os.cpu_count()
    usable = getattr(os, "sched_getaffinity", None)
    if usable is not None:
        facts["usable_cores"] = len(usable(0))
    try:
        facts["memory"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        pass
    return facts | _gpus()


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(("model name", "Hardware")):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return ""


def _gpus() -> dict[str, Any]:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001  (no driver, no library: no such GPUs)
        return {}
    try:
        cards = []
        for number in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(number)
            memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
            cards.append({"name": _text(pynvml.nvmlDeviceGetName(handle)), "memory": memory})
        version = int(pynvml.nvmlSystemGetCudaDriverVersion())
        return {
            "gpus": cards,
            "driver": _text(pynvml.nvmlSystemGetDriverVersion()),
            "cuda": f"{version // 1000}.{version % 1000 // 10}",
        }
    except Exception:  # noqa: BLE001  (a driver that refuses an answer)
        return {}
    finally:
        try:
            pynvml.nvmlShutdown()
        except Exception:  # noqa: BLE001
            pass


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
