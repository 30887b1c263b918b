"""Whether a writer's process still exists.

On the same machine and boot the process table decides, at once. From elsewhere only the heartbeat
can: the writer touches its event segment at a known interval.
"""

from __future__ import annotations

import os

__all__ = ["boot_id", "host_name", "pid_space", "process_started", "seems_gone"]

HEARTBEATS_MISSED = 6


def host_name() -> str:
    """This machine's name."""
    try:
        return os.uname().nodename
    except AttributeError:  # Windows
        import socket

        return socket.gethostname()


def boot_id() -> str:
    """An id that changes when the machine restarts, or "" if none is available."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        pass
    try:
        import psutil

        return f"boot-{int(psutil.boot_time())}"
    except Exception:  # noqa: BLE001  (psutil raises its own kinds where the platform lacks it)
        return ""


def pid_space() -> str:
    """The process-id namespace: a pid means something only within one (containers have their own)."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def process_started(pid: int) -> int:
    """When the process began, in the system's own ticks: tells a process from a later one of its id.

    Returns 0 when there is no such process.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
        fields = stat[stat.rindex(b")") + 2 :].split()
        return 0 if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, ValueError, IndexError):
        if os.path.isdir("/proc/self"):
            return 0
    try:
        import psutil

        return int(psutil.Process(pid).create_time() * 1000)
    except Exception:  # noqa: BLE001  (no such process, or not to be asked)
        return 0


def seems_gone(
    *,
    host: str,
    boot: str,
    pid: int,
    pid_started: int,
    space: str,
    silent_for: float,
    heartbeat: float,
) -> tuple[str, bool] | None:
    """Why the writer with these marks must have vanished, and whether that is certain; None if it may still run.

    Args:
        silent_for: Seconds since its last heartbeat or record.
        heartbeat: Seconds between its heartbeats.
    """
    if host == host_name() and boot and boot_id():
        if boot != boot_id():
            return f"the machine {host} was restarted while it ran", True
        if space == pid_space():
            if process_started(pid) == pid_started != 0:
                return None
            return (
                f"its process {pid} on {host} vanished without ending it (killed, or out of memory)",
                True,
            )
    if silent_for > heartbeat * HEARTBEATS_MISSED:
        return f"no sign of life from process {pid} on {host} for {silent_for:.0f} s", False
    return None
