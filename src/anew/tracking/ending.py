"""How the interpreter is ending: what an experiment that the program left open is ended with.

Python tells the exit hooks nothing of this. An uncaught exception is left in `sys.last_value`, but so are those of an
interactive session and of a notebook, which end nothing. And a `SystemExit` leaves no trace. Two things help:

- The frame at the bottom of the main thread's stack, which is the program itself, remembers where it stopped: at its
  last return, or in the midst of a call that an exception left. So a cause counts only if that frame ended by it.
- `sys.exit`, and the `exit` and `quit` that the `site` module makes, are wrapped while experiments are open, and note
  their code.
"""

from __future__ import annotations

import builtins
import sys
from types import FunctionType

from .exit_codes import UNKNOWN, codes_raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

__all__ = ["End", "Program", "describe", "unwatch_exit", "watch_exit"]

_LONGEST_REASON = 10_000
_LONGEST_TEXT = 1 << 20
_OPTIMIZED = 1  # the flag of a function's code: its frame holds the function's variables
_UNSEEN = "it left through SystemExit, with an exit code that was not seen"


class End:
    """What an experiment ends with."""

    __slots__ = ("error", "reason", "status")

    def __init__(self, status: str, reason: str | None = None, error: str | None = None) -> None:
        self.status = status
        self.reason = reason
        self.error = error


def describe(error: BaseException) -> tuple[str, str]:
    """An exception in a line, and as Python would print it; whatever is wrong with it, it can be written."""
    try:
        kind = type(error).__name__
    except BaseException:  # noqa: BLE001  (a metaclass of the program)
        kind = "exception"
    try:
        reason = "".join((f"{kind}: ", str(error)))
    except BaseException:  # noqa: BLE001  (a `__str__` of the program: the end never depends on it)
        reason = f"{kind}: its text could not be formatted"
    try:
        import traceback

        lines = traceback.format_exception(type(error), error, error.__traceback__)
        text = "".join(lines)
    except BaseException:  # noqa: BLE001
        text = reason
    return _writable(reason, _LONGEST_REASON), _writable(text, _LONGEST_TEXT)


def _writable(text: str, longest: int) -> str:
    if len(text) > longest:
        text = f"{text[: longest // 2]} … {text[-longest // 2 :]}"
    return text.encode("utf-8", "backslashreplace").decode()


class _Exits:
    """The last call of `sys.exit`: its code, the program's frame, and where that stood."""

    def __init__(self) -> None:
        self.original: Callable[..., Any] | None = None
        self.quitter: Any = None
        self.called = False
        self.code: Any = None
        self.frame: FrameType | None = None
        self.at = -1

    def note(self, code: Any) -> None:
        self.called, self.code = True, code
        self.frame = _program_frame()
        self.at = self.frame.f_lasti if self.frame is not None else -1


_exits = _Exits()


def watch_exit() -> None:
    """Have `sys.exit` note the code it is given."""
    if _exits.original is not None:
        return
    _exits.original = sys.exit
    sys.exit = _exit
    kind: Any = type(getattr(builtins, "exit", None))
    if kind.__module__ == "_sitebuiltins":
        _exits.quitter = kind, kind.__call__
        kind.__call__ = _quit


def unwatch_exit() -> None:
    """Take the wrappers away, unless somebody put another one over them."""
    if _exits.original is None or sys.exit is not _exit:
        return
    sys.exit = _exits.original
    if _exits.quitter is not None:
        kind, call = _exits.quitter
        if kind.__call__ is _quit:
            kind.__call__ = call
    _exits.__init__()  # type: ignore[misc]


def _exit(status: Any = None, /) -> Any:
    _exits.note(status)
    assert _exits.original is not None
    _exits.original(status)


def _quit(self: Any, code: Any = None) -> Any:
    _exits.note(code)
    _exits.quitter[1](self, code)


