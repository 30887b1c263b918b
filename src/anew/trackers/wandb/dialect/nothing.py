"""What a disabled run gives in the place of an artifact: everything about it is itself, and every call does nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["NOTHING"]


class _Nothing:
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # so that it can be copied and pickled
            raise AttributeError(name)
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __repr__(self) -> str:
        return "<nothing: the run is disabled>"


NOTHING: Any = _Nothing()
