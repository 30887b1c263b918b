"""What a program reports to TensorBoard through a `SummaryWriter`, PyTorch's or tensorboardX's.

Calls are translated as the dialect translates them (`trackers.tensorboard.translate`), so a program leaves the same record
both ways.
"""

from __future__ import annotations

import os
import weakref
from functools import partial

from ..trackers.tensorboard.translate.calls import CALLS, When, add_hparams
from ..trackers.tensorboard.write import Rows, write, write_row
from ..tracking.experiment import Experiment
from .names import Tags
from .patches import Point

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["POINTS"]

_tags = Tags()
_rows: weakref.WeakKeyDictionary[Experiment, dict[str, Rows]] = weakref.WeakKeyDictionary()
_UNCHANGED = When()


def _report(call: str, experiment: Experiment, writer: Any, /, *args: Any, **kwargs: Any) -> None:
    entries = CALLS[call](_when(writer), *args, **kwargs)
    write(experiment, entries, partial(_tags.name, experiment, _folder(writer)))


def _report_hparams(experiment: Experiment, writer: Any, /, *args: Any, **kwargs: Any) -> None:
    row = add_hparams(_when(writer), *args, **kwargs)
    folder = _folder(writer)
    name = partial(_tags.name, experiment, folder)
    rows = _rows.setdefault(experiment, {}).setdefault(folder, Rows())
    root, prefix = experiment.root, experiment.prefix
    below = rows.place(row, folder, lambda path: os.path.exists(os.path.join(root, prefix, path)))
    if not below:
        write_row(experiment, row, name)
        return
    mode = None if experiment.folder else "disabled"
    with Experiment(
        prefix=f"{prefix}/{below}", parent=experiment, root=root, mode=mode, quiet=True
    ) as child:
        write_row(child, row)


def _folder(writer: Any) -> str:
    return str(getattr(writer, "log_dir", None) or getattr(writer, "logdir", None) or "")


def _when(writer: Any) -> When:
    """What tensorboardX's `use_metadata` says; it has no other place for it than this one."""
    said = getattr(getattr(writer, "file_writer", None), "_default_metadata", None)
    return When(said.get("global_step"), said.get("walltime")) if said else _UNCHANGED


_REPORTS: dict[str, Callable[..., None]] = {call: partial(_report, call) for call in CALLS}
_REPORTS["add_hparams"] = _report_hparams
POINTS = tuple(
    Point("tensorboard", module, "SummaryWriter", call, report)
    for module in ("torch.utils.tensorboard.writer", "tensorboardX.writer")
    for call, report in _REPORTS.items()
)
