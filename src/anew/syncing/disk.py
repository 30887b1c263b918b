"""Whether a folder is lost when the job or the container ends, as far as can be seen."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["why_lost"]

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_LAYERS = frozenset({"overlay", "aufs", "fuse.fuse-overlayfs"})
# Folders that a scheduler makes for a job and removes after it.
_OF_JOBS = ("SLURM_TMPDIR", "SLURM_JOB_TMP", "PBS_JOBDIR", "LSB_JOB_TMPDIR", "JOB_TMPDIR")
_JOBS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")


def why_lost(
    folder: str, environ: Mapping[str, str], *, mounts: str = "/proc/self/mounts", top: str = "/"
) -> str:
    """Why a folder does not outlive the job or the container, in a few words; "" if it seems to stay.

    Args:
        mounts: Where the system tells what is mounted.
        top: Where the marks lie that containers leave.
    """
    folder = os.path.realpath(folder)
    for variable in _OF_JOBS:
        where = environ.get(variable, "")
        if where and _is_below(folder, os.path.realpath(where)):
            return f"it is in the job's temporary folder ({variable})"
    point, kind = _mount_of(folder, mounts)
    container = _container(environ, top)
    if container and kind in _LAYERS:
        return f"it is in the file system of a {container}"
    if kind in _IN_MEMORY:
        if container:
            return f"it is in the memory of a {container} ({point})"
        job = next((name for name in _JOBS if environ.get(name)), "")
        if job:
            return f"it is in the memory of the job's machine ({point})"
    if container == "Kubernetes pod" and kind and "kubernetes.io~empty-dir" in _source(point):
        return "it is in an emptyDir of a Kubernetes pod"
    tmp = environ.get("TMPDIR", "")
    if tmp and _names_job(tmp, environ) and _is_below(folder, os.path.realpath(tmp)):
        return "it is in the job's temporary folder (TMPDIR)"
    return ""


def _container(environ: Mapping[str, str], top: str) -> str:
    """What kind of container this is; "" for none."""
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return "Kubernetes pod"
    for mark in (".dockerenv", "run/.containerenv"):
        if os.path.exists(os.path.join(top, mark)):
            return "container"
    if environ.get("container") or environ.get("APPTAINER_CONTAINER") or environ.get("SINGULARITY_CONTAINER"):  # fmt: skip
        return "container"
    return ""


def _names_job(path: str, environ: Mapping[str, str]) -> bool:
    """Whether a path has the job's number in it: what is named after a job is removed with it."""
    return any((number := environ.get(name, "")) and number in path for name in _JOBS)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _mount_of(folder: str, mounts: str) -> tuple[str, str]:
    """Where the file system of a folder is mounted, and of which kind it is; empty if that is not known."""
    best = ("", "")
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                parts = line.split(" ")
                if len(parts) > 2:
                    point = parts[1].replace("\\040", " ")
                    if _is_below(folder, point) and len(point) >= len(best[0]):
                        best = (point, parts[2])
    except OSError:
        pass
    return best


def _source(point: str) -> str:
    """What is mounted at a place, as `mountinfo` has it: the part of the host's file system."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                parts = line.split(" ")
                if len(parts) > 4 and parts[4] == point:
                    return parts[3]
    except OSError:
        pass
    return ""
