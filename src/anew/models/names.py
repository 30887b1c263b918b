"""How models, their versions and their aliases are named: `vit`, `vit:3`, `vit@production`, `alice/vision/vit@production`."""

from __future__ import annotations

import msgspec

from ..errors import InvalidName
from ..record.names import check_label

__all__ = ["LATEST", "ModelRef", "check_alias", "check_model_name", "parse_ref"]

LATEST = "latest"
"""The alias that every model has: its newest version."""

_RESERVED = frozenset("/:@")


class ModelRef(msgspec.Struct, frozen=True):
    """A model as it was written, and the version or alias behind it.

    Attributes:
        scope: The project that was written before the name, as a scope; None where none was.
    """

    name: str
    scope: str | None = None
    number: int | None = None
    alias: str | None = None


def check_model_name(name: object) -> str:
    """The name of a model as it is kept.

    Raises:
        InvalidName: It is empty, too long, cannot be shown, or has one of the characters `/`, `:` and `@`, which
            separate a name from its project, version and alias.
    """
    text = check_label(name, "model's name")
    if _RESERVED & set(text) or text != text.strip():
        raise InvalidName(
            f"A model cannot be called {text!r}: '/', ':' and '@' separate a name from its project, version and alias.",
            name=text,
        )
    return text


def check_alias(alias: object) -> str:
    """An alias as it is kept.

    Raises:
        InvalidName: It is empty, too long, has one of the characters `/`, `:` and `@`, is "latest", or reads like the
            number of a version.
    """
    text = check_label(alias, "alias")
    if _RESERVED & set(text) or text != text.strip():
        raise InvalidName(f"An alias is a word without '/', ':' and '@', not {text!r}.", name=text)
    if text.lower() == LATEST or _number(text) is not None:
        raise InvalidName(
            f"The alias {text!r} is reserved: 'latest' is always the newest version, and numbers name versions.",
            name=text,
        )
    return text


def parse_ref(text: object) -> ModelRef:
    """What a text says about a model: `[project/]name[:version]` or `[project/]name[@alias]`.

    `name:production` means the alias too, as W&B writes it, and `name@3` the version.

    Raises:
        InvalidName: It names no model.
    """
    if not isinstance(text, str):
        raise InvalidName(f"A model must be given as a string, not {text!r}.", name=text)
    project, _, last = text.rpartition("/")
    at = min((last.index(c) for c in ":@" if c in last), default=len(last))
    name, what = check_model_name(last[:at]), last[at + 1 :]
    scope = f"project/{project.strip('/')}" if project.strip("/") else None
    if at == len(last):
        return ModelRef(name, scope)
    number = _number(what)
    if number is not None:
        return ModelRef(name, scope, number=number)
    if what.lower() == LATEST:
        return ModelRef(name, scope, alias=LATEST)
    return ModelRef(name, scope, alias=check_alias(what))


def _number(text: str) -> int | None:
    """The number of a version as it is written: `3` or `v3`."""
    digits = text[1:] if text[:1] in ("v", "V") else text
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None
