"""Whether something is a table, and opening it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ....importing.source import Source
from .mapping import mapping_of
from .reading import is_table
from .source import Tables, tables_below

__all__ = ["open_mapped", "open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is a table by its name, or a folder with some in it."""
    return bool(tables_below(path)) if os.path.isdir(path) else is_table(path)


def open_source(path: str) -> Source:
    """Open tables whose columns have the usual names.

    Raises:
        InvalidValue: There are none.
    """
    return Tables(path)


def open_mapped(path: str, mapping: Sequence[str]) -> Source:
    """Open tables, given which column is what: `role=column`, or files that say it.

    Raises:
        InvalidValue: There are none, or the mapping cannot be read.
    """
    return Tables(path, mapping_of(mapping))
