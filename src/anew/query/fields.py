"""What can be asked about: every field of the filter language, and names resolved against those there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, Protocol

from ..errors import QueryError
from .short_names import STATS, Meaning, Preferred, meanings
from .suggest import nearest, one_of
from .syntax import And, Compare, Expression, Field, Not, Or
from .tokens import mistake

__all__ = [
    "COLUMNS",
    "CONTENTS",
    "STATS",
    "Fact",
    "KnownNames",
    "Labels",
    "Metric",
    "Param",
    "Tag",
    "Target",
    "fields_in",
    "names_in",
    "resolve",
]

Kind = Literal["text", "status", "number", "time", "duration", "bool"]

COLUMNS: dict[str, tuple[str, Kind, str]] = {
    "id": ("experiment_id", "text", "The experiment's id."),
    "name": (
        "name",
        "text",
        "Its name: the last segment of the prefix, or what it was renamed to.",
    ),
    "prefix": ("prefix", "text", "Its path under the store's root."),
    "owner": ("owner", "text", "First segment of a prefix of three segments or more."),
    "project": ("project", "text", "Second segment of such a prefix; the first of one of two."),
    "status": ("status", "status", "pending, running, completed, failed or cancelled."),
    "reason": ("reason", "text", "Why it failed or was cancelled."),
    "created_at": ("created_at", "time", "When it was first opened."),
    "started_at": ("started_at", "time", "When it began to run."),
    "ended_at": ("ended_at", "time", "When it ended; missing while it runs."),
    "updated_at": ("updated_at", "time", "When it last wrote anything."),
    "duration": (
        "duration",
        "duration",
        "How long it ran, until now while it runs; pauses before it was continued are left out.",
    ),
    "user": ("user", "text", "Who ran it."),
    "host": ("host", "text", "The machine it ran on."),
    "description": ("description", "text", "Its description."),
    "notes": ("notes", "text", "Its notes."),
    "parent": ("parent", "text", "Id of the experiment it comes from."),
    "relation": ("relation", "text", "How: child, resumed, forked or reproduces."),
    "git.commit": ("git_commit", "text", "The commit it ran from, as a full hash."),
    "git.branch": ("git_branch", "text", "The branch."),
    "git.dirty": ("git_dirty", "bool", "Whether there were uncommitted changes."),
    "metric_count": ("metric_count", "number", "How many different metrics it logged."),
    "point_count": ("point_count", "number", "How many points, of all metrics."),
    "file_count": ("file_count", "number", "How many files."),
    "file_bytes": ("file_bytes", "number", "Bytes of all files."),
    "value_count": ("value_count", "number", "How many images, tables and other values."),
    "lost": ("lost", "number", "Records that could not be written."),
}
"""Fields by name: the catalog's column, what it holds, what it means."""

SECTIONS = ("params", "config", "metrics", "tags", "bindrs")

CONTENTS: dict[str, Literal["input", "file"]] = {"inputs": "input", "files": "file"}
"""What experiments read and logged: conditions ask whether something is among it, by its name or its hash."""


class KnownNames(Protocol):
    """The names that there are, for resolving and for suggestions."""

    @property
    def empty(self) -> bool:
        """Whether there are no experiments: then no name can be wrong."""
        ...

    def has(self, kind: str, name: str) -> bool:
        """Whether any experiment has a name of that kind: param, config, metric, tag or bindr."""
        ...

    def all(self, kind: str) -> Sequence[str]:
        """All names of that kind."""
        ...

    def holds(self, kind: str, name: str) -> tuple[bool, bool]:
        """Whether any experiment has a number, and whether any has a text, under a name of that kind."""
        ...


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of the experiment itself, by its column's name."""

    column: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter or configuration key, nested ones dotted.

    "either" is the parameter, and in experiments without it the configuration key of that name.
    """

    kind: Literal["param", "config", "either"]
    name: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One summary value of a metric."""

    name: str
    stat: str


@dataclass(frozen=True, slots=True)
class Tag:
    """The value of a tag."""

    name: str


@dataclass(frozen=True, slots=True)
class Labels:
    """All tags, all bindrs, all that it read, or all files that it logged."""

    kind: Literal["tag", "bindr", "input", "file"]


Target = Fact | Param | Metric | Tag | Labels


