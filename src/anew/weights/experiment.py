"""The weights of one experiment: a branch of its own in the store's repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from anew.errors import NotRunning

if TYPE_CHECKING:
    from anew.weights.bundle import Weights
    from anew.weights.records import Commit
    from anew.weights.repository import Repository
    from anew.weights.snapshot import Snapshot

__all__ = ["DisabledWeights", "ExperimentWeights"]

BRANCHES = "experiments"


class ExperimentWeights:
    """`exp.weights`: commits models of one experiment to the branch `experiments/<id>`.

    The repository is opened, and made when there is none, at the first use; nothing is imported
    before.

    Args:
        repository: the path or URL of the repository, such as the store's `weights/` folder.
        experiment_id: the experiment the commits are linked with; also names the branch.
        on_commit: told of every commit: its hash, message and step. This is how the experiment
            records them.
        start: the commit, branch or tag this experiment begins from, for one that was forked or
            resumed; deltas are then against its weights.
        durable: as in `Repository`.
        fetch: called before the first use where the repository has no such branch: it may be that another machine has it, and
            then brings it.
    """

    def __init__(
        self,
        repository: str | os.PathLike[str],
        experiment_id: str,
        *,
        on_commit: Callable[[str, str, int | None], None] | None = None,
        start: str | None = None,
        author: str | None = None,
        durable: bool = True,
        fetch: Callable[[], None] | None = None,
    ) -> None:
        self._fetch = fetch
        self._path = repository
        self._experiment = experiment_id
        self._on_commit = on_commit
        self._start = start
        self._author = author
        self._durable = durable
        self._opened: Repository | None = None

    @property
    def branch(self) -> str:
        """The branch of this experiment."""
        return f"{BRANCHES}/{self._experiment}"

    @property
    def repository(self) -> Repository:
        """The repository; made here at the first use."""
        if self._opened is None:
            from anew.weights.repository import Repository

            self._opened = Repository(
                self._path,
                init=True,
                branch=self.branch,
                author=self._author,
                durable=self._durable,
            )
            if self._fetch is not None and self.branch not in self._opened.branches():
                self._fetch()
            if self._start is not None and self.branch not in self._opened.branches():
                self._opened.branch(self.branch, self._start)
        return self._opened

    def commit(
        self,
        model: Any,
        message: str,
        step: int | None = None,
        *,
        optimizer: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Commit:
        """Keep a model as it is now; gives the commit, whose `.commit_hash` finds it again.

        Args:
            model: anything `model_to_weights` takes.
            message: what this version is.
            step: the training step.
            optimizer: kept beside the model, to go on training from here.
            metadata: anything plain worth keeping with it.

        Raises:
            InvalidValue: a tensor or metadata that cannot be kept.
            OSError: the disk is full or the place cannot be reached; nothing was committed.
        """
        repository = self.repository
        repository.stage_weights(model, optimizer=optimizer)
        commit = repository.commit(
            message, experiment=self._experiment, step=step, metadata=metadata
        )
        if self._on_commit is not None:
            self._on_commit(commit.commit_hash, message, step)
        return commit

    def log(self, *, limit: int | None = None) -> list[Commit]:
        """The commits of this experiment, newest first."""
        return self.repository.log(limit=limit, experiment=self._experiment)

    def load(self, ref: str = "HEAD") -> Weights:
        """All weights of a version; HEAD is this experiment's newest."""
        return self.repository.get_all_weights(ref)

    def open(self, ref: str = "HEAD") -> Snapshot:
        """A version whose tensors are read when they are looked up."""
        return self.repository.open(ref)

    def load_into(self, target: Any, ref: str = "HEAD") -> Any:
        """Put a version into a torch module, an optimizer or a Keras model."""
        return self.repository.load_into(target, ref)


class DisabledWeights(ExperimentWeights):
    """`exp.weights` of a disabled experiment: a commit keeps nothing and has an empty hash."""

    def __init__(self) -> None:
        super().__init__("", "")

    @property
    def repository(self) -> Repository:
        """There is none.

        Raises:
            NotRunning: always; there is nothing to read.
        """
        raise NotRunning("The experiment is disabled, so it has no weights to read.")

    def commit(
        self,
        model: Any,
        message: str,
        step: int | None = None,
        *,
        optimizer: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Commit:
        """Do nothing; gives a commit whose hash is empty."""
        from anew.weights.records import Commit

        return Commit("", b"", (), "", 0.0, message, None, step, {}, 0, 0)

    def log(self, *, limit: int | None = None) -> list[Commit]:
        """No commits."""
        return []
