"""Errors as exit codes, a sentence, and the command to try next: one table each.

| code | meaning |
|---|---|
| 0 | done, also when a list has nothing in it |
| 1 | something outside went wrong: the disk, a missing package, a bug; or two experiments differ (`reproduce`, `diff`, `check`) |
| 2 | the command line, a filter, a name or a setting cannot be understood; or two experiments cannot be compared |
| 3 | an experiment, metric, file or version was not found |
| 4 | the start of an id means several experiments |
| 5 | refused: it still runs, or it needs `--yes` |
| 6 | data on disk is not what it should be |
| 130 | interrupted with Ctrl-C |
| 141 | the reader of the output went away, as `head` does |
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .. import errors

__all__ = ["EXIT_CODES", "Explained", "Refused", "explain"]

EXIT_CODES = {
    0: "Done, also when a list has nothing in it.",
    1: "Something outside went wrong: the disk, a missing package, a bug. Of `reproduce`, `diff` and `check`: DIVERGED, CHANGED or NOT EQUIVALENT.",
    2: "The command line, a filter, a name or a setting cannot be understood. Of `reproduce`, `diff` and `check`: NOT COMPARABLE, NOT ENOUGH RUNS, or it could not be run again.",
    3: "An experiment, metric, file or version was not found.",
    4: "The start of an id means several experiments.",
    5: "Refused: it still runs, or it needs --yes.",
    6: "Data on disk is not what it should be.",
    130: "Interrupted with Ctrl-C.",
    141: "The reader of the output went away, as `head` does.",
}


class Refused(errors.AnewError):
    """The command would do what was not agreed to."""


@dataclass(frozen=True)
class Explained:
    """An error for people: exit code, what happened, what to do next ("" when the message says it)."""

    code: int
    message: str
    hint: str


# No experiment is called so: a prefix has none of these characters, and an id no spaces.
_FILTER = re.compile(r"[<>]|==|!=|=~|!~| in tags")

# The first class that fits decides. `{0}` stands for the first nearest name or candidate.
_TABLE: tuple[tuple[type[BaseException], int, str], ...] = (
    (errors.QueryError, 2, "See `anew list --help` for what a filter may say."),
    (errors.Ambiguous, 4, "Give more of the id, such as `{0}`."),
    (errors.NotFound, 3, "`anew list` shows what there is."),
    (errors.NotAllowed, 5, ""),
    (errors.TookTooLong, 1, ""),
    (errors.StillRunning, 5, "Wait for it to end, or end its process; `anew watch` shows it."),
    (errors.Conflict, 5, ""),
    (errors.NotVerified, 5, ""),
    (Refused, 5, ""),
    (errors.InvalidName, 2, ""),
    (errors.InvalidValue, 2, ""),
    (errors.InvalidSetting, 2, ""),
    (errors.ConfigFrozen, 5, ""),
    (errors.AlreadyRunning, 5, ""),
    (errors.NotRunning, 5, ""),
    (errors.CorruptData, 6, "`anew doctor` looks for all that is damaged."),
    (errors.UnknownFormat, 6, "Install a newer version of Anew."),
    (errors.WriteFailed, 1, ""),
    (errors.Incomplete, 1, ""),
    (errors.MissingDependency, 1, ""),
    (errors.ReproduceError, 2, ""),
    (FileExistsError, 5, "Choose another target, or move it away."),
    (PermissionError, 1, ""),
    (OSError, 1, ""),
    (errors.AnewError, 1, ""),
)


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    return str(error) or type(error).__name__


def explain(error: BaseException) -> Explained | None:
    """What to tell about an error; None for one that nobody foresaw."""
    for kind, code, hint in _TABLE:
        if isinstance(error, kind):
            names = getattr(error, "candidates", ()) or getattr(error, "nearest", ())
            if "{0}" in hint:
                hint = hint.format(names[0]) if names else ""
            # A suggestion is worth more than a pointer to the list.
            elif kind is errors.NotFound:
                if _FILTER.search(str(getattr(error, "name", None) or "")):
                    hint = "That reads like a filter: write --filter before it."
                elif names or "`anew list`" in str(error):
                    hint = ""
            return Explained(code, _sentence(error), hint)
    return None
