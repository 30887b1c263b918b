"""The small YAML documents (`meta.yaml`) of MLflow's folders, which may come from anybody."""

from __future__ import annotations

from typing import Any

import yaml

from ....errors import CorruptData

__all__ = ["read_document"]

_MOST_TEXT = 1 << 20
_DEEPEST = 8
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(path: str) -> dict[str, Any]:
    """What a document says, as plain JSON would; nothing in it is run.

    Raises:
        CorruptData: It says nothing, nests too deeply, or repeats itself by references, which grow without bounds.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        text = file.read(_MOST_TEXT + 1)
    if len(text) > _MOST_TEXT:
        raise CorruptData(f"It has more than {_MOST_TEXT:,} bytes.", path=path)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_LOADER):  # one by one, without recursion
            if isinstance(event, yaml.AliasEvent):
                raise CorruptData("It refers to itself.", path=path)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _DEEPEST:
                    raise CorruptData("It nests too deeply.", path=path)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        found = yaml.load(text, Loader=_LOADER)  # a safe loader, in C where there is one
    except (yaml.YAMLError, ValueError, OverflowError, TypeError) as error:
        if isinstance(error, CorruptData):
            raise
        raise CorruptData(
            f"It is no YAML: {' '.join(str(error).split())[:200]}", path=path
        ) from error
    if not isinstance(found, dict):
        raise CorruptData("It does not say what lies in its folder.", path=path)
    return {str(name): value for name, value in found.items()}
