"""The end of a program that did not call `finish`: its files are kept, and an exit code says whether it failed.

Anew itself ends what is open, as failed after an exception; the code given to `sys.exit` it does not see. As with wandb,
`sys.exit` is wrapped while a run is open.
"""

from __future__ import annotations

import atexit
import os
import sys

from .active import active

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["unwatch_exit", "watch_exit"]

_original: Callable[..., Any] | None = None
_code: Any = None
_pid = 0


def watch_exit() -> None:
    """Have the end of the program find the runs that are open."""
    global _original, _pid
    _pid = os.getpid()
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)  # what is registered last comes first: before Anew's own
    if _original is None:
        _original = sys.exit
        sys.exit = _exit


def unwatch_exit() -> None:
    """Take the wrapper away, unless another one was put over it."""
    global _original, _code
    _code = None
    if _original is not None and sys.exit is _exit:
        sys.exit = _original
        _original = None


def _exit(code: Any = None, /) -> Any:
    global _code
    _code = code
    assert _original is not None
    _original(code)


def _at_exit() -> None:
    if os.getpid() != _pid:  # a fork: the runs are those of the program it came from
        return
    for run in active():
        if _code not in (None, 0):
            reason = f"exit code {_code}" if isinstance(_code, int) else str(_code)
            run.fail(reason)
        else:
            run.before_the_end()
