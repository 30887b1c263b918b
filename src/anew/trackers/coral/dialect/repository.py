"""A repository of weights that knows which experiment is running."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anew.weights import Commit, Weights


__all__ = ["Repository", "model_to_weights", "root_of"]


def model_to_weights(model: Any, **options: Any) -> Weights:
    """All tensors of a model by name, as `anew.weights.model_to_weights`."""
    from anew.weights import model_to_weights as native

    return native(model, **options)


class Repository:
    """A folder with experiments and versions of weights; does all that `anew.weights.Repository` does.

    Args:
        path: The folder.
        init: Make the repository when there is none.

    Raises:
        NotFound: There is no repository and `init` is not set.

    Attributes:
        native: The `anew.weights.Repository` below.
        running: The id of the experiment that commits are linked with, if one is running.
        running_step: The last step that this experiment has logged.
    """

    def __init__(self, path: str | os.PathLike[str], init: bool = False, **options: Any) -> None:
        from anew.weights import Repository as Native

        self.path = os.fspath(path)
        self.native = Native(os.path.join(self.path, "weights"), init, **options)
        self.running: str | None = None
        self.running_step: int | None = None

    def commit(self, message: str, **options: Any) -> Commit:
        """Make a version of what is staged, linked with the experiment that is running and its last step.

        With nothing staged there is nothing to make a version of: a warning is given, and the current version is
        returned (an empty one in a repository that has none).
        """
        if not self.native.is_staged:
            warnings.warn(
                f"Nothing is staged, so the commit {message!r} makes no new version. Call stage_weights(...) before "
                "commit(...).",
                stacklevel=2,
            )
            current = self.native.log(limit=1)
            if current:
                return current[0]
            self.native.stage_weights({})
        return self.native.commit(
            message, **{"experiment": self.running, "step": self.running_step, **options}
        )

    def __getattr__(self, name: str) -> Any:
        if name == "native":  # it could not be opened
            raise AttributeError(name)
        return getattr(self.native, name)

    def __repr__(self) -> str:
        return f"<coral.Repository {self.path}>"


def root_of(repo: Any) -> str | None:
    """The store that a repository lies in; None, the usual one, where that cannot be told."""
    if isinstance(repo, Repository):
        return repo.path
    url = str(getattr(repo, "url", "")).removeprefix("file://")
    return (
        os.path.dirname(url) if os.path.basename(url) == "weights" and os.path.isdir(url) else None
    )