class Program:
    """The program as it is when an experiment opens, asked at its end how it ended."""

    __slots__ = ("_frame",)

    def __init__(self) -> None:
        self._frame = _program_frame()

    def ended(self) -> End:
        """How the program has ended, as far as can be known from inside."""
        uncaught = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
        if isinstance(uncaught, BaseException) and self._ended_by(uncaught):
            if isinstance(uncaught, KeyboardInterrupt):
                return End("cancelled", "interrupted")
            return End("failed", *describe(uncaught))
        frame = _exits.frame if _exits.called else self._frame
        if frame is not None and _left(frame):
            return self._after_exit(frame)
        if self._frame is not None and frame is not self._frame and _left(self._frame):
            return self._after_exit(self._frame)
        if frame is None and _exits.called and not hasattr(sys, "ps1"):
            return _by_code(_exits.code)
        return End("completed")

    def _ended_by(self, error: BaseException) -> bool:
        traceback = error.__traceback__
        if self._frame is None:
            return not hasattr(sys, "ps1")
        return (
            traceback is not None
            and traceback.tb_frame is self._frame
            and traceback.tb_lasti == self._frame.f_lasti
        )

    @staticmethod
    def _after_exit(frame: FrameType) -> End:
        """The program's frame was left by an exception that nobody was shown: a SystemExit."""
        operation = _operation(frame.f_code, frame.f_lasti)
        if (
            _exits.called
            and frame is _exits.frame
            and (frame.f_lasti == _exits.at or operation == "RERAISE")
        ):
            return _by_code(_exits.code)
        known, code = _raised_with(frame)
        if known:
            return _by_code(code)
        if operation.startswith("CALL"):
            codes = codes_raised(_called(frame))
            if len(codes) == 1 and UNKNOWN not in codes:
                return _by_code(codes[0])
        # `raise SystemExit(main())` is how good programs end as well; deeper down it is how they give up.
        return End("completed" if operation == "RAISE_VARARGS" else "failed", _UNSEEN)


def _by_code(code: Any) -> End:
    if code is None or (isinstance(code, int) and code == 0):
        return End("completed")
    if isinstance(code, int):
        return End("failed", f"exit code {int(code)}")
    reason, _ = describe(SystemExit(code))
    return End("failed", reason)


def _program_frame() -> FrameType | None:
    """The frame at the bottom of the main thread's stack; None for a function's, which would keep its variables."""
    main = getattr(sys.modules.get("threading"), "main_thread", None)
    frame: FrameType | None = sys._getframe()
    if main is not None:
        frame = sys._current_frames().get(main().ident)
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    if frame is None:
        return None
    of_runpy = (
        frame.f_code.co_filename == "<frozen runpy>"
    )  # `python -m`: a function with nothing in it
    return None if frame.f_code.co_flags & _OPTIMIZED and not of_runpy else frame


def _left(frame: FrameType) -> bool:
    """Whether a frame has ended, and not by a return."""
    running: FrameType | None
    for running in sys._current_frames().values():
        while running is not None:
            if running is frame:
                return False
            running = running.f_back
    return not _operation(frame.f_code, frame.f_lasti).startswith(("RETURN", "INSTRUMENTED_RETURN"))


def _operation(code: CodeType, at: int) -> str:
    """The name of the instruction at an offset, or the one that the cache there belongs to."""
    import opcode

    while at >= 0:
        name = opcode.opname[code.co_code[at]]
        if name != "CACHE":
            return name
        at -= 2
    return ""


def _called(frame: FrameType) -> FunctionType | None:
    """The function of the program that a frame was calling when it was left, where its name tells which."""
    import dis

    skipped = ("CACHE", "PRECALL", "PUSH_NULL", "NOP", "EXTENDED_ARG")
    loaded: list[Any] = []
    for each in dis.get_instructions(frame.f_code):
        if each.offset > frame.f_lasti:
            break
        if each.opname not in skipped:
            loaded.append(each)
    # `main()`, and `f(main())`: what is called without arguments is the name right before the call.
    if (
        len(loaded) > 1
        and loaded[-1].arg == 0
        and loaded[-2].opname in ("LOAD_NAME", "LOAD_GLOBAL")
    ):
        found = frame.f_globals.get(loaded[-2].argval)
        return found if isinstance(found, FunctionType) else None
    return None


def _raised_with(frame: FrameType) -> tuple[bool, Any]:
    """The code of `raise SystemExit(code)` or `exit(code)`, if it is the last thing that a frame did and a constant."""
    import dis

    skipped = ("CACHE", "PRECALL", "PUSH_NULL", "NOP", "EXTENDED_ARG")
    done = [
        each
        for each in dis.get_instructions(frame.f_code)
        if each.offset <= frame.f_lasti and each.opname not in skipped
    ]
    if done and done[-1].opname == "RAISE_VARARGS":
        done.pop()
        if done and done[-1].argval == "SystemExit":
            return True, None
    if not done or not done[-1].opname.startswith("CALL"):
        return False, None
    given = done.pop().arg
    names = ("SystemExit", "exit", "quit")
    if given == 0 and done and done[-1].opname.startswith("LOAD") and done[-1].argval in names:
        return True, None
    if (
        given == 1
        and len(done) > 1
        and done[-2].argval in names
        and done[-1].opname.startswith("LOAD")
    ):
        value = done[-1].argval
        if done[-1].opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            if value not in frame.f_globals:
                return False, None
            value = frame.f_globals[value]
        elif not done[-1].opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
            return False, None
        return True, value
    return False, None
