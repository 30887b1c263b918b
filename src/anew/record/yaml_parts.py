"""Looking through YAML text part by part, before it is read.

libyaml's reader calls itself for each level, and a text of some thousand brackets ends the process at the end of the stack. Its parser does not.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["DEEPEST", "check_yaml"]

DEEPEST = 100
"""Levels of lists and mappings."""


def check_yaml(text: bytes | str, *, aliases: bool = True) -> None:
    """See to it that text can be read: it is nested no deeper than `DEEPEST`.

    Args:
        aliases: Whether it may refer to parts of itself.

    Raises:
        ValueError: It may not be read.
        yaml.YAMLError: It is no YAML.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent) and not aliases:
            raise ValueError("it refers to parts of itself (`*name`)")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError("it is nested too deeply")
