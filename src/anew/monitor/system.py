"""System metrics of the machine and this process: CPU, memory, disk, network, GPUs."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .gpu import GpuSampler

__all__ = ["FIRST_SAMPLE_SECONDS", "PREFIX", "SystemSampler"]

PREFIX = "system/"
FIRST_SAMPLE_SECONDS = 1.0
# A rate over less than this says more about the clock's grain than about the machine.
_SHORTEST = 0.1


class SystemSampler:
    """Samples the machine; never raises, and leaves out what cannot be read.

    Percentages are 0 to 100 (`process.cpu_percent` is 100 for each core kept busy); sizes are bytes.
    Rates are means since the sample before; the first sample takes a tenth of a second to have some. psutil
    and pynvml are imported by it too, so making a sampler costs nothing. Used from one thread at a time.

    Args:
        path: A path on the disk whose free space is watched, such as the experiment's folder.
        pid: The process to watch; this one if not given.
        visible_gpus: The value of CUDA_VISIBLE_DEVICES; None for all GPUs.
        on_note: Takes a sentence for the user, once in a process, about a GPU that cannot be read.
    """

    def __init__(
        self,
        path: str = ".",
        *,
        visible_gpus: str | None = None,
        pid: int | None = None,
        on_note: Callable[[str], object] | None = None,
    ) -> None:
        self._on_note = on_note
        self._path = path
        self._visible_gpus = visible_gpus
        self._pid = pid
        self._psutil: Any = None
        self._process: Any = None
        self._gpus: GpuSampler | None = None
        self._counters: dict[str, tuple[float, float]] = {}
        self._ready = False

    def sample(self) -> dict[str, float]:
        """The values of this moment by metric name: `system/cpu.percent`, `system/gpu.0.utilization` …"""
        values: dict[str, float] = {}
        if not self._prepare():
            return values
        for probe in _PROBES:
            try:
                values.update(probe(self))
            except Exception:  # noqa: BLE001  (a probe the platform lacks or refuses)
                continue
        if self._gpus is not None:
            values.update(self._gpus.sample())
        return {PREFIX + name: float(value) for name, value in values.items()}

    def _prepare(self) -> bool:
        if self._ready:
            return self._psutil is not None
        self._ready = True
        from .gpu import GpuSampler

        self._gpus = GpuSampler(self._visible_gpus)
        if self._gpus.missing and self._on_note is not None:
            _note_once(self._on_note)
        try:
            import psutil

            self._process = psutil.Process(self._pid)
            self._psutil = psutil
        except Exception:  # noqa: BLE001  (not installed, or a platform it cannot read)
            return False
        for probe in _PROBES:  # rates need a first reading to count from
            try:
                probe(self)
            except Exception:  # noqa: BLE001  (as above)
                continue
        time.sleep(_SHORTEST)
        return True

    def close(self) -> None:
        """Release the GPUs' management library."""
        if self._gpus is not None:
            self._gpus.close()

    def rate(self, name: str, total: float) -> dict[str, float]:
        """`{name: growth of a counter per second since it was last read}`, empty at the first reading."""
        now = time.monotonic()
        before = self._counters.get(name)
        if before is not None and now - before[0] < _SHORTEST:
            return {}
        self._counters[name] = (now, total)
        # A counter that fell was started again: a device that went, a machine that slept.
        if before is None or total < before[1]:
            return {}
        return {name: (total - before[1]) / (now - before[0])}


_noted = False


def _note_once(on_note: Callable[[str], object]) -> None:
    global _noted
    if not _noted:
        _noted = True
        on_note(
            "this machine has a GPU, and its metrics are not recorded, because the package nvidia-ml-py is not "
            'installed. Install it with: pip install "anew[gpu]"'
        )


def _cpu(sampler: SystemSampler) -> dict[str, float]:
    times = sampler._psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # guest time is counted within user time already
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    counted = sampler.rate("cpu.total", total), sampler.rate("cpu.idle", idle)
    if not all(counted) or not counted[0]["cpu.total"]:
        return {}
    share = 1.0 - counted[1]["cpu.idle"] / counted[0]["cpu.total"]
    return {"cpu.percent": min(100.0, max(0.0, 100.0 * share))}


def _load(sampler: SystemSampler) -> dict[str, float]:
    return {"cpu.load_1min": os.getloadavg()[0]}


def _process(sampler: SystemSampler) -> dict[str, float]:
    process = sampler._process
    with process.oneshot():
        values = {
            "process.rss_bytes": float(process.memory_info().rss),
            "process.threads": float(process.num_threads()),
        }
        times = process.cpu_times()
    used = sampler.rate("process.cpu", times.user + times.system)
    if used:
        values["process.cpu_percent"] = 100.0 * used["process.cpu"]
    return values


def _children(sampler: SystemSampler) -> dict[str, float]:
    """Memory of this process and all below it (data loaders), where the kernel lists children cheaply."""
    waiting, total, count = [os.getpid()], 0, 0
    while waiting and count < 1000:
        pid = waiting.pop()
        count += 1
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:
                total += int(file.read().split()[1])
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    waiting += map(int, file.read().split())
        except FileNotFoundError:
            if count == 1:  # not Linux, or a kernel without the list
                return {}
        except ProcessLookupError:
            continue
    return {
        "process.tree_rss_bytes": total * float(os.sysconf("SC_PAGE_SIZE")),
        "process.tree_count": float(count),
    }


def _memory(sampler: SystemSampler) -> dict[str, float]:
    memory = sampler._psutil.virtual_memory()
    return {"memory.percent": memory.percent, "memory.available_bytes": memory.available}


def _memory_limit(sampler: SystemSampler) -> dict[str, float]:
    """How much of a container's or a job's allowance of memory is used (control groups, version 2)."""
    with open("/proc/self/cgroup") as file:
        group = next(line.strip()[3:] for line in file if line.startswith("0::"))
    folder = "/sys/fs/cgroup" + (group if os.path.isdir("/sys/fs/cgroup" + group) else "")
    with open(f"{folder}/memory.max") as file:
        limit = int(file.read())  # "max" is no limit, and no number
    with open(f"{folder}/memory.current") as file:
        return {"memory.limit_percent": 100.0 * int(file.read()) / limit}


def _disk(sampler: SystemSampler) -> dict[str, float]:
    usage = sampler._psutil.disk_usage(sampler._path)
    return {"disk.percent": usage.percent, "disk.free_bytes": usage.free}


def _disk_traffic(sampler: SystemSampler) -> dict[str, float]:
    counters = sampler._psutil.disk_io_counters()
    return sampler.rate("disk.read_bytes_per_s", counters.read_bytes) | sampler.rate(
        "disk.written_bytes_per_s", counters.write_bytes
    )


def _network(sampler: SystemSampler) -> dict[str, float]:
    cards = sampler._psutil.net_io_counters(pernic=True)
    outward = [counters for name, counters in cards.items() if name not in ("lo", "lo0")]
    return sampler.rate(
        "network.sent_bytes_per_s", sum(c.bytes_sent for c in outward)
    ) | sampler.rate("network.received_bytes_per_s", sum(c.bytes_recv for c in outward))


_PROBES: tuple[Callable[[SystemSampler], dict[str, float]], ...] = (
    _cpu,
    _load,
    _process,
    _children,
    _memory,
    _memory_limit,
    _disk,
    _disk_traffic,
    _network,
)