def resolve(
    field: Field,
    names: KnownNames,
    text: str,
    *,
    must_exist: bool = True,
    prefer: Preferred | None = None,
) -> Target:
    """What a field as written stands for.

    A name without a section, such as `lr` or `val/acc.max`, is a fact of the experiment, or the parameter, configuration
    key or metric that it can only mean (see `short_names`).

    Args:
        text: The whole filter, for the error.
        must_exist: Whether a name no experiment has is an error (it never is in an empty catalog).
        prefer: What a name without a section is taken for first.

    Raises:
        QueryError: There is no such field, no experiment has such a name, or a short one can mean several.
    """
    must_exist = must_exist and not field.may_be_unknown
    head, *rest = field.parts
    if not head.quoted and head.text in CONTENTS and not rest:
        return Labels(CONTENTS[head.text])
    if head.quoted or head.text not in SECTIONS:
        return _short(field, names, text, prefer)
    section = head.text
    if section in ("tags", "bindrs"):
        if not rest:
            return Labels("tag" if section == "tags" else "bindr")
        if section == "bindrs":
            raise mistake(
                "A bindr has no value.", text, field.position, f"'{rest[0].text}' in bindrs"
            )
        name = ".".join(part.text for part in rest)
        if must_exist and not names.has("tag", name) and not names.empty:
            raise _unknown("tags", "tag", name, field, names, text)
        return Tag(name)
    if not rest:
        example = {"params": "params.lr", "config": "config.lr", "metrics": "metrics.loss"}[section]
        raise mistake(f"A name is missing after {section!r}.", text, field.position, example)
    if section == "metrics":
        return _metric(field, names, text, must_exist)
    kind: Literal["param", "config"] = "param" if section == "params" else "config"
    name = ".".join(part.text for part in rest)
    if must_exist and not names.has(kind, name) and not names.empty:
        raise _unknown(section, kind, name, field, names, text)
    return Param(kind, name)


def fields_in(expression: Expression) -> Iterator[Field]:
    """The fields that a filter asks about, each time that it does."""
    match expression:
        case And(items) | Or(items):
            for item in items:
                yield from fields_in(item)
        case Not(item):
            yield from fields_in(item)
        case Compare(left=left, right=right):
            yield from (side for side in (left, right) if isinstance(side, Field))
        case _:
            yield expression.field


def names_in(field: Field) -> Iterator[tuple[str, str]]:
    """The names, each with its kind, that `resolve` asks about first, so that they can be looked up together."""
    head, *rest = field.parts
    short = head.quoted or head.text not in SECTIONS
    parts = [part.text for part in (field.parts if short else rest)]
    kinds = _KINDS_OF_SHORT if short else _KINDS.get(head.text, ())
    if not parts or (short and not head.quoted and ".".join(parts) in COLUMNS):
        return
    for kind in kinds:
        yield kind, ".".join(parts)
        if kind == "metric" and len(parts) > 1 and parts[-1] in STATS:
            yield kind, ".".join(parts[:-1])


_KINDS = {"params": ("param",), "config": ("config",), "metrics": ("metric",), "tags": ("tag",)}
_KINDS_OF_SHORT = ("param", "config", "metric")


def _short(field: Field, names: KnownNames, text: str, prefer: Preferred | None) -> Target:
    """A fact, or what a name without its section means."""
    name = ".".join(part.text for part in field.parts)
    if not field.parts[0].quoted and name in COLUMNS:
        column, kind, _ = COLUMNS[name]
        return Fact(column, kind)
    found = meanings([part.text for part in field.parts], names, prefer)
    if len(found) == 1:
        return _target(found[0])
    if found:
        shown = [_shown(one) for one in found[:_MOST_SHOWN]]
        more = "" if len(found) <= _MOST_SHOWN else f" and {len(found) - _MOST_SHOWN} more"
        error = mistake(
            f"{field.text!r} can mean {', '.join(shown)}{more}.",
            text,
            field.position,
            one_of(shown),
        )
        error.candidates = tuple(map(_shown, found))
        raise error
    raise _no_field(name, field, names, text)


_MOST_SHOWN = 8


def _target(meaning: Meaning) -> Target:
    if meaning.kind == "metric":
        return Metric(meaning.name, meaning.stat)
    return Param(meaning.kind, meaning.name)


def _shown(meaning: Meaning) -> str:
    section = {"metric": "metrics", "config": "config"}.get(meaning.kind, "params")
    stat = f".{meaning.stat}" if meaning.stat != "last" else ""
    return written(section, meaning.name) + stat


