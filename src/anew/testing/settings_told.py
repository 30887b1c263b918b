"""What experiments are set to, counted over all their values one by one: what a catalog tells of it is held against this."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from ..query.question import Name, Question, SettingKind, Wanted, parse_field
from ..stores.catalog.protocol import Answers

__all__ = ["metrics_told", "settings_told"]

_SECTIONS: dict[str, SettingKind] = {"params": "param", "config": "config", "tags": "tag"}


def settings_told(catalog: Answers, question: Question) -> list[Name]:
    """The settings of the experiments that a question selects, as names of the kind "setting"."""
    given: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for column in _columns(catalog, question, *_SECTIONS):
        section, _, name = column.name.partition(".")
        for value in column.values:
            if section == "tags":
                for tag, text in value.items():
                    given["tags", tag].append(True if text is None else text)
            elif value is not None:
                given[section, name].append(value)
    return [
        _told(_SECTIONS[section], name, given[section, name])
        for of in _SECTIONS
        for section, name in sorted(given)
        if section == of
    ]


def metrics_told(catalog: Answers, question: Question) -> list[Name]:
    """The metrics of the experiments that a question selects, with how many of them logged each."""
    return [
        Name(column.name.partition(".")[2], sum(one is not None for one in column.values))
        for column in _columns(catalog, question, "metrics")
    ]


def _columns(catalog: Answers, question: Question, *sections: str) -> Any:
    wanted = tuple(Wanted(parse_field(one)) for one in sections)
    return catalog.select(msgspec.structs.replace(question, columns=wanted)).columns


def _told(kind: SettingKind, name: str, given: list[Any]) -> Name:
    texts = set(map(repr, given))
    only = given[0] if len(texts) == 1 else None
    if only is not None and not isinstance(only, (str, int, float)):
        only = repr(only)
    return Name(name, len(given), only, values=len(texts), kind=kind)
