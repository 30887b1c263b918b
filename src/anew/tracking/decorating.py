"""An experiment as a decorator: each call of the function is one opening, whatever kind of function it is."""

from __future__ import annotations

import functools
import inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

__all__ = ["decorated"]

_NAMES = ("experiment", "exp")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def decorated(
    function: Callable[..., Any], opening: Callable[[], AbstractContextManager[Any]]
) -> Callable[..., Any]:
    """`function`, recorded: a coroutine until it is awaited, a generator until it is exhausted or closed.

    A parameter called `experiment` or `exp` is not the caller's to give; it receives the experiment, at its place among
    the arguments that are given by position.

    Args:
        opening: Gives what a call is recorded in.
    """
    signature = inspect.signature(function)
    takes = next((name for name in _NAMES if name in signature.parameters), None)
    give = _giver(signature, takes)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            with opening() as experiment:
                args, kwargs = give(experiment, args, kwargs)
                return await function(*args, **kwargs)

    elif inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            with opening() as experiment:
                args, kwargs = give(experiment, args, kwargs)
                async for item in function(*args, **kwargs):
                    yield item

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with opening() as experiment:
                args, kwargs = give(experiment, args, kwargs)
                return (yield from function(*args, **kwargs))

    else:

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with opening() as experiment:
                args, kwargs = give(experiment, args, kwargs)
                return function(*args, **kwargs)

    if takes is not None:
        kept = [p for p in signature.parameters.values() if p.name != takes]
        recorded.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return recorded


def _giver(signature: inspect.Signature, takes: str | None) -> Callable[..., Any]:
    """What puts the experiment among the arguments of a call."""
    if takes is None:
        return lambda _, args, kwargs: (args, kwargs)
    index = list(signature.parameters).index(takes)
    by_position = signature.parameters[takes].kind in _POSITIONAL

    def give(experiment: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if takes in kwargs or (index < len(args) and isinstance(args[index], type(experiment))):
            return args, kwargs
        if by_position and index <= len(args):
            return (*args[:index], experiment, *args[index:]), kwargs
        return args, {**kwargs, takes: experiment}

    return give
