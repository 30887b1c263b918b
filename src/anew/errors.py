"""Every error Anew raises, on one page.

    AnewError
    ├── InvalidName(ValueError)          a prefix, name, tag or metric name that cannot be kept
    ├── InvalidValue(ValueError, TypeError)  a value out of range, or of a kind that cannot be recorded
    ├── InvalidSetting(ValueError)       an unknown setting, or one with a value it cannot have
    ├── ConfigFrozen(TypeError)          the configuration was changed after the start
    ├── NotRunning(RuntimeError)         a call that needs a started, unended experiment
    ├── AlreadyRunning(RuntimeError)     a second start of what has started
    ├── NotFound(KeyError)               no experiment, metric or file of that name
    ├── Ambiguous(LookupError)           the start of an id that several experiments share
    ├── NotAllowed(PermissionError)      a server wants to know who asks, or does not let them do it
    ├── QueryError(ValueError)           a filter that cannot be read; points at the column
    ├── StillRunning(RuntimeError)       an action refused while the experiment is being written
    ├── Conflict(RuntimeError)           an edit refused because somebody else changed the same meanwhile
    ├── NotVerified(RuntimeError)        a promotion refused because no re-run has the verdict that it demands
    ├── TookTooLong(TimeoutError)        a question that was ended because it took too long
    ├── WriteFailed(OSError)             the journal could not be written (raised when strict)
    ├── Incomplete(OSError)              done, except for files that could not be read
    ├── CorruptData(ValueError)          bytes on disk that are not what they should be
    ├── UnknownFormat(ValueError)        a folder written by a newer version
    ├── MissingDependency(ImportError)   an optional package is needed
    ├── WeightsError(RuntimeError)       a version of weights that cannot be made or read
    └── ReproduceError(RuntimeError)     an experiment that cannot be run again as recorded

Each also is the builtin that a caller would expect, carries its facts as attributes, and says what
happened, to what, and what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AlreadyRunning",
    "Ambiguous",
    "AnewError",
    "ConfigFrozen",
    "Conflict",
    "CorruptData",
    "Incomplete",
    "InvalidName",
    "InvalidSetting",
    "InvalidValue",
    "MissingDependency",
    "NotAllowed",
    "NotFound",
    "NotRunning",
    "NotVerified",
    "QueryError",
    "ReproduceError",
    "StillRunning",
    "TookTooLong",
    "UnknownFormat",
    "WeightsError",
    "WriteFailed",
]


class AnewError(Exception):
    """The root of every error raised by Anew."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument; a sentence must not come out in quotes.
        return str(self.args[0]) if self.args else ""


class InvalidName(AnewError, ValueError):
    """A prefix, name, tag or metric name that cannot be kept as given."""

    def __init__(self, message: str, *, name: object = None) -> None:
        super().__init__(message)
        self.name = name


class InvalidValue(AnewError, ValueError, TypeError):
    """A value that the call cannot take: out of its range, or of a kind that cannot be recorded.

    Most checks ask for both at once ("a whole number from 1 on"), so it is the builtin that a caller expects for
    either. `key` is where the value stood.
    """

    def __init__(self, message: str, *, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


class InvalidSetting(AnewError, ValueError):
    """An unknown setting, or a setting with a value it cannot have."""

    def __init__(self, message: str, *, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class ConfigFrozen(AnewError, TypeError):
    """The configuration was changed after the experiment started; `keys` are what differs."""

    def __init__(self, message: str, *, keys: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.keys = tuple(keys)


class NotRunning(AnewError, RuntimeError):
    """A call that needs a started experiment came before its start or after its end."""


class AlreadyRunning(AnewError, RuntimeError):
    """An experiment that has started was started again."""


class NotFound(AnewError, KeyError):
    """No experiment, metric, file or version goes by that name; `nearest` are likely meanings."""

    def __init__(
        self, message: str, *, name: str | None = None, nearest: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.name = name
        self.nearest = tuple(nearest)


class Ambiguous(AnewError, LookupError):
    """The start of an id that several experiments share; `candidates` are their ids."""

    def __init__(self, message: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class NotAllowed(AnewError, PermissionError):
    """A server does not know who asks, or does not let them do what they asked for."""


class QueryError(AnewError, ValueError):
    """A filter or a field that cannot be read. `text` is what was written, `position` the column of the mistake.

    `candidates` are what a short name can mean, where it can mean several things.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str = "",
        position: int | None = None,
        suggestion: str | None = None,
        candidates: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)
        self.text = text
        self.position = position
        self.suggestion = suggestion

    def __str__(self) -> str:
        lines = [str(self.args[0])]
        if self.text and self.position is not None:
            lines += [f"  {self.text}", f"  {' ' * self.position}^"]
        if self.suggestion:
            lines.append(f"Did you mean {self.suggestion}?")
        return "\n".join(lines)


class StillRunning(AnewError, RuntimeError):
    """An action was refused because the experiment is still being written."""


class Conflict(AnewError, RuntimeError):
    """An edit was refused: what it was to replace is not what its author saw any more. Look again, then edit."""


class NotVerified(AnewError, RuntimeError):
    """A version of a model was not promoted: no re-run of its experiment has the verdict that was demanded.

    Attributes:
        experiment_id: The experiment; "" where the version comes from none.
        required: What was demanded.
        command: The command that may bring it.
        verdict: The verdict of the newest re-run, `rerun` its id; "" where it was never run again.
    """

    def __init__(
        self,
        message: str,
        *,
        experiment_id: str = "",
        required: str = "",
        command: str = "",
        verdict: str = "",
        rerun: str = "",
    ) -> None:
        super().__init__(message)
        self.experiment_id = experiment_id
        self.required = required
        self.command = command
        self.verdict = verdict
        self.rerun = rerun


class TookTooLong(AnewError, TimeoutError):
    """A question was ended because it took longer than the server lets one take."""


class WriteFailed(AnewError, OSError):
    """The journal could not be written; `path` is the segment, `lost` the records not kept."""

    def __init__(self, message: str, *, path: str | None = None, lost: int = 0) -> None:
        super().__init__(message)
        self.path = path
        self.lost = lost


class Incomplete(AnewError, OSError):
    """What was asked for was done but for some files that could not be read; `left_out` maps each to the reason."""

    def __init__(self, message: str, *, left_out: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.left_out = left_out or {}


class CorruptData(AnewError, ValueError):
    """Bytes on disk are not what they should be; `path` and `line` say where."""

    def __init__(self, message: str, *, path: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class UnknownFormat(AnewError, ValueError):
    """A folder was written in a format newer than this version reads."""


class MissingDependency(AnewError, ImportError):
    """An optional package is needed; the message names the command that installs it."""

    @classmethod
    def of(cls, what: str, package: str, extra: str) -> MissingDependency:
        """`what` needs a package that comes with an extra of Anew."""
        return cls(
            f"{what} needs the package {package}, which is not installed. Install it with: "
            f'pip install "anew[{extra}]"',
            name=package,
        )


class WeightsError(AnewError, RuntimeError):
    """A version of weights cannot be made or read."""


class ReproduceError(AnewError, RuntimeError):
    """An experiment cannot be run again as it was recorded.

    Attributes:
        why: In two or three words, for programs: one of those in the reference (`docs/reference/verdicts.md`).
    """

    def __init__(self, message: str, *, why: str = "") -> None:
        super().__init__(message)
        self.why = why
