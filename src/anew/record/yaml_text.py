"""YAML that somebody else wrote, read without harm: no depth that ends the process, and no names that fill the memory.

PyYAML composes a document by recursion, with libyaml in C: one that is nested some ten thousand times ends the process, and no error is raised. So the depth is told part by
part first, which takes no recursion.
"""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["load_guarded"]

_DEEPEST = 100
_MOST_PARTS = 1_000_000


def load_guarded(text: bytes | str, loader: Any, *, aliases: bool = True) -> Any:
    """The one document in `text`; None if there is none.

    Args:
        loader: A loader's class: the safe one, or one that inherits from it.
        aliases: Whether it may refer to parts of itself.

    Raises:
        yaml.YAMLError: It is not YAML, or more than one document.
        ValueError: It is nested more than a hundred deep, contains itself, is too large written out, or refers to parts of itself where it may not.
    """
    _check_parts(text, loader, aliases)
    reading = loader(text)
    try:
        node = reading.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > _MOST_PARTS:
            raise ValueError(
                "it names the same parts again and again, and would be too large written out"
            )
        return reading.construct_document(node)
    except RecursionError as error:
        raise ValueError("it contains itself") from error
    finally:
        reading.dispose()


def _check_parts(text: bytes | str, loader: Any, aliases: bool) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent) and not aliases:
            raise ValueError("it refers to parts of itself (`*name`)")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many parts a document has when everything that it names again is written out."""
    if id(node) not in known:
        known[id(node)] = _MOST_PARTS + 1  # for a part that contains itself
        size = 1
        if isinstance(node, yaml.MappingNode):
            size += sum(_size(key, known) + _size(value, known) for key, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            size += sum(_size(value, known) for value in node.value)
        known[id(node)] = size
    return known[id(node)]
