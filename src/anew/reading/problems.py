"""Errors as what travels between machines, and back: the class by its name, the message, and the facts."""

from __future__ import annotations

from typing import Any

import msgspec

from .. import errors

__all__ = ["Problem", "Refusal", "as_error", "problem_of"]

_FACTS = (
    "name", "nearest", "candidates", "text", "position", "suggestion", "key", "setting", "path", "line",
    "experiment_id", "required", "command", "verdict", "rerun",
)  # fmt: skip
_BUILTIN: dict[str, type[Exception]] = {
    "FileExistsError": FileExistsError,
    "OSError": OSError,
    "TimeoutError": TimeoutError,
    "ValueError": ValueError,
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as it is sent.

    Attributes:
        code: The name of the class, such as "QueryError".
        message: What happened, to what, and what to do next.
        name: What was not found, or cannot be a name; `nearest` are likely meanings.
        candidates: What an ambiguous text may mean.
        text: A filter that cannot be read, `position` the column of the mistake, `suggestion` what may be meant.
        key: Where a value stood that cannot be used.
        setting: The setting that is wrong.
        path: What is damaged, `line` where.
        required: The verdict that a promotion demands, `command` what may bring it for the experiment `experiment_id`, `verdict` that of
            the newest re-run, and `rerun` its id.
    """

    code: str
    message: str
    name: str | None = None
    nearest: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    text: str = ""
    position: int | None = None
    suggestion: str | None = None
    key: str | None = None
    setting: str | None = None
    path: str | None = None
    line: int | None = None
    experiment_id: str = ""
    required: str = ""
    command: str = ""
    verdict: str = ""
    rerun: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """The body of every answer that reports an error."""

    error: Problem


def problem_of(error: BaseException) -> Problem | None:
    """An error as a problem to send; None for one that says something about this machine alone."""
    if isinstance(error, errors.AnewError):
        code = type(error).__name__
        message = str(error.args[0]) if error.args else code
    elif type(error).__name__ in _BUILTIN and not isinstance(error, OSError):
        code, message = type(error).__name__, str(error)
    else:
        return None
    facts: dict[str, Any] = {}
    for fact in _FACTS:
        value = getattr(error, fact, None)
        if isinstance(value, (list, tuple)):
            value = tuple(_encodable(str(one)) for one in value)
        elif value is not None and not isinstance(value, int):
            value = _encodable(str(value))
        if value is not None:
            facts[fact] = value
    return msgspec.convert({"code": code, "message": _encodable(message), **facts}, Problem)


def _encodable(text: str) -> str:
    """A text without halves of characters, such as the names of some files have."""
    return text.encode(errors="backslashreplace").decode()


def as_error(problem: Problem) -> Exception:
    """The error that a problem was made from; an unknown class becomes an `AnewError`."""
    if problem.code in _BUILTIN:
        return _BUILTIN[problem.code](problem.message)
    kind = getattr(errors, problem.code, None) if problem.code in errors.__all__ else None
    if kind is None:
        return errors.AnewError(problem.message)
    error: Exception = kind(problem.message)
    for fact in _FACTS:
        value = getattr(problem, fact)
        if value != Problem.__struct_defaults__[_FACTS.index(fact)] and hasattr(error, fact):
            setattr(error, fact, value)
    return error
