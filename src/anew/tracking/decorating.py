"""Recording each call of a function: of an ordinary one, a generator, a coroutine or an asynchronous generator."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

__all__ = ["recorded_calls"]

_NAMES = ("experiment", "exp")


def recorded_calls(
    function: Callable[..., Any],
    opening: AbstractContextManager[Any],
    gives: Any = None,
    *,
    always: bool = False,
) -> Callable[..., Any]:
    """The function, with one opening around each of its calls.

    Its parameter called `experiment` or `exp` receives the experiment; callers leave it out, by position and by keyword.

    Args:
        opening: What each call runs in; it can be entered again and again.
        gives: What the parameter receives; what `opening` gives if this is not given.
        always: Where there is no such parameter, the first one receives it.
    """
    import functools
    import inspect

    signature = inspect.signature(function)
    name, index = _place(signature, always)

    def filled(given: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name is None or name in kwargs:
            return args, kwargs
        value = given if gives is None else gives
        if index is not None and index <= len(args):
            return (*args[:index], value, *args[index:]), kwargs
        return args, {**kwargs, name: value}

    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            with opening as given:
                args, kwargs = filled(given, args, kwargs)
                async for one in function(*args, **kwargs):
                    yield one

    elif inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            with opening as given:
                args, kwargs = filled(given, args, kwargs)
                return await function(*args, **kwargs)

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with opening as given:
                args, kwargs = filled(given, args, kwargs)
                return (yield from function(*args, **kwargs))

    else:

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with opening as given:
                args, kwargs = filled(given, args, kwargs)
                return function(*args, **kwargs)

    if name is not None:
        kept = [p for p in signature.parameters.values() if p.name != name]
        recorded.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return recorded


def _place(signature: Any, always: bool) -> tuple[str | None, int | None]:
    """The parameter that receives the experiment, and its position; None for one that is given by keyword only."""
    parameters = list(signature.parameters.values())
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    name = next((one for one in _NAMES if one in signature.parameters), None)
    if name is None and always:
        name = next((one for one in positional if one not in ("self", "cls")), None)
    return name, positional.index(name) if name in positional else None
