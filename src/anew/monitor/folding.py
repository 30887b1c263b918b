"""Reducing terminal output to the lines finally visible: progress bars folded, colours and cursor moves removed.

A progress bar rewrites its line many times a second by returning the carriage; several bars move the
cursor up and down as well. Written to a file as they come, they would fill it. Here only the state in
which a line was left counts.
"""

from __future__ import annotations

import re

__all__ = ["LineFolder"]

MAX_LINE = 64 * 1024
_MAX_ROWS = 200
_MAX_ESCAPE = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TOKEN = re.compile(
    r"\x1b\[(?P<numbers>[0-?]*)[ -/]*(?P<command>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # a window's title, a link
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]*[0-~]"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)
_UNFINISHED = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)?\Z"
)


class LineFolder:
    """Takes text as it is written and gives back lines once they are complete.

    Models as much of a terminal as progress bars use: carriage return, backspace, tabs, erasing, and moving
    the cursor over the last lines. Lines that are moved back to have been given out already; they are given
    out once more, as they were left, when the next new line begins.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []  # the newest line, while text is merely appended to it
        self._size = 0
        self._line: str | None = None  # the newest line, once the cursor has moved in it
        self._column = 0
        self._moved = False  # whether the cursor went back in the newest line
        self._row = 0  # 0 is the newest line, -1 the one above it
        self._above: dict[int, str] = {}
        self._unfinished = ""

    def feed(self, text: str) -> str:
        """Take in `text`; returns the lines this completed, each with its newline, or ""."""
        if self._unfinished:
            text, self._unfinished = self._unfinished + text, ""
        if self._line is None and not self._row and not _CONTROL.search(text):
            return self._append(text)
        open_end = _UNFINISHED.search(text)
        if open_end is not None and len(text) - open_end.start() <= _MAX_ESCAPE:
            text, self._unfinished = text[: open_end.start()], open_end.group()
        return "".join(self._move(text))

    def flush(self) -> str:
        """What has been written of lines not yet complete, as lines; the folder is then as new."""
        rest = [*self._left_above(), self._newest()]
        self.__init__()  # type: ignore[misc]
        return "".join(f"{line}\n" for line in rest if line)

    def _append(self, text: str) -> str:
        head, newline, tail = text.rpartition("\n")
        if newline:
            done = "".join([*self._parts, head, "\n"])
            self._parts, self._size = [tail] if tail else [], len(tail)
            if not self._above:
                return done
            return "".join(f"{line}\n" for line in self._left_above()) + done
        self._parts.append(text)
        self._size += len(text)
        if self._size < MAX_LINE:
            return ""
        done = "".join([*self._parts, "\n"])
        self._parts, self._size = [], 0
        return done

    def _move(self, text: str) -> list[str]:
        done: list[str] = []
        if self._line is None:
            self._line = "".join(self._parts)
            self._parts, self._size = [], 0
            if not self._row:
                self._column = len(self._line)
        for token in _TOKEN.finditer(text):
            if token["text"]:
                self._put(token["text"])
            elif token["control"] == "\n":
                done += self._newline()
            elif token["control"] == "\r":
                self._column, self._moved = 0, True
            elif token["control"] == "\b":
                self._column, self._moved = max(0, self._column - 1), True
            elif token["control"] == "\t":
                self._put("\t")
            elif token["command"]:
                self._command(token["command"], token["numbers"])
            if self._line and len(self._line) >= MAX_LINE:
                self._row = 0
                done += self._newline()
        if not self._row and not self._line and not self._moved:
            self._line, self._column = None, 0
        return done

    def _get(self) -> str:
        return (self._above.get(self._row, "") if self._row else self._line) or ""

    def _set(self, line: str) -> None:
        if self._row:
            self._above[self._row] = line[:MAX_LINE]
        else:
            self._line = line

    def _put(self, text: str) -> None:
        line = self._get()
        if len(line) < self._column:
            line = line.ljust(self._column)
        self._set(line[: self._column] + text + line[self._column + len(text) :])
        self._column += len(text)

    def _newline(self) -> list[str]:
        self._column = 0
        if self._row:
            self._row += 1
            return []
        lines = [*self._left_above(), self._newest()]
        self._line, self._moved = "", False
        return [f"{line}\n" for line in lines]

    def _left_above(self) -> list[str]:
        """The lines gone back to, as they were left; those wiped out are not given again."""
        lines = [self._above[row].rstrip(" ") for row in sorted(self._above)]
        self._above = {}
        self._row = 0
        return [line for line in lines if line]

    def _newest(self) -> str:
        if self._line is None:
            return "".join(self._parts)
        # A bar is padded to wipe out what was longer; blanks that were printed as such stay.
        return self._line.rstrip(" ") if self._moved else self._line

    def _command(self, command: str, numbers: str) -> None:
        first = numbers.split(";")[0]
        count = int(first) if first.isdigit() and len(first) < 5 else None
        self._moved = self._moved or command != "m"
        if command in "AF":
            self._row = max(-_MAX_ROWS, self._row - (count or 1))
        elif command in "BE":
            self._row = min(0, self._row + (count or 1))
        elif command == "C":
            self._column = min(MAX_LINE // 2, self._column + (count or 1))
        elif command == "D":
            self._column = max(0, self._column - (count or 1))
        elif command == "G":
            self._column = min(MAX_LINE // 2, (count or 1) - 1)
        elif command == "K":
            line = self._get()
            at = self._column
            self._set({1: " " * min(at, len(line)) + line[at:], 2: ""}.get(count or 0, line[:at]))
        elif command == "J" and not count:
            self._set(self._get()[: self._column])
            for row in [row for row in self._above if row > self._row]:
                del self._above[row]
            if self._row:
                self._line = ""
        if command in "EF":
            self._column = 0
