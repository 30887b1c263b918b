"""A run of `mode="disabled"`: it takes every call, and does nothing."""

from __future__ import annotations

from functools import wraps

from .nothing import NOTHING
from .runs import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["RunDisabled"]


class RunDisabled(Run):
    """A run that records nothing: what would fail for a run that records gives nothing instead."""

    __slots__ = ()


def _forgiving(name: str) -> Any:
    plain = getattr(Run, name)

    @wraps(plain)
    def call(self: Run, *args: Any, **kwargs: Any) -> Any:
        try:
            return plain(self, *args, **kwargs)
        except Exception:  # noqa: BLE001  (nothing is recorded, so nothing can be wrong)
            return NOTHING

    return call


for _name, _made in list(vars(Run).items()):
    if callable(_made) and not _name.startswith("_") and _name != "log":
        setattr(RunDisabled, _name, _forgiving(_name))
