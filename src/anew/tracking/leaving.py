"""The code of the `SystemExit` by which a program ends, seen while Python handles that exception.

Python drops it before it calls the exit hooks, which are told nothing. It is seen on its way:

- From Python 3.12 on, `sys.monitoring` reports each frame that an exception leaves, and so the last one. Nothing is reported of
  calls and lines, so that the program runs as fast as before.
- Python 3.11 has nothing like it. But it reads the attribute `code` of the exception, when no frame is left. So `code` gets
  another descriptor, for as long as experiments are open, which gives the same value. `sys.exit` makes an exception that is an
  object only once a frame handles it; so it is wrapped in one that does.

In both, what the program catches itself is not taken for its end: frames of the program are left then. Decision 50 says why not
otherwise.
"""

from __future__ import annotations

import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

__all__ = ["code_seen", "unwatch_exit", "watch_exit"]

_MONITORED = sys.version_info >= (3, 12)
_UNUSED_TOOLS = (4, 3)  # the ids of `sys.monitoring` that stand for no kind of tool

_codes: list[Any] = []
_tool = -1
_code: _Code | None = None
_sys_exit: Any = None


def watch_exit() -> None:
    """Watch for the `SystemExit` that ends the program; does nothing if that is done already."""
    if _MONITORED:
        _monitor()
    elif sys.implementation.name == "cpython":
        _describe_code()


def unwatch_exit() -> None:
    """Watch no longer, and forget what was seen."""
    if _MONITORED:
        _stop_monitoring()
    else:
        _restore_code()
    _codes.clear()


def code_seen() -> tuple[bool, Any]:
    """Whether a `SystemExit` that ends the program was seen, and its code."""
    return bool(_codes), _codes[0] if _codes else None


def _note(code: Any) -> None:
    main = getattr(sys.modules.get("threading"), "main_thread", None)
    if main is None or main().ident == get_ident():  # in another thread it ends only that
        _codes[:] = [code]


def _unwound(left: CodeType, _offset: int, error: BaseException) -> None:
    if sys._getframe(1).f_back is not None or not isinstance(error, SystemExit):
        return
    if left.co_name != "<module>" and left.co_filename != "<frozen runpy>":
        return  # a function that Python itself calls, such as another exit hook, ends nothing
    try:
        _note(error.code)
    except Exception:  # noqa: BLE001  (a property of the program's class: then the exception itself is the code, also for Python)
        _note(error)


def _monitor() -> None:
    global _tool
    monitoring: Any = getattr(sys, "monitoring", None)
    for tool in _UNUSED_TOOLS if _tool < 0 else ():
        try:
            monitoring.use_tool_id(tool, "anew")
        except ValueError:
            continue  # somebody else has it
        monitoring.register_callback(tool, monitoring.events.PY_UNWIND, _unwound)
        monitoring.set_events(tool, monitoring.events.PY_UNWIND)
        _tool = tool
        return


def _stop_monitoring() -> None:
    global _tool
    monitoring: Any = getattr(sys, "monitoring", None)
    if _tool >= 0:
        monitoring.set_events(_tool, 0)
        monitoring.register_callback(_tool, monitoring.events.PY_UNWIND, None)
        monitoring.free_tool_id(_tool)
        _tool = -1


class _Code:
    """The attribute `code` of `SystemExit`, noted when Python reads it and not the program."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __get__(self, error: BaseException | None, kind: type | None = None) -> Any:
        if error is None:
            return self.original
        code = self.original.__get__(error, kind)
        if sys._getframe().f_back is None:
            _note(code)
        return code

    def __set__(self, error: BaseException, code: Any) -> None:
        self.original.__set__(error, code)

    def __delete__(self, error: BaseException) -> None:
        self.original.__delete__(error)


def _describe_code() -> None:
    global _code, _sys_exit
    if _code is not None:
        return
    namespace = _namespace()
    _code = _Code(namespace["code"])
    namespace["code"] = _code
    sys._clear_type_cache()
    _sys_exit = sys.exit
    _replace_exit(_sys_exit, _exit)


def _restore_code() -> None:
    global _code
    if _code is None:
        return
    namespace = _namespace()
    if namespace["code"] is _code:
        namespace["code"] = _code.original
        sys._clear_type_cache()
    _code = None
    _replace_exit(_exit, _sys_exit)


def _namespace() -> dict[str, Any]:
    """The names of the class `SystemExit`, which is built in and can be changed in no other way."""
    import gc

    (namespace,) = gc.get_referents(vars(SystemExit))
    return namespace  # type: ignore[no-any-return]


def _replace_exit(old: Any, new: Any) -> None:
    """Replace `sys.exit`, and what a script that imports it by name has of it; what others put there stays."""
    if sys.exit is old:
        sys.exit = new
    script = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
    for name in [name for name, value in script.items() if value is old]:
        script[name] = new


def _exit(status: Any = None, /) -> Any:
    try:
        _sys_exit(status)
    except SystemExit:  # makes it an object
        raise
