"""Code written for Weights & Biases: `import anew.dialects.wandb as wandb`.

A run is an experiment of Anew: `wandb.run.native` is the `anew.Experiment`, its config the parameters, what is logged
metrics and values at wandb's steps. Steps that go back are kept, where wandb drops them. Nothing is sent anywhere, so every mode
but "disabled" records on this machine.
"""

import sys
import types

from ...trackers.wandb import dialect
from ...trackers.wandb.dialect import *  # noqa: F403  (all that it lists)
from ...trackers.wandb.dialect import __all__ as _listed
from ...trackers.wandb.dialect import disabled as _disabled
from ...trackers.wandb.dialect import downloads as _downloads
from ...trackers.wandb.dialect import environment as _environment
from ...trackers.wandb.dialect import media as _media
from ...trackers.wandb.dialect import public_run as _public_run
from ...trackers.wandb.dialect import sklearn as _sklearn
from ...trackers.wandb.dialect import summaries as _summaries
from ...trackers.wandb.dialect.api import Project as _Project
from ...trackers.wandb.dialect.api import Runs as _Runs
from ..addresses import named, provide
from . import errors as errors
from . import plot as plot
from . import util as util

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...trackers.wandb.dialect import config as config
    from ...trackers.wandb.dialect import run as run
    from ...trackers.wandb.dialect import summary as summary

__version__ = "0.31.0"
"""The version of wandb whose calls these are."""

__all__ = sorted([*_listed, "errors", "plot", "util"])

provide(
    __name__,
    {
        "apis.public": {
            "Api": dialect.Api,
            "Project": _Project,
            "Runs": _Runs,
            "File": _downloads.File,
            "Files": _downloads.Files,
            "Run": _public_run.PublicRun,
        },
        "data_types": {
            **named(_media),
            "box3d": dialect.box3d,
            "Table": dialect.Table,
            "WBValue": _media.Media,
        },
        "env": named(_environment),
        "sdk.artifacts.artifact": {"Artifact": dialect.Artifact},
        "sdk.artifacts.exceptions": {
            "ArtifactFinalizedError": errors.ArtifactFinalizedError,
            "ArtifactNotLoggedError": errors.ArtifactNotLoggedError,
        },
        "sdk.data_types.base_types.wb_value": {"WBValue": _media.Media},
        "sdk.data_types.image": {"Image": dialect.Image},
        "sdk.data_types.table": {"Table": dialect.Table},
        "sdk.data_types.video": {"Video": dialect.Video},
        "sdk.lib": {"RunDisabled": _disabled.RunDisabled},
        "sdk.lib.config_util": {"ConfigError": errors.ConfigError},
        "sdk.lib.disabled": {"RunDisabled": _disabled.RunDisabled},
        "sdk.wandb_config": {"Config": dialect.Config},
        "sdk.wandb_run": {"Run": dialect.Run},
        "sdk.wandb_settings": {"Settings": dialect.Settings},
        "sdk.wandb_summary": {"Summary": _summaries.Summary},
        "sklearn": named(_sklearn),
        "wandb_run": {"Run": dialect.Run},
    },
)


class _Module(types.ModuleType):
    """The module, whose `config` and `summary` a program may assign before `init`: from then on they are the run's."""

    def __setattr__(self, name: str, value: "Any") -> None:
        if name in ("config", "run", "summary"):
            _assigned[name] = value
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in ("config", "run", "summary"):
            _assigned.pop(name, None)
        else:
            super().__delattr__(name)


_assigned: "dict[str, Any]" = {}
dialect.active.whenever_meant(_assigned.clear)
sys.modules[__name__].__class__ = _Module


def __getattr__(name: str) -> "Any":
    """What changes (`run`, `config`, `summary`), and the reason for what is not there."""
    return _assigned[name] if name in _assigned else getattr(dialect, name)
