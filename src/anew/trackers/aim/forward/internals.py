"""What a forwarder needs of Aim that Aim keeps to itself.

Aim has no public call for a point with a time of its own, for leaving a run without ending it, and for letting go of a server
that is gone. Each name of Aim's own that is used for that stands here and nowhere else: a new version of Aim is tried with
this page.
"""

from __future__ import annotations

import logging
from operator import attrgetter
from typing import Any

__all__ = ["client_of", "detach", "forget", "is_locked", "leave", "silent", "track"]

_tracker = attrgetter("_tracker")
_resources = attrgetter("_resources")
_lock_manager = attrgetter("_lock_manager")
_heartbeat = attrgetter("_heartbeat")
_checkins = attrgetter("_checkins")
_lock = attrgetter("_lock")
_cleanup_trees = attrgetter("_cleanup_trees")
_finalizers = attrgetter("_finalizers")
_heartbeat_sender = attrgetter("_heartbeat_sender")
_track = attrgetter("_track")
client_of = attrgetter("_client")
"""The client of a repository on a server."""


def is_locked(repo: Any, name: str) -> bool:
    """Whether some process holds, or held when it was killed, the lock of a run."""
    return bool(_lock_manager(repo).get_run_lock_info(name).locked)


def track(run: Any, value: Any, t: float, name: str, *place: Any, **context: Any) -> None:
    """Put a value in a run at a time; `Run.track` takes the present for the time."""
    _track(_tracker(run))(value, t, name, *place, **context)


def detach(*owners: Any) -> None:
    """Have nothing happen to a run or repository when it is forgotten."""
    for owner in owners:
        resources = None if owner is None else _resources(owner)
        if resources is not None:
            resources.finalizer.detach()


def forget(client: Any) -> None:
    """Leave nothing that turns to the server when the process ends: should it be gone by then, Aim waits for ever."""
    from aim.ext.cleanup import AutoClean

    for _, finalizer in list(_finalizers(AutoClean).values()):
        alive = finalizer.peek()
        if alive and getattr(alive[1].__self__, "rpc_client", None) is client:
            finalizer.detach()
    vars(client.get_queue())["_shutdown"] = True


def leave(run: Any, repo: Any) -> None:
    """Let go of a run and its repository. `Run.close` does so too, but ends the run."""
    client = client_of(repo) if repo.is_remote_repo else None
    if run is not None and _resources(run) is not None:
        if client is not None:
            client.get_queue().wait_for_finish()
        _heartbeat(run).stop()
        _checkins(run).close()
        _tracker(run).sequence_infos.clear()
        _lock(run).release()
        vars(run).update(_resources=None, _props=None)
        _cleanup_trees(run)()
    for container in list(repo.container_pool.values()):
        container.close()
    if client is not None:
        _heartbeat_sender(client).stop()
        client.get_queue().stop()
        client.disconnect()


class silent:
    """Keep a logger of Aim's from telling the terminal that a lock was left behind."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def __enter__(self) -> None:
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
