"""`restore`: a file that a run kept, copied and opened."""

from __future__ import annotations

import os

from .api import Api
from .errors import CommError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["restored"]


def restored(name: str, run_path: str, folder: str, replace: bool, root: str | None) -> Any:
    """A file of a run, copied to a folder and opened for reading.

    Args:
        folder: A file of that name there is opened as it is, unless `replace`.
        root: The root folder of the store.

    Raises:
        UsageError: There is no such run, or it has no such file.
    """
    target = os.path.join(folder, name)
    if os.path.isfile(target) and not replace:
        return open(target, encoding="utf-8")
    try:
        return Api(root=root).run(run_path).file(name).download(root=folder, replace=True)
    except CommError as error:
        raise UsageError(f"{error} It cannot be restored.") from error
