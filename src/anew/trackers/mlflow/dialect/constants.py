"""Names that programs and libraries import from MLflow's own modules: tags, limits, variables of the environment."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["LIMITS", "TAGS", "VARIABLES", "resolve_tags"]

TAGS: dict[str, str] = {
    f"MLFLOW_{name.upper().replace('.', '_')}": f"mlflow.{tag}"
    for name, tag in {
        "run_name": "runName",
        "run_note": "note.content",
        "parent_run_id": "parentRunId",
        "user": "user",
        "source_type": "source.type",
        "source_name": "source.name",
        "git_commit": "source.git.commit",
        "git_branch": "source.git.branch",
        "git_repo_url": "source.git.repoURL",
        "dataset_context": "data.context",
        "logged_models": "log-model.history",
        "autologging": "autologging",
    }.items()
}
"""`mlflow.utils.mlflow_tags`: `MLFLOW_RUN_NAME` is "mlflow.runName", and so on."""

LIMITS: dict[str, int] = {
    "MAX_BATCH_LOG_REQUEST_SIZE": 10**6,
    "MAX_ENTITIES_PER_BATCH": 1000,
    "MAX_ENTITY_KEY_LENGTH": 250,
    "MAX_EXPERIMENT_TAG_KEY_LENGTH": 250,
    "MAX_METRICS_PER_BATCH": 1000,
    "MAX_PARAMS_TAGS_PER_BATCH": 100,
    "MAX_PARAM_VAL_LENGTH": 6000,
    "MAX_TAG_VAL_LENGTH": 8000,
}
"""`mlflow.utils.validation`: what MLflow takes at a time. Anew takes more; libraries cut to these."""


class _Variable:
    """A variable of the environment, as `mlflow.environment_variables` has it."""

    def __init__(self, name: str, default: Any = None) -> None:
        self.name = name
        self.default = default

    @property
    def defined(self) -> bool:
        """Whether it is set."""
        return self.name in os.environ

    def is_set(self) -> bool:
        """Whether it is set."""
        return self.defined

    def get_raw(self) -> str | None:
        """What it is set to; None if it is not."""
        return os.environ.get(self.name)

    def get(self) -> Any:
        """What it is set to, in the type of its default."""
        text = os.environ.get(self.name)
        if text is None:
            return self.default
        if isinstance(self.default, bool):
            return text.lower() in ("true", "1")
        return type(self.default)(text) if self.default is not None else text

    def set(self, value: Any) -> None:
        """Set it, also for programs that are started."""
        os.environ[self.name] = str(value)

    def unset(self) -> None:
        """Set it no more."""
        os.environ.pop(self.name, None)

    def __str__(self) -> str:
        return self.name


VARIABLES: dict[str, Any] = {
    name: _Variable(name, default)
    for name, default in {
        "MLFLOW_EXPERIMENT_ID": None,
        "MLFLOW_EXPERIMENT_NAME": None,
        "MLFLOW_RUN_ID": None,
        "MLFLOW_TRACKING_URI": None,
        "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": False,
        "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": None,
        "MLFLOW_ENABLE_ASYNC_LOGGING": False,
        "MLFLOW_TRUNCATE_LONG_VALUES": True,
    }.items()
}
"""`mlflow.environment_variables`."""


def resolve_tags(tags: Any = None, ignore: Any = None) -> dict[str, str]:
    """The tags that a run begins with, and those given."""
    import getpass
    import sys

    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = ""
    found = {"mlflow.user": user, "mlflow.source.name": sys.argv[0], "mlflow.source.type": "LOCAL"}
    return found | {str(key): str(value) for key, value in (tags or {}).items()}
