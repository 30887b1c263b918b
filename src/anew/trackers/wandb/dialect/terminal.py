"""`termlog`, `termwarn` and `termerror`: lines for who sits before the terminal."""

from __future__ import annotations

import os
import sys

__all__ = ["termerror", "termlog", "termwarn"]

_said: set[str] = set()


def termlog(
    string: str = "", newline: bool = True, repeat: bool = True, prefix: bool = True
) -> None:
    """Print a line to standard error; with `repeat=False` once. Nothing where `WANDB_SILENT` is set."""
    _print(string, newline, repeat, prefix, "")


def termwarn(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print a warning to standard error, as `termlog` does."""
    _print(string, newline, repeat, prefix, "WARNING ")


def termerror(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print an error to standard error, as `termlog` does."""
    _print(string, newline, repeat, prefix, "ERROR ")


def _print(string: str, newline: bool, repeat: bool, prefix: bool, kind: str) -> None:
    if os.environ.get("WANDB_SILENT", "").lower() in ("true", "1", "yes", "on"):
        return
    if not repeat:
        if string in _said:
            return
        _said.add(string)
    lines = [f"wandb: {kind}{line}" if prefix else line for line in string.split("\n")]
    sys.stderr.write("\n".join(lines) + ("\n" if newline else ""))