def _no_field(name: str, field: Field, names: KnownNames, text: str) -> QueryError:
    suggestions = []
    if field.parts[0].text.lower() in ("param", "metric", "tag", "bindr", "configs"):
        tail = field.text[len(field.parts[0].text) :]
        section = field.parts[0].text.lower().rstrip("s")
        suggestions.append(("config" if section == "config" else section + "s") + tail)
    kinds = (("params", "param"), ("config", "config"), ("metrics", "metric"))
    known: dict[str, str] = {}  # by the whole name and by its end
    for section, kind in kinds:
        for one in names.all(kind):
            known.setdefault(one, written(section, one))
            known.setdefault(re.split(r"[./]", one)[-1], written(section, one))
    near = nearest(name, [*known, *COLUMNS, *SECTIONS])
    best = max((_alike(name, one) for one in near), default=0.0)
    suggestions += [known.get(one, one) for one in near if _alike(name, one) >= best]
    if (
        not suggestions and text.strip().lstrip("-+") == field.text
    ):  # a column, where no text can be meant
        suggestions += list(dict.fromkeys(known.values()))[:3]
    elif not suggestions and len(field.parts) == 1:
        suggestions.append(f"'{name}' (put strings in quotes)")
    return mistake(
        f"There is no field {field.text!r}.",
        text,
        field.position,
        one_of(dict.fromkeys(suggestions)) if suggestions else None,
    )


def _alike(name: str, other: str) -> float:
    return SequenceMatcher(None, name.lower(), other.lower()).ratio()


def _metric(field: Field, names: KnownNames, text: str, must_exist: bool) -> Metric:
    rest = field.parts[1:]
    whole = ".".join(part.text for part in rest)
    last = rest[-1]
    with_stat = len(rest) > 1 and not last.quoted and last.text in STATS
    stem = ".".join(part.text for part in rest[:-1])
    ends = with_stat and any(part.quoted for part in rest[:-1])  # quotes say where a name ends
    is_whole = not ends and names.has("metric", whole)
    is_stem = with_stat and names.has("metric", stem)
    if is_stem and ends:
        return Metric(stem, last.text)
    if is_whole and is_stem:
        raise mistake(
            f"{field.text!r} could mean the metric {whole!r} or the {last.text} of {stem!r}.",
            text,
            field.position,
            f'metrics["{whole}"] or metrics["{stem}"].{last.text}',
        )
    if is_whole:
        return Metric(whole, "last")
    if with_stat and (is_stem or not must_exist or names.empty):
        return Metric(stem, last.text)
    if not must_exist or names.empty:
        return Metric(whole, "last")
    no_stat = len(rest) > 1 and not last.quoted and not with_stat
    if no_stat and names.has("metric", stem):
        close = nearest(last.text, STATS, 1)
        raise mistake(
            f"A metric has no {last.text!r}; it has {', '.join(STATS)}.",
            text,
            last.position,
            f"{written('metrics', stem)}.{close[0]}" if close else None,
        )
    name, stat = (stem, "." + last.text) if with_stat else (whole, "")
    raise _unknown("metrics", "metric", name, field, names, text, stat)


def _unknown(
    section: str, kind: str, name: str, field: Field, names: KnownNames, text: str, suffix: str = ""
) -> QueryError:
    noun = {"param": "parameter", "config": "configuration key"}.get(kind, kind)
    known = names.all(kind)
    suggestions = [
        written(other_section, name)
        for other, other_section in (
            ("param", "params"),
            ("config", "config"),
            ("metric", "metrics"),
        )
        if other != kind and names.has(other, name)
    ]
    if not suggestions:
        near = nearest(name, known)
        if not near:  # or the end of one is meant
            ends = {re.split(r"[./]", one)[-1]: one for one in known}
            near = [ends[one] for one in nearest(name, ends)]
        suggestions = [written(section, one) + suffix for one in near]
    message = f"No experiment has a {noun} {name!r}."
    if not suggestions and known:
        shown = ", ".join(sorted(known)[:6]) + (", …" if len(known) > 6 else "")
        message += f" There are: {shown}."
    return mistake(message, text, field.position, one_of(suggestions) if suggestions else None)


def written(section: str, name: str) -> str:
    """A name as it must be written after its section; in brackets where a path would not do."""
    plain = all(
        segment and all(c.isalnum() or c in "_/-:@%" for c in segment)
        for segment in name.split(".")
    )
    if plain:
        return f"{section}.{name}"
    quote = "'" if '"' in name else '"'
    escaped = name.replace("\\", "\\\\")
    if quote in escaped:
        escaped = escaped.replace("'", "\\'")
    return f"{section}[{quote}{escaped}{quote}]"
