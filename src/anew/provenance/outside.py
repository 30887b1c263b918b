"""A program that is recorded from outside, by `anew run` or `anew reproduce`."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Outside"]


class Outside:
    """A program that is recorded from outside: what is run, where, with which Python (None: another kind of program).

    `code` is what is known of its code already, facts and patches by name; None to have it captured.
    """

    __slots__ = ("argv", "code", "cwd", "environ", "facts", "paths", "python", "script")

    def __init__(
        self,
        argv: list[str],
        cwd: str,
        *,
        python: dict[str, Any] | None,
        paths: list[str],
        environ: dict[str, str],
        script: str | None = None,
        code: tuple[dict[str, Any], dict[str, bytes]] | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.argv = argv
        self.cwd = cwd
        self.python = python
        self.paths = paths
        self.environ = environ
        self.script = script
        self.code = code
        self.facts = facts or {}

    def command(self) -> dict[str, Any]:
        """As `command_facts`, for the program."""
        from ..record.secrets import mask_arguments

        version = (self.python or {}).get("python") or sys.version.split()[0]
        return {
            "argv": mask_arguments(self.argv), "cwd": self.cwd, "entry": self.script, "python": version, **self.facts,
        }  # fmt: skip
