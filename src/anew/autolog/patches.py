"""Listening to calls of other libraries by temporarily replacing attributes, also in modules imported later.

A library is never imported from here, and what is replaced is put back as it was. Where somebody has replaced it again
in the meantime, theirs stays and ours, which they may still call, does nothing but call the original.
"""

from __future__ import annotations

import functools
import sys
import threading
from inspect import currentframe
from typing import NamedTuple

from ..trackers.arriving import Arrivals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType
    from typing import Any

__all__ = ["Point", "Taken", "inside"]


class Point(NamedTuple):
    """A call that is listened to.

    Attributes:
        source: What it belongs to: "tensorboard", "matplotlib" …
        module: The module, by its full name.
        owner: The class in it, "" for a function of the module.
        attribute: The method or function.
        report: Called with an experiment and then as the original was, after the original has returned.
        before: Call it before the original instead, for an original that uses up what it is given.
        nests: Whether reports that are made inside of this call belong to it and are not reported on their own.
        accepts: Whether a capture wants a call, by its arguments; all of them if there is none.
    """

    source: str
    module: str
    owner: str
    attribute: str
    report: Callable[..., None]
    before: bool = False
    nests: bool = True
    accepts: Callable[..., bool] | None = None


class _Inside(threading.local):
    """What this thread is doing: recording (nothing is listened to), or in an original that contains others."""

    recording = False
    reporting = False


inside = _Inside()


class Taken:
    """Points that are listened to, from now until `undo`.

    Args:
        points: Which ones; what a library does not have is left out.
        deliver: Called with the point, the arguments and the keywords of each call; must not raise.
    """

    def __init__(
        self,
        points: Iterable[Point],
        deliver: Callable[[Point, tuple[Any, ...], dict[str, Any]], None],
    ) -> None:
        self._deliver = deliver
        self._by_module: dict[str, list[Point]] = {}
        for point in points:
            self._by_module.setdefault(point.module, []).append(point)
        self._patches: list[_Patch] = []
        self._arrivals = Arrivals(self._by_module, self._imported)
        for name in self._by_module:
            module = sys.modules.get(name)
            if module is not None:
                self._imported(name, module)

    def _imported(self, name: str, module: ModuleType) -> None:
        for point in self._by_module[name]:
            owner = getattr(module, point.owner, None) if point.owner else module
            if callable(getattr(owner, point.attribute, None)):
                self._patches.append(_Patch(owner, point, self._deliver))

    def undo(self) -> None:
        """Restore everything."""
        self._arrivals.stop()
        for patch in reversed(self._patches):
            patch.undo()
        self._patches.clear()


class _Patch:
    """One attribute of a class or module, replaced."""

    def __init__(self, owner: Any, point: Point, deliver: Callable[..., None]) -> None:
        self.on = True
        self._owner, self._name = owner, point.attribute
        found = getattr(owner, point.attribute)
        self.original: Callable[..., Any] = found
        before = getattr(found, "anew_patch", None)
        if isinstance(before, _Patch) and not before.on and before.call is found:
            # One of ours that had to be left because another had replaced it, and that has come back since.
            self.original = before.original
        self._own = point.attribute in vars(
            owner
        )  # else it is inherited: to put it back is to delete ours
        self.call: Callable[..., Any] = _listening(self, point, deliver)
        setattr(owner, point.attribute, self.call)

    def undo(self) -> None:
        self.on = False
        if vars(self._owner).get(self._name) is not self.call:
            return
        if self._own:
            setattr(self._owner, self._name, self.original)
        else:
            delattr(self._owner, self._name)


def _listening(patch: _Patch, point: Point, deliver: Callable[..., None]) -> Callable[..., Any]:
    original = patch.original

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not patch.on or inside.recording or (point.nests and inside.reporting):
            return original(*args, **kwargs)
        frame = currentframe()
        caller = frame.f_back if frame is not None else None
        if caller is not None and str(caller.f_globals.get("__name__", "")).startswith("anew."):
            return original(
                *args, **kwargs
            )  # our own use of the library is no report of the program's
        if point.before:
            deliver(point, args, kwargs)
            return original(*args, **kwargs)
        if not point.nests:
            result = original(*args, **kwargs)
        else:
            inside.reporting = True
            try:
                result = original(*args, **kwargs)
            finally:
                inside.reporting = False
        deliver(point, args, kwargs)
        return result

    call.anew_patch = patch  # type: ignore[attr-defined]
    return call
