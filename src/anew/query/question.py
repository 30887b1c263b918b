"""What is asked of many experiments at once, and what comes back: frozen structs, the same for every engine.

A `Question` is made from what the user wrote (`ask`) without looking at any store: whether a name exists, and what
kind of values it has, is found out by whoever answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ..errors import QueryError
from .parser import parse
from .syntax import And, Expression, Field
from .tokens import tokenize

__all__ = [
    "Column",
    "FactsQuestion",
    "Name",
    "NamesQuestion",
    "Part",
    "Question",
    "Selected",
    "SettingKind",
    "SortKey",
    "Wanted",
    "ask",
    "parse_field",
    "parse_sort",
]


class SortKey(msgspec.Struct, frozen=True):
    """One thing to sort by. Missing values and NaN come last in both directions."""

    field: Field
    descending: bool = False


class Wanted(msgspec.Struct, frozen=True):
    """A column of the answer.

    `field` may also be a whole section (`params`, `config`, `metrics`, `tags`, `bindrs`): then there is a column for
    every name in it that any of the experiments has, and one column of all labels for `tags` and `bindrs`.
    `of` says which value stands for the experiments of a group: "std" is with n - 1. It is "each" in a question without groups.
    """

    field: Field
    of: Literal["each", "sum", "min", "max", "mean", "std"] = "each"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which experiments, in which order, and what of them.

    Attributes:
        ids: Only these, in this order unless there is a sort; those that are not there are left out. It has no
            meaning in a question of groups.
        filter: The condition they meet; None for all.
        text: The filter as written, which error messages show.
        sort: What to sort by; what is equal keeps the order of indexing (turned around when the first key
            descends). Without a key the order is that of indexing.
        columns: What to tell of each, beside the id.
        group: Fields whose equal values make one row; the answer then has their values, a count, and `columns`.
        limit: At most this many rows.
        offset: How many rows to leave out before the first.
        total: Whether to count all of them, also those that the limit leaves out.
        most_ids: Of more rows than this no ids are told, for whoever wants their columns alone; None: they always are.
        now: The time that durations count from, seconds since the epoch.
    """

    ids: tuple[str, ...] | None = None
    filter: Expression | None = None
    text: str = ""
    sort: tuple[SortKey, ...] = ()
    columns: tuple[Wanted, ...] = ()
    group: tuple[Field, ...] = ()
    limit: int | None = None
    offset: int = 0
    total: bool = False
    most_ids: int | None = None
    now: float


class Column(msgspec.Struct, frozen=True):
    """One column of an answer, a value per row; None where there is none. A NaN that was recorded is a NaN.

    `kind` is "any" where a column may hold values of several types.
    """

    name: str
    kind: Literal["text", "integer", "number", "bool", "any"]
    values: Sequence[Any]


class Selected(msgspec.Struct, frozen=True):
    """The answer to a question.

    Attributes:
        ids: The experiments' ids in order; empty in an answer of groups, and of more than were wanted.
        columns: The columns asked for, in that order. Of groups: the fields grouped by, `count`, then those.
        total: How many rows there are without the limit; None if that was not asked for and did not come up.
        next: The offset at which the next rows begin; None if these are the last ones.
    """

    ids: Sequence[str]
    columns: tuple[Column, ...] = ()
    total: int | None = None
    next: int | None = None


SettingKind = Literal["param", "config", "tag"]
Part = Literal["state", "metrics", "files", "values", "problems"]


class FactsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of some experiments, one by one.

    The answer has an `ExperimentFacts` for each id in the order given; those that are not there are left out.
    `parts` says which of its optional fields to fill.
    """

    ids: Sequence[str]
    parts: frozenset[Part] = frozenset()
    now: float


class NamesQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which names there are, or which values a field has.

    Attributes:
        kind: Of what: a param, a config key, a metric, a tag, a bindr, or "value" for the values of `field`. A "setting" is a param, a
            config key or a tag that has a value; how many have it, and whether these differ, is always told of it.
        among: The experiments that have them, for "setting" and "metric"; all if None. Its limit, sort and columns are not looked at.
        contains: Only those with this text in them, upper and lower case alike.
        counts: Whether to count the experiments that have each. Values are always counted.
        limit: At most this many: names in the order of their code points, values with the most frequent first.
    """

    kind: Literal["param", "config", "metric", "tag", "bindr", "value", "setting"]
    among: Question | None = None
    field: Field | None = None
    contains: str = ""
    counts: bool = False
    limit: int | None = None
    now: float = 0.0


class Name(msgspec.Struct, frozen=True):
    """A name, or a value of a field as `value`; `count` is how many experiments have it, if that was asked for.

    Of a setting, `kind` says which kind it is of, `values` how many different values it has, and `value` which one if that is one: as a
    text, if it is none of what a value may be here. A plain tag has the value True.
    """

    name: str
    count: int | None = None
    value: str | int | float | bool | None = None
    values: int | None = None
    kind: SettingKind | None = None


def ask(
    filter: str | None = None,
    *,
    given: Sequence[Expression] = (),
    sort: str | Sequence[str] = (),
    columns: Sequence[str | Wanted] = (),
    group: Sequence[str] = (),
    limit: int | None = None,
    offset: int = 0,
    total: bool = False,
    now: float,
) -> Question:
    """The question that a user's words make.

    Args:
        filter: An expression of the filter language.
        given: Conditions that must be met as well.
        sort: One or several fields, see `parse_sort`.
        columns: Fields as they are written in a filter.
        group: Fields to group by.

    Raises:
        QueryError: A text cannot be read; the error points at the column.
        ValueError: `limit` or `offset` is negative.
    """
    if (limit is not None and limit < 0) or offset < 0:
        raise ValueError(f"limit and offset must be 0 or more, not {limit} and {offset}.")
    items = ([] if filter is None else [parse(filter)]) + list(given)
    return Question(
        filter=None if not items else items[0] if len(items) == 1 else And(tuple(items)),
        text=filter or "",
        sort=parse_sort(sort),
        columns=tuple(
            one if isinstance(one, Wanted) else Wanted(parse_field(one)) for one in columns
        ),
        group=tuple(parse_field(one) for one in group),
        limit=limit,
        offset=offset,
        total=total,
        now=now,
    )


def parse_field(text: str) -> Field:
    """A field written by itself, such as `status` or `metrics.val_loss.min`.

    Raises:
        QueryError: It is not one field.
    """
    tokens = tokenize(text)
    if len(tokens) != 2 or tokens[0].kind != "path":
        raise QueryError(
            f"{text!r} is not a field. A field is written as 'created_at' or "
            "'metrics.val_loss.min'.",
            text=text,
            position=0,
        )
    return Field(tokens[0].parts, text, 0)


def parse_sort(sort: str | Sequence[str]) -> tuple[SortKey, ...]:
    """The keys of a sort such as `-created_at`, `status,-created_at`, or several of them.

    Raises:
        QueryError: One of them is not a field.
    """
    parts = [sort] if isinstance(sort, str) else list(sort)
    if isinstance(sort, str) and not set("[`") & set(sort):
        parts = sort.split(",")
    keys = []
    for part in parts:
        text = part.strip()
        bare = text.removeprefix("-").removeprefix("+").strip()
        tokens = tokenize(bare)
        if len(tokens) != 2 or tokens[0].kind != "path":
            raise QueryError(
                f"{part!r} is not a sort key. Give a field, with '-' before it to sort in "
                "descending order: '-created_at' or 'metrics.val_loss.min'.",
                text=part,
                position=0,
            )
        keys.append(SortKey(Field(tokens[0].parts, bare, 0), text.startswith("-")))
    return tuple(keys)
