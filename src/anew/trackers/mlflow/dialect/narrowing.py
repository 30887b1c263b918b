"""A filter of MLflow in Anew's own language, as far as that can say it: what narrows the runs to be asked one by one.

The narrower never leaves out a run for which the filter is true; it may let through some for which it is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .filters import Condition

__all__ = ["literal", "narrower", "under"]

_STATUS = {
    "RUNNING": "running", "SCHEDULED": "pending", "FINISHED": "completed", "FAILED": "failed",
    "KILLED": "cancelled",
}  # fmt: skip


def literal(text: str) -> str:
    """A text as the filter language writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def under(project: str) -> str:
    """The condition that an experiment lies in a project; one without a project counts as one of "Default"."""
    pattern = "".join(f"\\{c}" if c in ".^$*+?{}[]|()\\" else c for c in project)
    lone = "|[^/]*$" if project == "Default" else ""
    return f"prefix =~ {literal(f'^({pattern}/{lone})')}"


def narrower(conditions: Iterable[Condition]) -> str | None:
    """What must be true of every run that meets all the conditions; None if nothing can be said."""
    said = [text for one in conditions if (text := _said(one))]
    return " and ".join(said) or None


def _said(one: Condition) -> str | None:
    if one.sign == "IS NULL":
        return None
    if one.entity == "metric":
        field = f"metrics[{literal(one.name)}].last"
        sign = "==" if one.sign == "=" else one.sign
        if sign in ("==", "!=", "<", "<=", ">", ">=") and one.value == one.value:
            return f"{field} {sign} {one.value!r}"
        return f"{field} exists"
    if one.entity == "param" and one.sign in ("=", "IN"):
        return _param(one.name, [one.value] if one.sign == "=" else one.value)
    if one.entity == "attribute" and one.name == "status" and one.sign in ("=", "IN"):
        values = [one.value] if one.sign == "=" else one.value
        known = [_STATUS[value] for value in values if value in _STATUS]
        return f"status in ({', '.join(map(literal, known))})" if known else None
    if one.entity == "attribute" and one.name == "run_id" and one.sign in ("=", "IN"):
        values = [one.value] if one.sign == "=" else one.value
        return f"id in ({', '.join(map(literal, values))})"
    if one.entity == "tag" and one.sign == "=" and not one.name.startswith("mlflow."):
        # A tag without a value reads as an empty text.
        return f"tags[{literal(one.name)}] == {literal(one.value)}" if one.value else None
    return None


def _param(name: str, texts: list[str]) -> str | None:
    """A parameter whose text is one of these: as a text, or as the number or truth value that is written so."""
    field = f"params[{literal(name)}]"
    said = []
    for text in texts:
        if text in ("", "None", "nan") or text[0] in "[{(<" or len(text) > 200:
            return (
                None  # what is missing or no number, lists and mappings are compared in other ways
            )
        said.append(f"{field} == {literal(text)}")
        if text in ("True", "False"):
            said.append(f"{field} == {text.lower()}")
        number = _number(text)
        if number is not None:
            said.append(f"{field} == {number!r}")
    return f"({' or '.join(said)})"


def _number(text: str) -> Any:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if found == found else None
