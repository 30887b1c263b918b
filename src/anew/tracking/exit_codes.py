"""The exit codes that a program's functions can leave with, read from their code.

Of a `SystemExit` that was raised deep inside a program nothing is left when the program has ended. But where the functions of
the program that can have been running raise it with one constant only, that is what it was.
"""

from __future__ import annotations

from types import FunctionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dis import Instruction
    from types import CodeType
    from typing import Any

__all__ = ["UNKNOWN", "codes_raised"]

UNKNOWN = object()
"""Stands among the codes for one that is not a constant."""

_MOST = 200  # functions
_SKIPPED = ("CACHE", "PRECALL", "PUSH_NULL", "NOP", "EXTENDED_ARG", "RESUME")


def codes_raised(function: FunctionType | None) -> list[Any]:
    """The different codes of all `raise SystemExit(code)` in a function and in those that it, and they, name."""
    codes: list[Any] = []
    todo = [function] if function is not None else []
    seen: set[CodeType] = set()
    while todo and len(seen) < _MOST:
        one = todo.pop()
        if one.__code__ in seen:
            continue
        seen.add(one.__code__)
        for code in _of(one):
            if not any(
                code is known or (type(code) is type(known) and code == known) for known in codes
            ):
                codes.append(code)
        for name in one.__code__.co_names:
            found = one.__globals__.get(name)
            if isinstance(found, FunctionType):
                todo.append(found)
    return codes


def _of(function: FunctionType) -> list[Any]:
    import dis

    if "SystemExit" not in function.__code__.co_names:
        return []
    codes = []
    before: list[Instruction] = []
    for each in dis.get_instructions(function):
        if each.opname in _SKIPPED:
            continue
        if each.opname == "RAISE_VARARGS":
            code = _code(before)
            codes += [] if code is None else code
        before = [*before[-3:], each]
    return codes


def _code(before: list[Instruction]) -> list[Any] | None:
    """The code of a raise, in a list, by what comes before it; None where it raises something else."""
    named = [each.argval == "SystemExit" for each in before]
    if not any(named):
        # `raise SystemExit(f(x, y))`: its beginning is further away than we look. Of anything else the same may be true.
        return [UNKNOWN] if before and before[-1].opname.startswith("CALL") else None
    if named[-1]:
        return [None]
    if before[-1].opname.startswith("CALL"):
        if before[-1].arg == 0 and named[-2]:
            return [None]
        if before[-1].arg == 1 and len(before) > 2 and named[-3]:
            value = before[-2]
            if value.opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
                return [value.argval]
    return [UNKNOWN]
