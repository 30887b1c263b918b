"""The JSON beside each page: the address that a browser has, with `.json` behind its path, answers a program what a command says of the same."""

from __future__ import annotations

from typing import Any

import msgspec

from ..commands.difference import DiffOptions
from ..commands.questions import (
    CompareOptions,
    ListOptions,
    ReportsListOptions,
    ReportsShowOptions,
    ShowOptions,
)
from ..errors import InvalidValue
from ..reports.meaning import condition_of, quoted
from . import comparing
from .commands import answered
from .page_answers import ReproductionAnswer
from .page_requests import ReproductionRequest
from .routes import Call, Route

__all__ = ["BESIDE", "split_list"]


class ExperimentsLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the page of experiments; lists have commas between, and a comma in one of their texts is `\\,`.

    Attributes:
        q: The filter.
        below: The folder of experiments that is shown.
        archived: Whether archived ones are shown too; `reproductions` likewise.
        sort: Fields, each with `-` before it to sort downwards.
        group: Fields whose equal values make one row; then `columns` are their results.
        selected: Ids; these alone.
        limit: At most this many; 0 for all.
    """

    q: str = ""
    below: str = msgspec.field(default="", name="in")
    archived: bool = False
    reproductions: bool = False
    sort: str = "-created_at"
    group: str = ""
    columns: str = ""
    selected: str = ""
    limit: int = 100
    offset: int = 0


class DifferenceLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the page of differences: experiments with commas between."""

    ids: str = ""


class ReportsLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the page of reports.

    Attributes:
        at: The report that is open, `project:name`; `:name` is one for all projects.
        below: The project whose reports are listed beside those for all.
    """

    at: str = ""
    below: str = msgspec.field(default="", name="in")


def split_list(text: str) -> tuple[str, ...]:
    """The texts of a list in a link."""
    if not text:
        return ()
    found, at = [""], 0
    while at < len(text):
        one = text[at]
        if one == ",":
            found.append("")
        else:
            at += one == "\\"
            found[-1] += text[at : at + 1]
        at += 1
    return tuple(found)


def _experiments(call: Call) -> dict[str, Any]:
    asked: ExperimentsLink = call.question
    parts = {"filter": asked.q, "project": asked.below, "archived": asked.archived, "reproductions": asked.reproductions}  # fmt: skip
    conditions = [condition_of(parts, None)]
    if asked.selected:
        conditions.append(f"id in ({', '.join(map(quoted, split_list(asked.selected)))})")
    return answered(call, "list", ListOptions(
        filter=" and ".join(one for one in conditions if one) or None, sort=split_list(asked.sort), group_by=split_list(asked.group),
        columns=split_list(asked.columns) if asked.group else (), limit=asked.limit, offset=asked.offset, reproductions=True,
    ))  # fmt: skip


def _difference(call: Call) -> dict[str, Any]:
    ids = split_list(call.question.ids)
    if len(ids) < 2:
        raise InvalidValue("A difference is between two experiments or more: ids=k7f3,p2m8.", key="ids")  # fmt: skip
    if len(ids) == 2:
        return answered(call, "diff", DiffOptions(first=ids[0], second=ids[1]))
    return answered(call, "compare", CompareOptions(experiments=ids))


def _reports(call: Call) -> dict[str, Any]:
    project, colon, name = call.question.at.rpartition(":")
    if colon and name:
        return answered(call, "reports/show", ReportsShowOptions(name=name, project=project or None))  # fmt: skip
    return answered(call, "reports", ReportsListOptions(project=call.question.below or None))


def _experiment(call: Call) -> dict[str, Any]:
    return answered(call, "show", call.question)


_Document = dict[str, Any]
BESIDE: tuple[Route, ...] = (
    Route("GET", "/experiments.json", "beside-experiments", ExperimentsLink, _Document, "What the page of experiments shows, as `anew list --json` says it.", reply=_experiments, link=True),
    Route("GET", "/diff.json", "beside-difference", DifferenceLink, _Document, "What the page of differences shows: two experiments as `anew diff --json`, more as `anew compare --json`.", reply=_difference, link=True),
    Route("GET", "/reports.json", "beside-reports", ReportsLink, _Document, "What the page of reports shows, as `anew reports … --json` says it.", reply=_reports, link=True),
    Route("GET", "/x/{ref}/reproduction.json", "beside-reproduction", ReproductionRequest, ReproductionAnswer, "What the page of a reproduction shows.", reply=comparing.reproduction, link=True),
    Route("GET", "/x/{experiment:path}.json", "beside-experiment", ShowOptions, _Document, "What the page of an experiment shows, as `anew show --json` says it.", reply=_experiment, link=True),
)  # fmt: skip
"""Their queries are those of the page's own links; what a list has no use for, such as how charts are drawn, is passed over."""
