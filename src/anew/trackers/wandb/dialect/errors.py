"""`wandb.errors`: each is also an `anew.AnewError`, and the builtin that a caller would expect.

Error
├── UsageError(ValueError)                 a call that cannot be right
│   └── RunFinished(NotRunning)            a call on a run that has ended
├── NotStarted(NotRunning)                 a call that needs wandb.init() first
├── ConfigError(TypeError)                 a value of the config was changed without allow_val_change
├── CommError(NotFound)                    no such run, sweep, file or artifact
│   └── AuthenticationError                never raised: there is no account
├── UnsupportedError                       what this dialect does not do
├── ArtifactNotLoggedError(AttributeError) a property that an artifact has when it is logged
└── ArtifactFinalizedError(AttributeError) a logged artifact was changed
"""

from __future__ import annotations

from anew.errors import AnewError, NotFound, NotRunning

__all__ = [
    "ArtifactFinalizedError",
    "ArtifactNotLoggedError",
    "AuthenticationError",
    "CommError",
    "ConfigError",
    "Error",
    "NotStarted",
    "RunFinished",
    "UnsupportedError",
    "UnsupportedName",
    "UsageError",
]


class Error(AnewError):
    """The root of the errors of this dialect; `message` is what it says."""

    @property
    def message(self) -> str:
        """What happened."""
        return str(self)


class UsageError(Error, ValueError):
    """A call that cannot be right."""


class RunFinished(UsageError, NotRunning):
    """A call on a run that has ended."""


class NotStarted(Error, NotRunning):
    """A call that needs a run came before `wandb.init()`."""

    def __init__(self, call: str) -> None:
        super().__init__(f"You must call wandb.init() before wandb.{call}")


class ConfigError(Error, TypeError):
    """A value of the config was changed without `allow_val_change=True`."""


class CommError(Error, NotFound):
    """There is no run, sweep, file or artifact of that name; `nearest` are likely meanings."""

    def __init__(self, message: str, *, name: str | None = None, nearest: tuple[str, ...] = ()):
        NotFound.__init__(self, message, name=name, nearest=nearest)


class AuthenticationError(CommError):
    """Nobody is asked who they are here, so it is never raised; programs catch it."""


class UnsupportedError(Error):
    """Something that this dialect does not do; the guide lists all of it."""


class UnsupportedName(UnsupportedError, AttributeError):
    """A name that this dialect does not have: `hasattr` says so."""


class ArtifactNotLoggedError(Error, AttributeError):
    """A property was asked for that an artifact has only when it is logged."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'Artifact.{name}' used prior to logging artifact: call run.log_artifact(artifact) first."
        )


class ArtifactFinalizedError(Error, AttributeError):
    """An artifact that was logged cannot be changed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'Artifact.{name}' used on logged artifact. Can't modify finalized artifact: make a new one "
            "of the same name, or a draft of it with new_draft()."
        )
