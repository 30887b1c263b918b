"""Whether a writer's process still exists.

On the same machine and boot the process table decides, at once. From elsewhere only the heartbeat
can: the writer touches its event segment at a known interval.

An end is *certain*, and may be written down, only with proof: the machine is known by its id and boot rather than by its
name, which others may have too; the system says that there is no such process, which is another answer than that one may
not look at it; and the heartbeat has stopped as well, for clones of a machine share ids and boots. Clocks prove nothing:
silence is never certain.
"""

from __future__ import annotations

import os

__all__ = [
    "boot_id",
    "host_name",
    "is_this_process",
    "machine_id",
    "machine_mark",
    "pid_space",
    "process_started",
    "runs",
    "seems_gone",
]

HEARTBEATS_MISSED = 6
_PRIME = 2**61 - 1


def host_name() -> str:
    """This machine's name."""
    try:
        return os.uname().nodename
    except AttributeError:  # Windows
        import socket

        return socket.gethostname()


def machine_id() -> str:
    """A permanent id of the machine, or "" if none is available."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            with open(path) as file:
                return file.read().strip()
        except OSError:
            continue
    return ""


def machine_mark() -> str:
    """What tells this machine from others in a record, or "": the id itself should not be handed around."""
    found = machine_id()
    return f"{int.from_bytes(found.encode(), 'big') % _PRIME:016x}" if found else ""


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


def runs(pid: int, started: int) -> bool | None:
    """Whether the process with this id that began at `started` still runs; None when that cannot be seen.

    A process of another user may be hidden (`hidepid`): then only the system's own word that there is none counts.
    """
    if os.name == "posix" and pid > 0:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):  # it is there, and somebody else's
            pass
    now = process_started(pid)
    if now:
        return now == started if started else None
    return False if _is_zombie(pid) else None


def _is_zombie(pid: int) -> bool:
    """Whether the process has ended and its parent has not asked for its status yet."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
        return stat[stat.rindex(b")") + 2 :].split()[0] in (b"Z", b"X")
    except (OSError, ValueError, IndexError):
        return False


def is_this_process(*, host: str, boot: str, pid: int, pid_started: int, space: str) -> bool:
    """Whether these are the marks of the process that asks."""
    here = (host_name(), boot_id(), os.getpid(), pid_space())
    started = process_started(os.getpid())
    return here == (host, boot, pid, space) and started == pid_started != 0


def seems_gone(
    *,
    host: str,
    machine: str,
    boot: str,
    pid: int,
    pid_started: int,
    space: str,
    silent_for: float,
    heartbeat: float,
) -> tuple[str, bool] | None:
    """Why the writer with these marks must have vanished, and whether that is certain; None if it may still run.

    Args:
        machine: The mark of its machine (`machine_mark`).
        silent_for: Seconds since its last heartbeat or record.
        heartbeat: Seconds between its heartbeats; 0 for none, and silence says nothing then.
    """
    same_name = host == host_name()
    same_machine = same_name and bool(machine) and machine == machine_mark()
    silent = bool(heartbeat) and silent_for > heartbeat * HEARTBEATS_MISSED
    # Ids of boots are random numbers on Linux; elsewhere they are times, which two machines may share.
    same_boot = bool(boot) and boot == boot_id() and (same_machine or not boot.startswith("boot-"))
    if same_name and same_boot and space == pid_space():
        found = runs(pid, pid_started)
        if found:
            return None
        if found is False:
            return (
                f"its process {pid} on {host} vanished without ending it (killed, or out of memory)",
                same_machine and bool(space) and silent_for > heartbeat,
            )
    elif same_machine and boot and boot_id() and not same_boot and silent:
        return f"the machine {host} was restarted while it ran", True
    if silent:
        who = f"process {pid} on {host}" if pid else f"the client at {host}"
        return f"no sign of life from {who} for {silent_for:.0f} s", False
    return None
