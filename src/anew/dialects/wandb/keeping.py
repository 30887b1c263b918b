"""What a run keeps besides what it logs: files, artifacts, and histograms of a model."""

from __future__ import annotations

import os

from .errors import UnsupportedError
from .facts import RunFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .artifact import Artifact

__all__ = ["Keeping"]


class Keeping(RunFacts):
    """The calls of a run about files, artifacts and models."""

    __slots__ = ()

    def watch(
        self,
        models: Any,
        criterion: Any = None,
        log: str | None = "gradients",
        log_freq: int = 1000,
        idx: int | None = None,
        log_graph: bool = False,
    ) -> None:
        """Log histograms of a torch model's gradients, its parameters, or "all", every `log_freq` backward passes."""
        from .watching import watch

        self._needs("watch")
        watch(self, models, log, log_freq, idx)

    def unwatch(self, models: Any = None) -> None:
        """Log no more histograms of these models; of none at all if none is given."""
        from .watching import unwatch

        unwatch(self, models)

    def save(
        self,
        glob_str: str | os.PathLike[str] | bytes,
        base_path: str | os.PathLike[str] | None = None,
        policy: str = "live",
        glob: bool = True,
    ) -> list[str]:
        """Keep files; with the policies "live" and "end" they are kept again at the end if they changed."""
        self._needs("save")
        return self._files.save(glob_str, base_path, policy, glob)

    def restore(
        self, name: str, run_path: str | None = None, replace: bool = False, root: str | None = None
    ) -> Any:
        """A file of a run (this one if no path is given), copied to `root` and opened."""
        from .saving import restored

        return restored(self, name, run_path, replace, root)

    def log_artifact(
        self,
        artifact_or_path: Artifact | str | os.PathLike[str],
        name: str | None = None,
        type: str | None = None,
        aliases: list[str] | None = None,
        tags: list[str] | None = None,
    ) -> Artifact:
        """Keep a version of an artifact; content that is the latest version's makes no new one."""
        from .committing import log_artifact

        self._needs("log_artifact")
        return log_artifact(self, artifact_or_path, name, type, aliases, tags)

    def use_artifact(
        self,
        artifact_or_name: str | Artifact,
        type: str | None = None,
        aliases: list[str] | None = None,
        use_as: str | None = None,
    ) -> Artifact:
        """A version of an artifact, noted as something that this run used."""
        from .stored import use_artifact

        self._needs("use_artifact")
        return use_artifact(self, artifact_or_name, type)

    def log_code(
        self,
        root: str | None = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> Artifact | None:
        """Keep source files as an artifact of type "code"; None if there are none."""
        from .committing import log_code

        self._needs("log_code")
        return log_code(self, root or ".", name, include_fn, exclude_fn)

    def log_model(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        aliases: list[str] | None = None,
    ) -> None:
        """Keep a file or folder as an artifact of type "model"."""
        self.log_artifact(path, name=name, type="model", aliases=aliases)

    def use_model(self, name: str) -> str:
        """The path of a model that was logged: its file, or its folder if it has several."""
        artifact = self.use_artifact(name, type="model")
        folder = artifact.download()
        files = list(artifact.manifest.entries)
        return os.path.join(folder, files[0]) if len(files) == 1 else folder

    def link_artifact(self, artifact: Artifact, target_path: str, aliases: Any = None) -> Any:
        """Not supported."""
        return artifact.link(target_path, aliases)

    def link_model(
        self, path: Any, registered_model_name: str, name: Any = None, aliases: Any = None
    ) -> Any:
        """Not supported."""
        raise UnsupportedError(
            "There is no registry to link a model to; use log_model() with an alias."
        )

    def upsert_artifact(self, *_: Any, **__: Any) -> Any:
        """Not supported."""
        raise UnsupportedError(
            "An artifact of several runs is not supported: log it from one of them."
        )

    finish_artifact = upsert_artifact
