"""YAML and JSON files of a source as plain data, whatever is in them: no tags, no code, no document that grows when it is written out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from ..record.plain import parse_json
from ..record.yaml_text import load_guarded
from .folders import read_at_most
from .foreign import open_plain

__all__ = ["read_json", "read_yaml", "yaml_of"]

_MOST_BYTES = 64 << 20
if TYPE_CHECKING:
    _BASE = yaml.SafeLoader
else:
    _BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Older(_BASE):
    """YAML 1.1, as PyYAML writes it."""


class _Loader(_BASE):
    """YAML 1.2 with what JSON has: `1e-05` is a number, `yes` and `012-3` are texts."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - the attribute of the class that is inherited from


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+0123456789.")),
    ("merge", r"<<", ["<"]),
):  # fmt: skip
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first
    )


def _whole(loader: _Loader, node: yaml.Node) -> int:
    text = str(loader.construct_scalar(node))  # type: ignore[arg-type]
    base = 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10
    return int(text, base)


def _real(loader: _Loader, node: yaml.Node) -> float:
    text = str(loader.construct_scalar(node)).lower()  # type: ignore[arg-type]
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


def _text(loader: _Loader, node: yaml.Node) -> Any:
    """What has a tag of some program's own is kept as the plain data that it is written in."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _whole)
_Loader.add_constructor("tag:yaml.org,2002:float", _real)
_Loader.add_constructor(None, _text)
_Older.add_constructor(None, _text)


def read_yaml(path: str, *, version: tuple[int, int] = (1, 2), most: int = _MOST_BYTES) -> Any:
    """What a YAML file holds.

    Args:
        version: Of YAML: 1.1 for what PyYAML wrote, in which the text 1e5 stands without quotes.
        most: The most bytes that it may have.

    Raises:
        ValueError: It is no YAML, or too large.
        OSError: It cannot be read.
    """
    return yaml_of(_bytes(path, most), version=version)


def yaml_of(data: bytes | str, *, version: tuple[int, int] = (1, 2)) -> Any:
    """What YAML text holds; see `read_yaml`.

    Raises:
        ValueError: It is no YAML, or too large.
    """
    try:
        return load_guarded(data, _Loader if version == (1, 2) else _Older)
    except (yaml.YAMLError, OverflowError, TypeError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error


def read_json(path: str) -> Any:
    """What a JSON file holds.

    Raises:
        ValueError: It is no JSON, or too large.
        OSError: It cannot be read.
    """
    return parse_json(_bytes(path, _MOST_BYTES).decode("utf-8", "replace"))


def _bytes(path: str, most: int) -> bytes:
    with open_plain(path) as file:
        data = read_at_most(file, most + 1)
    if len(data) > most:
        raise ValueError(f"it is larger than {most:,} bytes")
    return data
