"""The options of how far curves may be apart, which `reproduce`, `diff` and `check` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["margin_options", "tolerance_options"]

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
