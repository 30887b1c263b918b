"""The source of a notebook or an interactive session: the cells that were run, as a script."""

from __future__ import annotations

import os
import sys

from ..record.secrets import mask_source
from .shared import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["notebook_source"]


def notebook_source() -> tuple[dict[str, Any], bytes] | None:
    """What IPython ran so far, cell by cell with secrets masked, and what the record says of it; None outside IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return None
    namespace = getattr(shell, "user_ns", {})
    path = namespace.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    cells = [cell for cell in namespace.get("In", []) if isinstance(cell, str) and cell.strip()]
    text = "\n\n".join(f"# %% [{number}]\n{cell}" for number, cell in enumerate(cells, 1)) + "\n"
    clean = mask_source(text, code=True)
    data = clean.encode("utf-8", "surrogateescape")
    facts = {"cells": len(cells), "path": str(path) if path else None, "source": digest(data)}
    if clean != text:
        facts["masked"] = True
    return facts, data
