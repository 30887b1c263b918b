"""The artifacts of a run, where they lie in folders of this machine."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from ....importing.foreign import resolved

__all__ = ["artifact_folder", "model_folder"]


def artifact_folder(uri: str, run_id: str, experiment_id: str, beside: str) -> str | None:
    """The folder of a run's artifacts, by the address that its store has; None if it is none of this machine.

    A store may come from somebody else and name any folder. Only one that is laid out as MLflow does it, with the id of the run
    above `artifacts`, is taken: at the address, or beside the store, as after both were moved.

    Args:
        beside: The folder that the store lies in.
    """
    above = os.path.join(experiment_id, run_id)
    return _folder(uri, (run_id, "artifacts"), os.path.join(above, "artifacts"), beside)


def model_folder(uri: str, model_id: str, experiment_id: str, beside: str) -> str | None:
    """The folder of a logged model's files, found as `artifact_folder` finds that of a run's artifacts."""
    below = os.path.join(experiment_id, "models", model_id, "artifacts")
    return _folder(uri, (model_id, "artifacts"), below, beside)


def _folder(uri: str, end: tuple[str, str], below: str, beside: str) -> str | None:
    parts = urlsplit(uri)
    candidates = []
    ends = [below]
    if parts.scheme in ("", "file"):
        path = unquote(parts.path) if parts.scheme else uri
        candidates.append(os.path.join(beside, path))
        # Where an experiment has another id than the one that its runs were kept under.
        ends.append(os.path.join(*os.path.normpath(path).split(os.sep)[-below.count(os.sep) - 1 :]))
    if beside:
        candidates += [
            os.path.join(beside, *above, end)
            for end in ends
            for above in ((), ("mlruns",), ("mlartifacts",))
        ]
    for path in candidates:
        full = os.path.normpath(path)
        if tuple(full.split(os.sep)[-2:]) != end:
            continue
        if not beside or not full.startswith(os.path.join(beside, "")):
            full = os.path.join(resolved(os.path.dirname(os.path.dirname(full))), *end)
        if os.path.isdir(full):  # also behind a link, which is then said
            return full
    return None
