"""The command line on a terminal of a given width, in this process."""

from __future__ import annotations

import os
import pty
import re
import sys
import threading
from dataclasses import dataclass

import pytest

from anew.cli.face import Face
from anew.cli.main import cli

_STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Screen:
    """What was seen, with and without colours."""

    code: int
    raw: str

    @property
    def lines(self) -> list[str]:
        return _STYLE.sub("", self.raw).replace("\r\n", "\n").splitlines()

    def table(self, first: str = "ID") -> tuple[str, list[str], list[list[str]]]:
        """The line above a table ("" if there is none), its titles, and the cells of its rows as far as they are words."""
        at = next(i for i, line in enumerate(self.lines) if line.split()[:1] == [first])
        above = self.lines[at - 1] if at else ""
        titles = re.split(r"\s{2,}", self.lines[at].strip())
        rows = []
        for line in self.lines[at + 1 :]:
            if not re.match(r"[0-9a-z]{6,12}\b", line):
                break
            rows.append(re.split(r"\s{2,}", line.strip()))
        return above, titles, rows


def screen(monkeypatch: pytest.MonkeyPatch, columns: int, *arguments: object) -> Screen:
    """Run a command with its output on a pseudo-terminal."""
    leader, follower = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(leader, 65536):
                seen.append(chunk)
        except OSError:  # how Linux says that the other end was closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("LINES", "40")
        patch.setenv("TERM", "xterm-256color")
        stream = os.fdopen(follower, "w", encoding="utf-8")
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", stream)
        try:
            cli.main([str(one) for one in arguments], obj=Face())
            code = 0
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        finally:
            stream.close()
    reader.join()
    os.close(leader)
    return Screen(code, b"".join(seen).decode())
