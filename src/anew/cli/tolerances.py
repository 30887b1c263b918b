"""The options of how far curves may be apart, which `reproduce`, `diff` and `check` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..reproduce.verdict import Tolerance

__all__ = ["tolerance_of", "tolerance_options"]

F = TypeVar("F", bound=Callable[..., Any])


def tolerance_options(function: F) -> F:
    """The options of how far curves may be apart, and which count."""
    for option in (
        click.option("--ignore", multiple=True, metavar="PATTERN", help="Leave these metrics out; may repeat."),
        click.option(
            "-m", "--metric", "only", multiple=True, metavar="PATTERN",
            help="Compare these metrics alone, times and speeds among them; may repeat.",
        ),
        click.option(
            "--atol", multiple=True, metavar="[PATTERN=]NUMBER",
            help="Largest absolute difference that counts as equal, for all metrics or for a pattern; may repeat.",
        ),
        click.option(
            "--rtol", multiple=True, metavar="[PATTERN=]NUMBER",
            help="Largest difference relative to the original value; may repeat.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def tolerance_of(rtol: Sequence[str], atol: Sequence[str]) -> Tolerance:
    """The tolerance that these options ask for.

    Raises:
        BadParameter: One is no number of 0 or more.
    """
    from ..reproduce.verdict import Tolerance

    general = {"rtol": 0.0, "atol": 0.0}
    patterns: list[tuple[str, float | None, float | None]] = []
    for name, texts in (("rtol", rtol), ("atol", atol)):
        for text in texts:
            pattern, equals, number = text.rpartition("=")
            try:
                value = float(number)
            except ValueError:
                value = -1.0
            if not 0 <= value < float("inf"):
                raise click.BadParameter(
                    f"{text!r} is no number of 0 or more.", param_hint=f"--{name}"
                )
            if not equals:
                general[name] = value
            else:
                patterns.append(
                    (pattern, value, None) if name == "rtol" else (pattern, None, value)
                )
    return Tolerance(general["rtol"], general["atol"], patterns)
