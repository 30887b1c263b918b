"""Messages of a program's `logging`.

Listened to is the call that hands a message to the handlers of its logger. A handler of ours would see the same, but a
root logger that has a handler is one that `logging.basicConfig` and the last resort then leave alone: the program's own
messages would no longer be printed.
"""

from __future__ import annotations

from ..errors import InvalidValue
from .patches import Point

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any, Protocol

    from ..tracking.experiment import Experiment

    class Listener(Protocol):
        """What listens to messages: those from `level` on, which is a number of Python's logging."""

        level: int


__all__ = ["POINTS", "level_of"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
# What every record of logging has; anything else was given as `extra`.
_OWN = frozenset([
    "args", "asctime", "created", "exc_info", "exc_text", "filename", "funcName", "levelname", "levelno", "lineno",
    "message", "module", "msecs", "msg", "name", "pathname", "process", "processName", "relativeCreated", "stack_info",
    "taskName", "thread", "threadName",
])  # fmt: skip
_OURS = frozenset({"message", "level", "logger", "exception", "stack"})


def level_of(wanted: bool | int | str | None) -> int:
    """A level as logging's number; True is "info".

    Raises:
        InvalidValue: There is no such level.
    """
    if wanted is None or isinstance(wanted, bool):
        return _LEVELS["info"]
    level = wanted if isinstance(wanted, int) else None
    if isinstance(wanted, str):
        named = {"warn": "warning", "fatal": "critical"}.get(wanted.lower(), wanted.lower())
        level = _LEVELS.get(named)
    if level is None:
        raise InvalidValue(
            f"logging must be True, False, a level number or one of {', '.join(_LEVELS)}, not {wanted!r}.",
            key="logging",
        )
    return level


def _accepts(listener: Listener, logger: logging.Logger, record: logging.LogRecord) -> bool:
    own = record.name == "anew" or record.name.startswith("anew.")
    return record.levelno >= listener.level and not own and _is_heard(logger)


def _is_heard(logger: logging.Logger) -> bool:
    """Whether the message goes anywhere: up to the root, or to a handler on the way. The rest is switched off."""
    at: logging.Logger | None = logger
    while at is not None:
        if at.parent is None or any(type(h).__name__ != "NullHandler" for h in at.handlers):
            return True
        at = at.parent if at.propagate else None
    return False


def _record(experiment: Experiment, logger: logging.Logger, record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001  (arguments that do not fit: logging itself complains of it)
        message = str(record.msg)
    fields: dict[str, Any] = {"logger": record.name}
    level = max((n for n in _LEVELS.values() if n <= record.levelno), default=_LEVELS["debug"])
    named = next(name for name, number in _LEVELS.items() if number == level)
    if record.levelname.lower() != named:
        fields["levelname"] = record.levelname
    if record.exc_info and record.exc_info[0] is not None:
        import traceback

        fields["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    elif record.exc_text:
        fields["exception"] = record.exc_text
    if record.stack_info:
        fields["stack"] = record.stack_info
    for name, value in vars(record).items():
        # What libraries hang on every record for themselves begins with a mark (Ray's `_ray_timestamp_ns`).
        if name not in _OWN and not name.startswith("_"):
            fields[f"{name}_" if name in _OURS else name] = value
    experiment.log(message, named, **fields)


POINTS = (
    Point("logging", "logging", "Logger", "callHandlers", _record, nests=False, accepts=_accepts),
)
