"""Records machine-learning experiments in open files, and runs them again.

from anew import Experiment, Store

with Experiment("alice/vision/resnet50", config={"lr": 3e-4}) as exp:
    exp.log_metrics({"train/loss": 0.5}, step=0)

Store().search("metrics.train/loss < 1", sort="metrics.train/loss")
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .autolog import capture as capture
    from .errors import AnewError as AnewError
    from .naming import generate_experiment_name as generate_experiment_name
    from .provenance.seeds import get_rng_state as get_rng_state
    from .provenance.seeds import seed_everything as seed_everything
    from .provenance.seeds import seed_worker as seed_worker
    from .provenance.seeds import set_rng_state as set_rng_state
    from .record.status import Status as Status
    from .run_info import RUN as RUN
    from .session import current as current
    from .session import finish as finish
    from .session import log as log
    from .session import log_metric as log_metric
    from .session import log_metrics as log_metrics
    from .session import setup_experiment as setup_experiment
    from .session import start as start
    from .session import track as track
    from .store import Store as Store
    from .tracking.experiment import Experiment as Experiment
    from .values import Audio as Audio
    from .values import Figure as Figure
    from .values import Histogram as Histogram
    from .values import Image as Image
    from .values import Table as Table
    from .values import Text as Text
    from .values import Video as Video


__version__ = "0.1.0"

# Importing the package costs next to nothing: each name is loaded by its first use.
_WHERE = {
    "AnewError": "errors",
    "Audio": "values",
    "Experiment": "tracking.experiment",
    "Figure": "values",
    "Histogram": "values",
    "Image": "values",
    "RUN": "run_info",
    "Status": "record.status",
    "Store": "store",
    "Table": "values",
    "Text": "values",
    "Video": "values",
    "capture": "autolog",
    "current": "session",
    "finish": "session",
    "generate_experiment_name": "naming",
    "get_rng_state": "provenance.seeds",
    "log": "session",
    "log_metric": "session",
    "log_metrics": "session",
    "seed_everything": "provenance.seeds",
    "seed_worker": "provenance.seeds",
    "set_rng_state": "provenance.seeds",
    "setup_experiment": "session",
    "start": "session",
    "track": "session",
}

__all__ = [*_WHERE, "__version__"]


def __getattr__(name: str) -> object:
    where = _WHERE.get(name)
    if where is None:
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        from .tracking.habits import missing

        raise missing("The module anew", name, __all__)
    import importlib

    value = getattr(importlib.import_module(f"{__name__}.{where}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
