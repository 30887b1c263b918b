"""How the interpreter is ending: what an experiment that the program left open is ended with.

Python tells the exit hooks nothing of this. An uncaught exception is left in `sys.last_value`, but so are those of an
interactive session and of a notebook, which end nothing. The frame at the bottom of the main thread's stack, which is the
program itself, remembers where it stopped: at its last return, or in the midst of a call that an exception left. So a cause
counts only if that frame ended by it. A `SystemExit` leaves no trace, but is seen on its way (`leaving`).
"""

from __future__ import annotations

import sys

from .leaving import code_seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

__all__ = ["End", "Program", "describe"]

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
        seen, code = code_seen()
        if seen:
            return _by_code(code)
        if self._frame is not None and _left(self._frame):
            # By an exception that nobody was shown, a SystemExit: only what was seen to be completed is.
            return End("failed", _UNSEEN)
        return End("completed")

    def _ended_by(self, error: BaseException) -> bool:
        traceback = error.__traceback__
        if self._frame is None:
            return not hasattr(sys, "ps1")
        while traceback is not None and _of_runpy(traceback.tb_frame):
            traceback = traceback.tb_next
        return (
            traceback is not None
            and traceback.tb_frame is self._frame
            and traceback.tb_lasti == self._frame.f_lasti
        )


def _of_runpy(frame: FrameType) -> bool:
    """Whether a frame is of `python -m`, which runs the program in a frame above its own."""
    return frame.f_code.co_filename == "<frozen runpy>"


def _by_code(code: object) -> End:
    if code is None or (isinstance(code, int) and code == 0):
        return End("completed")
    if isinstance(code, int):
        return End("failed", f"exit code {int(code)}")
    reason, _ = describe(SystemExit(code))
    return End("failed", reason)


def _program_frame() -> FrameType | None:
    """The frame of the program at the bottom of the main thread's stack; None for a function's, which would keep its variables."""
    main = getattr(sys.modules.get("threading"), "main_thread", None)
    frame: FrameType | None = sys._getframe()
    if main is not None:
        frame = sys._current_frames().get(main().ident)
    bottom = None
    while frame is not None:
        if not _of_runpy(frame) or bottom is None:
            bottom = frame
        frame = frame.f_back
    return None if bottom is None or bottom.f_code.co_flags & _OPTIMIZED else bottom


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
