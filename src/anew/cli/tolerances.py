"""The options of how far curves may be apart, which `reproduce`, `diff` and `check` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..reproduce.groups import Margins
    from ..reproduce.verdict import Tolerance

__all__ = ["margin_options", "margins_of", "tolerance_of", "tolerance_options"]

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


def margin_options(function: F) -> F:
    """The options of a comparison of two groups of runs."""
    for option in (
        click.option(
            "--value", "taken", type=click.Choice(["last", "min", "max", "mean"]), default="last", show_default=True,
            help="With --equivalent: which value of a curve stands for the run.",
        ),
        click.option(
            "--equivalent", "margins", multiple=True, metavar="[PATTERN=]MARGIN",
            help="Compare within the noise of seeds, not point by point: whether the means of both groups of runs are within "
            "this margin, such as 0.01, 2% (of the first mean) or 2sd (standard deviations of the first group); may repeat.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def margins_of(texts: Sequence[str]) -> Margins | None:
    """The margins that `--equivalent` asks for; None where it was not given.

    Raises:
        BadParameter: One is no margin, or none is for all metrics.
    """
    from ..reproduce.equivalence import Margin
    from ..reproduce.groups import Margins

    general = None
    patterns: list[tuple[str, Margin]] = []
    for text in texts:
        pattern, equals, size = text.rpartition("=")
        try:
            margin = Margin.parse(size)
        except ValueError:
            raise click.BadParameter(
                f"{size!r} is no margin: give a number above 0, such as 0.01, 2% or 2sd.", param_hint="--equivalent"
            ) from None  # fmt: skip
        if equals:
            patterns.append((pattern, margin))
        else:
            general = margin
    if not texts:
        return None
    return Margins(general, patterns)
